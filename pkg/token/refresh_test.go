//go:build unix

package token

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/az-ctx/az-ctx/pkg/azure"
)

// issuer gives tokens that live an hour by its clock, says when each was given,
// and fails where it is told to.
type issuer struct {
	mu   sync.Mutex
	now  time.Time
	fail error
	hold chan struct{} // nil: it answers at once
	n    atomic.Int32
}

func (i *issuer) Now() time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.now
}

func (i *issuer) pass(d time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.now = i.now.Add(d)
}

func (i *issuer) fails(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.fail = err
}

func (i *issuer) Get(context.Context, Request) (Token, error) {
	n := i.n.Add(1)
	i.mu.Lock()
	hold := i.hold
	i.mu.Unlock()
	if hold != nil {
		<-hold
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.fail != nil {
		return Token{}, i.fail
	}
	return Token{Value: fmt.Sprintf("token %d", n), ExpiresOn: i.now.Add(time.Hour)}, nil
}

func newIssuer() (*issuer, *Source) {
	i := &issuer{now: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)}
	return i, &Source{Own: i, Now: i.Now}
}

// own is a request of an account whose sign-in holder holds.
func own(holder string) Request {
	return Request{Context: azure.Context{
		Account: azure.Account{ID: "alice", Type: azure.User, HomeAccountID: "oid.tid", SignIn: &azure.SignIn{HasSecret: true, Holder: holder}},
		Tenant:  azure.Tenant{ID: tenantID},
	}, Cloud: azure.Public, Resource: arm}
}

// landed waits until no request is under way.
func (s *Source) landed(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		s.mu.Lock()
		n := len(s.calls)
		s.mu.Unlock()
		if n == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("a request is under way still")
		}
	}
}

