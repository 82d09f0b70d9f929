//go:build unix

package token

import (
	"context"
	"os/exec"
	"syscall"
)

// runGroup runs cmd in a process group of its own, and kills all of it when ctx
// ends: az is a script that starts Python.
func runGroup(ctx context.Context, cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	defer stop()
	return cmd.Wait()
}
