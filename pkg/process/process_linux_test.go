package process

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// awaitZombie waits until the child has ended, and leaves it to be waited for.
func awaitZombie(t *testing.T, pid int) {
	t.Helper()
	var info unix.Siginfo
	if err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
		t.Fatal(err)
	}
}

// A command's name may hold what separates the fields.
func TestLookupOfHostileName(t *testing.T) {
	sleep, err := exec.LookPath("cat")
	if err != nil {
		t.Skip("no cat")
	}
	raw, err := os.ReadFile(sleep)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), ") Z 1 (\n")
	if err := os.WriteFile(path, raw, 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer in.Close()
	if info, err := Lookup(cmd.Process.Pid); err != nil || info.Parent != os.Getpid() || info.Exe != path {
		t.Errorf("%+v, %v", info, err)
	}
}

// A process may be looked at while its exec goes on, when the system has no
// environment to show for it yet.
func TestEnvironment(t *testing.T) {
	for range 50 {
		cmd, out, end := start(t, "wait", "AZ_CTX_TEST_MARK=here")
		env, err := Environment(cmd.Process.Pid)
		if err != nil || !slices.ContainsFunc(bytes.Split(env, []byte{0}), func(e []byte) bool { return string(e) == "AZ_CTX_TEST_MARK=here" }) {
			t.Errorf("%q, %v", env, err)
		}
		pids, err := All()
		if err != nil || !slices.Contains(pids, cmd.Process.Pid) || !slices.Contains(pids, os.Getpid()) {
			t.Errorf("%v, %v", pids, err)
		}
		end()
		io.ReadAll(out)
	}
}

func TestEmptyEnvironment(t *testing.T) {
	cmd := exec.Command("/bin/cat")
	cmd.Env = []string{}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer in.Close()
	if env, err := Environment(cmd.Process.Pid); err != nil || len(env) > 0 {
		t.Errorf("%q, %v", env, err)
	}
}
