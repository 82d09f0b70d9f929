//go:build unix

package shell

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/az-ctx/az-ctx/shell"
)

// lint runs a tool over text, and fails where it says anything.
func lint(t *testing.T, text, name string, argv ...string) {
	t.Helper()
	if _, err := exec.LookPath(argv[0]); err != nil {
		t.Skip("missing: " + argv[0])
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(argv[0], append(argv[1:], path)...).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%q: %v\n%s", argv, err, out)
	}
}

// TestLint checks what init prints as well as the files that it is made of.
func TestLint(t *testing.T) {
	source := func(t *testing.T, path string) string {
		t.Helper()
		raw, err := os.ReadFile(filepath.Join("../..", path))
		if err != nil {
			t.Fatal(err)
		}
		if strings.ContainsRune(string(raw), '\r') {
			t.Errorf("%s has carriage returns", path)
		}
		return string(raw)
	}
	endings := map[string]string{"bash": "bash", "zsh": "zsh", "fish": "fish", "pwsh": "ps1"}
	for _, name := range shell.Shells() {
		init, err := shell.Init(name, "/opt/az-ctx's own/az-ctx", "dev")
		if err != nil {
			t.Fatal(err)
		}
		for label, text := range map[string]string{
			"init":       init,
			"shell":      source(t, "shell/az-ctx."+endings[name]),
			"completion": source(t, "completions/az-ctx."+endings[name]),
		} {
			t.Run(name+"/"+label, func(t *testing.T) {
				switch name {
				case "bash":
					t.Run("parse", func(t *testing.T) { lint(t, text, "x.bash", "bash", "-n") })
					t.Run("parse in posix mode", func(t *testing.T) { lint(t, text, "x.bash", "bash", "--posix", "-n") })
					t.Run("shellcheck", func(t *testing.T) { lint(t, text, "x.bash", "shellcheck", "-s", "bash") })
					if label != "init" { // the completion is inside an if there
						t.Run("shfmt", func(t *testing.T) { lint(t, text, "x.bash", "shfmt", "-d") })
					}
				case "zsh":
					t.Run("parse", func(t *testing.T) { lint(t, text, "x.zsh", "zsh", "-fn") })
				case "fish":
					t.Run("parse", func(t *testing.T) { lint(t, text, "x.fish", "fish", "--no-config", "-n") })
				case "pwsh":
					wantOldPowerShell(t, text)
				}
			})
		}
	}
}

// newSyntax is what Windows PowerShell 5.1 can't parse or does not have.
var newSyntax = map[string]*regexp.Regexp{
	"?? or ??=":        regexp.MustCompile(`\?\?`),
	"?. or ?[":         regexp.MustCompile(`\}\?[.\[]|\$\w+\?[.\[]`),
	"&& or ||":         regexp.MustCompile(`&&|\|\|`),
	"a ternary":        regexp.MustCompile(`\s\?\s[^{]*\s:\s`),
	"$IsWindows":       regexp.MustCompile(`(?i)\$Is(Windows|Linux|MacOS|CoreCLR)\b`),
	"-Parallel":        regexp.MustCompile(`(?i)-Parallel\b`),
	"`e or `u{":        regexp.MustCompile("`e|`u\\{"),
	"a last pipe line": regexp.MustCompile(`(?m)^\s*\|`),
	"ArgumentList":     regexp.MustCompile(`\.ArgumentList\b`),
	"clean block":      regexp.MustCompile(`(?m)^\s*clean\s*\{`),
}

// wantOldPowerShell: 5.1 reads a file without a BOM in the system's code page,
// so it has to be ASCII, and it has none of the later syntax.
func wantOldPowerShell(t *testing.T, text string) {
	t.Helper()
	for i, line := range strings.Split(text, "\n") {
		code, _, _ := strings.Cut(line, "# ") // what a comment says is no syntax
		for _, r := range line {
			if r >= 0x7f || r < ' ' {
				t.Errorf("line %d: %q is not ASCII text", i+1, line)
				break
			}
		}
		for what, re := range newSyntax {
			if re.MatchString(code) {
				t.Errorf("line %d: 5.1 has no %s: %s", i+1, what, line)
			}
		}
	}
}

// TestPwshParses asks PowerShell's own parser.
func TestPwshParses(t *testing.T) {
	d := dialects[3].in(t)
	h := newHome(t)
	text, err := shell.Init("pwsh", "", "dev")
	if err != nil {
		t.Fatal(err)
	}
	h.write("init.ps1", text)
	r := h.script(d, `$errors = $null; $null = [Management.Automation.Language.Parser]::ParseFile("$HOME/init.ps1", [ref]$null, [ref]$errors); $errors | ForEach-Object { "$_" }`)
	ended(t, r)
}
