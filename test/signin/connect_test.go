package signin

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/az-ctx/az-ctx/test/azure"
	"github.com/az-ctx/az-ctx/test/terminal"
)

// P1: connect creates at least one context and activates it; P79: and gives the
// active context back.
func TestP1P79ConnectCreatesAndActivates(t *testing.T) {
	u := newUser(t, azure.Options{}).withAz()
	u.as(azure.Alice)
	x := u.open()
	said := x.OK(device + " -o json >active.json")
	terminal.Contains(t, "connect", said, "open https://microsoft.com/devicelogin and enter ", "signed in as alice@contoso.com", "active here: Contoso Prod 1")
	var active context
	parse(t, x.OK("cat active.json"), &active)
	if active.Name != strings.Trim(prod, "'") || !active.Active || active.Subscription.ID != azure.ContosoProd || active.Account.ID != azure.Alice || active.SignIn != "ok" || active.Scope != "user" || active.From != "selected" {
		t.Errorf("P79: connect gave back %+v", active)
	}
	all := list(t, x)
	if len(all) != 4 {
		t.Errorf("P1: the contexts are %q", names(all))
	}
	for _, c := range all {
		if c.SignIn != "ok" || c.Account.Borrowed || c.Active != (c.Name == active.Name) {
			t.Errorf("P1: %+v", c)
		}
	}
	sees(t, x, "rg-contoso-prod-alice")
	x.OK("az-ctx select " + dev)
	sees(t, x, "rg-fabrikam-dev-alice")

	// The first one of all became the default; another one does not move it, and
	// leaves the terminal beside it where it is.
	y := u.open()
	if c := named(t, list(t, y), strings.Trim(prod, "'")); !c.Active || !c.Default || c.From != "default" {
		t.Errorf("a new terminal starts with %+v", c)
	}
	u.as(azure.Bob)
	x.OK(device)
	if got := list(t, y); !named(t, got, strings.Trim(prod, "'")).Default || !named(t, got, strings.Trim(prod, "'")).Active {
		t.Errorf("after another connect the terminal beside it sees %+v", got)
	}
}

// P2: 25 contexts at most by default; P3: all with -1, the active one alone with 0.
func TestP2P3HowMany(t *testing.T) {
	world := azure.Generate(4, 10)
	u := newUser(t, azure.Options{World: &world, Page: 3})
	u.as(azure.Alice)
	x := u.open()
	x.OK(device + " --max-contexts 0")
	if all := list(t, x); len(all) != 1 || !all[0].Active {
		t.Errorf("P3: with 0 the contexts are %q", names(all))
	}
	x.OK("az-ctx clear --force; az-ctx deselect")
	terminal.Contains(t, "P2", x.OK(device), "25 contexts saved (of 40; all: --max-contexts -1), active here: ")
	if n := len(list(t, x)); n != 25 {
		t.Errorf("P2: there are %d contexts", n)
	}
	terminal.Lacks(t, "P3", x.OK(device+" --max-contexts -1"), "--max-contexts")
	if n := len(list(t, x)); n != 40 {
		t.Errorf("P3: with -1 there are %d contexts", n)
	}
	terminal.Contains(t, "another number", x.Fails(2, device+" --max-contexts -2"), "--max-contexts")
	terminal.Contains(t, "no number", x.Fails(2, device+" --max-contexts many"), "max-contexts")
}

// P4: a later sign-in adds what is new and doubles nothing.
func TestP4AgainAddsWhatIsNew(t *testing.T) {
	u := newUser(t, azure.Options{})
	u.as(azure.Alice)
	x := u.open()
	x.OK(device)
	x.OK("az-ctx rename " + prod + " prod")
	x.OK("az-ctx set --name again --subscription " + azure.ContosoProd) // a second name of one identity
	before := names(list(t, x))
	secrets := u.secrets()
	x.OK(device)
	if after := names(list(t, x)); !slices.Equal(after, before) {
		t.Errorf("P4: the contexts were %q and are %q", before, after)
	}
	u.cloud.Change(func(w *azure.World) {
		w.Subscriptions = append(w.Subscriptions, azure.Subscription{ID: "00000009-0000-4000-8000-000000000000", Name: "Contoso New", Short: "new", State: "Enabled", Tenant: azure.ContosoTenant, Access: []string{azure.Alice}})
	})
	x.OK(device)
	want := append(slices.Clone(before), "Contoso New (00000009-0000-4000-8000-000000000000)")
	slices.Sort(want)
	if after := names(list(t, x)); !slices.Equal(after, want) {
		t.Errorf("P4: with a new subscription the contexts are %q and not %q", after, want)
	}
	if got := u.secrets(); !slices.Equal(got, secrets) || len(got) != 1 {
		t.Errorf("P4: the keyring had %q and has %q", secrets, got)
	}
}

