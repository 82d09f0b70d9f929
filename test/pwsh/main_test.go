//go:build unix

// Package pwsh runs the PowerShell module in a real pwsh, with the real program:
// each test is a script in which nothing may fail.
package pwsh

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	az "github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/test/azure"
	"github.com/az-ctx/az-ctx/test/program"
)

// limit is how long a script may take before its test fails; nothing waits for
// it that goes well.
const limit = 3 * time.Minute

var (
	reach    azure.Reach
	whyReach error
	binary   string // az-ctx, built once
	pwsh     string // "" where there is none
)

func TestMain(m *testing.M) {
	reach, whyReach = azure.EnterNamespace()
	pwsh = program.Pwsh()
	os.Exit(program.Main(m, func(path string) { binary = path }))
}

// user is a person with a home of their own.
type user struct {
	t    testing.TB
	home string
	env  []string
}

// newUser has signed in nowhere, and has no context.
func newUser(t testing.TB) *user {
	t.Helper()
	if pwsh == "" {
		t.Skip("missing: pwsh")
	}
	u := &user{t: t, home: t.TempDir()}
	u.env = []string{"HOME=" + u.home, "PATH=" + filepath.Dir(binary) + ":/usr/local/bin:/usr/bin:/bin", "TERM=dumb", "LANG=C.UTF-8", "NO_COLOR=1"}
	t.Cleanup(func() {
		c := exec.Command(binary, "agent", "stop", "--force")
		c.Env = u.env
		c.Run() // it fails where no agent was started
	})
	return u
}

// borrower has what az knows, as in test/parity: contexts without a network.
func borrower(t testing.TB) *user {
	t.Helper()
	u := newUser(t)
	raw, err := os.ReadFile("../parity/testdata/azureProfile.json")
	if err != nil {
		t.Fatal(err)
	}
	u.write(".azure/azureProfile.json", string(raw))
	return u
}

// online has an Azure, in which somebody answers each device code at once.
func online(t *testing.T, who string) (*user, *azure.Server) {
	t.Helper()
	u := newUser(t)
	if reach != azure.ByNamespace {
		t.Skip("missing: namespaces of our own: ", whyReach)
	}
	cloud, err := azure.Start(azure.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cloud.Close() })
	u.env = append(u.env, cloud.Env()...)
	if err := cloud.AutoApprove(who); err != nil {
		t.Fatal(err)
	}
	return u, cloud
}

func (u *user) path(name string) string { return filepath.Join(u.home, name) }

func (u *user) write(name, text string) string {
	u.t.Helper()
	if err := os.MkdirAll(filepath.Dir(u.path(name)), 0o700); err != nil {
		u.t.Fatal(err)
	}
	if err := os.WriteFile(u.path(name), []byte(text), 0o600); err != nil {
		u.t.Fatal(err)
	}
	return u.path(name)
}

// importNames makes contexts by those names, each of a subscription of its own.
func (u *user) importNames(names ...string) {
	u.t.Helper()
	const tenant = "aaaaaaaa-0000-4000-8000-000000000001"
	file := struct {
		Format   string       `json:"format"`
		Version  int          `json:"version"`
		Contexts []az.Context `json:"contexts"`
	}{Format: "az-ctx", Version: 1}
	for i, name := range names {
		file.Contexts = append(file.Contexts, az.Context{
			Name: name, Account: az.Account{ID: "alice@contoso.com", Type: az.User}, Tenant: az.Tenant{ID: tenant, Domain: "contoso.com"}, Environment: "AzureCloud",
			Subscription: &az.Subscription{ID: fmt.Sprintf("%08d-0000-4000-8000-000000000000", i+1), Name: "Sub " + name, State: "Enabled", TenantID: tenant},
		})
	}
	raw, err := json.Marshal(file)
	if err != nil {
		u.t.Fatal(err)
	}
	c := exec.Command(binary, "import", u.write("contexts.json", string(raw)))
	c.Env = u.env
	if out, err := c.CombinedOutput(); err != nil {
		u.t.Fatalf("import: %v\n%s", err, out)
	}
}

// prelude is what every script begins with: `is` and `fails` say FAIL, and so
// does whatever ends the script before its end.
const prelude = `
$ErrorActionPreference = 'Stop'
$prod = 'Contoso Prod 1 (00000001-0000-4000-8000-000000000000)'
$dev = 'Fabrikam Dev (00900001-0000-4000-8000-000000000000)'
function is($what, $got, $want) { if ("$got" -cne "$want") { "FAIL ${what}: <$got> and not <$want>" } }
function environ { Get-ChildItem env: | ForEach-Object { "$($_.Name)=$($_.Value)" } }
function has($what, $text, $part) { if (-not "$text".Contains("$part")) { "FAIL ${what}: no <$part> in <$text>" } }
function fails($id, $block) {
    try { $null = & $block; "FAIL there is no error $id" }
    catch { is 'the error' $_.FullyQualifiedErrorId.Split(',')[0] "AzCtx.$id" }
}
`

const initLine = "az-ctx init pwsh | Out-String | Invoke-Expression\n"

type result struct {
	stdout, stderr string
	code           int
}

// run runs a script, with nothing on standard input.
func (u *user) run(script string) result {
	u.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	c := exec.CommandContext(ctx, pwsh, "-NoProfile", "-File", u.write("script.ps1", script))
	c.WaitDelay = time.Second
	c.Env, c.Dir = slices.Clone(u.env), u.home
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	err := c.Run()
	if _, ok := err.(*exec.ExitError); err != nil && !ok {
		u.t.Fatalf("pwsh: %v\n%s%s", err, stdout.String(), stderr.String())
	}
	return result{stdout.String(), stderr.String(), c.ProcessState.ExitCode()}
}

// ok runs a script in a shell with az-ctx, in which all has to be well.
func (u *user) ok(script string) { u.t.Helper(); u.bare(initLine + script) }

// bare is ok without init.
func (u *user) bare(script string) {
	u.t.Helper()
	r := u.run(prelude + script + "\n'the end'\n")
	if strings.Contains(r.stdout, "FAIL") || !strings.HasSuffix(r.stdout, "the end\n") || r.stderr != "" {
		u.t.Errorf("exit status %d\n%s\n%s", r.code, r.stdout, r.stderr)
	}
}
