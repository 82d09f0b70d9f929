package process

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
)

// Lookup asks the process for its creation time, in 100 ns since 1601, and a
// snapshot of all processes for its parent.
func Lookup(pid int) (Info, error) {
	h, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, uint32(pid))
	if errors.Is(err, windows.ERROR_INVALID_PARAMETER) {
		return Info{}, ErrGone
	}
	if err != nil {
		return Info{}, fmt.Errorf("looking up process %d: %w", pid, err)
	}
	defer windows.CloseHandle(h)
	var code uint32
	const stillActive = 259
	if err := windows.GetExitCodeProcess(h, &code); err == nil && code != stillActive {
		return Info{}, ErrGone
	}
	var created, exited, kernel, user windows.Filetime
	if err := windows.GetProcessTimes(h, &created, &exited, &kernel, &user); err != nil {
		return Info{}, fmt.Errorf("looking up process %d: %w", pid, err)
	}
	parent, err := parentOf(uint32(pid))
	if err != nil {
		return Info{}, err
	}
	start := uint64(created.HighDateTime)<<32 | uint64(created.LowDateTime)
	return Info{ID: ID{PID: pid, Start: start}, Parent: parent, UID: -1}, nil
}

func parentOf(pid uint32) (int, error) {
	snap, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPPROCESS, 0)
	if err != nil {
		return 0, fmt.Errorf("listing processes: %w", err)
	}
	defer windows.CloseHandle(snap)
	entry := windows.ProcessEntry32{}
	entry.Size = uint32(unsafe.Sizeof(entry))
	for err = windows.Process32First(snap, &entry); err == nil; err = windows.Process32Next(snap, &entry) {
		if entry.ProcessID == pid {
			return int(entry.ParentProcessID), nil
		}
	}
	return 0, ErrGone
}

// Host names where a pid means one thing: this machine. Process creation times
// are absolute, so a boot needs no name of its own.
func Host() (string, error) {
	key, err := registry.OpenKey(registry.LOCAL_MACHINE, `SOFTWARE\Microsoft\Cryptography`, registry.QUERY_VALUE|registry.WOW64_64KEY)
	if err != nil {
		return "", fmt.Errorf("reading the machine's id: %w", err)
	}
	defer key.Close()
	id, _, err := key.GetStringValue("MachineGuid")
	if err != nil {
		return "", fmt.Errorf("reading the machine's id: %w", err)
	}
	return hostName([]byte(id)), nil
}

// Environment is not told here.
func Environment(int) ([]byte, error) { return nil, errors.ErrUnsupported }

// All is not needed where Environment tells nothing.
func All() ([]int, error) { return nil, errors.ErrUnsupported }
