package wire

import "google.golang.org/protobuf/encoding/protowire"

func appendString(b []byte, field protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), s)
}

func appendBytes(b []byte, field protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), v)
}

// Field returns the last value of a length-delimited field; nil when absent or the message is broken.
func Field(message []byte, wanted protowire.Number) []byte {
	var found []byte
	for len(message) > 0 {
		field, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return nil
		}
		message = message[n:]
		n = protowire.ConsumeFieldValue(field, kind, message)
		if n < 0 {
			return nil
		}
		if field == wanted && kind == protowire.BytesType {
			found, _ = protowire.ConsumeBytes(message)
		}
		message = message[n:]
	}
	return found
}

// CsrRequest is an IstioCertificateRequest as Istio's agent sends it: with an empty CertSigner.
func CsrRequest(csrPEM string, seconds uint64) []byte {
	value := appendString(nil, 3, "")                                  // google.protobuf.Value.string_value
	entry := appendBytes(appendString(nil, 1, "CertSigner"), 2, value) // one entry of Struct.fields
	b := appendString(nil, 1, csrPEM)
	b = protowire.AppendVarint(protowire.AppendTag(b, 3, protowire.VarintType), seconds)
	return appendBytes(b, 4, appendBytes(nil, 1, entry))
}

// CsrResponse is an IstioCertificateResponse.
func CsrResponse(chain ...string) []byte {
	var b []byte
	for _, pem := range chain {
		b = appendString(b, 1, pem)
	}
	return b
}

// DiscoveryRequest asks for one secret, or acknowledges a response when nonce is set.
func DiscoveryRequest(node, name, version, nonce string) []byte {
	b := appendString(nil, 1, version)
	if nonce == "" {
		b = appendBytes(b, 2, appendString(appendString(nil, 1, node), 2, "bench"))
	}
	b = appendString(b, 3, name)
	b = appendString(b, 4, SecretType)
	return appendString(b, 5, nonce)
}

// DiscoveryResponse carries one validation context whose trusted CA is bundle.
func DiscoveryResponse(name, version, nonce string, bundle []byte) []byte {
	source := appendBytes(nil, 2, bundle)
	secret := appendBytes(appendString(nil, 1, name), 4, appendBytes(nil, 1, source))
	b := appendString(nil, 1, version)
	b = appendBytes(b, 2, appendBytes(appendString(nil, 1, SecretType), 2, secret))
	b = appendString(b, 4, SecretType)
	return appendString(b, 5, nonce)
}
