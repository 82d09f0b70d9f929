package secret

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// nobus takes every way to a bus away; what it gives is $XDG_RUNTIME_DIR.
func nobus(t *testing.T) string {
	dir := shortDir(t)
	t.Setenv(busAddress, "")
	os.Unsetenv(busAddress)
	t.Setenv("XDG_RUNTIME_DIR", dir)
	return dir
}

// shortDir is one whose sockets have short enough names.
func shortDir(t *testing.T) string {
	dir, err := os.MkdirTemp("", "k")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func listen(t *testing.T, path string, serve func(net.Conn)) {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serve(c)
		}
	}()
}

// quick is the system's own keychain that gives up soon.
func quick(t *testing.T) *system {
	k := System(t.TempDir()).(*system)
	k.open = func() *call {
		return &call{backend: native{}, limits: limits{200 * time.Millisecond, 200 * time.Millisecond}}
	}
	return k
}

func everyWay(t *testing.T, k Keychain, reason string) {
	t.Helper()
	_, err := k.Get(t.Context(), "name")
	isUnusable(t, err, reason)
	isUnusable(t, k.Set(t.Context(), "name", "x"), reason)
	isUnusable(t, k.Delete(t.Context(), "name"), reason)
	isUnusable(t, k.Update(t.Context(), "name", func(string) (string, error) {
		t.Error("changed")
		return "", nil
	}), reason)
}

