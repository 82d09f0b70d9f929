package azcli

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/az-ctx/az-ctx/pkg/azure"
)

var update = flag.Bool("update", false, "write the golden files anew")

// theirs is a user's own directory, with all that may not be taken along.
func theirs(t testing.TB) string {
	return directory(t, map[string]string{
		profileFile: bom + `{"subscriptions": [{"name": "\"installationId\": \"x\""}], "installationId": "5f0c0de5-0000-11f0-8000-0242ac110002"}`,
		configFile:  "# mine\n[core]\noutput = table\n\n[cloud]\nname = AzureChinaCloud\n",
		cloudsFile:  "; theirs\n[AzureCloud]\nsubscription = 0000000f-0000-4000-8000-00000000000f\n[Other]\nendpoint_resource_manager = https://other\n",

		"commandIndex.json":                "{}",
		"msal_token_cache.json":            `{"RefreshToken": {"k": {"secret": "their-secret"}}}`,
		"msal_token_cache.bin":             "their-secret",
		"service_principal_entries.json":   `[{"client_id": "c", "client_secret": "their-secret"}]`,
		"msal_http_cache.bin":              "their-secret",
		"accessTokens.json":                "their-secret",
		"AzureRmContext.json":              "their-secret",
		"versionCheck.json":                "{}",
		"az.sess":                          "{}",
		"msal_token_cache.json.lockfile":   "",
		"service_principal_entries.bin":    "their-secret",
		"something that az learns of 2099": "their-secret",
	})
}

// make is WriteDirectory into a new place.
func makeDirectory(t testing.TB, d Directory) string {
	t.Helper()
	dst := filepath.Join(t.TempDir(), "7", ".azure")
	if err := WriteDirectory(dst, d); err != nil {
		t.Fatal(err)
	}
	return dst
}

func contents(t testing.TB, dir string) map[string][32]byte {
	t.Helper()
	sums := map[string][32]byte{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		info, statErr := os.Lstat(path)
		sums[path] = sha256.Sum256(append(raw, info.ModTime().String()...))
		return errors.Join(err, statErr)
	})
	if err != nil {
		t.Fatal(err)
	}
	return sums
}

func TestWriteDirectory(t *testing.T) {
	inTenant := prod()
	inTenant.Subscription = nil
	inStack := prod()
	inStack.Environment = "Contoso Stack"
	stack := azure.Cloud{
		Name: "Contoso Stack", ResourceManager: "https://management.stack.contoso.com",
		Authority: "https://login.stack.contoso.com", Audience: "https://management.stack.contoso.com/a%20b",
	}
	active := prod()
	known := []azure.Subscription{
		*active.Subscription,
		{ID: "0000000B-0000-4000-8000-00000000000B", Name: "Dev <&> \u202e\x00", State: "Disabled", TenantID: tenant1, HomeTenantID: tenant2},
		{ID: "0000000b-0000-4000-8000-00000000000b", Name: "the same once more", TenantID: tenant1},
		{ID: "0000000c-0000-4000-8000-00000000000c", Name: "another tenant's", TenantID: tenant2},
	}
	for name, d := range map[string]Directory{
		"subscription": {Context: &active, Cloud: azure.Public, Known: known},
		"tenant":       {Context: &inTenant, Cloud: azure.Public},
		"stack":        {Context: &inStack, Cloud: stack},
		"signed-out":   {Cloud: azure.Public},
	} {
		t.Run(name, func(t *testing.T) {
			d.From = theirs(t)
			dst := makeDirectory(t, d)
			var got bytes.Buffer
			for _, file := range []string{profileFile, configFile, cloudsFile} {
				raw, err := os.ReadFile(filepath.Join(dst, file))
				if err != nil {
					t.Fatal(err)
				}
				got.WriteString("-- " + file + " --\n")
				got.Write(raw)
				got.WriteString("\n")
			}
			golden := filepath.Join("testdata", "written-"+name)
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Bytes(), want) {
				t.Errorf("got\n%s\nwant\n%s", got.Bytes(), want)
			}
		})
	}
}

