// Command client drives either server: `client calls` for CSRs, `client streams` for SDS, `client storm`
// for agents that all arrive at once. It prints one JSON object. It reads the server's CPU time and memory
// itself, so that they belong to the measured window exactly.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"capstan/bench/yardsticks/wire"
)

// target is how to reach the server under load, and as whom.
type target struct {
	address string
	pid     int
	tokens  []string
	tls     *tls.Config
}

func main() {
	if len(os.Args) < 2 {
		log.Fatal("usage: client calls|streams|storm [flags]")
	}
	commands := map[string]func([]string) (any, error){
		"calls": runCalls, "streams": runStreams, "storm": runStorm,
	}
	command, known := commands[os.Args[1]]
	if !known {
		log.Fatalf("unknown command %q", os.Args[1])
	}
	result, err := command(os.Args[2:])
	if err != nil {
		log.Fatal(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		log.Fatal(err)
	}
}

// targetFlags declares the flags that all commands share; call the result after parsing.
func targetFlags(flags *flag.FlagSet) func() (*target, error) {
	address := flags.String("address", "", "host:port of the server")
	pid := flags.Int("pid", 0, "process id of the server")
	roots := flags.String("roots", "", "PEM file that anchors the serving certificate")
	tokens := flags.String("tokens", "", "file with one bearer token per line; empty sends none")
	return func() (*target, error) {
		pool := x509.NewCertPool()
		anchors, err := os.ReadFile(*roots)
		if err != nil {
			return nil, err
		}
		if !pool.AppendCertsFromPEM(anchors) {
			return nil, errors.New("no certificate in -roots")
		}
		lines, err := tokenLines(*tokens)
		if err != nil {
			return nil, err
		}
		config := &tls.Config{RootCAs: pool, ServerName: "localhost"}
		return &target{address: *address, pid: *pid, tokens: lines, tls: config}, nil
	}
}

func tokenLines(file string) ([]string, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return strings.Fields(string(text)), nil
}

func (t *target) dial() (*grpc.ClientConn, error) {
	return grpc.NewClient("passthrough:///"+t.address,
		grpc.WithTransportCredentials(credentials.NewTLS(t.tls)),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(wire.Raw{})),
		grpc.WithDisableServiceConfig(),
		grpc.WithDisableRetry(),
	)
}

// headers are the pairs for metadata.Pairs; numbers get the tokens in turns.
func (t *target) headers(number int) []string {
	if len(t.tokens) == 0 {
		return nil
	}
	return []string{"authorization", fmt.Sprintf("Bearer %s", t.tokens[number%len(t.tokens)])}
}
