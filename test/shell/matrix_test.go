//go:build unix

package shell

import (
	"regexp"
	"strings"
	"testing"
)

// mode is a way to set a shell that breaks careless code.
type mode struct {
	name   string
	args   []string // for the shell itself
	before string   // before init
	after  string   // after init
	traced bool     // standard error has the shell's own trace
	chatty bool     // a trap of the user's prints DEBUG
}

var modes = map[string][]mode{
	"bash": {
		{name: "plain"},
		{name: "errexit", before: "set -e"},
		{name: "nounset", before: "set -u"},
		{name: "pipefail", before: "set -o pipefail"},
		{name: "strict", before: "set -eEuo pipefail\nshopt -s inherit_errexit"},
		{name: "strict arguments", args: []string{"-euo", "pipefail"}},
		{name: "ERR trap", before: "set -E\ntrap 'echo ERR >>\"$T/trap\"; echo out; echo err >&2' ERR"},
		{name: "EXIT trap", before: "trap 'echo EXIT >>\"$T/trap\"' EXIT"},
		{name: "DEBUG trap", before: "trap 'echo DEBUG >>\"$T/trap\"' DEBUG"},
		{name: "RETURN trap", before: "trap 'echo RETURN >>\"$T/trap\"' RETURN"},
		{name: "all traps inherited", before: "set -ET\ntrap 'echo DEBUG >>\"$T/trap\"' DEBUG\ntrap 'echo X >>\"$T/trap\"' EXIT INT TERM\ntrap 'echo RETURN >>\"$T/trap\"' RETURN"},
		{name: "DEBUG trap that prints", after: "set -T\ntrap 'echo DEBUG' DEBUG", chatty: true},
		{name: "extdebug", before: "shopt -s extdebug\ntrap ':' DEBUG"},
		{name: "posix", before: "set -o posix"},
		{name: "posix later", after: "set -o posix"},
		{name: "posix argument", args: []string{"--posix"}},
		{name: "posix strict", args: []string{"--posix"}, before: "set -euo pipefail"},
		{name: "noglob", before: "set -f"},
		{name: "IFS", before: "IFS=' =,-_aeiz/'"},
		{name: "IFS empty", before: "IFS="},
		{name: "IFS unset", before: "unset IFS"},
		{name: "nocasematch", before: "shopt -s nocasematch"},
		{name: "nullglob failglob", before: "shopt -s nullglob failglob extglob globstar"},
		{name: "xtrace", before: "set -x", traced: true},
		{name: "xtrace elsewhere", before: "exec 9>>\"$T/trace\"; BASH_XTRACEFD=9; set -x"},
		{name: "xtrace strict", before: "set -euxE", traced: true},
		{name: "verbose", after: "set -v", traced: true},
		{name: "noclobber", before: "set -C"},
		{name: "allexport", after: "set -a"},
		{name: "monitor", before: "set -m"},
		{name: "lastpipe execfail", before: "shopt -s lastpipe execfail"},
		{name: "functions", before: "command() { echo mine; }\nbuiltin() { echo mine; }\nkill() { echo mine; return 1; }\ntest() { echo mine; }\nfunction [ { echo mine; }\necho() { /usr/bin/env printf 'mine '; }\ncd() { echo mine; }\ntype() { echo mine; }"},
		{name: "alias", before: "shopt -s expand_aliases\nalias az-ctx=\"$AZ_CTX\"\n:"},
		{name: "alias strict", before: "set -eu\nshopt -s expand_aliases\nalias az-ctx=\"$AZ_CTX\"\n:"},
		{name: "prompt command", before: "PROMPT_COMMAND='echo prompt; '"},
		{name: "prompt commands", before: "PROMPT_COMMAND=('echo prompt')"},
	},
	"zsh": {
		{name: "plain"},
		{name: "err_exit", before: "setopt err_exit"},
		{name: "err_return", before: "setopt err_return"},
		{name: "nounset", before: "setopt no_unset"},
		{name: "strict", before: "setopt err_exit no_unset pipe_fail"},
		{name: "ksh_arrays", before: "setopt ksh_arrays"},
		{name: "sh_word_split", before: "setopt sh_word_split"},
		{name: "glob_subst", before: "setopt glob_subst"},
		{name: "posix_builtins", before: "setopt posix_builtins"},
		{name: "posix everything", before: "setopt posix_aliases posix_argzero posix_builtins posix_identifiers posix_jobs posix_strings posix_traps"},
		{name: "warn_create_global", before: "setopt warn_create_global warn_nested_var"},
		{name: "xtrace", before: "setopt xtrace", traced: true},
		{name: "verbose", after: "setopt verbose", traced: true},
		{name: "promptsubst", before: "setopt prompt_subst"},
		{name: "emulate sh", before: "emulate sh"},
		{name: "emulate ksh", before: "emulate ksh"},
		{name: "emulate later strict", before: "setopt err_exit no_unset", after: "emulate sh"},
		{name: "emulate later", after: "emulate sh"},
		{name: "noclobber", before: "setopt no_clobber"},
		{name: "null_glob", before: "setopt null_glob extended_glob glob_dots"},
		{name: "nomatch", before: "setopt no_match csh_null_glob 2>/dev/null"},
		{name: "no_function_argzero", before: "setopt no_function_argzero"},
		{name: "all_export", after: "setopt all_export"},
		{name: "ignore_braces", before: "setopt ignore_braces"},
		{name: "no_bare_glob_qual", before: "setopt csh_junkie_quotes rc_quotes no_bare_glob_qual"},
		{name: "rc_expand_param", before: "setopt rc_expand_param"},
		{name: "no_multibyte", before: "setopt no_multibyte"},
		{name: "bash_rematch", before: "setopt bash_rematch ksh_glob typeset_silent"},
		{name: "IFS", before: "IFS=' =,-_aeiz/'"},
		{name: "alias", before: "setopt aliases\nalias az-ctx=\"$AZ_CTX\"\nalias -g az-ctx=\"$AZ_CTX\"\n:"},
		{name: "functions", before: "command() { print mine }\nbuiltin() { print mine }\ntest() { print mine }\nkill() { print mine; return 1 }\ncd() { print mine }"},
		{name: "traps", before: "trap 'print DEBUG >>$T/trap' DEBUG\ntrap 'print ZERR >>$T/trap' ZERR\ntrap 'print EXIT >>$T/trap' EXIT"},
		{name: "trap functions", before: "TRAPZERR() { print ZERR >>$T/trap }", after: "TRAPDEBUG() { print DEBUG }", chatty: true},
		{name: "precmd", before: "precmd_functions=(print)"},
	},
	"fish": {
		{name: "plain"},
		{name: "universal", before: "set -U AZURE_CLIENT_ID universal-1\nset -Ux ARM_CLIENT_ID universal-2\nset -Ux AZURE_TENANT_ID universal-3"},
		{name: "fish_add_path", before: "fish_add_path /usr/local/sbin"},
		{name: "functions", before: "function kill; echo mine; end\nfunction cat; echo mine; end"},
		{name: "alias", before: "alias az-ctx=$AZ_CTX"},
		{name: "lists", before: "set -gx no_proxy one two"},
		{name: "trace", before: "set -g fish_trace 1", traced: true},
	},
	"pwsh": {
		{name: "plain"},
		{name: "StrictMode", before: "Set-StrictMode -Version Latest"},
		{name: "Stop", before: "$ErrorActionPreference = 'Stop'"},
		{name: "native Stop", before: "Set-StrictMode -Version Latest; $ErrorActionPreference = 'Stop'; $PSNativeCommandUseErrorActionPreference = $true"},
		{name: "ascii", before: "$OutputEncoding = [Text.Encoding]::ASCII; [Console]::OutputEncoding = [Text.Encoding]::ASCII"},
		{name: "preferences", before: "$VerbosePreference = 'Continue'; $DebugPreference = 'Continue'; $InformationPreference = 'Continue'"},
		{name: "defaults", before: "$PSDefaultParameterValues['*:ErrorAction'] = 'Stop'"},
		{name: "native arguments", before: "$PSNativeCommandArgumentPassing = 'Windows'"},
	},
}

