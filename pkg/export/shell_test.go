//go:build unix

package export

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// values are what a cloud, another user or the user's own environment may hold.
var values = []string{
	"", " ", "plain", "it's", `"`, "`touch x`", "$(touch x)", "${HOME}", "$HOME", `\`, `\\`, `\'`, `'\''`, `a\`, "a\\\n", "\n", "\n\n", "one\ntwo\n", "\ttab", "\r", "a\rb", "a\r\nb\r\n",
	"\u2018", "\u2019; touch x; \u2019", "\u201A", "\u201B", "\u201C\u201D", "\x1b[31m", "\u202Ebidi", "\u0085next", "\u2028line", "\u00a0", "\ufeffbom", "\U0001F600",
	"-n", "--", "-e", "!", "!!", "%s%n", "*", "?", "~", "#", "a;touch x", "&", "|", "<", ">", "(", ")", "{a,b}", "[a]", "=ls", "^", "@{a=1}", "a,b", "/a:/b::c:", strings.Repeat("x", 5000),
}

// evaluators run the script in the file $SCRIPT the way that each shell's
// function does, and what follows.
var evaluators = map[string]struct {
	argv []string
	text string
	arg  string // runs /usr/bin/env printf over words
}{
	"bash": {[]string{"bash", "--noprofile", "--norc", "-c"}, `eval "$(/bin/cat "$SCRIPT")"`, "/usr/bin/env printf '%s\\0'"},
	"zsh":  {[]string{"zsh", "-fc"}, `eval "$(/bin/cat "$SCRIPT")"`, "/usr/bin/env printf '%s\\0'"},
	"fish": {[]string{"fish", "--no-config", "-c"}, `/bin/cat $SCRIPT | read -lz out; eval $out`, "/usr/bin/env printf '%s\\0'"},
	"pwsh": {[]string{"pwsh", "-NoProfile", "-Command"}, `$lines = /bin/cat $env:SCRIPT; Invoke-Expression ($lines -join "` + "`n" + `")`, "/usr/bin/env printf '%s\\0'"},
}

// evaluate runs a script in the real shell, then a command, and returns its
// standard output and error.
func evaluate(t *testing.T, shell, script, then string, env ...string) (stdout, stderr string) {
	t.Helper()
	e := evaluators[shell]
	argv := append([]string{}, e.argv...)
	if _, err := exec.LookPath(argv[0]); err != nil {
		argv[0] = filepath.Join("..", "..", "..", "shared", "pwsh", argv[0])
		if _, err := os.Stat(argv[0]); err != nil {
			t.Skip("missing: " + shell)
		}
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "script")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	path, err := filepath.Abs(argv[0])
	if err == nil && strings.Contains(argv[0], "/") {
		argv[0] = path
	}
	cmd := exec.Command(argv[0], append(argv[1:], e.text+"\n"+then)...)
	cmd.Dir = dir
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "LC_ALL=C.UTF-8", "SCRIPT=" + file}, env...)
	var out, errors strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errors
	if err := cmd.Run(); err != nil {
		t.Errorf("%s: %v\n%s", shell, err, errors.String())
	}
	if _, err := os.Stat(filepath.Join(dir, "x")); err == nil {
		t.Errorf("%s: a value ran as a command", shell)
	}
	return out.String(), errors.String()
}

func inShells(t *testing.T, test func(t *testing.T, name string, shell Shell)) {
	for name := range evaluators {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shell, err := ForShell(name)
			if err != nil {
				t.Fatal(err)
			}
			test(t, name, shell)
		})
	}
}

func dumped(stdout string) map[string]string {
	env := map[string]string{}
	for _, e := range strings.Split(stdout, "\x00") {
		name, text, _ := strings.Cut(e, "=")
		env[name] = text
	}
	return env
}

