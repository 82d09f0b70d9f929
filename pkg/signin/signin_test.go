package signin

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/token"
	cloud "github.com/az-ctx/az-ctx/test/azure"
)

const vault = "https://vault.azure.net"

var stack = azure.Cloud{
	Name: "AzureStackTest", ResourceManager: "https://management.stack.test",
	Authority: "https://login.stack.test", Audience: "https://management.stack.test/",
}

// box is a loopback Azure and a client of it that waits for nothing.
type box struct {
	*testing.T
	*cloud.Server
	client Client
	waits  *waits
}

// waits are those that were asked for.
type waits struct {
	sync.Mutex
	all []time.Duration
}

// with is the same box in a part of the test.
func (b *box) with(t *testing.T) *box {
	own := *b
	own.T = t
	return &own
}

func newBox(t *testing.T, o cloud.Options) *box {
	t.Helper()
	o.Addr = "127.0.0.1:0"
	s, err := cloud.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	b := &box{T: t, Server: s, waits: &waits{}}
	b.client = Client{Cloud: azure.Public, HTTP: s.Client(), pause: func(_ context.Context, d time.Duration) error {
		b.waits.Lock()
		defer b.waits.Unlock()
		b.waits.all = append(b.waits.all, d)
		return nil
	}}
	return b
}

// person signs in as user ("": says no).
type person struct {
	b    *box
	user string
	page string
	code DeviceCode
}

func (p *person) OpenURL(url string) error {
	var err error
	p.page, err = p.b.Browse(p.b.Context(), url, p.user)
	return err
}

func (p *person) ShowCode(c DeviceCode) error {
	p.code = c
	if p.user == "" {
		return p.b.Deny(c.UserCode)
	}
	return p.b.Approve(c.UserCode, p.user)
}

func (b *box) browser(user string, o Options) Result {
	b.Helper()
	r, err := b.client.Browser(b.Context(), o, &person{b: b, user: user})
	if err != nil {
		b.Fatal(err)
	}
	return b.sound(r)
}

// sound checks what holds for each sign-in: the token is the server's, for the
// resource manager, in the tenant said; the state has no access token in it
// unless it is one, and none of it is printed by accident.
func (b *box) sound(r Result) Result {
	b.Helper()
	b.is(r.Token, r.Account, r.Tenant.ID, b.client.Cloud.Audience)
	b.stateless(r.State)
	if text := fmt.Sprintf("%v %+v %#v %s", r, r, r, r.State); b.leaks(text) != "" {
		b.Errorf("printed: %s", text)
	}
	return r
}

func (b *box) stateless(s State) {
	b.Helper()
	raw, err := json.Marshal(s)
	if err != nil {
		b.Fatal(err)
	}
	for _, t := range b.Tokens() {
		if t.Kind != cloud.RefreshToken && s.Kind != Bearer && strings.Contains(string(raw), t.Value) {
			b.Errorf("there is an %s in the state", t.Kind)
		}
	}
	if len(raw) > 4096 {
		b.Errorf("the state has %d bytes", len(raw))
	}
}

// is checks whose a token is.
func (b *box) is(t token.Token, a azure.Account, tenant, resource string) {
	b.Helper()
	for _, k := range b.Tokens() {
		if k.Kind != cloud.AccessToken || k.Value != t.Value {
			continue
		}
		if k.Account != a.ID && a.Type != azure.ManagedIdentity || k.Tenant != tenant || k.Resource != resource {
			b.Errorf("got a token of %s in %s for %s, want %s in %s for %s", k.Account, k.Tenant, k.Resource, a.ID, tenant, resource)
		}
		if d := t.ExpiresOn.Sub(k.Expires).Abs(); d > time.Minute {
			b.Errorf("its end is off by %v", d)
		}
		return
	}
	b.Error("the server never issued this token")
}

// leaks finds a token or secret of the server's in a text.
func (b *box) leaks(text string) string {
	for _, secret := range b.Secrets() {
		if strings.Contains(text, secret) {
			return secret
		}
	}
	return ""
}

