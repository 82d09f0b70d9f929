//go:build unix

package process

import (
	"errors"

	"golang.org/x/sys/unix"
)

var errTooMany = errors.New("too many processes are watched")

// mostDescriptors is how many the watcher may take: half of what the process may
// have, the rest is for who talks to it. Go has raised the soft limit already.
func mostDescriptors() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	return int(min(uint64(limit.Cur)/2, 1<<20))
}
