package signin

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/az-ctx/az-ctx/test/azure"
	"github.com/az-ctx/az-ctx/test/terminal"
)

// No token and no secret that the loopback Azure gave out or knows is in a file
// of the user's, in an argument or a variable of any process that was started,
// or on the terminal: every kind of account, kept in the keyring, in memory and
// for a session, used by az, renewed, refused and taken away again.
func TestNothingLeaks(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("missing: strace")
	}
	u := newUser(t, azure.Options{}).withAz()
	u.as(azure.Alice)
	p := newPair(t)
	u.trust(p)
	// What the test itself writes down is looked for everywhere else.
	if err := os.Mkdir(u.path("test"), 0o700); err != nil {
		t.Fatal(err)
	}
	const password = "test-password-of-the-pfx"
	federated := pipeline.Assertion(10 * time.Minute)
	bare, err := u.cloud.Issue(azure.Bob, azure.ContosoTenant, "https://management.core.windows.net/")
	if err != nil {
		t.Fatal(err)
	}
	u.write("test/secret", []byte(u.cloud.Secret(azure.RobotC)))
	u.write("test/password", []byte(password))
	u.write("test/locked.pfx", p.pfx(t, password))
	u.write("test/federated.jwt", []byte(federated))
	u.write("test/bare", []byte(bare))

	trace := u.path("trace")
	x := terminal.Open(t, u.home, u.environ(), strace, "-f", "--seccomp-bpf", "-qq", "-v", "-s", "1000000", "-e", "trace=execve", "-o", trace)
	y := u.open()
	for _, line := range []string{
		device,
		groups,
		"az-ctx token >/dev/null; az-ctx token -o json >/dev/null; az-ctx token --resource https://vault.azure.net >/dev/null",
		"az-ctx subscriptions; az-ctx tenants; az-ctx list; az-ctx current; az-ctx get -o json; az-ctx doctor; az-ctx agent status",
		"az-ctx select " + dev + "; az-ctx exec --context " + prod + " -- " + groups,
		device + " --tenant fabrikam.com",
		"az-ctx env --shell dotenv; az-ctx env --shell json",
		robot + " --client-secret-stdin <test/secret",
		groups,
		robot + " --certificate test/locked.pfx --certificate-password-stdin <test/password",
		"az-ctx token >/dev/null",
		robot + " --federated-token-file test/federated.jwt",
		"az-ctx token >/dev/null",
		robot + " --federated-token-stdin <test/federated.jwt",
		"az-ctx token >/dev/null",
		"az-ctx connect --access-token-stdin --account-id bob <test/bare",
		groups,
		device + " --scope process",
		"az-ctx token >/dev/null",
		"az-ctx save all.json; az-ctx save --format azps all.azps",
		"az-ctx autosave disable --scope process; " + device + "; az-ctx autosave enable --scope process",
		"bash -c 'az-ctx token' >/dev/null",
	} {
		if out, status := x.Run(line); status != 0 {
			t.Errorf("%s: status %d\n%s", line, status, out)
		}
	}
	y.OK(device)
	looks := func(when string) {
		t.Helper()
		secrets := append(u.cloud.Secrets(), password, federated)
		if len(secrets) < 20 {
			t.Fatalf("only %d secrets", len(secrets))
		}
		for _, path := range u.find(secrets...) {
			t.Errorf("%s: a token or secret is in %s", when, path)
		}
		for name, text := range map[string]string{"the first terminal": x.Transcript(), "the second": y.Transcript()} {
			if holds(text, secrets) {
				t.Errorf("%s: a token or secret is on %s", when, name)
			}
		}
		files := u.find("az-ctx")
		if len(files) < 10 {
			t.Errorf("%s: only %q were looked at", when, files)
		}
	}
	looks("in use")
	u.cloud.Revoke(azure.Alice)
	x.Run("az-ctx agent stop --force; az-ctx token; " + groups + "; " + robot + " --client-secret-stdin <<<$(rev test/secret); az-ctx connect --access-token-stdin --account-id bob < <(cut -c1-400 test/bare)")
	looks("refused")
	// What ran is written down with arguments and environment.
	raw, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	terminal.Contains(t, "the trace", string(raw), `"connect"`, `"--client-secret-stdin"`, "group", "IDENTITY_HEADER=", `"agent", "run"`)
	x.OK("az-ctx clear --force; az-ctx agent stop --force")
	looks("cleared")
	if got := u.secrets(); len(got) != 0 {
		t.Errorf("the keyring still has %q", got)
	}
}

func holds(text string, secrets []string) bool {
	for _, s := range secrets {
		if strings.Contains(text, s) {
			return true
		}
	}
	return false
}
