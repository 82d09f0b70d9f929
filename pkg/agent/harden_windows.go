package agent

import (
	"os"
	"syscall"

	"golang.org/x/sys/windows"
)

func harden() {}

func closeInherited() {} // Windows hands on only what is named

// letGo gives standard output back to whoever started us.
func letGo() { os.Stdout.Close() }

// exclusive keeps another program from listening on our port beside us.
func exclusive(_, _ string, raw syscall.RawConn) error {
	const soExclusiveAddrUse = ^windows.SO_REUSEADDR // winsock2.h
	var failed error
	err := raw.Control(func(fd uintptr) {
		failed = windows.SetsockoptInt(windows.Handle(fd), windows.SOL_SOCKET, soExclusiveAddrUse, 1)
	})
	if err != nil {
		return err
	}
	return failed
}

var ends = []os.Signal{os.Interrupt}
