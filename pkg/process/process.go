// Package process looks processes up: which one a pid is now, its parent, and
// whether one seen earlier still lives. A pid alone says nothing, for the
// system gives it out again; pid and start time together name one process for
// the length of a boot.
package process

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrGone is what a look-up of a process that has ended returns.
var ErrGone = errors.New("no such process")

// ID names one process for the length of a boot.
type ID struct {
	PID   int
	Start uint64 // in the system's own unit: clock ticks since boot, microseconds or 100 ns since an epoch
}

// Info is what the system tells of a running process.
type Info struct {
	ID
	Parent int
	Group  int    // the session that the terminal knows it by (getsid(2)), 0 where the system doesn't tell
	UID    int    // -1 on Windows, where sessions lie in the user's own profile
	Exe    string // the executable's path, "" where the system doesn't tell
}

// String gives PID-START, which ParseID reads back; it is safe as a file name.
func (id ID) String() string { return fmt.Sprintf("%d-%d", id.PID, id.Start) }

// ParseID reads what String gave.
func ParseID(s string) (ID, error) {
	pid, start, ok := strings.Cut(s, "-")
	p, err1 := strconv.Atoi(pid)
	t, err2 := strconv.ParseUint(start, 10, 64)
	if !ok || err1 != nil || err2 != nil || p <= 0 {
		return ID{}, fmt.Errorf("%q names no process", s)
	}
	return ID{PID: p, Start: t}, nil
}

// Alive reports whether that very process still runs. A zombie, which waits for
// its parent alone, does not.
func (id ID) Alive() bool {
	now, err := Lookup(id.PID)
	return err == nil && now.ID == id
}

// IsAncestor reports whether id is the process pid itself or one that it
// descends from. The walk ends at the first process that cannot be looked up.
func (id ID) IsAncestor(pid int) bool {
	for range 1000 { // a longer chain is a loop made of pids given out again
		p, err := Lookup(pid)
		if err != nil {
			return false
		}
		if p.ID == id {
			return true
		}
		if p.Parent <= 0 || p.Parent == pid {
			return false
		}
		pid = p.Parent
	}
	return false
}

// hostName folds what tells a host apart into a short name, safe in a path.
func hostName(parts ...[]byte) string {
	sum := sha256.Sum256(bytes.Join(parts, []byte{0}))
	return hex.EncodeToString(sum[:8])
}