// fails checks an error's class and code, and that it is one clean line.
func (b *box) fails(err error, class Class, code string) *Error {
	b.Helper()
	var e *Error
	if !errors.As(err, &e) {
		b.Fatalf("got %v, want one of class %q", err, class)
	}
	if e.Class != class || e.Code != code {
		b.Errorf("got %q %s (%v), want %q %s", e.Class, e.Code, err, class, code)
	}
	text := err.Error() + e.Try + fmt.Sprintf("%+v", e)
	if secret := b.leaks(text); secret != "" {
		b.Errorf("the error has a secret in it: %s", text)
	}
	if strings.ContainsAny(err.Error(), "\n\r\x1b") || strings.Contains(err.Error(), "Trace ID") || len(err.Error()) > 500 {
		b.Errorf("no clean line: %q", err)
	}
	if code != "" && !strings.Contains(err.Error(), code) {
		b.Errorf("%v does not have %s", err, code)
	}
	if s, ok := token.AsSignInNeeded(err); ok && s.Try != e.Try {
		b.Errorf("two commands: %q, %q", s.Try, e.Try)
	}
	b.Logf("%v\n  try: %s", err, e.Try)
	return e
}

func (b *box) grants() string {
	var all []string
	for _, r := range b.Requests() {
		if r.Grant != "" {
			all = append(all, r.Grant)
		}
	}
	return strings.Join(all, " ")
}

func TestP7BrowserFlow(t *testing.T) {
	b := newBox(t, cloud.Options{})
	p := &person{b: b, user: cloud.Alice}
	r, err := b.client.Browser(t.Context(), Options{}, p)
	if err != nil {
		t.Fatal(err)
	}
	b.sound(r)
	want := azure.Account{ID: cloud.Alice, Type: azure.User, ClientID: DefaultClientID, HomeAccountID: "a11ce000-0000-4000-8000-000000000001." + cloud.ContosoTenant}
	if r.Account != want || r.Tenant != (azure.Tenant{ID: cloud.ContosoTenant}) {
		t.Errorf("got %+v in %+v", r.Account, r.Tenant)
	}
	if r.State.ProcessOnly() || r.State.Kind != Refresh {
		t.Errorf("state %+v", r.State)
	}
	if b.grants() != "authorize authorization_code" {
		t.Errorf("asked for %s", b.grants())
	}
	if !strings.Contains(p.page, "complete") {
		t.Errorf("the person reads %s", p.page)
	}
}

func TestP7DeviceFlow(t *testing.T) {
	b := newBox(t, cloud.Options{})
	p := &person{b: b, user: cloud.Bob}
	r, err := b.client.Device(t.Context(), Options{ClientID: "00000000-0000-4000-8000-00000000000a"}, p)
	if err != nil {
		t.Fatal(err)
	}
	b.sound(r)
	if r.Account.ID != cloud.Bob || r.Account.ClientID != "00000000-0000-4000-8000-00000000000a" {
		t.Errorf("got %+v", r.Account)
	}
	if p.code.URL != "https://microsoft.com/devicelogin" || p.code.UserCode == "" || time.Until(p.code.ExpiresOn) < 10*time.Minute {
		t.Errorf("shown %+v", p.code)
	}
}

func TestP8TenantIsHeldByIDAndDomain(t *testing.T) {
	b := newBox(t, cloud.Options{})
	if r := b.browser(cloud.Alice, Options{Tenant: "fabrikam.com"}); r.Tenant != (azure.Tenant{ID: cloud.FabrikamTenant, Domain: "fabrikam.com"}) {
		t.Errorf("got %+v", r.Tenant)
	}
	r := b.browser(cloud.Alice, Options{Tenant: cloud.AdatumTenant})
	if r.Tenant.ID != cloud.AdatumTenant || !strings.HasSuffix(r.Account.HomeAccountID, cloud.ContosoTenant) {
		t.Errorf("got %+v %+v", r.Tenant, r.Account)
	}
	_, err := b.client.Browser(t.Context(), Options{Tenant: "fabrikam.com"}, &person{b: b, user: cloud.Bob})
	b.fails(err, NoAccess, "AADSTS50020")
	opened := &person{b: b, user: cloud.Bob}
	_, err = b.client.Browser(t.Context(), Options{Tenant: "nowhere.test"}, opened)
	b.fails(err, UnknownTenant, "AADSTS90002")
	if opened.page != "" {
		t.Error("a page was opened for a tenant that is not there")
	}
}

