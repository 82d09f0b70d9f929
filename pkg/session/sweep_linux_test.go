package session

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/az-ctx/az-ctx/pkg/process"
)

// A dead session's process contexts go at once. Its activations of saved
// contexts stay as long as a process carries them.
func TestSweep(t *testing.T) {
	p := place(t)
	live, idle := newShell(t), newShell(t)
	carried, forked := newShell(t), newShell(t)
	sessions := map[*shell]Session{}
	for _, sh := range []*shell{live, idle, carried, forked} {
		s := begin(t, p, sh.ID, nil)
		put(t, s.Dir, "scope", "own")
		activation(t, s, User)
		activation(t, s, Process)
		sessions[sh] = s
	}
	dir := func(sh *shell, part string) string { return filepath.Join(p.sessionDir(sh.ID), part) }

	// One was handed to a program at its exec; of the other a subshell lives, whose
	// environment, as the system tells it, lacks the variable.
	carrier := exec.Command("sleep", "1000")
	carrier.Env = []string{"X=1", "AZ_CTX_SESSION=" + sessions[carried].Place.Host + "/" + carried.ID.String() + "/1"}
	if err := carrier.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { carrier.Process.Kill(); carrier.Wait() }()
	fork := forked.run(`mkfifo "$UNIQUE/fifo"; (read -r _ <>"$UNIQUE/fifo"; :) & echo $!`)
	var forkPID int
	if _, err := fmt.Sscan(fork, &forkPID); err != nil {
		t.Fatal(err)
	}
	for _, sh := range []*shell{idle, carried, forked} {
		sh.kill()
	}

	p.Sweep()
	for _, part := range []string{"session.json", "contexts/own.json", "1/activation.json", "2/activation.json"} {
		if !exists(dir(live, part)) {
			t.Errorf("the live session's %s went", part)
		}
	}
	if exists(dir(idle, "")) {
		t.Error("the dead session that nobody carries is there")
	}
	for name, sh := range map[string]*shell{"carried": carried, "forked": forked} {
		if !exists(dir(sh, "1/activation.json")) {
			t.Errorf("the %s activation went", name)
		}
		for _, part := range []string{"2", "contexts/own.json"} {
			if exists(dir(sh, part)) {
				t.Errorf("the %s session's %s is there", name, part)
			}
		}
	}
	refOf := func(sh *shell, n int) string { return Ref{Host: p.Host, Session: sh.ID, Number: n}.String() }
	for ref, want := range map[string]bool{refOf(live, 1): true, refOf(live, 2): true, refOf(idle, 1): false, refOf(carried, 1): true, refOf(carried, 2): false, refOf(forked, 1): true, "nonsense": false} {
		if got := p.Carried()(ref, process.ID{}); got != want {
			t.Errorf("%s is carried: %v", ref, got)
		}
	}

	carrier.Process.Kill()
	carrier.Wait()
	forkProcess, err := os.FindProcess(forkPID)
	if err != nil {
		t.Fatal(err)
	}
	was, err := process.Lookup(forkPID)
	if err != nil {
		t.Fatal(err)
	}
	if err := forkProcess.Kill(); err != nil {
		t.Fatal(err)
	}
	for was.Alive() { // it is nobody's child any more, so there is no end to take in
	}
	p.Sweep()
	for name, sh := range map[string]*shell{"carried": carried, "forked": forked} {
		if exists(dir(sh, "")) {
			t.Errorf("the %s session is there, and nobody carries it", name)
		}
	}
}

// A shell of the same kind beside the dead one, with another environment, is no
// fork of it.
func TestSweepKnowsOtherShells(t *testing.T) {
	p := place(t)
	dead, other := newShell(t), newShell(t)
	activation(t, begin(t, p, dead.ID, nil), User)
	begin(t, p, other.ID, nil)
	dead.kill()
	p.Sweep()
	if exists(p.sessionDir(dead.ID)) {
		t.Error("the dead session is kept by another shell")
	}
	if !exists(p.sessionDir(other.ID)) {
		t.Error("the living session went")
	}
}

// Where the system does not tell who carries a session, it is carried for an hour
// from when its shell was first seen to be gone, however long that had lived.
func TestSweepWhereTheSystemDoesNotTell(t *testing.T) {
	p := place(t)
	sh := newShell(t)
	s := begin(t, p, sh.ID, nil)
	activation(t, s, User)
	long := time.Now().Add(-24 * time.Hour)
	if err := os.Chtimes(p.sessionDir(sh.ID), long, long); err != nil {
		t.Fatal(err)
	}
	sh.kill()
	for range 2 {
		if !(carriers{}).carry(s) {
			t.Error("it is not carried just after its shell")
		}
	}
	mark := filepath.Join(p.sessionDir(sh.ID), "ended")
	over := time.Now().Add(-untoldLife)
	if err := os.Chtimes(mark, over, over); err != nil {
		t.Fatal(err)
	}
	if (carriers{}).carry(s) {
		t.Error("it is carried an hour after its shell")
	}
}
