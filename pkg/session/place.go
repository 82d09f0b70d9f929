// Package session knows which shell a command works for, what that shell sees,
// and the activations that it has handed to tools.
//
// A session's directory is run/<host>/<pid>-<start>: session.json and contexts/
// hold what is its own, and each numbered directory in it is an activation.
// There is no secret in it.
package session

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/az-ctx/az-ctx/pkg/process"
	"github.com/az-ctx/az-ctx/pkg/store"
)

// Place is where this host's sessions lie.
type Place struct {
	Dir  string // …/az-ctx/run/<host>
	Host string
}

// Here finds the place of this host below az-ctx's state directory.
func Here(state string) (Place, error) {
	host, err := process.Host()
	if err != nil {
		return Place{}, err
	}
	return Place{Dir: filepath.Join(state, "run", host), Host: host}, nil
}

// Make makes the place's directory, 0700, where there is none.
func (p Place) Make() error {
	for _, dir := range p.dirs() {
		if err := store.Make(dir); err != nil {
			return err
		}
	}
	return nil
}

// Ref names an activation, or with Number 0 just its session.
type Ref struct {
	Host    string
	Session process.ID
	Number  int
}

// String is the form that AZ_CTX_SESSION has: HOST/PID-START/NUMBER.
func (r Ref) String() string { return fmt.Sprintf("%s/%s/%d", r.Host, r.Session, r.Number) }

// ParseRef reads what String gave.
func ParseRef(s string) (Ref, error) {
	parts := strings.Split(s, "/")
	if len(parts) != 3 {
		return Ref{}, fmt.Errorf("%q names no session", s)
	}
	id, err := process.ParseID(parts[1])
	if err != nil {
		return Ref{}, err
	}
	n, err := strconv.Atoi(parts[2])
	if err != nil || n < 0 || parts[0] == "" {
		return Ref{}, fmt.Errorf("%q names no session", s)
	}
	return Ref{Host: parts[0], Session: id, Number: n}, nil
}

// own reports what is wrong with a session's directory, or one of ours that it
// lies in.
func (p Place) own(id process.ID) error {
	for _, dir := range append(p.dirs(), p.sessionDir(id)) {
		if err := store.Own(dir); err != nil {
			return err
		}
	}
	return nil
}

// dirs are the place's directory and those above it that are ours.
func (p Place) dirs() []string {
	run := filepath.Dir(p.Dir)
	return []string{filepath.Dir(run), run, p.Dir}
}

func (p Place) sessionDir(id process.ID) string { return filepath.Join(p.Dir, id.String()) }

// ActivationDir is the directory of one activation.
func (p Place) ActivationDir(r Ref) string {
	return filepath.Join(p.sessionDir(r.Session), strconv.Itoa(r.Number))
}

// Open opens a session that was begun.
func (p Place) Open(id process.ID) (Session, bool, error) {
	if err := p.own(id); errors.Is(err, os.ErrNotExist) {
		return Session{}, false, nil
	} else if err != nil {
		return Session{}, false, err
	}
	dir := p.sessionDir(id)
	s := Session{Place: p, ID: id, Dir: store.Session(dir)}
	if err := s.Dir.ReadDocument(&s.State); err != nil {
		return Session{}, false, err
	}
	return s, s.State.Version != 0, nil // a directory alone is what a killed Begin left
}

// Begin opens the session of a process, and makes it where there is none: with
// what parent sees now, where there is a parent. It sweeps the dead first.
func (p Place) Begin(id process.ID, parent *Session, autosaveOff bool) (Session, error) {
	s, ok, err := p.Open(id)
	if err != nil || ok {
		return s, err
	}
	if err := p.Make(); err != nil {
		return Session{}, err
	}
	p.Sweep()
	s = Session{Place: p, ID: id, Dir: store.Session(p.sessionDir(id))}
	var inherited []store.Entry
	if parent != nil {
		if inherited, _, err = parent.Dir.List(); err != nil {
			return Session{}, err
		}
	}
	err = s.Dir.Update(func(tx *store.Tx) error {
		for _, e := range inherited {
			if err := tx.Put(e); err != nil {
				return err
			}
		}
		return tx.Document(&s.State, func() {
			if s.State.Version != 0 {
				return // another process of this shell's was first
			}
			s.State = State{Version: 1, Bare: autosaveOff, Origin: originOf(id)}
			if parent != nil {
				s.State = parent.State
				s.State.Origin = originOf(id)
			}
		})
	})
	return s, err
}
