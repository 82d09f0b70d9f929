package plain

import (
	"os"
	"os/exec"
	"testing"
	"unicode"
)

// What is to be pasted is one word to a shell, the name itself, and runs nothing.
func TestWord(t *testing.T) {
	for name, want := range map[string]string{
		"prod": "prod", "a.b-c_d/e@f:1": "a.b-c_d/e@f:1", "a b": "'a b'", "it's": `'it'\''s'`, "": "''", "-rf": "'-rf'", "$(x)": "'$(x)'", "~": "'~'", "日本": "'日本'",
		"a\nb": `"a\nb"`, "\x1b[31m": `"\x1b[31m"`, "\u202e": `"\u202e"`,
	} {
		if got := Word(name); got != want {
			t.Errorf("%q: %s, wanted %s", name, got, want)
		}
	}
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	t.Chdir(t.TempDir())
	for _, name := range []string{"$(touch pwned)", "`touch pwned`", "'; touch pwned; '", `"`, `\`, "a  b", "*", "!!", "'", "''", "#x", "a=b", "{a,b}", "😀"} {
		out, err := exec.Command(bash, "-c", "printf %s "+Word(name)).Output()
		if err != nil || string(out) != name {
			t.Errorf("%q becomes %q: %v", name, out, err)
		}
	}
	if left, err := os.ReadDir("."); err != nil || len(left) > 0 {
		t.Error("a name ran")
	}
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