// Prompts read the profile: starship wants each of these fields in each entry.
func TestWriteDirectoryForPrompts(t *testing.T) {
	c := prod()
	raw, err := os.ReadFile(filepath.Join(makeDirectory(t, Directory{Context: &c, Cloud: azure.Public, Known: []azure.Subscription{{ID: "x", Name: "X"}}}), profileFile))
	if err != nil {
		t.Fatal(err)
	}
	var p struct {
		InstallationID *string
		Subscriptions  []struct {
			Name, State *string
			IsDefault   *bool
			User        *struct{ Name *string }
		}
	}
	if err := json.Unmarshal(bytes.TrimPrefix(raw, []byte(bom)), &p); err != nil {
		t.Fatal(err)
	}
	if p.InstallationID == nil || len(*p.InstallationID) != 36 || len(p.Subscriptions) != 2 {
		t.Errorf("got %s", raw)
	}
	for _, s := range p.Subscriptions {
		if s.Name == nil || s.State == nil || s.IsDefault == nil || s.User == nil || s.User.Name == nil {
			t.Errorf("a field is missing in %s", raw)
		}
	}
}

func TestP58NoTokenInAnActivationsDirectory(t *testing.T) {
	c := prod()
	dst := makeDirectory(t, Directory{From: theirs(t), Context: &c, Cloud: azure.Public})
	entries, err := os.ReadDir(dst)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
		raw, err := os.ReadFile(filepath.Join(dst, e.Name()))
		if err != nil || bytes.Contains(raw, []byte("their-secret")) {
			t.Errorf("%s: %v, %q", e.Name(), err, raw)
		}
	}
	if want := []string{printsFile, profileFile, cloudsFile, "commandIndex.json", configFile}; !slices.Equal(names, want) {
		t.Errorf("it has %q, want %q", names, want)
	}
}

func TestP71AzsOwnDirectoryStaysAsItWas(t *testing.T) {
	c := prod()
	from := theirs(t)
	before := contents(t, from)
	dst := makeDirectory(t, Directory{From: from, Context: &c, Cloud: azure.China})
	if _, err := Read(from); err == nil {
		t.Error("the test's profile is not meant to be read")
	}
	if _, err := Changes(dst, &c, Written); err != nil {
		t.Error(err)
	}
	if !reflect.DeepEqual(contents(t, from), before) {
		t.Error("it was changed")
	}
	if err := WriteDirectory(from, Directory{From: from, Context: &c, Cloud: azure.Public}); err == nil {
		t.Error("it was taken for an activation's")
	}
	if !reflect.DeepEqual(contents(t, from), before) {
		t.Error("it was changed")
	}
}

func TestWriteDirectoryModesAndTimes(t *testing.T) {
	c := prod()
	from := theirs(t)
	dst := makeDirectory(t, Directory{From: from, Context: &c, Cloud: azure.Public})
	for _, name := range []string{profileFile, configFile, cloudsFile, printsFile} {
		info, err := os.Stat(filepath.Join(dst, name))
		if err != nil {
			t.Fatal(err)
		}
		if !info.ModTime().Equal(Written) {
			t.Errorf("%s is of %s", name, info.ModTime())
		}
		if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %s", name, info.Mode())
		}
	}
	if runtime.GOOS == "windows" {
		return
	}
	if info, err := os.Stat(dst); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode %s, %v", info.Mode(), err)
	}
	// A copy: az ends with a traceback where a link leads nowhere.
	if info, err := os.Lstat(filepath.Join(dst, "commandIndex.json")); err != nil || !info.Mode().IsRegular() {
		t.Errorf("commandIndex.json: %v, %v", info, err)
	}
}

