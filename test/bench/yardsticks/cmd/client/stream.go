package main

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// rawStream is one gRPC stream on a TLS connection of its own, straight on HTTP/2 frames. Proxies
// share no machine with the server; thousands of full clients on one core would measure that core.
type rawStream struct {
	connection *tls.Conn
	framer     *http2.Framer
	pending    []byte
}

const (
	streamID = 1
	// ample flow control: a benchmark's messages fit in it many times over, so no update is ever due.
	ample       = 1 << 30
	prefixBytes = 5
)

func (t *target) openStream(method string, number int) (*rawStream, error) {
	config := t.tls.Clone()
	config.NextProtos = []string{"h2"}
	connection, err := tls.Dial("tcp", t.address, config)
	if err != nil {
		return nil, err
	}
	s := &rawStream{connection: connection, framer: http2.NewFramer(connection, connection)}
	s.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	if err := s.begin(method, t.headers(number)); err != nil {
		return nil, errors.Join(err, connection.Close())
	}
	return s, nil
}

func (s *rawStream) begin(method string, headers []string) error {
	if _, err := io.WriteString(s.connection, http2.ClientPreface); err != nil {
		return err
	}
	if err := s.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: ample}); err != nil {
		return err
	}
	if err := s.framer.WriteWindowUpdate(0, ample); err != nil {
		return err
	}
	var block headerBlock
	block.add(":method", "POST", ":scheme", "https", ":path", method, ":authority", "localhost")
	block.add("content-type", "application/grpc", "te", "trailers")
	block.add(headers...)
	return s.framer.WriteHeaders(http2.HeadersFrameParam{
		StreamID: streamID, BlockFragment: block.bytes, EndHeaders: true,
	})
}

// headerBlock gathers name, value pairs in HPACK.
type headerBlock struct{ bytes []byte }

func (b *headerBlock) Write(p []byte) (int, error) {
	b.bytes = append(b.bytes, p...)
	return len(p), nil
}

func (b *headerBlock) add(pairs ...string) {
	encoder := hpack.NewEncoder(b)
	for i := 0; i+1 < len(pairs); i += 2 {
		// Writing to memory does not fail.
		_ = encoder.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1], Sensitive: true})
	}
}

// Send writes one message.
func (s *rawStream) Send(message []byte) error {
	framed := make([]byte, prefixBytes, prefixBytes+len(message))
	binary.BigEndian.PutUint32(framed[1:], uint32(len(message)))
	return s.framer.WriteData(streamID, false, append(framed, message...))
}

// Receive returns the next message; an error tells how the stream ended.
func (s *rawStream) Receive() ([]byte, error) {
	for {
		if message, whole := s.message(); whole {
			return message, nil
		}
		if err := s.readFrame(); err != nil {
			return nil, err
		}
	}
}

func (s *rawStream) message() ([]byte, bool) {
	if len(s.pending) < prefixBytes {
		return nil, false
	}
	end := prefixBytes + int(binary.BigEndian.Uint32(s.pending[1:]))
	if len(s.pending) < end {
		return nil, false
	}
	message := s.pending[prefixBytes:end]
	s.pending = s.pending[end:]
	return message, true
}

func (s *rawStream) readFrame() error {
	frame, err := s.framer.ReadFrame()
	if err != nil {
		return err
	}
	switch frame := frame.(type) {
	case *http2.DataFrame:
		s.pending = append(s.pending, frame.Data()...)
	case *http2.SettingsFrame:
		if !frame.IsAck() {
			return s.framer.WriteSettingsAck()
		}
	case *http2.PingFrame:
		if !frame.IsAck() {
			return s.framer.WritePing(true, frame.Data)
		}
	case *http2.MetaHeadersFrame:
		if frame.StreamEnded() {
			return fmt.Errorf("the server ended the stream: %v", frame.Fields)
		}
	case *http2.RSTStreamFrame:
		return fmt.Errorf("the server reset the stream: %s", frame.ErrCode)
	case *http2.GoAwayFrame:
		return fmt.Errorf("the server closes the connection: %s", frame.ErrCode)
	}
	return nil
}

// Close closes the connection.
func (s *rawStream) Close() error { return s.connection.Close() }
