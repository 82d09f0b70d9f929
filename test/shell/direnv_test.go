//go:build unix

package shell

import (
	"os/exec"
	"strings"
	"testing"
)

// P75 with the real direnv: it puts back what it found when it came into a
// directory, whatever was selected since. That has to be noticed, and nothing of
// direnv's may be overwritten silently.
func TestP75Direnv(t *testing.T) {
	direnv, err := exec.LookPath("direnv")
	if err != nil {
		t.Skip("missing: direnv")
	}
	each(t, func(t *testing.T, d dialect) {
		hook := map[string]string{
			"bash": `eval "$(` + direnv + ` hook bash)"`, "zsh": `eval "$(` + direnv + ` hook zsh)"`, "fish": direnv + " hook fish | source",
		}[d.name]
		if hook == "" {
			t.Skip("only on shells that Debian's direnv knows, unlike " + d.name)
		}
		h := newHome(t)
		h.rc(t)
		h.write("infra/.envrc", "export ARM_SUBSCRIPTION_ID=00000077-0000-4000-8000-000000000000\n")
		if out := h.run([]string{direnv, "allow", h.path("infra")}, ""); out.code != 0 {
			t.Fatalf("direnv allow: %s%s", out.stdout, out.stderr)
		}
		term := h.open(t, d.interactive()...)
		term.prompt("", "0")
		term.line(hook)
		term.prompt("", "0")
		// In fish direnv's hook runs after ours, so its change is seen at the prompt
		// after that.
		notice := func(prompt, text string) {
			if d.name == "fish" {
				term.prompt(strings.TrimSuffix(prompt, "!"), "0")
				term.line("")
			}
			term.expect(text)
			term.prompt(prompt, "0")
		}
		term.line("az-ctx select prod")
		term.prompt(prod, "0")

		term.line("cd " + h.path("infra"))
		notice(prod+"!", "az-ctx: ARM_SUBSCRIPTION_ID was changed here, az-ctx says prod")
		term.line("az-ctx select dev")
		term.expect("ARM_SUBSCRIPTION_ID was changed here, and is az-ctx's again")
		term.prompt(dev, "0")
		term.line("cd /")
		notice(dev+"!", "az-ctx: ARM_SUBSCRIPTION_ID was changed here, az-ctx says dev")
		env := term.show(h, "left", dev+"!", "0")
		if got := env["ARM_SUBSCRIPTION_ID"]; got != subscription(1) {
			t.Errorf("direnv put %q back, so this test no longer shows what it is for", got)
		}
		if got := env["AZ_CTX_PROMPT"]; !strings.HasSuffix(got, "!") {
			t.Errorf("the prompt shows %q", got)
		}
		term.line("az-ctx select dev")
		term.prompt(dev, "0")
		if got := term.show(h, "again", dev, "0")["ARM_SUBSCRIPTION_ID"]; got != subscription(2) {
			t.Errorf("select put %q there", got)
		}
	})
}
