package azps

import (
	"bytes"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/az-ctx/az-ctx/pkg/azure"
)

var update = flag.Bool("update", false, "write the golden file anew")

const (
	tenant1 = "11111111-1111-1111-1111-111111111111"
	tenant2 = "22222222-2222-2222-2222-222222222222"
	hostile = "a\x00b\n\r\t\"'\\$(id)`id`\u202e\u2028\u007f\u009b[31m%n</script> é 日本 😀"
)

var stack = azure.Cloud{
	Name: "Contoso Stack", ResourceManager: "https://management.stack.contoso.com",
	Authority: "https://login.stack.contoso.com", Audience: "https://management.stack.contoso.com/7f9c",
}

func cloudNamed(name string) (azure.Cloud, error) {
	if c, ok := azure.BuiltIn(name); ok {
		return c, nil
	}
	if name == stack.Name {
		return stack, nil
	}
	return azure.Cloud{}, errors.New("no cloud " + name)
}

// all is one context of each kind, in the order of their names.
func all() []azure.Context {
	alice := azure.Account{ID: "alice@contoso.com", Type: azure.User, HomeAccountID: "0a11ce.1111", ClientID: ClientID}
	sub := func(id, name, tenant string) *azure.Subscription {
		return &azure.Subscription{ID: id, Name: name, State: "Enabled", TenantID: tenant}
	}
	contoso := azure.Tenant{ID: tenant1, Name: "Contoso", Domain: "contoso.com"}
	prod := sub("00000001-0000-4000-8000-000000000001", "Prod", tenant1)
	prod.HomeTenantID = tenant2
	return []azure.Context{
		{Name: "china", Account: azure.Account{ID: "li@contoso.cn", Type: azure.User, ClientID: ClientID}, Tenant: azure.Tenant{ID: tenant2},
			Subscription: sub("00000009-0000-4000-8000-000000000009", "Zhongguo", tenant2), Environment: azure.China.Name},
		{Name: "gov", Account: azure.Account{ID: "token@contoso.us", Type: azure.AccessToken}, Tenant: azure.Tenant{ID: tenant2},
			Environment: azure.USGovernment.Name},
		{Name: "identity", Account: azure.Account{ID: systemIdentity, Type: azure.ManagedIdentity}, Tenant: contoso,
			Subscription: prod, Environment: azure.Public.Name},
		{Name: "pipeline", Account: azure.Account{ID: "c11e", Type: azure.ServicePrincipal, ClientID: "c11e", TenantID: tenant2},
			Tenant: contoso, Subscription: prod, Environment: azure.Public.Name},
		{Name: "prod", Account: alice, Tenant: contoso, Subscription: prod, Environment: azure.Public.Name},
		{Name: "stack", Account: alice, Tenant: azure.Tenant{ID: tenant2}, Subscription: sub("0000000a", "Stack", tenant2), Environment: stack.Name},
		{Name: "tenant only", Account: alice, Tenant: azure.Tenant{ID: tenant2}, Environment: azure.Public.Name},
	}
}

func write(t testing.TB, contexts []azure.Context, active string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, contexts, active, cloudNamed); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func read(t testing.TB, text string) File {
	t.Helper()
	f, err := Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestP53FieldNamesOrderEncoding(t *testing.T) {
	got := write(t, all(), "prod")
	path := filepath.Join("testdata", "saved.json")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the written file differs from %s; go test -update, then read the difference", path)
	}
	if !bytes.HasPrefix(got, []byte("\xef\xbb\xbf{\n  \"DefaultContextKey\": \"prod\",\n  \"EnvironmentTable\": {")) {
		t.Errorf("starts with %q", got[:60])
	}
	if bytes.HasSuffix(got, []byte("\n")) {
		t.Error("ends in a line feed, which Save-AzContext does not write")
	}
}

