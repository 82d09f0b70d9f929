// Package parity runs the real program through the behaviours of parity.md, one
// script a behaviour, named after its lines: p29-….txtar shows P29.
//
// Each script has a home of its own, with the sign-in of a real az in it
// (testdata/azureProfile.json), and no other process of az-ctx's. A shell is
// real bash with the function of `az-ctx init bash`.
package parity

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/rogpeppe/go-internal/testscript"
)

// lib holds what the scripts of bash begin with.
var lib string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "az-ctx-parity")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // for a script that runs as another user
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	// The agent is this program again, by os.Executable: so it is built, and not
	// run within the test.
	build := exec.Command("go", "build", "-trimpath", "-tags", "urfave_cli_no_docs", "-o", filepath.Join(dir, "az-ctx"), "github.com/az-ctx/az-ctx/cmd/az-ctx")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building az-ctx: %v\n%s", err, out)
		return 1
	}
	here, err := filepath.Abs("testdata")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	lib = filepath.Join(here, "lib.bash")
	bin, program = filepath.Join(here, "bin"), dir
	return m.Run()
}

var bin, program string

func TestParity(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("no bash")
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setup,
		Condition:           condition,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits,
			"json":  isJSON,
			"tty":   tty,
			"same":  same,
		},
	})
}

// setup gives a script its own home, az's sign-in in it, and nothing else of
// this machine's user.
func setup(env *testscript.Env) error {
	home := filepath.Join(env.WorkDir, "home")
	az := filepath.Join(home, ".azure")
	if err := os.MkdirAll(az, 0o700); err != nil {
		return err
	}
	raw, err := os.ReadFile(filepath.Join("testdata", "azureProfile.json"))
	if err != nil {
		return err
	}
	// az writes one line with a byte order mark.
	var line bytes.Buffer
	line.WriteString("\ufeff")
	if err := json.Compact(&line, raw); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(az, "azureProfile.json"), line.Bytes(), 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(az, "config"), []byte("[cloud]\nname = AzureCloud\n\n"), 0o600); err != nil {
		return err
	}
	env.Vars = []string{
		"WORK=" + env.WorkDir, "HOME=" + home, "TMPDIR=" + filepath.Join(env.WorkDir, ".tmp"),
		"PATH=" + strings.Join([]string{program, bin, "/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"}, ":"),
		"LIB=" + lib, "LC_ALL=C.UTF-8", "SHELL=/bin/bash", "TERM=dumb",
	}
	vars := env.Vars
	env.Defer(func() {
		stop := exec.Command(filepath.Join(program, "az-ctx"), "agent", "stop", "--force")
		stop.Env = vars
		stop.Run() // it fails where none runs
	})
	return nil
}

// condition knows `[user:root]` and `[namespace]`, which is whether a mount
// namespace can be had.
func condition(cond string) (bool, error) {
	switch cond {
	case "root":
		return os.Geteuid() == 0, nil
	case "namespace":
		return exec.Command("unshare", "-m", "true").Run() == nil, nil
	}
	return false, fmt.Errorf("unknown condition %q", cond)
}

// exits N COMMAND… runs the command, and fails where its status is not N.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits N command…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("%s exits with %d, not %d", args[1], got, want)
	}
}

// json FILE PATH VALUE compares one value of a JSON file, or of stdout: PATH is
// keys and indexes with dots between, VALUE is JSON, or text as it is.
func isJSON(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: json file path value")
	}
	var v any
	text := strings.TrimPrefix(ts.ReadFile(args[0]), "\ufeff")
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		ts.Fatalf("%s is no JSON: %v\n%s", args[0], err, text)
	}
	for _, key := range strings.Split(args[1], ".") {
		if key == "" {
			continue
		}
		switch at := v.(type) {
		case map[string]any:
			next, ok := at[key]
			if !ok {
				ts.Fatalf("no %q in %s", key, args[1])
			}
			v = next
		case []any:
			i, err := strconv.Atoi(key)
			if key == "#" {
				v = float64(len(at))
				continue
			}
			if err != nil || i >= len(at) {
				ts.Fatalf("no %q in %s, which has %d", key, args[1], len(at))
			}
			v = at[i]
		default:
			ts.Fatalf("%q of %s is in no object: %v", key, args[1], v)
		}
	}
	var want any
	if json.Unmarshal([]byte(args[2]), &want) != nil {
		want = args[2]
	}
	got, _ := json.Marshal(v)
	wanted, _ := json.Marshal(want)
	if bytes.Equal(got, wanted) == neg {
		ts.Fatalf("%s is %s, wanted %s", args[1], got, wanted)
	}
}

// same snapshots what lies below HOME: the first call with a name takes the
// picture, the next ones compare with it.
func same(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: same picture directory")
	}
	var now strings.Builder
	root := ts.MkAbs(args[1])
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		fmt.Fprintf(&now, "%s %s", path, info.Mode())
		if info.Mode().IsRegular() {
			raw, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(&now, " %q", raw)
		}
		now.WriteByte('\n')
		return nil
	})
	ts.Check(err)
	picture := ts.MkAbs("." + args[0] + ".picture")
	was, err := os.ReadFile(picture)
	if errors.Is(err, os.ErrNotExist) && !neg {
		ts.Check(os.WriteFile(picture, []byte(now.String()), 0o600))
		return
	}
	ts.Check(err)
	if (string(was) == now.String()) == neg {
		ts.Fatalf("%s: was\n%s\nis\n%s", args[1], was, now.String())
	}
}

// tty ANSWER STATUS COMMAND… runs the command at a terminal, answers its
// question, and compares its status. ANSWER is `-` where none is to be asked.
// What the terminal showed is in the file tty.
func tty(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: tty answer status command…")
	}
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	cmd := exec.Command("env", args[2:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = nil
	for _, name := range []string{"WORK", "HOME", "TMPDIR", "PATH", "LIB", "LC_ALL", "SHELL", "TERM", "XDG_CONFIG_HOME"} {
		if text := ts.Getenv(name); text != "" {
			cmd.Env = append(cmd.Env, name+"="+text)
		}
	}
	terminal, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 200})
	ts.Check(err)
	defer terminal.Close()
	watchdog := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	defer watchdog.Stop()
	var shown bytes.Buffer
	asked := false
	buffer := make([]byte, 4096)
	for {
		n, err := terminal.Read(buffer)
		shown.Write(buffer[:n])
		if !asked && args[0] != "-" && bytes.Contains(shown.Bytes(), []byte("[y/N] ")) {
			asked = true
			_, err := io.WriteString(terminal, args[0]+"\n")
			ts.Check(err)
		}
		if err != nil {
			break // EIO is how Linux says that nobody has the terminal any more
		}
	}
	got := 0
	if exit := (*exec.ExitError)(nil); errors.As(cmd.Wait(), &exit) {
		got = exit.ExitCode()
	}
	text := strings.ReplaceAll(shown.String(), "\r\n", "\n")
	ts.Logf("[tty]\n%s", text)
	ts.Check(os.WriteFile(ts.MkAbs("tty"), []byte(text), 0o600))
	if got != want {
		ts.Fatalf("%s exits with %d, not %d", args[2], got, want)
	}
	if args[0] != "-" && !asked {
		ts.Fatalf("%s asked nothing", args[2])
	}
	if args[0] == "-" && strings.Contains(text, "[y/N]") {
		ts.Fatalf("%s asked", args[2])
	}
}
