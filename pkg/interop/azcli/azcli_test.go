package azcli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/az-ctx/az-ctx/pkg/azure"
)

const (
	tenant1 = "11111111-1111-1111-1111-111111111111"
	tenant2 = "21111111-1111-1111-1111-111111111112"
	tenant3 = "31111111-1111-1111-1111-111111111113"
)

// directory makes a directory of az's with these files.
func directory(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), ".azure")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// The directory was written by az 2.91's own Profile class.
func TestReadTakesWhatAzWrote(t *testing.T) {
	p, err := Read(filepath.Join("testdata", "az-2.91"))
	if err != nil {
		t.Fatal(err)
	}
	dir, err := filepath.Abs(filepath.Join("testdata", "az-2.91"))
	if err != nil {
		t.Fatal(err)
	}
	borrowed := &azure.Borrowed{From: "az", Directory: dir}
	user := func(id string) azure.Account {
		return azure.Account{ID: id, Type: azure.User, ClientID: ClientID, Borrowed: borrowed}
	}
	identity := func(id, client string) azure.Account {
		return azure.Account{ID: id, Type: azure.ManagedIdentity, ClientID: client, Borrowed: borrowed}
	}
	sub := func(n, name, state, tenant, home string) *azure.Subscription {
		return &azure.Subscription{ID: "0000000" + n + "-0000-4000-8000-00000000000" + n, Name: name, State: state, TenantID: tenant, HomeTenantID: home}
	}
	contoso := azure.Tenant{ID: tenant1, Name: "Contoso", Domain: "contoso.com"}
	one, two, three := azure.Tenant{ID: tenant1}, azure.Tenant{ID: tenant2}, azure.Tenant{ID: tenant3}
	principal := azure.Account{
		ID: "c11e0000-0000-4000-8000-00000000c11e", Type: azure.ServicePrincipal, ClientID: "c11e0000-0000-4000-8000-00000000c11e",
		TenantID: tenant2, Borrowed: borrowed,
	}
	want := []azure.Context{
		{Account: user("alice@contoso.com"), Tenant: contoso, Subscription: sub("1", "Prod", "Enabled", tenant1, tenant1), Environment: "AzureCloud"},
		{Account: user("alice@contoso.com"), Tenant: contoso, Subscription: sub("2", "Старый $(id) \"q\" \u202e", "Disabled", tenant1, tenant1), Environment: "AzureCloud"},
		{Account: user("alice@contoso.com"), Tenant: azure.Tenant{ID: tenant2, Name: "Fabrikam", Domain: "fabrikam.com"}, Subscription: sub("3", "Shared", "Enabled", tenant2, tenant3), Environment: "AzureCloud"},
		{Account: user("alice@contoso.com"), Tenant: three, Environment: "AzureCloud"},
		{Account: principal, Tenant: two, Subscription: sub("4", "Pipelines", "Enabled", tenant2, tenant2), Environment: "AzureCloud"},
		{Account: identity("systemAssignedIdentity", ""), Tenant: one, Subscription: sub("5", "VM", "Enabled", tenant1, tenant1), Environment: "AzureCloud"},
		{Account: identity("1d000000-0000-4000-8000-00000000001d", "1d000000-0000-4000-8000-00000000001d"), Tenant: one, Subscription: sub("6", "VM 2", "Enabled", tenant1, tenant1), Environment: "AzureCloud"},
		{Account: identity("/subscriptions/x/resourceGroups/my-rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/one", ""), Tenant: one, Subscription: sub("7", "VM 3", "Enabled", tenant1, tenant1), Environment: "AzureCloud"},
		{Account: user("bob@contoso.com"), Tenant: one, Subscription: sub("8", "Shell", "Enabled", tenant1, tenant1), Environment: "AzureCloud"},
		{Account: user("li@contoso.cn"), Tenant: three, Subscription: sub("9", "Zhongguo", "Enabled", tenant3, tenant3), Environment: "AzureChinaCloud"},
		{Account: user("eve@stack"), Tenant: two, Subscription: sub("a", "Stack", "Enabled", tenant2, tenant2), Environment: "Contoso Stack"},
	}
	for i := range max(len(want), len(p.Contexts)) {
		if i >= len(p.Contexts) || i >= len(want) || !reflect.DeepEqual(p.Contexts[i], want[i]) {
			t.Fatalf("context %d:\ngot  %+v\nwant %+v", i, p.Contexts, want[i])
		}
	}
	if p.Default != 2 || p.Cloud != "AzureCloud" || !reflect.DeepEqual(p.Defaults, map[string]int{"AzureCloud": 2, "AzureChinaCloud": 9, "Contoso Stack": 10}) {
		t.Errorf("default %d in %s, %v", p.Default, p.Cloud, p.Defaults)
	}
	stack := azure.Cloud{
		Name: "Contoso Stack", ResourceManager: "https://management.stack.contoso.com",
		Authority: "https://login.stack.contoso.com", Audience: "https://management.stack.contoso.com/7f9c",
	}
	if !reflect.DeepEqual(p.Clouds, []azure.Cloud{stack}) {
		t.Errorf("clouds %+v", p.Clouds)
	}
}

