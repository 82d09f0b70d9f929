// Package terminal gives tests a terminal as a person has it: an interactive
// bash in a pseudo-terminal, with prompts, so that the prompt hook runs.
package terminal

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
)

// patience is how long a command in a terminal may take before the test gives
// up on it; nothing is timed by it.
const patience = 2 * time.Minute

// Terminal is an interactive bash.
type Terminal struct {
	t       *testing.T
	file    *os.File
	command *exec.Cmd
	calls   int

	mu      sync.Mutex
	changed *sync.Cond
	all     bytes.Buffer // whatever was printed
	done    int          // how much of it was looked at
	ended   bool
}

// Open starts a terminal with az-ctx's function in it; it ends with the test.
// under is a command that runs the shell, as strace does.
func Open(t *testing.T, dir string, env []string, under ...string) *Terminal {
	t.Helper()
	x := Bare(t, dir, env, under...)
	x.OK(`eval "$(az-ctx init bash)"`)
	return x
}

// Bare starts one without the function.
func Bare(t *testing.T, dir string, env []string, under ...string) *Terminal {
	t.Helper()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("missing: bash")
	}
	argv := append(slices.Clone(under), bash, "--noprofile", "--norc", "--noediting", "-i")
	command := exec.Command(argv[0], argv[1:]...)
	command.Env = append(slices.Clone(env), "PS1=", "TERM=xterm", "HISTFILE=/dev/null")
	command.Dir = dir
	file, err := pty.StartWithSize(command, &pty.Winsize{Rows: 40, Cols: 200})
	if err != nil {
		t.Fatal(err)
	}
	x := &Terminal{t: t, file: file, command: command}
	x.changed = sync.NewCond(&x.mu)
	go x.listen()
	t.Cleanup(x.Kill)
	x.OK("stty -echo; PS1=; PS2=") // no echo: what comes back is what was printed
	return x
}

func (x *Terminal) listen() {
	buffer := make([]byte, 4096)
	for {
		n, err := x.file.Read(buffer)
		x.mu.Lock()
		x.all.Write(buffer[:n])
		x.ended = x.ended || err != nil
		x.changed.Broadcast()
		x.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// Kill ends the shell, which can do nothing about it, and closes the terminal.
func (x *Terminal) Kill() {
	x.command.Process.Kill() // no news where it has ended
	x.command.Wait()
	x.file.Close()
}

// Wait waits until the shell has ended.
func (x *Terminal) Wait() { x.command.Wait() }

// Type is what a person's fingers do: a line with its end, an answer, "\x03".
func (x *Terminal) Type(text string) {
	x.t.Helper()
	if _, err := x.file.WriteString(text); err != nil {
		x.t.Fatal(err)
	}
}

// Begin types a line that somebody has to do something about before it ends;
// End follows.
func (x *Terminal) Begin(line string) {
	x.t.Helper()
	x.Type(line + "\n")
}

// Await waits for something to be printed, and gives what was before it. What
// End gives then is the rest.
func (x *Terminal) Await(text string) string {
	x.t.Helper()
	said := x.until(text, func(all string) (int, bool) {
		i := strings.Index(all, text)
		return i, i >= 0
	})
	x.done += len(said) + len(text)
	return said
}

// End waits until the shell is through with what was typed, and gives what that
// printed on either stream, with the last line's exit status. What the prompt
// hook printed before the prompt is in it.
func (x *Terminal) End() (string, int) {
	x.t.Helper()
	x.calls++
	x.Type(fmt.Sprintf("printf '\\n<%%s:%%s>\\n' %d $?\n", x.calls))
	end := regexp.MustCompile(fmt.Sprintf(`\r?\n<%d:(\d+)>\r?\n`, x.calls))
	var said string
	var status, next int
	x.until("", func(all string) (int, bool) {
		m := end.FindStringSubmatchIndex(all)
		if m == nil {
			return 0, false
		}
		status, _ = strconv.Atoi(all[m[2]:m[3]])
		said, next = all[:m[0]], m[1]
		return 0, true
	})
	x.done += next
	return strings.ReplaceAll(strings.TrimSpace(said), "\r\n", "\n"), status
}

// until waits for found, which is given what was not looked at yet.
func (x *Terminal) until(what string, found func(string) (int, bool)) string {
	x.t.Helper()
	late := false
	timer := time.AfterFunc(patience, func() {
		x.mu.Lock()
		defer x.mu.Unlock()
		late = true
		x.changed.Broadcast()
	})
	defer timer.Stop()
	x.mu.Lock()
	defer x.mu.Unlock()
	for {
		all := x.all.String()[x.done:]
		if at, ok := found(all); ok {
			return all[:at]
		}
		if x.ended || late {
			x.t.Fatalf("the terminal said no %q, but:\n%s", what, all)
		}
		x.changed.Wait()
	}
}

// Run types a line, and gives what it printed with its exit status.
func (x *Terminal) Run(line string) (string, int) {
	x.t.Helper()
	x.Begin(line)
	return x.End()
}

// OK runs a line that has to work.
func (x *Terminal) OK(line string) string {
	x.t.Helper()
	out, status := x.Run(line)
	if status != 0 {
		x.t.Fatalf("%s: status %d\n%s", line, status, out)
	}
	return out
}

// Fails runs a line that has to end with that status.
func (x *Terminal) Fails(status int, line string) string {
	x.t.Helper()
	out, got := x.Run(line)
	if got != status {
		x.t.Errorf("%s: status %d and not %d\n%s", line, got, status, out)
	}
	return out
}

// Transcript is all that was ever printed.
func (x *Terminal) Transcript() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.all.String()
}

// Contains fails the test for each of wanted that is not in the text.
func Contains(t *testing.T, what, text string, wanted ...string) {
	t.Helper()
	for _, w := range wanted {
		if !strings.Contains(text, w) {
			t.Errorf("%s: no %q in\n%s", what, w, text)
		}
	}
}

// Lacks fails the test for each of unwanted that is in the text.
func Lacks(t *testing.T, what, text string, unwanted ...string) {
	t.Helper()
	for _, w := range unwanted {
		if strings.Contains(text, w) {
			t.Errorf("%s: there is %q in\n%s", what, w, text)
		}
	}
}
