//go:build unix

// Package shell tests az-ctx's functions, hooks and completions in the real
// shells, with the real program: wrapper code can't be believed until it ran.
package shell

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

	"github.com/az-ctx/az-ctx/pkg/azure"
	build "github.com/az-ctx/az-ctx/test/program"
)

// limit is how long anything may take before the test fails; nothing waits for
// it that goes well.
const limit = 60 * time.Second

var (
	program string // the az-ctx under test
	pwsh    string // "" where there is none
)

func TestMain(m *testing.M) {
	pwsh = build.Pwsh()
	os.Exit(build.Main(m, func(path string) { program = path }))
}

// home is a user of az-ctx: a directory of their own, with contexts, whose
// agent is stopped in the end.
type home struct {
	t   testing.TB
	dir string
	env []string // NAME=value, all that a shell of theirs starts with
}

// contexts that every home has.
const (
	prod = "prod"
	dev  = "dev"
	odd  = `it's "odd" (x)`
)

func newHome(t testing.TB, names ...string) *home {
	t.Helper()
	h := &home{t: t, dir: t.TempDir()}
	path := filepath.Dir(program) + ":" + os.Getenv("PATH")
	h.env = []string{"HOME=" + h.dir, "PATH=" + path, "TERM=xterm", "LANG=C.UTF-8", "LC_ALL=C.UTF-8", "T=" + h.path("t")}
	for _, name := range []string{"t", ".azure"} {
		if err := os.Mkdir(h.path(name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		stop := exec.Command(program, "agent", "stop", "--force")
		stop.Env = h.env
		stop.Run() // it fails where no agent was started
	})
	h.importContexts(append([]string{prod, dev, odd}, names...))
	return h
}

func (h *home) path(name string) string { return filepath.Join(h.dir, name) }

func (h *home) write(name, text string) {
	h.t.Helper()
	if err := os.MkdirAll(filepath.Dir(h.path(name)), 0o700); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(h.path(name), []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

func (h *home) read(name string) string {
	h.t.Helper()
	raw, err := os.ReadFile(h.path(name))
	if err != nil {
		h.t.Fatal(err)
	}
	return string(raw)
}

// subscription is the id of the subscription that the nth context is on.
func subscription(n int) string { return fmt.Sprintf("%08d-0000-4000-8000-000000000000", n) }

const tenant = "aaaaaaaa-0000-4000-8000-000000000001"

// importContexts makes contexts by those names, in our own form of a file.
func (h *home) importContexts(names []string) {
	h.t.Helper()
	file := map[string]any{"format": "az-ctx", "version": 1, "active": nil, "environments": []string{}}
	var contexts []azure.Context
	for i, name := range names {
		contexts = append(contexts, azure.Context{
			Name:         name,
			Account:      azure.Account{ID: "alice@contoso.com", Type: azure.User, Borrowed: &azure.Borrowed{From: "az", Directory: h.path(".azure")}},
			Tenant:       azure.Tenant{ID: tenant, Name: "Contoso", Domain: "contoso.com"},
			Subscription: &azure.Subscription{ID: subscription(i + 1), Name: fmt.Sprintf("Contoso %d", i+1), State: "Enabled", TenantID: tenant},
			Environment:  "AzureCloud",
		})
	}
	file["contexts"] = contexts
	raw, err := json.Marshal(file)
	if err != nil {
		h.t.Fatal(err)
	}
	h.write("contexts.json", string(raw))
	h.azctx("import", h.path("contexts.json"))
}

// azctx runs the program without a function, and returns its standard output.
func (h *home) azctx(args ...string) string {
	h.t.Helper()
	r := h.run(append([]string{program}, args...), "")
	if r.code != 0 {
		h.t.Fatalf("az-ctx %q: exit status %d\n%s", args, r.code, r.stderr)
	}
	return r.stdout
}

// result is what came of a command.
type result struct {
	stdout, stderr string
	code           int
}

// run runs a command with the home's environment and more, and reads it to the
// end.
func (h *home) run(argv []string, stdin string, more ...string) result {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.WaitDelay = time.Second // a job that outlives its shell may hold the pipes
	cmd.Env, cmd.Dir = append(slices.Clone(h.env), more...), h.dir
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	err := cmd.Run()
	if ctx.Err() != nil {
		h.t.Fatalf("%q did not end\n%s%s", argv, stdout.String(), stderr.String())
	}
	if _, ok := err.(*exec.ExitError); err != nil && !ok {
		h.t.Fatalf("%q: %v", argv, err)
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// environ reads what `env -0` wrote, without what no shell keeps.
func environ(raw string) map[string]string {
	m := map[string]string{}
	for _, e := range strings.Split(strings.TrimSuffix(raw, "\x00"), "\x00") {
		name, text, _ := strings.Cut(e, "=")
		switch name {
		case "_", "__s", "SHLVL", "PWD", "OLDPWD", "":
		default:
			m[name] = text
		}
	}
	return m
}

// sameEnviron fails where two environments differ, and names what differs.
func sameEnviron(t *testing.T, what string, got, want map[string]string) {
	t.Helper()
	for name, text := range want {
		if now, ok := got[name]; !ok {
			t.Errorf("%s: %s is gone, was %q", what, name, text)
		} else if now != text {
			t.Errorf("%s: %s is %q, was %q", what, name, now, text)
		}
	}
	for name, text := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s: %s=%q is new", what, name, text)
		}
	}
}

// wantOn fails where an environment is not on the home's nth context.
func wantOn(t *testing.T, what string, env map[string]string, n int, name string) {
	t.Helper()
	if env["AZ_CTX_NAME"] != name {
		t.Errorf("%s: AZ_CTX_NAME is %q, want %q", what, env["AZ_CTX_NAME"], name)
	}
	for _, v := range []string{"AZURE_SUBSCRIPTION_ID", "ARM_SUBSCRIPTION_ID"} {
		if env[v] != subscription(n) {
			t.Errorf("%s: %s is %q, want %q", what, v, env[v], subscription(n))
		}
	}
	for _, v := range []string{"AZ_CTX_SESSION", "AZURE_CONFIG_DIR", "IDENTITY_ENDPOINT", "IDENTITY_HEADER"} {
		if env[v] == "" {
			t.Errorf("%s: %s is empty", what, v)
		}
	}
}