// The names are the properties of Azure PowerShell's classes in the order in
// which they are declared, which is that of its file.
func TestP53OrderOfTheFields(t *testing.T) {
	want := strings.Fields("DefaultContextKey EnvironmentTable Contexts prod " +
		"Account Id Credential Type TenantMap ExtendedProperties Tenants Subscriptions HomeAccountId " +
		"Tenant Id Directory IsHome ExtendedProperties DisplayName DefaultDomain " +
		"Subscription Id Name State ExtendedProperties HomeTenant Environment Account Tenants " +
		"Environment Name Type OnPremise ServiceManagementUrl ResourceManagerUrl ManagementPortalUrl PublishSettingsFileUrl " +
		"ActiveDirectoryAuthority GalleryUrl GraphUrl ActiveDirectoryServiceEndpointResourceId StorageEndpointSuffix " +
		"SqlDatabaseDnsSuffix TrafficManagerDnsSuffix AzureKeyVaultDnsSuffix AzureKeyVaultServiceEndpointResourceId " +
		"GraphEndpointResourceId DataLakeEndpointResourceId BatchEndpointResourceId " +
		"AzureDataLakeAnalyticsCatalogAndJobEndpointSuffix AzureDataLakeStoreFileSystemEndpointSuffix AdTenant " +
		"ContainerRegistryEndpointSuffix VersionProfiles ExtendedProperties")
	for _, e := range extendedEndpoints { // a hash table there, in no order
		want = append(want, e[0])
	}
	want = append(want, "VersionProfile", "TokenCache", "CacheData", "ExtendedProperties", "ExtendedProperties")
	if got := keys(write(t, all()[4:5], "prod")); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// keys are the names of a JSON text's fields, in order.
func keys(raw []byte) (names []string) {
	for line := range strings.Lines(string(raw)) {
		if name, _, ok := strings.Cut(strings.TrimSpace(line), `":`); ok {
			names = append(names, strings.TrimPrefix(name, `"`))
		}
	}
	return names
}

func TestP53EmptyFile(t *testing.T) {
	want := "\ufeff{\n  \"DefaultContextKey\": \"Default\",\n  \"EnvironmentTable\": {},\n  \"Contexts\": {},\n  \"ExtendedProperties\": {}\n}"
	if got := string(write(t, nil, "")); got != want {
		t.Errorf("got %q", got)
	}
	if f := read(t, want); len(f.Contexts) != 0 || f.Default != "" || len(f.Clouds) != 0 {
		t.Errorf("read back %+v", f)
	}
}

func TestRoundTrip(t *testing.T) {
	odd := all()
	odd[0].Name, odd[0].Account.ID, odd[0].Subscription.Name, odd[0].Tenant.Name = hostile, hostile, hostile, hostile
	for name, contexts := range map[string][]azure.Context{"plain": all(), "hostile": odd} {
		t.Run(name, func(t *testing.T) {
			active := contexts[0].Name
			f := read(t, string(write(t, contexts, active)))
			if f.Default != active {
				t.Errorf("default %q", f.Default)
			}
			if !reflect.DeepEqual(f.Clouds, []azure.Cloud{stack}) {
				t.Errorf("clouds %+v", f.Clouds)
			}
			byName := map[string]azure.Context{}
			for _, c := range f.Contexts {
				byName[c.Name] = c
			}
			for _, want := range contexts {
				if got := byName[want.Name]; !reflect.DeepEqual(got, want) {
					t.Errorf("got %+v, %+v\nwant %+v, %+v", got, got.Subscription, want, want.Subscription)
				}
			}
		})
	}
}

func TestP54ImportTakesBOMCRLFUnknownFieldsOlderShape(t *testing.T) {
	plain := strings.TrimPrefix(string(write(t, all(), "prod")), bom)
	want := read(t, plain)
	lower := plain
	for _, name := range []string{
		"DefaultContextKey", "Contexts", "Account", "Id", "Type", "ExtendedProperties", "Tenants", "HomeAccountId", "HomeTenant", "Tenant",
		"DisplayName", "DefaultDomain", "Subscription", "Name", "State", "Environment", "ResourceManagerUrl", "ActiveDirectoryAuthority",
	} {
		lower = strings.ReplaceAll(lower, `"`+name+`":`, `"`+strings.ToLower(name)+`":`)
	}
	for name, text := range map[string]string{
		"BOM":                               bom + plain,
		"CRLF":                              strings.ReplaceAll(plain, "\n", "\r\n"),
		"text before the first brace":       "VERBOSE: Context saved\n" + bom + plain,
		"blanks at the end":                 plain + "\r\n\n",
		"unknown fields":                    strings.ReplaceAll(plain, `"VersionProfile": null`, `"VersionProfile": null, "New": {"a": [1, {"Id": 7}]}`),
		"field names in lower case":         lower,
		"without the fields of later years": regexp.MustCompile(`\s*"(Type": "(Built-in|User-defined)|IsHome": true|ContainerRegistryEndpointSuffix": ("[^"]*"|null)|VersionProfile": null)"?,`).ReplaceAllString(plain, ""),
		"without spaces":                    strings.NewReplacer("\n", "", "  ", "").Replace(plain),
	} {
		t.Run(name, func(t *testing.T) {
			if got := read(t, text); !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v\nwant %+v", got, want)
			}
		})
	}

	t.Run("older shape", func(t *testing.T) {
		f, err := ReadFile(filepath.Join("testdata", "older.json"))
		if err != nil {
			t.Fatal(err)
		}
		c := azure.Context{
			Name:    "Prod (00000001-0000-4000-8000-000000000001)",
			Account: azure.Account{ID: "c11e", Type: azure.ServicePrincipal, ClientID: "c11e", TenantID: tenant1},
			Tenant:  azure.Tenant{ID: tenant1, Domain: "contoso.com"},
			Subscription: &azure.Subscription{
				ID: "00000001-0000-4000-8000-000000000001", Name: "Prod", State: "Enabled", TenantID: tenant1,
			},
			Environment: stack.Name,
		}
		want := File{Contexts: []azure.Context{c}, Default: c.Name, Clouds: []azure.Cloud{stack}}
		if !reflect.DeepEqual(f, want) {
			t.Errorf("got %+v, %+v\nwant %+v", f, f.Contexts[0].Subscription, want)
		}
	})
}

