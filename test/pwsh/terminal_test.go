//go:build unix

package pwsh

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/az-ctx/az-ctx/test/azure"
)

// screen is a pwsh in a pseudo-terminal, as a person has it.
type screen struct {
	t    *testing.T
	file *os.File
	mu   sync.Mutex
	seen string
}

func (u *user) open(t *testing.T) *screen {
	t.Helper()
	c := exec.Command(pwsh, "-NoLogo")
	c.Env, c.Dir = u.env, u.home
	f, err := pty.StartWithSize(c, &pty.Winsize{Rows: 50, Cols: 200})
	if err != nil {
		t.Fatal(err)
	}
	s := &screen{t: t, file: f}
	go func() {
		buffer := make([]byte, 4096)
		for {
			n, err := f.Read(buffer)
			s.mu.Lock()
			s.seen += string(buffer[:n])
			s.mu.Unlock()
			if strings.Contains(string(buffer[:n]), "\x1b[6n") { // .NET asks where the cursor is
				f.WriteString("\x1b[1;1R")
			}
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		c.Process.Kill()
		c.Wait()
		f.Close()
	})
	return s
}

func (s *screen) send(text string) {
	s.t.Helper()
	if _, err := s.file.WriteString(text); err != nil {
		s.t.Fatal(err)
	}
}

// shows waits until the text was shown after all that was waited for before, and
// returns what came between.
func (s *screen) shows(text string) string {
	s.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for time.Now().Before(deadline) {
		s.mu.Lock()
		before, after, found := strings.Cut(s.seen, text)
		if found {
			s.seen = after
		}
		s.mu.Unlock()
		if found {
			return before
		}
		time.Sleep(20 * time.Millisecond)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.t.Fatalf("no %q in %q", text, s.seen)
	return ""
}

// At a terminal names complete, the prompt shows where one is, and a question
// waits for its answer.
func TestTerminal(t *testing.T) {
	u := newUser(t)
	u.importNames("prod", "it's \u2019", "dev")
	u.write(".config/powershell/profile.ps1", "function prompt { \"<$env:AZ_CTX_PROMPT $?> \" }\n"+initLine)
	s := u.open(t)
	s.shows("< True> ")
	s.send("Select-AzCtx it\t\r")
	s.shows("* it's \u2019")
	s.shows("<it's \u2019 True> ")
	s.send("Select-AzCtx nope\r")
	s.shows("no context \"nope\"")
	s.shows("<it's \u2019 False> ")
	s.send("Select-AzCtx pro\t | Out-Null\r")
	s.shows("<prod True> ")
	s.send("Remove-AzCtx prod\r")
	s.shows("remove prod, the active context?")
	s.shows("[?] Help")
	s.send("n\r")
	s.shows("<prod True> ")
	s.send("Remove-AzCtx prod\r")
	s.shows("[?] Help")
	s.send("y\r")
	s.shows("signed out here")
	s.shows("< True> ")
	s.send("Select-AzCtx dev -Confirm\r")
	s.shows("Are you sure")
	s.send("y\r")
	s.shows("<dev True> ")
	s.send("az-ctx current -o name\r")
	s.shows("dev")
	s.shows("<dev True> ")
}

// TestP5ClashAsks: the sign-in waits for the answer, and is not done again.
func TestP5ClashAsks(t *testing.T) {
	u, cloud := online(t, azure.Alice)
	u.write(".config/powershell/profile.ps1", "function prompt { \"<$env:AZ_CTX_PROMPT $((Get-AzCtx).Account)> \" }\n"+initLine)
	s := u.open(t)
	s.shows("< > ")
	connect := "Connect-AzCtxAccount -UseDeviceAuthentication -ContextName work | Out-Null\r"
	s.send(connect)
	s.shows("<work alice@contoso.com> ")
	if err := cloud.AutoApprove(azure.Bob); err != nil {
		t.Fatal(err)
	}
	s.send(connect)
	s.shows("replace \"work\", which is")
	s.shows("[?] Help")
	s.send("n\r")
	s.shows("<work alice@contoso.com> ")
	s.send(connect)
	s.shows("[?] Help")
	s.send("y\r")
	s.shows("<work bob@contoso.com> ")
	flows := 0
	for _, r := range cloud.Requests() {
		if strings.HasSuffix(r.Path, "/devicecode") {
			flows++
		}
	}
	if flows != 3 {
		t.Errorf("%d sign-ins were begun", flows)
	}
}

// A wait for the cloud shows what is waited for, and how far it is.
func TestWaitShowsHowFarItIs(t *testing.T) {
	u, cloud := online(t, azure.Alice)
	answer := make(chan struct{})
	cloud.Intercept(azure.On(azure.Until(answer), azure.Path("/subscriptions")))
	u.atPrompt()
	// In a dumb terminal PowerShell shows no progress.
	u.env = slices.DeleteFunc(u.env, func(v string) bool { return v == "TERM=dumb" || v == "NO_COLOR=1" })
	u.env = append(u.env, "TERM=xterm-256color")
	s := u.open(t)
	s.shows("<> ")
	s.send("Connect-AzCtxAccount -UseDeviceAuthentication -ContextName work | Out-Null\r")
	s.shows("az-ctx [")
	s.shows("tenants 0/3")
	close(answer)
	s.shows("<work> ")
}
