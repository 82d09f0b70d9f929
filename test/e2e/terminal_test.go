package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
)

// patience is how long a command in a terminal may take before the test gives
// up on it; nothing is timed by it.
const patience = 3 * time.Minute

// terminal is an interactive bash in a pseudo-terminal, as a person has it: with
// prompts, so that the prompt hook runs.
type terminal struct {
	t     *testing.T
	file  *os.File
	calls int

	mu      sync.Mutex
	changed *sync.Cond
	out     bytes.Buffer
	ended   bool
}

// open starts a terminal of the user's.
func open(t *testing.T, u user) *terminal {
	t.Helper()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("missing: bash")
	}
	command := exec.Command(bash, "--noprofile", "--norc", "--noediting", "-i")
	command.Env = append(u.environ(), "PS1=", "TERM=xterm")
	command.Dir = u.home
	file, err := pty.StartWithSize(command, &pty.Winsize{Rows: 40, Cols: 200})
	if err != nil {
		t.Fatal(err)
	}
	x := &terminal{t: t, file: file}
	x.changed = sync.NewCond(&x.mu)
	go x.listen()
	t.Cleanup(func() {
		file.Close()
		command.Process.Kill()
		command.Wait()
	})
	// No echo: what comes back is what was printed.
	x.run(`stty -echo; PS1=; PS2=; eval "$(az-ctx init bash)"`)
	return x
}

func (x *terminal) listen() {
	buffer := make([]byte, 4096)
	for {
		n, err := x.file.Read(buffer)
		x.mu.Lock()
		x.out.Write(buffer[:n])
		x.ended = err != nil
		x.changed.Broadcast()
		x.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// run types a line and gives what it printed, on either stream, with its exit
// status. What the prompt hook printed before it is in the output of the next.
func (x *terminal) run(line string) (string, int) {
	x.t.Helper()
	x.start(line)
	return x.finish()
}

// start types a line; finish waits for its end.
func (x *terminal) start(line string) {
	x.t.Helper()
	x.calls++
	if _, err := fmt.Fprintf(x.file, "%s\nprintf '\\n<%%s:%%s>\\n' %d $?\n", line, x.calls); err != nil {
		x.t.Fatal(err)
	}
}

func (x *terminal) finish() (string, int) {
	x.t.Helper()
	end := regexp.MustCompile(fmt.Sprintf(`\r?\n<%d:(\d+)>\r?\n`, x.calls))
	timer := time.AfterFunc(patience, func() {
		x.mu.Lock()
		x.ended = true
		x.changed.Broadcast()
		x.mu.Unlock()
	})
	defer timer.Stop()
	x.mu.Lock()
	defer x.mu.Unlock()
	for {
		if m := end.FindSubmatchIndex(x.out.Bytes()); m != nil {
			text := x.out.String()
			status, _ := strconv.Atoi(text[m[2]:m[3]])
			x.out.Next(m[1])
			return strings.ReplaceAll(strings.TrimSpace(text[:m[0]]), "\r\n", "\n"), status
		}
		if x.ended {
			x.t.Fatalf("the terminal said no more after:\n%s", x.out.String())
		}
		x.changed.Wait()
	}
}

// ok runs a line that has to work.
func (x *terminal) ok(line string) string {
	x.t.Helper()
	out, status := x.run(line)
	if status != 0 {
		x.t.Fatalf("%s: status %d\n%s", line, status, out)
	}
	return out
}

// hook is what the prompt hook says where nothing more has been done.
func (x *terminal) hook() string {
	x.t.Helper()
	return x.ok(":")
}

func contains(t *testing.T, what, text string, wanted ...string) {
	t.Helper()
	for _, w := range wanted {
		if !strings.Contains(text, w) {
			t.Errorf("%s: no %q in\n%s", what, w, text)
		}
	}
}
