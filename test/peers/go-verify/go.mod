module capstan/peers/go-verify

go 1.22
