package cli

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// wrapperFlag is how the shell functions of shell/ say who calls; it stands
// first, and no one types it.
const wrapperFlag = "--wrapper="

// wrapper is what a shell function tells of its shell.
type wrapper struct {
	shell       string
	pid         int // of the shell
	self        int // of the process that runs the function: another one in a subshell
	interactive bool
	eval        bool   // the function runs what is printed, so that the shell can change
	objects     bool   // it is the PowerShell module that does, from objects
	thread      bool   // the module runs in a thread of the shell, whose environment is the shell's
	readOnly    string // a variable that a switch would have to touch and can't
}

var errOtherVersion = errors.New("az-ctx's function in this shell is of another version; start a new shell")

// parseWrapper reads SHELL,PID,SELF,OPTIONS,MODE,READONLY. SELF is empty where
// the shell can't tell it: then it is our parent, for the function starts us
// directly. OPTIONS are the shell's own, with i for interactive.
func parseWrapper(s string) (*wrapper, error) {
	parts := strings.Split(s, ",")
	if len(parts) != 6 {
		return nil, errOtherVersion
	}
	pid, err := strconv.Atoi(parts[1])
	if err != nil {
		return nil, fmt.Errorf("reading this shell's process id: %w", err)
	}
	w := &wrapper{shell: parts[0], pid: pid, self: os.Getppid(), interactive: strings.Contains(parts[3], "i"), readOnly: parts[5]}
	switch parts[4] {
	case "eval":
		w.eval = true
	case objectsMode, objectsMode + "-thread":
		w.eval, w.objects, w.thread = true, true, parts[4] != objectsMode
	case "direct":
	default:
		return nil, errOtherVersion
	}
	if parts[2] != "" {
		if w.self, err = strconv.Atoi(parts[2]); err != nil {
			return nil, fmt.Errorf("reading this shell's process id: %w", err)
		}
	}
	return w, nil
}

// subshell reports whether the function runs in a fork of the shell, where a
// change ends with the fork.
func (w *wrapper) subshell() bool { return w.self != w.pid }