func TestReadFillsIn(t *testing.T) {
	for name, test := range map[string]struct {
		text  string
		check func(f File) bool
	}{
		"no default key": {`{"Contexts":{"a":{"Account":{"Id":"u","Type":"User"},"Tenant":{"Id":"t"}}}}`,
			func(f File) bool { return f.Default == "" && len(f.Contexts) == 1 }},
		"default key of another case": {`{"DefaultContextKey":"A","Contexts":{"a":{"Account":{"Id":"u","Type":"User"},"Tenant":{"Id":"t"}}}}`,
			func(f File) bool { return f.Default == "a" }},
		"default key that names none": {`{"DefaultContextKey":"b","Contexts":{"a":{"Account":{"Id":"u","Type":"User"},"Tenant":{"Id":"t"}}}}`,
			func(f File) bool { return f.Default == "" }},
		"place holder of nobody": {`{"DefaultContextKey":"Default","Contexts":{"Default":{"Account":null,"Tenant":null,"Subscription":null,"Environment":null}}}`,
			func(f File) bool { return f.Default == "" && len(f.Contexts) == 0 }},
		"no environment": {`{"Contexts":{"a":{"Account":{"Id":"u","Type":"User"},"Tenant":{"Id":"t"},"Environment":null}}}`,
			func(f File) bool { return f.Contexts[0].Environment == "AzureCloud" }},
		"environment of the subscription": {`{"Contexts":{"a":{"Account":{"Id":"u","Type":"User"},"Tenant":{"Id":"t"},"Subscription":{"Id":"s","ExtendedProperties":{"Environment":"azurechinacloud"}}}}}`,
			func(f File) bool { return f.Contexts[0].Environment == "AzureChinaCloud" }},
		"tenant of the subscription": {`{"Contexts":{"a":{"Account":{"Id":"u","Type":"User"},"Subscription":{"Id":"s","Name":"n","ExtendedProperties":{"Tenants":"t1, t2"}}}}}`,
			func(f File) bool { return f.Contexts[0].Tenant.ID == "t1" }},
		"tenant of the account": {`{"Contexts":{"a":{"Account":{"Id":"u","Type":"User","ExtendedProperties":{"Tenants":"t1,t2"}}}}}`,
			func(f File) bool { return f.Contexts[0].Tenant.ID == "t1" && f.Contexts[0].Subscription == nil }},
		"subscription without an id": {`{"Contexts":{"a":{"Account":{"Id":"u","Type":"User"},"Tenant":{"Id":"t"},"Subscription":{"Id":null,"Name":null}}}}`,
			func(f File) bool { return f.Contexts[0].Subscription == nil }},
		"assigned identity": {`{"Contexts":{"a":{"Account":{"Id":"1d","Type":"ManagedService"},"Tenant":{"Id":"t"}}}}`,
			func(f File) bool {
				return f.Contexts[0].Account == azure.Account{ID: "1d", Type: azure.ManagedIdentity, ClientID: "1d"}
			}},
		"the machine's identity": {`{"Contexts":{"a":{"Account":{"Id":"MSI@50342","Type":"ManagedService"},"Tenant":{"Id":"t"}}}}`,
			func(f File) bool {
				return f.Contexts[0].Account == azure.Account{ID: systemIdentity, Type: azure.ManagedIdentity}
			}},
		"client assertion": {`{"Contexts":{"a":{"Account":{"Id":"c","Type":"ClientAssertion","ExtendedProperties":{"tenants":"t9"}},"Tenant":{"Id":"t"}}}}`,
			func(f File) bool {
				return f.Contexts[0].Account == azure.Account{ID: "c", Type: azure.ServicePrincipal, ClientID: "c", TenantID: "t9"}
			}},
		"a cloud of the name of a public one": {`{"Contexts":{"a":{"Account":{"Id":"u","Type":"User"},"Tenant":{"Id":"t"},"Environment":{"Name":"AzureCloud","ResourceManagerUrl":"https://evil.example","ActiveDirectoryAuthority":"https://evil.example"}}}}`,
			func(f File) bool { return len(f.Clouds) == 0 && f.Contexts[0].Environment == "AzureCloud" }},
	} {
		t.Run(name, func(t *testing.T) {
			if f := read(t, test.text); !test.check(f) {
				t.Errorf("got %+v", f)
			}
		})
	}
}

