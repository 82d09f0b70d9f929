package arm

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/signin"
	"github.com/az-ctx/az-ctx/pkg/token"
	cloud "github.com/az-ctx/az-ctx/test/azure"
)

// box is a loopback Azure, a client of it, and alice's sign-in.
type box struct {
	*testing.T
	*cloud.Server
	client  Client
	entra   signin.Client
	account azure.Account
	state   signin.State
	first   token.Token
}

func newBox(t *testing.T, o cloud.Options) *box {
	t.Helper()
	o.Addr = "127.0.0.1:0"
	s, err := cloud.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	b := &box{T: t, Server: s}
	b.client = Client{Cloud: azure.Public, HTTP: s.Client()}
	b.entra = signin.Client{Cloud: azure.Public, HTTP: s.Client()}
	r, err := b.entra.Browser(t.Context(), signin.Options{}, b)
	if err != nil {
		t.Fatal(err)
	}
	b.account, b.state, b.first = r.Account, r.State, r.Token
	return b
}

func (b *box) OpenURL(url string) error {
	_, err := b.Browse(b.Context(), url, cloud.Alice)
	return err
}

func (b *box) ShowCode(signin.DeviceCode) error { return nil }

// tokenFor is what the caller of a discovery has.
func (b *box) tokenFor(ctx context.Context, tenant azure.Tenant) (token.Token, error) {
	if tenant == (azure.Tenant{}) {
		return b.first, nil
	}
	t, _, err := b.entra.Token(ctx, b.account, b.state, tenant, b.entra.Cloud.Audience)
	return t, err
}

func (b *box) leaks(text string) bool {
	return slices.ContainsFunc(b.Secrets(), func(s string) bool { return strings.Contains(text, s) })
}

// fails checks an error's class and that it is one clean line.
func (b *box) fails(err error, class signin.Class, code string) *signin.Error {
	b.Helper()
	var e *signin.Error
	if !errors.As(err, &e) {
		b.Fatalf("got %v, want one of class %q", err, class)
	}
	if e.Class != class || e.Code != code {
		b.Errorf("got %q %s (%v), want %q %s", e.Class, e.Code, err, class, code)
	}
	if text := err.Error() + e.Try; b.leaks(text) || strings.ContainsAny(text, "\n\r\x1b") || len(err.Error()) > 500 {
		b.Errorf("no clean line: %q", text)
	}
	b.Logf("%v\n  try: %s", err, e.Try)
	return e
}

func TestTenantsAndSubscriptions(t *testing.T) {
	b := newBox(t, cloud.Options{})
	tenants, err := b.client.Tenants(t.Context(), b.first)
	if err != nil {
		t.Fatal(err)
	}
	if want := []azure.Tenant{
		{ID: cloud.ContosoTenant, Name: "Contoso", Domain: "contoso.com"},
		{ID: cloud.AdatumTenant, Name: "Adatum", Domain: "adatum.com"},
		{ID: cloud.FabrikamTenant, Name: "Fabrikam", Domain: "fabrikam.com"},
	}; !slices.Equal(tenants, want) {
		t.Errorf("got %v", tenants)
	}
	subscriptions, err := b.client.Subscriptions(t.Context(), b.first, tenants[0])
	if err != nil {
		t.Fatal(err)
	}
	one := func(id, name, state string) azure.Subscription {
		return azure.Subscription{ID: id, Name: name, State: state, TenantID: cloud.ContosoTenant, HomeTenantID: cloud.ContosoTenant}
	}
	want := []azure.Subscription{one(cloud.ContosoOld, "Contoso Old", "Disabled"), one(cloud.ContosoProd, "Contoso Prod 1", "Enabled"), one(cloud.ContosoTest, "Contoso Test", "Enabled")}
	if !slices.Equal(subscriptions, want) {
		t.Errorf("got %+v", subscriptions)
	}
	got, err := b.client.Subscription(t.Context(), b.first, tenants[0], strings.ToUpper(cloud.ContosoProd))
	if err != nil || got != want[1] {
		t.Errorf("%v: %+v", err, got)
	}
	for _, id := range []string{cloud.ContosoTenant, "nonsense", "a/b?c=d"} {
		if _, err := b.client.Subscription(t.Context(), b.first, tenants[0], id); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", id, err)
		}
	}
}