// TestValuesRoundTrip: what is set arrives, what is moved was never looked at,
// and nothing runs.
func TestValuesRoundTrip(t *testing.T) {
	inShells(t, func(t *testing.T, name string, shell Shell) {
		var script Script
		var start []string
		for i, v := range values {
			n := strconv.Itoa(i)
			script.Changes = append(script.Changes, Change{Name: "MOVED_" + n, From: "USER_" + n})
			start = append(start, "USER_"+n+"="+v)
		}
		for i, v := range values {
			script.Changes = append(script.Changes, Change{Name: "SET_" + strconv.Itoa(i), Value: v})
		}
		for i := range values {
			script.Changes = append(script.Changes, Change{Name: "USER_" + strconv.Itoa(i), Unset: true})
		}
		script.Changes = append(script.Changes, Change{Name: "NUL", Value: "a\x00b"})
		stdout, stderr := evaluate(t, name, shell.Script(script), "/usr/bin/env -0", start...)
		if stderr != "" {
			t.Errorf("standard error: %q", stderr)
		}
		env := dumped(stdout)
		for i, v := range values {
			n := strconv.Itoa(i)
			for _, kind := range []string{"SET_", "MOVED_"} {
				if got, ok := env[kind+n]; got != v || !ok {
					t.Errorf("%s %q arrives as %q (%v)", kind, v, got, ok)
				}
			}
			if got, ok := env["USER_"+n]; ok {
				t.Errorf("USER_%s is still %q", n, got)
			}
		}
		if env["NUL"] != "a\uFFFDb" {
			t.Errorf("NUL arrives as %q", env["NUL"])
		}
	})
}

// TestQuoteIsOneWord: as an argument too.
func TestQuoteIsOneWord(t *testing.T) {
	inShells(t, func(t *testing.T, name string, shell Shell) {
		var words []string
		for _, v := range values {
			words = append(words, shell.Quote(v))
		}
		stdout, _ := evaluate(t, name, "", evaluators[name].arg+" "+strings.Join(words, " "))
		got := strings.Split(strings.TrimSuffix(stdout, "\x00"), "\x00")
		if name == "pwsh" { // it ends its output's last line
			got = strings.Split(strings.TrimSuffix(strings.TrimSuffix(stdout, "\n"), "\x00"), "\x00")
		}
		if len(got) != len(values) {
			t.Fatalf("%d words arrive, want %d", len(got), len(values))
		}
		for i, v := range values {
			if got[i] != v {
				t.Errorf("%q arrives as %q", v, got[i])
			}
		}
	})
}

// TestDataAndSay go to the two outputs as they are.
func TestDataAndSay(t *testing.T) {
	inShells(t, func(t *testing.T, name string, shell Shell) {
		data := "[\n  {\"name\": \"it's $(touch x) `touch x` \u2019 %s \\\\n\"}\n]\n"
		say := "on it's $(touch x) \u2018%s\u2019 \\n\n  try: this"
		stdout, stderr := evaluate(t, name, shell.Script(Script{Data: data, Say: say}), "")
		if stdout != data {
			t.Errorf("standard output %q, want %q", stdout, data)
		}
		if stderr != say+"\n" {
			t.Errorf("standard error %q, want %q", stderr, say+"\n")
		}
		if empty := shell.Script(Script{}); empty != "" {
			t.Errorf("an empty script is %q", empty)
		}
	})
}

// TestLocalVariables: what the shell has and does not export is kept so.
func TestLocalVariables(t *testing.T) {
	inShells(t, func(t *testing.T, name string, shell Shell) {
		if name == "pwsh" {
			t.Skip("only on shells with unexported variables, unlike pwsh")
		}
		const value = "it's $(touch x) * \n"
		set := map[string]string{"fish": "set -g LOCAL "}[name]
		if set == "" {
			set = "LOCAL="
		}
		script := set + shell.Quote(value) + "\n" +
			shell.Script(Script{KeepLocal: []string{"LOCAL", "NONE"}, Changes: []Change{{Name: "LOCAL", Value: "ours"}, {Name: "NONE", Value: "ours"}}}) +
			"/usr/bin/env -0\n/usr/bin/env printf 'next=\\0'\n" +
			shell.Script(Script{Changes: []Change{{Name: "LOCAL", Unset: true}, {Name: "NONE", Unset: true}}, RestoreLocal: []string{"LOCAL", "NONE"}}) +
			"/usr/bin/env -0\n"
		stdout, stderr := evaluate(t, name, script, `/usr/bin/env printf 'LOCAL=%s\0' "$LOCAL"; /usr/bin/env printf 'WAS=%s\0' "$AZ_CTX_WAS_LOCAL"`)
		during, rest, _ := strings.Cut(stdout, "next=")
		if stderr != "" {
			t.Errorf("standard error: %q", stderr)
		}
		env := dumped(during)
		if _, ok := env[Was("LOCAL")]; ok || env["LOCAL"] != "ours" || env["NONE"] != "ours" {
			t.Errorf("during: %q", env)
		}
		exported, shown, _ := strings.Cut(rest, "\x00LOCAL=")
		if env := dumped(exported); env["NONE"] != "" || strings.Contains(exported, "touch") {
			t.Errorf("after: %q", env)
		}
		if want := value + "\x00WAS=\x00"; shown != want {
			t.Errorf("the shell's own: %q, want %q", shown, want)
		}
	})
}
