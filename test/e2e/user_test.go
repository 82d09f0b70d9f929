// Package e2e has the main job run for real: the real az, signed in to the
// loopback Azure, in real shells.
package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/az-ctx/az-ctx/test/azure"
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

// user is a person with a home of their own, and az on their PATH.
type user struct {
	home  string
	cloud *azure.Server
	az    string
}

// newUser is somebody who has never signed in.
func newUser(t *testing.T, old bool) user {
	t.Helper()
	if reach != azure.ByNamespace {
		t.Skip("missing: namespaces of our own: ", whyReach)
	}
	az, err := azure.FindAz(old)
	if err != nil {
		t.Skip("missing: az: ", err)
	}
	cloud, err := azure.Start(azure.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cloud.Close() })
	u := user{home: t.TempDir(), cloud: cloud, az: az}
	bin := filepath.Join(u.home, "bin")
	for _, err := range []error{os.Mkdir(bin, 0o700), os.Symlink(az, filepath.Join(bin, "az")), os.Symlink(binary, filepath.Join(bin, "az-ctx"))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		out, err := u.command("az-ctx", "agent", "stop", "--force").CombinedOutput()
		if err != nil && !strings.Contains(string(out), "agent is not running") {
			t.Errorf("the agent did not end: %v\n%s", err, out)
		}
	})
	return u
}

func (u user) environ() []string {
	return append([]string{
		"HOME=" + u.home, "PATH=" + filepath.Join(u.home, "bin") + ":/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", "USER=someone",
		"AZURE_CORE_COLLECT_TELEMETRY=0", "AZURE_CORE_SURVEY_MESSAGE=0", "AZURE_CORE_LOGIN_EXPERIENCE_V2=off",
	}, u.cloud.Env()...)
}

// open starts a terminal of the user's.
func open(t *testing.T, u user) *terminal.Terminal {
	t.Helper()
	return terminal.Open(t, u.home, u.environ())
}

func (u user) command(name string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(u.home, "bin", name), args...)
	c.Env = u.environ()
	c.Dir = u.home
	return c
}

// login signs az in, in the user's own directory.
func (u user) login(t *testing.T, who string) {
	t.Helper()
	u.cloud.AutoApprove(who)
	if out, err := u.command("az", "login", "--use-device-code", "-o", "none").CombinedOutput(); err != nil {
		t.Fatalf("az login: %v\n%s", err, out)
	}
}

// loginRobot signs the service principal in, in az. It takes the subscriptions
// that both see.
func (u user) loginRobot(t *testing.T) {
	t.Helper()
	login := u.command("az", "login", "--service-principal", "-u", azure.RobotC, "-p", u.cloud.Secret(azure.RobotC), "--tenant", azure.ContosoTenant, "-o", "none")
	if out, err := login.CombinedOutput(); err != nil {
		t.Fatalf("az login: %v\n%s", err, out)
	}
}

// versions runs a test with the current az and with Debian's.
func versions(t *testing.T, f func(*testing.T, user)) {
	for _, v := range []struct {
		name string
		old  bool
	}{{"current", false}, {"old", true}} {
		t.Run(v.name, func(t *testing.T) {
			u := newUser(t, v.old)
			u.login(t, azure.Alice)
			f(t, u)
		})
	}
}

const (
	prod = `'Contoso Prod 1 (00000001-0000-4000-8000-000000000000)'`
	dev  = `'Fabrikam Dev (00900001-0000-4000-8000-000000000000)'`

	groups = `az group list -o tsv --query '[].name'`
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
