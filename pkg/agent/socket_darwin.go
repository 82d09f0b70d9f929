package agent

import (
	"cmp"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

func goBack(to *os.File) { to.Chdir() }

// checkPeer makes sure that the other end is of the same user.
func checkPeer(conn *net.UnixConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return fmt.Errorf("asking who is at the other end: %w", err)
	}
	var cred *unix.Xucred
	var failed error
	err = raw.Control(func(fd uintptr) {
		cred, failed = unix.GetsockoptXucred(int(fd), unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
	})
	if err = cmp.Or(err, failed); err != nil {
		return fmt.Errorf("asking who is at the other end: %w", err)
	}
	if int(cred.Uid) != os.Getuid() {
		return fmt.Errorf("user %d is at the other end of the socket", cred.Uid)
	}
	return nil
}
