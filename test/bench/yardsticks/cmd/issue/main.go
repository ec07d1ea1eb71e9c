// Command issue measures crypto/x509 alone: one loop, one CSR, issued again and again.
// Prints {"perSecond": N}.
package main

import (
	"encoding/json"
	"flag"
	"log"
	"os"
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
	started := time.Now()
	for issued := 1; ; issued++ {
		if _, err := authority.Issue(csr); err != nil {
			log.Fatal(err)
		}
		if elapsed := time.Since(started); elapsed >= window {
			return float64(issued) / elapsed.Seconds()
		}
	}
}
