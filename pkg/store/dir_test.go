package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/gofrs/flock"
)

// TestMain is a writer of its own where a test starts it so.
func TestMain(m *testing.M) {
	if job := os.Getenv("AZ_CTX_TEST_WRITER"); job != "" {
		if err := writer(job, os.Args[len(os.Args)-1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func writer(job, dir string) error {
	d := Config(dir)
	kind, arg, _ := strings.Cut(job, ":")
	switch kind {
	case "put":
		return d.Update(func(tx *Tx) error { return tx.Put(entry(arg)) })
	case "count": // what is read and then written must be under one lock
		n, err := strconv.Atoi(arg)
		if err != nil {
			return err
		}
		for range n {
			err := d.Update(func(tx *Tx) error {
				return tx.Settings(func(s *Settings) { s.Default += "x" })
			})
			if err != nil {
				return err
			}
		}
		return nil
	case "swap": // until it is killed
		for i := 0; ; i++ {
			from, to := "a", "b"
			if i == 0 {
				if _, err := d.Get("a"); err != nil {
					i++
				}
			}
			if i%2 == 1 {
				from, to = to, from
			}
			err := d.Update(func(tx *Tx) error {
				e, err := tx.Get(from)
				if err != nil {
					return err
				}
				tx.Remove(from)
				e.Name = to
				if err := tx.Put(e); err != nil {
					return err
				}
				return tx.Settings(func(s *Settings) { s.Default = to })
			})
			if err != nil {
				return err
			}
			if i == 1 {
				fmt.Println("going")
			}
		}
	}
	return fmt.Errorf("no job %q", job)
}

func start(t *testing.T, dir, job string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, dir)
	cmd.Env = append(os.Environ(), "AZ_CTX_TEST_WRITER="+job)
	cmd.Stderr = os.Stderr
	return cmd
}

func temp(t *testing.T) Dir {
	t.Helper()
	return Config(filepath.Join(t.TempDir(), "az-ctx"))
}

// picture is all that is in a directory but its lock, by path.
func picture(t *testing.T, d Dir) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(d.Path(), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || e.Name() == lockFile {
			return err
		}
		raw, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, d.Path())] = string(raw)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return files
}

func names(t *testing.T, d Dir) []string {
	t.Helper()
	all, broken, err := d.List()
	if err != nil || len(broken) > 0 {
		t.Fatal(err, broken)
	}
	var names []string
	for _, e := range all {
		names = append(names, e.Name)
	}
	return names
}

func TestPutGetRemove(t *testing.T) {
	d := temp(t)
	if _, err := d.Get("x"); err != ErrNotFound {
		t.Errorf("an absent directory gives %v", err)
	}
	if all, broken, err := d.List(); err != nil || len(all)+len(broken) != 0 {
		t.Error(all, broken, err)
	}
	if len(picture(t, d)) != 0 {
		t.Error("a look makes files")
	}
	put(t, d, "Prod", "dev")
	e, err := d.Get("pROD")
	if err != nil || e.Name != "Prod" || !e.SameIdentity(entry("Prod").Context) {
		t.Error(e, err)
	}
	if got := names(t, d); !slices.Equal(got, []string{"dev", "Prod"}) {
		t.Error(got)
	}
	put(t, d, "PROD") // over it
	if got := names(t, d); !slices.Equal(got, []string{"dev", "PROD"}) {
		t.Error(got)
	}
	if err := d.Update(func(tx *Tx) error { tx.Remove("prod"); tx.Remove("nobody"); return nil }); err != nil {
		t.Error(err)
	}
	if _, err := d.Get("Prod"); err != ErrNotFound {
		t.Error(err)
	}
	for path, want := range map[string]fs.FileMode{d.Path(): 0o700, d.ContextsDir(): 0o700, d.contextPath("dev.json"): 0o600, filepath.Join(d.Path(), lockFile): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s is %v, %v", path, info.Mode(), err)
		}
	}
}

func TestFailedUpdateChangesNothing(t *testing.T) {
	d := temp(t)
	put(t, d, "a", "b")
	before := picture(t, d)
	broken := errors.New("no")
	err := d.Update(func(tx *Tx) error {
		tx.Remove("a")
		if err := tx.Put(entry("c")); err != nil {
			return err
		}
		if err := tx.Settings(func(s *Settings) { s.Default = "c" }); err != nil {
			return err
		}
		return broken
	})
	if err != broken {
		t.Error(err)
	}
	if after := picture(t, d); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("%v\n%v", before, after)
	}
}

