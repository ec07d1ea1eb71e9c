// Command go-verify judges a leaf certificate as Istio's agent, istiod and every other Go peer would:
// go-verify ROOTS INTERMEDIATES LEAF USAGE... (PEM files; usages: server, client). Prints what Go read.
// go-verify crl ISSUER LIST (PEM files) reads a revocation list as istiod does, and verifies it by its issuer.
package main

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log"
	"os"
)

var usages = map[string]x509.ExtKeyUsage{"server": x509.ExtKeyUsageServerAuth, "client": x509.ExtKeyUsageClientAuth}

func main() {
	log.SetFlags(0)
	if len(os.Args) == 4 && os.Args[1] == "crl" {
		judgeList(one(os.Args[2]), one(os.Args[3]))
		return
	}
	if len(os.Args) < 5 {
		log.Fatal("usage: go-verify ROOTS INTERMEDIATES LEAF USAGE...")
	}
	roots, intermediates := pool(os.Args[1]), pool(os.Args[2])
	leaf, err := x509.ParseCertificate(one(os.Args[3]))
	if err != nil {
		log.Fatal(err)
	}
	for _, usage := range os.Args[4:] {
		options := x509.VerifyOptions{Roots: roots, Intermediates: intermediates, KeyUsages: []x509.ExtKeyUsage{usages[usage]}}
		if _, err := leaf.Verify(options); err != nil {
			log.Fatalf("not good as %s: %v", usage, err)
		}
	}
	extensions := []string{}
	for _, extension := range leaf.Extensions {
		extensions = append(extensions, fmt.Sprintf("%v critical=%v", extension.Id, extension.Critical))
	}
	uris, ips := []string{}, []string{}
	for _, uri := range leaf.URIs {
		uris = append(uris, uri.String())
	}
	for _, ip := range leaf.IPAddresses {
		ips = append(ips, ip.String())
	}
	json.NewEncoder(os.Stdout).Encode(map[string]any{
		"serial": leaf.SerialNumber.Text(16), "notBefore": leaf.NotBefore, "notAfter": leaf.NotAfter,
		"isCA": leaf.IsCA, "keyUsage": leaf.KeyUsage, "signatureAlgorithm": leaf.SignatureAlgorithm.String(),
		"uris": uris, "dns": append([]string{}, leaf.DNSNames...), "ips": ips, "extensions": extensions,
	})
}

func judgeList(issuerDer, listDer []byte) {
	issuer, err := x509.ParseCertificate(issuerDer)
	if err != nil {
		log.Fatal(err)
	}
	list, err := x509.ParseRevocationList(listDer)
	if err != nil {
		log.Fatal(err)
	}
	if err := list.CheckSignatureFrom(issuer); err != nil {
		log.Fatal(err)
	}
	revoked := []string{}
	for _, entry := range list.RevokedCertificateEntries {
		revoked = append(revoked, fmt.Sprintf("%s reason=%d", entry.SerialNumber.Text(16), entry.ReasonCode))
	}
	json.NewEncoder(os.Stdout).Encode(map[string]any{
		"number": list.Number.Text(16), "thisUpdate": list.ThisUpdate, "nextUpdate": list.NextUpdate, "revoked": revoked,
	})
}

// one returns what is in a file of one PEM block.
func one(file string) []byte {
	block, rest := pem.Decode(read(file))
	if block == nil || len(rest) > 0 {
		log.Fatalf("%s is not exactly one PEM block", file)
	}
	return block.Bytes
}

func pool(file string) *x509.CertPool {
	certificates := x509.NewCertPool()
	if !certificates.AppendCertsFromPEM(read(file)) {
		log.Fatalf("%s holds no certificate", file)
	}
	return certificates
}

func read(file string) []byte {
	bytes, err := os.ReadFile(file)
	if err != nil {
		log.Fatal(err)
	}
	return bytes
}
