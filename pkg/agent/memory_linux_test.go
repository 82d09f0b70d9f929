package agent

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/secret"
	"github.com/az-ctx/az-ctx/pkg/session"
	"github.com/az-ctx/az-ctx/pkg/vault"
)

// mostMemory is what the agent may take at 1,000 sessions.
const mostMemory = 40 << 10 // KiB

// The agent as it is released, with 1,000 sessions: each a live shell with a
// sign-in of its own in the agent's memory, an activation with an environment of
// its own, and tokens that MSAL redeemed and tools got.
func TestAThousandSessionsTakeLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts a thousand processes")
	}
	const sessions = 1000
	exe := filepath.Join(t.TempDir(), "az-ctx")
	build := exec.Command("go", "build", "-trimpath", "-tags", "urfave_cli_no_docs", "-o", exe, "github.com/az-ctx/az-ctx/cmd/az-ctx")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building az-ctx: %v\n%s", err, out)
	}
	state := t.TempDir()
	start := exec.Command(exe, "agent", "start")
	start.Env = append(os.Environ(), "XDG_STATE_HOME="+state, "XDG_CONFIG_HOME="+state, "HOME="+state)
	if out, err := start.CombinedOutput(); err != nil {
		t.Fatalf("starting the agent: %v\n%s", err, out)
	}
	place, err := session.Here(filepath.Join(state, "az-ctx"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, place.Dir) })

	cloud, alices := entra(t)
	env := map[string]string{}
	for _, pair := range cloud.Env() {
		name, text, _ := strings.Cut(pair, "=")
		env[name] = text
	}

	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 32, MaxIdleConnsPerHost: 32}}
	defer client.CloseIdleConnections()
	serveOne := func(n int, shell program) error {
		c, err := Dial(t.Context(), place.Dir)
		if err != nil {
			return err
		}
		defer c.Close()
		account := alices.Account
		account.SignIn = vault.Describe(alices.State, shell.id.String())
		if err := c.Keep(t.Context(), vault.Held{Holder: shell.id.String(), Name: secret.AccountName(account, "AzureCloud"), Secret: alices.State.Secret}); err != nil {
			return err
		}
		context := azure.Context{Name: fmt.Sprint("context ", n), Account: account, Tenant: alices.Tenant, Environment: "AzureCloud", Subscription: &azure.Subscription{ID: subID, Name: "Contoso Prod"}}
		keys, err := c.Register(t.Context(), Registration{
			Ref: session.Ref{Host: place.Host, Session: shell.id, Number: 1}.String(), Session: shell.id, Context: &context, Cloud: azure.Public,
			Origin: Origin{Path: fmt.Sprintf("/home/alice/project-%d/bin:%s", n, strings.Repeat("/usr/local/some/where/bin:", 20)), Env: env},
		})
		if err != nil {
			return err
		}
		for _, name := range []string{"app service", "terraform"} {
			res, err := client.Do(asks[name](t, keys.Variables(), arm))
			if err != nil {
				return err
			}
			res.Body.Close()
			if res.StatusCode != 200 {
				return fmt.Errorf("%s: %s", name, res.Status)
			}
		}
		return nil
	}
	var shells []program
	for range sessions {
		shells = append(shells, startProgram(t))
	}
	work := make(chan int)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for n := range work {
				if err := serveOne(n, shells[n]); err != nil {
					t.Errorf("session %d: %v", n, err)
				}
			}
		})
	}
	for n := range sessions {
		work <- n
	}
	close(work)
	all.Wait()

	c, err := Dial(context.Background(), place.Dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s := mustStatus(t, c)
	if s.Sessions() != sessions || s.Held != sessions || s.SignIns != sessions || s.Tokens["terraform"] != sessions || s.Tokens["app service"] != sessions {
		t.Errorf("it serves %d sessions, holds %d tokens and %d sign-ins, gave %v", s.Sessions(), s.Held, s.SignIns, s.Tokens)
	}
	now, most := memory(t, s.PID, "VmRSS:"), memory(t, s.PID, "VmHWM:")
	t.Logf("%d sessions: %.1f MiB resident, %.1f MiB at most", sessions, float64(now)/1024, float64(most)/1024)
	if most > mostMemory {
		t.Errorf("the agent took %d KiB, %d KiB now", most, now)
	}

	// All of them end at once.
	for _, shell := range shells {
		shell.Process.Kill()
	}
	eventually(t, "the ends are noticed", func() bool {
		s := mustStatus(t, c)
		return s.Sessions() == 0 && s.Held == 0 && s.SignIns == 0
	})
}

// memory reads a figure of a process's, in KiB.
func memory(t *testing.T, pid int, name string) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			var kib int
			if _, err := fmt.Sscan(rest, &kib); err == nil {
				return kib
			}
		}
	}
	t.Fatalf("there is no %s in %s", name, status)
	return 0
}
