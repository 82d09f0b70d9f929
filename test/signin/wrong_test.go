package signin

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/az-ctx/az-ctx/test/azure"
	"github.com/az-ctx/az-ctx/test/terminal"
)

// What goes wrong is said in a line with Entra's own code, has its exit status,
// and leaves everything as it was.
func TestWhatGoesWrongChangesNothing(t *testing.T) {
	u := newUser(t, azure.Options{})
	u.as(azure.Alice)
	x := u.open()
	x.OK(device)
	p := newPair(t)
	u.write("unknown.pem", p.pem(t))
	u.write("locked.pfx", p.pfx(t, "test-password-of-the-pfx"))
	u.write("broken.pem", []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"))
	u.write("federated.jwt", []byte(pipeline.Assertion(time.Hour)))
	before := u.saved()
	const other = "5eeeeeee-0000-4000-8000-00000000000f"
	for _, c := range []struct {
		name, line string
		status     int
		says       []string
	}{
		{"a wrong secret", robot + " --client-secret-stdin <<<test-wrong-secret", 4, []string{"AADSTS7000215", "try: az-ctx connect --service-principal", "--client-secret-stdin"}},
		{"no secret", robot + " --client-secret-stdin </dev/null", 2, []string{"standard input is empty"}},
		{"an unknown application", "az-ctx connect --service-principal --client-id " + other + " --tenant contoso.com --client-secret-stdin <<<test-wrong-secret", 4, []string{"AADSTS700016", other}},
		{"an unknown tenant", "az-ctx connect --service-principal --client-id " + azure.RobotC + " --tenant nowhere.test --client-secret-stdin <<<test-wrong-secret", 3, []string{"AADSTS90002", "nowhere.test"}},
		{"another's certificate", robot + " --certificate unknown.pem", 4, []string{"AADSTS700027"}},
		{"a password that is needed", robot + " --certificate locked.pfx", 2, []string{"--certificate-password-stdin", "locked.pfx"}},
		{"a wrong password", robot + " --certificate locked.pfx --certificate-password-stdin <<<test-wrong-secret", 2, []string{"the password is wrong"}},
		{"a broken certificate", robot + " --certificate broken.pem", 2, []string{"broken.pem"}},
		{"no such certificate", robot + " --certificate absent.pem", 2, []string{"absent.pem", "no such file"}},
		{"a token that nobody trusts", robot + " --federated-token-file federated.jwt", 4, []string{"AADSTS700211"}},
		{"no such token", robot + " --federated-token-file absent.jwt", 2, []string{"absent.jwt"}},
		{"a secret as an argument", robot + " --client-secret test-wrong-secret", 2, []string{"--client-secret-stdin"}},
		{"a secret as an argument, as az has it", robot + " -p test-wrong-secret", 2, []string{"--client-secret-stdin"}},
		{"the same with a sign", robot + " --password=test-wrong-secret", 2, []string{"--client-secret-stdin"}},
		{"a password as an argument", robot + " --certificate locked.pfx --certificate-password test-wrong-secret", 2, []string{"--certificate-password-stdin"}},
		{"a federated token as an argument", robot + " --federated-token test-wrong-secret", 2, []string{"--federated-token-stdin"}},
		{"an access token as an argument", "az-ctx connect --access-token test-wrong-secret --account-id a", 2, []string{"--access-token-stdin"}},
		{"no way", robot, 2, []string{"--client-secret-stdin", "--certificate"}},
		{"two ways", robot + " --client-secret-stdin --certificate unknown.pem <<<test-wrong-secret", 2, []string{"one of"}},
		{"no client id", "az-ctx connect --service-principal --tenant contoso.com --client-secret-stdin <<<test-wrong-secret", 2, []string{"--client-id"}},
		{"a secret of nobody's", "az-ctx connect --client-secret-stdin <<<test-wrong-secret", 2, []string{"--service-principal"}},
		{"two kinds", device + " --identity", 2, []string{"exclude each other"}},
		{"no such cloud", device + " --environment Nowhere", 3, []string{"Nowhere"}},
		{"a broken challenge", device + " --claims-challenge ,,,", 2, []string{"claims challenge"}},
		{"a name", device + " prod", 2, []string{"takes no names"}},
	} {
		out := x.Fails(c.status, c.line)
		terminal.Contains(t, c.name, out, c.says...)
		terminal.Lacks(t, c.name, out, "test-wrong-secret")
		if n := strings.Count(out, "az-ctx: "); n != 1 {
			t.Errorf("%s: %d lines say what is wrong:\n%s", c.name, n, out)
		}
		if after := u.saved(); after != before {
			t.Errorf("%s: saved was\n%s\nand is\n%s", c.name, before, after)
			before = after
		}
	}
	if c := named(t, list(t, x), strings.Trim(prod, "'")); !c.Active {
		t.Errorf("after all that the shell is elsewhere: %+v", c)
	}
	x.OK("az-ctx token >/dev/null")
}

// A code that was declined, or that nobody entered in time, and a person who
// presses Ctrl-C.
func TestCodesThatLeadNowhere(t *testing.T) {
	u := newUser(t, azure.Options{})
	x := u.open()
	before := u.saved()
	begin := func() string {
		x.Begin(device)
		x.Await("https://microsoft.com/devicelogin and enter ")
		return strings.TrimSpace(x.Await("(15 min left)"))
	}
	fails := func(what string, status int, says string) {
		out, got := x.End()
		if got != status || !strings.Contains(out, says) {
			t.Errorf("%s: status %d\n%s", what, got, out)
		}
		if after := u.saved(); after != before {
			t.Errorf("%s: saved is\n%s", what, after)
		}
		x.OK("PS1=")
		if got := x.OK("az-ctx current; echo $AZ_CTX_NAME"); got != "" {
			t.Errorf("%s: the shell is on %s", what, got)
		}
	}
	if err := u.cloud.Deny(begin()); err != nil {
		t.Fatal(err)
	}
	fails("declined", 4, "AADSTS70017")

	x.OK("PS1='ready> '") // bash forgets what is typed before it is through with a Ctrl-C
	begin()
	x.Type("\x03")
	terminal.Contains(t, "Ctrl-C", x.Await("ready> "), "az-ctx: nothing was changed")
	fails("Ctrl-C", 130, "")
	if err := u.cloud.Approve(begin(), azure.Alice); err != nil { // the shell is well
		t.Fatal(err)
	}
	if out, status := x.End(); status != 0 {
		t.Errorf("after Ctrl-C: status %d\n%s", status, out)
	}
	x.OK("az-ctx clear --force; az-ctx deselect")
	before = u.saved()

	begin()
	u.cloud.Advance(20 * time.Minute)
	fails("expired", 4, "AADSTS70020")
}

// No network, a network that lies, a resource manager that fails.
func TestNoWayOut(t *testing.T) {
	u := newUser(t, azure.Options{})
	u.as(azure.Alice)
	x := u.open()
	before := u.saved()
	manager := func(r *http.Request) bool { return strings.HasPrefix(r.Host, "management.") }
	login := func(r *http.Request) bool { return strings.HasPrefix(r.Host, "login.") }
	for _, c := range []struct {
		name   string
		fault  azure.Fault
		status int
		says   string
	}{
		{"a hotel's page", azure.On(azure.Portal, login), 1, "login.microsoftonline.com"},
		{"a hotel's page at the resource manager", azure.On(azure.Portal, manager), 1, "management.azure.com"},
		{"broken JSON", azure.On(azure.Broken, azure.ForToken), 1, ""},
		{"a failing resource manager", azure.On(azure.Fail(503, "Retry-After: 0"), manager), 1, "503"},
		{"cut connections", azure.On(azure.Cut, manager), 1, "management.azure.com"},
	} {
		u.cloud.Intercept(c.fault)
		out := x.Fails(c.status, device)
		terminal.Contains(t, c.name, out, c.says)
		terminal.Lacks(t, c.name, out, u.cloud.Secrets()...)
		if after := u.saved(); after != before {
			t.Errorf("%s: saved is\n%s", c.name, after)
		}
	}
	u.cloud.Intercept(nil)
	// Two requests too many are no failure.
	u.cloud.Intercept(azure.On(azure.Times(2, azure.Throttle("Retry-After: 1")), manager))
	x.OK(device)
	x.OK("az-ctx clear --force; az-ctx deselect")
	before = u.saved()

	u.cloud.Close()
	out := x.Fails(1, device)
	terminal.Contains(t, "no network", out, "login.microsoftonline.com")
	if after := u.saved(); after != before {
		t.Errorf("no network: saved is\n%s", after)
	}
}

// A sign-in that was revoked says so with the command that helps, and which
// works; the account's other contexts are taken along.
func TestRevoked(t *testing.T) {
	u := newUser(t, azure.Options{})
	u.as(azure.Alice)
	x := u.open()
	x.OK(device)
	u.cloud.Revoke(azure.Alice)
	x.OK("az-ctx agent stop --force")
	terminal.Contains(t, "revoked", x.Fails(4, "az-ctx token"), "AADSTS50173", "try: az-ctx connect")
	x.OK(device)
	x.OK("az-ctx token >/dev/null; az-ctx select " + dev + "; az-ctx token >/dev/null")
	// A token that has ended is got anew, with the refresh token that came last.
	u.cloud.Advance(2 * time.Hour)
	x.OK("az-ctx agent stop --force; az-ctx token >/dev/null; az-ctx agent stop --force; az-ctx token >/dev/null")
}
