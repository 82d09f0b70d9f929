package secret

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// These tests run themselves again inside a session bus of their own, with the
// real gnome-keyring on it, a home of its own and no desktop.

const insideVariable = "AZ_CTX_TEST_INSIDE"

// inside reports whether the test is the one that runs on the bus.
func inside() bool { return os.Getenv(insideVariable) != "" }

// desk is a user's home.
type desk struct {
	t            *testing.T
	home, socket string
}

func newDesk(t *testing.T) desk {
	t.Helper()
	for _, program := range []string{"dbus-run-session", "gnome-keyring-daemon", "bash"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("missing: " + program)
		}
	}
	d := desk{t, shortDir(t), shortDir(t)}
	t.Cleanup(func() {
		// What a session left would have a hold of this home.
		for _, p := range processes(t, "XDG_RUNTIME_DIR="+d.socket) {
			if !strings.Contains(p, "gnome-keyring") && p != "" { // these end by themselves, a little later
				t.Errorf("%s is left", p)
			}
		}
	})
	return d
}

const (
	unlocked = `printf pw | gnome-keyring-daemon --unlock --components=secrets >/dev/null; exec "$@"`
	asItIs   = `exec "$@"`
)

// run runs the test on a bus.
func (d desk) run(script string, options ...string) string {
	d.t.Helper()
	self, err := os.Executable()
	if err != nil {
		d.t.Fatal(err)
	}
	words := append(options, "--", "bash", "-c", script, "_", self, "-test.run", "^"+d.t.Name()+"$", "-test.v", "-test.timeout", "3m")
	cmd := exec.Command("dbus-run-session", words...)
	cmd.Env = []string{"HOME=" + d.home, "XDG_RUNTIME_DIR=" + d.socket, "PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir(), insideVariable + "=1"}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run() // no longer than -test.timeout says
	if err != nil || !strings.Contains(out.String(), "--- PASS: "+d.t.Name()) {
		d.t.Fatalf("%v\n%s", err, out.String())
	}
	for line := range strings.Lines(out.String()) {
		if strings.Contains(line, "_test.go:") {
			d.t.Log(strings.TrimSpace(line))
		}
	}
	return out.String()
}

func TestTheRealKeyringKeepsWhatItIsGiven(t *testing.T) {
	if !inside() {
		d := newDesk(t)
		d.run(unlocked)
		// It is all there, but not in plain text.
		keyring := ""
		err := filepath.WalkDir(d.home, func(path string, e fs.DirEntry, err error) error {
			if err == nil && e.Type().IsRegular() {
				raw, _ := os.ReadFile(path)
				keyring += string(raw)
			}
			return err
		})
		if err != nil || len(keyring) < 2000 || strings.Contains(keyring, "0.AXoA") || strings.Contains(keyring, "cleartext") {
			t.Errorf("%v, %d bytes", err, len(keyring))
		}
		return
	}
	for _, limit := range []int{0, 2560} {
		k := System(t.TempDir()).(*system)
		k.limit = limit
		keepsWhatItIsGiven(t, k)
		updates(t, k)
		if err := k.Delete(t.Context(), "name"); err != nil {
			t.Fatal(err)
		}
	}
	k := System(t.TempDir())
	token := long(1500, "0.AXoA")
	timeOf := func(what string, do func() error) {
		start := time.Now()
		for range 20 {
			if err := do(); err != nil {
				t.Fatal(err)
			}
		}
		t.Logf("%s: %.1f ms", what, float64(time.Since(start).Microseconds())/20/1000)
	}
	ctx := t.Context()
	timeOf("set", func() error { return k.Set(ctx, "token", token) })
	timeOf("get", func() error { _, err := k.Get(ctx, "token"); return err })
	timeOf("update", func() error {
		return k.Update(ctx, "token", func(old string) (string, error) { return old[1:] + old[:1], nil })
	})
	timeOf("look alone", func() error { _, err := native{}.look(ctx); return err })
}

func TestWritersOfSeveralProcessesLoseNothingInTheRealKeyring(t *testing.T) {
	if !inside() {
		newDesk(t).run(unlocked)
		return
	}
	writersLoseNothing(t, t.TempDir(), "", 2, 15)
}

func TestAWriterKilledAtAnyInstantLeavesAWholeValueInTheRealKeyring(t *testing.T) {
	if !inside() {
		newDesk(t).run(unlocked)
		return
	}
	killedWriters(t, t.TempDir(), "", 8)
}

func TestABusWithoutASecretServiceIsNamed(t *testing.T) {
	if !inside() {
		config := filepath.Join(shortDir(t), "bus.conf")
		// No service directory, so nothing can be started.
		err := os.WriteFile(config, []byte(`<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen><policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`), 0o600)
		if err != nil {
			t.Fatal(err)
		}
		newDesk(t).run(asItIs, "--config-file", config)
		return
	}
	everyWay(t, System(t.TempDir()), "there is no Secret Service on the session bus")
}

func TestAServiceWithoutAKeyringIsNamed(t *testing.T) {
	if !inside() {
		newDesk(t).run(asItIs)
		return
	}
	everyWay(t, System(t.TempDir()), "the Secret Service has no default keyring")
}

// lockedDesk is a test's body before and after its user's keyring was locked.
func lockedDesk(t *testing.T, script string) (here bool) {
	if !inside() {
		d := newDesk(t)
		d.run(unlocked)
		d.run(script)
		return false
	}
	if _, err := (native{}).look(t.Context()); err == nil && os.Getenv("DISPLAY") == "" {
		if err := System(t.TempDir()).Set(t.Context(), "name", "old"); err != nil {
			t.Fatal(err)
		}
		return false
	}
	return true
}

func TestALockedKeyringWithoutADesktopIsNamedAtOnce(t *testing.T) {
	if lockedDesk(t, asItIs) {
		everyWay(t, System(t.TempDir()), "the keyring is locked")
		t.Log("locked")
	}
}

const onADesktop = `export DISPLAY=:99; exec "$@"`

// prompter is the window that asks to unlock the keyring, and never closes. Its
// name is that of gcr's.
type prompter struct{ shown chan struct{} }

func (p prompter) BeginPrompting(dbus.ObjectPath) *dbus.Error {
	select {
	case p.shown <- struct{}{}:
	default:
	}
	return nil
}

func (prompter) StopPrompting(dbus.ObjectPath) *dbus.Error { return nil }

func showPrompter(t *testing.T) (*dbus.Conn, prompter) {
	t.Helper()
	conn, err := dbus.ConnectSessionBus()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	p := prompter{make(chan struct{}, 1)}
	for _, name := range []string{"org.gnome.keyring.SystemPrompter", "org.gnome.keyring.PrivatePrompter"} {
		if r, err := conn.RequestName(name, dbus.NameFlagDoNotQueue); err != nil || r != dbus.RequestNameReplyPrimaryOwner {
			t.Fatal(name, r, err)
		}
	}
	if err := conn.Export(p, "/org/gnome/keyring/Prompter", "org.gnome.keyring.internal.Prompter"); err != nil {
		t.Fatal(err)
	}
	return conn, p
}

func TestALockedKeyringOnADesktopIsWaitedForButNotForEver(t *testing.T) {
	if !lockedDesk(t, onADesktop) {
		return
	}
	conn, p := showPrompter(t)
	k := quick(t)
	everyWay(t, k, "it was not unlocked within 200ms")
	<-p.shown
	idle() // what was given up has ended
	// What the hint says, but for the name by which the daemon is ended.
	syscall.Kill(processOf(t, conn, secretsName), syscall.SIGTERM)
	for there := true; there; {
		if err := conn.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, secretsName).Store(&there); err != nil {
			t.Fatal(err)
		}
	}
	_, hint, _ := strings.Cut(errLocked().Try, "pkill -x gnome-keyring-d; ")
	if out, err := exec.Command("bash", "-c", "p=pw; "+hint).CombinedOutput(); err != nil || hint == "" {
		t.Fatalf("%v: %s", err, out)
	}
	if got, err := System(t.TempDir()).Get(t.Context(), "name"); err != nil || got != "old" {
		t.Errorf("after unlocking: %q, %v", got, err)
	}
}

