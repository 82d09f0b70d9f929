package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/az-ctx/az-ctx/test/azure"
	"github.com/az-ctx/az-ctx/test/terminal"
)

// shell is one of the shells that az-ctx knows, as a person has it.
type shell struct {
	name    string
	command func() []string
	init    string
	end     string // prints "<n>" for %d, without being that itself
}

var shells = []shell{
	{"bash", words("bash", "--norc", "--noprofile"), `eval "$(az-ctx init bash)"`, `printf '<%%s>\n' %d`},
	{"zsh", words("zsh", "-f", "-i"), `eval "$(az-ctx init zsh)"`, `printf '<%%s>\n' %d`},
	{"fish", words("fish", "-N", "-i"), `az-ctx init fish | source`, `printf '<%%s>\n' %d`},
	{"pwsh", func() []string {
		return []string{pwsh(), "-NoProfile", "-NoLogo", "-NoExit", "-Command", "Remove-Module PSReadLine"}
	}, `az-ctx init pwsh | Out-String | Invoke-Expression`, `'<' + %d + '>'`},
}

func words(argv ...string) func() []string { return func() []string { return argv } }

func pwsh() string {
	if path := os.Getenv("AZ_CTX_TEST_PWSH"); path != "" {
		return path
	}
	return "pwsh"
}

// screen is a terminal with any shell in it, where package terminal has bash.
// What its line editor paints is in what it shows, so tests look for what can't
// be in the line that they typed.
type screen struct {
	t    *testing.T
	file *os.File
	end  string
	n    int

	mu      sync.Mutex
	changed *sync.Cond
	seen    string
	ended   bool
}

// openIn starts the shell with az-ctx's function in it. It ends with the test.
func (u user) openIn(t *testing.T, s shell) *screen {
	t.Helper()
	argv := s.command()
	if _, err := exec.LookPath(argv[0]); err != nil {
		t.Skip("missing: ", s.name)
	}
	c := exec.Command(argv[0], argv[1:]...)
	c.Dir = u.home
	c.Env = append(u.environ(), "TERM=dumb", "HISTFILE=/dev/null") // the least painting
	file, err := pty.StartWithSize(c, &pty.Winsize{Rows: 50, Cols: 200})
	if err != nil {
		t.Fatal(err)
	}
	x := &screen{t: t, file: file, end: s.end}
	x.changed = sync.NewCond(&x.mu)
	go x.listen()
	t.Cleanup(func() {
		c.Process.Kill()
		c.Wait()
		file.Close()
	})
	x.run(s.init)
	return x
}

func (x *screen) listen() {
	buffer := make([]byte, 4096)
	for {
		n, err := x.file.Read(buffer)
		if strings.Contains(string(buffer[:n]), "\x1b[6n") { // .NET asks where the cursor is
			x.file.WriteString("\x1b[1;1R")
		}
		x.mu.Lock()
		x.seen += string(buffer[:n])
		x.ended = x.ended || err != nil
		x.changed.Broadcast()
		x.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// run types a line, and gives what was shown until it was through. The prompt
// that follows is not waited for: the next line is what comes after it.
func (x *screen) run(line string) string {
	x.t.Helper()
	x.n++
	x.mu.Lock()
	from := len(x.seen)
	x.mu.Unlock()
	if _, err := fmt.Fprintf(x.file, "%s; "+x.end+"\r", line, x.n); err != nil {
		x.t.Fatal(err)
	}
	late := false
	timer := time.AfterFunc(2*time.Minute, func() { // nothing is timed by it
		x.mu.Lock()
		defer x.mu.Unlock()
		late = true
		x.changed.Broadcast()
	})
	defer timer.Stop()
	x.mu.Lock()
	defer x.mu.Unlock()
	for end := fmt.Sprintf("<%d>", x.n); ; x.changed.Wait() {
		if said, _, ok := strings.Cut(x.seen[from:], end); ok {
			return said
		}
		if x.ended || late {
			x.t.Fatalf("%s did not end:\n%s", line, x.seen[from:])
		}
	}
}

// killAgent ends the user's agent as nothing can be done about, and returns once
// it is gone.
func (u user) killAgent(t *testing.T) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(u.home, ".local/state/az-ctx/run/*/agent.generation"))
	if err != nil || len(files) != 1 {
		t.Fatalf("generation files: %v %v", files, err)
	}
	kill := exec.Command("bash", "-c", `read -r _ pid _ <"$0"; kill -9 $pid || exit; until [[ ! -e /proc/$pid || $(</proc/$pid/stat) == *" Z "* ]]; do :; done`, files[0])
	if out, err := kill.CombinedOutput(); err != nil {
		t.Fatalf("killing the agent: %v\n%s", err, out)
	}
}

// The agent killed in the middle: what runs, or is typed at the prompt that was
// there, is answered by the next agent with what to type; after its next prompt
// each shell is well, on the context that it was on. Two of them at once.
func TestAgentKilledEveryShellHeals(t *testing.T) {
	for _, s := range shells {
		t.Run(s.name, func(t *testing.T) {
			u := newUser(t, false)
			u.login(t, azure.Alice)
			u.loginRobot(t)
			client := clientNamed(t, "azidentity for Go").ask(t, arm)
			x, y := u.openIn(t, s), open(t, u)
			y.OK("az-ctx import --from az; az-ctx rename " + prod + " prod; az-ctx select prod")
			x.run("az-ctx select " + dev)
			u.wantToken(t, "before", x.run(client), aliceAtFabrikam, arm)
			runs := clientNamed(t, "terraform's authorizer").start(t, y)
			u.wantToken(t, "what runs", runs.ask(arm), robot, arm)

			u.killAgent(t)
			if said := y.OK(":"); said != "" {
				t.Errorf("the hook said %s", said)
			}
			out, _ := y.Run(client)
			u.wantToken(t, "the other shell after its next prompt", out, robot, arm)
			for what, said := range map[string]string{"what runs": runs.ask(graph), "before the next prompt": x.run(client)} {
				if len(u.tokens(said)) != 0 {
					t.Errorf("%s: an old key got %q", what, u.tokens(said))
				}
				terminal.Contains(t, what, unfold(said), "az-ctx's agent was restarted", "press Enter at the prompt, or run: az-ctx select NAME")
			}
			u.wantToken(t, "after the next prompt", x.run(client), aliceAtFabrikam, arm)
		})
	}
}

// unfold takes the line ends out of what a terminal or a tool broke up.
func unfold(said string) string {
	return regexp.MustCompile(`\s+`).ReplaceAllString(said, " ")
}

func clientNamed(t *testing.T, name string) client {
	t.Helper()
	for _, c := range clients {
		if c.name == name {
			return c
		}
	}
	t.Fatalf("no client %q", name)
	return client{}
}

// A sign-in that was in the agent's memory alone is gone with it, and every tool
// says how to sign in again.
func TestAgentKilledSignInInMemoryIsTold(t *testing.T) {
	u := newUser(t, false)
	x := open(t, u)
	u.robotIn(t, x, "--name robot --scope process")
	client := clientNamed(t, "azidentity for Go").ask(t, arm)
	out, _ := x.Run(client)
	u.wantToken(t, "before", out, robot, arm)
	u.killAgent(t)
	x.OK(":")
	terminal.Contains(t, "after", x.Fails(1, client), "az-ctx connect --service-principal --client-id "+azure.RobotC)
	u.robotIn(t, x, "--name robot --scope process --force")
	out, _ = x.Run(client)
	u.wantToken(t, "signed in again", out, robot, arm)
}
