// Demo shows the main job of az-ctx in two terminals: two real bash, each on a
// pseudo-terminal of its own. `./install.sh --demo` builds and runs it with a
// scratch HOME and az-ctx on PATH. It ends with 1 where a terminal did not show
// what it should have.
package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/creack/pty"
)

// azureProfile is what `az login` leaves for a user with a subscription in each
// of two tenants.
//
//go:embed azureProfile.json
var azureProfile []byte

const (
	// One command in one terminal; the slowest starts the agent.
	stepLimit = 20 * time.Second
	columns   = 100
	prod      = "Contoso Prod 1 (00000001-0000-4000-8000-000000000000)"
	dev       = "Fabrikam Dev (00900001-0000-4000-8000-000000000000)"
)

func main() {
	if filepath.Base(os.Args[0]) == "az-default" {
		fmt.Println(azDefault())
		return
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run() error {
	home := os.Getenv("HOME")
	if err := os.MkdirAll(filepath.Join(home, ".azure"), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(home, ".azure", "azureProfile.json"), azureProfile, 0o600); err != nil {
		return err
	}
	bin, err := ownCommands(home)
	if err != nil {
		return err
	}
	env := append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	if !coloured() {
		env = append(env, "NO_COLOR=1")
	}

	note("az-ctx on a sample sign-in: what `az login` leaves for alice@contoso.com,",
		"who has a subscription in each of two tenants. Two terminals, A and B.",
		"`az-default` stands in for az, which need not be here: it prints the default",
		"subscription in $AZURE_CONFIG_DIR/azureProfile.json, the one that az takes.")

	a, err := open("A", env)
	if err != nil {
		return err
	}
	defer a.close()
	if err := a.do(
		step{"az-ctx import --from az", "borrowed from az's sign-in"},
		step{"az-ctx rename '" + prod + "' prod", ""},
		step{"az-ctx rename '" + dev + "' dev", ""},
		step{"az-ctx list", "* prod"},
	); err != nil {
		return err
	}

	note("terminal B, opened beside it, goes to dev")
	b, err := open("B", env)
	if err != nil {
		return err
	}
	defer b.close()
	if err := b.do(
		step{"az-ctx select dev", "fabrikam.com"},
		step{"az-ctx list", "* dev"},
		step{"env | grep -E '^(AZURE|ARM)_(SUBSCRIPTION|TENANT)_ID=' | sort", "ARM_SUBSCRIPTION_ID=00900001"},
		step{"az-default", "Fabrikam Dev"},
	); err != nil {
		return err
	}

	note("terminal A is still on prod: its variables, and the directory that az reads")
	if err := a.do(
		step{"env | grep -E '^(AZURE|ARM)_(SUBSCRIPTION|TENANT)_ID=' | sort", "ARM_SUBSCRIPTION_ID=00000001"},
		step{"az-default", "Contoso Prod 1"},
	); err != nil {
		return err
	}

	note("A looks into dev and comes back; one command alone can have another context")
	if err := a.do(
		step{"az-ctx select dev", "fabrikam.com"},
		step{"az-ctx select -", "contoso.com"},
		step{"az-ctx exec --context dev -- az-default", "Fabrikam Dev"},
		step{"az-default", "Contoso Prod 1"},
	); err != nil {
		return err
	}

	note("B gives its environment back: az is where it was before az-ctx")
	if err := b.do(
		step{"az-ctx deselect", ""},
		step{"env | grep -cE '^(AZ_CTX|AZURE|ARM)_'", "0"},
		step{"az-default", "Contoso Prod 1"},
	); err != nil {
		return err
	}
	left, err := os.ReadFile(filepath.Join(home, ".azure", "azureProfile.json"))
	if err != nil {
		return err
	}
	if !bytes.Equal(left, azureProfile) {
		return errors.New("az's own azureProfile.json was changed")
	}
	note("az's own azureProfile.json is what it was, byte for byte. That was az-ctx;",
		"all that the demo made is removed. To install it: ./install.sh")
	return nil
}

// ownCommands makes a directory with az-default in it: this program again.
func ownCommands(home string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	bin := filepath.Join(home, "bin")
	if err := os.MkdirAll(bin, 0o700); err != nil {
		return "", err
	}
	return bin, os.Symlink(self, filepath.Join(bin, "az-default"))
}

// azDefault reads what az reads.
func azDefault() string {
	dir := os.Getenv("AZURE_CONFIG_DIR")
	if dir == "" {
		dir = filepath.Join(os.Getenv("HOME"), ".azure")
	}
	text, err := os.ReadFile(filepath.Join(dir, "azureProfile.json"))
	if err != nil {
		return err.Error()
	}
	var profile struct {
		Subscriptions []struct {
			Name, ID, TenantID string
			IsDefault          bool
		}
	}
	if err := json.Unmarshal(bytes.TrimPrefix(text, []byte("\ufeff")), &profile); err != nil {
		return err.Error()
	}
	for _, s := range profile.Subscriptions {
		if s.IsDefault {
			return fmt.Sprintf("%s  %s  tenant %s", s.Name, s.ID, s.TenantID)
		}
	}
	return "no default"
}

// terminal is a bash on a pseudo-terminal.
type terminal struct {
	name  string
	tty   *os.File
	cmd   *exec.Cmd
	bytes chan []byte // closed where the shell has gone
}

// step is one line that is typed, and what has to be in the answer.
type step struct{ line, want string }

// The prompt's end: nothing that is printed here holds it.
const mark = "\x1e"

func open(name string, env []string) (*terminal, error) {
	cmd := exec.Command("bash", "--norc", "--noprofile", "--noediting", "-i")
	cmd.Env = append(env, "HISTFILE=/dev/null", "PS1="+mark, "BASH_SILENCE_DEPRECATION_WARNING=1")
	cmd.Dir = os.Getenv("HOME")
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 40, Cols: columns})
	if err != nil {
		return nil, fmt.Errorf("starting bash in terminal %s: %w", name, err)
	}
	t := &terminal{name: name, tty: tty, cmd: cmd, bytes: make(chan []byte)}
	go func() {
		defer close(t.bytes)
		for {
			b := make([]byte, 4096)
			n, err := tty.Read(b)
			if err != nil {
				return
			}
			t.bytes <- b[:n]
		}
	}()
	if _, err := t.answer(); err != nil {
		t.close()
		return nil, err
	}
	// What is typed is printed by do, so the terminal need not echo it.
	if _, err := t.type_("stty -echo"); err != nil {
		t.close()
		return nil, err
	}
	return t, t.do(step{`eval "$(az-ctx init bash)"`, ""})
}

