// Package install tests install.sh: each test has a HOME of its own.
package install

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// A build on a busy machine with an empty cache takes minutes.
const limit = 5 * time.Minute

const telemetry = "go/telemetry/mode"

const marked = "# >>> az-ctx, from its install.sh >>>"

var installed = []string{
	"bin/az-ctx",
	"share/bash-completion/completions/az-ctx",
	"share/fish/vendor_completions.d/az-ctx.fish",
	"share/zsh/site-functions/_az-ctx",
}

// user is somebody with a fresh HOME who calls install.sh.
type user struct {
	t    *testing.T
	home string
	env  []string
}

func newUser(t *testing.T) *user {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("only on Unix: install.sh is for a POSIX shell")
	}
	goEnv := func(name string) string {
		out, err := exec.Command("go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		return name + "=" + strings.TrimSpace(string(out))
	}
	u := &user{t: t, home: t.TempDir()}
	u.env = []string{
		"HOME=" + u.home, "PATH=" + os.Getenv("PATH"), "SHELL=/bin/bash", "TERM=dumb", "TMPDIR=" + t.TempDir(),
		// The user's own caches: an install into a fresh HOME would download all anew.
		goEnv("GOCACHE"), goEnv("GOMODCACHE"), goEnv("GOPROXY"),
	}
	// go counts its own use in HOME, in a process that outlives it.
	u.write(".config/"+telemetry, "off")
	return u
}

func (u *user) set(name, value string) { u.env = append(u.env, name+"="+value) }

func (u *user) path(elem ...string) string {
	return filepath.Join(append([]string{u.home}, elem...)...)
}

func (u *user) write(name, text string) string {
	u.t.Helper()
	path := u.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		u.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
		u.t.Fatal(err)
	}
	return path
}

func (u *user) command(ctx context.Context, args ...string) *exec.Cmd {
	script, err := filepath.Abs("../../install.sh")
	if err != nil {
		u.t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, script, args...)
	cmd.Env = u.env
	cmd.Dir = u.home
	return cmd
}

type result struct {
	code        int
	out, errors string
}

// run calls install.sh without a terminal.
func (u *user) run(args ...string) result {
	u.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := u.command(ctx, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	return result{u.wait(cmd.Run()), out.String(), errs.String()}
}

func (u *user) wait(err error) int {
	u.t.Helper()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	u.t.Fatal(err)
	return -1
}

func (u *user) must(args ...string) result {
	u.t.Helper()
	r := u.run(args...)
	if r.code != 0 {
		u.t.Fatalf("install.sh %q: exit %d\n%s%s", args, r.code, r.out, r.errors)
	}
	return r
}

// onTerminal calls install.sh on a terminal and gives each question the same
// answer. What it prints is returned.
func (u *user) onTerminal(answer string, args ...string) (string, int) {
	u.t.Helper()
	return u.typing(func(text string, typed int) string {
		if strings.Count(text, "[y/N] ") > typed {
			return answer + "\n"
		}
		return ""
	}, args...)
}

// typing calls install.sh on a terminal. After all that is printed, next says
// what is to be typed, knowing how often something was.
func (u *user) typing(next func(text string, typed int) string, args ...string) (string, int) {
	u.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := u.command(ctx, args...)
	tty, err := pty.Start(cmd)
	if err != nil {
		u.t.Fatal(err)
	}
	defer tty.Close()
	var text []byte
	typed := 0
	for buffer := make([]byte, 4096); ; {
		n, err := tty.Read(buffer)
		text = append(text, buffer[:n]...)
		if keys := next(string(text), typed); keys != "" {
			typed++
			if _, err := io.WriteString(tty, keys); err != nil {
				break
			}
		}
		if err != nil {
			break // Linux says EIO where the last of the terminal has gone
		}
	}
	code := u.wait(cmd.Wait())
	return strings.ReplaceAll(string(text), "\r\n", "\n"), code
}

// modules is where the PowerShell module lies among a user's data, a folder a
// version.
const modules = "az-ctx/pwsh"

// files lists what is below dir, by its path from there, but for that.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			path, err = filepath.Rel(dir, path)
			all = append(all, path)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	slices.Sort(all)
	return slices.DeleteFunc(all, func(path string) bool { return strings.HasSuffix(path, telemetry) || strings.Contains(path, modules) })
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestInstallTwiceUninstall(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"", "a pre fix", `it's "$(id)" \ *`} {
		t.Run("prefix "+prefix, func(t *testing.T) {
			u := newUser(t)
			args, dir := []string{}, u.path(".local")
			if prefix != "" {
				dir = u.path(prefix)
				args = []string{"--prefix", prefix} // below the working directory
			}
			first := u.must(args...)
			if first.out != "" {
				t.Errorf("standard output: %q", first.out)
			}
			if got := files(t, dir); !slices.Equal(got, installed) {
				t.Errorf("installed %q", got)
			}
			second := u.must(args...)
			if second.errors != first.errors {
				t.Errorf("the second time it said\n%safter\n%s", second.errors, first.errors)
			}
			if got := files(t, dir); !slices.Equal(got, installed) {
				t.Errorf("installed twice: %q", got)
			}
			out, err := exec.Command(filepath.Join(dir, "bin/az-ctx"), "--version").CombinedOutput()
			if err != nil || !strings.HasPrefix(string(out), "az-ctx version ") {
				t.Errorf("%v: %s", err, out)
			}

			module := u.path(".local/share/" + modules)
			if found, err := filepath.Glob(module + "/*/AzCtx/AzCtx.ps[dm]1"); err != nil || len(found) != 2 {
				t.Errorf("of the PowerShell module there is %q: %v", found, err)
			}

			u.write(".config/az-ctx/contexts/prod.json", "{}")
			u.must(append(args, "--uninstall")...)
			if got := files(t, dir); len(got) > 0 {
				t.Errorf("uninstall left %q", got)
			}
			if _, err := os.Stat(module); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("uninstall left the PowerShell module: %v", err)
			}
			if got := read(t, u.path(".config/az-ctx/contexts/prod.json")); got != "{}" {
				t.Errorf("uninstall changed a context: %s", got)
			}
			if again := u.must(append(args, "--uninstall")...); !strings.Contains(again.errors, "not installed") {
				t.Errorf("uninstalled twice: %s", again.errors)
			}
		})
	}
}

