//go:build unix

package shell

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// One list of scenarios, in every shell. A map has what each shell says it
// with; a shell that is not in it has nothing like it.

// by picks what this shell says, or skips.
func by(t *testing.T, d dialect, texts map[string]string) string {
	t.Helper()
	text, ok := texts[d.name]
	if !ok {
		if text, ok = texts["posix"]; !ok || d.name != "bash" && d.name != "zsh" {
			t.Skip("only on shells that have it, unlike " + d.name)
		}
	}
	return text
}

func TestP31Switch(t *testing.T) {
	each(t, func(t *testing.T, d dialect) {
		h := newHome(t)
		ended(t, h.script(d, d.init+"\n"+
			d.run("none", "az-ctx select -")+
			d.run("one", "az-ctx select dev")+
			d.run("two", "az-ctx select PROD")+ // P13: by name, ignoring case
			d.run("three", "az-ctx select -")+
			d.run("four", "az-ctx select -")+
			d.run("again", "az-ctx select prod")+
			d.run("back", "az-ctx select -")))
		if s := h.step("none"); s.code != 3 || !strings.Contains(s.stderr, "no context was active here before") {
			t.Errorf("select - at first: status %d, %q", s.code, s.stderr)
		}
		wantOn(t, "select dev", h.step("one").env, 2, dev)
		wantOn(t, "select PROD", h.step("two").env, 1, prod)
		wantOn(t, "select -", h.step("three").env, 2, dev)
		wantOn(t, "select - again", h.step("four").env, 1, prod)
		wantOn(t, "select - after the same twice", h.step("back").env, 2, dev)
		if from := h.step("one").env["AZ_CTX_FROM"]; from != "selected" {
			t.Errorf("AZ_CTX_FROM is %q", from)
		}
	})
}

func TestP74Subshell(t *testing.T) {
	each(t, func(t *testing.T, d dialect) {
		h := newHome(t)
		inner := by(t, d, map[string]string{
			"posix": "( " + d.run("inner", "az-ctx select prod") + d.run("current", "az-ctx current -o name") + ")\n",
			// Neither fish nor PowerShell has subshells: another shell does for one.
			"fish": "fish --no-config -c " + d.quote(d.init+"\n"+d.run("inner", "az-ctx select prod")+d.run("current", "az-ctx current -o name")) + "\n",
			"pwsh": "$null = Start-Job { " + d.init + "\n" + d.run("inner", "az-ctx select prod") + d.run("current", "az-ctx current -o name") + " } | Wait-Job\n",
		})
		ended(t, h.script(d, d.init+"\n"+d.run("before", "az-ctx select dev")+inner+
			d.run("after", "az-ctx current -o name")+d.run("previous", "az-ctx select -")))
		wantOn(t, "in the subshell", h.step("inner").env, 1, prod)
		if s := h.step("current"); s.stdout != "prod\n" {
			t.Errorf("current in the subshell: %q", s.stdout)
		}
		wantOn(t, "after it", h.step("after").env, 2, dev)
		sameEnviron(t, "after it", h.step("after").env, h.step("before").env)
		if s := h.step("after"); s.stdout != "dev\n" {
			t.Errorf("current after the subshell: %q", s.stdout)
		}
		if inner, outer := session(h.step("inner").env), session(h.step("after").env); inner == outer {
			t.Errorf("the subshell has its parent's session %s", inner)
		}
		if s := h.step("previous"); s.code != 3 {
			t.Errorf("select - goes where the subshell was: status %d", s.code)
		}
	})
}

// session is the part of AZ_CTX_SESSION that names the session alone.
func session(env map[string]string) string {
	text := env["AZ_CTX_SESSION"]
	return text[:strings.LastIndexByte(text, '/')+1]
}

