package signin

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/plain"
	"github.com/az-ctx/az-ctx/pkg/token"
	cloud "github.com/az-ctx/az-ctx/test/azure"
)

type (
	httpWriter  = http.ResponseWriter
	httpRequest = http.Request
)

// Each fault is one clear error, silently and at a sign-in, whichever flow it
// is, and no other flow is tried.
func TestEachFaultIsOneClearError(t *testing.T) {
	refuse := func(code string, number int) cloud.Fault {
		return cloud.Refuse(cloud.Refusal{Code: code, Number: number, Text: "What Entra says."})
	}
	for name, c := range map[string]struct {
		fault  cloud.Fault
		class  Class
		code   string
		needed bool // by Token: a new sign-in helps
		tries  int  // requests for the token
	}{
		"second factor":       {cloud.Refuse(cloud.SecondFactor), Interaction, "AADSTS50076", true, 1},
		"claims challenge":    {cloud.Refuse(cloud.Refusal{Code: "interaction_required", Number: 50079, Text: "x", Claims: `{"id_token":{}}`}), Interaction, "AADSTS50079", true, 1},
		"unknown interaction": {refuse("interaction_required", 999001), Interaction, "AADSTS999001", true, 1},
		"revoked":             {refuse("invalid_grant", 50173), Revoked, "AADSTS50173", true, 1},
		"expired":             {refuse("invalid_grant", 700082), Revoked, "AADSTS700082", true, 1},
		"sign-in frequency":   {refuse("invalid_grant", 70043), Revoked, "AADSTS70043", true, 1},
		"consent":             {refuse("invalid_grant", 65001), Consent, "AADSTS65001", true, 1},
		"conditional access":  {refuse("access_denied", 53003), Policy, "AADSTS53003", true, 1},
		"device policy":       {refuse("interaction_required", 530032), Policy, "AADSTS530032", true, 1},
		"unknown policy":      {refuse("interaction_required", 53999), Policy, "AADSTS53999", true, 1},
		"confirmation":        {refuse("interaction_required", 50199), Policy, "AADSTS50199", true, 1},
		"unknown app":         {refuse("unauthorized_client", 700016), UnknownApp, "AADSTS700016", true, 1},
		"no public client":    {refuse("invalid_client", 7000218), UnknownApp, "AADSTS7000218", true, 1},
		"unknown tenant":      {refuse("invalid_request", 90002), UnknownTenant, "AADSTS90002", false, 1},
		"no such resource":    {refuse("invalid_resource", 500011), Refused, "AADSTS500011", false, 1},
		"throttled":           {cloud.Throttle("Retry-After: 7"), Throttled, "", false, 3},
		"throttled for long":  {cloud.Throttle("Retry-After: 600"), Throttled, "", false, 1},
		"failing":             {cloud.Fail(503), Server, "", false, 3},
		"broken JSON":         {cloud.Broken, NotEntra, "", false, 1},
		"portal":              {cloud.Portal, NotEntra, "", false, 1},
		"redirecting portal":  {cloud.Redirect("http://10.0.0.1/welcome"), NotEntra, "", false, 1},
		"empty":               {cloud.Answer(200, "application/json", "{}"), NotEntra, "", false, 1},
		"signing portal":      {cloud.Answer(511, "text/html", "<html>"), NotEntra, "", false, 1},
		"forbidden":           {cloud.Answer(403, "text/plain", "no"), NotEntra, "", false, 1},
		"cut off":             {cloud.Cut, Network, "", false, 3},
		"escapes": {cloud.Refuse(cloud.Refusal{Code: "odd", Number: 2, Text: "a\x1b]0;x\a\u202eb\nc " + strings.Repeat("e", 900)}),
			Refused, "AADSTS2", false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t, cloud.Options{})
			r := b.browser(cloud.Alice, Options{})
			tenant := azure.Tenant{ID: cloud.FabrikamTenant, Domain: "fabrikam.com"}
			asked := func(do func()) int {
				before := len(b.Requests())
				do()
				return len(b.Requests()) - before
			}
			b.Intercept(cloud.On(c.fault, cloud.ForToken))
			n := asked(func() {
				_, state, err := b.client.Token(t.Context(), r.Account, r.State, tenant, azure.Public.Audience)
				b.fails(err, c.class, c.code)
				if state != r.State {
					t.Error("the state changed")
				}
				needed, ok := token.AsSignInNeeded(err)
				if ok != c.needed {
					t.Errorf("sign-in needed: %v", ok)
				}
				if ok && c.class != Policy && c.class != UnknownApp && needed.Try != "az-ctx connect --tenant fabrikam.com" {
					t.Errorf("try %q", needed.Try)
				}
			})
			if n != c.tries {
				t.Errorf("%d requests", n)
			}
			for _, flow := range []func(Options) error{
				func(o Options) error {
					_, err := b.client.Browser(t.Context(), o, &person{b: b, user: cloud.Alice})
					return err
				},
				func(o Options) error {
					_, err := b.client.Device(t.Context(), o, &person{b: b, user: cloud.Alice})
					return err
				},
			} {
				before := len(b.grants())
				err := flow(Options{Tenant: "fabrikam.com"})
				b.fails(err, c.class, c.code)
				if _, ok := token.AsSignInNeeded(err); ok {
					t.Error("who is signing in is told to sign in")
				}
				if got := b.grants()[before:]; strings.Contains(got, "authorize") && strings.Contains(got, "devicecode") {
					t.Errorf("another flow was tried: %s", got)
				}
			}
		})
	}
}

