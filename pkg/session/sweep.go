package session

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/az-ctx/az-ctx/pkg/process"
)

const (
	otherHostLife = 30 * 24 * time.Hour // of the sessions of a host that may be gone
	untoldLife    = time.Hour           // after its shell, of a session of which the system can't tell who carries it
)

// Sweep takes away what dead sessions left: process contexts at once, the
// activations of saved contexts once no process carries them any more. What
// can't be removed now is left to the next sweep.
func (p Place) Sweep() {
	var dead []string
	for _, dir := range list(p.Dir) {
		id, err := process.ParseID(filepath.Base(dir))
		if err != nil || id.Alive() {
			continue
		}
		dead = append(dead, dir)
	}
	if len(dead) > 0 {
		carriers := newCarriers()
		for _, dir := range dead {
			p.sweepSession(dir, carriers)
		}
	}
	for _, dir := range list(filepath.Dir(p.Dir)) {
		if info, err := os.Stat(dir); err == nil && dir != p.Dir && time.Since(info.ModTime()) > otherHostLife {
			os.RemoveAll(dir)
		}
	}
}

func list(dir string) []string {
	entries, _ := os.ReadDir(dir)
	var paths []string
	for _, e := range entries {
		if e.IsDir() {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	return paths
}

func (p Place) sweepSession(dir string, carriers carriers) {
	id, _ := process.ParseID(filepath.Base(dir))
	s, ok, err := p.Open(id)
	carried := ok && err == nil && carriers.carry(s)
	os.RemoveAll(filepath.Join(dir, "contexts"))
	if !carried {
		os.RemoveAll(dir)
		return
	}
	for _, a := range list(dir) {
		ref, err := ParseRef(strings.Join([]string{p.Host, id.String(), filepath.Base(a)}, "/"))
		if err != nil {
			continue
		}
		if act, err := p.Activation(ref); err != nil || act.Scope == Process {
			os.RemoveAll(a)
		}
	}
}

// Carried is one look at who lives. It reports whether ref's session or, for a
// saved context's activation, any process that holds its variables still does:
// the agent serves it so long. The processes are read once, where need be.
func (p Place) Carried() func(ref string, _ process.ID) bool {
	processes := sync.OnceValue(newCarriers)
	return func(ref string, _ process.ID) bool {
		r, err := ParseRef(ref)
		if err != nil {
			return false
		}
		if r.Session.Alive() {
			return true
		}
		a, err := p.Activation(r)
		if err != nil || a.Scope == Process {
			return false
		}
		s, ok, err := p.Open(r.Session)
		return err == nil && ok && processes().carry(s)
	}
}

// Live reports whether any session's shell lives.
func (p Place) Live() bool {
	return slices.ContainsFunc(list(p.Dir), func(dir string) bool {
		id, err := process.ParseID(filepath.Base(dir))
		return err == nil && id.Alive()
	})
}

// carriers is the environment of each running process, as it was at its exec.
type carriers struct {
	told      bool
	processes []carrier
}

type carrier struct {
	info process.Info
	env  []byte
}

func newCarriers() carriers {
	pids, err := process.All()
	if err != nil {
		return carriers{}
	}
	c := carriers{told: true}
	for _, pid := range pids {
		info, err := process.Lookup(pid)
		if err != nil || info.UID != os.Geteuid() {
			continue
		}
		if env, err := process.Environment(pid); err == nil {
			c.processes = append(c.processes, carrier{info, env})
		}
	}
	return c
}

// seenDead is for how long a session's shell has been known to be gone: whoever
// sees it first leaves a mark.
func seenDead(dir string) time.Duration {
	mark := filepath.Join(dir, "ended")
	info, err := os.Stat(mark)
	if errors.Is(err, fs.ErrNotExist) && os.WriteFile(mark, nil, 0o600) == nil {
		return 0
	}
	if err != nil {
		return untoldLife
	}
	return time.Since(info.ModTime())
}

// carry reports whether a process was started with the session's variables, or
// is a fork of its shell: such a one's environment, as the system tells it, is
// that of the shell's own start, without any later export.
func (c carriers) carry(s Session) bool {
	if !c.told {
		return seenDead(s.Dir.Path()) < untoldLife
	}
	variable := []byte("AZ_CTX_SESSION=" + s.Place.Host + "/" + s.ID.String() + "/")
	return slices.ContainsFunc(c.processes, func(p carrier) bool {
		if bytes.HasPrefix(p.env, variable) || bytes.Contains(p.env, append([]byte{0}, variable...)) {
			return true
		}
		o := s.State.Origin
		return o.Exe != "" && p.info.Exe == o.Exe && p.info.Group == o.Group && p.info.Start >= s.ID.Start && environmentHash(p.env) == o.Environment
	})
}
