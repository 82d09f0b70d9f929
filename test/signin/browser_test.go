package signin

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/az-ctx/az-ctx/test/azure"
	"github.com/az-ctx/az-ctx/test/terminal"
)

// withBrowser gives the user a headless Chromium that trusts the loopback
// Azure's authority, and returns what BROWSER is to be.
func (u user) withBrowser() string {
	u.t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		u.t.Skip("missing: chromium")
	}
	certutil, err := exec.LookPath("certutil")
	if err != nil {
		u.t.Skip("missing: certutil (libnss3-tools)")
	}
	db := "sql:" + u.path(".pki/nssdb")
	if err := os.MkdirAll(u.path(".pki/nssdb"), 0o700); err != nil {
		u.t.Fatal(err)
	}
	for _, args := range [][]string{{"-N", "--empty-password"}, {"-A", "-t", "C,,", "-n", "az-ctx test", "-i", u.cloud.CAFile}} {
		c := exec.Command(certutil, append([]string{"-d", db}, args...)...)
		c.Env = u.environ()
		if out, err := c.CombinedOutput(); err != nil {
			u.t.Fatalf("certutil %s: %v\n%s", args[0], err, out)
		}
	}
	script := fmt.Sprintf(`#!/bin/bash
exec setsid %s --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-background-networking --disable-component-update \
	--no-first-run --user-data-dir="$HOME/chromium" --remote-debugging-port=0 "$1" >>"$HOME/chromium.log" 2>&1
`, chromium)
	u.write("bin/browser", []byte(script))
	if err := os.Chmod(u.path("bin/browser"), 0o700); err != nil {
		u.t.Fatal(err)
	}
	return u.path("bin/browser")
}

// closeBrowsers ends those that were started in the user's home.
func (u user) closeBrowsers() {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		line, err := os.ReadFile("/proc/" + e.Name() + "/cmdline")
		if err == nil && strings.Contains(string(line), "--user-data-dir="+u.path("chromium")) {
			pid, _ := strconv.Atoi(e.Name())
			if p, err := os.FindProcess(pid); err == nil {
				p.Kill() // it may have ended with another one of them
			}
		}
	}
}

// P1: the browser flow, with a real browser: authorization code with PKCE.
func TestP1Browser(t *testing.T) {
	u := newUser(t, azure.Options{}).withAz()
	browser := u.withBrowser()
	t.Cleanup(u.closeBrowsers)
	u.as(azure.Alice)
	x := u.open("BROWSER=" + browser)
	out := x.OK("az-ctx connect")
	terminal.Contains(t, "connect", out, "sign in in the browser window, or press Ctrl-C and use --device-code", "signed in as alice@contoso.com", "active here: Contoso Prod 1")
	terminal.Lacks(t, "connect", out, "devicelogin")
	sees(t, x, "rg-contoso-prod-alice")
	var page, code *azure.Request
	for _, r := range u.cloud.Requests() {
		switch {
		case strings.HasSuffix(r.Path, "/authorize"):
			page = &r
		case r.Grant == "authorization_code":
			code = &r
		}
	}
	if page == nil || !strings.Contains(page.UserAgent, "Chrome") || code == nil || code.Status != http.StatusOK {
		t.Errorf("the page was asked for by %+v, the code redeemed by %+v", page, code)
	}
	u.closeBrowsers()
}

// Ctrl-C while the page is open leaves everything as it was; over ssh no page is
// opened at all.
func TestBrowserThatNobodyAnswers(t *testing.T) {
	u := newUser(t, azure.Options{})
	u.write("bin/browser", []byte("#!/bin/sh\necho \"$1\" >\"$HOME/page\"\n"))
	if err := os.Chmod(u.path("bin/browser"), 0o700); err != nil {
		t.Fatal(err)
	}
	x := u.open("BROWSER=" + u.path("bin/browser"))
	before := u.saved()
	x.OK("PS1='ready> '")
	x.Begin("az-ctx connect")
	x.Await("press Ctrl-C and use --device-code")
	x.Type("\x03")
	terminal.Contains(t, "Ctrl-C", x.Await("ready> "), "az-ctx: nothing was changed")
	if out, status := x.End(); status != 130 {
		t.Errorf("Ctrl-C: status %d\n%s", status, out)
	}
	x.OK("PS1=")
	if after := u.saved(); after != before {
		t.Errorf("Ctrl-C: saved is\n%s", after)
	}

	// The person who declines.
	x.OK("rm -f page; mkfifo page")
	x.Begin("az-ctx connect")
	page, err := os.ReadFile(u.path("page"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := u.cloud.Browse(t.Context(), strings.TrimSpace(string(page)), ""); err != nil {
		t.Fatal(err)
	}
	if out, status := x.End(); status != 4 || !strings.Contains(out, "AADSTS65004") {
		t.Errorf("declined: status %d\n%s", status, out)
	}
	if after := u.saved(); after != before {
		t.Errorf("declined: saved is\n%s", after)
	}

	u.as(azure.Alice)
	terminal.Contains(t, "over ssh", x.OK("SSH_CONNECTION='192.0.2.1 1 192.0.2.2 22' az-ctx connect"), "devicelogin")
}