func TestP38P73BackgroundJob(t *testing.T) {
	each(t, func(t *testing.T, d dialect) {
		h := newHome(t)
		job := `while ! /usr/bin/env test -e "$T/go"; do /bin/sleep 0.01; done; /usr/bin/env -0 >"$T/job.env"; "$AZ_CTX" current -o name >"$T/job.out"; cat "$AZURE_CONFIG_DIR/azureProfile.json" >"$T/job.profile"`
		text := by(t, d, map[string]string{
			"posix": "( " + job + " ) &\n" + d.run("switch", "az-ctx select prod") + `: >"$T/go"; wait` + "\n",
			"fish":  "/bin/sh -c " + d.quote(job) + " &\n" + d.run("switch", "az-ctx select prod") + `true >"$T/go"; wait` + "\n",
			"pwsh":  "$job = Start-Job { /bin/sh -c " + d.quote(job) + " }\n" + d.run("switch", "az-ctx select prod") + `[IO.File]::WriteAllText("$env:T/go", ''); $null = Wait-Job $job` + "\n",
		})
		ended(t, h.script(d, d.init+"\n"+d.run("start", "az-ctx select dev")+text))
		wantOn(t, "the shell", h.step("switch").env, 1, prod)
		wantOn(t, "the job", environ(h.read("t/job.env")), 2, dev)
		if got := h.read("t/job.out"); got != "dev\n" {
			t.Errorf("current in the job: %q", got)
		}
		if now := azDefault(t, h.read("t/job.profile")); now != subscription(2) {
			t.Errorf("az's subscription in the job is %s", now)
		}
	})
}

// azDefault is the default subscription of an azureProfile.json.
func azDefault(t *testing.T, profile string) string {
	t.Helper()
	var p struct {
		Subscriptions []struct {
			ID        string
			IsDefault bool
		}
	}
	if err := json.Unmarshal([]byte(strings.TrimPrefix(profile, "\ufeff")), &p); err != nil {
		t.Errorf("azureProfile.json: %v", err)
	}
	for _, s := range p.Subscriptions {
		if s.IsDefault {
			return s.ID
		}
	}
	return ""
}

func TestP34ScriptChild(t *testing.T) {
	each(t, func(t *testing.T, d dialect) {
		h := newHome(t)
		// A script without the function inherits; one with it has a session of its own.
		h.write("child.sh", "\"$AZ_CTX\" current -o name\n")
		h.write("child", d.init+"\n"+d.run("child-before", "az-ctx current -o name")+d.run("child", "az-ctx select prod"))
		child := strings.Join(d.argv, " ") + ` "$HOME/child"`
		if d.name == "pwsh" {
			h.write("child.ps1", h.read("child"))
			child = strings.Join(d.argv, " ") + ` "$HOME/child.ps1"`
		}
		ended(t, h.script(d, d.init+"\n"+d.run("one", "az-ctx select dev")+d.run("plain", `/bin/sh "$HOME/child.sh"`)+d.run("run", child)+d.run("after", "az-ctx current -o name")))
		if s := h.step("plain"); s.stdout != "dev\n" || s.stderr != "" {
			t.Errorf("current in a plain script: %q %q", s.stdout, s.stderr)
		}
		if s := h.step("run"); s.stdout != "" || s.stderr != "" || s.code != 0 {
			t.Errorf("the child: %d %q %q", s.code, s.stdout, s.stderr)
		}
		if s := h.step("child-before"); s.stdout != "dev\n" {
			t.Errorf("current in the child: %q", s.stdout)
		}
		wantOn(t, "the child", h.step("child").env, 1, prod)
		if s := h.step("after"); s.stdout != "dev\n" {
			t.Errorf("current in the parent: %q", s.stdout)
		}
		sameEnviron(t, "the parent", h.step("after").env, h.step("one").env)
	})
}

func TestPipes(t *testing.T) {
	each(t, func(t *testing.T, d dialect) {
		h := newHome(t)
		ended(t, h.script(d, d.init+"\n"+d.run("one", "az-ctx select dev")+
			d.run("list", "az-ctx list -o name | /usr/bin/sort -r")+
			d.run("switch", "az-ctx select prod -o name | /bin/cat")))
		if s := h.step("list"); s.stdout != "prod\n"+odd+"\ndev\n" || s.stderr != "" {
			t.Errorf("list: %q %q", s.stdout, s.stderr)
		}
		if s := h.step("switch"); s.stdout != "prod\n" || s.stderr != "" {
			t.Errorf("select: %q %q", s.stdout, s.stderr)
		}
		if d.name == "bash" || d.name == "zsh" { // there a pipe's parts are subshells
			wantOn(t, "after a pipe", h.step("switch").env, 2, dev)
		} else {
			wantOn(t, "after a pipe", h.step("switch").env, 1, prod)
		}
	})
}

