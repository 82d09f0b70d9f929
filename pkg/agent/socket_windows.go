package agent

import (
	"net"
	"os"
)

func goBack(to *os.File) { os.Chdir(to.Name()) }

// checkPeer trusts the directory, which lies in the user's own profile: Windows
// tells nothing of a unix socket's other end.
func checkPeer(*net.UnixConn) error { return nil }
