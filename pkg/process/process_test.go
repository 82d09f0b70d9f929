package process

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestMain is a process that waits for the end of its standard input, where a
// test starts it so; with "parent" it starts such a one itself and says its pid.
func TestMain(m *testing.M) {
	switch os.Getenv("AZ_CTX_TEST_PROCESS") {
	case "wait":
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	case "parent":
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "AZ_CTX_TEST_PROCESS=wait")
		cmd.Stdin = os.Stdin
		if err := cmd.Start(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(cmd.Process.Pid)
		cmd.Wait()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// start starts a process that lives until end is called, which does not wait
// for it.
func start(t *testing.T, kind string, env ...string) (cmd *exec.Cmd, out io.Reader, end func()) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command(exe)
	cmd.Env = append(append(os.Environ(), env...), "AZ_CTX_TEST_PROCESS="+kind)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); cmd.Wait() })
	return cmd, stdout, func() { in.Close() }
}

func TestLookup(t *testing.T) {
	me, err := Lookup(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if me.PID != os.Getpid() || me.Parent != os.Getppid() || me.Start == 0 || me.UID >= 0 && me.UID != os.Geteuid() {
		t.Errorf("%+v", me)
	}
	if exe, err := os.Executable(); err == nil && me.Exe != "" && me.Exe != exe {
		t.Errorf("%s, not %s", me.Exe, exe)
	}
	again, err := Lookup(os.Getpid())
	if err != nil || again != me {
		t.Errorf("%+v, then %+v: %v", me, again, err)
	}
	if !me.Alive() {
		t.Error("this process is not alive")
	}
	for _, pid := range []int{0x7fffffff, -1} {
		if _, err := Lookup(pid); !errors.Is(err, ErrGone) {
			t.Errorf("process %d: %v", pid, err)
		}
	}
}

// A pid that was given out again is another process.
func TestAliveGoesByStart(t *testing.T) {
	me, err := Lookup(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	other := me.ID
	other.Start--
	if other.Alive() {
		t.Error("a process of another start time is alive")
	}
	if other.IsAncestor(os.Getpid()) {
		t.Error("it is an ancestor")
	}
}

// A process that has ended and waits for its parent alone is gone.
func TestZombie(t *testing.T) {
	cmd, out, end := start(t, "wait")
	info, err := Lookup(cmd.Process.Pid)
	if err != nil || info.Parent != os.Getpid() || !info.Alive() {
		t.Fatalf("%+v, %v", info, err)
	}
	end()
	// Its end of the pipe closes when it ends; nobody has waited for it yet.
	if _, err := io.ReadAll(out); err != nil {
		t.Fatal(err)
	}
	awaitZombie(t, cmd.Process.Pid)
	if info.Alive() {
		t.Error("a zombie is alive")
	}
	if _, err := Lookup(cmd.Process.Pid); !errors.Is(err, ErrGone) {
		t.Errorf("%v", err)
	}
	cmd.Wait()
	if info.Alive() {
		t.Error("a process that ended is alive")
	}
}

func TestIsAncestor(t *testing.T) {
	me, err := Lookup(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	cmd, out, _ := start(t, "parent")
	var grandchild int
	if _, err := fmt.Fscan(out, &grandchild); err != nil {
		t.Fatal(err)
	}
	child, err := Lookup(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	young, err := Lookup(grandchild)
	if err != nil {
		t.Fatal(err)
	}
	sibling, _, _ := start(t, "wait")
	for _, test := range []struct {
		of   ID
		pid  int
		want bool
	}{
		{me.ID, os.Getpid(), true}, {me.ID, child.PID, true}, {me.ID, grandchild, true}, {child.ID, grandchild, true},
		{young.ID, child.PID, false}, {child.ID, os.Getpid(), false}, {child.ID, sibling.Process.Pid, false}, {me.ID, 0x7fffffff, false},
	} {
		if got := test.of.IsAncestor(test.pid); got != test.want {
			t.Errorf("%v of %d: %v", test.of, test.pid, got)
		}
	}
}

func TestParseID(t *testing.T) {
	id := ID{PID: 42, Start: 18446744073709551615}
	if got, err := ParseID(id.String()); err != nil || got != id {
		t.Error(got, err)
	}
	for _, s := range []string{"", "-", "1", "1-", "-1", "0-1", "-1-1", "1-x", "x-1", "1--1", "1-1-1", "../1-1", "1-18446744073709551616"} {
		if got, err := ParseID(s); err == nil {
			t.Errorf("%q is %v", s, got)
		}
	}
}

func TestHost(t *testing.T) {
	a, err := Host()
	if err != nil {
		t.Fatal(err)
	}
	if b, err := Host(); err != nil || a != b || strings.ContainsAny(a, "/\\. ") || a == "" {
		t.Errorf("%q, %q, %v", a, b, err)
	}
}