func TestReadTolerates(t *testing.T) {
	const entry = `{"id":"s1","tenantId":"t1","user":{"name":"alice","type":"user"}}`
	for name, test := range map[string]struct {
		profile string
		check   func(p Profile) bool
	}{
		"an empty object":            {`{}`, func(p Profile) bool { return len(p.Contexts) == 0 && p.Default == -1 }},
		"an empty object with a BOM": {bom + `{}`, func(p Profile) bool { return len(p.Contexts) == 0 }},
		"nobody signed in":           {`{"subscriptions":[],"installationId":"x"}`, func(p Profile) bool { return len(p.Contexts) == 0 }},
		"null for a list":            {`{"subscriptions":null}`, func(p Profile) bool { return len(p.Contexts) == 0 }},
		"the required fields alone": {`{"subscriptions":[` + entry + `]}`, func(p Profile) bool {
			c := p.Contexts[0]
			return c.Environment == "AzureCloud" && c.Subscription.Name == "s1" && c.Subscription.State == "" && p.Default == -1
		}},
		"nulls":          {`{"subscriptions":[{"id":"s1","name":null,"state":null,"isDefault":null,"homeTenantId":null,"managedByTenants":null,"tenantDisplayName":null,"tenantId":"t1","user":{"name":"alice","type":"user","assignedIdentityInfo":null}}]}`, func(p Profile) bool { return p.Contexts[0].Account.ID == "alice" }},
		"unknown fields": {`{"new":{"id":7},"subscriptions":[{"tags":[1],"managedByTenants":"?","id":"s1","tenantId":"t1","user":{"age":7,"name":"alice","type":"user"}}]}`, func(p Profile) bool { return len(p.Contexts) == 1 }},
		"hostile strings": {`{"subscriptions":[{"id":"s1","name":"\u0000\n\u001b[31m$(id)\u202e","tenantId":"t1","user":{"name":"` + "`id`\u009b" + `","type":"user"}}]}`, func(p Profile) bool {
			return p.Contexts[0].Subscription.Name == "\x00\n\x1b[31m$(id)\u202e" && p.Contexts[0].Account.ID == "`id`\u009b"
		}},
		"the cloud that newer versions know": {`{"subscriptions":[{"id":"s1","tenantId":"t1","environmentName":"AzureBleuCloud","user":{"name":"alice","type":"user"}}]}`, func(p Profile) bool {
			return reflect.DeepEqual(p.Clouds, []azure.Cloud{bleu})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := Read(directory(t, map[string]string{profileFile: test.profile}))
			if err != nil {
				t.Fatal(err)
			}
			if !test.check(p) {
				t.Errorf("got %+v", p)
			}
		})
	}
}

