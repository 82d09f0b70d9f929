package session

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/process"
	"github.com/az-ctx/az-ctx/pkg/store"
)

// Session is one that was begun, with the state that was read from its file.
type Session struct {
	Place Place
	ID    process.ID
	Dir   store.Dir // its process contexts
	State State
}

// State is what a session has said for itself alone.
type State struct {
	Version  int      `json:"version"`
	Autosave string   `json:"autosave"` // "enabled", "disabled", or "" for what the user's setting says
	Bare     bool     `json:"bare"`     // it began while autosave was off, so without the saved contexts
	Hidden   []string `json:"hidden"`   // folded names of saved contexts that it took away for itself alone
	Origin   Origin   `json:"origin"`
}

// Origin tells the forks of a shell from other processes after the shell has
// ended: they have its executable, its terminal and the environment that it was
// started with.
type Origin struct {
	Exe         string `json:"exe"`
	Group       int    `json:"group"`       // the terminal's session, which a fork stays in
	Environment string `json:"environment"` // its SHA-256
}

func originOf(id process.ID) Origin {
	info, err := process.Lookup(id.PID)
	if err != nil || info.ID != id {
		return Origin{}
	}
	o := Origin{Exe: info.Exe, Group: info.Group}
	if env, err := process.Environment(id.PID); err == nil {
		o.Environment = environmentHash(env)
	}
	return o
}

func environmentHash(env []byte) string {
	sum := sha256.Sum256(env)
	return hex.EncodeToString(sum[:])
}

// Matters reports whether the session holds anything that its children have to
// know of, beside its activations.
func (s Session) Matters() bool {
	if s.State.Autosave != "" || s.State.Bare || len(s.State.Hidden) > 0 {
		return true
	}
	own, broken, err := s.Dir.List()
	return err != nil || len(own)+len(broken) > 0
}

// Hide takes a saved context away for the session alone.
func (s *State) Hide(name string) {
	if f := azure.Fold(name); !slices.Contains(s.Hidden, f) {
		s.Hidden = append(s.Hidden, f)
	}
}

// Show undoes Hide.
func (s *State) Show(name string) {
	s.Hidden = slices.DeleteFunc(s.Hidden, func(h string) bool { return h == azure.Fold(name) })
}

// Ref names the session itself.
func (s Session) Ref() Ref { return Ref{Host: s.Place.Host, Session: s.ID} }

// Change alters the state, under the session's lock.
func (s *Session) Change(change func(*store.Tx, *State) error) error {
	return s.Dir.Update(func(tx *store.Tx) error {
		var failed error
		err := tx.Document(&s.State, func() { failed = change(tx, &s.State) })
		if failed != nil {
			return failed
		}
		return err
	})
}

// Scope says where a context is kept.
type Scope string

// The scopes, in the words of --scope.
const (
	User    Scope = "user"
	Process Scope = "process"
)

// View is what a command sees: the saved contexts and, over them, those of its
// session.
type View struct {
	Saved    store.Dir
	Settings store.Settings
	Session  *Session // nil for a command outside every session
}

// AutosaveOff reports whether a new context stays with the session. What was
// said for the session wins over the user's setting.
func (v View) AutosaveOff() bool {
	if v.Session != nil && v.Session.State.Autosave != "" {
		return v.Session.State.Autosave == "disabled"
	}
	return v.Settings.AutosaveOff()
}

// seesSaved: a session that began while autosave was off has none of the saved
// contexts until it is on again.
func (v View) seesSaved() bool {
	return v.Session == nil || !v.Session.State.Bare || !v.AutosaveOff()
}

func (v View) hides(name string) bool {
	return !v.seesSaved() || v.Session != nil && slices.Contains(v.Session.State.Hidden, azure.Fold(name))
}

// Get finds a context by name, ignoring case: the session's own before a saved
// one. It is store.ErrNotFound where there is none.
func (v View) Get(name string) (store.Entry, Scope, error) {
	if v.Session != nil {
		e, err := v.Session.Dir.Get(name)
		if err != store.ErrNotFound {
			return e, Process, err
		}
	}
	if v.hides(name) {
		return store.Entry{}, "", store.ErrNotFound
	}
	e, err := v.Saved.Get(name)
	return e, User, err
}

// Item is a context with where it is kept.
type Item struct {
	store.Entry
	Scope Scope
}

// List lists what is seen, sorted by folded name, and the files that could not
// be read.
func (v View) List() ([]Item, []store.Broken, error) { return v.ListPrefix("") }

// ListPrefix lists the contexts whose names begin with prefix, ignoring case.
func (v View) ListPrefix(prefix string) ([]Item, []store.Broken, error) {
	var items []Item
	var broken []store.Broken
	seen := map[string]bool{}
	if v.Session != nil {
		own, b, err := v.Session.Dir.ListPrefix(prefix)
		if err != nil {
			return nil, nil, err
		}
		broken = append(broken, b...)
		for _, e := range own {
			items = append(items, Item{e, Process})
			seen[azure.Fold(e.Name)] = true
		}
	}
	if v.seesSaved() {
		saved, b, err := v.Saved.ListPrefix(prefix)
		if err != nil {
			return nil, nil, err
		}
		broken = append(broken, b...)
		for _, e := range saved {
			if f := azure.Fold(e.Name); !seen[f] && !v.hides(f) {
				items = append(items, Item{e, User})
			}
		}
	}
	slices.SortFunc(items, func(a, b Item) int {
		if x, y := azure.Fold(a.Name), azure.Fold(b.Name); x < y {
			return -1
		} else if x > y {
			return 1
		}
		return 0
	})
	return items, broken, nil
}

// HiddenByAutosave counts the saved contexts that the session would see if
// autosave were on.
func (v View) HiddenByAutosave() int {
	if v.seesSaved() {
		return 0
	}
	saved, _, err := v.Saved.List()
	if err != nil {
		return 0
	}
	return len(saved)
}