func TestWithoutABusNothingIsStarted(t *testing.T) {
	dir := nobus(t)
	mark := filepath.Join(dir, "launched")
	script := "#!/bin/sh\n: > '" + mark + "'\n"
	if err := os.WriteFile(filepath.Join(dir, "dbus-launch"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	for _, address := range []string{"", "autolaunch:", "autolaunch:scope=x"} {
		os.Setenv(busAddress, address)
		everyWay(t, System(t.TempDir()), "there is no session bus, so there is no Secret Service")
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("a bus was started")
	}
	for _, e := range processes(t, "XDG_RUNTIME_DIR="+dir) {
		t.Errorf("%s runs", e)
	}
}

// processes are the command lines of the other processes with entry in their
// environment.
func processes(t *testing.T, entry string) (found []string) {
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		environ, err := os.ReadFile(p + "/environ")
		if err == nil && p != fmt.Sprintf("/proc/%d", os.Getpid()) && strings.Contains("\x00"+string(environ), "\x00"+entry+"\x00") {
			line, _ := os.ReadFile(p + "/cmdline")
			found = append(found, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}

func TestABusIsLookedForWhereItIsAnnounced(t *testing.T) {
	dir := nobus(t)
	bus := filepath.Join(dir, "bus")
	if err := os.WriteFile(bus, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := findBus(); err == nil {
		t.Errorf("a file is a bus: %s", got)
	}
	os.Remove(bus)
	listen(t, bus, func(c net.Conn) { c.Close() })
	for address, want := range map[string]string{
		"": bus, "autolaunch:": bus,
		"unix:path=/a/b%20c,guid=1":            "/a/b c",
		"unix:guid=1,path=/a":                  "/a",
		"unix:path=/a;unix:path=/b":            "/a",
		"unix:abstract=/tmp/dbus-x,guid=1":     "@/tmp/dbus-x",
		"unix:path=relative":                   "",
		"unix:path=":                           "",
		"unix:path=%zz":                        "",
		"unix:":                                "",
		"tcp:host=example.com,port=1":          "",
		"tcp:path=/a":                          "",
		"unixexec:path=/bin/sh,argv1=-c":       "",
		"nonsense":                             "",
		"unix:tmpdir=/tmp":                     "",
		"launchd:env=DBUS_LAUNCHD_SESSION_BUS": "",
	} {
		os.Setenv(busAddress, address)
		got, err := findBus()
		if got != want || (want == "") != (err != nil) {
			t.Errorf("%q is %q, %v", address, got, err)
		}
	}
}

func TestASocketThatIsNoBusIsNamed(t *testing.T) {
	for what, test := range map[string]struct {
		serve  func(net.Conn)
		reason string
	}{
		"silent":  {func(net.Conn) {}, "it did not answer within 200ms"},
		"closes":  {func(c net.Conn) { c.Close() }, "the session bus refuses us"},
		"babbles": {func(c net.Conn) { fmt.Fprint(c, strings.Repeat("REJECTED\r\n", 20)) }, "the session bus refuses us"},
	} {
		t.Run(what, func(t *testing.T) {
			listen(t, filepath.Join(nobus(t), "bus"), test.serve)
			everyWay(t, quick(t), test.reason)
		})
	}
	t.Run("dead", func(t *testing.T) {
		os.Setenv(busAddress, "unix:path="+filepath.Join(nobus(t), "gone"))
		everyWay(t, System(t.TempDir()), "nothing answers on the session bus")
	})
}

func TestAnothersBusIsRefused(t *testing.T) {
	dir := nobus(t)
	socket := "/run/dbus/system_bus_socket" // root's
	if os.Geteuid() == 0 {
		socket = filepath.Join(dir, "bus")
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		asNobody(t, func() {
			listen(t, socket, func(c net.Conn) {
				if n, _ := c.Read(make([]byte, 1)); n > 0 {
					t.Error("something was sent")
				}
			})
		})
	} else if _, err := os.Stat(socket); err != nil {
		t.Skip("missing: a socket of another user")
	}
	os.Setenv(busAddress, "unix:path="+socket)
	everyWay(t, System(t.TempDir()), "belongs to another user")
}

// asNobody runs f on a thread with another user's rights, which then ends.
func asNobody(t *testing.T, f func()) {
	ended := make(chan error)
	go func() {
		runtime.LockOSThread()
		const same = ^uintptr(0)
		_, _, e := syscall.RawSyscall(syscall.SYS_SETRESUID, same, 65534, same)
		if e != 0 {
			ended <- e
			return
		}
		f()
		ended <- nil
	}()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

func TestEachFailureOfTheBusIsTold(t *testing.T) {
	for name, reason := range map[string]string{
		"org.freedesktop.DBus.Error.ServiceUnknown":      "there is no Secret Service on the session bus",
		"org.freedesktop.DBus.Error.NameHasNoOwner":      "there is no Secret Service on the session bus",
		"org.freedesktop.DBus.Error.Spawn.ExecFailed":    "the Secret Service could not be started",
		"org.freedesktop.DBus.Error.NoReply":             "the Secret Service did not answer",
		"org.freedesktop.DBus.Error.AccessDenied":        "the Secret Service refused it",
		"org.freedesktop.Secret.Error.IsLocked":          "the keyring is locked",
		"org.freedesktop.DBus.Error.Failed":              `the Secret Service failed: "org.freedesktop.DBus.Error.Failed"`,
		"org.evil\x1b]0;x\a" + strings.Repeat("x", 1000): `the Secret Service failed: "org.evil\x1b]0;x\a`,
	} {
		bus := dbus.Error{Name: name, Body: []any{secret}}
		for _, err := range []error{bus, &bus, fmt.Errorf("x: %w", bus)} {
			said := native{}.explain(err)
			isUnusable(t, said, reason)
			if text := fmt.Sprintf("%+v", said); strings.Contains(text, secret) || strings.Contains(text, "\x1b") || len(text) > 300 {
				t.Errorf("%s: %s", name, text)
			}
		}
	}
	isUnusable(t, native{}.explain(errors.New("failed to unlock correct collection '/x'")), "the keyring was not unlocked")
	isUnusable(t, native{}.explain(dbus.ErrClosed), "the connection to it broke")
}

func TestAPromptIsSeenOnADesktopAlone(t *testing.T) {
	for _, test := range []struct {
		display, wayland, ssh string
		want                  bool
	}{{"", "", "", false}, {":0", "", "", true}, {"", "wayland-0", "", true}, {":10", "", "1 2 3 4", false}, {"", "", "1 2 3 4", false}} {
		t.Setenv("DISPLAY", test.display)
		t.Setenv("WAYLAND_DISPLAY", test.wayland)
		t.Setenv("SSH_CONNECTION", test.ssh)
		if canPrompt() != test.want {
			t.Errorf("%+v", test)
		}
	}
}
