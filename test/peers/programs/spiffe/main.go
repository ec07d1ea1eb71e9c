// Fetches a trust bundle as a SPIFFE implementation in another trust domain would, and prints what it read.
//
//	spiffe-bundle web   <url> <trust domain> <roots.pem>
//	spiffe-bundle spiffe <url> <trust domain> <roots.pem> <endpoint's SPIFFE ID>
package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"
	"github.com/spiffe/go-spiffe/v2/federation"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	profile, url, name, roots := args[0], args[1], args[2], args[3]
	trustDomain, err := spiffeid.TrustDomainFromString(name)
	if err != nil {
		return err
	}
	option, err := authentication(profile, trustDomain, roots, args[4:])
	if err != nil {
		return err
	}
	bundle, err := federation.FetchBundle(ctx, trustDomain, url, option)
	if err != nil {
		return err
	}
	sequence, _ := bundle.SequenceNumber()
	refresh, _ := bundle.RefreshHint()
	subjects := []string{}
	for _, anchor := range bundle.X509Authorities() {
		subjects = append(subjects, anchor.Subject.String())
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"trustDomain": bundle.TrustDomain().Name(),
		"subjects":    subjects,
		"sequence":    sequence,
		"refresh":     refresh.Seconds(),
	})
}

func authentication(profile string, trustDomain spiffeid.TrustDomain, roots string, rest []string) (federation.FetchOption, error) {
	if profile == "web" {
		pem, err := os.ReadFile(roots)
		pool := x509.NewCertPool()
		if err == nil && !pool.AppendCertsFromPEM(pem) {
			err = fmt.Errorf("%s has no certificate", roots)
		}
		return federation.WithWebPKIRoots(pool), err
	}
	endpoint, err := spiffeid.FromString(rest[0])
	if err != nil {
		return nil, err
	}
	bundle, err := x509bundle.Load(trustDomain, roots)
	return federation.WithSPIFFEAuth(bundle, endpoint), err
}
