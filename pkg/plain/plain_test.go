package plain

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
)

// What is to be pasted is one word to a shell and runs nothing, and it is the
// text itself where quotes can hold that.
func TestWord(t *testing.T) {
	for name, want := range map[string]string{
		"prod": "prod", "a.b-c_d/e@f:1": "a.b-c_d/e@f:1", "a b": "'a b'", "it's": `"it's"`, "": "''", "-rf": "'-rf'", "$(x)": "'$(x)'", "~": "'~'", "日本": "'日本'",
		"a\nb": "'a?b'", "\x1b[31m": "'?[31m'", "\u202e": "'?'", "'$(x)": "'?$(x)'", "\u2019;x": "\"\u2019;x\"", `C:\Users\x`: `'C:\Users\x'`, `x\`: "'x?'",
	} {
		if got := Word(name); got != want {
			t.Errorf("%q: %s, wanted %s", name, got, want)
		}
	}
	pwsh := os.Getenv("AZ_CTX_TEST_PWSH")
	if pwsh == "" {
		pwsh = "pwsh"
	}
	for _, shell := range [][]string{{"bash", "-c"}, {"zsh", "-c"}, {"fish", "-c"}, {pwsh, "-NoProfile", "-Command"}} {
		t.Run(filepath.Base(shell[0]), func(t *testing.T) {
			if _, err := exec.LookPath(shell[0]); err != nil {
				t.Skip("missing: ", err)
			}
			t.Chdir(t.TempDir())
			var lines, wanted []string
			for _, name := range hostile {
				lines = append(lines, "printf '%s\\n' "+Word(name))
				if w := Word(name); strings.Contains(name, "?") || !strings.Contains(w, "?") {
					wanted = append(wanted, name)
				} else {
					wanted = append(wanted, strings.Trim(w, "'"))
				}
			}
			command := exec.Command(shell[0], append(shell[1:], strings.Join(lines, "\n"))...)
			out, err := command.Output()
			if want := strings.Join(wanted, "\n") + "\n"; err != nil || string(out) != want {
				t.Errorf("%q, wanted %q: %v", out, want, err)
			}
			if left, err := os.ReadDir("."); err != nil || len(left) > 0 {
				t.Error("a name ran")
			}
		})
	}
}

var hostile = []string{
	"$(touch pwned)", "`touch pwned`", "'; touch pwned; '", "\u2018; touch pwned; \u2019", "\u201a;touch pwned;\u201b", "\u201c;touch pwned;\u201d",
	"it's $(touch pwned)", "it's `touch pwned`", `it's "; touch pwned; "`, "it's \u201d; touch pwned; \u201c", `"`, `\`, `\'; touch pwned; \'`, `\\`, `a\b`, `a\\b`, "it's !!",
	"a  b", "*", "!!", "'", "''", "it's", "#x", "a=b", "{a,b}", "(touch pwned)", "; touch pwned", "& touch pwned &", "a\ntouch pwned\n", "a\rb", "😀", "%x", "?",
}

func TestLine(t *testing.T) {
	hostile := "a\x1b]0;t\ab\u202ec\u2066d\re\u009bf\x00g\u2028h\x7fi"
	for _, f := range []func(string) string{Lines, Line} {
		for _, r := range f(hostile) {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' {
				t.Errorf("%q is left", r)
			}
		}
	}
	if Lines("a\nb") != "a\nb" || Line("a\nb") != "a\ufffdb" {
		t.Error("lines stay in a text, not in a cell")
	}
	if got := Line("Straße 日本語 🧪 é"); got != "Straße 日本語 🧪 é" {
		t.Error(got)
	}
}
