//go:build unix

package shell

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// show prints T/LABEL.env from a terminal, in any shell.
func (term *terminal) show(h *home, label, name, status string) map[string]string {
	term.t.Helper()
	term.line("/bin/sh -c '/usr/bin/env -0 >" + h.path("t/"+label+".env") + "; exit " + status + "'")
	term.prompt(name, status)
	return environ(h.read("t/" + label + ".env"))
}

func TestP35FirstPromptAppliesDefault(t *testing.T) {
	each(t, func(t *testing.T, d dialect) {
		h := newHome(t)
		h.rc(t)
		h.azctx("select", "--scope", "user", "dev")
		term := h.open(t, d.interactive()...)
		term.prompt(dev, "0")
		env := term.show(h, "first", dev, "7") // and $? through the hook
		wantOn(t, "the first prompt", env, 2, dev)
		if env["AZ_CTX_FROM"] != "default" {
			t.Errorf("AZ_CTX_FROM is %q", env["AZ_CTX_FROM"])
		}
		// P32, P36: the default and this shell go their own ways.
		term.line("az-ctx select prod")
		term.expect(`Contoso|prod · `)
		term.prompt(prod, "0")
		h.azctx("select", "--scope", "user", odd)
		wantOn(t, "after the default moved", term.show(h, "second", prod, "0"), 1, prod)
		other := h.open(t, d.interactive()...)
		other.prompt(odd, "0")
		// P75: a person sees it, once.
		drift := map[string]string{"fish": "set -gx ARM_TENANT_ID x", "pwsh": "$env:ARM_TENANT_ID = 'x'"}[d.name]
		if drift == "" {
			drift = "ARM_TENANT_ID=x"
		}
		term.line(drift)
		term.expect(`az-ctx: ARM_TENANT_ID was changed here, az-ctx says prod\n`)
		term.prompt(prod+"!", "0")
		term.line("az-ctx deselect")
		term.expect("ARM_TENANT_ID was changed here and is left as it is")
		term.prompt("", "0")
		term.line("az-ctx select nosuch")
		term.prompt("", "3")
	})
}

func TestP34NestedShell(t *testing.T) {
	each(t, func(t *testing.T, d dialect) {
		h := newHome(t)
		h.rc(t)
		h.azctx("select", "--scope", "user", "prod")
		term := h.open(t, d.interactive()...)
		term.prompt(prod, "0")
		term.line("az-ctx select dev")
		term.prompt(dev, "0")
		outer := term.show(h, "outer", dev, "0")
		term.line(strings.Join(d.interactive(), " "))
		term.prompt(dev, "0")
		inner := term.show(h, "inner", dev, "0")
		wantOn(t, "the nested shell", inner, 2, dev)
		if inner["AZ_CTX_FROM"] != "inherited" || session(inner) == session(outer) {
			t.Errorf("the nested shell is %s, session %s in %s", inner["AZ_CTX_FROM"], inner["AZ_CTX_SESSION"], outer["AZ_CTX_SESSION"])
		}
		term.line("az-ctx select prod")
		term.prompt(prod, "0")
		term.line("exit")
		term.prompt(dev, "0")
		sameEnviron(t, "back in the outer shell", term.show(h, "back", dev, "0"), outer)
		if shown := term.shown(); strings.Contains(shown, "another terminal") {
			t.Errorf("a nested shell took its parent for another terminal:\n%s", shown)
		}
	})
}

func TestExecKeepsSession(t *testing.T) {
	each(t, func(t *testing.T, d dialect) {
		if d.name == "pwsh" {
			t.Skip("only on shells that can exec, unlike pwsh")
		}
		h := newHome(t)
		h.rc(t)
		h.azctx("select", "--scope", "user", "prod")
		term := h.open(t, d.interactive()...)
		term.prompt(prod, "0")
		term.line("az-ctx select dev")
		term.prompt(dev, "0")
		before := term.show(h, "before", dev, "0")
		for _, other := range dialects[:3] {
			if _, err := exec.LookPath(other.argv[0]); err != nil {
				continue
			}
			term.line("exec " + strings.Join(other.interactive(), " "))
			term.prompt(dev, "0")
			after := term.show(h, "after", dev, "0")
			if after["AZ_CTX_SESSION"] != before["AZ_CTX_SESSION"] || after["AZ_CTX_FROM"] != "selected" {
				t.Errorf("exec %s: session %s (%s), was %s", other.name, after["AZ_CTX_SESSION"], after["AZ_CTX_FROM"], before["AZ_CTX_SESSION"])
			}
			term.line("az-ctx select prod")
			term.prompt(prod, "0")
			term.line("az-ctx select -")
			term.prompt(dev, "0")
			before = term.show(h, "before", dev, "0")
		}
	})
}