// P19 needs to know which of two is at home.
func TestP19HomeTenantOfAManagedSubscription(t *testing.T) {
	b := newBox(t, cloud.Options{})
	b.Change(func(w *cloud.World) {
		for i := range w.Subscriptions {
			if w.Subscriptions[i].ID == cloud.FabrikamDev {
				w.Subscriptions[i].ManagedBy = []string{cloud.ContosoTenant}
			}
		}
	})
	d, err := b.client.Discover(t.Context(), b.tokenFor, nil)
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	for _, s := range d.Subscriptions() {
		if s.ID == cloud.FabrikamDev {
			seen = append(seen, s.TenantID)
			if s.HomeTenantID != cloud.FabrikamTenant {
				t.Errorf("home is %s", s.HomeTenantID)
			}
		}
	}
	if !slices.Equal(seen, []string{cloud.ContosoTenant, cloud.FabrikamTenant}) {
		t.Errorf("seen in %v", seen)
	}
}

func TestTenantOf(t *testing.T) {
	b := newBox(t, cloud.Options{})
	for id, want := range map[string]string{cloud.ContosoProd: cloud.ContosoTenant, cloud.FabrikamDev: cloud.FabrikamTenant} {
		if got, err := b.client.TenantOf(t.Context(), id); err != nil || got != want {
			t.Errorf("%s: %s, %v", id, got, err)
		}
	}
	for _, id := range []string{cloud.ContosoChina, cloud.ContosoTenant} {
		if _, err := b.client.TenantOf(t.Context(), id); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", id, err)
		}
	}
	for _, r := range b.Requests() {
		if r.Host == "management.azure.com" && r.Account != "" {
			t.Error("a token was sent")
		}
	}
}

func TestPages(t *testing.T) {
	w := cloud.Generate(1, 250)
	b := newBox(t, cloud.Options{World: &w, Page: 100})
	all, err := b.client.Subscriptions(t.Context(), b.first, azure.Tenant{})
	if err != nil || len(all) != 250 {
		t.Fatalf("%d, %v", len(all), err)
	}
	for i, s := range all {
		if want := fmt.Sprintf("Subscription 000-%03d", i); s.Name != want {
			t.Fatalf("%d is %s", i, s.Name)
		}
	}
	b.Intercept(cloud.On(cloud.Answer(200, "application/json", `{"value":[],"nextLink":"https://management.azure.com/subscriptions?api-version=1"}`), cloud.Path("/subscriptions")))
	_, err = b.client.Subscriptions(t.Context(), b.first, azure.Tenant{})
	b.fails(err, signin.NotEntra, "")
}

func TestEachFaultIsOneClearError(t *testing.T) {
	for name, c := range map[string]struct {
		fault cloud.Fault
		class signin.Class
		code  string
		tries int
	}{
		"throttled for long": {cloud.Throttle("Retry-After: 600"), signin.Throttled, "TooManyRequests", 1},
		"throttled always":   {cloud.Throttle("Retry-After-Ms: 1"), signin.Throttled, "TooManyRequests", 5},
		"failing":            {cloud.Fail(503, "Retry-After-Ms: 1"), signin.Server, "ServiceUnavailable", 5},
		"forbidden":          {cloud.Answer(403, "application/json", `{"error":{"code":"AuthorizationFailed","message":"No."}}`), signin.Refused, "AuthorizationFailed", 1},
		"unauthorized":       {cloud.Answer(401, "application/json", `{"error":{"code":"ExpiredAuthenticationToken","message":"No."}}`), signin.Revoked, "ExpiredAuthenticationToken", 1},
		"broken":             {cloud.Broken, signin.NotEntra, "", 1},
		"portal":             {cloud.Portal, signin.NotEntra, "", 1},
		"redirecting portal": {cloud.Redirect("http://10.0.0.1/"), signin.NotEntra, "", 1},
		"another portal":     {cloud.Answer(511, "text/html", "<html>"), signin.NotEntra, "", 1},
		"proxy":              {cloud.Answer(407, "text/html", "<html>"), signin.Proxy, "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t, cloud.Options{})
			b.Intercept(c.fault)
			before := len(b.Requests())
			_, err := b.client.Subscriptions(t.Context(), b.first, azure.Tenant{ID: cloud.ContosoTenant, Domain: "contoso.com"})
			b.fails(err, c.class, c.code)
			if n := len(b.Requests()) - before; n != c.tries {
				t.Errorf("%d requests", n)
			}
		})
	}
}

