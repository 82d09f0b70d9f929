package e2e

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/az-ctx/az-ctx/test/azure"
	"github.com/az-ctx/az-ctx/test/terminal"
)

// What tokens are for.
const (
	arm   = "https://management.azure.com"
	graph = "https://graph.microsoft.com"
	vault = "https://vault.azure.net"
	aks   = "6dae42f8-4368-4678-94ff-3960e28e3630" // a bare GUID
)

// client is a real tool that asks for tokens.
type client struct {
	name      string
	resources []string // that a test asks it for
	find      func() (command, missing string)
	after     string // after the command, before the resource
	runs      bool   // "-" for a resource keeps it running: it asks for each line of its input
	mute      bool   // it shows the status of an error alone, and nothing that the endpoint says
}

var clients = []client{
	{name: "az", resources: []string{arm, vault, aks}, find: findAz(false), after: azToken},
	{name: "az 2.45", resources: []string{arm, vault, aks}, find: findAz(true), after: azToken, mute: true},
	{name: "azure-identity for Python", resources: []string{arm, graph, vault}, find: findPython, runs: true},
	{name: "azure-identity for JavaScript", resources: []string{arm, graph, vault}, find: findNode, runs: true},
	{name: "azidentity for Go", resources: []string{arm, graph, vault, aks}, find: findGo, after: "azidentity", runs: true},
	{name: "terraform's authorizer", resources: []string{arm, graph, vault}, find: findGo, after: "terraform", runs: true},
	{name: "kubelogin", resources: []string{aks}, find: findKubelogin, after: "get-token --login msi --server-id"},
	{name: "azd", resources: []string{arm + "/", graph, vault}, find: findGo, after: "azd", runs: true},
}

const azToken = "account get-access-token -o tsv --query accessToken --resource"

func findAz(old bool) func() (string, string) {
	return func() (string, string) {
		path, err := azure.FindAz(old)
		if err != nil {
			return "", err.Error()
		}
		return path, ""
	}
}

func findPython() (string, string) {
	python := os.Getenv("AZ_CTX_TEST_PYTHON")
	if python == "" {
		return "", "python with azure-identity (AZ_CTX_TEST_PYTHON)"
	}
	return python + " " + source("credential.py"), ""
}

func findNode() (string, string) {
	modules := os.Getenv("AZ_CTX_TEST_NODE_PATH")
	node, err := exec.LookPath("node")
	if modules == "" || err != nil {
		return "", "node with @azure/identity (AZ_CTX_TEST_NODE_PATH)"
	}
	return "env NODE_PATH=" + modules + " " + node + " " + source("credential.js"), ""
}

func findGo() (string, string) {
	path := os.Getenv("AZ_CTX_TEST_CLIENTS")
	if path == "" {
		return "", "the Go clients (AZ_CTX_TEST_CLIENTS)"
	}
	return path, ""
}

func findKubelogin() (string, string) {
	path, err := exec.LookPath("kubelogin")
	if err != nil {
		return "", "kubelogin"
	}
	return path, ""
}

func source(name string) string {
	path, err := filepath.Abs("../clients/" + name)
	if err != nil {
		panic(err) // no working directory
	}
	return path
}

// ask is the command line by which the client asks for a token. It prints that,
// or says on standard error what is wrong and fails.
func (c client) ask(t *testing.T, resource string) string {
	t.Helper()
	command, missing := c.find()
	if missing != "" {
		t.Skip("missing: ", missing)
	}
	return command + " " + c.after + " " + resource
}

// each runs a test with every client, or with those that run on.
func each(t *testing.T, running bool, test func(*testing.T, client)) {
	for _, c := range clients {
		if c.runs || !running {
			t.Run(c.name, func(t *testing.T) { test(t, c) })
		}
	}
}

