package signin

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/az-ctx/az-ctx/test/azure"
	"github.com/az-ctx/az-ctx/test/terminal"
)

// find gives the files under the user's home that hold the text, the keyring's
// own and those that the test wrote aside.
func (u user) find(texts ...string) []string {
	u.t.Helper()
	var found []string
	err := filepath.WalkDir(u.home, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil // gone meanwhile
		}
		rel, _ := filepath.Rel(u.home, path)
		if e.IsDir() && (rel == "test" || rel == ".local/share/keyrings" || rel == "bin") {
			return fs.SkipDir
		}
		if !e.Type().IsRegular() {
			return nil
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return nil
		}
		for _, text := range texts {
			if strings.Contains(string(raw), text) {
				found = append(found, rel)
				break
			}
		}
		return nil
	})
	if err != nil {
		u.t.Fatal(err)
	}
	return found
}

// P10: a sign-in with --scope process is nowhere on disk for others, and not in
// the keychain; P62: nor is one with autosave off; P63: with its shell it is
// gone, also by kill -9.
func TestP10P62P63ProcessSignIn(t *testing.T) {
	ways := map[string]func(*terminal.Terminal){
		"exit": func(x *terminal.Terminal) { x.Begin("exit"); x.Wait() },
		"kill": (*terminal.Terminal).Kill,
	}
	for name, c := range map[string]struct{ before, connect, scope, end string }{
		"P10 user":          {":", device + " --scope process", " --scope process", "exit"},
		"P10 autosave on":   {"az-ctx autosave enable", robot + " --client-secret-stdin --scope process <secret", " --scope process", "kill"},
		"P62 autosave off":  {"az-ctx autosave disable --scope process", device, "", "kill"},
		"P62 off for all":   {"az-ctx autosave disable", robot + " --client-secret-stdin <secret", "", "exit"},
		"P63 token by hand": {":", robot + " --federated-token-stdin <federated.jwt", " --scope process", "kill"},
	} {
		t.Run(name, func(t *testing.T) {
			u := newUser(t, azure.Options{})
			u.as(azure.Alice)
			u.trust(newPair(t))
			// What only the test wrote goes before anybody looks.
			u.write("secret", []byte(u.cloud.Secret(azure.RobotC)))
			u.write("federated.jwt", []byte(pipeline.Assertion(10*time.Minute)))
			x := u.open()
			x.OK(c.before)
			before := u.saved()
			x.OK(c.connect)
			os.Remove(u.path("secret"))
			os.Remove(u.path("federated.jwt"))
			if after := u.saved(); after != before {
				t.Errorf("P10: saved was\n%s\nand is\n%s", before, after)
			}
			if got := u.find(u.cloud.Secrets()...); len(got) != 0 {
				t.Errorf("P10: tokens or secrets are in %q", got)
			}
			all := list(t, x)
			if len(all) == 0 {
				t.Fatal("no contexts")
			}
			for _, k := range all {
				if k.Scope != "process" || k.SignIn != "this shell" || k.Default {
					t.Errorf("P10: %+v", k)
				}
			}
			x.OK("az-ctx token >/dev/null")
			terminal.Contains(t, "a child has it", x.OK("bash -c 'az-ctx token | cut -c1-3'"), "eyJ")
			x.OK("az-ctx set --subscription " + azure.ContosoTest + " --name mine" + c.scope + "; az-ctx token >/dev/null")
			if after := u.saved(); after != before {
				t.Errorf("P62: after set saved is\n%s", after)
			}
			y := u.open()
			if got := list(t, y); len(got) != 0 {
				t.Errorf("P33: another terminal sees %q", names(got))
			}
			y.Fails(3, "az-ctx token")

			ways[c.end](x)
			// The next shell to begin sweeps what the dead one left.
			z := u.open()
			if got := list(t, z); len(got) != 0 {
				t.Errorf("P63: a new terminal sees %q", names(got))
			}
			if got := u.find(azure.ContosoTenant, azure.ContosoTest); len(got) != 0 {
				t.Errorf("P63: its contexts are still in %q", got)
			}
			if after := u.saved(); after != before {
				t.Errorf("P63: saved is\n%s", after)
			}
		})
	}
}

// A process sign-in leaves the saved one of the same account alone.
func TestP10BesideASavedOne(t *testing.T) {
	u := newUser(t, azure.Options{})
	u.as(azure.Alice)
	x, y := u.open(), u.open()
	x.OK(device)
	before := u.saved()
	y.OK(device + " --scope process")
	for _, c := range list(t, y) {
		if c.Scope != "process" {
			t.Errorf("%+v", c)
		}
	}
	y.OK("az-ctx disconnect --force --scope process")
	if u.saved() != before {
		t.Errorf("saved is\n%s", u.saved())
	}
	x.OK("az-ctx agent stop --force; az-ctx token >/dev/null")
}

// P74: a nested shell that signs out leaves the process sign-in of the shell
// around it.
func TestP74ChildLeavesItsParentsSignIn(t *testing.T) {
	u := newUser(t, azure.Options{})
	u.as(azure.Alice)
	x := u.open()
	x.OK(device + " --scope process")
	x.OK(`bash -c 'eval "$(az-ctx init bash)"; az-ctx token >/dev/null || exit 1; az-ctx disconnect --force; ! az-ctx token 2>/dev/null'`)
	x.OK("az-ctx token >/dev/null; az-ctx select " + dev + "; az-ctx token >/dev/null")
}