func TestP56MalformedIsAnError(t *testing.T) {
	whole := string(write(t, all(), "prod"))
	cut := whole[:len(whole)/2]
	for name, test := range map[string]struct{ text, want string }{
		"empty":                  {"", "there is no {"},
		"no JSON":                {"hello", "there is no {"},
		"cut off":                {cut, "unexpected end"},
		"a comma too many":       {"{\n  \"Contexts\": {},\n}", "line 3"},
		"text after it":          {whole + "x", "invalid character 'x'"},
		"two files in one":       {whole + whole[len(bom):], "invalid character '{'"},
		"another tool's":         {`{"name": "left-pad", "version": "1.0.0"}`, "neither"},
		"a list of contexts":     {`{"Contexts": ["a"]}`, `unexpected array for "Contexts"`},
		"a number for an id":     {"{\n\"Contexts\": {\"a\": {\n\"Account\": {\"Id\": 7}}}}", "line 3: unexpected number"},
		"no account":             {`{"Contexts": {"a\nb": {"Tenant": {"Id": "t"}}}}`, `context "a\nb": it has no account`},
		"no tenant":              {`{"Contexts": {"a": {"Account": {"Id": "u", "Type": "User"}}}}`, "no tenant"},
		"unknown account type":   {`{"Contexts": {"a": {"Account": {"Id": "u", "Type": "Robot"}, "Tenant": {"Id": "t"}}}}`, "Robot"},
		"one context too few":    {`{"Contexts": {"a": {"Account": {"Id": "u", "Type": "User"}, "Tenant": {"Id": "t"}}, "b": {"Account": {}}}}`, `context "b"`},
		"two names that are one": {`{"Contexts": {"a": {"Account": {"Id": "u", "Type": "User"}, "Tenant": {"Id": "t"}}, "A": {"Account": {"Id": "v", "Type": "User"}, "Tenant": {"Id": "t"}}}}`, "same name"},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := Read(strings.NewReader(test.text))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
			if !reflect.DeepEqual(f, File{}) {
				t.Errorf("returned %+v beside the error", f)
			}
			path := filepath.Join(t.TempDir(), "saved.json")
			if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := ReadFile(path); err == nil || !strings.Contains(err.Error(), path) {
				t.Errorf("error %v does not name the file", err)
			}
		})
	}
	if _, err := ReadFile(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func TestWriteNeedsTheCloud(t *testing.T) {
	c := all()[0]
	c.Environment = "nowhere"
	if err := Write(&bytes.Buffer{}, []azure.Context{c}, "", cloudNamed); err == nil || !strings.Contains(err.Error(), "china") {
		t.Errorf("got %v", err)
	}
}

func TestP58NoSecretInASavedFile(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("testdata", "secrets.json"))
	if err != nil {
		t.Fatal(err)
	}
	const secret = "not-to-be-carried-along"
	if n := bytes.Count(raw, []byte(secret)); n < 10 {
		t.Fatalf("the test's own file has %d secrets", n)
	}
	f := read(t, string(raw))
	if len(f.Contexts) != 2 {
		t.Fatalf("got %+v", f)
	}
	saved := write(t, f.Contexts, f.Default)
	if bytes.Contains(saved, []byte(secret)) {
		t.Errorf("a secret was carried along: %s", saved)
	}
	if !bytes.Contains(saved, []byte(`"Credential": null`)) || !bytes.Contains(saved, []byte(`"CacheData": null`)) {
		t.Error("Credential and CacheData are to stay, as null")
	}
}