func TestStartFileIsLeftAloneWithoutAYes(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	rc := u.write(".bashrc", "alias ll='ls -l'\n")
	want := `  eval "$('` + u.path(".local/bin/az-ctx") + `' init bash)"`
	if r := u.must(); !strings.Contains(r.errors, want+"\n") || strings.Contains(r.errors, "[y/N]") {
		t.Errorf("without a terminal:\n%s", r.errors)
	}
	for _, answer := range []string{"", "n", "no", "q"} {
		text, code := u.onTerminal(answer)
		if code != 0 || !strings.Contains(text, "add az-ctx to ~/.bashrc? [y/N]") || !strings.Contains(text, want+"\n") {
			t.Errorf("answer %q: exit %d\n%s", answer, code, text)
		}
	}
	if got := read(t, rc); got != "alias ll='ls -l'\n" {
		t.Errorf(".bashrc was changed:\n%s", got)
	}
	// Found on PATH, it is called by its name.
	u.set("PATH", u.path(".local/bin")+":"+os.Getenv("PATH"))
	if r := u.must(); !strings.Contains(r.errors, `  eval "$(az-ctx init bash)"`+"\n") {
		t.Errorf("on PATH:\n%s", r.errors)
	}
}

func TestStartFileAfterAYes(t *testing.T) {
	t.Parallel()
	for _, shell := range []struct {
		name, rc, text string
		ask            []string // whether az-ctx is a function in a new shell
	}{
		{"bash", ".bashrc", "alias ll='ls -l'\n", []string{"bash", "-ic", "type -t az-ctx"}},
		{"zsh", ".zshrc", "alias ll='ls -l'\n", []string{"zsh", "-ic", "whence -w az-ctx"}},
		{"fish", ".config/fish/config.fish", "set -g fish_greeting\n", []string{"fish", "-ic", "type -t az-ctx"}},
	} {
		t.Run(shell.name, func(t *testing.T) {
			path, err := exec.LookPath(shell.name)
			if err != nil {
				t.Skip("missing: ", shell.name)
			}
			u := newUser(t)
			u.set("SHELL", path)
			prefix := u.path(`it's here`)
			// Dotfiles are often links into a repository.
			rc := u.write("dotfiles/rc", shell.text)
			if err := os.MkdirAll(filepath.Dir(u.path(shell.rc)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(rc, u.path(shell.rc)); err != nil {
				t.Fatal(err)
			}

			text, code := u.onTerminal("y", "--prefix", prefix)
			if code != 0 || !strings.Contains(text, "added to ~/"+shell.rc) {
				t.Fatalf("exit %d\n%s", code, text)
			}
			with := read(t, rc)
			if !strings.HasPrefix(with, shell.text+marked+"\n") {
				t.Errorf("start file:\n%s", with)
			}
			if info, err := os.Lstat(u.path(shell.rc)); err != nil || info.Mode()&fs.ModeSymlink == 0 {
				t.Errorf("the link is gone: %v %v", info, err)
			}
			if info, err := os.Stat(rc); err != nil || info.Mode().Perm() != 0o640 {
				t.Errorf("mode: %v %v", info, err)
			}
			cmd := exec.Command(shell.ask[0], shell.ask[1:]...)
			cmd.Env = u.env
			if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "function") {
				t.Errorf("a new %s: %v: %s", shell.name, err, out)
			}

			// Nothing is asked where all is as it should be.
			if text, _ := u.onTerminal("y", "--prefix", prefix); strings.Contains(text, "[y/N]") {
				t.Errorf("asked again:\n%s", text)
			}
			if again := read(t, rc); again != with {
				t.Errorf("changed again:\n%s", again)
			}

			// Another prefix moves the lines, and its uninstall alone takes them.
			other := u.path("other")
			if text, _ := u.onTerminal("yes", "--prefix", other); !strings.Contains(text, "lead az-ctx's lines in ~/"+shell.rc) {
				t.Errorf("another prefix:\n%s", text)
			}
			moved := read(t, rc)
			if strings.Count(moved, marked) != 1 || !strings.Contains(moved, other) {
				t.Errorf("another prefix:\n%s", moved)
			}
			u.must("--uninstall", "--prefix", prefix)
			if got := read(t, rc); got != moved {
				t.Errorf("uninstall of the first prefix changed\n%s", got)
			}
			u.must("--uninstall", "--prefix", other)
			if got := read(t, rc); got != shell.text {
				t.Errorf("after uninstall:\n%q, before:\n%q", got, shell.text)
			}
		})
	}
}

func TestStartFilesOddities(t *testing.T) {
	t.Parallel()
	t.Run("no start file yet", func(t *testing.T) {
		u := newUser(t)
		u.set("SHELL", "/usr/bin/fish")
		if text, code := u.onTerminal("y"); code != 0 {
			t.Fatalf("exit %d\n%s", code, text)
		}
		if got := read(t, u.path(".config/fish/config.fish")); !strings.HasPrefix(got, marked) {
			t.Error(got)
		}
	})
	t.Run("a line of one's own", func(t *testing.T) {
		u := newUser(t)
		u.write(".bashrc", "eval \"$(az-ctx init bash)\"\n")
		if text, _ := u.onTerminal("y"); strings.Contains(text, "[y/N]") {
			t.Error(text)
		}
	})
	t.Run("no end of the last line", func(t *testing.T) {
		u := newUser(t)
		rc := u.write(".bashrc", "export A=1")
		u.onTerminal("y")
		if got := read(t, rc); !strings.HasPrefix(got, "export A=1\n"+marked+"\n") {
			t.Error(got)
		}
	})
	t.Run("our end is missing", func(t *testing.T) {
		u := newUser(t)
		text := "a\n" + marked + "\nb\n"
		rc := u.write(".bashrc", text)
		u.onTerminal("n")
		u.must("--uninstall")
		if got := read(t, rc); got != text {
			t.Error(got)
		}
	})
}

func TestClearErrors(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	u.write("file", "")
	// The tools that come before go is needed, and no go.
	tools := t.TempDir()
	for _, name := range []string{"dirname", "cat", "rm"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(tools, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name string
		args []string
		env  string
		code int
		want string
	}{
		{"no go", nil, "PATH=" + tools, 1, "go is not on PATH"},
		{"no go for the demo", []string{"--demo"}, "PATH=" + tools, 1, "go is not on PATH"},
		{"no home", nil, "HOME=", 1, "HOME is not set"},
		{"a file in the way", []string{"--prefix", "file"}, "", 1, "can't make " + u.path("file/bin") + ": Not a directory"},
		{"below a file", []string{"--prefix=file/x"}, "", 1, "Not a directory"},
		{"no directory", []string{"--prefix"}, "", 2, "--prefix wants a directory"},
		{"empty", []string{"--prefix", ""}, "", 2, "--prefix wants a directory"},
		{"empty too", []string{"--prefix="}, "", 2, "--prefix wants a directory"},
		{"line break", []string{"--prefix", "a\nb"}, "", 2, "line break"},
		{"unknown", []string{"--yes"}, "", 2, "no option --yes"},
		{"demo elsewhere", []string{"--demo", "--prefix", "x"}, "", 2, "--demo makes a prefix of its own"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := *u
			v.t = t
			v.env = slices.Clone(u.env)
			if c.env != "" {
				v.env = append(v.env, c.env)
			}
			r := v.run(c.args...)
			if r.code != c.code || r.out != "" || strings.Count(r.errors, "\n") != 1 ||
				!strings.HasPrefix(r.errors, "install.sh: ") || !strings.Contains(r.errors, c.want) {
				t.Errorf("exit %d, out %q\n%s", r.code, r.out, r.errors)
			}
		})
	}
	if got := files(t, u.home); !slices.Equal(got, []string{"file"}) {
		t.Errorf("left %q", got)
	}
}

func TestUnwritablePrefix(t *testing.T) {
	t.Parallel()
	if os.Getuid() == 0 {
		t.Skip("only on an account that is not root: root writes everywhere")
	}
	u := newUser(t)
	if err := os.MkdirAll(u.path("shut/bin"), 0o555); err != nil {
		t.Fatal(err)
	}
	r := u.run("--prefix", "shut")
	if r.code != 1 || strings.Count(r.errors, "\n") != 1 || !strings.Contains(r.errors, "can't write into") {
		t.Errorf("exit %d\n%s", r.code, r.errors)
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	if r := newUser(t).must("--help"); !strings.HasPrefix(r.out, "usage: ./install.sh") || r.errors != "" {
		t.Errorf("%q, %q", r.out, r.errors)
	}
}

// A build that fails leaves what was installed before as it was.
func TestFailedBuildKeepsTheOldProgram(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	old := u.write(".local/bin/az-ctx", "old")
	u.set("GOFLAGS", "-no-such-flag")
	r := u.run()
	if r.code != 1 || !strings.Contains(r.errors, "install.sh: go build failed") {
		t.Errorf("exit %d\n%s", r.code, r.errors)
	}
	if got := read(t, old); got != "old" {
		t.Errorf("the program is now %q", got)
	}
	if got := files(t, u.path(".local")); !slices.Equal(got, []string{"bin/az-ctx"}) {
		t.Errorf("left %q", got)
	}
}

func needsBash(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("missing: bash")
	}
}

// leftovers is what the demo left: files in its temporary directory or in HOME,
// processes with one of these in their command line.
func (u *user) leftovers(tmp string) []string {
	u.t.Helper()
	left := append(files(u.t, tmp), files(u.t, u.home)...)
	entries, err := os.ReadDir(tmp)
	if err != nil {
		u.t.Fatal(err)
	}
	for _, e := range entries {
		left = append(left, e.Name())
	}
	commands, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		u.t.Fatal(err)
	}
	for _, c := range commands {
		if text, err := os.ReadFile(c); err == nil && bytes.Contains(text, []byte(tmp)) {
			left = append(left, c+": "+string(text))
		}
	}
	return left
}

