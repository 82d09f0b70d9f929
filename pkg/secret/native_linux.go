package secret

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/godbus/dbus/v5"
	secretservice "github.com/zalando/go-keyring/secret_service"
	"golang.org/x/sys/unix"
)

// itemLimit: a Secret Service takes any size that we have.
const itemLimit = 0

const readBack = false

const stalledTry = "restart it: systemctl --user restart gnome-keyring-daemon, or log in again"

// The names are those of the Secret Service API, freedesktop.org.
const (
	busAddress   = "DBUS_SESSION_BUS_ADDRESS"
	secretsName  = "org.freedesktop.secrets"
	secretsPath  = "/org/freedesktop/secrets"
	loginPath    = "/org/freedesktop/secrets/collection/login"
	serviceIface = "org.freedesktop.Secret.Service"
	collection   = "org.freedesktop.Secret.Collection"
)

// native is the Secret Service on the session bus: GNOME Keyring, KWallet,
// KeePassXC.
type native struct{ goKeyring }

// look goes all the way to the keyring over a connection of its own, which ends
// with ctx. Without it go-keyring would start a bus of its own where there is
// none, and hang where the service does or the keyring is locked.
func (native) look(ctx context.Context) (prompt bool, err error) {
	conn, err := connectBus(ctx)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	if err := findService(ctx, conn); err != nil {
		return false, err
	}
	path, err := findKeyring(ctx, conn)
	if err != nil {
		return false, err
	}
	var locked dbus.Variant
	err = conn.Object(secretsName, path).CallWithContext(ctx, "org.freedesktop.DBus.Properties.Get", 0, collection, "Locked").Store(&locked)
	if err != nil {
		return false, native{}.explain(err)
	}
	if is, _ := locked.Value().(bool); !is {
		return false, nil
	}
	if !canPrompt() {
		return false, errLocked()
	}
	return true, nil
}

// canPrompt reports whether a window that asks to unlock the keyring would be
// seen: on a desktop, and not over ssh, where it would show up on the desk of
// the machine at the other end.
func canPrompt() bool {
	return (os.Getenv("DISPLAY") != "" || os.Getenv("WAYLAND_DISPLAY") != "") && os.Getenv("SSH_CONNECTION") == ""
}

// connectBus finds the session bus, makes sure that it is the user's own, and
// says in the environment, where go-keyring looks, what it found.
func connectBus(ctx context.Context) (*dbus.Conn, error) {
	socket, err := findBus()
	if err != nil {
		return nil, err
	}
	c, err := new(net.Dialer).DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, noBus(fmt.Sprintf("nothing answers on the session bus %.200q", socket))
	}
	if owner, err := peer(c.(*net.UnixConn)); err != nil || owner != os.Geteuid() {
		c.Close()
		return nil, &Unusable{Reason: fmt.Sprintf("the session bus %.200q belongs to another user", socket), Try: "unset " + busAddress}
	}
	// The handshake heeds no context, but a closed socket.
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	conn, err := dbus.ConnectUnix(c.(*net.UnixConn), dbus.WithContext(ctx))
	if err != nil {
		c.Close()
		return nil, noBus("the session bus refuses us")
	}
	if os.Getenv(busAddress) == "" {
		os.Setenv(busAddress, "unix:path="+dbus.EscapeBusAddressValue(socket))
	}
	return conn, nil
}

// findBus gives the socket of the session bus as package net names it, with a
// leading @ where it is abstract.
func findBus() (socket string, err error) {
	address := os.Getenv(busAddress)
	if address == "" || strings.HasPrefix(address, "autolaunch:") {
		dir := os.Getenv("XDG_RUNTIME_DIR")
		if dir == "" {
			dir = fmt.Sprintf("/run/user/%d", os.Getuid())
		}
		socket = filepath.Join(dir, "bus")
		if info, err := os.Stat(socket); err != nil || info.Mode()&os.ModeSocket == 0 {
			return "", noBus("there is no session bus")
		}
		return socket, nil
	}
	first, _, _ := strings.Cut(address, ";")
	keys, local := strings.CutPrefix(first, "unix:")
	for _, pair := range strings.Split(keys, ",") {
		key, value, _ := strings.Cut(pair, "=")
		value, err := dbus.UnescapeBusAddressValue(value)
		switch {
		case !local || err != nil:
		case key == "path" && filepath.IsAbs(value):
			return value, nil
		case key == "abstract" && value != "":
			return "@" + value, nil
		}
	}
	return "", noBus(fmt.Sprintf("%s is %.100q, no socket of this machine", busAddress, first))
}