// The user's own variables, before az-ctx.
var users = []string{
	"AZURE_SUBSCRIPTION_ID=mine", "ARM_CLIENT_SECRET=s'e$(touch x)c`touch x`r\"et\\ \n \u2019", "NO_PROXY=corp.example", "AZURE_EXTENSION_DIR=/opt/ext",
	"AZURE_CLIENT_CERTIFICATE_PATH=/a:/b::c", "ARM_CLIENT_CERTIFICATE_PATH=/one", "ARM_TENANT_ID=",
}

// TestMatrix runs every verb in every shell in every mode.
func TestMatrix(t *testing.T) {
	each(t, func(t *testing.T, d dialect) {
		for _, m := range modes[d.name] {
			t.Run(m.name, func(t *testing.T) {
				t.Parallel()
				matrix(t, d, m)
			})
		}
	})
}

func matrix(t *testing.T, d dialect, m mode) {
	h := newHome(t)
	h.env = append(h.env, users...)
	plain := `"$AZ_CTX"`
	if d.name == "pwsh" {
		plain = "& $env:AZ_CTX"
	}
	var b strings.Builder
	b.WriteString(m.before + "\n")
	b.WriteString(d.init + "\n" + m.after + "\n")
	if d.name == "zsh" { // emulations tie no PATH anew
		b.WriteString("export PATH\n")
	}
	for _, s := range []struct{ label, command string }{
		{"start", "true"},
		{"hook", "__az_ctx_hook"},
		{"list", "az-ctx list"}, {"list-want", plain + " list"},
		{"get-none", "az-ctx get -o json"},
		{"select", "az-ctx select dev"},
		{"get", "az-ctx get -o json"}, {"get-want", plain + " get -o json"},
		{"unknown", "az-ctx select nosuch"},
		{"printed", "az-ctx select -o json PROD"}, {"printed-want", plain + " get -o json"},
		{"odd", "az-ctx select " + d.quote(odd)},
		{"check", "__az_ctx_hook"},
		{"deselect", "az-ctx deselect"},
	} {
		if s.label == "start" && d.name == "pwsh" {
			s.command = "/bin/true"
		}
		b.WriteString(d.run(s.label, s.command))
	}
	r := h.script(d, b.String(), m.args...)
	if m.chatty {
		r.stdout = strings.ReplaceAll(r.stdout, "DEBUG\n", "")
	}
	if m.traced {
		for _, label := range []string{"select", "printed", "odd"} {
			wantNoKey(t, "the script's own, "+label, r.stderr, h.step(label).env)
		}
		r.stderr = ""
	}
	ended(t, r)

	start := h.step("start").env
	want := func(label string, code int, stdout, stderr string) step {
		t.Helper()
		s := h.step(label)
		if m.traced {
			wantTrace(t, label, d, s)
			s.stderr = stderr
		}
		if m.chatty {
			s.stdout = strings.ReplaceAll(s.stdout, "DEBUG\n", "")
		}
		if s.code != code || s.stdout != stdout || s.stderr != stderr {
			t.Errorf("%s: status %d, want %d\nstdout: %q\n  want: %q\nstderr: %q\n  want: %q", label, s.code, code, s.stdout, stdout, s.stderr, stderr)
		}
		return s
	}
	sameEnviron(t, "after the hook", want("hook", 0, "", "").env, start)
	want("list", 0, strings.ReplaceAll(h.step("list-want").stdout, "DEBUG\n", ""), "")
	want("get-none", 0, "", "")
	wantOn(t, "select", want("select", 0, "", "").env, 2, dev)
	want("get", 0, strings.ReplaceAll(h.step("get-want").stdout, "DEBUG\n", ""), "")
	sameEnviron(t, "after an unknown name", want("unknown", 3, "", "az-ctx: no context \"nosuch\"\n").env, h.step("select").env)
	wantOn(t, "printed", want("printed", 0, strings.ReplaceAll(h.step("printed-want").stdout, "DEBUG\n", ""), "").env, 1, prod)
	wantOn(t, "odd", want("odd", 0, "", "").env, 3, odd)
	sameEnviron(t, "after the second hook", want("check", 0, "", "").env, h.step("odd").env)
	sameEnviron(t, "after deselect", want("deselect", 0, "", "").env, start)
	h.noFile("x")
}

