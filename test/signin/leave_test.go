package signin

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/az-ctx/az-ctx/test/azure"
	"github.com/az-ctx/az-ctx/test/terminal"
)

// connectAll signs alice, bob and robot in.
func (u user) connectAll(x *terminal.Terminal) {
	u.t.Helper()
	u.write("secret", []byte(u.cloud.Secret(azure.RobotC)))
	u.as(azure.Bob)
	x.OK(device)
	x.OK(robot + " --client-secret-stdin <secret")
	u.as(azure.Alice)
	x.OK(device)
}

func accounts(all []context) string {
	var ids []string
	for _, c := range all {
		id, _, _ := strings.Cut(c.Account.ID, "@")
		if id == azure.RobotC {
			id = "robot"
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

// P45: the last context of an account takes its tokens along.
func TestP45LastContextTakesTheTokens(t *testing.T) {
	u := newUser(t, azure.Options{})
	x := u.open()
	u.connectAll(x)
	u.cloud.Change(func(w *azure.World) { // a sign-in of a tenant's own
		for i := range w.Tenants {
			w.Tenants[i].MFA = w.Tenants[i].ID == azure.FabrikamTenant
		}
	})
	x.OK(device + " --tenant fabrikam.com")
	if got := u.secrets(); len(got) != 4 {
		t.Fatalf("the keyring has %q", got)
	}
	var alices []string
	for _, c := range list(t, x) {
		if c.Account.ID == azure.Alice && c.Tenant.ID != azure.FabrikamTenant {
			alices = append(alices, c.Name)
		}
	}
	x.OK("az-ctx remove --force " + dev)
	x.OK("az-ctx select '" + alices[0] + "'; az-ctx token >/dev/null")
	for _, name := range alices[1:] {
		x.OK("az-ctx remove --force '" + name + "'; az-ctx token >/dev/null")
	}
	x.OK("az-ctx remove --force '" + alices[0] + "'")
	if got := accounts(list(t, x)); got != "bob robot" {
		t.Errorf("P45: the contexts are of %s", got)
	}
	if got := u.secrets(); len(got) != 2 || strings.Contains(strings.Join(got, " "), "a11ce000") {
		t.Errorf("P45: the keyring has %q", got)
	}
	x.Fails(4, "az-ctx token")
	for _, c := range list(t, x) {
		x.OK("az-ctx token --context '" + c.Name + "' >/dev/null")
	}
}

// P46: disconnect takes the active account, or the one of an account's name, a
// context, a client id, an object; P47: all its contexts go, others keep theirs
// and their tokens; P48: signed out already is no error.
func TestP46P47P48Disconnect(t *testing.T) {
	u := newUser(t, azure.Options{})
	x, y := u.open(), u.open()
	object := filepath.Join(u.home, "object")
	for name, c := range map[string]struct{ line, left string }{
		"the active one":          {"az-ctx disconnect --force", "bob robot"},
		"by account":              {"az-ctx disconnect --force --account BOB@contoso.com", "alice robot"},
		"by context":              {"az-ctx disconnect --force --context " + dev, "bob robot"},
		"by client id":            {"az-ctx disconnect --force --client-id " + azure.RobotC, "alice bob"},
		"by client id and tenant": {"az-ctx disconnect --force --client-id " + azure.RobotC + " --tenant contoso.com", "alice bob"},
		"by a context":            {"az-ctx disconnect --force --input-object - <" + object, "bob robot"},
		"by an account":           {"az-ctx disconnect --force --input-object - < <(jq .account " + object + ")", "bob robot"},
		"another tenant's":        {"az-ctx disconnect --force --client-id " + azure.RobotC + " --tenant fabrikam.com", "alice bob robot"},
		"nobody":                  {"az-ctx disconnect --force --account nobody@contoso.com", "alice bob robot"},
	} {
		u.connectAll(x)
		x.OK("az-ctx current -o json >" + object)
		before, secrets := list(t, x), u.secrets()
		said := x.OK(c.line)
		after := list(t, x)
		if got := accounts(after); got != c.left {
			t.Errorf("P46: %s leaves %s and not %s\n%s", name, got, c.left, said)
		}
		for _, b := range before {
			_, was, _ := strings.Cut(" "+accounts([]context{b}), " ")
			kept := slices.Contains(strings.Fields(c.left), was)
			if slices.Contains(names(after), b.Name) != kept {
				t.Errorf("P47: %s: %s is kept: %t", name, b.Name, !kept)
			}
		}
		if got := u.secrets(); len(got) != len(strings.Fields(c.left)) || len(secrets) != 3 {
			t.Errorf("P47: %s: the keyring had %q and has %q", name, secrets, got)
		}
		x.OK("az-ctx agent stop --force")
		for _, a := range after {
			x.OK("az-ctx token --context '" + a.Name + "' >/dev/null")
		}
		if c.left == "bob robot" {
			terminal.Contains(t, "P44: "+name, said, "signed out here")
			x.Fails(4, "az-ctx token")
			x.OK("az-ctx disconnect") // P48: again
		}
	}
	x.OK("az-ctx clear --force; az-ctx deselect")
	x.OK("az-ctx disconnect") // P48: nothing is active
	y.OK("az-ctx disconnect")
	terminal.Contains(t, "--tenant alone", x.Fails(2, "az-ctx disconnect --tenant contoso.com"), "--client-id")
}

// P46: an account that was signed in by several applications leaves nothing.
func TestP46EveryApplication(t *testing.T) {
	u := newUser(t, azure.Options{})
	u.as(azure.Alice)
	x := u.open()
	x.OK(device)
	x.OK(device + " --client-id 5eeeeeee-0000-4000-8000-00000000000f")
	for _, c := range list(t, x) {
		x.OK("az-ctx token --context '" + c.Name + "' >/dev/null")
	}
	x.OK("az-ctx disconnect --force --account " + azure.Alice)
	if all, got := list(t, x), u.secrets(); len(all) != 0 || len(got) != 0 {
		t.Errorf("P46: left are %q and in the keyring %q", names(all), got)
	}
}

// P49: clear leaves no context, token or secret, even where a file or an entry
// is broken.
func TestP49Clear(t *testing.T) {
	u := newUser(t, azure.Options{})
	x := u.open()
	u.connectAll(x)
	x.OK("az-ctx select " + dev + "; az-ctx token >/dev/null")
	before := u.saved()
	terminal.Contains(t, "P26", x.Fails(1, "az-ctx clear </dev/null"), "--force")
	if u.saved() != before {
		t.Error("a refused clear changed something")
	}
	terminal.Contains(t, "P50", x.OK("az-ctx clear --scope process --force"), "what is saved stays")
	if u.saved() != before {
		t.Error("P50: clear --scope process changed what is saved")
	}

	y := u.open()
	files, err := filepath.Glob(u.path(".config/az-ctx/contexts/*"))
	if err != nil || len(files) < 6 {
		t.Fatalf("the context files are %q (%v)", files, err)
	}
	// One of robot's and one of alice's: each has another.
	broken := map[string]bool{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, who := range []string{azure.RobotC, azure.Alice} {
			if strings.Contains(string(raw), who) && !broken[who] {
				broken[who] = true
				if err := os.WriteFile(file, raw[:len(raw)/2], 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if len(broken) != 2 {
		t.Fatalf("broken are %v", broken)
	}
	// And an entry of the keyring that says nothing.
	u.store(u.secrets()[0], "broken")
	y.OK("az-ctx clear --force")
	if all := list(t, y); len(all) != 0 {
		t.Errorf("P49: left are %q", names(all))
	}
	left, _ := filepath.Glob(u.path(".config/az-ctx/contexts/*"))
	if len(left) != 0 {
		t.Errorf("P49: files left: %q", left)
	}
	if got := u.secrets(); len(got) != 0 {
		t.Errorf("P49: the keyring has %q", got)
	}
	y.Fails(4, "az-ctx token")
	terminal.Contains(t, "a terminal that sees nothing", x.Fails(3, "az-ctx select "+prod), "no context")
}
