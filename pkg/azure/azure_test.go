package azure

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

const (
	sub    = "00000001-0000-4000-8000-000000000000"
	tenant = "aaaaaaaa-0000-4000-8000-000000000001"
	alice  = "alice@contoso.com"
)

func prod() Context {
	return Context{
		Account: Account{ID: alice, Type: User}, Tenant: Tenant{ID: tenant}, Environment: "AzureCloud",
		Subscription: &Subscription{ID: sub, Name: "Contoso Prod 1"},
	}
}

// P20
func TestDefaultName(t *testing.T) {
	plain := "Contoso Prod 1 (" + sub + ")"
	for _, test := range []struct {
		name   string
		change func(*Context)
		taken  []string
		want   string
	}{
		{"free", nil, nil, plain},
		{"taken", nil, []string{plain}, plain + " - " + alice},
		{"taken twice", nil, []string{plain, plain + " - " + alice}, plain + " - " + alice + " - " + tenant},
		{"tenant alone", func(c *Context) { c.Subscription = nil }, nil, tenant + " - " + alice},
		{"tenant alone, taken", func(c *Context) { c.Subscription = nil }, []string{tenant + " - " + alice}, tenant + " - " + alice + " - " + tenant},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := prod()
			if test.change != nil {
				test.change(&c)
			}
			if got := c.DefaultName(func(n string) bool { return slices.Contains(test.taken, n) }); got != test.want {
				t.Errorf("%q, wanted %q", got, test.want)
			}
		})
	}
}

func TestSameIdentity(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*Context)
		same   bool
	}{
		{"itself", func(*Context) {}, true},
		{"another name", func(c *Context) { c.Name = "x" }, true},
		{"case of ids", func(c *Context) {
			c.Tenant.ID = strings.ToUpper(c.Tenant.ID)
			c.Account.ID = strings.ToUpper(c.Account.ID)
			c.Environment = strings.ToUpper(c.Environment)
			c.Subscription.ID = strings.ToUpper(c.Subscription.ID)
		}, true},
		{"another subscription's name and state", func(c *Context) { c.Subscription.Name, c.Subscription.State = "x", "Disabled" }, true},
		{"borrowed", func(c *Context) { c.Account.Borrowed = &Borrowed{From: "az"} }, true},
		{"client id of a user", func(c *Context) { c.Account.ClientID = "x" }, true},
		{"home account id known of one", func(c *Context) { c.Account.HomeAccountID = "o.t" }, true},
		{"subscription", func(c *Context) { c.Subscription.ID = "x" }, false},
		{"no subscription", func(c *Context) { c.Subscription = nil }, false},
		{"tenant", func(c *Context) { c.Tenant.ID = "x" }, false},
		{"cloud", func(c *Context) { c.Environment = "AzureChinaCloud" }, false},
		{"account", func(c *Context) { c.Account.ID = "bob@contoso.com" }, false},
		{"kind of account", func(c *Context) { c.Account.Type = ServicePrincipal }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, d := prod(), prod()
			test.change(&d)
			if got := c.SameIdentity(d); got != test.same {
				t.Errorf("SameIdentity is %v", got)
			}
			if got := d.SameIdentity(c); got != test.same {
				t.Errorf("the other way round it is %v", got)
			}
		})
	}
}

func TestAccountSame(t *testing.T) {
	user := Account{ID: alice, Type: User, HomeAccountID: "oid.tid"}
	renamed := Account{ID: "alice@contoso.org", Type: User, HomeAccountID: "OID.tid"}
	if !user.Same(renamed) {
		t.Error("a user whose name was changed is another")
	}
	if other := (Account{ID: alice, Type: User, HomeAccountID: "other.tid"}); user.Same(other) {
		t.Error("two users of one name are one")
	}
	robot := Account{ID: "5e", ClientID: "5e", Type: ServicePrincipal, TenantID: "t1"}
	if other := (Account{ID: "5e", ClientID: "5e", Type: ServicePrincipal, TenantID: "t2"}); robot.Same(other) {
		t.Error("a client id in two tenants is one account")
	}
}

func TestUsable(t *testing.T) {
	for state, want := range map[string]bool{"": true, "Enabled": true, "Warned": true, "PastDue": true, "Disabled": false, "disabled": false, "Expired": false, "Deleted": false} {
		if got := (Subscription{State: state}).Usable(); got != want {
			t.Errorf("%q: %v", state, got)
		}
	}
}

// P13
func TestFold(t *testing.T) {
	for _, test := range []struct {
		a, b string
		same bool
	}{
		{"Prod", "pROD", true}, {"", "", true}, {"ΣΊΣΥΦΟΣ", "σίσυφος", true}, {"K", "\u212a", true}, {"k", "\u212a", true},
		{"s", "ſ", true}, {"ß", "ẞ", true}, {"ß", "ss", false}, {"I", "ı", false}, {"i", "İ", false}, {"𐐀", "𐐨", true},
		{"Ǆ", "ǅ", true}, {"Å", "\u212b", true}, {"é", "e\u0301", false}, {"a", "a ", false}, {"θ", "ϴ", true}, {"µ", "μ", true},
	} {
		if got := Fold(test.a) == Fold(test.b); got != test.same {
			t.Errorf("%q and %q: %v", test.a, test.b, got)
		}
		if got := strings.EqualFold(test.a, test.b); got != test.same {
			t.Errorf("EqualFold of %q and %q is %v", test.a, test.b, got)
		}
	}
	// Every rune against all that it could be one with.
	for r := rune(0); r <= utf8.MaxRune; r++ {
		s := string(r)
		for _, other := range []string{strings.ToLower(s), strings.ToUpper(s), strings.ToTitle(s)} {
			if (Fold(s) == Fold(other)) != strings.EqualFold(s, other) {
				t.Fatalf("%q and %q", s, other)
			}
		}
	}
}

func FuzzFold(f *testing.F) {
	f.Add("ΣΊΣΥΦΟΣ", "σίσυφος")
	f.Add("K", "\u212a")
	f.Add("İ", "i\u0307")
	f.Fuzz(func(t *testing.T, a, b string) {
		if !utf8.ValidString(a) || !utf8.ValidString(b) {
			return // no name
		}
		if (Fold(a) == Fold(b)) != strings.EqualFold(a, b) {
			t.Errorf("%q and %q", a, b)
		}
		if Fold(Fold(a)) != Fold(a) {
			t.Errorf("%q folds twice", a)
		}
		if !strings.HasPrefix(Fold(a+b), Fold(a)) {
			t.Errorf("%q is not what %q begins with", a, a+b)
		}
	})
}

func TestClouds(t *testing.T) {
	for _, name := range []string{"AzureCloud", "azurechinacloud", "AZUREUSGOVERNMENT"} {
		c, ok := BuiltIn(name)
		if !ok || !strings.EqualFold(c.Name, name) || ARMName(name) == "" || !strings.HasPrefix(c.ResourceManager, "https://") || strings.HasSuffix(c.ResourceManager, "/") || strings.HasSuffix(c.Authority, "/") {
			t.Errorf("%s is %+v, %v", name, c, ok)
		}
	}
	if _, ok := BuiltIn("Own"); ok || ARMName("Own") != "" {
		t.Error("a cloud of that name is built in")
	}
}