// P5: --name names the active one; a clash asks.
func TestP5NameOfTheActiveOne(t *testing.T) {
	u := newUser(t, azure.Options{})
	u.as(azure.Alice)
	x := u.open()
	x.OK(device + " --name work")
	if c := named(t, list(t, x), "work"); !c.Active || c.Subscription.ID != azure.ContosoProd {
		t.Errorf("P5: %+v", c)
	}
	x.OK(device + " --name work") // the same identity: no question
	u.as(azure.Bob)
	before := u.saved()
	answer := func(text string) (string, int) {
		x.Begin(device + " --name work")
		terminal.Contains(t, "P5", x.Await("[y/N]"), "replace", "work", "alice@contoso.com")
		x.Type(text)
		return x.End()
	}
	if out, status := answer("n\n"); status != 1 || u.saved() != before {
		t.Errorf("P5: no: status %d, changed %t\n%s", status, u.saved() != before, out)
	}
	if out, status := answer("y\n"); status != 0 {
		t.Errorf("P5: yes: status %d\n%s", status, out)
	}
	if c := named(t, list(t, x), "work"); !c.Active || c.Account.ID != azure.Bob {
		t.Errorf("P5: after yes: %+v", c)
	}
	u.as(azure.Alice)
	terminal.Contains(t, "P26", x.Fails(1, device+" --name work </dev/null"), "--force")
	x.OK(device + " --name work --force </dev/null")
	if c := named(t, list(t, x), "work"); !c.Active || c.Account.ID != azure.Alice {
		t.Errorf("P5: with --force: %+v", c)
	}
}

// Who signs in by another application takes what that one sees along; the other
// contexts go on by the one that they are from, which may be all that their tenant
// lets in.
func TestAnotherApplicationTakesWhatItSees(t *testing.T) {
	const app, own = "5eeeeeee-0000-4000-8000-00000000000f", "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
	u := newUser(t, azure.Options{})
	u.as(azure.Alice)
	x := u.open()
	x.OK(device)
	x.OK(device + " --client-id " + app + " --tenant fabrikam.com")
	by := func(domain string) string {
		x.OK("az-ctx agent stop --force") // what is in the keychain counts
		var all []string
		for _, c := range list(t, x) {
			if c.Tenant.Domain != domain {
				continue
			}
			claims, err := azure.Claims(x.OK("az-ctx token --context '" + c.Name + "'"))
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, fmt.Sprint(claims["appid"]))
		}
		slices.Sort(all)
		return strings.Join(slices.Compact(all), " ")
	}
	if contoso, fabrikam := by("contoso.com"), by("fabrikam.com"); contoso != own || fabrikam != app {
		t.Errorf("contoso by %s, fabrikam by %s", contoso, fabrikam)
	}
	x.OK(device + " --client-id " + app)
	if contoso := by("contoso.com"); contoso != app || strings.Contains(strings.Join(u.secrets(), " "), own) {
		t.Errorf("then contoso by %s, and the keyring has %q", contoso, u.secrets())
	}
}