// tokens says of each access token in a text whose it is, in which tenant and
// for what, in the words of the Azure that issued it.
func (u user) tokens(text string) []string {
	issued := u.cloud.Tokens()
	var said []string
	for _, jwt := range regexp.MustCompile(`eyJ[\w-]+\.[\w-]+\.[\w-]+`).FindAllString(text, -1) {
		i := slices.IndexFunc(issued, func(k azure.Token) bool { return k.Value == jwt && k.Kind == azure.AccessToken })
		if i < 0 {
			said = append(said, "one that was not issued")
			continue
		}
		said = append(said, whose(issued[i].Account, issued[i].Tenant)+" for "+strings.TrimRight(issued[i].Resource, "/"))
	}
	return said
}

// whose names an account in a tenant.
func whose(account, tenant string) string { return account + " in " + tenant }

var (
	aliceAtHome     = whose(azure.Alice, azure.ContosoTenant)
	aliceAtFabrikam = whose(azure.Alice, azure.FabrikamTenant)
	robot           = whose(azure.RobotC, azure.ContosoTenant)
)

// wantToken fails the test unless there is one token in the text, and it is that
// one.
func (u user) wantToken(t *testing.T, what, text, who, resource string) {
	t.Helper()
	if got, want := u.tokens(text), who+" for "+strings.TrimRight(resource, "/"); len(got) != 1 || got[0] != want {
		t.Errorf("%s: the token of %q and not %q; it said:\n%s", what, got, want, text)
	}
}

// robotIn signs the service principal in, by az-ctx itself, in a terminal.
func (u user) robotIn(t *testing.T, x *terminal.Terminal, flags string) {
	t.Helper()
	secret := filepath.Join(u.home, "secret")
	if err := os.WriteFile(secret, []byte(u.cloud.Secret(azure.RobotC)), 0o600); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(secret)
	x.OK("az-ctx connect --service-principal --client-id " + azure.RobotC + " --tenant contoso.com --client-secret-stdin " + flags + " <secret")
}

// Every client, in two shells at once, has the account and tenant of the shell
// that it runs in: a user's, borrowed from az, and a service principal's, signed
// in by az-ctx.
func TestP33EveryClientInTwoShells(t *testing.T) {
	u := newUser(t, false)
	u.login(t, azure.Alice)
	open(t, u).OK("az-ctx import --from az")
	u.robotIn(t, open(t, u), "--name robot") // it stays open: no keychain here, so the sign-in ends with the last session
	each(t, false, func(t *testing.T, c client) {
		a, b := open(t, u), open(t, u)
		a.OK("az-ctx select " + dev)
		b.OK("az-ctx select robot")
		for _, resource := range c.resources {
			line := c.ask(t, resource)
			a.Begin(line)
			b.Begin(line)
			outA, _ := a.End()
			outB, _ := b.End()
			u.wantToken(t, "the shell on dev", outA, aliceAtFabrikam, resource)
			u.wantToken(t, "the shell on robot", outB, robot, resource)
		}
	})
}

// az itself in two shells at once: what it lists, and another subscription of the
// same account.
func TestP33AzInTwoShells(t *testing.T) {
	versions(t, func(t *testing.T, u user) {
		a, b := open(t, u), open(t, u)
		a.OK("az-ctx import --from az; az-ctx select " + dev)
		u.robotIn(t, b, "--subscription "+azure.ContosoProd)
		a.Begin(groups)
		b.Begin(groups + "; " + groups + " --subscription 'Contoso Test'")
		outA, _ := a.End()
		outB, _ := b.End()
		if got := groupsOf(outA); got != "rg-fabrikam-dev-alice" {
			t.Errorf("the shell on dev sees %q\n%s", got, outA)
		}
		if got := groupsOf(outB); got != "rg-contoso-prod-robot rg-contoso-test-robot" {
			t.Errorf("the shell on robot sees %q\n%s", got, outB)
		}
	})
}