func TestAutosavedFile(t *testing.T) {
	standard := filepath.Join("H", ".Azure", "AzureRmContext.json")
	for name, test := range map[string]struct{ settings, want string }{
		"no settings":      {"", standard},
		"settings of old":  {"\ufeff" + `{"Mode":"CurrentUser","ContextDirectory":null,"ContextFile":null}`, standard},
		"another file":     {`{"contextfile":"other.json"}`, filepath.Join("H", ".Azure", "other.json")},
		"another place":    {`{"ContextDirectory":"/elsewhere","ContextFile":"other.json","Settings":{"InstallationId":"x"}}`, filepath.Join("/elsewhere", "other.json")},
		"broken settings":  {`{"ContextDirectory":"/elsewhere"`, standard},
		"settings of 2099": {`{"ContextDirectory":7}`, standard},
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			if test.settings != "" {
				if err := os.Mkdir(filepath.Join(home, ".Azure"), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(home, ".Azure", "AzureRmContextSettings.json"), []byte(test.settings), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want := test.want
			if rest, ok := strings.CutPrefix(want, "H"); ok {
				want = home + rest
			}
			if got, err := AutosavedFile(home); err != nil || got != want {
				t.Errorf("got %s, %v, want %s", got, err, want)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{"older.json", "secrets.json"} { // short ones: a long seed makes each step slow
		raw, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte(`{"Contexts":{"":{"Account":{"Id":"MSI@1","Type":"managedservice"},"Tenant":{"Id":"\u0000"}}}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		first, err := Read(bytes.NewReader(raw))
		if err != nil {
			if !reflect.DeepEqual(first, File{}) {
				t.Fatalf("returned %+v beside the error %v", first, err)
			}
			return
		}
		clouds := func(name string) (azure.Cloud, error) {
			for _, c := range first.Clouds {
				if strings.EqualFold(c.Name, name) {
					return c, nil
				}
			}
			return azure.Cloud{Name: name}, nil
		}
		var b bytes.Buffer
		if err := Write(&b, first.Contexts, first.Default, clouds); err != nil {
			t.Fatal(err)
		}
		second, err := Read(&b)
		if err != nil {
			t.Fatalf("what was written can't be read: %v\n%s", err, b.Bytes())
		}
		for i, c := range first.Contexts {
			if i >= len(second.Contexts) || second.Contexts[i].Name != c.Name || !strings.EqualFold(second.Contexts[i].Environment, c.Environment) ||
				second.Contexts[i].Tenant.ID != c.Tenant.ID || second.Contexts[i].SubscriptionID() != c.SubscriptionID() ||
				second.Contexts[i].Account.ID != c.Account.ID || second.Contexts[i].Account.Type != c.Account.Type {
				t.Fatalf("context %d: %+v became %+v", i, c, second.Contexts)
			}
		}
		if first.Default != "" && second.Default != first.Default {
			t.Fatalf("default %q became %q", first.Default, second.Default)
		}
	})
}
