package signin

import (
	"os"
	"slices"
	"testing"

	"github.com/az-ctx/az-ctx/test/azure"
	"github.com/az-ctx/az-ctx/test/terminal"
)

// P57: import never drops another account's tokens; P58: no token and no secret
// is in a saved file; P59: it imports on another machine, where the next use
// asks to sign in.
func TestP57P58P59SavedFiles(t *testing.T) {
	u := newUser(t, azure.Options{})
	p := newPair(t)
	u.trust(p)
	x := u.open()
	u.connectAll(x)
	u.write("robot.pfx", p.pfx(t, "test-password-of-the-pfx"))
	x.OK("az-ctx connect --service-principal --client-id " + azure.RobotC + " --tenant contoso.com --certificate robot.pfx --certificate-password-stdin <<<test-password-of-the-pfx")
	x.OK("az-ctx select " + dev + "; az-ctx token >/dev/null")
	x.OK("az-ctx save all.json; az-ctx save all.azps --format azps")
	secrets := append(u.cloud.Secrets(), "test-password-of-the-pfx", "refresh_token", "-----BEGIN")
	for _, name := range []string{"all.json", "all.azps"} {
		raw, err := os.ReadFile(u.path(name))
		if err != nil {
			t.Fatal(err)
		}
		terminal.Contains(t, name, string(raw), azure.Alice, azure.Bob, azure.RobotC, azure.FabrikamDev)
		terminal.Lacks(t, "P58: "+name, string(raw), secrets...)
	}

	other := newUserOn(t, u.cloud)
	for _, name := range []string{"all.json", "all.azps"} {
		raw, _ := os.ReadFile(u.path(name))
		other.write(name, raw)
		o := other.open()
		o.OK("az-ctx import " + name)
		if got, want := names(list(t, o)), names(list(t, x)); !slices.Equal(got, want) {
			t.Errorf("P59: %s brought %q and not %q", name, got, want)
		}
		for _, c := range list(t, o) {
			if c.SignIn != "needed" {
				t.Errorf("P59: %s: %s is %s", name, c.Name, c.SignIn)
			}
		}
		o.OK("az-ctx select " + dev)
		terminal.Contains(t, "P59: "+name, o.Fails(4, "az-ctx token"), "try: az-ctx connect")
		if got := other.secrets(); len(got) != 0 {
			t.Errorf("P59: the keyring has %q", got)
		}
		if name == "all.json" {
			o.OK("az-ctx clear --force")
		}
	}
	// There a sign-in takes the imported contexts up, and makes none beside them.
	u.as(azure.Alice)
	o := other.open()
	before := names(list(t, o))
	o.OK(device)
	if got := names(list(t, o)); !slices.Equal(got, before) {
		t.Errorf("P59: after connect there is %q and not %q", got, before)
	}
	for _, c := range list(t, o) {
		if (c.SignIn == "ok") != (c.Account.ID == azure.Alice) {
			t.Errorf("P59: after connect %s is %s", c.Name, c.SignIn)
		}
	}

	// P57: where the sign-ins are, they stay.
	held := u.secrets()
	for _, name := range []string{"all.json", "all.azps"} {
		x.OK("az-ctx import --force " + name)
		if got := u.secrets(); !slices.Equal(got, held) {
			t.Errorf("P57: after the import of %s the keyring has %q and not %q", name, got, held)
		}
		x.OK("az-ctx agent stop --force")
		for _, c := range list(t, x) {
			if c.SignIn != "ok" {
				t.Errorf("P57: after the import of %s, %s is %s", name, c.Name, c.SignIn)
			}
			x.OK("az-ctx token --context '" + c.Name + "' >/dev/null")
		}
	}
}

// P72: list shows who is borrowed from az; connect makes it ours, with the same
// contexts.
func TestP72BorrowedBecomesOurs(t *testing.T) {
	u := newUser(t, azure.Options{}).withAz()
	u.as(azure.Alice)
	if out, err := u.command("az", "login", "--use-device-code", "-o", "none").CombinedOutput(); err != nil {
		t.Fatalf("az login: %v\n%s", err, out)
	}
	x := u.open()
	x.OK("az-ctx import --from az; az-ctx rename " + prod + " prod")
	before := list(t, x)
	for _, c := range before {
		if !c.Account.Borrowed || c.SignIn != "az" {
			t.Errorf("P72: %+v", c)
		}
	}
	terminal.Contains(t, "P72", x.OK("az-ctx current"), "borrowed from az")
	sees(t, x, "rg-contoso-prod-alice")
	x.OK(device)
	after := list(t, x)
	if !slices.Equal(names(after), names(before)) {
		t.Errorf("P72: the contexts were %q and are %q", names(before), names(after))
	}
	for _, c := range after {
		if c.Account.Borrowed || c.SignIn != "ok" {
			t.Errorf("P72: %+v", c)
		}
	}
	terminal.Lacks(t, "P72", x.OK("az-ctx current"), "borrowed")
	// az's own sign-in is not needed any more, and was left as it is.
	if groupsOf(x.OK("az-ctx deselect; "+groups)) != "rg-contoso-prod-alice" {
		t.Error("az's own sign-in is not what it was")
	}
	x.OK("az account clear; az-ctx agent stop --force; az-ctx select prod")
	sees(t, x, "rg-contoso-prod-alice")
}
