// Command server is the bare yardstick: grpc-go over TLS that issues on request, and pushes one
// secret to every open stream on SIGUSR1. No token, no policy, no journal.
// Prints {"address": "127.0.0.1:PORT"} once it listens.
package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"flag"
	"log"
	"net"
	"os"
	"os/signal"
	"syscall"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"capstan/bench/yardsticks/signing"
	"capstan/bench/yardsticks/wire"
)

func main() {
	issuer := flag.String("issuer", "", "PEM file of the issuer certificate")
	key := flag.String("key", "", "PEM file of the issuer key (PKCS#8, P-256)")
	roots := flag.String("roots", "", "PEM file of the trust anchors")
	certificate := flag.String("tls-cert", "", "PEM file of the serving chain")
	tlsKey := flag.String("tls-key", "", "PEM file of the serving key")
	secretBytes := flag.Int("secret-bytes", 4096, "size of the pushed bundle")
	flag.Parse()

	authority, err := signing.Load(*issuer, *key)
	if err != nil {
		log.Fatal(err)
	}
	bundle, err := os.ReadFile(*roots)
	if err != nil {
		log.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(*certificate, *tlsKey)
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	secrets := newSecrets(*secretBytes)
	server := grpc.NewServer(
		grpc.Creds(credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2"}})),
		grpc.ForceServerCodec(wire.Raw{}),
	)
	server.RegisterService(&csrService, &issuing{authority: authority, roots: string(bundle)})
	server.RegisterService(&sdsService, secrets)
	go pushOnSignal(secrets)
	if err := json.NewEncoder(os.Stdout).Encode(map[string]string{"address": listener.Addr().String()}); err != nil {
		log.Fatal(err)
	}
	log.Fatal(server.Serve(listener))
}

func pushOnSignal(secrets *secrets) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	for range signals {
		secrets.replace()
	}
}

type issuing struct {
	authority *signing.Authority
	roots     string
}

func (s *issuing) answer(request []byte) ([]byte, error) {
	leaf, err := s.authority.Issue(wire.Field(request, 1))
	if err != nil {
		return nil, err
	}
	return wire.CsrResponse(leaf, s.authority.ChainPEM, s.roots), nil
}

var csrService = grpc.ServiceDesc{
	ServiceName: "istio.v1.auth.IstioCertificateService",
	HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{{
		MethodName: "CreateCertificate",
		Handler: func(service any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			var request []byte
			if err := decode(&request); err != nil {
				return nil, err
			}
			response, err := service.(*issuing).answer(request)
			return &response, err
		},
	}},
}