func TestDemo(t *testing.T) {
	t.Parallel()
	needsBash(t)
	u := newUser(t)
	tmp := t.TempDir()
	u.set("TMPDIR", tmp)
	// What the user has must not show in it.
	u.set("AZ_CTX_NAME", "mine")
	u.set("AZURE_SUBSCRIPTION_ID", "mine")
	u.set("ARM_CLIENT_SECRET", "mine")
	u.set("XDG_STATE_HOME", u.path("state"))
	r := u.must("--demo")
	for _, want := range []string{
		"A $ az-ctx import --from az\n2 subscriptions of alice@contoso.com in 2 tenants",
		"* prod  Contoso Prod 1",
		"B $ az-ctx select dev\ndev · fabrikam.com · alice@contoso.com\n",
		"* dev   Fabrikam Dev",
		"A $ az-ctx select -\nprod · contoso.com · alice@contoso.com\n",
		"A $ az-ctx exec --context dev -- az-default\nFabrikam Dev",
		"B $ env | grep -cE '^(AZ_CTX|AZURE|ARM)_'\n0\n",
	} {
		if !strings.Contains(r.out, want) {
			t.Errorf("the demo has no %q", want)
		}
	}
	if strings.Contains(r.out, "mine") || strings.ContainsAny(r.out, "\x1b\x1e\r") {
		t.Errorf("the demo printed\n%q", r.out)
	}
	if left := u.leftovers(tmp); len(left) > 0 {
		t.Errorf("the demo left %q", left)
	}
}

func TestDemoInterrupted(t *testing.T) {
	t.Parallel()
	needsBash(t)
	u := newUser(t)
	tmp := t.TempDir()
	u.set("TMPDIR", tmp)
	text, code := u.typing(func(text string, typed int) string {
		if typed == 0 && strings.Contains(text, "az-ctx list") {
			return "\x03" // by then the agent runs
		}
		return ""
	}, "--demo")
	if code != 130 {
		t.Errorf("exit %d\n%s", code, text)
	}
	// The two shells end by the hangup, in their own time.
	var left []string
	for range 50 {
		if left = u.leftovers(tmp); len(left) == 0 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("left %q", left)
}

func TestDemoTerminated(t *testing.T) {
	t.Parallel()
	needsBash(t)
	u := newUser(t)
	tmp := t.TempDir()
	u.set("TMPDIR", tmp)
	cmd := u.command(context.Background(), "--demo")
	errs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// It says first that it builds.
	if _, err := errs.Read(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := u.wait(cmd.Wait()); code != 143 {
		t.Errorf("exit %d", code)
	}
	if left := u.leftovers(tmp); len(left) > 0 {
		t.Errorf("left %q", left)
	}
}