func TestThrottlingIsWaitedFor(t *testing.T) {
	b := newBox(t, cloud.Options{})
	b.Intercept(cloud.Times(3, cloud.Throttle("Retry-After-Ms: 1")))
	if got, err := b.client.Subscriptions(t.Context(), b.first, azure.Tenant{}); err != nil || len(got) != 3 {
		t.Errorf("%d, %v", len(got), err)
	}
	b.Intercept(cloud.Times(1, cloud.Cut))
	if got, err := b.client.Subscriptions(t.Context(), b.first, azure.Tenant{}); err != nil || len(got) != 3 {
		t.Errorf("after a cut connection: %d, %v", len(got), err)
	}
}

func TestAChallengeHasItsCommand(t *testing.T) {
	b := newBox(t, cloud.Options{})
	b.Intercept(cloud.Challenge(`{"access_token":{"nbf":{"essential":true,"value":"1"}}}`))
	_, err := b.client.Subscriptions(t.Context(), b.first, azure.Tenant{ID: cloud.ContosoTenant, Domain: "contoso.com"})
	e := b.fails(err, signin.Interaction, "")
	if !strings.HasPrefix(e.Try, "az-ctx connect --tenant contoso.com --claims-challenge ") {
		t.Errorf("try %s", e.Try)
	}
	if _, ok := token.AsSignInNeeded(err); !ok {
		t.Error("no sign-in needed")
	}
}

func TestCustomCloud(t *testing.T) {
	b := newBox(t, cloud.Options{})
	own := azure.Cloud{Name: "mine", ResourceManager: "https://management.stack.test", Authority: "https://login.stack.test", Audience: "https://management.stack.test/"}
	value, err := b.Issue(cloud.Sam, cloud.StackTenant, own.Audience)
	if err != nil {
		t.Fatal(err)
	}
	b.client.Cloud = own
	d, err := b.client.Discover(t.Context(), func(context.Context, azure.Tenant) (token.Token, error) {
		return token.Token{Value: value, ExpiresOn: time.Now().Add(time.Hour)}, nil
	}, nil)
	if err != nil || len(d.Subscriptions()) != 1 || d.Subscriptions()[0].ID != cloud.StackOne {
		t.Errorf("%v: %+v", err, d)
	}
}