func mustGet(t *testing.T, s *Source, r Request) Token {
	t.Helper()
	got, err := s.Get(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestATwoHourApplyNeverSeesATokenThatEndsSoon(t *testing.T) {
	i, s := newIssuer()
	for range 2 * 60 * 6 { // asks each ten seconds
		got := mustGet(t, s, own(""))
		if left := got.ExpiresOn.Sub(i.Now()); left < margin {
			t.Fatalf("%v is left of %s", left, got.Value)
		}
		i.pass(10 * time.Second)
	}
	if n := i.n.Load(); n < 3 || n > 4 { // one each fifty minutes or so
		t.Errorf("%d tokens were asked for", n)
	}
}

func TestATokenIsRenewedAheadOfItsEndAndNobodyWaits(t *testing.T) {
	i, s := newIssuer()
	first := mustGet(t, s, own(""))
	i.pass(time.Hour - ahead - time.Second)
	if mustGet(t, s, own("")); i.n.Load() != 1 {
		t.Error("it was renewed early")
	}
	i.pass(time.Second)
	i.hold = make(chan struct{})
	for range 50 { // however many ask, one request, and each has a token at once
		if got := mustGet(t, s, own("")); got != first {
			t.Errorf("while it is renewed: %v", got)
		}
	}
	close(i.hold)
	s.landed(t)
	if got := mustGet(t, s, own("")); got.Value != "token 2" || i.n.Load() != 2 {
		t.Errorf("after: %s, asked for %d times", got.Value, i.n.Load())
	}
}

func TestAFailedRenewalIsNobodysErrorWhileTheTokenServes(t *testing.T) {
	for name, failure := range map[string]error{
		"no network":        errors.New("there is no way to login.microsoftonline.com"),
		"a sign-in revoked": &SignInNeeded{Reason: "revoked", Try: "az-ctx connect"},
	} {
		t.Run(name, func(t *testing.T) {
			i, s := newIssuer()
			mustGet(t, s, own(""))
			i.fails(failure)
			i.pass(time.Hour - ahead)
			for range 10 * 2 { // in the five minutes that are left, each fifteen seconds
				if got := mustGet(t, s, own("")); got.Value != "token 1" {
					t.Errorf("got %s", got.Value)
				}
				s.landed(t)
				i.pass(15 * time.Second)
			}
			if n := i.n.Load(); n != 1+10 { // not more often than each half a minute
				t.Errorf("asked for %d times", n)
			}
			if _, err := s.Get(t.Context(), own("")); err == nil {
				t.Error("a token with less than five minutes left")
			}
			i.fails(nil)
			mustGet(t, s, own(""))
		})
	}
}

// az keeps its own tokens to their last five minutes, so what it gives may end
// as soon as the one before.
func TestATokenThatComesBackAsOldIsNotAskedForEachTime(t *testing.T) {
	i, s := newIssuer()
	mustGet(t, s, own(""))
	i.pass(time.Hour - ahead)
	ends := i.Now().Add(ahead)
	s.Own = getter(func() (Token, error) { i.n.Add(1); return Token{Value: "the same", ExpiresOn: ends}, nil })
	for range 100 {
		mustGet(t, s, own(""))
		s.landed(t)
	}
	if n := i.n.Load(); n != 2 {
		t.Errorf("asked for %d times", n)
	}
}

type getter func() (Token, error)

func (g getter) Get(context.Context, Request) (Token, error) { return g() }

// P63: what a session's own sign-in gave is no other's, and goes with it.
func TestP63TheTokensOfASessionsSignInEndWithIt(t *testing.T) {
	i, s := newIssuer()
	sessions, saved := mustGet(t, s, own("4711-42")), mustGet(t, s, own(""))
	if sessions == saved {
		t.Error("a session's token was given to the saved sign-in")
	}
	// One is under way when the session ends.
	other := own("4711-42")
	other.Resource = "https://vault.azure.net"
	i.hold = make(chan struct{})
	under := make(chan error)
	go func() { _, err := s.Get(context.Background(), other); under <- err }()
	for i.n.Load() != 3 { // until it is asked for
		time.Sleep(time.Millisecond)
	}
	ended := atomic.Bool{}
	s.Gone = func(a azure.Account) bool { return ended.Load() && a.SignIn.Holder == "4711-42" }
	ended.Store(true)
	if n := s.End(func(holder string) bool { return holder == "4711-42" }); n != 1 {
		t.Errorf("%d tokens ended", n)
	}
	close(i.hold)
	if _, ok := AsSignInNeeded(<-under); !ok {
		t.Error("a token came for a session that has ended")
	}
	if n := s.Sweep(); n != 1 {
		t.Errorf("%d tokens are left", n)
	}
	if got := mustGet(t, s, own("")); got != saved {
		t.Errorf("the saved sign-in's: %v", got)
	}
}

// Two contexts of one account in one tenant share a request.
func TestOneRequestForTwoSubscriptionsOfATenant(t *testing.T) {
	i, s := newIssuer()
	i.hold = make(chan struct{})
	var all sync.WaitGroup
	for n := range 2 {
		r := own("")
		r.Context.Subscription = &azure.Subscription{ID: fmt.Sprint("s", n)}
		started := make(chan struct{})
		all.Go(func() {
			if _, err := s.Get(joined{t.Context(), sync.OnceFunc(func() { close(started) })}, r); err != nil {
				t.Error(err)
			}
		})
		<-started
	}
	close(i.hold)
	all.Wait()
	if n := i.n.Load(); n != 1 {
		t.Errorf("asked for %d times", n)
	}
}

func TestAnotherTenantOfABorrowedUserIsAskedOfTheRightUser(t *testing.T) {
	const other = "bbbbbbbb-0000-4000-8000-000000000002"
	entry := func(id, user, tenant string, isDefault bool) string {
		return fmt.Sprintf(`{"id":"%s","environmentName":"AzureCloud","tenantId":"%s","isDefault":%v,"user":{"name":"%s","type":"user"}}`, id, tenant, isDefault, user)
	}
	const alice, bob = "alice@contoso.com", "bob@contoso.com"
	for name, c := range map[string]struct {
		entries string
		asked   string // what az is asked with, "" where it is not asked
		say     string
	}{
		"the tenant's own entry":         {entry(subID, alice, tenantID, true) + "," + entry(other, alice, other, false), "--subscription " + other, ""},
		"a subscription of theirs there": {entry(subID, alice, tenantID, false) + "," + entry("s9", bob, other, true) + "," + entry("s2", alice, other, false), "--subscription s2", ""},
		"they are az's default":          {entry(subID, alice, tenantID, true) + "," + entry("s2", bob, tenantID, false), "--tenant " + other, ""},
		"another is az's default":        {entry(subID, alice, tenantID, false) + "," + entry("s2", bob, tenantID, true), "", "takes another account"},
		"another's entry of the tenant":  {entry(subID, alice, tenantID, true) + "," + entry(other, bob, other, false), "", "is now bob@contoso.com"},
		"they are not signed in":         {entry("s2", bob, tenantID, true), "", "not signed in"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			b.write("azureProfile.json", `{"subscriptions":[`+c.entries+`]}`)
			b.az(`echo "$3 $4" > "$bin/asked"; echo '{"accessToken":"t","expires_on":4000000000,"tenant":"` + other + `"}'`)
			r := b.request()
			r.Context.Tenant, r.Context.Subscription = azure.Tenant{ID: other}, nil
			var s Source
			_, err := s.Get(t.Context(), r)
			if c.say == "" {
				if err != nil || b.read("asked") != c.asked+"\n" {
					t.Errorf("asked with %q, %v", b.read("asked"), err)
				}
				return
			}
			if needed, ok := AsSignInNeeded(err); !ok || b.runs() != 0 || needed.Try != "env AZURE_CONFIG_DIR="+b.dir+" az login --tenant "+other {
				t.Errorf("az ran %d times: %v", b.runs(), err)
			}
			if err == nil || !strings.Contains(err.Error(), c.say) {
				t.Errorf("got %v", err)
			}
		})
	}
}