// do types each line as a person would and prints what comes.
func (t *terminal) do(steps ...step) error {
	for _, s := range steps {
		fmt.Printf("%s\n", strings.TrimRight(t.prompt(s.line), " "))
		text, err := t.type_(s.line)
		if err != nil {
			return err
		}
		fmt.Print(text)
		if !strings.Contains(text, s.want) {
			return fmt.Errorf("terminal %s: %s printed no %q", t.name, s.line, s.want)
		}
	}
	return nil
}

// prompt is the line as it stands on a terminal.
func (t *terminal) prompt(line string) string { return bold(t.name+" $ ") + line }

func (t *terminal) type_(line string) (string, error) {
	if _, err := t.tty.WriteString(line + "\n"); err != nil {
		return "", err
	}
	text, err := t.answer()
	if err != nil {
		return "", fmt.Errorf("%w after: %s", err, line)
	}
	return text, nil
}

// answer is what the shell prints until its next prompt.
func (t *terminal) answer() (string, error) {
	late := time.After(stepLimit)
	var text []byte
	for {
		select {
		case b, ok := <-t.bytes:
			if !ok {
				return "", fmt.Errorf("terminal %s ended", t.name)
			}
			text = append(text, b...)
			if before, ok := bytes.CutSuffix(text, []byte(mark)); ok {
				return strings.ReplaceAll(string(before), "\r\n", "\n"), nil
			}
		case <-late:
			return "", fmt.Errorf("terminal %s: no prompt within %s", t.name, stepLimit)
		}
	}
}

// close ends the terminal as closing its window does.
func (t *terminal) close() {
	_ = t.tty.Close()
	go func() {
		for range t.bytes {
		}
	}()
	done := make(chan struct{})
	go func() {
		_ = t.cmd.Wait() // it ends by a hangup
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(time.Second):
		_ = t.cmd.Process.Kill()
		<-done
	}
}

func note(lines ...string) {
	fmt.Println()
	for _, l := range lines {
		fmt.Println(dim("# " + l))
	}
}

func coloured() bool {
	if _, no := os.LookupEnv("NO_COLOR"); no || os.Getenv("TERM") == "dumb" {
		return false
	}
	_, err := pty.GetsizeFull(os.Stdout)
	return err == nil
}

func bold(s string) string {
	if coloured() {
		return "\x1b[1m" + s + "\x1b[m"
	}
	return s
}

func dim(s string) string {
	if coloured() {
		return "\x1b[2m" + s + "\x1b[m"
	}
	return s
}
