package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// One tick of /proc/PID/stat. USER_HZ is 100 on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// cpuTime is what a process and all that it started and that still run have used so far; see cpuTimeOf.
func cpuTime(pid int) (time.Duration, error) {
	sum, err := cpuTimeOf(pid)
	if err != nil {
		return 0, err
	}
	// One list for each thread: children belong to the thread that forked them (proc_tid_children(5)).
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return 0, err
	}
	for _, list := range lists {
		children, err := os.ReadFile(list)
		if err != nil {
			continue // A thread that ended.
		}
		for _, child := range strings.Fields(string(children)) {
			id, err := strconv.Atoi(child)
			if err != nil {
				return 0, err
			}
			// A child that ended meanwhile is not of the server's doing under load.
			if time, err := cpuTime(id); err == nil {
				sum += time
			}
		}
	}
	return sum, nil
}

// cpuTimeOf is what all threads of a process have used so far, user and system; resolution one tick.
func cpuTimeOf(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The command name may hold spaces; the fields after its closing parenthesis start with state (3).
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	user, err := strconv.ParseInt(fields[14-3], 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(fields[15-3], 10, 64)
	if err != nil {
		return 0, err
	}
	return time.Duration(user+system) * tick, nil
}

// residentKiB is the process's VmRSS.
func residentKiB(pid int) (int, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if rest, found := strings.CutPrefix(line, "VmRSS:"); found {
			return strconv.Atoi(strings.Fields(rest)[0])
		}
	}
	return 0, fmt.Errorf("no VmRSS for process %d", pid)
}
