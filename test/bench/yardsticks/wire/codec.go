// Package wire holds the few messages of the benchmark in their protobuf wire form, written and
// read by hand, so that server and client need no generated code and pay little for encoding.
package wire

import "fmt"

// Full method names on the wire.
const (
	CreateCertificate = "/istio.v1.auth.IstioCertificateService/CreateCertificate"
	StreamSecrets     = "/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets"
)

// SecretType is the type URL of an SDS secret.
const SecretType = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"

// Raw passes *[]byte through gRPC untouched, under the name that peers expect.
type Raw struct{}

// Marshal implements encoding.Codec.
func (Raw) Marshal(v any) ([]byte, error) {
	message, ok := v.(*[]byte)
	if !ok {
		return nil, fmt.Errorf("raw codec: want *[]byte, got %T", v)
	}
	return *message, nil
}

// Unmarshal implements encoding.Codec. The copy is needed: gRPC reuses data.
func (Raw) Unmarshal(data []byte, v any) error {
	message, ok := v.(*[]byte)
	if !ok {
		return fmt.Errorf("raw codec: want *[]byte, got %T", v)
	}
	*message = append([]byte(nil), data...)
	return nil
}

// Name implements encoding.Codec.
func (Raw) Name() string { return "proto" }
