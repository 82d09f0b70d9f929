// Package keyring starts a real Secret Service for a test.
package keyring

import (
	"bufio"
	"os/exec"
	"strings"
	"testing"
)

// Start starts a session bus with an unlocked gnome-keyring on it, in an
// environment with a HOME and an XDG_RUNTIME_DIR of the test's own, and returns
// the bus's address. Both end with the test.
func Start(t testing.TB, env []string) (address string) {
	t.Helper()
	for _, program := range []string{"dbus-run-session", "gnome-keyring-daemon"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("missing: ", program)
		}
	}
	c := exec.Command("dbus-run-session", "--", "bash", "-c", `printf pw | gnome-keyring-daemon --unlock --components=secrets >/dev/null; echo "$DBUS_SESSION_BUS_ADDRESS"; read -r`)
	c.Env = env
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		c.Wait()
	})
	address, err = bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("no session bus: %v", err)
	}
	return strings.TrimSpace(address)
}