func TestABusThatGoesAwayUnderAPromptIsAnError(t *testing.T) {
	if !lockedDesk(t, onADesktop) {
		return
	}
	conn, p := showPrompter(t)
	bus := processOf(t, conn, "org.freedesktop.DBus")
	go func() {
		<-p.shown
		syscall.Kill(bus, syscall.SIGKILL)
	}()
	k := System(t.TempDir())
	_, err := k.Get(t.Context(), "name")
	isUnusable(t, err, "the connection to it broke")
	everyWay(t, k, "session bus")
}

// processOf is the process that has a name on the bus.
func processOf(t *testing.T, conn *dbus.Conn, name string) (pid int) {
	t.Helper()
	var id uint32
	if err := conn.BusObject().Call("org.freedesktop.DBus.GetConnectionUnixProcessID", 0, name).Store(&id); err != nil {
		t.Fatal(err)
	}
	return int(id)
}

// stalling stops the daemon after it was found well, before it is asked.
type stalling struct {
	native
	stop func()
}

func (s stalling) get(item string) (string, error) { s.stop(); return s.native.get(item) }
func (s stalling) set(item, value string) error    { s.stop(); return s.native.set(item, value) }

func TestADaemonThatStallsIsGivenUp(t *testing.T) {
	if !inside() {
		newDesk(t).run(unlocked)
		return
	}
	conn, err := dbus.ConnectSessionBus()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	lockDir := t.TempDir()
	k := System(lockDir)
	if err := k.Set(t.Context(), "name", "old"); err != nil {
		t.Fatal(err)
	}
	daemon := processOf(t, conn, secretsName)
	stop := func() { syscall.Kill(daemon, syscall.SIGSTOP) }
	goOn := func() { syscall.Kill(daemon, syscall.SIGCONT) }
	defer goOn()

	stop()
	everyWay(t, quick(t), "it did not answer within 200ms")
	goOn()
	if got, err := k.Get(t.Context(), "name"); err != nil || got != "old" {
		t.Fatalf("%q, %v", got, err)
	}

	// Under the call itself; what was given up then ends at once, for its
	// connection is closed, and its lock is free.
	s := System(lockDir).(*system)
	s.open = func() *call {
		return &call{backend: stalling{stop: stop}, limits: limits{500 * time.Millisecond, 500 * time.Millisecond}}
	}
	_, err = s.Get(t.Context(), "name")
	isUnusable(t, err, "it did not answer within 500ms")
	idle()
	goOn()
	isUnusable(t, s.Set(t.Context(), "name", "new"), "it did not answer within 500ms")
	idle()
	goOn()
	if err := k.Update(t.Context(), "name", func(old string) (string, error) { return old + " and changed", nil }); err != nil {
		t.Fatal(err)
	}
	if got, err := k.Get(t.Context(), "name"); err != nil || got != "old and changed" && got != "new and changed" {
		t.Errorf("%q, %v", got, err)
	}

	// Whoever is interrupted gets away, too.
	ctx, cancel := context.WithCancel(t.Context())
	s.open = func() *call {
		return &call{backend: stalling{stop: func() { stop(); cancel() }}, limits: limits{time.Minute, time.Minute}}
	}
	if _, err := s.Get(ctx, "name"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	idle()
}