func TestWaitsAreThoseThatWereAskedFor(t *testing.T) {
	b := newBox(t, cloud.Options{})
	r := b.browser(cloud.Alice, Options{})
	b.Intercept(cloud.On(cloud.Times(2, cloud.Throttle("Retry-After: 3")), cloud.ForToken))
	if _, _, err := b.client.Token(t.Context(), r.Account, r.State, r.Tenant, vault); err != nil {
		t.Fatal(err)
	}
	if len(b.waits.all) != 2 || b.waits.all[0] != 3*time.Second {
		t.Errorf("waited %v", b.waits.all)
	}
	b.Intercept(cloud.On(cloud.Times(1, cloud.Cut), cloud.ForToken))
	if _, _, err := b.client.Token(t.Context(), r.Account, r.State, r.Tenant, vault); err != nil {
		t.Errorf("one cut connection: %v", err)
	}
	b.Intercept(cloud.On(cloud.Times(1, cloud.Cut), cloud.ForToken))
	_, err := b.client.Browser(t.Context(), Options{}, &person{b: b, user: cloud.Alice})
	b.fails(err, Network, "") // the code may have been redeemed
}

// P9
func TestP9SecondFactorHasItsCommand(t *testing.T) {
	b := newBox(t, cloud.Options{})
	b.Change(func(w *cloud.World) {
		for i := range w.Tenants {
			w.Tenants[i].MFA = w.Tenants[i].ID == cloud.AdatumTenant
		}
	})
	r := b.browser(cloud.Alice, Options{})
	adatum := azure.Tenant{ID: cloud.AdatumTenant, Domain: "adatum.com"}
	_, _, err := b.client.Token(t.Context(), r.Account, r.State, adatum, azure.Public.Audience)
	if e := b.fails(err, Interaction, "AADSTS50076"); e.Try != "az-ctx connect --tenant adatum.com" || e.Claims == "" {
		t.Errorf("try %s, claims %s", e.Try, e.Claims)
	}
	_, _, err = b.client.Token(t.Context(), r.Account, r.State, adatum, vault)
	e := b.fails(err, Interaction, "AADSTS50076")
	if want := "az-ctx connect --tenant adatum.com --scope-url https://vault.azure.net --claims-challenge " + plain.Word(e.Claims); e.Try != want {
		t.Errorf("try %s\nwant %s", e.Try, want)
	}
	// The command's sign-in serves that tenant, and is another state than home's.
	there := b.browser(cloud.Alice, Options{Tenant: "adatum.com"})
	if there.Account != r.Account || there.State == r.State {
		t.Errorf("got %+v", there.Account)
	}
	if _, _, err := b.client.Token(t.Context(), there.Account, there.State, adatum, vault); err != nil {
		t.Error(err)
	}
	if _, _, err := b.client.Token(t.Context(), r.Account, r.State, r.Tenant, vault); err != nil {
		t.Error(err)
	}
}