// Another credential in the environment would win, and is set aside.
func TestP71OtherCredentialsAreSetAside(t *testing.T) {
	u := newUser(t, false)
	u.login(t, azure.Alice)
	open(t, u).OK("az-ctx import --from az")
	others := "AZURE_CLIENT_ID=5eeeeeee-0000-4000-8000-00000000000f AZURE_CLIENT_SECRET=not-a-secret AZURE_TENANT_ID=other" +
		" ARM_CLIENT_ID=5eeeeeee-0000-4000-8000-00000000000f ARM_CLIENT_SECRET=not-a-secret ARM_TENANT_ID=other"
	each(t, false, func(t *testing.T, c client) {
		a := open(t, u)
		a.OK("export " + others + "; az-ctx select " + dev)
		out, _ := a.Run(c.ask(t, vault))
		u.wantToken(t, "beside other credentials", out, aliceAtFabrikam, vault)
		if got := a.OK("az-ctx deselect; echo $AZURE_CLIENT_ID $AZURE_CLIENT_SECRET $AZURE_TENANT_ID $ARM_CLIENT_SECRET $ARM_TENANT_ID"); !strings.Contains(got, "5eeeeeee-0000-4000-8000-00000000000f not-a-secret other not-a-secret other") {
			t.Errorf("after deselect: %s", got)
		}
	})
}

// A proxy for plain HTTP is not asked for what is on this machine.
func TestEveryClientBesideAProxy(t *testing.T) {
	u := newUser(t, false)
	u.login(t, azure.Alice)
	open(t, u).OK("az-ctx import --from az")
	each(t, false, func(t *testing.T, c client) {
		x := open(t, u)
		x.OK("az-ctx deselect; unset NO_PROXY no_proxy; export HTTP_PROXY=http://127.0.0.1:9 http_proxy=http://127.0.0.1:9") // where nobody is
		x.OK("az-ctx select " + dev)
		out, _ := x.Run(c.ask(t, vault))
		u.wantToken(t, "beside a proxy", out, aliceAtFabrikam, vault)
	})
}

// running is a client that runs on in a terminal, and asks when it is told to.
type running struct{ x *terminal.Terminal }

func (c client) start(t *testing.T, x *terminal.Terminal) running {
	t.Helper()
	x.OK("coproc { " + c.ask(t, "-") + "; }")
	return running{x}
}

func (r running) ask(resource string) string {
	return r.x.OK("echo " + resource + ` >&"${COPROC[1]}"; read -r answer <&"${COPROC[0]}"; echo "$answer"`)
}

// What runs keeps the context that it was started with, whatever its shell does
// next; the next one has the new.
func TestP73RunningClientKeepsItsContext(t *testing.T) {
	u := newUser(t, false)
	u.login(t, azure.Alice)
	open(t, u).OK("az-ctx import --from az; az-ctx rename " + prod + " prod")
	each(t, true, func(t *testing.T, c client) {
		x := open(t, u)
		x.OK("az-ctx select prod")
		runs := c.start(t, x)
		u.wantToken(t, "at first", runs.ask(arm), aliceAtHome, arm)
		x.OK("az-ctx select " + dev)
		u.wantToken(t, "after a select", runs.ask(graph), aliceAtHome, graph)
		out, _ := x.Run(c.ask(t, graph))
		u.wantToken(t, "the next one", out, aliceAtFabrikam, graph)
		x.OK("az-ctx deselect")
		u.wantToken(t, "after deselect", runs.ask(vault), aliceAtHome, vault)
	})
}

// A sign-in that no longer works is told to whoever sits before the tool, with
// the command that helps; and that helps. Where the tool is mute the shell's own
// az-ctx token says it.
func TestEveryClientShowsHowToSignIn(t *testing.T) {
	u := newUser(t, false)
	each(t, false, func(t *testing.T, c client) {
		x := open(t, u)
		u.cloud.AutoApprove(azure.Alice)
		x.OK("az-ctx connect --device-code")
		u.cloud.Revoke(azure.Alice)
		out, status := x.Run(c.ask(t, vault))
		if status == 0 {
			t.Errorf("it did not fail")
		}
		if c.mute {
			terminal.Contains(t, c.name, out, "Response [400]")
			out = x.Fails(4, "az-ctx token --resource "+vault)
		}
		try := regexp.MustCompile(`(?:run|try): (az-ctx connect( --?[\w-]+( [\w.:/-]+)?)*)`).FindStringSubmatch(out)
		if try == nil {
			t.Fatalf("it names no command of ours:\n%s", out)
		}
		x.OK(try[1] + " --device-code")
		out, _ = x.Run(c.ask(t, vault))
		u.wantToken(t, "after "+try[1], out, aliceAtHome, vault)
	})
}

