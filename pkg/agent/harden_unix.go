//go:build unix

package agent

import (
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// harden keeps memory out of core files, and new files from others.
func harden() {
	syscall.Umask(0o077)
	unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	undumpable()
}

// closeInherited closes what the shell had open when it ran az-ctx, a lock or
// the pipe of a command substitution: they would stay so as long as the agent
// lives. What Go itself opens is closed on exec, and is told by that.
func closeInherited() {
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		return
	}
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		if err != nil || fd <= 2 {
			continue
		}
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil && flags&unix.FD_CLOEXEC == 0 {
			unix.Close(fd)
		}
	}
}

// letGo gives standard output back to whoever started us. Its number stays
// taken, or a socket would get it and with it whatever is printed.
func letGo() {
	if null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0); err == nil {
		defer null.Close()
		redirect(int(null.Fd()), 1)
	}
}

// exclusive is for Windows.
func exclusive(string, string, syscall.RawConn) error { return nil }

// ends are the signals that end the agent cleanly.
var ends = []os.Signal{syscall.SIGTERM, syscall.SIGINT}
