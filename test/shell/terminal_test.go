//go:build unix

package shell

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// terminal is a real pseudo-terminal with a shell in it.
type terminal struct {
	t    *testing.T
	file *os.File
	cmd  *exec.Cmd

	mu   sync.Mutex
	seen string        // all that was shown
	at   int           // how much of it was expected already
	more chan struct{} // something new was shown
}

// rc writes the start files of every shell, so that their prompts show the
// context and are easy to find: `<NAME STATUS>`.
func (h *home) rc(t *testing.T) {
	t.Helper()
	h.write(".bashrc", "set +o history\nbind 'set enable-bracketed-paste off' 2>/dev/null\nPROMPT_COMMAND='PS1=\"<$AZ_CTX_PROMPT $?> \"'\neval \"$(az-ctx init bash)\"\n")
	h.write(".bash_profile", ". ~/.bashrc\n")
	h.write(".zshrc", "autoload -Uz compinit; compinit -u -D\nunsetopt prompt_sp prompt_cr\nunset zle_bracketed_paste\nsetopt prompt_subst\nPS1='<$AZ_CTX_PROMPT %?> '\neval \"$(az-ctx init zsh)\"\n")
	h.write(".config/fish/config.fish", "set -U fish_greeting\nfunction fish_prompt; echo -n \"<$AZ_CTX_PROMPT $status> \"; end\nfunction fish_right_prompt; end\naz-ctx init fish | source\n")
	h.write(".local/share/fish/generated_completions/.keep", "") // else fish makes them all from the man pages
	h.write(".config/powershell/profile.ps1", "function prompt { \"<$env:AZ_CTX_PROMPT $(if ($?) { 0 } else { $LASTEXITCODE })> \" }\naz-ctx init pwsh | Out-String | Invoke-Expression\n")
}

// interactive is how each shell is started for a person.
func (d dialect) interactive() []string {
	switch d.name {
	case "bash":
		return []string{"bash", "-i"}
	case "zsh":
		return []string{"zsh", "-i"}
	case "fish":
		return []string{"fish", "-i"}
	}
	// PSReadLine paints each key anew, and least on a dumb terminal.
	return []string{"/usr/bin/env", "TERM=dumb", d.argv[0], "-NoLogo"}
}

// open starts a command in a terminal of its own.
func (h *home) open(t *testing.T, argv ...string) *terminal {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env, cmd.Dir = append(append([]string{}, h.env...), "AZ_CTX="+program), h.dir
	f, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 50, Cols: 200})
	if err != nil {
		t.Fatal(err)
	}
	term := &terminal{t: t, file: f, cmd: cmd, more: make(chan struct{}, 1)}
	go func() {
		buffer := make([]byte, 4096)
		for {
			n, err := f.Read(buffer)
			term.mu.Lock()
			term.seen += string(buffer[:n])
			term.mu.Unlock()
			if strings.Contains(string(buffer[:n]), "\x1b[6n") { // .NET asks where the cursor is
				f.WriteString("\x1b[1;1R")
			}
			select {
			case term.more <- struct{}{}:
			default:
			}
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGHUP)
		done := make(chan struct{})
		go func() { cmd.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(5 * time.Second):
			cmd.Process.Kill()
			<-done
		}
		f.Close()
	})
	return term
}

// escapes are what shells send to a terminal beside text and line ends.
var escapes = regexp.MustCompile("\x1b\\][^\x07\x1b]*(\x07|\x1b\\\\)|\x1b[P^_][^\x1b]*\x1b\\\\|\x1b\\[[0-9;:?<>=]*[ -/]*[@-~]|\x1b[()][0-9A-Za-z]|\x1b[=>78cDEHMNOZ]|[\x00\x07\x0e\x0f\r]")

// expect waits until the pattern is shown after what was expected before, and
// returns its submatches.
func (term *terminal) expect(pattern string) []string {
	term.t.Helper()
	re := regexp.MustCompile(pattern)
	deadline := time.After(limit)
	for {
		term.mu.Lock()
		text := escapes.ReplaceAllString(term.seen, "")
		term.mu.Unlock()
		if m := re.FindStringSubmatchIndex(text[min(term.at, len(text)):]); m != nil {
			from := term.at
			var groups []string
			for i := 0; i < len(m); i += 2 {
				if m[i] < 0 {
					groups = append(groups, "")
					continue
				}
				groups = append(groups, text[from+m[i]:from+m[i+1]])
			}
			term.at = from + m[1]
			return groups
		}
		select {
		case <-term.more:
		case <-deadline:
			term.t.Fatalf("waited for %q; shown since:\n%q\nall:\n%s", pattern, text[min(term.at, len(text)):], text)
		}
	}
}

// prompt waits for the shell's prompt with that context's name and status.
func (term *terminal) prompt(name, status string) {
	term.t.Helper()
	term.expect("<" + regexp.QuoteMeta(name) + " " + status + "> $")
}

// send types.
func (term *terminal) send(text string) {
	term.t.Helper()
	if _, err := term.file.WriteString(text); err != nil {
		term.t.Fatal(err)
	}
}

// line types a line.
func (term *terminal) line(text string) { term.t.Helper(); term.send(text + "\r") }

// shown is everything since the start, without escapes.
func (term *terminal) shown() string {
	term.mu.Lock()
	defer term.mu.Unlock()
	return escapes.ReplaceAllString(term.seen, "")
}