func TestP28P30InputObject(t *testing.T) {
	each(t, func(t *testing.T, d dialect) {
		h := newHome(t)
		from := func(source, verb string) string {
			return by(t, d, map[string]string{
				"bash": verb + " --input-object - < <(" + source + ")",
				"zsh":  source + " | " + verb + " --input-object -",
				"fish": source + " | " + verb + " --input-object -",
				"pwsh": source + " | " + verb + " --input-object -",
			})
		}
		subscriptionObject, _ := json.Marshal(map[string]string{"id": subscription(1), "tenantId": tenant, "name": "Contoso 1"})
		h.write("subscription.json", string(subscriptionObject))
		ended(t, h.script(d, d.init+"\n"+
			d.run("one", "az-ctx select dev")+
			d.run("context", from("az-ctx get -o json "+d.quote(odd), "az-ctx select"))+
			d.run("subscription", from("/bin/cat "+d.quote(h.path("subscription.json")), "az-ctx set"))))
		wantOn(t, "a context object", h.step("context").env, 3, odd)
		wantOn(t, "a subscription object", h.step("subscription").env, 1, prod)
	})
}

func TestUnexportedVariables(t *testing.T) {
	each(t, func(t *testing.T, d dialect) {
		if d.local == nil {
			t.Skip("only on shells with unexported variables of that kind, unlike " + d.name)
		}
		h := newHome(t)
		value := "it's $(touch x) `touch x` \"\\ \n * \u2019"
		show := by(t, d, map[string]string{
			"posix": `/usr/bin/env printf %s "${ARM_CLIENT_SECRET-unset}|${ARM_TENANT_ID-unset}|${NO_PROXY-unset}|${AZ_CTX_WAS_ARM_CLIENT_SECRET-unset}"`,
			"fish":  `/usr/bin/env printf %s "$ARM_CLIENT_SECRET|$ARM_TENANT_ID|$NO_PROXY|"(set -q AZ_CTX_WAS_ARM_CLIENT_SECRET; and echo set; or echo unset)`,
		})
		ended(t, h.script(d, d.local("ARM_CLIENT_SECRET", value)+d.local("ARM_TENANT_ID", "mine")+d.local("NO_PROXY", "corp")+d.init+"\n"+
			d.run("start", show)+
			d.run("one", "az-ctx select dev")+d.run("two", "az-ctx select prod")+
			d.run("end", "az-ctx deselect")+d.run("shown", show)+
			d.run("three", "az-ctx select dev")+d.run("end2", "az-ctx deselect")+d.run("shown2", show)))
		start := h.step("start")
		if _, ok := start.env["ARM_CLIENT_SECRET"]; ok {
			t.Fatal("the test exports what it must not")
		}
		for _, label := range []string{"one", "two", "three"} {
			s := h.step(label)
			for name, text := range s.env {
				if strings.Contains(text, "it's $(touch") {
					t.Errorf("%s: %s has what was not exported", label, name)
				}
			}
			if s.env["ARM_TENANT_ID"] != tenant {
				t.Errorf("%s: ARM_TENANT_ID is %q", label, s.env["ARM_TENANT_ID"])
			}
		}
		for _, label := range []string{"shown", "shown2"} {
			s := h.step(label)
			sameEnviron(t, label, s.env, start.env)
			if want := value + "|mine|corp|unset"; s.stdout != want && s.stdout != want+"\n" {
				t.Errorf("%s: the user's variables are %q, want %q", label, s.stdout, want)
			}
		}
		h.noFile("x")
	})
}