// A file of a newer version and one that is broken are named and left alone.
func TestVersions(t *testing.T) {
	for _, text := range []string{`{"version":2,"name":"x","meaning":[]}`, `{"version":99}`, `{"version":1,"na`, ``, `[]`, `null`, `{"version":1,"name":"x"}`, `{"version":1,"name":"other","account":{"type":"user"},"environment":"AzureCloud"}`, `{"version":"1"}`, `{"version":1,"name":{}}`} {
		t.Run(text, func(t *testing.T) {
			d := temp(t)
			put(t, d, "a")
			path := d.contextPath("x.json")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			newer := strings.Contains(text, `n":2`) || strings.Contains(text, "99")
			_, err := d.Get("x")
			if err == nil || errors.Is(err, ErrNewer) != newer || !strings.Contains(err.Error(), path) {
				t.Errorf("Get: %v", err)
			}
			all, broken, err := d.List()
			if err != nil || len(all) != 1 || len(broken) != 1 || broken[0].Path != path || !strings.Contains(broken[0].Err.Error(), path) {
				t.Errorf("List: %v, %v, %v", all, broken, err)
			}
			if err := d.Update(func(tx *Tx) error { return tx.Put(entry("X")) }); err == nil {
				t.Error("it is written over")
			}
			renamed, err := d.Get("a")
			if err != nil {
				t.Fatal(err)
			}
			renamed.Name = "x"
			if err := d.Update(func(tx *Tx) error { return tx.Put(renamed) }); err == nil {
				t.Error("it is written over by a rename")
			}
			if raw, err := os.ReadFile(path); err != nil || string(raw) != text {
				t.Errorf("%q, %v", raw, err)
			}
			if err := d.Update(func(tx *Tx) error { tx.Remove("x"); return nil }); err != nil {
				t.Errorf("it can't be removed: %v", err)
			}
		})
	}
}