func TestTwoTenantsOfOneAccountAndRotation(t *testing.T) {
	b := newBox(t, cloud.Options{})
	r := b.browser(cloud.Alice, Options{})
	seen := map[State]bool{r.State: true}
	state := r.State
	for _, c := range []struct{ tenant, resource string }{
		{cloud.ContosoTenant, azure.Public.Audience}, {cloud.FabrikamTenant, azure.Public.Audience},
		{cloud.AdatumTenant, vault}, {cloud.ContosoTenant, "6dae42f8-4368-4678-94ff-3960e28e3630"},
	} {
		got, next, err := b.client.Token(t.Context(), r.Account, state, azure.Tenant{ID: c.tenant}, c.resource)
		if err != nil {
			t.Fatal(err)
		}
		b.is(got, r.Account, c.tenant, c.resource)
		b.stateless(next)
		if seen[next] {
			t.Error("the new refresh token was not taken")
		}
		seen[next] = true
		state = next
	}
	for old := range seen { // Entra leaves the older ones valid
		if _, _, err := b.client.Token(t.Context(), r.Account, old, azure.Tenant{ID: cloud.ContosoTenant}, vault); err != nil {
			t.Error(err)
		}
	}
}

func TestAStateWithoutANewRefreshTokenStaysTheSame(t *testing.T) {
	b := newBox(t, cloud.Options{})
	r := b.browser(cloud.Alice, Options{})
	_, next, err := b.client.Token(t.Context(), r.Account, r.State, azure.Tenant{ID: cloud.ContosoTenant}, vault)
	if err != nil {
		t.Fatal(err)
	}
	b.Intercept(cloud.On(func(w httpWriter, _ *httpRequest) bool {
		return cloud.Answer(200, "application/json", `{"token_type":"Bearer","expires_in":3600,"access_token":"x.y.z","scope":"`+vault+`/.default"}`)(w, nil)
	}, cloud.ForToken))
	got, same, err := b.client.Token(t.Context(), r.Account, next, azure.Tenant{ID: cloud.FabrikamTenant}, vault)
	if err != nil || got.Value != "x.y.z" || same != next {
		t.Errorf("%v, changed: %v", err, same != next)
	}
}

func TestASilentTokenIsOneRequest(t *testing.T) {
	b := newBox(t, cloud.Options{})
	r := b.browser(cloud.Alice, Options{})
	before := len(b.Requests())
	if _, _, err := b.client.Token(t.Context(), r.Account, r.State, azure.Tenant{ID: cloud.FabrikamTenant}, vault); err != nil {
		t.Fatal(err)
	}
	if n := len(b.Requests()) - before; n != 1 {
		t.Errorf("%d requests", n)
	}
}

func TestP7OtherClouds(t *testing.T) {
	for _, c := range []struct {
		cloud        azure.Cloud
		user, tenant string
	}{{azure.China, cloud.Carol, cloud.ContosoChinaTenant}, {stack, cloud.Sam, cloud.StackTenant}} {
		b := newBox(t, cloud.Options{})
		b.client.Cloud = c.cloud
		r := b.browser(c.user, Options{})
		if r.Tenant.ID != c.tenant {
			t.Errorf("%s: %+v", c.cloud.Name, r.Tenant)
		}
		got, _, err := b.client.Token(t.Context(), r.Account, r.State, r.Tenant, c.cloud.Audience)
		if err != nil {
			t.Fatal(err)
		}
		b.is(got, r.Account, c.tenant, c.cloud.Audience)
		for _, q := range b.Requests() {
			if strings.Contains(q.Path, "discovery/instance") {
				t.Error("instance discovery was asked")
			}
		}
	}
}

func TestClaimsAndScopeReachTheSignIn(t *testing.T) {
	b := newBox(t, cloud.Options{})
	var opened string
	p := &person{b: b, user: cloud.Alice}
	challenge := `{"access_token":{"nbf":{"essential":true,"value":"1"}}}`
	for _, claims := range []string{challenge, "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwidmFsdWUiOiIxIn19fQ==", "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwidmFsdWUiOiIxIn19fQ"} {
		r, err := b.client.Browser(t.Context(), Options{Claims: claims, Scope: vault, LoginHint: cloud.Alice}, personFunc(func(url string) error {
			opened = url
			return p.OpenURL(url)
		}))
		if err != nil {
			t.Fatal(err)
		}
		b.sound(r) // the token is the resource manager's none the less
		for _, part := range []string{"claims=%7B%22access_token", "scope=https%3A%2F%2Fvault.azure.net%2F.default", "login_hint=alice"} {
			if !strings.Contains(opened, part) {
				t.Errorf("%s is not in %s", part, opened)
			}
		}
	}
	_, err := b.client.Device(t.Context(), Options{Claims: "nonsense"}, p)
	b.fails(err, Input, "")
}