func TestP78ReadOnlyVariable(t *testing.T) {
	each(t, func(t *testing.T, d dialect) {
		for name, texts := range map[string]map[string]string{
			"unexported": {"posix": "readonly ARM_TENANT_ID=mine\n"},
			"exported":   {"posix": "export AZURE_CLIENT_SECRET=mine; readonly AZURE_CLIENT_SECRET\n"},
			"of ours":    {"posix": "readonly AZ_CTX_NAME=mine\n"},
			"no value":   {"bash": "readonly NO_PROXY\n", "zsh": "typeset -r NO_PROXY\n"},
			"strict":     {"bash": "set -euo pipefail; readonly ARM_USE_MSI=mine\n", "zsh": "setopt err_exit no_unset; readonly ARM_USE_MSI=mine\n"},
			"posix":      {"bash": "set -o posix; readonly no_proxy=mine\n", "zsh": "emulate sh; readonly no_proxy=mine\n"},
		} {
			t.Run(name, func(t *testing.T) {
				text := by(t, d, texts)
				h := newHome(t)
				ended(t, h.script(d, text+d.init+"\n"+d.run("start", "true")+d.run("one", "az-ctx select dev")+d.run("hook", "__az_ctx_hook")))
				s := h.step("one")
				variable := ""
				for _, v := range []string{"ARM_TENANT_ID", "AZURE_CLIENT_SECRET", "AZ_CTX_NAME", "NO_PROXY", "ARM_USE_MSI", "no_proxy"} {
					if strings.Contains(text, v) {
						variable = v
					}
				}
				if want := "az-ctx: " + variable + " is read-only in this shell, so nothing was changed\n  try: start a shell without it\n"; s.code != 1 || s.stdout != "" || s.stderr != want {
					t.Errorf("status %d, stdout %q, stderr %q, want %q", s.code, s.stdout, s.stderr, want)
				}
				sameEnviron(t, "after it", s.env, h.step("start").env)
				if s := h.step("hook"); s.code != 0 || s.stdout+s.stderr != "" {
					t.Errorf("the hook: %d %q %q", s.code, s.stdout, s.stderr)
				}
			})
		}
	})
}

func TestP75Drift(t *testing.T) {
	each(t, func(t *testing.T, d dialect) {
		h := newHome(t)
		r := h.script(d, d.init+"\n"+d.run("one", "az-ctx select dev")+d.run("quiet", "__az_ctx_hook")+
			d.set("ARM_SUBSCRIPTION_ID", "theirs")+d.run("noticed", "__az_ctx_hook")+d.run("once", "__az_ctx_hook")+
			d.set("ARM_SUBSCRIPTION_ID", subscription(2))+d.run("settled", "__az_ctx_hook")+
			d.set("AZURE_TENANT_ID", "theirs")+d.run("switch", "az-ctx select prod")+d.run("after", "__az_ctx_hook"))
		s := h.step("noticed")
		if d.name == "pwsh" { // the hook speaks past PowerShell's streams
			s.stderr, r.stderr = r.stderr, ""
		}
		ended(t, r)
		if s := h.step("quiet"); s.stdout+s.stderr != "" || s.env["AZ_CTX_PROMPT"] != "dev" {
			t.Errorf("before: %q %q, prompt %q", s.stdout, s.stderr, s.env["AZ_CTX_PROMPT"])
		}
		if s.stdout != "" || strings.Count(s.stderr, "\n") != 1 || !strings.HasPrefix(s.stderr, "az-ctx: ARM_SUBSCRIPTION_ID was changed here, az-ctx says") {
			t.Errorf("noticed: %q %q", s.stdout, s.stderr)
		}
		if s.env["AZ_CTX_PROMPT"] != "dev!" || s.env["ARM_SUBSCRIPTION_ID"] != "theirs" {
			t.Errorf("noticed: prompt %q, variable %q", s.env["AZ_CTX_PROMPT"], s.env["ARM_SUBSCRIPTION_ID"])
		}
		if s := h.step("once"); s.stdout+s.stderr != "" || s.env["AZ_CTX_PROMPT"] != "dev!" {
			t.Errorf("a second time: %q %q, prompt %q", s.stdout, s.stderr, s.env["AZ_CTX_PROMPT"])
		}
		if s := h.step("settled"); s.stdout+s.stderr != "" || s.env["AZ_CTX_PROMPT"] != "dev" {
			t.Errorf("put back: %q %q, prompt %q", s.stdout, s.stderr, s.env["AZ_CTX_PROMPT"])
		}
		wantOn(t, "a switch", h.step("switch").env, 1, prod)
		if s := h.step("after"); s.stdout+s.stderr != "" || s.env["AZ_CTX_PROMPT"] != "prod" {
			t.Errorf("after a switch: %q %q, prompt %q", s.stdout, s.stderr, s.env["AZ_CTX_PROMPT"])
		}
	})
}