// Where `az cloud update` moved a public cloud's endpoint, it stays public.
func TestReadPassesOverWhatAzMovedOfAPublicCloud(t *testing.T) {
	const endpoints = "endpoint_resource_manager = https://elsewhere\nendpoint_active_directory = https://elsewhere\n"
	p, err := Read(directory(t, map[string]string{
		profileFile: "{}", cloudsFile: "[AzureCloud]\n" + endpoints + "[AzureBleuCloud]\n" + endpoints + "[Half]\nendpoint_resource_manager = https://half\n",
	}))
	if err != nil || len(p.Clouds) > 0 {
		t.Errorf("got %+v, %v", p.Clouds, err)
	}
}

func TestReadRefuses(t *testing.T) {
	entry := func(e string) string {
		return `{"subscriptions":[{"id":"s1","tenantId":"t1","user":{"name":"alice","type":"user"}},` + e + `]}`
	}
	for name, test := range map[string]struct{ profile, want string }{
		"an empty file":            {"", "unexpected end"},
		"half a file":              {`{"subscriptions":[{"id":`, "unexpected end"},
		"a list":                   {`[]`, "array"},
		"an entry that is null":    {entry(`null`), `entry 2: "" has no id`},
		"an entry without an id":   {entry(`{"name":"Prod\n","tenantId":"t","user":{"name":"a","type":"user"}}`), `entry 2: "Prod\n" has no id`},
		"an entry without tenant":  {entry(`{"name":"Prod","id":"s","user":{"name":"a","type":"user"}}`), `entry 2: "Prod" has no tenantId`},
		"an entry without user":    {entry(`{"name":"Prod","id":"s","tenantId":"t"}`), `entry 2: "Prod" has no user.name`},
		"a user without type":      {entry(`{"name":"Prod","id":"s","tenantId":"t","user":{"name":"a"}}`), `entry 2: "Prod" has no user.type`},
		"a user of a strange type": {entry(`{"name":"Prod","id":"s","tenantId":"t","user":{"name":"a","type":"robot"}}`), `unknown type "robot"`},
		"a number for an id":       {entry(`{"name":"Prod","id":7}`), "subscriptions.id"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := directory(t, map[string]string{profileFile: test.profile})
			p, err := Read(dir)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), filepath.Join(dir, profileFile)) {
				t.Errorf("error %v, want one with %q and the path", err, test.want)
			}
			if !reflect.DeepEqual(p, Profile{}) {
				t.Errorf("returned %+v beside the error", p)
			}
		})
	}
	for name, dir := range map[string]string{"no file": t.TempDir(), "no directory": filepath.Join(t.TempDir(), "none")} {
		if _, err := Read(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReadDefault(t *testing.T) {
	const profile = `{"subscriptions":[
		{"id":"p1","name":"P1","tenantId":"t","environmentName":"AzureCloud","isDefault":%1,"user":{"name":"a","type":"user"}},
		{"id":"p2","name":"P2","tenantId":"t","environmentName":"AzureCloud","isDefault":%2,"user":{"name":"a","type":"user"}},
		{"id":"c1","name":"C1","tenantId":"t","environmentName":"AzureChinaCloud","isDefault":%3,"user":{"name":"a","type":"user"}}]}`
	for name, test := range map[string]struct {
		which          string
		config, clouds string
		want           int
		defaults       map[string]int
	}{
		"of the active cloud":            {"2", "", "", 1, map[string]int{"AzureCloud": 1}},
		"of the cloud in config":         {"3", "[cloud]\nname = AzureChinaCloud\n", "", 2, map[string]int{"AzureChinaCloud": 2}},
		"of another cloud":               {"3", "[cloud]\nname = AzureCloud\n", "", -1, map[string]int{"AzureChinaCloud": 2}},
		"none":                           {"0", "", "", -1, map[string]int{}},
		"the one that a cloud goes by":   {"1", "", "[AzureChinaCloud]\nsubscription = C1\n", 0, map[string]int{"AzureCloud": 0, "AzureChinaCloud": 2}},
		"isDefault before clouds.config": {"1", "", "[AzureCloud]\nsubscription = p2\n", 0, map[string]int{"AzureCloud": 0}},
		"clouds.config is not active":    {"0", "", "[AzureCloud]\nsubscription = p2\n", -1, map[string]int{"AzureCloud": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			text := profile
			for _, n := range []string{"1", "2", "3"} {
				is := "false"
				if n == test.which {
					is = "true"
				}
				text = strings.ReplaceAll(text, "%"+n, is)
			}
			p, err := Read(directory(t, map[string]string{profileFile: text, configFile: test.config, cloudsFile: test.clouds}))
			if err != nil {
				t.Fatal(err)
			}
			if p.Default != test.want || !reflect.DeepEqual(p.Defaults, test.defaults) {
				t.Errorf("got %d, %v", p.Default, p.Defaults)
			}
		})
	}
}

// FuzzRead: whatever can be read can be activated and read back.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"subscriptions":[{"id":"s1","name":"Prod","isDefault":true,"tenantId":"t1","environmentName":"AzureCloud","user":{"name":"alice","type":"user"}}]}`), "", "")
	f.Add([]byte(`{"subscriptions":[{"id":"t1","name":"N/A(tenant level account)","tenantId":"t1","user":{"name":"c","type":"servicePrincipal"}}]}`), "[cloud]\nname=x", "[x]\n a : b\n  c\n")
	f.Add([]byte(bom+`{"subscriptions":[{"id":"s","tenantId":"t","environmentName":"A b","user":{"name":"userAssignedIdentity","type":"x","assignedIdentityInfo":"MSIClient-1"}}]}`),
		"", "[A b]\nendpoint_resource_manager = https://a%%20b/\nendpoint_active_directory = https://c\n")
	from, dst := directory(f, nil), filepath.Join(f.TempDir(), ".azure")
	f.Fuzz(func(t *testing.T, profile []byte, config, clouds string) {
		for name, text := range map[string]string{profileFile: string(profile), configFile: config, cloudsFile: clouds} {
			if err := os.WriteFile(filepath.Join(from, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		p, err := Read(from)
		if err != nil {
			if !reflect.DeepEqual(p, Profile{}) {
				t.Fatalf("returned %+v beside the error %v", p, err)
			}
			return
		}
		for _, c := range p.Contexts {
			cloud := azure.Cloud{Name: c.Environment, ResourceManager: "https://rm", Authority: "https://login", Audience: "https://rm/"}
			for _, k := range p.Clouds {
				if k.Name == c.Environment {
					cloud = k
				}
			}
			if err := os.RemoveAll(dst); err != nil {
				t.Fatal(err)
			}
			if err := WriteDirectory(dst, Directory{From: from, Context: &c, Cloud: cloud}); err != nil {
				continue // a name that no INI file can hold
			}
			got, err := Read(dst)
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Contexts) != 1 || got.Default != 0 || got.Cloud != cloud.Name || got.Contexts[0].Tenant.ID != c.Tenant.ID ||
				got.Contexts[0].SubscriptionID() != c.SubscriptionID() || got.Contexts[0].Environment != cloud.Name {
				t.Fatalf("%+v became %+v", c, got)
			}
			if _, public := azure.BuiltIn(cloud.Name); !public && cloud.Name != bleu.Name && len(got.Clouds) == 0 {
				t.Fatalf("the cloud %+v is not defined in %s", cloud, dst)
			}
			if changes, err := Changes(dst, &c, Written); len(changes) > 0 || err != nil {
				t.Fatalf("unchanged, but %v, %v", changes, err)
			}
		}
	})
}