type personFunc func(string) error

func (f personFunc) OpenURL(url string) error  { return f(url) }
func (f personFunc) ShowCode(DeviceCode) error { return nil }

func TestThePersonsOwnErrorComesBack(t *testing.T) {
	b := newBox(t, cloud.Options{})
	mine := errors.New("no browser")
	_, err := b.client.Browser(t.Context(), Options{}, personFunc(func(string) error { return mine }))
	if !errors.Is(err, mine) {
		t.Errorf("got %v", err)
	}
}

// certificate makes one, registers it with Robot, and writes it to files.
func (b *box) certificate(dir string, register bool) (pemFile, pfxFile, thumbprint string) {
	b.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		b.Fatal(err)
	}
	cert := b.makeCertificate(key)
	if register {
		b.Change(func(w *cloud.World) {
			for i := range w.Accounts {
				if w.Accounts[i].ClientID == cloud.RobotC {
					w.Accounts[i].Certificates = append(w.Accounts[i].Certificates, cert)
				}
			}
		})
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		b.Fatal(err)
	}
	pemFile, pfxFile = filepath.Join(dir, "robot.pem"), filepath.Join(dir, "robot.pfx")
	b.write(pemFile, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))+string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})))
	pfx, err := pkcs12.Modern.Encode(key, cert, nil, "pass-word")
	if err != nil {
		b.Fatal(err)
	}
	b.write(pfxFile, string(pfx))
	return pemFile, pfxFile, keyPair{chain: []*x509.Certificate{cert}}.thumbprint()
}

func (b *box) makeCertificate(key crypto.Signer) *x509.Certificate {
	b.Helper()
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "robot"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}, &x509.Certificate{Subject: pkix.Name{CommonName: "robot"}}, key.Public(), key)
	if err != nil {
		b.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		b.Fatal(err)
	}
	return cert
}

func (b *box) write(file, text string) {
	b.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
}

func robot(o Options) Options {
	o.ClientID = cloud.RobotC
	if o.Tenant == "" {
		o.Tenant = "contoso.com"
	}
	return o
}

func TestP7ServicePrincipal(t *testing.T) {
	b := newBox(t, cloud.Options{})
	dir := t.TempDir()
	pemFile, pfxFile, thumbprint := b.certificate(dir, true)
	trust := cloud.Federated{Issuer: "https://token.actions.githubusercontent.com", Subject: "repo:contoso/x:ref:refs/heads/main", Audience: "api://AzureADTokenExchange"}
	b.Change(func(w *cloud.World) {
		for i := range w.Accounts {
			w.Accounts[i].Federated = []cloud.Federated{trust}
		}
	})
	assertion := filepath.Join(dir, "assertion")
	b.write(assertion, trust.Assertion(time.Hour)+"\n")
	for name, c := range map[string]struct {
		signIn func() (Result, error)
		state  State
	}{
		"secret": {func() (Result, error) {
			return b.client.Secret(t.Context(), robot(Options{}), b.Server.Secret(cloud.RobotC))
		}, State{Kind: Secret, Secret: b.Server.Secret(cloud.RobotC)}},
		"pem": {func() (Result, error) { return b.client.Certificate(t.Context(), robot(Options{}), pemFile, "") },
			State{Kind: Certificate, File: pemFile, Thumbprint: thumbprint}},
		"pfx": {func() (Result, error) {
			return b.client.Certificate(t.Context(), robot(Options{Tenant: cloud.ContosoTenant}), pfxFile, "pass-word")
		}, State{Kind: Certificate, File: pfxFile, Thumbprint: thumbprint, Secret: "pass-word"}},
		"federated file": {func() (Result, error) { return b.client.FederatedFile(t.Context(), robot(Options{}), assertion) },
			State{Kind: Federated, File: assertion}},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := c.signIn()
			if err != nil {
				t.Fatal(err)
			}
			b.sound(r)
			if want := (azure.Account{ID: cloud.RobotC, Type: azure.ServicePrincipal, ClientID: cloud.RobotC, TenantID: cloud.ContosoTenant}); r.Account != want {
				t.Errorf("got %+v", r.Account)
			}
			if r.State != c.state || r.State.ProcessOnly() {
				raw, _ := json.Marshal(r.State)
				t.Errorf("keeps %s", raw)
			}
			got, next, err := b.client.Token(t.Context(), r.Account, r.State, r.Tenant, vault)
			if err != nil || next != r.State {
				t.Fatal(err)
			}
			b.is(got, r.Account, cloud.ContosoTenant, vault)
		})
	}
	r, err := b.client.FederatedToken(t.Context(), robot(Options{}), " "+trust.Assertion(time.Hour)+"\r\n")
	if err != nil || !r.State.ProcessOnly() {
		t.Errorf("%v, process only: %v", err, r.State.ProcessOnly())
	}
	relative, err := filepath.Rel(mustWd(t), pemFile)
	if err != nil {
		t.Skip(err)
	}
	if r, err := b.client.Certificate(t.Context(), robot(Options{}), relative, ""); err != nil || r.State.File != pemFile {
		t.Errorf("%v: %s", err, r.State.File)
	}
}