// P6: an account without a subscription gets a context of its tenant alone.
func TestP6NoSubscription(t *testing.T) {
	u := newUser(t, azure.Options{})
	u.cloud.Change(func(w *azure.World) {
		w.Accounts = append(w.Accounts, azure.Account{Name: "dora@contoso.com", ObjectID: "d04a0000-0000-4000-8000-000000000004", Home: azure.ContosoTenant})
	})
	u.as("dora@contoso.com")
	x := u.open()
	x.OK(device)
	all := list(t, x)
	if len(all) != 1 || all[0].Name != azure.ContosoTenant+" - dora@contoso.com" || all[0].Subscription != nil || !all[0].Active || all[0].Tenant.Domain != "contoso.com" {
		t.Fatalf("P6: %+v", all)
	}
	claims, err := azure.Claims(x.OK("az-ctx token"))
	if err != nil || claims["tid"] != azure.ContosoTenant || claims["upn"] != "dora@contoso.com" {
		t.Errorf("P6: the token says %v (%v)", claims, err)
	}
}

// P8: --tenant and --subscription hold; what the account can't reach is an error
// and changes nothing.
func TestP8TenantAndSubscriptionHold(t *testing.T) {
	u := newUser(t, azure.Options{})
	u.as(azure.Alice)
	x := u.open()
	for _, c := range []struct{ flags, subscription string }{
		{"--tenant fabrikam.com", azure.FabrikamDev},
		{"--tenant " + azure.ContosoTenant + " --subscription 'contoso test'", azure.ContosoTest},
		{"--subscription " + azure.FabrikamDev, azure.FabrikamDev},
		{"--tenant contoso.com", azure.ContosoProd},
	} {
		var active context
		parse(t, x.OK(device+" -o json "+c.flags+" 2>/dev/null"), &active)
		if !active.Active || active.Subscription == nil || active.Subscription.ID != c.subscription {
			t.Errorf("P8: %s leads to %+v", c.flags, active)
		}
	}
	x.OK(device + " --tenant adatum.com") // has no subscription
	if c := named(t, list(t, x), azure.AdatumTenant+" - alice@contoso.com"); !c.Active {
		t.Errorf("P8: %+v", c)
	}
	before := u.saved()
	for _, c := range []struct {
		flags  string
		status int
		says   string
	}{
		{"--tenant nowhere.test", 3, "AADSTS90002"},
		{"--tenant " + azure.ContosoChinaTenant, 3, "AADSTS90002"},
		{"--subscription 'Contoso Prd 1'", 3, "near: Contoso Prod 1"},
		{"--subscription 00000000-dead-4000-8000-000000000000", 3, "sees no subscription"},
		{"--tenant fabrikam.com --subscription 'Contoso Test'", 3, "sees no subscription"},
	} {
		terminal.Contains(t, "P8: "+c.flags, x.Fails(c.status, device+" "+c.flags), c.says)
	}
	u.as(azure.Bob)
	terminal.Contains(t, "P8: no guest", x.Fails(4, device+" --tenant fabrikam.com"), "AADSTS50020")
	if after := u.saved(); after != before {
		t.Errorf("P8: what failed changed\n%s\nto\n%s", before, after)
	}
	if c := named(t, list(t, x), azure.AdatumTenant+" - alice@contoso.com"); !c.Active {
		t.Errorf("P8: what failed moved the shell: %+v", c)
	}
}

// P9: a tenant that demands a second factor does not fail the others, and its
// command is named; its sign-in is kept beside the account's own.
func TestP9SecondFactor(t *testing.T) {
	u := newUser(t, azure.Options{}).withAz()
	u.cloud.Change(func(w *azure.World) {
		for i := range w.Tenants {
			w.Tenants[i].MFA = w.Tenants[i].ID == azure.FabrikamTenant
		}
	})
	u.as(azure.Alice)
	x := u.open()
	out := x.OK(device)
	terminal.Contains(t, "P9", out, "AADSTS50076", "try: az-ctx connect --tenant fabrikam.com", "active here: Contoso Prod 1")
	if all := list(t, x); len(all) != 3 {
		t.Errorf("P9: %q", names(all))
	}
	secrets := u.secrets()
	x.OK(device + " --tenant fabrikam.com")
	if c := named(t, list(t, x), strings.Trim(dev, "'")); !c.Active {
		t.Errorf("P9: %+v", c)
	}
	if got := u.secrets(); len(got) != len(secrets)+1 {
		t.Errorf("P9: the keyring had %q and has %q", secrets, got)
	}
	// Both work, also for an agent that knows no token yet.
	x.OK("az-ctx agent stop --force")
	sees(t, x, "rg-fabrikam-dev-alice")
	x.OK("az-ctx select " + prod)
	sees(t, x, "rg-contoso-prod-alice")

	// A sign-in to the account's other tenants leaves it.
	terminal.Lacks(t, "P9", x.OK(device), "AADSTS50076")
	x.OK("az-ctx agent stop --force; az-ctx select " + dev)
	sees(t, x, "rg-fabrikam-dev-alice")
	// Nothing of either is left behind.
	x.OK("az-ctx disconnect --force")
	if got := u.secrets(); len(got) != 0 {
		t.Errorf("P46: after disconnect the keyring has %q", got)
	}
}