// TestHookRepairs: an agent that ended and a directory that vanished are there
// again after the next prompt.
func TestHookRepairs(t *testing.T) {
	each(t, func(t *testing.T, d dialect) {
		h := newHome(t)
		remove := map[string]string{"bash": `/bin/rm -r "$AZURE_CONFIG_DIR"`, "zsh": `/bin/rm -r "$AZURE_CONFIG_DIR"`, "fish": `/bin/rm -r "$AZURE_CONFIG_DIR"`, "pwsh": `/bin/rm -r $env:AZURE_CONFIG_DIR`}[d.name]
		ended(t, h.script(d, d.init+"\n"+d.run("one", "az-ctx select dev")+
			d.run("stop", "az-ctx agent stop --force")+d.run("hook", "__az_ctx_hook")+d.run("again", "__az_ctx_hook")+d.run("status", "az-ctx agent status")+
			d.run("remove", remove)+d.run("hook2", "__az_ctx_hook")+d.run("again2", "__az_ctx_hook")))
		one, hook := h.step("one").env, h.step("hook")
		if hook.stdout+hook.stderr != "" || hook.env["IDENTITY_HEADER"] == one["IDENTITY_HEADER"] || hook.env["AZ_CTX_SESSION"] != one["AZ_CTX_SESSION"] {
			t.Errorf("after the agent's end: %q %q, the key is new: %v", hook.stdout, hook.stderr, hook.env["IDENTITY_HEADER"] != one["IDENTITY_HEADER"])
		}
		sameEnviron(t, "the next prompt", h.step("again").env, hook.env)
		if s := h.step("status"); s.code != 0 || !strings.Contains(s.stdout, "dev") {
			t.Errorf("the new agent: %d %q %q", s.code, s.stdout, s.stderr)
		}
		if s := h.step("hook2"); s.code != 0 || s.stdout != "" {
			t.Errorf("after the directory's end: %d %q %q", s.code, s.stdout, s.stderr)
		}
		if profile := h.run([]string{"/bin/cat", h.step("again2").env["AZURE_CONFIG_DIR"] + "/azureProfile.json"}, "").stdout; azDefault(t, profile) != subscription(2) {
			t.Errorf("the directory was not made again: %q", profile)
		}
		if s := h.step("again2"); s.stdout+s.stderr != "" {
			t.Errorf("the next prompt: %q %q", s.stdout, s.stderr)
		}
	})
}

func TestInitTwice(t *testing.T) {
	each(t, func(t *testing.T, d dialect) {
		h := newHome(t)
		ended(t, h.script(d, d.init+"\n"+d.init+"\n"+d.run("start", "az-ctx current")+d.run("one", "az-ctx select dev")+
			d.init+"\n"+d.run("hook", "__az_ctx_hook")+d.run("two", "az-ctx select prod")+d.run("back", "az-ctx select -")+d.run("end", "az-ctx deselect")))
		wantOn(t, "the hook", h.step("hook").env, 2, dev)
		sameEnviron(t, "the hook", h.step("hook").env, h.step("one").env)
		wantOn(t, "back", h.step("back").env, 2, dev)
		sameEnviron(t, "deselect", h.step("end").env, h.step("start").env)
	})
}

// TestStatusThroughHook: the user's own prompt finds the last status as it was.
func TestStatusThroughHook(t *testing.T) {
	each(t, func(t *testing.T, d dialect) {
		h := newHome(t)
		text := by(t, d, map[string]string{
			"posix": "fail() { return 7; }\nfail; __az_ctx_hook; echo $?; fail; __az_ctx_hook; echo $?\naz-ctx select dev\nfail; __az_ctx_hook; echo $?\nARM_TENANT_ID=x\nfail; __az_ctx_hook 2>/dev/null; echo $?\n",
			"fish":  "function fail; return 7; end\nfail; __az_ctx_hook; echo $status; fail; __az_ctx_hook; echo $status\naz-ctx select dev\nfail; __az_ctx_hook; echo $status\nset -gx ARM_TENANT_ID x\nfail; __az_ctx_hook 2>/dev/null; echo $status\n",
			"pwsh": "$global:__az_ctx_prompt = { \"$? $LASTEXITCODE $($Error.Count)\" }\n" +
				"$function:prompt.ToString().Contains('__az_ctx_hook')\n" +
				"/bin/sh -c 'exit 7'; prompt; /bin/true; prompt; Get-Item /nosuch 2>$null; prompt\naz-ctx select dev\n/bin/sh -c 'exit 7'; prompt; $env:ARM_TENANT_ID = 'x'\n/bin/sh -c 'exit 7'; prompt 2>$null\n",
		})
		r := h.script(d, d.init+"\n"+text)
		want := strings.Repeat("7\n", 4)
		if d.name == "pwsh" {
			want = "True\nFalse 7 0\nTrue 0 0\nFalse 0 1\nFalse 7 1\nFalse 7 1\n"
		}
		if r.code != 0 || r.stdout != want {
			t.Errorf("status %d, stdout %q, want %q, stderr %q", r.code, r.stdout, want, r.stderr)
		}
	})
}