func mustWd(t *testing.T) string {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestServicePrincipalsMistakes(t *testing.T) {
	b := newBox(t, cloud.Options{})
	dir := t.TempDir()
	stranger, _, _ := b.certificate(dir, false)
	trust := cloud.Federated{Issuer: "https://issuer.test", Subject: "s", Audience: "a"}
	b.Change(func(w *cloud.World) {
		for i := range w.Accounts {
			w.Accounts[i].Federated = []cloud.Federated{trust}
		}
	})
	federated := func(change func(*cloud.Federated)) func() error {
		f := trust
		change(&f)
		return func() error {
			_, err := b.client.FederatedToken(t.Context(), robot(Options{}), f.Assertion(time.Hour))
			return err
		}
	}
	for name, c := range map[string]struct {
		do    func() error
		class Class
		code  string
	}{
		"wrong secret": {func() error {
			_, err := b.client.Secret(t.Context(), robot(Options{}), "wrong")
			return err
		}, Credential, "AADSTS7000215"},
		"unknown app": {func() error {
			_, err := b.client.Secret(t.Context(), Options{ClientID: cloud.ContosoTenant, Tenant: "contoso.com"}, "x")
			return err
		}, UnknownApp, "AADSTS700016"},
		"wrong tenant": {func() error {
			_, err := b.client.Secret(t.Context(), robot(Options{Tenant: "fabrikam.com"}), "x")
			return err
		}, UnknownApp, "AADSTS700016"},
		"unknown tenant": {func() error {
			_, err := b.client.Secret(t.Context(), robot(Options{Tenant: "nowhere.test"}), "x")
			return err
		}, UnknownTenant, "AADSTS90002"},
		"a stranger's certificate": {func() error {
			_, err := b.client.Certificate(t.Context(), robot(Options{}), stranger, "")
			return err
		}, Credential, "AADSTS700027"},
		"issuer":   {federated(func(f *cloud.Federated) { f.Issuer = "https://other.test" }), Credential, "AADSTS700211"},
		"subject":  {federated(func(f *cloud.Federated) { f.Subject = "other" }), Credential, "AADSTS700213"},
		"audience": {federated(func(f *cloud.Federated) { f.Audience = "other" }), Credential, "AADSTS700212"},
		"expired": {func() error {
			_, err := b.client.FederatedToken(t.Context(), robot(Options{}), trust.Assertion(-time.Hour))
			return err
		}, Credential, "AADSTS700024"},
		"no token": {func() error {
			_, err := b.client.FederatedToken(t.Context(), robot(Options{}), "nonsense")
			return err
		}, Input, ""},
		"no client id": {func() error {
			_, err := b.client.Secret(t.Context(), Options{Tenant: "contoso.com"}, "x")
			return err
		}, Input, ""},
		"no tenant": {func() error {
			_, err := b.client.Secret(t.Context(), Options{ClientID: cloud.RobotC}, "x")
			return err
		}, Input, ""},
		"empty secret": {func() error {
			_, err := b.client.Secret(t.Context(), robot(Options{}), "")
			return err
		}, Input, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := b.with(t)
			b.fails(c.do(), c.class, c.code)
		})
	}
}