// The tenant alone first, then all: its sign-in stays good as well.
func TestP9TheTenantFirst(t *testing.T) {
	u := newUser(t, azure.Options{})
	u.cloud.Change(func(w *azure.World) {
		for i := range w.Tenants {
			w.Tenants[i].MFA = w.Tenants[i].ID == azure.FabrikamTenant
		}
	})
	u.as(azure.Alice)
	x := u.open()
	x.OK(device + " --tenant fabrikam.com")
	x.OK(device)
	x.OK("az-ctx agent stop --force; az-ctx select " + dev + "; az-ctx token >/dev/null")
	x.OK("az-ctx select " + prod + "; az-ctx token >/dev/null")
	x.OK("az-ctx clear --force")
	if got := u.secrets(); len(got) != 0 {
		t.Errorf("P49: after clear the keyring has %q", got)
	}
}

// P15: subscriptions filter by id, name and tenant.
func TestP15SubscriptionsFilter(t *testing.T) {
	u := newUser(t, azure.Options{})
	u.as(azure.Alice)
	x := u.open()
	x.OK(device)
	for flags, want := range map[string]string{
		"":                               "Contoso Old,Contoso Prod 1,Contoso Test,Fabrikam Dev",
		"--id " + azure.ContosoTest:      "Contoso Test",
		"--name 'CONTOSO test'":          "Contoso Test",
		"--tenant fabrikam.com":          "Fabrikam Dev",
		"--tenant contoso":               "Contoso Old,Contoso Prod 1,Contoso Test",
		"--tenant " + azure.AdatumTenant: "",
		"--name 'Fabrikam Dev' --tenant contoso.com": "",
		"--id 00000000-dead-4000-8000-000000000000":  "",
	} {
		var all []struct{ Name, ID, TenantID, State string }
		parse(t, x.OK("az-ctx subscriptions -o json "+flags+" 2>/dev/null"), &all)
		var got []string
		for _, s := range all {
			got = append(got, s.Name)
		}
		if strings.Join(got, ",") != want {
			t.Errorf("P15: subscriptions %s: %q", flags, got)
		}
	}
	// A tenant that is said is the only one to be looked into.
	asked := len(u.cloud.Requests())
	x.OK("az-ctx subscriptions --tenant fabrikam.com")
	for _, r := range u.cloud.Requests()[asked:] {
		if r.Path == "/subscriptions" && r.Tenant != azure.FabrikamTenant {
			t.Errorf("P15: asked for the subscriptions of %s", r.Tenant)
		}
	}
	terminal.Contains(t, "P14", x.OK("az-ctx tenants -o name"), "contoso.com", "fabrikam.com", "adatum.com")
}