// TestEditorProbe: `-ilc` and its like run start files and no prompt; they get
// what is inherited, and never the default.
func TestEditorProbe(t *testing.T) {
	each(t, func(t *testing.T, d dialect) {
		h := newHome(t)
		h.rc(t)
		h.azctx("select", "--scope", "user", "prod")
		argv := map[string][]string{"bash": {"bash", "-ilc"}, "zsh": {"zsh", "-ilc"}, "fish": {"fish", "-ilc"}, "pwsh": {d.argv[0], "-Login", "-Command"}}[d.name]
		r := h.run(append(argv, "/usr/bin/env -0"), "")
		if env := environ(r.stdout); env["AZ_CTX_NAME"] != "" || env["AZ_CTX_SESSION"] != "" || env["HOME"] != h.dir {
			t.Errorf("a probe is on %q: %q %q", env["AZ_CTX_NAME"], r.stdout, r.stderr)
		}
		term := h.open(t, d.interactive()...)
		term.prompt(prod, "0")
		term.line("az-ctx select dev")
		term.prompt(dev, "0")
		// The file is the probe's alone: PowerShell writes to a terminal as it starts,
		// and what it writes would stand before the first variable.
		h.write("t/probe.sh", "/usr/bin/env -0 >"+h.path("t/probe.env")+"\n")
		term.line(strings.Join(argv, " ") + " '/bin/sh " + h.path("t/probe.sh") + "'")
		term.prompt(dev, "0")
		wantOn(t, "a probe in a session", environ(h.read("t/probe.env")), 2, dev)
	})
}

func TestP77Tmux(t *testing.T) {
	tmux, err := exec.LookPath("tmux")
	if err != nil {
		t.Skip("missing: tmux")
	}
	each(t, func(t *testing.T, d dialect) {
		h := newHome(t)
		h.rc(t)
		h.azctx("select", "--scope", "user", "prod")
		socket := filepath.Join(h.path("t"), "tmux")
		first := h.open(t, d.interactive()...)
		first.prompt(prod, "0")
		first.line("az-ctx select dev")
		first.prompt(dev, "0")
		// The server has this shell's variables, and outlives it.
		command := strings.Join(d.interactive(), " ")
		first.line(tmux + " -S " + socket + " -f /dev/null new-session -d -s one -x 150 -y 50 '" + command + "'")
		first.prompt(dev, "0")
		t.Cleanup(func() { h.run([]string{tmux, "-S", socket, "kill-server"}, "") })
		first.line("exit")
		first.expect(`exit|$`)

		pane := h.open(t, tmux, "-S", socket, "-f", "/dev/null", "new-session", "-s", "two", command)
		pane.expect(`<prod 0>`)
		shown := regexp.MustCompile(`\s+`).ReplaceAllString(pane.shown(), " ")
		if want := "this shell is on prod, the default; its variables came from another terminal (dev)"; !strings.Contains(shown, want) {
			t.Errorf("shown: %q, want %q", shown, want)
		}
		pane.line("/bin/sh -c '/usr/bin/env -0 >" + h.path("t/pane.env") + "; exit 7'")
		pane.expect(`<prod 7>`)
		env := environ(h.read("t/pane.env"))
		wantOn(t, "the pane", env, 1, prod)
		for name, text := range env {
			if strings.HasPrefix(name, "AZ_CTX_WAS_") {
				t.Errorf("%s=%q came along", name, text)
			}
		}
	})
}