func TestSettingsVersions(t *testing.T) {
	for _, text := range []string{`{"version":2}`, `{`, ``, `{"version":1,"default":1}`} {
		d := temp(t)
		put(t, d, "a")
		if err := os.WriteFile(d.DocumentPath(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Settings(); err == nil || !strings.Contains(err.Error(), d.DocumentPath()) {
			t.Errorf("%q: %v", text, err)
		}
		if err := d.Update(func(tx *Tx) error { return tx.Settings(func(s *Settings) { s.Default = "a" }) }); err == nil {
			t.Errorf("%q is written over", text)
		}
		if raw, err := os.ReadFile(d.DocumentPath()); err != nil || string(raw) != text {
			t.Errorf("%q became %q, %v", text, raw, err)
		}
	}
}

func TestOverlay(t *testing.T) {
	for _, test := range []struct{ below, top, want string }{
		{`{"a":1,"b":2}`, `{"b":3}`, `{"a":1,"b":3}`},
		{`{"a":{"x":1,"y":2}}`, `{"a":{"y":3}}`, `{"a":{"x":1,"y":3}}`},
		{`{"a":{"x":1}}`, `{"a":null}`, `{"a":null}`},
		{`{"a":null}`, `{"a":{"x":1}}`, `{"a":{"x":1}}`},
		{`{"a":[1,2]}`, `{"a":[3]}`, `{"a":[3]}`},
		{`{"a":[{"name":"X","f":1},{"name":"y","f":2}]}`, `{"a":[{"name":"Y","g":3},{"name":"z"}]}`, `{"a":[{"f":2,"g":3,"name":"Y"},{"name":"z"}]}`},
		{`{"a":[{"name":"x","f":1}]}`, `{"a":[]}`, `{"a":[]}`},
		{`{"n":12345678901234567890123.5}`, `{}`, `{"n":12345678901234567890123.5}`},
		{`broken`, `{"a":1}`, `{"a":1}`},
		{`[]`, `{"a":1}`, `{"a":1}`},
		{`null`, `{"a":1}`, `{"a":1}`},
	} {
		if got := string(overlay(json.RawMessage(test.below), json.RawMessage(test.top))); got != test.want {
			t.Errorf("%s over %s is %s", test.top, test.below, got)
		}
	}
}

// Unknown fields live through everything that az-ctx does to a file.
func TestUnknownFields(t *testing.T) {
	d := temp(t)
	put(t, d, "a")
	raw, err := os.ReadFile(d.contextPath("a.json"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(raw), `{`, `{"later": {"deep": [1]},`, 1)
	text = strings.Replace(text, `"account": {`, `"account": {"later": 2,`, 1)
	if err := os.WriteFile(d.contextPath("a.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	e, err := d.Get("a")
	if err != nil {
		t.Fatal(err)
	}
	e.Name, e.Subscription, e.Unsaved = "b", nil, "scope"
	if err := d.Update(func(tx *Tx) error { tx.Remove("a"); return tx.Put(e) }); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Later        any
		Account      map[string]any
		Name         string
		Unsaved      string
		Subscription any
		Version      int
	}
	raw, err = os.ReadFile(d.contextPath("b.json"))
	if err != nil || json.Unmarshal(raw, &got) != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got.Later) != "map[deep:[1]]" || got.Account["later"] != 2.0 || got.Name != "b" || got.Unsaved != "scope" || got.Subscription != nil || got.Version != version {
		t.Errorf("%s", raw)
	}
}

// P70: a change of several files, cut off after any of its steps, is the old
// state where its journal had not been written, and the new one from then on,
// for whoever looks next: by name, by list, by the document.
func TestJournalCutOffAnywhere(t *testing.T) {
	old, wanted := temp(t), temp(t)
	var changes map[string]*string
	for _, d := range []Dir{old, wanted} {
		put(t, d, "a", "b", "c")
		err := d.Update(func(tx *Tx) error {
			e, err := tx.Get("a")
			if err != nil {
				return err
			}
			tx.Remove("a")
			tx.Remove("b")
			e.Name = "z"
			if err := tx.Put(e); err != nil {
				return err
			}
			if err := tx.Settings(func(s *Settings) { s.Default = "z" }); err != nil {
				return err
			}
			changes = tx.changes
			if d == old {
				return errors.New("not yet")
			}
			return nil
		})
		if (err != nil) != (d == old) {
			t.Fatal(err)
		}
	}
	want := picture(t, wanted)
	before := picture(t, old)
	if len(changes) < 4 {
		t.Fatalf("%d steps", len(changes))
	}
	keys := make([]string, 0, len(changes))
	for k := range changes {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	looks := map[string]func(Dir) error{
		"get":    func(d Dir) error { _, err := d.Get("z"); return err },
		"list":   func(d Dir) error { _, _, err := d.List(); return err },
		"read":   func(d Dir) error { _, err := d.Settings(); return err },
		"update": func(d Dir) error { return d.Update(func(*Tx) error { return nil }) },
	}
	restore := func(t *testing.T, files map[string]string) Dir {
		d := temp(t)
		if err := d.prepare(); err != nil {
			t.Fatal(err)
		}
		for path, text := range files {
			if err := os.WriteFile(d.Path()+path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return d
	}
	// Steps are taken in no fixed order, so each set of them can be what was done.
	for done := range 1 << len(keys) {
		for name, look := range looks {
			t.Run(fmt.Sprintf("%b/%s", done, name), func(t *testing.T) {
				d := restore(t, before)
				steps, err := d.stage(changes)
				if err != nil {
					t.Fatal(err)
				}
				some := journal{}
				for i, k := range keys {
					if done&(1<<i) != 0 {
						some[k] = steps[k]
					}
				}
				if err := d.writeJournal(steps); err != nil {
					t.Fatal(err)
				}
				if err := d.apply(some); err != nil {
					t.Fatal(err)
				}
				if err := look(d); err != nil {
					t.Fatal(err)
				}
				if got := picture(t, d); fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("got %v\nwanted %v", got, want)
				}
			})
		}
	}
	// Before the journal is in its place there are at most temporary files, and
	// the next change is not made of them.
	d := restore(t, before)
	if _, err := d.stage(changes); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(d.Path(), journalFile+"123"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.contextPath("z.json456"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := names(t, d); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Error(got)
	}
	put(t, d, "d", "e")
	if got := names(t, d); !slices.Equal(got, []string{"a", "b", "c", "d", "e"}) {
		t.Error(got)
	}
	if _, err := os.Lstat(filepath.Join(d.Path(), stagedDir)); !errors.Is(err, fs.ErrNotExist) {
		t.Error("what was written beside is there still")
	}
}

// A journal that names what is not ours is not followed.
func TestJournalStaysInside(t *testing.T) {
	d := temp(t)
	put(t, d, "a")
	outside := filepath.Join(filepath.Dir(d.Path()), "outside")
	inside := filepath.Join(contextsDir, "a.json")
	for file, staged := range map[string]string{"../outside": inside, outside: inside, inside: "../other", "contexts/b.json": outside} {
		if err := d.writeJournal(journal{file: &staged}); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Get("a"); err == nil {
			t.Errorf("%s was followed", file)
		}
		if _, err := os.Lstat(outside); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// P70: killed for real, at whatever instant it is.
func TestKilledWriter(t *testing.T) {
	d := temp(t)
	put(t, d, "a")
	for range 20 {
		cmd := start(t, d.Path(), "swap")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		cmd.Wait()
		got := names(t, d)
		if len(got) != 1 || got[0] != "a" && got[0] != "b" {
			t.Fatalf("%v are left", got)
		}
		if s, err := d.Settings(); err != nil || s.Default != got[0] {
			t.Fatalf("the default is %q, the context %q: %v", s.Default, got[0], err)
		}
	}
}

// P69: fifty real processes at once.
func TestFiftyWriters(t *testing.T) {
	d := temp(t)
	var group sync.WaitGroup
	for i := range 50 {
		job := "put:n" + strconv.Itoa(i)
		if i%5 == 0 {
			job = "count:3"
		}
		group.Go(func() {
			if err := start(t, d.Path(), job).Run(); err != nil {
				t.Errorf("%s: %v", job, err)
			}
		})
	}
	group.Go(func() { // a reader among them never sees half a change
		for range 50 {
			if _, broken, err := d.List(); err != nil || len(broken) > 0 {
				t.Error(broken, err)
			}
			if _, err := d.Settings(); err != nil {
				t.Error(err)
			}
		}
	})
	group.Wait()
	if got := len(names(t, d)); got != 40 {
		t.Errorf("%d contexts", got)
	}
	if s, err := d.Settings(); err != nil || len(s.Default) != 30 {
		t.Errorf("%d of 30 changes of the settings: %v", len(s.Default), err)
	}
}

// Whoever holds the lock is waited for, and the lock's file stays.
func TestLockIsWaitedFor(t *testing.T) {
	d := temp(t)
	put(t, d, "a")
	lock := flock.New(filepath.Join(d.Path(), lockFile))
	if err := lock.Lock(); err != nil {
		t.Fatal(err)
	}
	cmd := start(t, d.Path(), "put:b")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Get("b"); err != ErrNotFound {
		t.Errorf("Get waits or finds: %v", err)
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if got := names(t, d); !slices.Equal(got, []string{"a", "b"}) {
		t.Error(got)
	}
	if _, err := os.Lstat(filepath.Join(d.Path(), lockFile)); err != nil {
		t.Error(err)
	}
}

func TestForeignPlaces(t *testing.T) {
	look := func(d Dir) []error {
		_, err1 := d.Get("a")
		_, _, err2 := d.List()
		_, err3 := d.Settings()
		err4 := d.Update(func(tx *Tx) error { return tx.Put(entry("x")) })
		return []error{err1, err2, err3, err4}
	}
	real := temp(t)
	put(t, real, "a")
	before := picture(t, real)
	base := t.TempDir()
	link := Config(filepath.Join(base, "link"))
	if err := os.Symlink(real.Path(), link.Path()); err != nil {
		t.Skipf("no links: %v", err)
	}
	file := Config(filepath.Join(base, "file"))
	if err := os.WriteFile(file.Path(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	inner := Config(filepath.Join(base, "inner"))
	if err := os.Mkdir(inner.Path(), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real.ContextsDir(), inner.ContextsDir()); err != nil {
		t.Fatal(err)
	}
	cases := map[string]Dir{"is a link": link, "is no directory": file, "contexts is a link": inner, "neither HOME": Config("az-ctx")}
	if os.Geteuid() == 0 {
		other := Config(filepath.Join(base, "other"))
		if err := os.Mkdir(other.Path(), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(other.Path(), 12345, -1); err != nil {
			t.Fatal(err)
		}
		cases["belongs to another user"] = other
	}
	for want, d := range cases {
		for i, err := range look(d) {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s, look %d: %v", want, i, err)
			}
		}
	}
	if after := picture(t, real); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Error("something was written through a link")
	}
}

func TestRemoveAllTakesBrokenOnesAlong(t *testing.T) {
	d := temp(t)
	put(t, d, "a", "b")
	for _, f := range []string{"broken.json", "newer.json", "a.json123"} {
		if err := os.WriteFile(d.contextPath(f), []byte(`{"version":9}`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Update(func(tx *Tx) error { return tx.RemoveAll() }); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(d.ContextsDir()); err != nil || len(left) > 0 {
		t.Error(left, err)
	}
}

func TestCache(t *testing.T) {
	c := Cache(filepath.Join(t.TempDir(), "cache"))
	e := entry("a")
	if k := c.Of(e.Context); len(k.Subscriptions) != 0 || len(c.All()) != 0 {
		t.Error(k)
	}
	known := Known{Account: e.Account, Environment: e.Environment, Tenant: e.Tenant, Subscriptions: nil}
	known.Subscriptions = append(known.Subscriptions, *e.Subscription)
	if err := c.Learn([]Known{known}); err != nil {
		t.Fatal(err)
	}
	other := known
	other.Tenant.ID = "u"
	if err := c.Learn([]Known{known, other}); err != nil {
		t.Fatal(err)
	}
	if k := c.Of(e.Context); len(k.Subscriptions) != 1 || len(c.All()) != 2 {
		t.Error(k, c.All())
	}
	files, err := filepath.Glob(filepath.Join(string(c), "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if err := os.WriteFile(f, []byte("broken"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if k := c.Of(e.Context); len(k.Subscriptions) != 0 || len(c.All()) != 0 {
		t.Error("a broken file is believed")
	}
	if err := c.Clear(); err != nil || len(c.All()) != 0 {
		t.Error(err)
	}
}
