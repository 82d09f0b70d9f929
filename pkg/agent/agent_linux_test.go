package agent

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestAnotherUserGetsNoAnswer(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can be another user")
	}
	dir := runDir(t)
	connectTo(t, dir)
	for parent := dir; parent != os.TempDir(); parent = filepath.Dir(parent) {
		if err := os.Chmod(parent, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, socketName)
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	for uid, want := range map[int]bool{0: true, 65534: false} {
		answered := make(chan string)
		go func() {
			// The thread, which is another user from now on, ends with the goroutine.
			runtime.LockOSThread()
			if _, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, uintptr(uid), uintptr(uid), uintptr(uid)); errno != 0 {
				answered <- errno.Error()
				return
			}
			fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
			if err == nil {
				err = syscall.Connect(fd, &syscall.SockaddrUnix{Name: path})
			}
			if err != nil {
				answered <- err.Error()
				return
			}
			defer syscall.Close(fd)
			syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &syscall.Timeval{Sec: 10})
			buf := make([]byte, 1000)
			n, _ := syscall.Read(fd, buf)
			answered <- string(buf[:max(n, 0)])
		}()
		select {
		case got := <-answered:
			if strings.Contains(got, `"protocol"`) != want || !want && got != "" {
				t.Errorf("user %d was told %q", uid, got)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("no answer")
		}
	}
}

func TestTheAgentsMemoryIsInNoCoreFile(t *testing.T) {
	g := connectTo(t, runDir(t)).Generation()
	var limit unix.Rlimit
	if err := unix.Prlimit(g.PID, unix.RLIMIT_CORE, nil, &limit); err != nil {
		t.Fatal(err)
	}
	if limit.Cur != 0 || limit.Max != 0 {
		t.Errorf("core files up to %d, %d", limit.Cur, limit.Max)
	}
	if os.Getuid() != 0 { // whom nothing is refused
		if _, err := os.Open("/proc/" + strconv.Itoa(g.PID) + "/mem"); err == nil {
			t.Error("the agent's memory can be read")
		}
	}
}

func TestAnAgentThatHangsIsAnErrorInTime(t *testing.T) {
	dir := runDir(t)
	c := connectTo(t, dir)
	g := c.Generation()
	syscall.Kill(g.PID, syscall.SIGSTOP)
	defer syscall.Kill(g.PID, syscall.SIGCONT)
	eventually(t, "it is stopped", func() bool {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(g.PID) + "/stat")
		return err == nil && strings.Contains(string(stat), ") T ")
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := c.Register(ctx, registration(t, 1)); err == nil || !strings.Contains(err.Error(), "did not answer") {
		t.Errorf("got %v", err)
	}
	if _, err := Connect(ctx, dir); err == nil {
		t.Error("a connection to one that is stopped")
	}
}
