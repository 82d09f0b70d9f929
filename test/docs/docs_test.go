// Package docs tests that the documents keep up with what they describe.
package docs

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func run(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = "../.."
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", args, err, errs.Bytes())
	}
	return out
}

func TestEachModuleIsExplained(t *testing.T) {
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	if err := json.Unmarshal(run(t, "go", "mod", "edit", "-json"), &mod); err != nil {
		t.Fatal(err)
	}
	if len(mod.Require) == 0 {
		t.Fatal("go.mod requires nothing")
	}
	text := read(t, "docs/dependencies.md")
	for _, m := range mod.Require {
		if !m.Indirect && !strings.Contains(text, m.Path) {
			t.Errorf("docs/dependencies.md has no line for %s", m.Path)
		}
	}
}

func TestEachCommandIsInTheReadme(t *testing.T) {
	program := filepath.Join(t.TempDir(), "az-ctx")
	run(t, "go", "build", "-tags", "urfave_cli_no_docs", "-o", program, "./cmd/az-ctx")
	_, list, ok := strings.Cut(string(run(t, program, "--help")), "COMMANDS:\n")
	if !ok {
		t.Fatal("--help lists no commands")
	}
	list, _, _ = strings.Cut(list, "\n\n")
	readme := read(t, "README.md")
	for _, line := range strings.Split(list, "\n") {
		for _, name := range strings.Split(strings.SplitN(strings.TrimSpace(line), "  ", 2)[0], ", ") {
			if !strings.Contains(readme, "`"+name+"`") && !strings.Contains(readme, "`"+name+" ") {
				t.Errorf("README.md has no command %q", name)
			}
		}
	}
}

var link = regexp.MustCompile(`\]\(([^)#:]+)\)`)

func TestLinksLeadSomewhere(t *testing.T) {
	for _, path := range []string{"README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/az.md", "docs/dependencies.md"} {
		for _, m := range link.FindAllStringSubmatch(read(t, path), -1) {
			if _, err := os.Stat(filepath.Join("../..", filepath.Dir(path), m[1])); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
}
