package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"capstan/bench/yardsticks/wire"
)

// pushResult is one push, timed from the trigger. FirstMs is when the first stream had its copy,
// LastMs when every stream had.
type pushResult struct {
	FirstMs float64 `json:"firstMs"`
	LastMs  float64 `json:"lastMs"`
}

// streamsResult is what `client streams` prints.
type streamsResult struct {
	Streams          int          `json:"streams"`
	OpenSeconds      float64      `json:"openSeconds"`
	BaseKiB          int          `json:"baseKib"`
	IdleKiBPerStream float64      `json:"idleKibPerStream"`
	AfterPushesKiB   float64      `json:"afterPushesKibPerStream"`
	BytesPerCopy     int          `json:"bytesPerCopy"`
	CPUMicrosPerCopy float64      `json:"cpuMicrosPerCopy"`
	Pushes           []pushResult `json:"pushes"`
}

// arrival says that a stream received one response.
type arrival struct {
	stream  int
	version string
	bytes   int
	at      time.Time
	err     error
}

// patience bounds every wait for all streams.
const patience = 60 * time.Second

type fleet struct {
	target   *target
	secret   string
	arrivals chan arrival
	versions []string
	bytes    int
}

func runStreams(arguments []string) (any, error) {
	flags := flag.NewFlagSet("streams", flag.ExitOnError)
	reach := targetFlags(flags)
	count := flags.Int("streams", 1000, "streams, each on its own TLS connection")
	secret := flags.String("secret", "ROOTCA", "secret name to watch")
	warm := flags.Int("warm", 50, "streams opened and closed before the memory baseline")
	settle := flags.Duration("settle", 3*time.Second, "quiet time before memory is read")
	pause := flags.Duration("pause", time.Second, "quiet time between pushes")
	pushes := flags.Int("pushes", 5, "measured pushes, after one that is discarded")
	swap := flags.String("swap", "", "FILE=NEXT,NEXT: push by renaming a copy of each NEXT onto FILE in turn; without it, by SIGUSR1 to the server")
	if err := flags.Parse(arguments); err != nil {
		return nil, err
	}
	target, err := reach()
	if err != nil {
		return nil, err
	}
	fire, err := triggerOf(*swap, target.pid)
	if err != nil {
		return nil, err
	}
	if err := warmUp(target, *secret, *warm); err != nil {
		return nil, err
	}
	time.Sleep(*settle)
	return measureStreams(newFleet(target, *secret, *count), fire, *pushes, *settle, *pause)
}

func newFleet(target *target, secret string, count int) *fleet {
	return &fleet{target: target, secret: secret, arrivals: make(chan arrival, 2*count), versions: make([]string, count)}
}

// warmUp lets the server load and compile what a stream needs, so that it does not count as memory per stream.
func warmUp(target *target, secret string, count int) error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	return newFleet(target, secret, count).open(ctx)
}

func measureStreams(f *fleet, fire trigger, pushes int, settle, pause time.Duration) (*streamsResult, error) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	base, err := residentKiB(f.target.pid)
	if err != nil {
		return nil, err
	}
	started := time.Now()
	if err := f.open(ctx); err != nil {
		return nil, err
	}
	result := &streamsResult{Streams: len(f.versions), OpenSeconds: time.Since(started).Seconds(), BaseKiB: base}
	time.Sleep(settle)
	if result.IdleKiBPerStream, err = f.kibPerStream(base); err != nil {
		return nil, err
	}
	if err := f.pushAll(result, fire, pushes, pause); err != nil {
		return nil, err
	}
	time.Sleep(settle)
	result.BytesPerCopy = f.bytes
	result.AfterPushesKiB, err = f.kibPerStream(base)
	return result, err
}

// pushAll discards the first push: it warms both ends.
func (f *fleet) pushAll(result *streamsResult, fire trigger, pushes int, pause time.Duration) error {
	if _, err := f.push(fire); err != nil {
		return err
	}
	time.Sleep(pause)
	before, err := cpuTime(f.target.pid)
	if err != nil {
		return err
	}
	for range pushes {
		push, err := f.push(fire)
		if err != nil {
			return err
		}
		result.Pushes = append(result.Pushes, push)
		time.Sleep(pause)
	}
	after, err := cpuTime(f.target.pid)
	if err != nil {
		return err
	}
	result.CPUMicrosPerCopy = float64((after - before).Microseconds()) / float64(pushes*len(f.versions))
	return nil
}

