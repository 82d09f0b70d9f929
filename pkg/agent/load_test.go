//go:build unix

package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/process"
	"github.com/az-ctx/az-ctx/pkg/token"
)

// minter gives tokens that say whose they are, of which tenant, for what and
// until when, and that live twelve minutes by the agent's clock.
type minter struct {
	now   func() time.Time
	under sync.Map // what is asked for now
	twice atomic.Int32
	given atomic.Int32
}

func (m *minter) Get(_ context.Context, r token.Request) (token.Token, error) {
	what := fmt.Sprint(r.Context.Account.ID, r.Context.Tenant.ID, r.Resource)
	if _, already := m.under.LoadOrStore(what, true); already {
		m.twice.Add(1)
	}
	defer m.under.Delete(what)
	runtime.Gosched() // others ask for it meanwhile
	m.given.Add(1)
	ends := m.now().Add(12 * time.Minute)
	return token.Token{Value: minted(r.Context.Account.ID, r.Context.Tenant.ID, r.Resource) + "|" + strconv.FormatInt(ends.Unix(), 10), ExpiresOn: ends}, nil
}

func minted(account, tenant, resource string) string {
	return account + "|" + tenant + "|" + resource
}

func tenantOf(n int) string { return fmt.Sprintf("%08d-0000-4000-8000-000000000000", n) }

// crowd is many sessions' tools, which ask one agent.
type crowd struct {
	*clocked
	asked  atomic.Int64
	client *http.Client
}

// member is one session's tool.
type member struct {
	*crowd
	context *azure.Context
	v       map[string]string
}

// join registers a session of its own.
func (c *crowd) join(n int, session process.ID) *member {
	context := alice("")
	context.Account = azure.Account{ID: fmt.Sprintf("user%d", n%23), Type: azure.User, SignIn: &azure.SignIn{}}
	context.Tenant = azure.Tenant{ID: tenantOf(n % 7)}
	m := &member{crowd: c, context: context}
	c.with(func(client *Client) {
		m.v = mustRegister(c.t, client, Registration{Ref: fmt.Sprintf("h/%s/1", session), Session: session, Context: context, Cloud: azure.Public}).Variables()
	})
	return m
}

var loadResources = []string{arm, "https://vault.azure.net", "https://graph.microsoft.com", "6dae42f8-4368-4678-94ff-3960e28e3630"}

// ask asks once, in some dialect for something, and checks the token. ended is
// that the agent says the context has.
func (m *member) ask() (ended bool) {
	names := [...]string{"app service", "old msi", "terraform", "azd"}
	name, resource, tenant := names[rand.IntN(len(names))], loadResources[rand.IntN(len(loadResources))], m.context.Tenant.ID
	r := asks[name](m.t, m.v, resource)
	if name == "azd" { // which asks for any of the user's tenants
		tenant = tenantOf(rand.IntN(7))
		r = newRequest(m.t, "POST", m.v["AZD_AUTH_ENDPOINT"]+"/token", fmt.Sprintf(`{"scopes":["%s/.default"],"tenantId":"%s"}`, resource, tenant), "Authorization", "Bearer "+m.v["AZD_AUTH_KEY"])
	}
	before := m.now.Load()
	res, err := m.client.Do(r)
	if err != nil {
		m.t.Errorf("%s: %v", name, err)
		return false
	}
	defer res.Body.Close()
	var body struct {
		AccessToken string `json:"access_token"`
		Token       string `json:"token"`
		ExpiresOn   string `json:"expires_on"`
		Code        string `json:"code"`
		Error       struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	if err := json.NewDecoder(res.Body).Decode(&body); err != nil {
		m.t.Errorf("%s: %v", name, err)
		return false
	}
	if body.Error.Code == string(faultKey) || body.Code == "NotSignedInError" {
		return true
	}
	said, want := body.AccessToken+body.Token, minted(m.context.Account.ID, tenant, resource)
	got, end, _ := cutLast(said, "|")
	ends, err := strconv.ParseInt(end, 10, 64)
	switch {
	case res.StatusCode != 200 || err != nil:
		m.t.Errorf("%s: %d, %q", name, res.StatusCode, said)
	case got != want:
		m.t.Errorf("%s: asked for %s, got %s", name, want, got)
	case ends-before < 5*60:
		m.t.Errorf("%s: %d s are left of %s", name, ends-before, said)
	case name != "azd" && body.ExpiresOn != end:
		m.t.Errorf("%s: it says it ends at %s: %s", name, body.ExpiresOn, said)
	}
	if m.asked.Add(1)%10 == 0 {
		m.now.Add(1)
	}
	return false
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// 200 sessions, some of which end and some begin meanwhile, ask 20,000 times
// while half an hour passes: each token is the right one and good for five
// minutes, and no two requests for the same are under way.
func TestManySessionsGetNoWrongAndNoExpiredToken(t *testing.T) {
	watched(t)
	const sessions, each, mortal = 200, 100, 20
	var a *clocked
	m := &minter{}
	m.now = func() time.Time { return time.Unix(a.now.Load(), 0) }
	made := process.ID{PID: 1 << 30, Start: 1} // made-up sessions have pids above
	a = startWith(t, options{own: m, sessions: told{live: shells.live, alive: func(ref string, session process.ID) bool {
		return session.PID >= made.PID || session.Alive()
	}}})
	c := &crowd{clocked: a, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, MaxConnsPerHost: 64}}}
	defer c.client.CloseIdleConnections()

	var all sync.WaitGroup
	for n := range sessions - mortal {
		all.Go(func() {
			member := c.join(n, process.ID{PID: made.PID + n, Start: 1})
			for range each {
				if member.ask() {
					t.Errorf("session %d has not ended", n)
				}
			}
		})
	}
	for n := range mortal {
		shell := startProgram(t)
		all.Go(func() {
			member := c.join(1000+n, shell.id)
			for range each / 2 {
				if member.ask() {
					t.Errorf("session %d has not ended", n)
				}
			}
			shell.kill()
			eventually(t, "its end is noticed", member.ask)
			after := c.join(2000+n, process.ID{PID: made.PID + 2000 + n, Start: 1})
			for range each / 2 {
				if after.ask() || !member.ask() {
					t.Errorf("session %d has ended, and the one after it has not", n)
				}
			}
		})
	}
	all.Wait()
	if n := m.twice.Load(); n != 0 {
		t.Errorf("%d times two requests for the same were under way", n)
	}
	a.with(func(client *Client) {
		s := mustStatus(t, client)
		total := 0
		for _, n := range s.Tokens {
			total += n
		}
		if total != int(c.asked.Load()) || total < sessions*each || s.Sessions() != sessions || s.Refused["ended key"] < mortal*each/2 {
			t.Errorf("%d asked, %d given to %d sessions: %v, refused %v", c.asked.Load(), total, s.Sessions(), s.Tokens, s.Refused)
		}
	})
	t.Logf("%d tokens were given, for which %d were asked of the sign-in, in %d s of the agent's time", c.asked.Load(), m.given.Load(), a.now.Load())
}
