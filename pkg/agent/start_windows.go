package agent

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/windows"
)

// detached runs exe as an agent without a console, out of reach of the
// console's Ctrl-C.
func detached(exe, dir string) *exec.Cmd {
	cmd := exec.Command(exe, "agent", "run", dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.DETACHED_PROCESS | windows.CREATE_NEW_PROCESS_GROUP}
	return cmd
}

// reap lets go of the agent, which goes on.
func reap(cmd *exec.Cmd) { cmd.Process.Release() }