// P9, and the size that is normal.
func TestP9TwoOfFiftyTenantsFail(t *testing.T) {
	w := cloud.Generate(50, 4)
	w.Tenants[17].MFA = true
	b := newBox(t, cloud.Options{World: &w})
	b.Intercept(cloud.On(cloud.Fail(503, "Retry-After: 600"), cloud.InTenant(w.Tenants[33].ID), cloud.ForToken))
	var mu sync.Mutex
	var steps [][3]int
	d, err := b.client.Discover(t.Context(), b.tokenFor, func(done, total, subscriptions int) {
		mu.Lock()
		defer mu.Unlock()
		steps = append(steps, [3]int{done, total, subscriptions})
	})
	if err != nil {
		t.Fatal(err)
	}
	failed := d.Failed()
	if len(d) != 50 || len(failed) != 2 || len(d.Subscriptions()) != 48*4 {
		t.Fatalf("%d tenants, %d failed, %d subscriptions", len(d), len(failed), len(d.Subscriptions()))
	}
	if e := b.fails(failed[0].Err, signin.Interaction, "AADSTS50076"); failed[0].Tenant.Domain != "tenant017.test" || e.Try != "az-ctx connect --tenant tenant017.test" {
		t.Errorf("%+v: try %s", failed[0].Tenant, e.Try)
	}
	if b.fails(failed[1].Err, signin.Server, ""); failed[1].Tenant.Domain != "tenant033.test" {
		t.Errorf("%+v", failed[1].Tenant)
	}
	if len(steps) != 51 || steps[0] != [3]int{0, 50, 0} || steps[50] != [3]int{50, 50, 48 * 4} {
		t.Errorf("progress: %v", steps)
	}
	b.Intercept(nil)
	for range 3 {
		again, err := b.client.Discover(t.Context(), b.tokenFor, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range again.Subscriptions() {
			if want := fmt.Sprintf("Subscription %03d-%03d", i/4+btoi(i >= 17*4), i%4); s.Name != want {
				t.Fatalf("%d is %s, want %s", i, s.Name, want)
			}
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestTwoHundredTenantsAndFiveThousandSubscriptions(t *testing.T) {
	w := cloud.Generate(200, 25)
	b := newBox(t, cloud.Options{World: &w, Page: 10})
	before := len(b.Requests())
	var now, most int
	var mu sync.Mutex
	count := func(d int) {
		mu.Lock()
		defer mu.Unlock()
		now += d
		most = max(most, now)
	}
	d, err := b.client.Discover(t.Context(), func(ctx context.Context, tenant azure.Tenant) (token.Token, error) {
		count(1)
		defer count(-1)
		return b.tokenFor(ctx, tenant)
	}, nil)
	if err != nil || len(d) != 200 || len(d.Subscriptions()) != 5000 {
		t.Fatalf("%v: %d tenants, %d subscriptions", err, len(d), len(d.Subscriptions()))
	}
	if n := len(b.Requests()) - before; n != 1+200+200*3 {
		t.Errorf("%d requests", n)
	}
	if most > parallel {
		t.Errorf("%d at once", most)
	}
}

func TestDiscoveryIsCancelled(t *testing.T) {
	w := cloud.Generate(100, 1)
	b := newBox(t, cloud.Options{World: &w})
	ctx, cancel := context.WithCancel(t.Context())
	reported := 0
	d, err := b.client.Discover(ctx, b.tokenFor, func(done, _, _ int) {
		if reported = done; done == 5 {
			b.Intercept(cloud.Hang)
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || d != nil {
		t.Errorf("%v, %d tenants", err, len(d))
	}
	if reported != 5 {
		t.Errorf("reported %d", reported)
	}
	quiet := newBox(t, cloud.Options{World: &w}) // of this one no request is on its way still
	n := len(quiet.Requests())
	if _, err := quiet.client.Discover(ctx, quiet.tokenFor, nil); !errors.Is(err, context.Canceled) || len(quiet.Requests()) != n {
		t.Errorf("%v, %d requests", err, len(quiet.Requests())-n)
	}
}

func TestDiscoveryFailsWhereNothingCanBeListed(t *testing.T) {
	b := newBox(t, cloud.Options{})
	mine := errors.New("no token")
	if _, err := b.client.Discover(t.Context(), func(context.Context, azure.Tenant) (token.Token, error) { return token.Token{}, mine }, nil); !errors.Is(err, mine) {
		t.Errorf("got %v", err)
	}
	b.client.HTTP = &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(nil)}}
	b.client.Cloud.ResourceManager = "https://127.0.0.1:1"
	_, err := b.client.Discover(t.Context(), b.tokenFor, nil)
	b.fails(err, signin.Network, "")
}
