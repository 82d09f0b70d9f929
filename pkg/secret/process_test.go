package secret

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// TestMain is a writer of its own where a test starts it so: its words are the
// job, the lock directory and the shelf, "" for the system's own keychain.
func TestMain(m *testing.M) {
	if job := os.Getenv("AZ_CTX_TEST_WRITER"); job != "" {
		words := strings.Split(job, "|")
		if err := writer(words[0], words[1], words[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func writer(job, lockDir, dir string) error {
	k := processKeychain(lockDir, dir)
	kind, arg, _ := strings.Cut(job, ":")
	ctx := context.Background()
	switch kind {
	case "count":
		n, err := strconv.Atoi(arg)
		if err != nil {
			return err
		}
		for range n {
			if err := k.Update(ctx, "count", increment); err != nil {
				return err
			}
		}
		return nil
	case "forever":
		for i := 0; ; i++ {
			if err := k.Update(ctx, "count", increment); err != nil {
				return err
			}
			if i == 0 {
				fmt.Println("going")
			}
		}
	}
	return fmt.Errorf("no job %s", job)
}

func processKeychain(lockDir, dir string) *system {
	if dir != "" {
		return at(lockDir, shelf(dir), partLimit)
	}
	k := System(lockDir).(*system)
	k.limit = 300 // as if Linux had one
	return k
}

func start(t *testing.T, job, lockDir, dir string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "AZ_CTX_TEST_WRITER="+strings.Join([]string{job, lockDir, dir}, "|"))
	cmd.Stderr = os.Stderr
	return cmd
}

func TestWritersOfSeveralProcessesLoseNothing(t *testing.T) {
	writersLoseNothing(t, t.TempDir(), t.TempDir(), 4, 25)
}

// writersLoseNothing counts in several processes, and reads meanwhile.
func writersLoseNothing(t *testing.T, lockDir, dir string, processes, times int) {
	var running []*exec.Cmd
	for range processes {
		cmd := start(t, fmt.Sprintf("count:%d", times), lockDir, dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		running = append(running, cmd)
	}
	ended := make(chan error)
	for _, cmd := range running {
		go func() { ended <- cmd.Wait() }()
	}
	k := processKeychain(lockDir, dir)
	last, reads := 0, 0
	for left := processes; left > 0; {
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("a writer: %v", err)
			}
			left--
		default:
			value, err := k.Get(t.Context(), "count")
			if err != nil && err != ErrNotFound {
				t.Errorf("a reader: %v", err)
			}
			if n := counted(value); n < last {
				t.Errorf("%d after %d", n, last)
			} else {
				last = n
			}
			reads++
		}
	}
	got, err := k.Get(t.Context(), "count")
	if err != nil || counted(got) != processes*times {
		t.Errorf("counted to %d of %d, %v", counted(got), processes*times, err)
	}
	t.Logf("%d writes, %d reads", processes*times, reads)
}

func TestAWriterKilledAtAnyInstantLeavesAWholeValue(t *testing.T) {
	lockDir, dir := t.TempDir(), t.TempDir()
	killedWriters(t, lockDir, dir, 20)
	if err := processKeychain(lockDir, dir).Delete(t.Context(), "count"); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range left {
		if !strings.HasPrefix(f.Name(), ".") { // the shelf's own
			t.Errorf("%s is left", f.Name())
		}
	}
}

// killedWriters kills a writer again and again while it writes.
func killedWriters(t *testing.T, lockDir, dir string, times int) {
	k := processKeychain(lockDir, dir)
	last := 0
	for range times {
		cmd := start(t, "forever", lockDir, dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		cmd.Process.Kill()
		cmd.Wait()
		if err != nil || line != "going\n" {
			t.Fatalf("%q, %v", line, err)
		}
		value, err := k.Get(t.Context(), "count")
		if n := counted(value); err != nil || n <= last {
			t.Fatalf("%d after %d, %v", n, last, err)
		} else {
			last = n
		}
	}
}