func TestWriteDirectoryWithoutTheirs(t *testing.T) {
	c := prod()
	for name, from := range map[string]string{"none said": "", "not there": filepath.Join(t.TempDir(), "none")} {
		dst := makeDirectory(t, Directory{From: from, Context: &c, Cloud: azure.Public})
		p, err := Read(dst)
		if err != nil || len(p.Contexts) != 1 || p.Default != 0 {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
		if _, err := os.Lstat(filepath.Join(dst, "commandIndex.json")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: commandIndex.json: %v", name, err)
		}
		again := makeDirectory(t, Directory{From: from, Context: &c, Cloud: azure.Public})
		first, _ := readProfile(dst)
		second, _ := readProfile(again)
		if first.InstallationID != second.InstallationID {
			t.Errorf("%s: the installation id is not a fixed one", name)
		}
	}
}

func TestWriteDirectoryRemakes(t *testing.T) {
	c := prod()
	d := Directory{From: theirs(t), Context: &c, Cloud: azure.Public}
	dst := makeDirectory(t, d)
	want := contents(t, dst)
	if err := os.WriteFile(filepath.Join(dst, profileFile), []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dst, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := WriteDirectory(dst, d); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(contents(t, dst), want) {
		t.Error("it is not as it was")
	}
	if info, err := os.Stat(dst); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o700 {
		t.Errorf("mode %s, %v", info.Mode(), err)
	}
}

func TestWriteDirectoryRefusesWhatNoINIFileHolds(t *testing.T) {
	for _, cloud := range []azure.Cloud{
		{Name: "a\n[core]", ResourceManager: "https://a", Authority: "https://b", Audience: "c"},
		{Name: "DEFAULT", ResourceManager: "https://a", Authority: "https://b", Audience: "c"},
		{Name: "a", ResourceManager: "https://a\nsubscription = x", Authority: "https://b", Audience: "c"},
		{Name: "a", ResourceManager: "https://a", Audience: "c"},
	} {
		c := prod()
		c.Environment = cloud.Name
		dst := filepath.Join(t.TempDir(), ".azure")
		if err := WriteDirectory(dst, Directory{Context: &c, Cloud: cloud}); err == nil {
			t.Errorf("%+v was taken", cloud)
		}
		if _, err := os.Stat(filepath.Join(dst, profileFile)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%+v left a profile: %v", cloud, err)
		}
	}
}

func TestInstallationID(t *testing.T) {
	const id = "5f0c0de5-0000-11f0-8000-0242ac110002"
	for text, want := range map[string]string{
		`{"installationId": "` + id + `", "subscriptions": []}`:                                       id,
		bom + `{"subscriptions":[{"name":"\"installationId\":\"x\""}],"installationId":"` + id + `"}`: id,
		"{\"installationId\"\r\n : \"" + id + "\"}":                                                   id,
		`{"installationId": ""}`:                                       "",
		`{"installationId": null}`:                                     "",
		`{"installationId": "` + id:                                    "",
		`{"installationId": "\u0000-0000-11f0-8000-0242ac11000` + `"}`: "",
		`{"installationId": "5f0c0de5x0000-11f0-8000-0242ac110002"}`:   "",
		`{}`: "",
		``:   "",
	} {
		if got := findInstallationID([]byte(text)); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

// The texts are those that az 2.91 and 2.45 left after the command.
func TestP76WhatAzChangesIsNoticed(t *testing.T) {
	const (
		prodID = "00000001-0000-4000-8000-000000000001"
		devID  = "0000000b-0000-4000-8000-00000000000b"
		ours   = `"name": "systemAssignedIdentity", "type": "servicePrincipal", "assignedIdentityInfo": "MSI"`
	)
	entry := func(id, name, user string, is bool) string {
		text, _ := json.Marshal(is)
		return `{"id": "` + id + `", "name": "` + name + `", "state": "Enabled", "user": {` + user + `}, "isDefault": ` + string(text) +
			`, "tenantId": "` + tenant1 + `", "environmentName": "AzureCloud", "homeTenantId": "` + tenant1 + `", "managedByTenants": []}`
	}
	profile := func(entries ...string) string {
		return bom + `{"installationId": "5f0c0de5-0000-11f0-8000-0242ac110002", "subscriptions": [` + strings.Join(entries, ", ") + `]}`
	}
	const bob = `"name": "bob@contoso.com", "type": "user"`
	for name, test := range map[string]struct {
		files map[string]string // "" removes
		want  []Change
	}{
		"nothing":         {nil, nil},
		"az account show": {map[string]string{"az.json": bom + "{}", "az.sess": bom + "{}", "versionCheck.json": "{}", "helpIndex.json": "{}"}, nil},
		"az account set": {map[string]string{
			profileFile: profile(entry(prodID, "Prod", ours, false), entry(devID, "Dev", ours, true)),
			cloudsFile:  "[AzureCloud]\nsubscription = " + devID + "\n\n[Other]\nendpoint_resource_manager = https://other\n\n",
		}, []Change{{Switched, "Dev", devID}}},
		"az account set to where it was": {map[string]string{
			profileFile: profile(entry(prodID, "Prod", ours, true), entry(devID, "Dev", ours, false)),
			cloudsFile:  "[AzureCloud]\nsubscription = " + prodID + "\n\n[Other]\nendpoint_resource_manager = https://other\n\n",
		}, nil},
		"az account clear": {map[string]string{profileFile: profile()}, []Change{{SignedOut, "", ""}}},
		"az config set": {map[string]string{configFile: "[core]\noutput = json\n\n[cloud]\nname = AzureCloud\n\n[defaults]\ngroup = rg1\n\n"},
			[]Change{{Configured, "core.output, defaults.group", ""}}},
		"az config unset":               {map[string]string{configFile: "[core]\n\n[cloud]\nname = AzureCloud\n\n"}, []Change{{Configured, "core.output", ""}}},
		"settings written as they were": {map[string]string{configFile: "[core]\noutput = table\n\n[cloud]\nname = AzureCloud\n\n"}, nil},
		"az cloud set": {map[string]string{configFile: "[core]\noutput = table\n\n[cloud]\nname = AzureChinaCloud\n\n"},
			[]Change{{CloudSet, "AzureChinaCloud", ""}}},
		"az cloud update": {map[string]string{cloudsFile: "[AzureCloud]\nsubscription = " + prodID + "\nendpoint_gallery = https://g\n\n[Other]\nendpoint_resource_manager = https://other\n\n"},
			[]Change{{Configured, "cloud AzureCloud", ""}}},
		"az cloud unregister": {map[string]string{cloudsFile: "[AzureCloud]\nsubscription = " + prodID + "\n\n"},
			[]Change{{Configured, "cloud Other", ""}}},
		"az login": {map[string]string{
			profileFile:             profile(entry(prodID, "Prod", bob, false), entry(devID, "Dev", ours, false), entry("0000000d", "Bob's", bob, true)),
			"msal_token_cache.json": `{"Account": {"k": {"username": "bob@contoso.com"}}, "RefreshToken": {"k": {}}}`,
		}, []Change{{SignedIn, "bob@contoso.com", ""}, {Switched, "Bob's", "0000000d"}}},
		"az login, the same subscription": {map[string]string{profileFile: profile(entry(prodID, "Prod", bob, true), entry(devID, "Dev", ours, false))},
			[]Change{{SignedIn, "bob@contoso.com", ""}}},
		"az login --identity --client-id": {map[string]string{profileFile: profile(entry(prodID, "Prod", strings.Replace(ours, "system", "user", 1), true))},
			[]Change{{SignedIn, "userAssignedIdentity", ""}}},
		"az login without a subscription": {map[string]string{"msal_token_cache.json": `{"Account": {"k": {"username": "bob@contoso.com"}}, "RefreshToken": {"k": {}}}`},
			[]Change{{SignedIn, "bob@contoso.com", ""}}},
		"az login, encrypted": {map[string]string{"msal_token_cache.bin": "\x01\x00"}, []Change{{SignedIn, "", ""}}},
		"az login --service-principal without a subscription": {map[string]string{"service_principal_entries.json": `[{"client_id": "c11e", "tenant": "t", "client_secret": "x"}]`},
			[]Change{{SignedIn, "c11e", ""}}},
		"shells of a sign-in that ended": {map[string]string{"msal_token_cache.json": `{"Account": {}, "RefreshToken": {}, "AppMetadata": {"a": {}}}`, "service_principal_entries.json": "[]"}, nil},
		"the directory vanished and az made it anew": {map[string]string{
			profileFile: bom + "{}", configFile: "[cloud]\nname = AzureCloud\n\n", cloudsFile: "", printsFile: ""}, []Change{{Kind: "vanished"}}},
		"the directory vanished": {map[string]string{profileFile: "", configFile: "", cloudsFile: "", printsFile: ""}, []Change{{Kind: "vanished"}}},
		"the profile vanished":   {map[string]string{profileFile: ""}, []Change{{Kind: "vanished"}}},
		"the directory vanished and az signed in": {map[string]string{
			profileFile: profile(entry(prodID, "Prod", bob, true)), cloudsFile: "", printsFile: ""}, []Change{{SignedIn, "bob@contoso.com", ""}}},
	} {
		t.Run(name, func(t *testing.T) {
			c := prod()
			from := theirs(t)
			dst := makeDirectory(t, Directory{From: from, Context: &c, Cloud: azure.Public, Known: []azure.Subscription{{ID: devID, Name: "Dev", TenantID: tenant1}}})
			for file, text := range test.files {
				path := filepath.Join(dst, file)
				if text == "" {
					os.Remove(path)
				} else if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			got, err := Changes(dst, &c, Written)
			if errors.Is(err, fs.ErrNotExist) && got == nil {
				got, err = []Change{{Kind: "vanished"}}, nil
			}
			if err != nil || !reflect.DeepEqual(got, test.want) && len(got)+len(test.want) > 0 {
				t.Errorf("got %v, %v, want %v", got, err, test.want)
			}
			if len(test.want) > 0 && test.want[0].Kind == "vanished" {
				return
			}
			got, err = Changes(dst, &c, time.Now().Add(time.Minute))
			if err != nil || len(got) > 0 {
				t.Errorf("looked at already, but %v, %v", got, err)
			}
		})
	}
}

func TestChangesTellsOfASettingOnce(t *testing.T) {
	c := prod()
	dst := makeDirectory(t, Directory{From: theirs(t), Context: &c, Cloud: azure.Public})
	write := func(file, text string, at time.Time) {
		t.Helper()
		path := filepath.Join(dst, file)
		if err := errors.Join(os.WriteFile(path, []byte(text), 0o600), os.Chtimes(path, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	write(configFile, "[core]\noutput = json\n[cloud]\nname = AzureChinaCloud\n", Written.Add(time.Minute))
	write(cloudsFile, "[AzureCloud]\nsubscription = x\n", Written.Add(time.Hour))
	for since, want := range map[time.Time][]Change{
		Written:                      {{CloudSet, "AzureChinaCloud", ""}, {Configured, "cloud Other, core.output", ""}},
		Written.Add(2 * time.Minute): {{Configured, "cloud Other", ""}},
		Written.Add(2 * time.Hour):   nil,
	} {
		if got, err := Changes(dst, &c, since); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("since %s: got %v, %v, want %v", since, got, err, want)
		}
	}
}

func TestChangesOfATenantAndOfNobody(t *testing.T) {
	c := prod()
	c.Subscription = nil
	for name, context := range map[string]*azure.Context{"tenant": &c, "signed out": nil} {
		dst := makeDirectory(t, Directory{From: theirs(t), Context: context, Cloud: azure.Public})
		for _, file := range []string{profileFile, configFile, cloudsFile} {
			if err := os.Chtimes(filepath.Join(dst, file), time.Now(), time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := Changes(dst, context, Written); err != nil || len(got) > 0 {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
}

func TestChangesOfABrokenProfile(t *testing.T) {
	c := prod()
	dst := makeDirectory(t, Directory{Context: &c, Cloud: azure.Public})
	if err := os.WriteFile(filepath.Join(dst, profileFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Changes(dst, &c, Written); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// With AZ_CTX_TEST_AZ, a list of az programs as in PATH, the real ones are
// asked what they make of our directory.
func TestRealAz(t *testing.T) {
	programs := filepath.SplitList(os.Getenv("AZ_CTX_TEST_AZ"))
	if len(programs) == 0 {
		t.Skip("AZ_CTX_TEST_AZ names no az")
	}
	stack := azure.Cloud{Name: "Contoso Stack", ResourceManager: "https://rm.invalid", Authority: "https://login.invalid", Audience: "https://rm.invalid/a%20b"}
	for _, program := range programs {
		for _, test := range []struct {
			name  string
			cloud azure.Cloud
			out   bool
			args  []string
			says  string
			want  []Change
		}{
			{"show", azure.Public, false, []string{"account", "show", "--query", "name", "-o", "tsv"}, "Prod\n", nil},
			{"list", azure.Public, false, []string{"account", "list", "--query", "length(@)", "-o", "tsv"}, "2\n", nil},
			{"stack", stack, false, []string{"cloud", "show", "--query", "[name,isActive,endpoints.resourceManager,endpoints.activeDirectoryResourceId]", "-o", "json"}, "", nil},
			{"signed out", azure.Public, true, []string{"account", "list", "-o", "tsv"}, "", nil},
			{"set", azure.Public, false, []string{"account", "set", "-s", "Dev"}, "", []Change{{Switched, "Dev", "0000000b"}}},
			{"config", azure.Public, false, []string{"config", "set", "core.output=json"}, "", []Change{{Configured, "core.output", ""}}},
			{"cloud", azure.Public, false, []string{"cloud", "set", "-n", "AzureChinaCloud"}, "", []Change{{CloudSet, "AzureChinaCloud", ""}}},
		} {
			t.Run(program+" "+test.name, func(t *testing.T) {
				c := prod()
				c.Environment = test.cloud.Name
				d := Directory{From: theirs(t), Context: &c, Cloud: test.cloud, Known: []azure.Subscription{{ID: "0000000b", Name: "Dev"}}}
				if test.out {
					d.Context, d.Known = nil, nil
				}
				dst := makeDirectory(t, d)
				cmd := exec.Command(program, test.args...)
				cmd.Env = append(os.Environ(), "AZURE_CONFIG_DIR="+dst, "AZURE_CORE_COLLECT_TELEMETRY=no")
				var stderr bytes.Buffer
				cmd.Stderr = &stderr
				out, err := cmd.Output()
				if err != nil {
					t.Fatalf("%v: %s", err, stderr.Bytes())
				}
				if test.says != "" && string(out) != test.says {
					t.Errorf("it says %q, %s", out, stderr.Bytes())
				}
				if test.name == "stack" {
					var got []any
					if err := json.Unmarshal(out, &got); err != nil || !reflect.DeepEqual(got, []any{stack.Name, true, stack.ResourceManager, stack.Audience}) {
						t.Errorf("it says %s, %v", out, err)
					}
				}
				if got, err := Changes(dst, d.Context, Written); err != nil || !reflect.DeepEqual(got, test.want) && len(got)+len(test.want) > 0 {
					t.Errorf("changes %v, %v, want %v", got, err, test.want)
				}
			})
		}
	}
}