// wantTrace fails where a shell's trace tells a key of ours, or what our
// functions do inside.
func wantTrace(t *testing.T, label string, d dialect, s step) {
	t.Helper()
	wantNoKey(t, label, s.stderr, s.env)
	if d.name == "fish" {
		return // its trace is everything, but for what is evaluated
	}
	for _, line := range strings.Split(s.stderr, "\n") {
		if traced.MatchString(line) && !allowed.MatchString(line) {
			t.Errorf("%s: the trace has %q", label, line)
		}
	}
}

func wantNoKey(t *testing.T, label, trace string, env map[string]string) {
	t.Helper()
	for _, secret := range []string{"IDENTITY_HEADER", "AZD_AUTH_KEY", "ARM_MSI_ENDPOINT", "MSI_ENDPOINT"} {
		if text := env[secret]; text != "" && strings.Contains(trace, text) {
			t.Errorf("%s: the trace has %s", label, secret)
		}
	}
}

// Of ours a trace has the calls of our functions alone.
var (
	traced  = regexp.MustCompile(`^\++`)
	allowed = regexp.MustCompile(`^\++([^ >]+:[0-9]+>)? *(az-ctx|__az_ctx|__az_ctx_hook|\S*/az-ctx|true|'?\S*printf|/usr/bin/env)( |$)|^\++([^ >]+:[0-9]+>)? *(local|setopt|trap) `)
)
