package cli

import (
	"os"
	"strings"
	"testing"
)

func TestReorder(t *testing.T) {
	commands := (&app{}).commands()
	for line, want := range map[string]string{
		"":                          "",
		"--version":                 "--version",
		"list":                      "list | --",
		"ls -o json":                "ls | -o | json | --",
		"select a --scope user":     "select | --scope | user | -- | a",
		"select --scope=user a":     "select | --scope=user | -- | a",
		"select a --quiet":          "select | --quiet | -- | a",
		"select --quiet a":          "select | --quiet | -- | a",
		"select -- -rf":             "select | -- | -rf",
		"select -":                  "select | -- | -",
		"select --name -rf":         "select | --name | -rf | --",
		"rename a --force b":        "rename | --force | -- | a | b",
		"rename a -- --force":       "rename | -- | a | --force",
		"remove a b --what-if c":    "remove | --what-if | -- | a | b | c",
		"set --subscription":        "set | --subscription",
		"remove a --name":           "remove | --name",
		"set -s x -t y":             "set | -s | x | -t | y | --",
		"exec -- ls -l":             "exec | -- | ls | -l",
		"exec ls -l --context x":    "exec | -- | ls | -l | --context | x",
		"exec --context x ls -- -l": "exec | --context | x | -- | ls | -- | -l",
		"exec --context=x -- -x":    "exec | --context=x | -- | -x",
		"agent status -o json":      "agent | status | -o | json | --",
		"agent":                     "agent",
		"agent dance x":             "agent | dance | x",
		"autosave disable --quiet":  "autosave | disable | --quiet | --",
		"config environment add X --audience a --force": "config | environment | add | --audience | a | --force | -- | X",
		"nonsense --x y":     "nonsense | --x | y",
		"select --unknown a": "select | --unknown | -- | a",
	} {
		got := reorder(commands, append([]string{"az-ctx"}, strings.Fields(line)...))
		if text := strings.Join(got[1:], " | "); text != want {
			t.Errorf("%s: %s, wanted %s", line, text, want)
		}
	}
}

func TestParseWrapper(t *testing.T) {
	w, err := parseWrapper("bash,42,43,himBHs,eval,ARM_TENANT_ID")
	if err != nil || w.shell != "bash" || w.pid != 42 || w.self != 43 || !w.interactive || !w.eval || w.readOnly != "ARM_TENANT_ID" || !w.subshell() {
		t.Errorf("%+v, %v", w, err)
	}
	w, err = parseWrapper("zsh,42,42,,direct,")
	if err != nil || w.interactive || w.eval || w.readOnly != "" || w.subshell() {
		t.Errorf("%+v, %v", w, err)
	}
	w, err = parseWrapper("bash,42,,hB,eval,") // bash 3.2 can't tell who runs the function
	if err != nil || w.self != os.Getppid() {
		t.Errorf("%+v, %v", w, err)
	}
	for _, s := range []string{"", "bash", "bash,1,1,i,eval", "bash,x,1,i,eval,", "bash,1,x,i,eval,", "bash,1,1,i,eval,,", ",,,,,"} {
		if w, err := parseWrapper(s); err == nil {
			t.Errorf("%q: %+v", s, w)
		}
	}
}

func TestScopeAndNames(t *testing.T) {
	for _, n := range []string{"", "\xff", "a\xc0b"} {
		if validName(n) == nil {
			t.Errorf("%q is a name", n)
		}
	}
	for _, n := range []string{" ", "-", "\x00", "a\nb", "../x", strings.Repeat("x", 10000)} {
		if err := validName(n); err != nil {
			t.Errorf("%q: %v", n, err)
		}
	}
}
