package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/az-ctx/az-ctx/test/azure"
	"github.com/az-ctx/az-ctx/test/terminal"
)

// The main job: nothing but the az login that was there, and two terminals that
// work in two tenants at once.
func TestP71TwoTerminalsTwoTenants(t *testing.T) {
	versions(t, func(t *testing.T, u user) {
		before := azure.AzFiles(u.home)
		a, b := open(t, u), open(t, u)
		out := a.OK("az-ctx import --from az")
		terminal.Contains(t, "import", out, "4 subscriptions of alice@contoso.com in 2 tenants, borrowed from az's sign-in", "active here: Contoso Prod 1")
		a.OK("az-ctx rename " + prod + " prod")
		b.OK("az-ctx select " + dev)

		for range 2 {
			a.Begin(groups)
			b.Begin(groups)
			outA, statusA := a.End()
			outB, statusB := b.End()
			if statusA != 0 || groupsOf(outA) != "rg-contoso-prod-alice" {
				t.Errorf("P33: the terminal on prod: status %d\n%s", statusA, outA)
			}
			if statusB != 0 || groupsOf(outB) != "rg-fabrikam-dev-alice" {
				t.Errorf("P33: the terminal on dev: status %d\n%s", statusB, outB)
			}
		}

		if got := groupsOf(a.OK(groups + " --subscription 'Contoso Test'")); got != "rg-contoso-test-alice" {
			t.Errorf("az --subscription OTHER saw %q", got)
		}
		loop := `for s in $(az account list -o tsv --query '[].id' 2>/dev/null); do ` + groups + ` --subscription "$s"; done`
		if got := groupsOf(a.OK(loop)); got != "rg-contoso-prod-alice rg-contoso-test-alice" {
			t.Errorf("the loop over az account list saw %q", got)
		}
		if got := a.OK("az account show -o tsv --query '[name,tenantId]' | tr '\\n' ' '"); !strings.Contains(got, "Contoso Prod 1 aaaaaaaa-0000-4000-8000-000000000001") {
			t.Errorf("az account show: %s", got)
		}
		a.OK("az-ctx select " + dev)
		if got := groupsOf(a.OK(groups)); got != "rg-fabrikam-dev-alice" {
			t.Errorf("after the switch az saw %q", got)
		}
		a.OK("az-ctx select -")
		if got := groupsOf(a.OK(groups)); got != "rg-contoso-prod-alice" {
			t.Errorf("P31: after select - az saw %q", got)
		}
		if after := azure.AzFiles(u.home); after != before {
			t.Errorf("az's own files were\n%sand are\n%s", before, after)
		}
		a.OK("az-ctx deselect")
		if got := groupsOf(a.OK(groups)); got != "rg-contoso-prod-alice" {
			t.Errorf("after deselect az, with its own default, saw %q", got)
		}
	})
}

// What is running keeps the context that it was started with.
func TestP73RunningToolKeepsItsContext(t *testing.T) {
	u := newUser(t, false)
	u.login(t, azure.Alice)
	a := open(t, u)
	a.OK("az-ctx import --from az")
	a.OK("az-ctx select " + prod)
	// The job asks again and again; the shell has moved on before its second time.
	a.OK("mkfifo go; { " + groups + "; read -r _ <go; " + groups + "; } >job.out 2>&1 & :")
	a.OK("az-ctx select " + dev)
	a.OK("echo >go; wait")
	if got := groupsOf(a.OK("cat job.out")); got != "rg-contoso-prod-alice rg-contoso-prod-alice" {
		t.Errorf("the job saw %q", got)
	}
	if got := groupsOf(a.OK(groups)); got != "rg-fabrikam-dev-alice" {
		t.Errorf("the shell sees %q", got)
	}
}

// exec gives one command a context, and the shell keeps its own (P37).
func TestP37ExecInAnotherContext(t *testing.T) {
	u := newUser(t, false)
	u.login(t, azure.Alice)
	a := open(t, u)
	a.OK("az-ctx import --from az")
	if got := groupsOf(a.OK("az-ctx exec --context " + dev + " -- " + groups)); got != "rg-fabrikam-dev-alice" {
		t.Errorf("exec saw %q", got)
	}
	if got := groupsOf(a.OK(groups)); got != "rg-contoso-prod-alice" {
		t.Errorf("the shell sees %q", got)
	}
	out, status := a.Run("az-ctx exec --context " + dev + " -- bash -c 'exit 42'")
	if status != 42 {
		t.Errorf("exec's status is %d\n%s", status, out)
	}
}

// What az does to a session's directory stays in it, and is noticed.
func TestP76AzChangesAreNoticed(t *testing.T) {
	versions(t, func(t *testing.T, u user) {
		before := azure.AzFiles(u.home)
		a := open(t, u)
		a.OK("az-ctx import --from az")
		a.OK("az-ctx rename " + prod + " prod")

		terminal.Contains(t, "az account set", a.OK("az account set -s 'Contoso Test'"), "az was switched to Contoso Test here, az-ctx says prod", "az-ctx select prod", "az-ctx set --subscription 00000002-0000-4000-8000-000000000000")
		if again := a.OK(":"); again != "" {
			t.Errorf("it is said once, and was said again: %s", again)
		}
		a.OK("az-ctx select prod")
		terminal.Contains(t, "az config set", a.OK("az config set core.no_color=true --only-show-errors"), "core.no_color")
		a.OK("az-ctx select prod")
		terminal.Contains(t, "az cloud set", a.OK("env -u AZURE_CLOUD_NAME az cloud set --name AzureChinaCloud"), "az was set to the cloud AzureChinaCloud here, az-ctx says prod")
		a.OK("az-ctx select prod")
		u.cloud.AutoApprove(azure.Bob)
		terminal.Contains(t, "az login", a.OK("az login --use-device-code -o none"), "az signed in as bob@contoso.com here, az-ctx says prod")
		a.OK("az-ctx select prod")
		terminal.Contains(t, "az account clear", a.OK("az account clear"), "az was signed out here, az-ctx says prod")
		a.OK("az-ctx select prod")
		if got := groupsOf(a.OK(groups)); got != "rg-contoso-prod-alice" {
			t.Errorf("in the end az sees %q", got)
		}
		if after := azure.AzFiles(u.home); after != before {
			t.Errorf("az's own files were\n%sand are\n%s", before, after)
		}
	})
}