func TestCompletion(t *testing.T) {
	each(t, func(t *testing.T, d dialect) {
		const long = "Contoso Prod 1 (00000001-0000-4000-8000-000000000000)"
		h := newHome(t, long, "quo'te $(touch x); `touch x`", "colon: a=b", `dou"ble !x`)
		h.rc(t)
		if d.name == "pwsh" {
			r := h.script(d, d.init+"\naz-ctx completion pwsh | Out-String | Invoke-Expression\nSet-Content zzz.txt x\n"+
				`foreach ($line in 'az-ctx select con', 'az-ctx select "con', 'az-ctx select quo', 'az-ctx sel', 'az-ctx select --name con', 'az-ctx exec --context pr', 'az-ctx select zzz', 'az-ctx import zzz') {`+
				` (TabExpansion2 $line $line.Length).CompletionMatches | Select-Object -First 1 | ForEach-Object { $_.CompletionText } }`)
			want := "'" + long + "'\n'" + long + "'\n'quo''te $(touch x); `touch x`'\nselect\n'" + long + "'\nprod\nzzz\n./zzz.txt\n"
			if r.stdout != want || r.stderr != "" {
				t.Errorf("completed %q, want %q; %q", r.stdout, want, r.stderr)
			}
			return
		}
		term := h.open(t, d.interactive()...)
		term.prompt("", "0")
		for typed, name := range map[string]string{
			"az-ctx select conto\t":        long,
			"az-ctx select 'Conto\t":       long,
			"az-ctx select \"Conto\t":      long,
			"az-ctx select Contoso\\ P\t":  long,
			"az-ctx sel\tquo\t":            "quo'te $(touch x); `touch x`",
			"az-ctx select \"quo\t":        "quo'te $(touch x); `touch x`",
			"az-ctx select colon\t":        "colon: a=b",
			"az-ctx select colon:\\ a\t":   "colon: a=b",
			"az-ctx select --name=Conto\t": long,
			"az-ctx select --name quo\t":   "quo'te $(touch x); `touch x`",
			"az-ctx select dou\t":          `dou"ble !x`,
		} {
			term.line("az-ctx deselect")
			term.prompt("", "0")
			term.send(typed)
			term.line("")
			term.expect(`<[^ >][^\n]* 0> $`)
			env := term.showAny(h)
			if env["AZ_CTX_NAME"] != name {
				t.Errorf("%q completes to %q, want %q", typed, env["AZ_CTX_NAME"], name)
			}
		}
		h.noFile("x")
	})
}

// showAny is show where the prompt's name does not matter.
func (term *terminal) showAny(h *home) map[string]string {
	term.t.Helper()
	term.line("/bin/sh -c '/usr/bin/env -0 >" + h.path("t/show.env") + "; exit 9'")
	term.expect(`<[^\n]* 9> $`)
	return environ(h.read("t/show.env"))
}

// TestP44InterruptedQuestion: Ctrl-C at a question leaves everything as it was.
func TestP44InterruptedQuestion(t *testing.T) {
	each(t, func(t *testing.T, d dialect) {
		h := newHome(t)
		h.rc(t)
		term := h.open(t, d.interactive()...)
		term.prompt("", "0")
		term.line("az-ctx select dev")
		term.prompt(dev, "0")
		before := term.show(h, "before", dev, "0")
		if d.name == "bash" {
			term.line("set -x")
			term.expect(`<dev 0> $`)
		}
		term.line("az-ctx remove dev")
		term.expect(`remove dev, the active context\?.*\[y/N\] `)
		term.send("\x03")
		term.expect(`<dev [0-9]+> $`)
		if d.name == "bash" {
			term.line("case $- in *x*) echo traced; esac; set +x")
			term.expect(`\ntraced\n`)
			term.expect(`<dev 0> $`)
		}
		sameEnviron(t, "after Ctrl-C", term.show(h, "after", dev, "0"), before)
		if names := h.azctx("list", "-o", "name"); !strings.Contains(names, "dev\n") {
			t.Errorf("the context is gone: %q", names)
		}
		// The question has an answer too.
		term.line("az-ctx remove dev")
		term.expect(`\[y/N\] `)
		term.line("y")
		term.expect(`signed out here`)
		term.prompt("", "0")
		env := term.show(h, "removed", "", "0")
		if env["AZURE_SUBSCRIPTION_ID"] != "" || env["AZURE_CONFIG_DIR"] == "" || env["IDENTITY_ENDPOINT"] == "" {
			t.Errorf("signed out: %q", env)
		}
	})
}

// TestPromptIsTheUsers: the user's prompt command or function stays, in
// whatever form it is.
func TestPromptIsTheUsers(t *testing.T) {
	d := dialects[0].in(t)
	for name, text := range map[string]string{
		"none":              "",
		"string":            `PROMPT_COMMAND='seen=$((seen + 1))'`,
		"string with ;":     `PROMPT_COMMAND='seen=$((seen + 1)); '`,
		"string with lines": "PROMPT_COMMAND='seen=$((seen + 1))\n'",
		"array":             `PROMPT_COMMAND=('seen=$((seen + 1))' 'two=$?')`,
		"array, no first":   `PROMPT_COMMAND=([1]='seen=$((seen + 1))')`,
		"exported":          `export PROMPT_COMMAND='seen=$((seen + 1))'`,
		"errexit":           `PROMPT_COMMAND='seen=$((seen + 1))'; set -e`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			h.write(".bashrc", "seen=0\n"+text+"\nPS1='<$AZ_CTX_PROMPT $?> '\n"+d.init+"\n"+d.init+"\n")
			h.azctx("select", "--scope", "user", "dev")
			term := h.open(t, "bash", "-i")
			term.prompt(dev, "0")
			term.line("! true")
			term.prompt(dev, "1")
			term.line("echo seen=$seen")
			want := "2"
			if name == "none" {
				want = "0"
			}
			term.expect(`\nseen=` + want + `\n`)
			term.prompt(dev, "0")
		})
	}
}