func TestAServicePrincipalsSecretExpires(t *testing.T) {
	b := newBox(t, cloud.Options{})
	r, err := b.client.Secret(t.Context(), robot(Options{}), b.Server.Secret(cloud.RobotC))
	if err != nil {
		t.Fatal(err)
	}
	secret := b.Server.Secret(cloud.RobotC)
	b.Intercept(cloud.On(cloud.Refuse(cloud.Refusal{Status: 401, Code: "invalid_client", Number: 7000222, Text: "The provided client secret keys for app are expired. " + secret}), cloud.ForToken))
	_, _, err = b.client.Token(t.Context(), r.Account, r.State, azure.Tenant{ID: cloud.ContosoTenant, Domain: "contoso.com"}, vault)
	e := b.fails(err, Credential, "AADSTS7000222")
	if want := "az-ctx connect --service-principal --client-id " + cloud.RobotC + " --tenant contoso.com --client-secret-stdin"; e.Try != want {
		t.Errorf("try %s\nwant %s", e.Try, want)
	}
	if _, ok := token.AsSignInNeeded(err); !ok {
		t.Error("no sign-in needed")
	}
	b.Intercept(cloud.On(cloud.Refuse(cloud.Refusal{Code: "odd", Number: 1, Text: "it was " + secret}), cloud.ForToken))
	_, _, err = b.client.Token(t.Context(), r.Account, r.State, r.Tenant, vault)
	b.fails(err, Refused, "AADSTS1")
}

func TestCertificateFiles(t *testing.T) {
	b := newBox(t, cloud.Options{})
	dir := t.TempDir()
	good, pfx, _ := b.certificate(dir, true)
	raw, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	key, cert := string(raw[:strings.Index(string(raw), "-----BEGIN CERT")]), string(raw[strings.Index(string(raw), "-----BEGIN CERT"):])
	other := b.makeKey()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ecDER, err := x509.MarshalPKCS8PrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	ecPEM := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: ecDER})) + string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: b.makeCertificate(ec).Raw}))
	for name, c := range map[string]struct{ file, text, password, want string }{
		"missing":      {file: filepath.Join(dir, "none.pem"), want: "none.pem: no such file"},
		"a directory":  {file: dir, want: "is no such file"},
		"empty":        {text: "\n", want: "neither PEM nor PFX"},
		"no key":       {text: cert, want: "no private key in it"},
		"no cert":      {text: key, want: "no certificate in it"},
		"broken":       {text: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", want: "a certificate in it is broken"},
		"broken key":   {text: cert + "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", want: "the key in it is broken"},
		"two keys":     {text: key + key + cert, want: "two keys"},
		"another key":  {text: other + cert, want: "not that of the certificate"},
		"encrypted":    {text: cert + "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n", want: "openssl pkcs12 -export"},
		"not RSA":      {text: ecPEM, want: "not RSA"},
		"no password":  {file: pfx, want: "--certificate-password-stdin"},
		"bad password": {file: pfx, password: "wrong-word", want: "the password is wrong"},
	} {
		t.Run(name, func(t *testing.T) {
			b := b.with(t)
			file := c.file
			if file == "" {
				file = filepath.Join(t.TempDir(), "x.pem")
				b.write(file, c.text)
			}
			_, err := b.client.Certificate(t.Context(), robot(Options{}), file, c.password)
			if b.fails(err, Input, ""); !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), file) {
				t.Errorf("got %v", err)
			}
			if c.password != "" && strings.Contains(err.Error(), c.password) {
				t.Errorf("the password is in %v", err)
			}
		})
	}
	// A certificate that moved: its token needs a sign-in.
	r, err := b.client.Certificate(t.Context(), robot(Options{}), good, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(good); err != nil {
		t.Fatal(err)
	}
	_, _, err = b.client.Token(t.Context(), r.Account, r.State, r.Tenant, vault)
	if e := b.fails(err, Input, ""); !strings.Contains(e.Try, "--certificate "+good) {
		t.Errorf("try %s", e.Try)
	}
	if _, ok := token.AsSignInNeeded(err); !ok {
		t.Error("no sign-in needed")
	}
	// A renewed one in its place is taken.
	b.certificate(dir, true)
	if _, _, err = b.client.Token(t.Context(), r.Account, r.State, r.Tenant, vault); err != nil {
		t.Error(err)
	}
}

func (b *box) makeKey() string {
	b.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		b.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}
