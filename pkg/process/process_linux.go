package process

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Lookup reads /proc/PID/stat (proc(5)): field 3 is the state, 4 the parent, 6 the session, 22
// the start time in clock ticks since boot.
func Lookup(pid int) (Info, error) {
	dir := "/proc/" + strconv.Itoa(pid)
	stat, err := os.ReadFile(dir + "/stat")
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return Info{}, ErrGone
	}
	if err != nil {
		return Info{}, fmt.Errorf("looking up process %d: %w", pid, err)
	}
	// The command's name stands in parentheses and may hold anything.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 20 {
		return Info{}, fmt.Errorf("looking up process %d: short %s/stat", pid, dir)
	}
	if fields[0] == "Z" || fields[0] == "X" {
		return Info{}, ErrGone
	}
	info := Info{ID: ID{PID: pid}, UID: -1}
	if info.Parent, err = strconv.Atoi(fields[1]); err != nil {
		return Info{}, fmt.Errorf("looking up process %d: %w", pid, err)
	}
	if info.Group, err = strconv.Atoi(fields[3]); err != nil {
		return Info{}, fmt.Errorf("looking up process %d: %w", pid, err)
	}
	if info.Start, err = strconv.ParseUint(fields[19], 10, 64); err != nil {
		return Info{}, fmt.Errorf("looking up process %d: %w", pid, err)
	}
	if st, err := os.Stat(dir); err == nil {
		if sys, ok := st.Sys().(*syscall.Stat_t); ok {
			info.UID = int(sys.Uid)
		}
	}
	info.Exe, _ = os.Readlink(dir + "/exe")
	return info, nil
}

// Host names where a pid means one thing: this machine, since this boot, in
// this pid namespace.
func Host() (string, error) {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("reading the boot's id: %w", err)
	}
	ns, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return "", fmt.Errorf("reading the pid namespace: %w", err)
	}
	machine, err := os.ReadFile("/etc/machine-id") // absent in some containers, where boot and namespace do
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("reading the machine's id: %w", err)
	}
	return hostName(machine, boot, []byte(ns)), nil
}

// execWait is how long a process may take over the last steps of its exec.
const execWait = time.Second

// Environment returns the NUL-separated environment that the process had when
// it was executed; later exports are not in it. In the midst of an exec the
// system has none to show, so it waits for the end of that: at most a second.
func Environment(pid int) ([]byte, error) {
	path := "/proc/" + strconv.Itoa(pid) + "/environ"
	for until := time.Now().Add(execWait); ; time.Sleep(time.Millisecond) {
		env, err := os.ReadFile(path)
		if err != nil || len(env) > 0 {
			return env, err
		}
		executing, err := isExecuting(pid)
		if err != nil {
			return nil, err
		}
		if !executing {
			return os.ReadFile(path) // its exec may have ended since the first look
		}
		if time.Now().After(until) {
			return nil, fmt.Errorf("reading the environment of process %d: it is being executed", pid)
		}
	}
}

// isExecuting goes by proc(5): field 51 of a process's stat is where its
// environment ends, 0 until its exec has put it there. A thread of the kernel
// has none ever, and no memory (field 23).
func isExecuting(pid int) (bool, error) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false, fmt.Errorf("reading the environment of process %d: %w", pid, err)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	return len(fields) > 48 && fields[48] == "0" && fields[20] != "0", nil
}

// All lists the pids of the processes that run now.
func All() ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("listing processes: %w", err)
	}
	var pids []int
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}
