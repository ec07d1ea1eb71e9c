package main

import (
	"bytes"
	"strconv"
	"sync"

	"google.golang.org/grpc"

	"capstan/bench/yardsticks/wire"
)

// secrets is the state behind every stream: one bundle, replaced as a whole.
type secrets struct {
	mutex   sync.Mutex
	version int
	bundle  []byte
	changed chan struct{} // closed when a newer version exists
}

func newSecrets(size int) *secrets {
	return &secrets{version: 1, bundle: bytes.Repeat([]byte{'a'}, size), changed: make(chan struct{})}
}

func (s *secrets) replace() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.version++
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *secrets) current() (string, []byte, <-chan struct{}) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return strconv.Itoa(s.version), s.bundle, s.changed
}

var sdsService = grpc.ServiceDesc{
	ServiceName: "envoy.service.secret.v3.SecretDiscoveryService",
	HandlerType: (*any)(nil),
	Streams: []grpc.StreamDesc{{
		StreamName:    "StreamSecrets",
		ServerStreams: true,
		ClientStreams: true,
		Handler:       func(service any, stream grpc.ServerStream) error { return service.(*secrets).serve(stream) },
	}},
}

// serve answers the first request and then pushes each newer version; acknowledgements are read and dropped.
func (s *secrets) serve(stream grpc.ServerStream) error {
	var request []byte
	if err := stream.RecvMsg(&request); err != nil {
		return err
	}
	name := string(wire.Field(request, 3))
	ended := make(chan error, 1)
	go func() {
		for {
			var acknowledgement []byte
			if err := stream.RecvMsg(&acknowledgement); err != nil {
				ended <- err
				return
			}
		}
	}()
	for {
		version, bundle, changed := s.current()
		response := wire.DiscoveryResponse(name, version, version, bundle)
		if err := stream.SendMsg(&response); err != nil {
			return err
		}
		select {
		case <-changed:
		case <-ended:
			return nil
		}
	}
}
