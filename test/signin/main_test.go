// Package signin signs people and applications in for real: the real az-ctx in
// a real terminal, the real gnome-keyring on a bus of its own, and the loopback
// Azure. Tests are named after the lines of the parity list.
package signin

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/az-ctx/az-ctx/test/azure"
	"github.com/az-ctx/az-ctx/test/keyring"
	"github.com/az-ctx/az-ctx/test/program"
	"github.com/az-ctx/az-ctx/test/terminal"
)

var (
	reach    azure.Reach
	whyReach error
	binary   string // az-ctx, built once
)

func TestMain(m *testing.M) {
	reach, whyReach = azure.EnterNamespace()
	os.Exit(program.Main(m, func(path string) { binary = path }))
}

// user is a person with a home, a keyring and an Azure of their own.
type user struct {
	t     *testing.T
	home  string
	cloud *azure.Server
	bus   string // the address of the session bus, "": there is none
}

// newUser is somebody who has never signed in, at a desk with a keyring.
func newUser(t *testing.T, o azure.Options) user {
	t.Helper()
	u := newUserWithout(t, o)
	u.bus = u.startKeyring()
	return u
}

// newUserWithout has no bus, and so no keyring.
func newUserWithout(t *testing.T, o azure.Options) user {
	t.Helper()
	if reach != azure.ByNamespace {
		t.Skip("missing: namespaces of our own: ", whyReach)
	}
	cloud, err := azure.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cloud.Close() })
	return newHome(t, cloud)
}

// newUserOn is somebody at another machine, with the same Azure.
func newUserOn(t *testing.T, cloud *azure.Server) user {
	t.Helper()
	u := newHome(t, cloud)
	u.bus = u.startKeyring()
	return u
}

