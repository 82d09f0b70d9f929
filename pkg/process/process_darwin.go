package process

import (
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"
)

// Lookup asks sysctl kern.proc.pid; the start time is in microseconds since the
// epoch.
func Lookup(pid int) (Info, error) {
	k, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil {
		if errors.Is(err, unix.ESRCH) || errors.Is(err, unix.EIO) {
			return Info{}, ErrGone
		}
		return Info{}, fmt.Errorf("looking up process %d: %w", pid, err)
	}
	const zombie = 5 // SZOMB in <sys/proc.h>
	if k.Proc.P_stat == zombie || int(k.Proc.P_pid) != pid {
		return Info{}, ErrGone
	}
	started := k.Proc.P_starttime
	return Info{
		ID:     ID{PID: pid, Start: uint64(started.Sec)*1e6 + uint64(started.Usec)},
		Parent: int(k.Eproc.Ppid),
		UID:    int(k.Eproc.Ucred.Uid),
	}, nil
}

// Host names where a pid means one thing: this machine since this boot.
func Host() (string, error) {
	id, err := unix.Sysctl("kern.uuid")
	if err != nil {
		return "", fmt.Errorf("reading the machine's id: %w", err)
	}
	boot, err := unix.SysctlTimeval("kern.boottime")
	if err != nil {
		return "", fmt.Errorf("reading the boot's time: %w", err)
	}
	return hostName([]byte(id), []byte(strconv.FormatInt(boot.Sec, 10))), nil
}

// Environment is not told here for processes that are not our own children.
func Environment(int) ([]byte, error) { return nil, errors.ErrUnsupported }

// All is not needed where Environment tells nothing.
func All() ([]int, error) { return nil, errors.ErrUnsupported }
