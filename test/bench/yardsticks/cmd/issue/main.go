// Command issue measures crypto/x509 alone: one loop, one CSR, issued again and again.
// Prints {"perSecond": N}, per second of CPU time, so that a busy machine does not count.
package main

import (
	"encoding/json"
	"flag"
	"log"
	"os"
	"syscall"
	"time"

	"capstan/bench/yardsticks/signing"
)

func main() {
	certificate := flag.String("issuer", "", "PEM file of the issuer certificate")
	key := flag.String("key", "", "PEM file of the issuer key (PKCS#8, P-256)")
	csrFile := flag.String("csr", "", "PEM file of the CSR")
	warmup := flag.Duration("warmup", time.Second, "discarded at the start")
	window := flag.Duration("window", 2*time.Second, "measured")
	flag.Parse()

	authority, err := signing.Load(*certificate, *key)
	if err != nil {
		log.Fatal(err)
	}
	csr, err := os.ReadFile(*csrFile)
	if err != nil {
		log.Fatal(err)
	}
	issueFor(authority, csr, *warmup)
	if err := json.NewEncoder(os.Stdout).Encode(map[string]float64{"perSecond": issueFor(authority, csr, *window)}); err != nil {
		log.Fatal(err)
	}
}

func issueFor(authority *signing.Authority, csr []byte, window time.Duration) float64 {
	started, before := time.Now(), cpuTime()
	issued := 0
	for ; time.Since(started) < window; issued++ {
		if _, err := authority.Issue(csr); err != nil {
			log.Fatal(err)
		}
	}
	return float64(issued) / (cpuTime() - before).Seconds()
}

// cpuTime is what all threads of this process have used so far.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		log.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