// A shell whose context was removed has no tool that falls back to another.
func TestP44SignedOutFallsBackToNothing(t *testing.T) {
	u := newUser(t, false)
	u.login(t, azure.Alice)
	a := open(t, u)
	a.OK("az-ctx import --from az")
	out := a.OK("az-ctx remove --force " + prod)
	terminal.Contains(t, "remove", out, "signed out here")
	out, status := a.Run(groups)
	if status == 0 || groupsOf(out) != "" {
		t.Errorf("az still saw something, status %d:\n%s", status, out)
	}
	terminal.Contains(t, "the endpoint", a.OK(`python3 - <<'P'
import os, urllib.request, urllib.error
request = urllib.request.Request(os.environ["IDENTITY_ENDPOINT"] + "?api-version=2019-08-01&resource=x", headers={"X-IDENTITY-HEADER": os.environ["IDENTITY_HEADER"]})
try: urllib.request.urlopen(request)
except urllib.error.HTTPError as e: print(e.code, e.read().decode())
P`), "400", "az-ctx select")
	a.OK("az-ctx select " + dev)
	if got := groupsOf(a.OK(groups)); got != "rg-fabrikam-dev-alice" {
		t.Errorf("the account's other context sees %q", got)
	}
}

// Each failure of az reaches the tool that asked, as one that says so.
func TestBorrowedFailuresAreSaid(t *testing.T) {
	u := newUser(t, false)
	u.login(t, azure.Alice)
	a := open(t, u)
	a.OK("az-ctx import --from az")

	// az is gone from the shell's PATH.
	a.OK("mv bin/az bin/real-az")
	a.OK("PATH=$HOME/bin:/nowhere az-ctx select " + dev)
	out, status := a.Run("bin/real-az group list")
	if status == 0 {
		t.Errorf("az worked without az:\n%s", out)
	}
	terminal.Contains(t, "az absent", out, "az-ctx")
	a.OK("mv bin/real-az bin/az")

	// az is signed out.
	out, status = a.Run("az-ctx select " + prod + "; AZURE_CONFIG_DIR=$HOME/.azure az account clear; az-ctx token")
	if status != 4 {
		t.Errorf("az signed out: status %d\n%s", status, out)
	}
	terminal.Contains(t, "az signed out", out, "az login")
}

// A service principal that az signed in works the same way.
func TestP71ServicePrincipal(t *testing.T) {
	u := newUser(t, false)
	u.loginRobot(t)
	a := open(t, u)
	a.OK("az-ctx import --from az")
	if got := groupsOf(a.OK(groups)); !strings.HasPrefix(got, "rg-contoso-") || !strings.HasSuffix(got, "robot") {
		t.Errorf("az sees %q", got)
	}
	terminal.Contains(t, "get", a.OK("az-ctx get -o json"), `"type": "servicePrincipal"`, `"borrowed": true`)
}

// The other shells follow as bash does.
func TestP71EveryShell(t *testing.T) {
	u := newUser(t, false)
	u.login(t, azure.Alice)
	if out, err := u.command("az-ctx", "import", "--from", "az").CombinedOutput(); err != nil {
		t.Fatalf("import: %v\n%s", err, out)
	}
	list := `az group list -o tsv --query "[].name"`
	for name, argv := range map[string][]string{
		"zsh":  {"zsh", "-f", "-c", `eval "$(az-ctx init zsh)"; az-ctx select ` + dev + `; ` + list},
		"fish": {"fish", "-N", "-c", `az-ctx init fish | source; az-ctx select ` + dev + `; ` + list},
		"pwsh": {pwsh(), "-NoProfile", "-Command", `az-ctx init pwsh | Out-String | Invoke-Expression; az-ctx select ` + dev + `; ` + list},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath(argv[0]); err != nil {
				t.Skip("missing: ", name)
			}
			c := exec.Command(argv[0], argv[1:]...)
			c.Env, c.Dir = u.environ(), u.home
			out, err := c.CombinedOutput()
			if err != nil || groupsOf(string(out)) != "rg-fabrikam-dev-alice" {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// starship shows the context's subscription, from the activation's own .azure.
func TestStarshipShowsTheSubscription(t *testing.T) {
	starship, err := exec.LookPath("starship")
	if err != nil {
		t.Skip("missing: starship")
	}
	u := newUser(t, false)
	u.login(t, azure.Alice)
	if err := os.WriteFile(filepath.Join(u.home, "starship.toml"), []byte("[azure]\ndisabled = false\nformat = '$subscription'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := open(t, u)
	a.OK("az-ctx import --from az; az-ctx select " + dev)
	terminal.Contains(t, "starship", a.OK("STARSHIP_CONFIG=$HOME/starship.toml "+starship+" module azure"), "Fabrikam Dev")
}
