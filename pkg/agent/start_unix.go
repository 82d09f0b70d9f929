//go:build unix

package agent

import (
	"os/exec"
	"syscall"
)

// detached runs exe as an agent that is nobody's child, in a session of its
// own. The shell between is there for `az-ctx exec`: it becomes the user's
// command, which would otherwise have a child that it never started.
func detached(exe, dir string) *exec.Cmd {
	cmd := exec.Command("/bin/sh", "-c", `"$0" agent run "$1" &`, exe, dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd
}

// reap takes the shell's end in. It ended when it had started the agent.
func reap(cmd *exec.Cmd) { cmd.Wait() }