func newHome(t *testing.T, cloud *azure.Server) user {
	t.Helper()
	u := user{t: t, home: t.TempDir(), cloud: cloud}
	for _, dir := range []string{"bin", "run", "tmp"} {
		if err := os.Mkdir(filepath.Join(u.home, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(binary, u.path("bin/az-ctx")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { u.command("az-ctx", "agent", "stop", "--force").Run() })
	return u
}

func (u user) path(name string) string { return filepath.Join(u.home, name) }

// withAz puts the real az on the user's PATH.
func (u user) withAz() user {
	u.t.Helper()
	az, err := azure.FindAz(false)
	if err != nil {
		u.t.Skip("missing: az: ", err)
	}
	if err := os.Symlink(az, u.path("bin/az")); err != nil {
		u.t.Fatal(err)
	}
	return u
}

// startKeyring returns the address of a bus with a keyring on it.
func (u user) startKeyring() string {
	u.t.Helper()
	return keyring.Start(u.t, []string{"HOME=" + u.home, "XDG_RUNTIME_DIR=" + u.path("run"), "PATH=" + os.Getenv("PATH"), "TMPDIR=" + u.path("tmp")})
}

func (u user) environ() []string {
	env := []string{
		"HOME=" + u.home, "PATH=" + u.path("bin") + ":/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", "USER=someone",
		"TMPDIR=" + u.path("tmp"), "XDG_RUNTIME_DIR=" + u.path("run"),
		"AZURE_CORE_COLLECT_TELEMETRY=0", "AZURE_CORE_SURVEY_MESSAGE=0", "AZURE_CORE_LOGIN_EXPERIENCE_V2=off",
	}
	if u.bus != "" {
		env = append(env, "DBUS_SESSION_BUS_ADDRESS="+u.bus)
	}
	return append(env, u.cloud.Env()...)
}

func (u user) command(name string, args ...string) *exec.Cmd {
	c := exec.Command(u.path("bin/"+name), args...)
	c.Env, c.Dir = u.environ(), u.home
	return c
}

// open starts a terminal with az-ctx's function in it.
func (u user) open(more ...string) *terminal.Terminal {
	u.t.Helper()
	return terminal.Open(u.t, u.home, append(u.environ(), more...))
}

// write puts a file into the user's home, for the user alone.
func (u user) write(name string, content []byte) string {
	u.t.Helper()
	if err := os.WriteFile(u.path(name), content, 0o600); err != nil {
		u.t.Fatal(err)
	}
	return u.path(name)
}

// as has who answer each device code and sign-in page at once.
func (u user) as(who string) {
	u.t.Helper()
	if err := u.cloud.AutoApprove(who); err != nil {
		u.t.Fatal(err)
	}
}

// context is what list -o json shows of one.
type context struct {
	Name    string
	Account struct {
		ID, Type string
		Borrowed bool
	}
	Tenant       struct{ ID, Name, Domain string }
	Subscription *struct{ ID, Name, TenantID string }
	Scope        string
	From         string
	Active       bool
	Default      bool
	SignIn       string
}

// list is what a terminal sees.
func list(t *testing.T, x *terminal.Terminal) []context {
	t.Helper()
	var all []context
	parse(t, x.OK("az-ctx list -o json 2>/dev/null"), &all)
	return all
}

func names(all []context) []string {
	var names []string
	for _, c := range all {
		names = append(names, c.Name)
	}
	slices.Sort(names)
	return names
}

func parse(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
}

// named finds a context that has to be there.
func named(t *testing.T, all []context, name string) context {
	t.Helper()
	i := slices.IndexFunc(all, func(c context) bool { return c.Name == name })
	if i < 0 {
		t.Fatalf("no context %s among %q", name, names(all))
	}
	return all[i]
}

// secrets are the labels of what the keyring holds for az-ctx.
func (u user) secrets() []string {
	u.t.Helper()
	var held []string
	c := exec.Command("secret-tool", "search", "--all", "service", "az-ctx")
	c.Env = u.environ()
	out, err := c.CombinedOutput()
	if _, absent := exec.LookPath("secret-tool"); absent != nil {
		u.t.Skip("missing: secret-tool")
	}
	if err != nil && len(out) > 0 {
		u.t.Fatalf("secret-tool: %v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "attribute.username = "); ok {
			held = append(held, name)
		}
	}
	slices.Sort(held)
	return held
}

// saved is the state on disk that a failed sign-in must leave as it was: names
// and contents of all that az-ctx keeps for the user, and what is in the keyring.
func (u user) saved() string {
	u.t.Helper()
	var b strings.Builder
	for _, dir := range []string{".config/az-ctx", ".cache/az-ctx"} {
		filepath.WalkDir(u.path(dir), func(path string, e os.DirEntry, err error) error {
			if err == nil && e.Type().IsRegular() && !strings.HasSuffix(path, "lock") {
				raw, _ := os.ReadFile(path)
				fmt.Fprintf(&b, "%s\n%s\n", path, raw)
			}
			return nil
		})
	}
	if u.bus != "" {
		fmt.Fprintf(&b, "keyring: %q\n", u.secrets())
	}
	return b.String()
}

const (
	prod = `'Contoso Prod 1 (00000001-0000-4000-8000-000000000000)'`
	dev  = `'Fabrikam Dev (00900001-0000-4000-8000-000000000000)'`

	groups = `az group list -o tsv --query '[].name'`
	device = `az-ctx connect --device-code`
	robot  = `az-ctx connect --service-principal --client-id ` + azure.RobotC + ` --tenant contoso.com`
)

// groupsOf keeps the names of resource groups out of what az printed.
func groupsOf(out string) string {
	var names []string
	for _, word := range strings.Fields(out) {
		if strings.HasPrefix(word, "rg-") {
			names = append(names, word)
		}
	}
	return strings.Join(names, " ")
}

// sees fails the test unless the real az in the terminal sees that group alone.
func sees(t *testing.T, x *terminal.Terminal, group string) {
	t.Helper()
	if got := groupsOf(x.OK(groups)); got != group {
		t.Errorf("az sees %q and not %q", got, group)
	}
}

// store puts a text into the keyring, in the place of what az-ctx keeps there.
func (u user) store(name, text string) {
	u.t.Helper()
	c := exec.Command("secret-tool", "store", "--label", name, "service", "az-ctx", "username", name)
	c.Env, c.Stdin = u.environ(), strings.NewReader(text)
	if out, err := c.CombinedOutput(); err != nil {
		u.t.Fatalf("secret-tool store: %v\n%s", err, out)
	}
}
