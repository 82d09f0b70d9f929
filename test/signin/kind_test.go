package signin

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"github.com/az-ctx/az-ctx/test/azure"
	"github.com/az-ctx/az-ctx/test/terminal"
)

// pair is a certificate with its key, made now.
type pair struct {
	cert *x509.Certificate
	key  *rsa.PrivateKey
}

func newPair(t *testing.T) pair {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "robot"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return pair{cert, key}
}

func (p pair) pem(t *testing.T) []byte {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(p.key)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	pem.Encode(&b, &pem.Block{Type: "PRIVATE KEY", Bytes: key}) // into memory
	pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: p.cert.Raw})
	return b.Bytes()
}

func (p pair) pfx(t *testing.T, password string) []byte {
	t.Helper()
	raw, err := pkcs12.Modern.Encode(p.key, p.cert, nil, password)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

var (
	pipeline = azure.Federated{Issuer: "https://issuer.test", Subject: "repo:contoso/infra:ref:refs/heads/main", Audience: "api://AzureADTokenExchange"}
)

// trust has Robot known by a certificate, and by a pipeline that vouches for it.
func (u user) trust(p pair) {
	u.cloud.Change(func(w *azure.World) {
		for i := range w.Accounts {
			if w.Accounts[i].ClientID == azure.RobotC {
				w.Accounts[i].Certificates = []*x509.Certificate{p.cert}
				w.Accounts[i].Federated = []azure.Federated{pipeline}
			}
		}
	})
}

// P7: whoever signs in, contexts behave alike afterwards.
func TestP7EveryKindBehavesAlike(t *testing.T) {
	p := newPair(t)
	for _, k := range []struct {
		name    string
		connect string
		kind    string
		who     string // in a group's name
		signIn  string
		secrets int // in the keyring
	}{
		{"user", device, "user", "alice", "ok", 1},
		{"secret", robot + ` --client-secret-stdin <secret`, "servicePrincipal", "robot", "ok", 1},
		{"PEM", robot + ` --certificate robot.pem`, "servicePrincipal", "robot", "ok", 0},
		{"PFX", robot + ` --certificate robot.pfx`, "servicePrincipal", "robot", "ok", 0},
		{"PFX with a password", robot + ` --certificate locked.pfx --certificate-password-stdin <<<'test-password-of-the-pfx'`, "servicePrincipal", "robot", "ok", 1},
		{"federated file", robot + ` --federated-token-file federated.jwt`, "servicePrincipal", "robot", "ok", 0},
		{"federated token", robot + ` --federated-token-stdin <federated.jwt`, "servicePrincipal", "robot", "this shell", 0},
		{"access token", `az-ctx connect --access-token-stdin --account-id someone <token`, "accessToken", "alice", "this shell", 0},
	} {
		t.Run("P7 "+k.name, func(t *testing.T) {
			u := newUser(t, azure.Options{}).withAz()
			u.trust(p)
			u.as(azure.Alice)
			u.write("secret", []byte(u.cloud.Secret(azure.RobotC)+"\n"))
			u.write("robot.pem", p.pem(t))
			u.write("robot.pfx", p.pfx(t, ""))
			u.write("locked.pfx", p.pfx(t, "test-password-of-the-pfx"))
			u.write("federated.jwt", []byte(pipeline.Assertion(10*time.Minute)+"\n"))
			token, err := u.cloud.Issue(azure.Alice, azure.ContosoTenant, "https://management.core.windows.net/")
			if err != nil {
				t.Fatal(err)
			}
			u.write("token", []byte(token))
			x := u.open()
			x.OK(k.connect)
			all := list(t, x)
			if len(all) < 2 {
				t.Fatalf("the contexts are %q", names(all))
			}
			for _, c := range all {
				if c.Account.Type != k.kind || c.SignIn != k.signIn || c.Tenant.Domain != "contoso.com" && k.name != "user" {
					t.Errorf("%+v", c)
				}
			}
			if got := u.secrets(); len(got) != k.secrets {
				t.Errorf("the keyring has %q", got)
			}
			sees(t, x, "rg-contoso-prod-"+k.who)
			x.OK("az-ctx select 'Contoso Test (00000002-0000-4000-8000-000000000000)'")
			claims, err := azure.Claims(x.OK("az-ctx token"))
			if err != nil || claims["tid"] != azure.ContosoTenant {
				t.Errorf("the token says %v (%v)", claims, err)
			}
			x.OK("az-ctx rename 'Contoso Test (00000002-0000-4000-8000-000000000000)' test; az-ctx select " + prod + "; az-ctx exec --context test -- " + groups + " | grep -x rg-contoso-test-" + k.who)
			terminal.Contains(t, "subscriptions", x.OK("az-ctx subscriptions -o name"), "Contoso Prod 1", "Contoso Test")
			terminal.Contains(t, "tenants", x.OK("az-ctx tenants -o name"), "contoso.com")
			x.OK("az-ctx disconnect --force")
			if all := list(t, x); len(all) != 0 {
				t.Errorf("after disconnect there is %q", names(all))
			}
			if got := u.secrets(); len(got) != 0 {
				t.Errorf("after disconnect the keyring has %q", got)
			}
			x.Fails(4, "az-ctx token")
		})
	}
}

// P7: what a certificate or a federated token is read from is read at each use.
func TestP7FilesAreReadAtEachUse(t *testing.T) {
	u := newUser(t, azure.Options{})
	old, next := newPair(t), newPair(t)
	u.trust(old)
	u.write("robot.pem", old.pem(t))
	x := u.open()
	x.OK(robot + " --certificate robot.pem")
	again := "az-ctx agent stop --force; az-ctx token >/dev/null" // by an agent that knows no token yet
	x.OK(again)
	u.trust(next)
	terminal.Contains(t, "another certificate", x.Fails(4, again), "AADSTS700027", "try: az-ctx connect --service-principal", "--certificate "+u.path("robot.pem"))
	u.write("robot.pem", next.pem(t))
	x.OK(again)
	if err := os.Rename(u.path("robot.pem"), u.path("moved.pem")); err != nil {
		t.Fatal(err)
	}
	terminal.Contains(t, "moved", x.Fails(4, again), u.path("robot.pem"))
	u.write("robot.pem", []byte("-----BEGIN CERTIFICATE-----\nbroken\n-----END CERTIFICATE-----\n"))
	terminal.Contains(t, "broken", x.Fails(4, again), u.path("robot.pem"))

	u.write("federated.jwt", []byte(pipeline.Assertion(10*time.Minute)))
	x.OK(robot + " --federated-token-file federated.jwt")
	x.OK(again)
	u.write("federated.jwt", []byte(pipeline.Assertion(-time.Hour)))
	terminal.Contains(t, "an old token", x.Fails(4, again), "AADSTS700024")
	u.write("federated.jwt", []byte(pipeline.Assertion(10*time.Minute)))
	x.OK(again)
}

// P7: a bare access token is its session's own, and says what it can't do.
func TestP7AccessTokenIsItsSessionsOwn(t *testing.T) {
	u := newUser(t, azure.Options{})
	token, err := u.cloud.Issue(azure.Alice, azure.ContosoTenant, "https://management.core.windows.net/")
	if err != nil {
		t.Fatal(err)
	}
	u.write("token", []byte(token))
	x := u.open()
	connect := "az-ctx connect --access-token-stdin --account-id alice "
	before := u.saved()
	terminal.Contains(t, "--scope user", x.Fails(2, connect+"--scope user <token"), "--scope user")
	terminal.Contains(t, "no name", x.Fails(2, "az-ctx connect --access-token-stdin <token"), "--account-id")
	terminal.Contains(t, "nothing", x.Fails(2, connect+"</dev/null"), "standard input is empty")
	terminal.Contains(t, "no token", x.Fails(2, connect+"<<<hello"), "no access token")
	if u.saved() != before || len(list(t, x)) != 0 {
		t.Errorf("what failed changed something: %q", names(list(t, x)))
	}
	x.OK(connect + "<token")
	for _, c := range list(t, x) {
		if c.Scope != "process" || c.SignIn != "this shell" {
			t.Errorf("%+v", c)
		}
	}
	if u.saved() != before {
		t.Errorf("an access token was saved:\n%s", u.saved())
	}
	if got := x.OK("az-ctx token"); got != token {
		t.Errorf("the token is another one: %s", got)
	}
	terminal.Contains(t, "another audience", x.Fails(1, "az-ctx token --resource https://vault.azure.net"), "https://vault.azure.net", "management.core.windows.net")
	if y := u.open(); len(list(t, y)) != 0 {
		t.Errorf("another terminal sees %q", names(list(t, y)))
	}
	// One of another audience is no way in.
	vault, err := u.cloud.Issue(azure.Alice, azure.ContosoTenant, "https://vault.azure.net")
	if err != nil {
		t.Fatal(err)
	}
	u.write("vault", []byte(vault))
	out, status := x.Run(connect + "<vault")
	if status == 0 || !strings.Contains(out, "https://vault.azure.net") {
		t.Errorf("a key vault's token: status %d\n%s", status, out)
	}
}
