//go:build unix

package agent

import (
	"fmt"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/process"
	"github.com/az-ctx/az-ctx/pkg/secret"
	"github.com/az-ctx/az-ctx/pkg/session"
	"github.com/az-ctx/az-ctx/pkg/vault"
)

// program is a process of the test's.
type program struct {
	*exec.Cmd
	id process.ID
}

func startProgram(t testing.TB, env ...string) program {
	t.Helper()
	cmd := exec.Command("sleep", "600")
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, env...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := program{Cmd: cmd}
	t.Cleanup(p.kill)
	info, err := process.Lookup(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	p.id = info.ID
	return p
}

func (p program) kill() {
	p.Process.Signal(syscall.SIGKILL)
	p.Wait()
}

// watched skips where the system tells of no process's end.
func watched(t *testing.T) {
	w, err := process.NewWatcher()
	if err != nil {
		t.Skip(err)
	}
	w.Close()
}

// oursOf is a context of an account whose sign-in holder holds.
func oursOf(holder string) *azure.Context {
	c := alice("")
	c.Account = azure.Account{ID: "alice@contoso.com", Type: azure.User, HomeAccountID: "oid.tid", SignIn: &azure.SignIn{HasSecret: true, Holder: holder}}
	return c
}

// P63, P73: at the end of a session's shell, by kill -9 too, what is its own is
// gone at once: no tick comes in this test.
func TestP63WhatIsASessionsOwnGoesWhenItsShellIsKilled(t *testing.T) {
	watched(t)
	a := startWith(t, options{sessions: shells, signIns: &vault.Vault{Keychain: secret.Memory()}, own: ours{}})
	killed, other := startProgram(t), startProgram(t)
	keys := map[process.ID]Endpoint{}
	a.with(func(c *Client) {
		for n, p := range []program{killed, other} {
			context := oursOf(p.id.String())
			if err := c.Keep(t.Context(), vault.Held{Holder: p.id.String(), Name: secret.AccountName(context.Account, "AzureCloud"), Secret: "s"}); err != nil {
				t.Fatal(err)
			}
			keys[p.id] = mustRegister(t, c, Registration{Ref: fmt.Sprintf("h/%s/%d", p.id, n), Session: p.id, Context: context, Cloud: azure.Public})
			if _, err := c.Token(t.Context(), TokenRequest{Context: *context, Cloud: azure.Public, Resource: arm}); err != nil {
				t.Fatal(err)
			}
		}
		if s := mustStatus(t, c); s.Sessions() != 2 || s.Held != 2 || s.SignIns != 2 {
			t.Fatalf("before: %+v", s)
		}
		killed.kill()
		eventually(t, "what is its own is gone", func() bool {
			s := mustStatus(t, c)
			return s.Sessions() == 1 && s.Held == 1 && s.SignIns == 1
		})
	})
	s := served{t: t}
	for name, asking := range asks {
		denied(t, s, name, asking(t, keys[killed.id].Variables(), arm), "context_ended", "has ended")
		if status, body, _ := s.do(asking(t, keys[other.id].Variables(), arm)); status != 200 || body["status"] == "error" {
			t.Errorf("%s of the other session: %d %v", name, status, body)
		}
	}
}

// The shell may be gone before the agent hears of it.
func TestASessionThatHasEndedAlreadyIsNotServed(t *testing.T) {
	watched(t)
	a := startWith(t, options{sessions: shells, signIns: &vault.Vault{Keychain: secret.Memory()}, own: ours{}})
	gone := startProgram(t)
	gone.kill()
	a.with(func(c *Client) {
		if err := c.Keep(t.Context(), vault.Held{Holder: gone.id.String(), Name: "az-ctx.x", Secret: "s"}); err != nil {
			t.Fatal(err)
		}
		mustRegister(t, c, Registration{Ref: "h/1-1/1", Session: gone.id, Context: alice(""), Cloud: azure.Public})
		eventually(t, "it is not served", func() bool { s := mustStatus(t, c); return s.Sessions() == 0 && s.SignIns == 0 })
	})
}

// Contract 2, with real sessions: a saved context's activation goes on with the
// job that carries it, and ends at the first look after that; a process
// context's ends with the shell.
func TestP73ASavedContextIsServedAsLongAsAProcessCarriesIt(t *testing.T) {
	watched(t)
	if _, err := process.All(); err != nil {
		t.Skip("this system does not tell who carries a session: ", err)
	}
	place, err := session.Here(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	a := startWith(t, options{sessions: place})
	shell := startProgram(t)
	s, err := place.Begin(shell.id, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	var refs []string
	a.with(func(c *Client) {
		for _, scope := range []session.Scope{session.User, session.Process} {
			act, err := s.NewActivation()
			if err != nil {
				t.Fatal(err)
			}
			act.Context, act.Scope, act.Cloud = alice(""), scope, azure.Public
			if err := act.Write(); err != nil {
				t.Fatal(err)
			}
			refs = append(refs, act.Ref.String())
			mustRegister(t, c, Registration{Ref: act.Ref.String(), Session: shell.id, Context: act.Context, Cloud: azure.Public})
		}
	})
	left := func() (refs []string) {
		a.with(func(c *Client) {
			for _, served := range mustStatus(t, c).Activations {
				refs = append(refs, served.Ref)
			}
		})
		return refs
	}
	job := startProgram(t, "AZ_CTX_SESSION="+refs[0])
	shell.kill()
	eventually(t, "the process context has ended", func() bool { return len(left()) == 1 })
	a.pass(0)
	if got := left(); len(got) != 1 || got[0] != refs[0] {
		t.Errorf("while a job carries it, %v are served", got)
	}
	job.kill()
	a.pass(0)
	if got := left(); len(got) != 0 {
		t.Errorf("after the job, %v are served", got)
	}
}

// Promise 2: a sign-in that is kept in memory for want of a keychain is there until
// the user's last session ends, though nothing is served meanwhile.
func TestTheAgentStaysForASignInAsLongAsAnySessionLives(t *testing.T) {
	var lives atomic.Bool
	lives.Store(true)
	a := startWith(t, options{sessions: told{shells.alive, lives.Load}, signIns: &vault.Vault{Keychain: secret.Memory()}})
	a.with(func(c *Client) {
		if err := c.Keep(t.Context(), vault.Held{Holder: vault.InAgent, Name: "az-ctx.x", Secret: "s"}); err != nil {
			t.Fatal(err)
		}
	})
	a.pass(10 * idleLife)
	a.pass(10 * idleLife)
	if a.over() {
		t.Fatal("it ended while a session lives")
	}
	lives.Store(false)
	eventually(t, "it ends", func() bool { a.pass(idleLife); return a.over() })
}

// An agent of another version goes on where somebody would miss something, and
// gives way where not.
func TestAnAgentOfAnotherVersionIsReplacedOnceItServesNobody(t *testing.T) {
	dir := runDir(t)
	ofVersion(t, "1.0")
	old := connectTo(t, dir)
	generation := old.Generation()
	r := registration(t, 1)
	mustRegister(t, old, r)
	old.Close()

	ofVersion(t, "2.0")
	c := connectTo(t, dir)
	if c.Generation() != generation || c.Version() != "1.0" {
		t.Fatalf("with a session it was replaced: %+v", c.Generation())
	}
	if s := mustStatus(t, c); s.Version != "1.0" || s.Sessions() != 1 {
		t.Errorf("status: %+v", s)
	}
	other := connectTo(t, dir) // to which no session belongs, but somebody talks
	if _, err := c.Release(t.Context(), r.Ref); err != nil {
		t.Fatal(err)
	}
	if again := connectTo(t, dir); again.Generation() != generation {
		t.Error("it was replaced while somebody talked to it")
	} else {
		again.Close()
	}
	c.Close()
	other.Close()
	eventually(t, "it is replaced", func() bool {
		c, err := Connect(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		now := c.Generation()
		return now.ID != generation.ID && now.Port == generation.Port && c.Version() == "2.0"
	})
	// One that only looks replaces nothing.
	ofVersion(t, "3.0")
	if c, err := Dial(t.Context(), dir); err != nil || c.Version() != "2.0" {
		t.Errorf("a look: %v", err)
	} else {
		c.Close()
	}
}