// P63: what still runs of a dead shell's is served no more with its process
// sign-in. The agent looks every 30 seconds.
func TestP63TheAgentForgetsToo(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("missing: curl")
	}
	u := newUser(t, azure.Options{})
	u.as(azure.Alice)
	x := u.open()
	x.OK(device + " --scope process; az-ctx token >/dev/null; mkfifo ended")
	x.OK(`ask() { curl -sf "$IDENTITY_ENDPOINT?api-version=2019-08-01&resource=https://management.azure.com" -H "X-IDENTITY-HEADER: $IDENTITY_HEADER"; }; export -f ask; ask >/dev/null`)
	x.OK(`setsid bash -c 'while [ -e /proc/$0 ]; do sleep 0.1; done; for i in {1..450}; do ask || break; sleep 0.1; done; ask >left; echo >ended' $$ >/dev/null 2>&1 </dev/null & :`)
	x.Kill()
	if _, err := os.ReadFile(u.path("ended")); err != nil { // waits
		t.Fatal(err)
	}
	if raw, err := os.ReadFile(u.path("left")); err != nil || len(raw) != 0 {
		t.Errorf("P63: after 45 seconds a token is still given out (%v)", err)
	}
	if got := u.find(u.cloud.Secrets()...); len(got) != 0 {
		t.Errorf("P63: tokens are in %q", got)
	}
}

// Without a keychain a sign-in is kept in memory, one line says so, and it is
// gone with the agent; with neither keychain nor session it fails.
func TestNoKeychain(t *testing.T) {
	u := newUserWithout(t, azure.Options{})
	u.as(azure.Alice)
	x := terminal.Bare(t, u.home, u.environ())
	before := u.saved()
	terminal.Contains(t, "neither keychain nor session", x.Fails(5, device), "no Secret Service", "try: ")
	if u.saved() != before {
		t.Errorf("it changed\n%s", u.saved())
	}

	x = u.open()
	terminal.Contains(t, "nothing is there yet", x.OK("az-ctx doctor"), "note   keychain", "no Secret Service", "try: ")
	out := x.OK(device)
	if n := strings.Count(out, "kept in memory until your last session ends"); n != 1 {
		t.Errorf("it was said %d times:\n%s", n, out)
	}
	for _, c := range list(t, x) {
		if c.SignIn != "memory" || c.Scope != "user" {
			t.Errorf("%+v", c)
		}
	}
	x.OK("az-ctx select " + dev + "; az-ctx token >/dev/null")
	y := u.open()
	y.OK("az-ctx token --context " + dev + " >/dev/null")
	if got := u.find(u.cloud.Secrets()...); len(got) != 0 {
		t.Errorf("tokens are in %q", got)
	}
	x.OK("az-ctx agent stop --force")
	terminal.Contains(t, "the agent is gone", x.Fails(4, "az-ctx token"), "sign-in is not here any more", "try: az-ctx connect")
	x.OK(device)
	x.OK("az-ctx token >/dev/null; az-ctx disconnect --force")
	x.Fails(4, "az-ctx token")
	if all := list(t, y); len(all) != 0 {
		t.Errorf("after disconnect there is %q", names(all))
	}
}

// doctor says that the keychain answers, and calls it wrong where a sign-in is in
// one that does not.
func TestDoctorLooksAtTheKeychain(t *testing.T) {
	u := newUser(t, azure.Options{})
	u.as(azure.Alice)
	x := u.open()
	terminal.Contains(t, "a keyring", x.OK("az-ctx doctor"), "ok     keychain")
	x.OK(device)
	terminal.Contains(t, "without it", x.Fails(1, "env DBUS_SESSION_BUS_ADDRESS=unix:path=/nowhere az-ctx doctor"), "wrong  keychain")
	if got := u.secrets(); len(got) != 1 {
		t.Errorf("the keyring has %q", got)
	}
}

// P64: with the contexts that autosave saves again goes their sign-in, so that
// another terminal can use them.
func TestP64EnableSavesTheSignIn(t *testing.T) {
	for name, keychain := range map[string]bool{"keychain": true, "none": false} {
		t.Run("P64 "+name, func(t *testing.T) {
			u := newUserWithout(t, azure.Options{})
			signIn, again := "memory", ":"
			if keychain {
				u.bus = u.startKeyring()
				signIn, again = "ok", "az-ctx agent stop --force"
			}
			u.as(azure.Alice)
			x := u.open()
			x.OK("az-ctx autosave disable; " + device)
			if keychain {
				if got := u.secrets(); len(got) != 0 {
					t.Errorf("P62: the keyring has %q", got)
				}
			}
			x.OK("az-ctx autosave enable; az-ctx token >/dev/null")
			if keychain {
				if got := u.secrets(); len(got) != 1 {
					t.Errorf("the keyring has %q", got)
				}
			}
			var active context
			parse(t, x.OK("az-ctx current -o json"), &active)
			if active.Scope != "user" {
				t.Errorf("the active one is %+v", active)
			}
			y := u.open()
			for _, terminal := range []*terminal.Terminal{x, y} {
				for _, c := range list(t, terminal) {
					if c.Scope != "user" || c.SignIn != signIn {
						t.Errorf("%+v", c)
					}
				}
			}
			y.OK(again + "; az-ctx select " + prod + "; az-ctx token >/dev/null")
		})
	}
}
