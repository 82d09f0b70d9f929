package agent

import (
	"cmp"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// longestPath is what a socket's address holds on every system, with a margin
// (sun_path has 104 to 108 bytes).
const longestPath = 100

// within calls f with a path of name in dir that is short enough for a
// socket's address.
func within(dir, name string, f func(path string) error) error {
	path := filepath.Join(dir, name)
	if len(path) <= longestPath {
		return f(path)
	}
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: dir, Err: err}
	}
	defer unix.Close(fd)
	return f("/proc/self/fd/" + strconv.Itoa(fd) + "/" + name)
}

// checkPeer makes sure that the other end is of the same user.
func checkPeer(conn *net.UnixConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return fmt.Errorf("asking who is at the other end: %w", err)
	}
	var cred *unix.Ucred
	var failed error
	err = raw.Control(func(fd uintptr) {
		cred, failed = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err = cmp.Or(err, failed); err != nil {
		return fmt.Errorf("asking who is at the other end: %w", err)
	}
	if int(cred.Uid) != os.Getuid() {
		return fmt.Errorf("user %d is at the other end of the socket", cred.Uid)
	}
	return nil
}
