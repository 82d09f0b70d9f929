package cli

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/az-ctx/az-ctx/pkg/azure"
)

// P29
func TestNear(t *testing.T) {
	names := []string{"prod", "pre-prod", "dev", "Contoso Prod 1 (00000001-0000-4000-8000-000000000000)", "straße", "x"}
	for typed, want := range map[string][]string{
		"prd":           {"prod", "pre-prod", names[3]},
		"PROD":          {"prod", "pre-prod", names[3]},
		"pord":          {"prod"},
		"devv":          {"dev"},
		"contoso":       {names[3]},
		"nothing alike": nil,
		"STRAßE":        {"straße"},
	} {
		if got := near(typed, names); !slices.Equal(got, want) {
			t.Errorf("%q: %q, wanted %q", typed, got, want)
		}
	}
	if got := near("anything", nil); got != nil {
		t.Errorf("%q", got)
	}
	if got := nearText([]string{"a\x1b[31m", "b\u202e"}); got != "; near: a\ufffd[31m, b\ufffd" {
		t.Errorf("%q", got)
	}
}

func TestDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0}, {"abc", "acb", 2}, {"kitten", "sitting", 3}, {"日本", "日木", 1}} {
		if got := distance(test.a, test.b); got != test.want || distance(test.b, test.a) != got {
			t.Errorf("%q, %q: %d", test.a, test.b, got)
		}
	}
}

// What is to be pasted is one word to a shell, the name itself, and runs nothing.
func TestWord(t *testing.T) {
	for name, want := range map[string]string{
		"prod": "prod", "a.b-c_d/e@f:1": "a.b-c_d/e@f:1", "a b": "'a b'", "it's": `'it'\''s'`, "": "''", "-rf": "'-rf'", "$(x)": "'$(x)'", "~": "'~'", "日本": "'日本'",
		"a\nb": `"a\nb"`, "\x1b[31m": `"\x1b[31m"`, "\u202e": `"\u202e"`,
	} {
		if got := word(name); got != want {
			t.Errorf("%q: %s, wanted %s", name, got, want)
		}
	}
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	t.Chdir(t.TempDir())
	for _, name := range []string{"$(touch pwned)", "`touch pwned`", "'; touch pwned; '", `"`, `\`, "a  b", "*", "!!", "'", "''", "#x", "a=b", "{a,b}", "😀"} {
		out, err := exec.Command(bash, "-c", "printf %s "+word(name)).Output()
		if err != nil || string(out) != name {
			t.Errorf("%q becomes %q: %v", name, out, err)
		}
	}
	if left, err := os.ReadDir("."); err != nil || len(left) > 0 {
		t.Error("a name ran")
	}
}

func TestVisible(t *testing.T) {
	hostile := "a\x1b]0;t\ab\u202ec\u2066d\re\u009bf\x00g\u2028h\x7fi"
	for _, f := range []func(string) string{visible, cell} {
		for _, r := range f(hostile) {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' {
				t.Errorf("%q is left", r)
			}
		}
	}
	if visible("a\nb") != "a\nb" || cell("a\nb") != "a\ufffdb" {
		t.Error("lines stay in a text, not in a cell")
	}
	if got := cell("Straße 日本語 🧪 é"); got != "Straße 日本語 🧪 é" {
		t.Error(got)
	}
}

func TestIsProduction(t *testing.T) {
	for _, test := range []struct {
		name, sub string
		want      bool
	}{
		{"prod", "", true}, {"PROD", "", true}, {"my-prod-1", "", true}, {"prod1", "", true}, {"x", "Contoso Prod 1", true}, {"Production", "", true}, {"prd_eu", "", true},
		{"dev", "", false}, {"product", "", false}, {"reproduction", "", false}, {"nonprod", "", false}, {"pre-prod", "", false}, {"non-prod", "", false}, {"not prod", "", false}, {"x", "Pre Production", false},
		{"pre", "Prod 1", true}, {"non", "prod", true}, // two names, not two words of one
		{"pre-prod", "Contoso Prod", true}, {"", "", false},
	} {
		c := azure.Context{Name: test.name}
		if test.sub != "" {
			c.Subscription = &azure.Subscription{Name: test.sub}
		}
		if got := isProduction(c); got != test.want {
			t.Errorf("%q, %q: %v", test.name, test.sub, got)
		}
	}
}

func TestLabelAndLine(t *testing.T) {
	c := azure.Context{Name: "Prod (1)", Account: azure.Account{ID: "alice\x1b"}, Tenant: azure.Tenant{ID: "t", Domain: "contoso.com"}, Subscription: &azure.Subscription{ID: "1", Name: "Prod"}}
	if got := line(c); got != "Prod · contoso.com · alice\ufffd" {
		t.Error(got)
	}
	c.Name = "mine"
	if got := label(c); got != "mine" {
		t.Error(got)
	}
	c.Tenant.Domain, c.Subscription = "", nil
	if got := line(c); !strings.HasPrefix(got, "mine · t · ") {
		t.Error(got)
	}
}
