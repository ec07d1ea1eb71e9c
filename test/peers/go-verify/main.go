// Command go-verify judges a leaf certificate as Istio's agent, istiod and every other Go peer would:
// go-verify ROOTS INTERMEDIATES LEAF USAGE... (PEM files; usages: server, client). Prints what Go read.
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
	if len(os.Args) < 5 {
		log.Fatal("usage: go-verify ROOTS INTERMEDIATES LEAF USAGE...")
	}
	roots, intermediates := pool(os.Args[1]), pool(os.Args[2])
	block, rest := pem.Decode(read(os.Args[3]))
	if block == nil || len(rest) > 0 {
		log.Fatal("leaf is not exactly one PEM block")
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
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