// azd says in which tenant: a user's other tenant is served with that tenant's
// token, any other account's is an error, and it is never ignored.
func TestAzdTenant(t *testing.T) {
	u := newUser(t, false)
	u.login(t, azure.Alice)
	alice, robotShell := open(t, u), open(t, u)
	alice.OK("az-ctx import --from az; az-ctx rename " + prod + " prod; az-ctx select prod")
	u.robotIn(t, robotShell, "--name robot")
	for _, c := range []struct {
		x      *terminal.Terminal
		tenant string
		want   string // "": an error
	}{
		{alice, azure.ContosoTenant, aliceAtHome},
		{alice, "contoso.com", aliceAtHome},
		{alice, azure.FabrikamTenant, aliceAtFabrikam},
		{alice, azure.ContosoChinaTenant, ""},
		{robotShell, azure.ContosoTenant, robot},
		{robotShell, azure.FabrikamTenant, ""},
	} {
		azd := client{find: findGo, after: "azd -tenant " + c.tenant}
		out, status := c.x.Run(azd.ask(t, arm+"/"))
		if c.want != "" {
			u.wantToken(t, "tenantId "+c.tenant, out, c.want, arm)
			continue
		}
		if status == 0 || len(u.tokens(out)) != 0 {
			t.Errorf("tenantId %s: status %d\n%s", c.tenant, status, out)
		}
		terminal.Contains(t, "tenantId "+c.tenant, out, "failed to acquire token: code: ")
	}
	// The same by our own command, where no context of that tenant is left.
	alice.OK("az-ctx remove " + dev + "; rm -r ~/.cache/az-ctx")
	u.wantToken(t, "token --tenant", alice.OK("az-ctx token --tenant "+azure.FabrikamTenant+" --resource "+arm), aliceAtFabrikam, arm)
	robotShell.Fails(4, "az-ctx token --tenant "+azure.FabrikamTenant)
}

// az repeats the same token after a claims challenge, shows the challenge with
// --debug alone, and can't do better under a managed identity. So docs/az.md names
// what helps, and that does help.
func TestClaimsChallenge(t *testing.T) {
	doc, err := os.ReadFile("../../docs/az.md")
	if err != nil {
		t.Fatal(err)
	}
	terminal.Contains(t, "docs/az.md", string(doc), "az-ctx connect --claims-challenge CHALLENGE")
	u := newUser(t, false)
	x := open(t, u)
	u.cloud.AutoApprove(azure.Alice)
	x.OK("az-ctx connect --device-code --subscription " + azure.ContosoProd)
	// The resource manager wants more of the sign-in than any token has that was
	// issued before the sign-in service was asked for it.
	var asked atomic.Bool
	var late []azure.Token
	challenge := azure.Challenge(`{"access_token":{"nbf":{"essential":true,"value":"1"}}}`)
	u.cloud.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.FormValue("claims"), "nbf") && asked.CompareAndSwap(false, true) {
			late = u.cloud.Tokens()
		}
		if !azure.Path("/resourcegroups")(r) {
			return false
		}
		if asked.Load() && !slices.ContainsFunc(late, func(k azure.Token) bool { return r.Header.Get("Authorization") == "Bearer "+k.Value }) {
			return false
		}
		return challenge(w, r)
	})
	terminal.Contains(t, "az", x.Fails(1, groups), "Continuous access evaluation resulted in challenge")
	shown := regexp.MustCompile(`claims="([\w+/=-]+)"`).FindStringSubmatch(x.Fails(1, groups+" --debug"))
	if shown == nil {
		t.Fatal("az does not show the challenge")
	}
	x.OK("az-ctx connect --device-code --claims-challenge " + shown[1])
	if got := groupsOf(x.OK(groups)); got != "rg-contoso-prod-alice" {
		t.Errorf("after it az sees %q", got)
	}
}