func TestRevocation(t *testing.T) {
	b := newBox(t, cloud.Options{})
	r := b.browser(cloud.Alice, Options{})
	b.Revoke(cloud.Alice)
	_, _, err := b.client.Token(t.Context(), r.Account, r.State, r.Tenant, vault)
	b.fails(err, Revoked, "AADSTS50173")
	r = b.browser(cloud.Alice, Options{})
	if _, _, err := b.client.Token(t.Context(), r.Account, r.State, r.Tenant, vault); err != nil {
		t.Error(err)
	}
	b.Advance(100 * 24 * time.Hour)
	_, _, err = b.client.Token(t.Context(), r.Account, r.State, r.Tenant, vault)
	b.fails(err, Revoked, "AADSTS700082")
}

func TestThePersonSaysNo(t *testing.T) {
	b := newBox(t, cloud.Options{})
	_, err := b.client.Device(t.Context(), Options{}, &person{b: b})
	b.fails(err, Declined, "AADSTS70017")
	_, err = b.client.Browser(t.Context(), Options{}, &person{b: b})
	b.fails(err, Consent, "AADSTS65004")
	_, err = b.client.Device(t.Context(), Options{}, codeFunc(func(DeviceCode) error {
		b.Advance(16 * time.Minute)
		return nil
	}))
	b.fails(err, Expired, "AADSTS70020")
}

type codeFunc func(DeviceCode) error

func (f codeFunc) OpenURL(string) error        { return nil }
func (f codeFunc) ShowCode(c DeviceCode) error { return f(c) }

func TestCancelling(t *testing.T) {
	for _, fault := range []cloud.Fault{nil, cloud.Hang} {
		b := newBox(t, cloud.Options{})
		r := b.browser(cloud.Alice, Options{})
		ctx, cancel := context.WithCancel(t.Context())
		_, err := b.client.Device(ctx, Options{}, codeFunc(func(DeviceCode) error {
			b.Intercept(fault)
			cancel()
			return nil
		}))
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		_, err = b.client.Browser(ctx, Options{}, personFunc(func(string) error { return nil }))
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if _, _, err = b.client.Token(ctx, r.Account, r.State, r.Tenant, vault); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}
}

func TestClockSkew(t *testing.T) {
	for _, c := range []struct {
		ahead time.Duration
		want  string
	}{{24 * time.Hour, "clock is 24 hours behind"}, {-72 * time.Hour, "clock is 3 days ahead"}} {
		b := newBox(t, cloud.Options{})
		file, _, _ := b.certificate(t.TempDir(), true)
		b.Advance(c.ahead)
		_, err := b.client.Certificate(t.Context(), robot(Options{}), file, "")
		if e := b.fails(err, Clock, "AADSTS700024"); !strings.Contains(e.Text, c.want) {
			t.Errorf("got %v", err)
		}
		// Whoever has no assertion to sign gets on, and with the right lifetime.
		r, err := b.client.Browser(t.Context(), Options{}, &person{b: b, user: cloud.Alice})
		if err != nil {
			t.Fatal(err)
		}
		if left := time.Until(r.Token.ExpiresOn); left < time.Hour || left > 2*time.Hour {
			t.Errorf("%v left", left)
		}
	}
}

