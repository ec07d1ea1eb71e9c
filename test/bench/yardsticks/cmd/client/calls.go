package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"capstan/bench/yardsticks/wire"
)

// callsResult is what `client calls` prints; the window excludes the warm-up.
type callsResult struct {
	Calls            int     `json:"calls"`
	Errors           int     `json:"errors"`
	FirstError       string  `json:"firstError,omitempty"`
	PerSecond        float64 `json:"perSecond"`
	CPUMicrosPerCall float64 `json:"cpuMicrosPerCall"`
	P50Ms            float64 `json:"p50Ms"`
	P99Ms            float64 `json:"p99Ms"`
}

// load is one run: workers that call one after another, on kept connections or a fresh one each time.
type load struct {
	target  *target
	request []byte
	fresh   bool
	turn    atomic.Int64 // each call carries the next token

	mutex     sync.Mutex
	measuring bool
	latencies []time.Duration
	errors    int
	first     error
}

func runCalls(arguments []string) (any, error) {
	flags := flag.NewFlagSet("calls", flag.ExitOnError)
	reach := targetFlags(flags)
	csrFile := flags.String("csr", "", "PEM file of the CSR")
	fresh := flags.Bool("fresh", false, "open a new TLS connection for each call")
	connections := flags.Int("connections", 8, "kept connections; with -fresh, workers")
	inflight := flags.Int("inflight", 4, "calls in flight per kept connection")
	warmup := flags.Duration("warmup", time.Second, "discarded at the start")
	window := flags.Duration("window", 3*time.Second, "measured")
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
	run := &load{target: target, request: wire.CsrRequest(string(csr), 86400), fresh: *fresh}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var workers sync.WaitGroup
	if err := run.start(ctx, &workers, *connections, *inflight); err != nil {
		return nil, err
	}
	time.Sleep(*warmup)
	result, err := run.measure(*window)
	stop()
	workers.Wait()
	return result, err
}

func (l *load) start(ctx context.Context, workers *sync.WaitGroup, connections, inflight int) error {
	for range connections {
		if l.fresh {
			workers.Go(func() { l.work(ctx, nil) })
			continue
		}
		connection, err := l.target.dial()
		if err != nil {
			return err
		}
		for range inflight {
			workers.Go(func() { l.work(ctx, connection) })
		}
	}
	return nil
}

func (l *load) work(ctx context.Context, kept *grpc.ClientConn) {
	for ctx.Err() == nil {
		headers := l.target.headers(int(l.turn.Add(1)))
		started := time.Now()
		err := l.call(metadata.AppendToOutgoingContext(ctx, headers...), kept)
		if ctx.Err() == nil {
			l.record(time.Since(started), err)
		}
	}
}

func (l *load) call(ctx context.Context, kept *grpc.ClientConn) error {
	connection := kept
	if connection == nil {
		fresh, err := l.target.dial()
		if err != nil {
			return err
		}
		defer func() { _ = fresh.Close() }()
		connection = fresh
	}
	deadline, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var response []byte
	if err := connection.Invoke(deadline, wire.CreateCertificate, &l.request, &response); err != nil {
		return err
	}
	if len(wire.Field(response, 1)) == 0 {
		return fmt.Errorf("empty certificate chain")
	}
	return nil
}

func (l *load) record(latency time.Duration, err error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if err != nil {
		// A failure counts whenever it happens: a run with errors is no measurement.
		l.errors++
		if l.first == nil {
			l.first = err
		}
	} else if l.measuring {
		l.latencies = append(l.latencies, latency)
	}
}

func (l *load) measure(window time.Duration) (*callsResult, error) {
	l.switchTo(true)
	started := time.Now()
	before, err := cpuTime(l.target.pid)
	if err != nil {
		return nil, err
	}
	time.Sleep(window)
	l.switchTo(false)
	elapsed := time.Since(started)
	after, err := cpuTime(l.target.pid)
	if err != nil {
		return nil, err
	}
	return l.result(elapsed, after-before), nil
}

func (l *load) switchTo(measuring bool) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.measuring = measuring
}

func (l *load) result(elapsed, cpu time.Duration) *callsResult {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	result := &callsResult{Calls: len(l.latencies), Errors: l.errors}
	if l.first != nil {
		result.FirstError = l.first.Error()
	}
	if result.Calls == 0 {
		return result
	}
	slices.Sort(l.latencies)
	result.PerSecond = float64(result.Calls) / elapsed.Seconds()
	result.CPUMicrosPerCall = float64(cpu.Microseconds()) / float64(result.Calls)
	result.P50Ms = milliseconds(l.latencies[result.Calls/2])
	result.P99Ms = milliseconds(l.latencies[result.Calls*99/100])
	return result
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