// TestFailureStops: what stops a script at a failing command stops it at ours.
func TestFailureStops(t *testing.T) {
	each(t, func(t *testing.T, d dialect) {
		for name, c := range map[string]struct {
			texts  map[string]string
			code   int
			stdout string
		}{
			"errexit": {map[string]string{"bash": "set -e\naz-ctx select nosuch\necho on\n", "zsh": "set -e\naz-ctx select nosuch\necho on\n"}, 3, ""},
			"and":     {map[string]string{"posix": "az-ctx select nosuch && echo on", "fish": "az-ctx select nosuch; and echo on", "pwsh": "az-ctx select nosuch && 'on'\nexit $LASTEXITCODE"}, 3, ""},
			"or":      {map[string]string{"posix": "az-ctx get nosuch || echo $?", "fish": "az-ctx get nosuch; or echo $status", "pwsh": "az-ctx get nosuch || $LASTEXITCODE"}, 0, "3\n"},
			"well":    {map[string]string{"posix": "az-ctx select dev && az-ctx list -o name >/dev/null && echo on", "fish": "az-ctx select dev; and echo on", "pwsh": "az-ctx select dev && 'on'; $?"}, 0, "on\n"},
			"ERR": {map[string]string{
				"bash": "set -E\ntrap 'echo ERR $?' ERR\naz-ctx select nosuch\naz-ctx get nosuch\naz-ctx select dev\nset -eE\naz-ctx select nosuch\necho on\n",
				"zsh":  "trap 'echo ERR $?' ZERR\naz-ctx select nosuch\naz-ctx get nosuch\naz-ctx select dev\nset -e\naz-ctx select nosuch\necho on\n",
			}, 3, "ERR 3\nERR 3\nERR 3\n"},
			"EXIT":        {map[string]string{"posix": "trap 'echo bye $?' EXIT\naz-ctx select dev\naz-ctx get nosuch\nexit 5\n"}, 5, "bye 5\n"},
			"native Stop": {map[string]string{"pwsh": "$ErrorActionPreference = 'Stop'; $PSNativeCommandUseErrorActionPreference = $true\naz-ctx select dev\naz-ctx select nosuch\n'on'\n"}, 1, ""},
			"exec":        {map[string]string{"posix": "az-ctx exec --context dev -- sh -c 'exit 9'", "fish": "az-ctx exec --context dev -- sh -c 'exit 9'", "pwsh": "az-ctx exec --context dev sh -c 'exit 9' || 'no'\nexit $LASTEXITCODE"}, 9, ""},
		} {
			t.Run(name, func(t *testing.T) {
				text := by(t, d, c.texts)
				h := newHome(t)
				r := h.script(d, d.init+"\n"+text)
				stdout := c.stdout
				if d.name == "pwsh" {
					stdout = map[string]string{"well": "on\nTrue\n", "exec": "no\n"}[name]
					if stdout == "" {
						stdout = c.stdout
					}
				}
				if r.code != c.code || r.stdout != stdout {
					t.Errorf("status %d, want %d; stdout %q, want %q; stderr %q", r.code, c.code, r.stdout, stdout, r.stderr)
				}
			})
		}
	})
}