func TestNoSignInAtAll(t *testing.T) {
	b := newBox(t, cloud.Options{})
	account := azure.Account{ID: cloud.Alice, Type: azure.User, HomeAccountID: "a.b", ClientID: DefaultClientID}
	for _, s := range []State{{}, {Kind: Refresh}, {Kind: Refresh, Secret: "broken"}, {Kind: Refresh, Secret: "{}"}, {Kind: "later"}} {
		_, _, err := b.client.Token(t.Context(), account, s, azure.Tenant{ID: cloud.ContosoTenant}, vault)
		b.fails(err, Revoked, "")
		if _, ok := token.AsSignInNeeded(err); !ok {
			t.Errorf("got %v", err)
		}
	}
	if len(b.Requests()) != 0 {
		t.Errorf("asked: %v", b.Requests())
	}
}

func TestNetwork(t *testing.T) {
	b := newBox(t, cloud.Options{})
	r := b.browser(cloud.Alice, Options{})
	deny := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusProxyAuthRequired) }))
	defer deny.Close()
	closed := httptest.NewServer(nil)
	closed.Close()
	dial := func(err error) *http.Client {
		return &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, err }}}
	}
	for name, c := range map[string]struct {
		http  *http.Client
		class Class
		want  string
	}{
		"no name":            {dial(&net.DNSError{Err: "no such host", IsNotFound: true}), Network, "login.microsoftonline.com: the name is not known here"},
		"no name server":     {dial(&net.DNSError{Err: "server misbehaving", IsTemporary: true}), Network, "no name server answers"},
		"refused":            {dial(&net.OpError{Op: "dial", Err: errors.New("connection refused")}), Network, "connection refused"},
		"no answer":          {dial(&net.OpError{Op: "dial", Err: context.DeadlineExceeded}), Network, "did not answer in time"},
		"closed proxy":       {NewHTTPClient(map[string]string{"HTTPS_PROXY": "http://user:pass-word@" + strings.TrimPrefix(closed.URL, "http://")}), Proxy, "the proxy can't be reached"},
		"proxy wants a name": {NewHTTPClient(map[string]string{"https_proxy": deny.URL}), Proxy, "407"},
		"unknown authority": {&http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, b.Addr())
		}, TLSClientConfig: &tls.Config{RootCAs: x509.NewCertPool()}}}, NotEntra, "SSL_CERT_FILE"},
	} {
		t.Run(name, func(t *testing.T) {
			b := b.with(t)
			b.client.HTTP = c.http
			_, _, err := b.client.Token(t.Context(), r.Account, r.State, r.Tenant, vault)
			if b.fails(err, c.class, ""); !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "pass-word") {
				t.Errorf("got %v", err)
			}
			if _, ok := token.AsSignInNeeded(err); ok {
				t.Error("a sign-in does not help here")
			}
		})
	}
	if len(b.waits.all) != 0 {
		t.Errorf("waited %v", b.waits.all)
	}
	for want, err := range map[string]error{
		"clock right": x509.CertificateInvalidError{Reason: x509.Expired},
		"another's":   x509.HostnameError{Host: "x", Certificate: &x509.Certificate{}},
	} {
		if e := Unreachable("h", &url.Error{Op: "Post", URL: "https://h/?secret=x", Err: fmt.Errorf("tls: %w", err)}); !strings.Contains(e.Text, want) || strings.Contains(e.Text, "secret") {
			t.Errorf("got %v", e)
		}
	}
}

func TestTheUsersOwnAuthoritiesAreTrusted(t *testing.T) {
	b := newBox(t, cloud.Options{})
	env := map[string]string{}
	for _, v := range b.Env() {
		name, value, _ := strings.Cut(v, "=")
		env[name] = value
	}
	for _, name := range []string{"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"} {
		b.client.HTTP = NewHTTPClient(map[string]string{name: env[name], "HTTPS_PROXY": env["HTTPS_PROXY"]})
		if _, err := b.client.Secret(t.Context(), robot(Options{}), b.Server.Secret(cloud.RobotC)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
