package session

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/export"
)

// Activation is what a session handed to tools. It never changes; only the
// endpoint's keys are given anew when the agent was restarted.
type Activation struct {
	Version int            `json:"version"`
	Context *azure.Context `json:"context"` // nil: signed out
	Cloud   azure.Cloud    `json:"cloud"`
	Scope   Scope          `json:"scope"` // where its context is kept
	Owned   export.Owned   `json:"exported"`
	// NamesOnly: it has neither a directory for az nor keys of the endpoint; tools
	// keep their own sign-in.
	NamesOnly bool   `json:"namesOnly,omitempty"`
	Agent     string `json:"agent"` // the generation of the agent that gave it its keys

	Ref Ref    `json:"-"`
	Dir string `json:"-"`
}

const recordFile = "activation.json"

// AzDir is the activation's own directory for az. Its name has to be .azure,
// or az no longer finds a project's settings (facts 2).
func (a Activation) AzDir() string { return filepath.Join(a.Dir, ".azure") }

// Activation reads what the activation that ref names was made of. It is
// fs.ErrNotExist where it has ended, and for ref's Number 0.
func (p Place) Activation(ref Ref) (Activation, error) {
	if ref.Host != p.Host || ref.Number == 0 {
		return Activation{}, fmt.Errorf("reading activation %s: %w", ref, fs.ErrNotExist)
	}
	if err := p.own(ref.Session); err != nil {
		return Activation{}, err
	}
	a := Activation{Ref: ref, Dir: p.ActivationDir(ref)}
	raw, err := os.ReadFile(filepath.Join(a.Dir, recordFile))
	if err != nil {
		return Activation{}, fmt.Errorf("reading activation %s: %w", ref, err)
	}
	if err := json.Unmarshal(raw, &a); err != nil {
		return Activation{}, fmt.Errorf("reading activation %s: %w", ref, err)
	}
	return a, nil
}

// NewActivation makes the directory of the session's next activation.
func (s Session) NewActivation() (Activation, error) {
	dir := s.Place.sessionDir(s.ID)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return Activation{}, fmt.Errorf("making an activation: %w", err)
	}
	last := 0
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil {
			last = max(last, n)
		}
	}
	for n := last + 1; ; n++ {
		ref := Ref{Host: s.Place.Host, Session: s.ID, Number: n}
		a := Activation{Version: 1, Ref: ref, Dir: s.Place.ActivationDir(ref)}
		err := os.Mkdir(a.Dir, 0o700)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return Activation{}, fmt.Errorf("making an activation: %w", err)
		}
		return a, nil
	}
}

// Write writes the record down, by rename. It needs no fsync: the run
// directory means nothing after the boot that a crash ends.
func (a Activation) Write() error {
	raw, err := json.MarshalIndent(a, "", "  ")
	if err != nil {
		return fmt.Errorf("writing activation %s: %w", a.Ref, err)
	}
	path := filepath.Join(a.Dir, recordFile)
	if err := os.WriteFile(path+".new", raw, 0o600); err != nil {
		return fmt.Errorf("writing activation %s: %w", a.Ref, err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("writing activation %s: %w", a.Ref, err)
	}
	return nil
}

// Discard takes an activation away that was never handed out.
func (a Activation) Discard() { os.RemoveAll(a.Dir) }

// CountsFor reports whether the activation or session that ref names counts for
// an interactive shell: only while the session's shell is it or a live ancestor.
func (r Ref) CountsFor(pid int) bool { return r.Session.IsAncestor(pid) }