// TestExecHasTheTerminal: a command of exec's can be an editor.
func TestExecHasTheTerminal(t *testing.T) {
	each(t, func(t *testing.T, d dialect) {
		h := newHome(t)
		h.rc(t)
		term := h.open(t, d.interactive()...)
		term.prompt("", "0")
		term.line("az-ctx exec --context dev /bin/sh -c 'test -t 0 && test -t 1 && test -t 2 && exit 4'")
		term.prompt("", "4")
	})
}

// TestPwshKnowsAPerson: PowerShell does not tell whether somebody types.
func TestPwshKnowsAPerson(t *testing.T) {
	d := dialects[3].in(t)
	h := newHome(t)
	text := d.init + "; $global:__az_ctx_interactive"
	h.write("script.ps1", text)
	for want, all := range map[string][][]string{
		"-": {{"-File", h.path("script.ps1")}, {h.path("script.ps1")}, {"-NoLogo", "-ExecutionPolicy", "Bypass", h.path("script.ps1")}, {"-Command", text}, {"-c", text}, {"-NonInteractive", "-c", text}, {"-wd", h.dir, "-CommandWithArgs", text, "-NoExit"}},
		"i": {{"-NoLogo", "-NoExit", "-Command", text + "; exit"}, {"-NoLogo", "-noe", "-f", h.path("script.ps1")}},
	} {
		for _, args := range all {
			r := h.run(append([]string{d.argv[0], "-NoProfile"}, args...), "exit\n")
			if got := strings.Fields(r.stdout + " ?")[0]; got != want {
				t.Errorf("pwsh %q: %q, want %q; %q", args, r.stdout, want, r.stderr)
			}
		}
	}
}

// TestProgramGone: a shell whose program was taken away says so where somebody
// asks for it, and nothing at a prompt.
func TestProgramGone(t *testing.T) {
	each(t, func(t *testing.T, d dialect) {
		h := newHome(t)
		h.write("bin/.keep", "")
		if err := exec.Command("/bin/cp", program, h.path("bin/az-ctx")).Run(); err != nil {
			t.Fatal(err)
		}
		path := "/usr/bin:/bin"
		for i, e := range h.env {
			if strings.HasPrefix(e, "PATH=") {
				h.env[i] = "PATH=" + h.path("bin") + ":" + path
			}
		}
		r := h.script(d, d.init+"\n"+d.run("one", "az-ctx select dev")+"/bin/mv "+d.quote(h.path("bin"))+" "+d.quote(h.path("gone"))+"\n"+
			d.run("hook", "__az_ctx_hook")+d.run("list", "az-ctx list")+d.run("select", "az-ctx select prod")+
			"/bin/mv "+d.quote(h.path("gone"))+" "+d.quote(h.path("bin"))+"\n"+d.run("again", "az-ctx select prod"))
		const gone = "az-ctx: the program is not on PATH\n"
		if d.name == "pwsh" { // there it is said past PowerShell's streams
			if r.stderr != gone+gone {
				t.Errorf("standard error: %q", r.stderr)
			}
			r.stderr = ""
		}
		ended(t, r)
		if s := h.step("hook"); s.stdout+s.stderr != "" {
			t.Errorf("the hook: %q %q", s.stdout, s.stderr)
		}
		for _, label := range []string{"list", "select"} {
			if s := h.step(label); s.code != 127 || s.stderr != gone && d.name != "pwsh" {
				t.Errorf("%s: %d %q", label, s.code, s.stderr)
			}
		}
		wantOn(t, "back again", h.step("again").env, 1, prod)
	})
}

// TestCompletionBeforeCompinit: a start file may run compinit after init.
func TestCompletionBeforeCompinit(t *testing.T) {
	d := dialects[1].in(t)
	h := newHome(t)
	h.write(".zshrc", "PS1='<$AZ_CTX_PROMPT %?> '\nsetopt prompt_subst\nunsetopt prompt_sp prompt_cr\nunset zle_bracketed_paste\n"+d.init+"\nautoload -Uz compinit; compinit -u -D\n")
	term := h.open(t, "zsh", "-i")
	term.prompt("", "0")
	term.line("az-ctx sel\tde\t")
	term.prompt(dev, "0")
}
