package azure

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"unsafe"
)

// EnterNamespace starts this program over, in the same process, inside a mount
// namespace whose /etc/hosts leads Azure's names to 127.0.0.1 and a network
// namespace that has nothing but a loopback of its own: port 443 is free there,
// and nothing that a test starts can reach a real cloud. Call it first thing in
// main or TestMain; all children are inside too. Root does it as it is, others
// through a user namespace where the system allows them one.
//
// Where it can't be done it returns ByProxy and why.
func EnterNamespace() (Reach, error) {
	switch os.Getenv(namespaceVar) {
	case "inside":
		return ByNamespace, nil
	case "enter":
		if err := furnish(); err != nil {
			// There is no way out of here, and no network in here.
			fmt.Fprintln(os.Stderr, "test namespace:", err)
			os.Exit(1)
		}
		return ByNamespace, os.Setenv(namespaceVar, "inside")
	}
	unshare, err := exec.LookPath("unshare")
	if err != nil {
		return ByProxy, err
	}
	args := []string{"unshare", "--mount", "--net"}
	if os.Geteuid() != 0 {
		args = append(args, "--user", "--map-root-user")
	}
	// Once it has replaced this process there is no way back, so ask first.
	if out, err := exec.Command(unshare, append(args[1:], "true")...).CombinedOutput(); err != nil {
		return ByProxy, errors.New(strings.TrimSpace(string(out)))
	}
	self, err := os.Executable()
	if err != nil {
		return ByProxy, err
	}
	args = append(append(args, "--", self), os.Args[1:]...)
	return ByProxy, syscall.Exec(unshare, args, append(os.Environ(), namespaceVar+"=enter"))
}

// furnish lays the hosts file over the system's and brings the loopback up.
func furnish() error {
	old, err := os.ReadFile("/etc/hosts")
	if err != nil {
		return err
	}
	hosts := "127.0.0.1 localhost " + strings.Join(DefaultWorld().Hosts(), " ") + "\n" + string(old)
	file, err := os.CreateTemp("", "az-ctx-hosts-")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // the mount keeps it
	if err := errors.Join(file.Chmod(0o644), write(file, hosts)); err != nil {
		return err
	}
	if err := syscall.Mount(file.Name(), "/etc/hosts", "", syscall.MS_BIND, ""); err != nil {
		return fmt.Errorf("mount over /etc/hosts: %w", err)
	}
	return loopbackUp()
}

func write(f *os.File, text string) error {
	_, err := f.WriteString(text)
	return errors.Join(err, f.Close())
}

func loopbackUp() error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	var request struct { // ifreq
		name  [syscall.IFNAMSIZ]byte
		flags uint16
		_     [22]byte
	}
	copy(request.name[:], "lo")
	request.flags = syscall.IFF_UP | syscall.IFF_RUNNING
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), syscall.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&request))); errno != 0 {
		return fmt.Errorf("loopback up: %w", errno)
	}
	return nil
}
