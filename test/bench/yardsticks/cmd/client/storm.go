package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"capstan/bench/yardsticks/wire"
)

// stormResult is what `client storm` prints.
type stormResult struct {
	Agents   int `json:"agents"`
	Enrolled int `json:"enrolled"`
	// Until the last agent had its certificate.
	Seconds float64 `json:"seconds"`
	// From an agent's arrival to its certificate, its connection and its retries included.
	P50Ms float64 `json:"p50Ms"`
	P99Ms float64 `json:"p99Ms"`
	// What was said in place of a certificate, by code.
	Refusals map[string]int `json:"refusals"`
	// The first text of each code.
	Texts map[string]string `json:"texts"`
	// Of those that never pause.
	FloodCalls int `json:"floodCalls"`
	// Of the server, meanwhile.
	CPUSeconds float64 `json:"cpuSeconds"`
}

// Istio's agent makes so many attempts at once, for the codes of retried alone, and then begins again later.
const attempts = 5

var retried = []codes.Code{
	codes.Canceled, codes.DeadlineExceeded, codes.ResourceExhausted, codes.Aborted, codes.Internal, codes.Unavailable,
}

// storm is a crowd of agents, each with the token, the address and the connection of a pod of its own.
type storm struct {
	target  *target
	request []byte
	flooded atomic.Int64

	mutex     sync.Mutex
	latencies []time.Duration
	refusals  map[string]int
	texts     map[string]string
}

func runStorm(arguments []string) (any, error) {
	flags := flag.NewFlagSet("storm", flag.ExitOnError)
	reach := targetFlags(flags)
	csrFile := flags.String("csr", "", "PEM file of the CSR")
	rate := flags.Float64("rate", 0, "agents that arrive in a second; all at once when 0")
	within := flags.Duration("within", 30*time.Second, "an agent that is not served so long after the last arrival is lost")
	floodTokens := flags.String("flood", "", "file with the tokens of agents that never pause, one a line")
	if err := flags.Parse(arguments); err != nil {
		return nil, err
	}
	target, err := reach()
	if err != nil {
		return nil, err
	}
	csr, err := os.ReadFile(*csrFile)
	if err != nil {
		return nil, err
	}
	flood, err := tokenLines(*floodTokens)
	if err != nil {
		return nil, err
	}
	crowd := &storm{target: target, request: wire.CsrRequest(string(csr), 86400), refusals: map[string]int{}, texts: map[string]string{}}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	for number, token := range flood {
		// Addresses that no agent has.
		go crowd.neverPause(ctx, token, len(target.tokens)+number)
	}
	if len(flood) > 0 {
		time.Sleep(2 * time.Second) // until the flood flows
	}
	before, err := cpuTime(target.pid)
	if err != nil {
		return nil, err
	}
	result := crowd.arrive(ctx, *rate, *within)
	after, err := cpuTime(target.pid)
	result.CPUSeconds = (after - before).Seconds()
	return result, err
}

func (s *storm) arrive(ctx context.Context, rate float64, within time.Duration) *stormResult {
	tokens := s.target.tokens
	var agents sync.WaitGroup
	started := time.Now()
	lasting := within
	if rate > 0 {
		lasting += time.Duration(float64(len(tokens)) / rate * float64(time.Second))
	}
	deadline, cancel := context.WithTimeout(ctx, lasting)
	defer cancel()
	for number, token := range tokens {
		if rate > 0 {
			time.Sleep(time.Until(started.Add(time.Duration(float64(number) / rate * float64(time.Second)))))
		}
		agents.Go(func() { s.enrol(deadline, token, number) })
	}
	agents.Wait()
	return s.result(time.Since(started))
}

// enrol is an agent's start: attempts as Istio's retry interceptor makes them, and again after its back-off.
func (s *storm) enrol(ctx context.Context, token string, number int) {
	arrived := time.Now()
	connection, err := s.dialAs(number)
	if err != nil {
		s.refused(err)
		return
	}
	// An agent keeps its connection; here until all are served.
	context.AfterFunc(ctx, func() { _ = connection.Close() })
	for pause := 500 * time.Millisecond; ctx.Err() == nil; pause = min(2*pause, time.Minute) {
		for attempt := range attempts {
			err := s.call(ctx, connection, token)
			if err == nil {
				s.served(time.Since(arrived))
				return
			}
			s.refused(err)
			if !slices.Contains(retried, status.Code(err)) {
				break
			}
			wait(ctx, jittered(100*time.Millisecond<<attempt))
		}
		wait(ctx, pause)
	}
}

func (s *storm) neverPause(ctx context.Context, token string, number int) {
	connection, err := s.dialAs(number)
	if err != nil {
		return
	}
	defer func() { _ = connection.Close() }()
	for ctx.Err() == nil {
		_ = s.call(ctx, connection, token)
		s.flooded.Add(1)
	}
}

func (s *storm) call(ctx context.Context, connection *grpc.ClientConn, token string) error {
	authorized := metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
	var response []byte
	if err := connection.Invoke(authorized, wire.CreateCertificate, &s.request, &response); err != nil {
		return err
	}
	if len(wire.Field(response, 1)) == 0 {
		return fmt.Errorf("empty certificate chain")
	}
	return nil
}

// dialAs connects from an address of 127.0.0.0/8 that only this agent has, as each pod has its own.
func (s *storm) dialAs(number int) (*grpc.ClientConn, error) {
	from := &net.TCPAddr{IP: net.IPv4(127, 1, byte(number>>8), byte(number))}
	return grpc.NewClient("passthrough:///"+s.target.address,
		grpc.WithTransportCredentials(credentials.NewTLS(s.target.tls)),
		grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			return (&net.Dialer{LocalAddr: from}).DialContext(ctx, "tcp", address)
		}),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(wire.Raw{})),
		grpc.WithDisableServiceConfig(),
		grpc.WithDisableRetry(),
	)
}

func (s *storm) served(latency time.Duration) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.latencies = append(s.latencies, latency)
}

func (s *storm) refused(err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	code := status.Code(err).String()
	s.refusals[code]++
	if s.texts[code] == "" {
		s.texts[code] = err.Error()
	}
}

func (s *storm) result(elapsed time.Duration) *stormResult {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	result := &stormResult{
		Agents: len(s.target.tokens), Enrolled: len(s.latencies), Seconds: elapsed.Seconds(),
		Refusals: s.refusals, Texts: s.texts, FloodCalls: int(s.flooded.Load()),
	}
	if result.Enrolled == 0 {
		return result
	}
	slices.Sort(s.latencies)
	result.P50Ms = milliseconds(s.latencies[result.Enrolled/2])
	result.P99Ms = milliseconds(s.latencies[result.Enrolled*99/100])
	return result
}

func wait(ctx context.Context, pause time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(pause):
	}
}

// jittered is within a tenth of the pause, as the agent's is.
func jittered(pause time.Duration) time.Duration {
	return time.Duration(float64(pause) * (0.9 + 0.2*rand.Float64()))
}