// TestP37Exec: exec and its command leave the shell alone.
func TestP37Exec(t *testing.T) {
	each(t, func(t *testing.T, d dialect) {
		h := newHome(t)
		ended(t, h.script(d, d.init+"\n"+d.run("one", "az-ctx select dev")+
			d.run("exec", "az-ctx exec --context prod /usr/bin/env printenv AZ_CTX_NAME ARM_SUBSCRIPTION_ID")+
			d.run("flags", "az-ctx exec /usr/bin/env printf '%s|' -out x -v --name=y -o json")))
		if s := h.step("exec"); s.stdout != "prod\n"+subscription(1)+"\n" {
			t.Errorf("exec: %d %q %q", s.code, s.stdout, s.stderr)
		}
		sameEnviron(t, "after exec", h.step("exec").env, h.step("one").env)
		if s := h.step("flags"); s.stdout != "-out|x|-v|--name=y|-o|json|" && s.stdout != "-out|x|-v|--name=y|-o|json|\n" {
			t.Errorf("exec of a command with flags: %q %q", s.stdout, s.stderr)
		}
	})
}

// TestSessionIsTheShells: however the function is called, the session is the
// shell's own, also where traps make the shell fork once more.
func TestSessionIsTheShells(t *testing.T) {
	each(t, func(t *testing.T, d dialect) {
		h := newHome(t)
		text := by(t, d, map[string]string{
			"posix": "trap : EXIT INT DEBUG\naz-ctx select dev\necho $$ $AZ_CTX_SESSION\nx=$(az-ctx select prod; echo $AZ_CTX_SESSION)\necho $x\necho $AZ_CTX_SESSION\n",
			"fish":  "az-ctx select dev\necho $fish_pid $AZ_CTX_SESSION\necho x\necho $AZ_CTX_SESSION\n",
			"pwsh":  "az-ctx select dev\n\"$PID $env:AZ_CTX_SESSION\"\n'x'\n$env:AZ_CTX_SESSION\n",
		})
		r := h.script(d, d.init+"\n"+text)
		lines := strings.Split(r.stdout, "\n")
		if len(lines) != 4 || r.stderr != "" {
			t.Fatalf("stdout %q, stderr %q", r.stdout, r.stderr)
		}
		pid, ref, _ := strings.Cut(lines[0], " ")
		if !strings.Contains(ref, "/"+pid+"-") {
			t.Errorf("shell %s has the session %s", pid, ref)
		}
		if lines[1] != "x" && (lines[1] == "" || strings.Contains(lines[1], "/"+pid+"-")) {
			t.Errorf("the subshell of %s has the session %q", pid, lines[1])
		}
		if lines[2] != ref {
			t.Errorf("after it the session is %q, was %q", lines[2], ref)
		}
	})
}

var hostile = []string{
	"$(touch x)", "`touch x`", "${HOME}", "$HOME", "a;touch x", "a|touch x", "a&touch x", "a>x", "<(touch x)", "$(touch${IFS}x)",
	`'; touch x; '`, `"; touch x; "`, "\u2018; touch x; \u2019", "\u2019; touch x #", "\u201A; touch x; \u201B", "\u201B; touch x #", "\u201C$(touch x)\u201D",
	"one\ntwo", "\nleading", "trailing\n", "tab\there", "cr\rover", "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "bell\x07", "\x7f", "\u009b31m",
	"\u202Eevil", "\u2066bidi\u2069", "\u200Bzero width", "-rf", "--help", "--name=x", "../x", "/etc/passwd", "a/b", `C:\x`, "%n", "%d%F{red}%f", "!!", "!touch", "~root", "*", "?", "[a-z]", "{a,b}",
	strings.Repeat("n", 300), strings.Repeat("\u00fc", 150), "dots...", "...", ".", "..", "CON", "con.txt", "NUL", " lead and trail ", "   ", "#comment", "=ls", "@args", "a=b", "\\", `\\`, `\n`, `\e[31m`, "e\u0301", "\U0001F600", "\u00a0",
	"2026-08-01T00:00:00Z", "0123", "null", "true", "$null", "@{a=1}", "a,b",
}