// P19: of two subscriptions of one name the home tenant's is taken, and what was
// taken is said.
func TestP19TwoOfOneName(t *testing.T) {
	u := newUser(t, azure.Options{})
	const twin = "00000000-0000-4000-8000-00000000000f"
	u.cloud.Change(func(w *azure.World) {
		for i, s := range w.Subscriptions {
			if s.ID == azure.ContosoTest {
				w.Subscriptions[i].ManagedBy = []string{azure.FabrikamTenant}
			}
		}
		w.Subscriptions = append(w.Subscriptions, azure.Subscription{ID: twin, Name: "Contoso Prod 1", Short: "twin", State: "Enabled", Tenant: azure.FabrikamTenant, Access: []string{azure.Alice}})
	})
	u.as(azure.Alice)
	x := u.open()
	x.OK(device)
	active := func() context {
		var c context
		parse(t, x.OK("az-ctx current -o json"), &c)
		return c
	}
	// One that is managed from another tenant.
	x.OK("az-ctx set --subscription 'contoso test'")
	if c := active(); c.Subscription.ID != azure.ContosoTest || c.Tenant.ID != azure.ContosoTenant {
		t.Errorf("P19: %+v", c)
	}
	x.OK("az-ctx set --subscription 'contoso test' --tenant fabrikam.com")
	if c := active(); c.Subscription.ID != azure.ContosoTest || c.Tenant.ID != azure.FabrikamTenant {
		t.Errorf("P19: with its other tenant: %+v", c)
	}
	// Two that have nothing but the name in common.
	terminal.Contains(t, "P19", x.OK("az-ctx set --subscription 'contoso prod 1'"), "several subscriptions are named", "taking "+azure.ContosoProd)
	if c := active(); c.Subscription.ID != azure.ContosoProd || c.Tenant.ID != azure.ContosoTenant {
		t.Errorf("P19: not the one of the account's own tenant: %+v", c)
	}
	x.OK(device + " --subscription 'contoso prod 1'")
	if c := active(); c.Subscription.ID != azure.ContosoProd {
		t.Errorf("P19: connect takes %+v", c)
	}
	x.OK("az-ctx set --subscription 'contoso prod 1' --tenant fabrikam.com")
	if c := active(); c.Subscription.ID != twin {
		t.Errorf("P19: with its tenant: %+v", c)
	}
}

// P23 and P27 with an account of ours, whose subscriptions the cloud is asked
// for.
func TestP23P27UnknownAndDisabled(t *testing.T) {
	u := newUser(t, azure.Options{})
	u.as(azure.Alice)
	x := u.open()
	x.OK(device + " --max-contexts 0")
	before := x.OK("az-ctx current -o json; az-ctx list -o name")
	out, status := x.Run("az-ctx set --subscription 'contoso old1'")
	if status != 3 {
		t.Errorf("P23: status %d\n%s", status, out)
	}
	terminal.Contains(t, "P23", out, `no subscription "contoso old1"`, "near: Contoso Old")
	out, status = x.Run("az-ctx set --subscription 00000000-0000-4000-8000-0000000000ff")
	if status != 3 {
		t.Errorf("P23: by id: status %d\n%s", status, out)
	}
	if after := x.OK("az-ctx current -o json; az-ctx list -o name"); after != before {
		t.Errorf("P23: it was\n%s\nand is\n%s", before, after)
	}
	terminal.Contains(t, "P27", x.OK("az-ctx set --subscription 'contoso old'"), `subscription "Contoso Old" is disabled`)
}

// token takes another tenant of the account's, and a scope in the place of a
// resource.
func TestTokenOfAnotherTenant(t *testing.T) {
	u := newUser(t, azure.Options{})
	u.as(azure.Alice)
	x := u.open()
	x.OK(device)
	for _, line := range []string{
		"az-ctx token --tenant fabrikam.com --scope-url https://management.azure.com/.default -o json",
		"az-ctx token --tenant " + azure.FabrikamTenant + " --refresh -o json",
	} {
		var got struct{ Token, Tenant string }
		parse(t, x.OK(line), &got)
		claims, err := azure.Claims(got.Token)
		if err != nil {
			t.Fatal(err)
		}
		if got.Tenant != azure.FabrikamTenant || claims["tid"] != azure.FabrikamTenant {
			t.Errorf("%s: says %s, is of %v", line, got.Tenant, claims["tid"])
		}
	}
	if out, status := x.Run("az-ctx token --tenant nowhere.example"); status != 3 {
		t.Errorf("an unknown tenant: status %d\n%s", status, out)
	}
	if out, status := x.Run("az-ctx token --resource x --scope-url y"); status != 2 {
		t.Errorf("both: status %d\n%s", status, out)
	}
}