func (f *fleet) kibPerStream(base int) (float64, error) {
	now, err := residentKiB(f.target.pid)
	return float64(now-base) / float64(len(f.versions)), err
}

// open connects every stream, a bounded number at a time, and waits for its first secret.
func (f *fleet) open(ctx context.Context) error {
	const handshakes = 16
	slots := make(chan struct{}, handshakes)
	go func() {
		for number := range f.versions {
			slots <- struct{}{}
			go func() {
				f.follow(ctx, number, func() { <-slots })
			}()
		}
	}()
	_, err := f.await("")
	return err
}

// follow holds one stream until ctx ends: subscribe, then acknowledge each response. opened is called once.
func (f *fleet) follow(ctx context.Context, number int, opened func()) {
	once := sync.OnceFunc(opened)
	defer once()
	stream, err := f.target.openStream(wire.StreamSecrets, number)
	if err == nil {
		hangUp := func() { _ = stream.Close() }
		defer hangUp()
		defer context.AfterFunc(ctx, hangUp)()
		err = f.converse(stream, number, once)
	}
	if ctx.Err() == nil {
		f.arrivals <- arrival{stream: number, err: err}
	}
}

func (f *fleet) converse(stream *rawStream, number int, opened func()) error {
	version, nonce := "", ""
	for {
		request := wire.DiscoveryRequest(fmt.Sprintf("bench-%d", number), f.secret, version, nonce)
		if err := stream.Send(request); err != nil {
			return err
		}
		response, err := stream.Receive()
		if err != nil {
			return err
		}
		at := time.Now()
		version, nonce = string(wire.Field(response, 1)), string(wire.Field(response, 5))
		opened()
		f.arrivals <- arrival{stream: number, version: version, bytes: len(response), at: at}
	}
}

// push triggers a new version and times its arrival everywhere.
func (f *fleet) push(fire trigger) (pushResult, error) {
	old := f.versions[0]
	started, err := fire()
	if err != nil {
		return pushResult{}, err
	}
	seen, err := f.await(old)
	if err != nil {
		return pushResult{}, err
	}
	return pushResult{FirstMs: milliseconds(seen.first.Sub(started)), LastMs: milliseconds(seen.last.Sub(started))}, nil
}

type span struct{ first, last time.Time }

// await returns when every stream holds a version other than old.
func (f *fleet) await(old string) (span, error) {
	var seen span
	deadline := time.After(patience)
	for missing := len(f.versions); missing > 0; {
		select {
		case a := <-f.arrivals:
			if a.err != nil {
				return seen, fmt.Errorf("stream %d of %d ended: %w", a.stream, len(f.versions), a.err)
			}
			if seen.first.IsZero() || a.at.Before(seen.first) {
				seen.first = a.at
			}
			if a.at.After(seen.last) {
				seen.last = a.at
			}
			if f.versions[a.stream] == old && a.version != old {
				missing--
			}
			f.versions[a.stream], f.bytes = a.version, a.bytes
		case <-deadline:
			return seen, fmt.Errorf("%d of %d streams had no answer after %s", missing, len(f.versions), patience)
		}
	}
	return seen, nil
}

// trigger makes the server push and returns the moment it did so.
type trigger func() (time.Time, error)

func triggerOf(swap string, pid int) (trigger, error) {
	if swap == "" {
		return func() (time.Time, error) { return time.Now(), syscall.Kill(pid, syscall.SIGUSR1) }, nil
	}
	file, list, found := strings.Cut(swap, "=")
	if !found {
		return nil, fmt.Errorf("-swap %q: want FILE=NEXT,NEXT", swap)
	}
	var contents [][]byte
	for next := range strings.SplitSeq(list, ",") {
		content, err := os.ReadFile(next)
		if err != nil {
			return nil, err
		}
		contents = append(contents, content)
	}
	turn := 0
	return func() (time.Time, error) {
		content := contents[turn%len(contents)]
		turn++
		if err := os.WriteFile(file+".next", content, 0o644); err != nil {
			return time.Time{}, err
		}
		return time.Now(), os.Rename(file+".next", file)
	}, nil
}