// TestHostileNames: what a cloud or another user can name is data, everywhere.
func TestHostileNames(t *testing.T) {
	each(t, func(t *testing.T, d dialect) {
		h := newHome(t, hostile...)
		var b strings.Builder
		b.WriteString(d.init + "\n")
		prompt := by(t, d, map[string]string{
			"bash": `PS1="[$AZ_CTX_PROMPT]"; shopt -s promptvars; /usr/bin/env printf %s "${PS1@P}"`,
			"zsh":  `setopt promptsubst; PS1="[$AZ_CTX_PROMPT]"; print -rn -- "${(%%)PS1}"; print -nP -- "[$AZ_CTX_PROMPT]" >/dev/null`,
			"fish": `/usr/bin/env printf %s "[$AZ_CTX_PROMPT]"`,
			"pwsh": `[Console]::Write("[$env:AZ_CTX_PROMPT]")`,
		})
		for i, name := range hostile {
			flag := "-- " + d.quote(name)
			if d.name == "pwsh" { // PowerShell keeps -- for itself
				flag = "--name=" + d.quote(name)
				if strings.ContainsAny(name, "\n\"") {
					flag = d.quote("--name=" + name)
				}
			}
			b.WriteString(d.run(fmt.Sprint("select", i), "az-ctx select "+flag))
			b.WriteString(d.run(fmt.Sprint("table", i), "az-ctx current"))
		}
		b.WriteString(d.run("list", "az-ctx list") + d.run("end", "az-ctx deselect"))
		ended(t, h.script(d, b.String()))
		for i, name := range hostile {
			s := h.step(fmt.Sprint("select", i))
			if s.code != 0 || s.stdout+s.stderr != "" {
				t.Errorf("select %q: status %d, %q %q", name, s.code, s.stdout, s.stderr)
			}
			wantOn(t, fmt.Sprintf("select %q", name), s.env, i+4, name)
			wantTame(t, fmt.Sprintf("the prompt of %q", name), s.env["AZ_CTX_PROMPT"])
			if strings.ContainsAny(s.env["AZ_CTX_PROMPT"], "\\`$%!\n") {
				t.Errorf("the prompt of %q: %q", name, s.env["AZ_CTX_PROMPT"])
			}
			s = h.step(fmt.Sprint("table", i))
			wantTame(t, fmt.Sprintf("current on %q", name), s.stdout)
			if !strings.HasPrefix(s.stdout, "name ") || s.code != 0 || s.stderr != "" {
				t.Errorf("current on %q: %d %q %q", name, s.code, s.stdout, s.stderr)
			}
		}
		wantTame(t, "list", h.step("list").stdout)
		h.noFile("x")

		// The prompt that a user builds shows the safe name as it is.
		for _, name := range []string{"$(touch x)", "`touch x`", "%n", "%d%F{red}%f", `\e[31m`, "!!", "one\ntwo"} {
			flag := "-- " + d.quote(name)
			if d.name == "pwsh" {
				flag = d.quote("--name=" + name)
			}
			r := h.script(d, d.init+"\naz-ctx select "+flag+"\n"+prompt+"\n")
			safe := strings.Map(func(r rune) rune {
				if strings.ContainsRune("\\`$%!", r) {
					return '?'
				}
				if r < ' ' {
					return '\uFFFD'
				}
				return r
			}, name)
			if r.stdout != "["+safe+"]" || r.stderr != "" {
				t.Errorf("a prompt on %q shows %q, want %q; %q", name, r.stdout, "["+safe+"]", r.stderr)
			}
		}
		h.noFile("x")
	})
}

// wantTame fails where something in text acts on a terminal.
func wantTame(t *testing.T, what, text string) {
	t.Helper()
	for _, r := range text {
		if r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 || r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069 {
			t.Errorf("%s: %q has %q", what, text, r)
			return
		}
	}
}

// TestFishUniversal: after deselect a universal variable is the user's own
// again, and moves with it.
func TestFishUniversal(t *testing.T) {
	d := dialects[2].in(t)
	h := newHome(t)
	r := h.script(d, "set -Ux ARM_CLIENT_ID one\nset -U ARM_TENANT_ID two\n"+d.init+"\naz-ctx select dev\naz-ctx select prod\n"+
		"/usr/bin/env printenv ARM_CLIENT_ID; echo $ARM_TENANT_ID\naz-ctx deselect\n/usr/bin/env printenv ARM_CLIENT_ID ARM_TENANT_ID; echo $ARM_TENANT_ID; set -U ARM_CLIENT_ID three; /usr/bin/env printenv ARM_CLIENT_ID\n")
	if want := tenant + "\none\ntwo\nthree\n"; r.stdout != want || r.stderr != "" {
		t.Errorf("%q, want %q; %q", r.stdout, want, r.stderr)
	}
}