// peer is the user who listens at the other end.
func peer(c *net.UnixConn) (uid int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	var cred *unix.Ucred
	var failed error
	err = raw.Control(func(fd uintptr) { cred, failed = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	if err = errors.Join(err, failed); err != nil {
		return 0, err
	}
	return int(cred.Uid), nil
}

// findService makes sure that there is a Secret Service, started by the bus if
// need be.
func findService(ctx context.Context, conn *dbus.Conn) error {
	var there bool
	if err := conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.NameHasOwner", 0, secretsName).Store(&there); err != nil {
		return native{}.explain(err)
	}
	if there {
		return nil
	}
	var code uint32
	if err := conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.StartServiceByName", 0, secretsName, uint32(0)).Store(&code); err != nil {
		return native{}.explain(err)
	}
	return nil
}

// findKeyring is the collection that go-keyring will take: the one called login,
// else the default.
func findKeyring(ctx context.Context, conn *dbus.Conn) (dbus.ObjectPath, error) {
	secrets := conn.Object(secretsName, secretsPath)
	var all dbus.Variant
	err := secrets.CallWithContext(ctx, "org.freedesktop.DBus.Properties.Get", 0, serviceIface, "Collections").Store(&all)
	if err != nil {
		return "", native{}.explain(err)
	}
	paths, _ := all.Value().([]dbus.ObjectPath)
	for _, p := range paths {
		if p == loginPath {
			return p, nil
		}
	}
	var path dbus.ObjectPath
	if err := secrets.CallWithContext(ctx, serviceIface+".ReadAlias", 0, "default").Store(&path); err != nil {
		return "", native{}.explain(err)
	}
	if path == "/" {
		return "", &Unusable{Reason: "the Secret Service has no default keyring", Try: unlockTry()}
	}
	return path, nil
}

// abandon closes the connection that go-keyring keeps. That ends its calls, and
// the next one connects anew. It waits where go-keyring hangs in connecting.
func (native) abandon() {
	if s, err := secretservice.NewSecretService(); err == nil {
		s.Conn.Close()
	}
}

// explain takes of what the bus said its error's name alone.
func (native) explain(err error) error {
	if text := err.Error(); strings.HasPrefix(text, "failed to unlock correct collection") {
		return &Unusable{Reason: "the keyring was not unlocked", Try: "try again, and unlock it in the window that shows up"}
	}
	var bus dbus.Error
	var p *dbus.Error
	if errors.As(err, &p) {
		bus = *p
	} else if !errors.As(err, &bus) {
		return errBroke
	}
	switch bus.Name {
	case "org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner":
		return &Unusable{Reason: "there is no Secret Service on the session bus", Try: unlockTry()}
	case "org.freedesktop.Secret.Error.IsLocked":
		return errLocked()
	case "org.freedesktop.DBus.Error.AccessDenied":
		return &Unusable{Reason: "the Secret Service refused it"}
	case "org.freedesktop.DBus.Error.NoReply", "org.freedesktop.DBus.Error.Timeout", "org.freedesktop.DBus.Error.TimedOut":
		return &Unusable{Reason: "the Secret Service did not answer", Try: stalledTry}
	}
	if strings.HasPrefix(bus.Name, "org.freedesktop.DBus.Error.Spawn.") {
		return &Unusable{Reason: "the Secret Service could not be started", Try: installKeyring()}
	}
	return &Unusable{Reason: fmt.Sprintf("the Secret Service failed: %.100q", bus.Name)}
}

func errLocked() *Unusable { return &Unusable{Reason: "the keyring is locked", Try: unlockTry()} }

func noBus(reason string) *Unusable {
	u := &Unusable{Reason: reason + ", so there is no Secret Service", Try: installKeyring()}
	if onPath("gnome-keyring-daemon") && onPath("dbus-run-session") {
		u.Try = "dbus-run-session -- bash"
	}
	return u
}

// unlockTry unlocks the login keyring in a terminal, or makes one with that
// password. gnome-keyring-daemon takes the end of a line for a part of the
// password, and does not reach a daemon that the bus has started.
func unlockTry() string {
	if onPath("gnome-keyring-daemon") {
		return `IFS= read -rs p; pkill -x gnome-keyring-d; printf %s "$p" | gnome-keyring-daemon --unlock --components=secrets`
	}
	return installKeyring()
}

// installKeyring is the command that installs a bus and a Secret Service here.
func installKeyring() string {
	for _, m := range [][2]string{
		{"apt-get", "sudo apt-get install dbus-user-session gnome-keyring"},
		{"dnf", "sudo dnf install dbus-daemon gnome-keyring"},
		{"zypper", "sudo zypper install dbus-1 gnome-keyring"},
		{"pacman", "sudo pacman -S gnome-keyring"},
		{"apk", "sudo apk add dbus gnome-keyring"},
	} {
		if onPath(m[0]) {
			return m[1]
		}
	}
	return "install gnome-keyring, and log in again"
}

func onPath(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}
