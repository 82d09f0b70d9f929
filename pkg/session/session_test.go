package session

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/process"
	"github.com/az-ctx/az-ctx/pkg/store"
)

func place(t *testing.T) Place {
	t.Helper()
	p, err := Here(filepath.Join(t.TempDir(), "az-ctx"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// shell is a real bash that runs a line at a time.
type shell struct {
	cmd *exec.Cmd
	in  interface{ Close() error }
	out *bufio.Reader
	run func(line string) string // a line that prints one line
	ID  process.ID
}

// newShell starts one. Its environment is its own, so that no other process of
// this machine's looks like a fork of it.
func newShell(t *testing.T, env ...string) *shell {
	t.Helper()
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("no bash")
	}
	cmd := exec.Command("bash", "--norc")
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "UNIQUE=" + t.TempDir()}, env...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &shell{cmd: cmd, in: in, out: bufio.NewReader(out)}
	s.run = func(line string) string {
		if _, err := fmt.Fprintln(in, line); err != nil {
			t.Fatal(err)
		}
		text, err := s.out.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(text)
	}
	s.run("echo ready") // it is bash by now, and not the fork of this test
	info, err := process.Lookup(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	s.ID = info.ID
	t.Cleanup(s.kill)
	return s
}

// kill ends it as kill -9 does, and takes its end in.
func (s *shell) kill() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

func begin(t *testing.T, p Place, id process.ID, parent *Session) Session {
	t.Helper()
	s, err := p.Begin(id, parent, false)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func activation(t *testing.T, s Session, scope Scope) Activation {
	t.Helper()
	a, err := s.NewActivation()
	if err != nil {
		t.Fatal(err)
	}
	c := context("prod")
	a.Context, a.Scope = &c, scope
	if err := a.Write(); err != nil {
		t.Fatal(err)
	}
	return a
}

func context(name string) azure.Context {
	return azure.Context{Name: name, Account: azure.Account{ID: "alice", Type: azure.User}, Tenant: azure.Tenant{ID: "t-" + name}, Environment: "AzureCloud"}
}

func put(t *testing.T, d store.Dir, unsaved string, names ...string) {
	t.Helper()
	err := d.Update(func(tx *store.Tx) error {
		for _, n := range names {
			if err := tx.Put(store.Entry{Context: context(n), Unsaved: unsaved}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

func TestRef(t *testing.T) {
	r := Ref{Host: "0123abcd", Session: process.ID{PID: 42, Start: 7}, Number: 3}
	if got, err := ParseRef(r.String()); err != nil || got != r {
		t.Error(got, err)
	}
	for _, s := range []string{"", "/", "//", "h/1-1", "h/1-1/", "h/1-1/x", "h/1-1/-1", "/1-1/1", "h/1/1", "h/../1", "h/1-1/1/1", "h/0-1/1", "a/b/c"} {
		if got, err := ParseRef(s); err == nil {
			t.Errorf("%q is %v", s, got)
		}
	}
}

// What a foreign variable names is never a path out of the place.
func TestRefStaysInside(t *testing.T) {
	p := place(t)
	for _, s := range []string{"../1-1/1", p.Host + "/1-1/1", "x/1-1/1"} {
		ref, err := ParseRef(s)
		if err != nil {
			continue
		}
		if _, err := p.Activation(ref); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", s, err)
		}
	}
}

func TestBegin(t *testing.T) {
	p := place(t)
	sh := newShell(t)
	if _, ok, err := p.Open(sh.ID); ok || err != nil {
		t.Fatal(ok, err)
	}
	if exists(p.Dir) {
		t.Error("a look makes the place")
	}
	s := begin(t, p, sh.ID, nil)
	if s.ID != sh.ID || s.State.Bare || s.State.Autosave != "" || s.State.Version != 1 || s.State.Origin.Exe == "" || s.State.Origin.Environment == "" {
		t.Errorf("%+v", s)
	}
	if s.Matters() {
		t.Error("an empty session matters")
	}
	if err := s.Change(func(_ *store.Tx, state *State) error { state.Autosave = "disabled"; return nil }); err != nil {
		t.Fatal(err)
	}
	again := begin(t, p, sh.ID, nil)
	if again.State.Autosave != "disabled" || !again.Matters() {
		t.Errorf("%+v", again)
	}
	for dir := p.sessionDir(sh.ID); strings.Contains(dir, "az-ctx"); dir = filepath.Dir(dir) {
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v", dir, info.Mode(), err)
		}
	}
	bare, err := p.Begin(newShell(t).ID, nil, true)
	if err != nil || !bare.State.Bare || !bare.Matters() {
		t.Errorf("%+v, %v", bare, err)
	}
}

// P70: what a Begin left that was killed is no session yet.
func TestBeginCutOff(t *testing.T) {
	p := place(t)
	sh, outer := newShell(t), newShell(t)
	parent := begin(t, p, outer.ID, nil)
	put(t, parent.Dir, "scope", "own")
	if err := os.MkdirAll(filepath.Join(p.sessionDir(sh.ID), "contexts"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := p.Open(sh.ID); ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
	s := begin(t, p, sh.ID, &parent)
	if _, err := s.Dir.Get("own"); err != nil {
		t.Error(err)
	}
}

// However many processes begin a shell's session at once, it is one, and what
// one of them changes in it stays.
func TestBeginAtOnce(t *testing.T) {
	p := place(t)
	sh := newShell(t)
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			s, err := p.Begin(sh.ID, nil, false)
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Change(func(_ *store.Tx, state *State) error { state.Hide(fmt.Sprint("n", i)); return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if s, ok, err := p.Open(sh.ID); !ok || err != nil || len(s.State.Hidden) != 20 {
		t.Errorf("%v, %v, %+v", ok, err, s.State)
	}
}

// A session made inside another starts with what its parent sees then; after
// that each goes its own way.
func TestBeginInherits(t *testing.T) {
	p := place(t)
	outer, inner := newShell(t), newShell(t)
	parent := begin(t, p, outer.ID, nil)
	put(t, parent.Dir, "autosave", "own")
	err := parent.Change(func(_ *store.Tx, state *State) error {
		state.Autosave = "disabled"
		state.Hide("Gone")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	child := begin(t, p, inner.ID, &parent)
	if child.State.Autosave != "disabled" || !slices.Equal(child.State.Hidden, []string{"gone"}) {
		t.Errorf("%+v", child.State)
	}
	if child.State.Origin.Environment == parent.State.Origin.Environment {
		t.Error("the child has its parent's origin")
	}
	if e, err := child.Dir.Get("OWN"); err != nil || e.Unsaved != "autosave" {
		t.Error(e, err)
	}
	err = child.Change(func(tx *store.Tx, state *State) error {
		state.Autosave, state.Hidden = "enabled", nil
		tx.Remove("own")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	put(t, child.Dir, "scope", "later")
	parent, _, err = p.Open(outer.ID)
	if err != nil || parent.State.Autosave != "disabled" || !slices.Equal(parent.State.Hidden, []string{"gone"}) {
		t.Errorf("the parent was touched: %+v, %v", parent.State, err)
	}
	if _, err := parent.Dir.Get("own"); err != nil {
		t.Error(err)
	}
	if _, err := parent.Dir.Get("later"); err != store.ErrNotFound {
		t.Error(err)
	}
}

func TestForeignPlaces(t *testing.T) {
	for name, spoil := range map[string]func(p Place, dir string) error{
		"a link in place of the session": func(p Place, dir string) error {
			return errors.Join(os.Rename(dir, dir+".real"), os.Symlink(dir+".real", dir))
		},
		"a link in place of the host": func(p Place, dir string) error {
			return errors.Join(os.Rename(p.Dir, p.Dir+".real"), os.Symlink(p.Dir+".real", p.Dir))
		},
		"a link in place of all": func(p Place, dir string) error {
			all := filepath.Dir(filepath.Dir(p.Dir))
			return errors.Join(os.Rename(all, all+".real"), os.Symlink(all+".real", all))
		},
		"a file": func(p Place, dir string) error {
			return errors.Join(os.RemoveAll(dir), os.WriteFile(dir, nil, 0o600))
		},
		"another user's": func(p Place, dir string) error {
			if os.Geteuid() != 0 {
				return os.RemoveAll(dir) // can't be made here; what follows then sees nothing
			}
			return os.Chown(dir, 12345, -1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := place(t)
			sh := newShell(t)
			a := activation(t, begin(t, p, sh.ID, nil), User)
			if err := spoil(p, p.sessionDir(sh.ID)); err != nil {
				t.Fatal(err)
			}
			if name == "another user's" && os.Geteuid() != 0 {
				t.Skip("not root")
			}
			if _, _, err := p.Open(sh.ID); err == nil {
				t.Error("it is opened")
			}
			if _, err := p.Activation(a.Ref); err == nil {
				t.Error("its activation is read")
			}
			if _, err := p.Begin(sh.ID, nil, false); err == nil {
				t.Error("it is begun")
			}
		})
	}
}

func TestActivations(t *testing.T) {
	p := place(t)
	s := begin(t, p, newShell(t).ID, nil)
	first := activation(t, s, User)
	second := activation(t, s, Process)
	if first.Ref == second.Ref || first.Dir == second.Dir || filepath.Base(first.AzDir()) != ".azure" {
		t.Errorf("%+v, %+v", first, second)
	}
	got, err := p.Activation(first.Ref)
	if err != nil || got.Context == nil || !got.Context.SameIdentity(*first.Context) || got.Scope != User || got.Dir != first.Dir {
		t.Errorf("%+v, %v", got, err)
	}
	second.Discard()
	if _, err := p.Activation(second.Ref); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	for _, ref := range []Ref{s.Ref(), {Host: "other", Session: s.ID, Number: 1}} {
		if _, err := p.Activation(ref); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v: %v", ref, err)
		}
	}
	// At once: each has its own number.
	var group sync.WaitGroup
	var mu sync.Mutex
	numbers := map[int]bool{}
	for range 20 {
		group.Go(func() {
			a, err := s.NewActivation()
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			numbers[a.Ref.Number] = true
		})
	}
	group.Wait()
	if len(numbers) != 20 || numbers[1] {
		t.Errorf("%v", numbers)
	}
}

func TestView(t *testing.T) {
	p := place(t)
	saved := store.Config(filepath.Join(t.TempDir(), "az-ctx"))
	put(t, saved, "", "Alpha", "Beta", "Gamma")
	s := begin(t, p, newShell(t).ID, nil)
	put(t, s.Dir, "scope", "BETA", "delta")
	if err := s.Change(func(_ *store.Tx, state *State) error { state.Hide("GAMMA"); return nil }); err != nil {
		t.Fatal(err)
	}
	v := View{Saved: saved, Session: &s}
	list := func() string {
		t.Helper()
		items, broken, err := v.List()
		if err != nil || len(broken) > 0 {
			t.Fatal(err, broken)
		}
		var text []string
		for _, i := range items {
			text = append(text, i.Name+" "+string(i.Scope))
			e, scope, err := v.Get(strings.ToUpper(i.Name))
			if err != nil || scope != i.Scope || e.Name != i.Name {
				t.Errorf("%s: %v, %v, %v", i.Name, e, scope, err)
			}
		}
		return strings.Join(text, ", ")
	}
	if got := list(); got != "Alpha user, BETA process, delta process" {
		t.Error(got)
	}
	if _, _, err := v.Get("gamma"); err != store.ErrNotFound {
		t.Error(err)
	}
	if items, _, err := v.ListPrefix("b"); err != nil || len(items) != 1 || items[0].Scope != Process {
		t.Error(items, err)
	}
	s.State.Show("gamma")
	if got := list(); got != "Alpha user, BETA process, delta process, Gamma user" {
		t.Error(got)
	}
	// Autosave: off for the user, a session that began before sees all the same.
	v.Settings.Autosave = "disabled"
	if got := list(); !strings.Contains(got, "Gamma") || !v.AutosaveOff() || v.HiddenByAutosave() != 0 {
		t.Error(got)
	}
	s.State.Bare = true
	if got := list(); got != "BETA process, delta process" || v.HiddenByAutosave() != 3 {
		t.Error(got, v.HiddenByAutosave())
	}
	// P66: what was said for the process wins, both ways.
	s.State.Autosave = "enabled"
	if got := list(); !strings.Contains(got, "Gamma") || v.AutosaveOff() {
		t.Error(got)
	}
	v.Settings.Autosave, s.State.Autosave = "enabled", "disabled"
	if !v.AutosaveOff() {
		t.Error("the process's setting does not win")
	}
	v.Session, v.Settings.Autosave = nil, ""
	if got := list(); got != "Alpha user, Beta user, Gamma user" || v.AutosaveOff() {
		t.Error(got)
	}
}

// Another host's sessions stay for thirty days.
func TestSweepOtherHosts(t *testing.T) {
	p := place(t)
	if err := p.Make(); err != nil {
		t.Fatal(err)
	}
	run := filepath.Dir(p.Dir)
	for name, age := range map[string]time.Duration{"young": 29 * 24 * time.Hour, "old": 31 * 24 * time.Hour} {
		dir := filepath.Join(run, name)
		if err := os.MkdirAll(filepath.Join(dir, "1-1", "contexts"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(dir, time.Now().Add(-age), time.Now().Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chtimes(p.Dir, time.Unix(0, 0), time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	p.Sweep()
	if !exists(filepath.Join(run, "young")) || exists(filepath.Join(run, "old")) || !exists(p.Dir) {
		t.Error("young, old, this host:", exists(filepath.Join(run, "young")), exists(filepath.Join(run, "old")), exists(p.Dir))
	}
}

// What lies in the place and is no session is left alone.
func TestSweepLeavesOthers(t *testing.T) {
	p := place(t)
	if err := p.Make(); err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{"agent.generation", "agent.lock", "999999-1"} {
		if err := os.WriteFile(filepath.Join(p.Dir, f), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(p.Dir, "directory"), 0o700); err != nil {
		t.Fatal(err)
	}
	p.Sweep()
	for _, f := range []string{"agent.generation", "agent.lock", "999999-1", "directory"} {
		if !exists(filepath.Join(p.Dir, f)) {
			t.Errorf("%s went", f)
		}
	}
}

// Inherited variables count for an interactive shell only while their session's
// shell is it, or a live ancestor.
func TestCountsFor(t *testing.T) {
	outer, other := newShell(t), newShell(t)
	var inner int
	if _, err := fmt.Sscan(outer.run("sleep 1000 & echo $!"), &inner); err != nil {
		t.Fatal(err)
	}
	r := Ref{Session: outer.ID}
	for pid, want := range map[int]bool{outer.ID.PID: true, inner: true, other.ID.PID: false, os.Getpid(): false} {
		if got := r.CountsFor(pid); got != want {
			t.Errorf("for %d: %v", pid, got)
		}
	}
	outer.kill()
	if r.CountsFor(inner) {
		t.Error("it counts for an orphan")
	}
	child, err := os.FindProcess(inner)
	if err != nil {
		t.Fatal(err)
	}
	child.Kill()
}
