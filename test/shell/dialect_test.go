//go:build unix

package shell

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// dialect is how a shell says what the scenarios need. Scripts find a directory
// for what they have to report in $T, and the plain program in $AZ_CTX.
type dialect struct {
	name  string
	argv  []string // what runs a script file, without start files
	init  string
	quote func(text string) string
	// set exports a variable, local sets one without exporting it.
	set, local func(name, text string) string
	// run runs a command, its output into T/LABEL.out and .err, its exit status
	// into T/LABEL.status, and the environment after it into T/LABEL.env. It goes
	// on after a failure also where the shell is told not to.
	run func(label, command string) string
}

const dump = `/usr/bin/env -0`

func posixQuote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

func posixRun(label, command string) string {
	at := `"$T/` + label
	return `if ` + command + ` >` + at + `.out" 2>` + at + `.err"; then __s=0; else __s=$?; fi; /usr/bin/env printf %s "$__s" >` + at + `.status"; ` + dump + ` >` + at + `.env"` + "\n"
}

func pwshQuote(text string) string {
	return "'" + strings.NewReplacer("'", "''", "\u2018", "\u2018\u2018", "\u2019", "\u2019\u2019", "\u201A", "\u201A\u201A", "\u201B", "\u201B\u201B").Replace(text) + "'"
}

var dialects = []dialect{
	{
		name: "bash", argv: []string{"bash", "--noprofile", "--norc"}, init: `eval "$(az-ctx init bash)"`, quote: posixQuote,
		set:   func(name, text string) string { return "export " + name + "=" + posixQuote(text) + "\n" },
		local: func(name, text string) string { return name + "=" + posixQuote(text) + "\n" },
		run:   posixRun,
	},
	{
		name: "zsh", argv: []string{"zsh", "-f"}, init: `eval "$(az-ctx init zsh)"`, quote: posixQuote,
		set:   func(name, text string) string { return "export " + name + "=" + posixQuote(text) + "\n" },
		local: func(name, text string) string { return name + "=" + posixQuote(text) + "\n" },
		run:   posixRun,
	},
	{
		name: "fish", argv: []string{"fish", "--no-config"}, init: `az-ctx init fish | source`,
		quote: func(text string) string { return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'" },
		set: func(name, text string) string {
			return "set -gx " + name + " '" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'\n"
		},
		local: func(name, text string) string {
			return "set -g " + name + " '" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'\n"
		},
		run: func(label, command string) string {
			at := `"$T/` + label
			return command + ` >` + at + `.out" 2>` + at + `.err"; set __s $status; /usr/bin/env printf %s "$__s" >` + at + `.status"; ` + dump + ` >` + at + `.env"` + "\n"
		},
	},
	{
		name: "pwsh", argv: []string{"pwsh", "-NoProfile", "-File"}, init: `az-ctx init pwsh | Out-String | Invoke-Expression`, quote: pwshQuote,
		set: func(name, text string) string { return "$env:" + name + " = " + pwshQuote(text) + "\n" },
		run: func(label, command string) string {
			at := `"$env:T/` + label
			return `try { ` + command + ` >` + at + `.out" 2>` + at + `.err" } catch { } ; $s = $LASTEXITCODE; $PSNativeCommandUseErrorActionPreference = $false; ` +
				`[IO.File]::WriteAllText(` + at + `.status", "$s"); /bin/sh -c '` + dump + ` >"$T/` + label + `.env"'` + "\n"
		},
	},
}

// in skips where the shell is missing, and completes how it is called.
func (d dialect) in(t *testing.T) dialect {
	t.Helper()
	if d.name == "pwsh" {
		if pwsh == "" {
			t.Skip("missing: pwsh")
		}
		d.argv = append([]string{pwsh}, d.argv[1:]...)
	} else if _, err := exec.LookPath(d.argv[0]); err != nil {
		t.Skip("missing: " + d.argv[0])
	}
	return d
}

// each runs a test in every shell.
func each(t *testing.T, test func(t *testing.T, d dialect)) {
	for _, d := range dialects {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			test(t, d.in(t))
		})
	}
}

// script runs a script file in the shell, with args of the shell's own first.
func (h *home) script(d dialect, text string, args ...string) result {
	h.t.Helper()
	name := "script." + d.name
	if d.name == "pwsh" {
		name = "script.ps1"
	}
	h.write(name, text)
	argv := append(append([]string{}, d.argv...), args...)
	if d.name == "pwsh" { // -File has to be the last
		argv = append(append(append([]string{}, d.argv[:1]...), args...), d.argv[1:]...)
	}
	return h.run(append(argv, h.path(name)), "", "AZ_CTX="+program)
}

// step is what a script's run reported of one command.
type step struct {
	result
	env map[string]string
}

func (h *home) step(label string) step {
	h.t.Helper()
	read := func(ending string) string { return h.read(filepath.Join("t", label+ending)) }
	s := step{env: environ(read(".env"))}
	s.stdout, s.stderr = read(".out"), read(".err")
	switch status := read(".status"); status {
	case "":
		s.code = 0
	default:
		for _, c := range status {
			s.code = s.code*10 + int(c-'0')
		}
	}
	return s
}

// ended fails where a script wrote to its own output, or did not end well.
func ended(t *testing.T, r result) {
	t.Helper()
	if r.code != 0 || r.stdout != "" || r.stderr != "" {
		t.Errorf("the script ended with %d\nstdout: %q\nstderr: %q", r.code, r.stdout, r.stderr)
	}
}

// noFile fails where a name ran as a command and left the file it makes.
func (h *home) noFile(name string) {
	h.t.Helper()
	if _, err := os.Lstat(h.path(name)); err == nil {
		h.t.Errorf("a name ran as a command: %s exists", name)
	}
}
