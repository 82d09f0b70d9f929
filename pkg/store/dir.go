// Package store keeps contexts and settings as files: one file a context,
// found by its name without reading the others, each change whole.
//
// A change that touches several files is first written down as one file, the
// journal. Whoever finds a journal finishes it, so that a process killed at any
// instant leaves the old state or the new one.
package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"github.com/natefinch/atomic"
	"golang.org/x/sync/errgroup"

	"github.com/az-ctx/az-ctx/pkg/azure"
)

const (
	suffix      = ".json"
	contextsDir = "contexts"
	lockFile    = ".lock"
	journalFile = ".journal.json"
	stagedDir   = ".staged"
)

// lockLimit is how long a change waits for another one to end. A change takes
// milliseconds, so past it the other process is stopped or stuck.
const lockLimit = 10 * time.Second

// ErrNotFound is returned for a name that no context has.
var ErrNotFound = errors.New("no such context")

// Dir is a directory of contexts with one document beside them: the user's
// with its settings, or a session's with its own state.
type Dir struct {
	path     string
	document string // the document's file name
}

// Config is the user's directory of saved contexts and settings.
func Config(path string) Dir { return Dir{path: path, document: "config.json"} }

// Session is a session's directory of process contexts and state.
func Session(path string) Dir { return Dir{path: path, document: "session.json"} }

// Path is where the directory lies.
func (d Dir) Path() string { return d.path }

// ContextsDir is where the context files lie.
func (d Dir) ContextsDir() string { return filepath.Join(d.path, contextsDir) }

// DocumentPath is the document's file.
func (d Dir) DocumentPath() string { return filepath.Join(d.path, d.document) }

// Broken is a file that could not be read as a context.
type Broken struct {
	Path string
	Err  error
}

// Get reads the context of that name, ignoring case. It opens that one file.
func (d Dir) Get(name string) (Entry, error) {
	if err := d.settle(); err != nil {
		return Entry{}, err
	}
	return d.get(name)
}

func (d Dir) get(name string) (Entry, error) {
	e, err := d.readEntry(fileName(name))
	if errors.Is(err, fs.ErrNotExist) {
		return Entry{}, ErrNotFound
	}
	if err == nil && azure.Fold(e.Name) != azure.Fold(name) {
		return Entry{}, fmt.Errorf("reading context %q: %s holds %q", name, d.contextPath(fileName(name)), e.Name)
	}
	return e, err
}

// List reads all contexts, sorted by folded name; files that are no contexts
// are named in broken and stop nothing.
func (d Dir) List() (contexts []Entry, broken []Broken, err error) {
	return d.ListPrefix("")
}

// ListPrefix reads the contexts whose names begin with prefix, ignoring case,
// and opens no other file than it must.
func (d Dir) ListPrefix(prefix string) (contexts []Entry, broken []Broken, err error) {
	if err := d.settle(); err != nil {
		return nil, nil, err
	}
	unlock := d.lockShared()
	defer unlock()
	files, err := os.ReadDir(filepath.Join(d.path, contextsDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("listing contexts: %w", err)
	}
	starts, folded := filePrefixes(prefix), azure.Fold(prefix)
	for _, f := range files {
		begins := func(start string) bool { return strings.HasPrefix(f.Name(), start) }
		if !strings.HasSuffix(f.Name(), suffix) || !slices.ContainsFunc(starts, begins) {
			continue
		}
		e, err := d.readEntry(f.Name())
		switch {
		case errors.Is(err, fs.ErrNotExist): // removed meanwhile
		case err != nil:
			broken = append(broken, Broken{d.contextPath(f.Name()), err})
		case fileName(e.Name) != f.Name():
			broken = append(broken, Broken{d.contextPath(f.Name()), fmt.Errorf("%s holds %q, whose file is another", d.contextPath(f.Name()), e.Name)})
		case strings.HasPrefix(azure.Fold(e.Name), folded):
			contexts = append(contexts, e)
		}
	}
	sort.Slice(contexts, func(i, j int) bool { return azure.Fold(contexts[i].Name) < azure.Fold(contexts[j].Name) })
	return contexts, broken, nil
}

// ReadDocument reads the directory's document into v, which stays as it is
// where there is none.
func (d Dir) ReadDocument(v any) error {
	if err := d.settle(); err != nil {
		return err
	}
	_, err := d.readDocument(v)
	return err
}

func (d Dir) readDocument(v any) (raw []byte, err error) {
	path := filepath.Join(d.path, d.document)
	raw, err = os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading settings: %w", err)
	}
	if err := decodeVersioned(raw, v); err != nil {
		return nil, fmt.Errorf("%s %w", path, err)
	}
	return raw, nil
}

func (d Dir) contextPath(file string) string { return filepath.Join(d.path, contextsDir, file) }

func (d Dir) readEntry(file string) (Entry, error) {
	raw, err := os.ReadFile(d.contextPath(file))
	if err != nil {
		return Entry{}, fmt.Errorf("reading a context: %w", err)
	}
	e, err := decodeEntry(raw)
	if err != nil {
		return Entry{}, fmt.Errorf("%s %w", d.contextPath(file), err)
	}
	return e, nil
}

// Tx is one change of the directory; nothing of it is on disk before it ends.
// Reads in it see the state before it.
type Tx struct {
	dir     Dir
	changes map[string]*string // each file's new content, or nil where it goes
}

// journal is a change of several files: where each one's new content lies, or
// null where it goes.
type journal map[string]*string

// Update runs change under the directory's lock and carries out what it asked
// for, all of it or nothing.
func (d Dir) Update(change func(*Tx) error) error {
	if err := d.prepare(); err != nil {
		return err
	}
	lock := flock.New(filepath.Join(d.path, lockFile), flock.SetPermissions(0o600))
	ctx, cancel := context.WithTimeout(context.Background(), lockLimit)
	defer cancel()
	if _, err := lock.TryLockContext(ctx, 5*time.Millisecond); err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("another az-ctx has held %s for %s", lock.Path(), lockLimit)
		}
		return fmt.Errorf("locking %s: %w", d.path, err)
	}
	defer lock.Unlock()
	if err := d.replay(); err != nil {
		return err
	}
	tx := &Tx{dir: d, changes: map[string]*string{}}
	if err := change(tx); err != nil {
		return err
	}
	return d.commit(tx.changes)
}

// Get reads a context as Dir.Get does.
func (tx *Tx) Get(name string) (Entry, error) { return tx.dir.get(name) }

// Put keeps the context under its name, over one that is there. A file of a
// newer version or one that is broken is not written over.
func (tx *Tx) Put(e Entry) error {
	if _, err := tx.dir.get(e.Name); err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	raw, err := e.encode()
	if err != nil {
		return fmt.Errorf("writing context %q: %w", e.Name, err)
	}
	tx.set(filepath.Join(contextsDir, fileName(e.Name)), raw)
	return nil
}

// Remove takes the context of that name away; its file need not be readable.
func (tx *Tx) Remove(name string) { tx.changes[filepath.Join(contextsDir, fileName(name))] = nil }

// RemoveAll takes every context away, broken ones too.
func (tx *Tx) RemoveAll() error {
	files, err := os.ReadDir(filepath.Join(tx.dir.path, contextsDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("listing contexts: %w", err)
	}
	for _, f := range files {
		tx.changes[filepath.Join(contextsDir, f.Name())] = nil
	}
	return nil
}

// Document changes the directory's document: v is filled from it, change
// alters v, and fields that v does not know are kept. v has a Version field.
func (tx *Tx) Document(v any, change func()) error {
	raw, err := tx.dir.readDocument(v)
	if err != nil {
		return err
	}
	change()
	now, err := encodeOver(raw, v)
	if err != nil {
		return fmt.Errorf("writing settings: %w", err)
	}
	tx.set(tx.dir.document, now)
	return nil
}

func (tx *Tx) set(file string, raw []byte) {
	s := string(raw)
	tx.changes[file] = &s
}

// commit carries a change out. What takes room on the disk is written beside
// first, so that a full disk stops the change before it has begun; then the
// journal says what is to be moved into its place, and from there on only names
// change.
func (d Dir) commit(changes map[string]*string) error {
	if len(changes) < 2 {
		for file, content := range changes {
			return d.put(file, content)
		}
		return nil
	}
	steps, err := d.stage(changes)
	if err == nil {
		err = d.writeJournal(steps)
	}
	if err != nil {
		os.RemoveAll(filepath.Join(d.path, stagedDir))
		return err
	}
	return d.replay()
}

// put writes one file whole, or takes it away where content is nil.
func (d Dir) put(file string, content *string) error {
	path := filepath.Join(d.path, file)
	if content == nil {
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("removing %s: %w", path, err)
		}
		return nil
	}
	if err := atomic.WriteFile(path, strings.NewReader(*content)); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// stage writes the new contents beside, several at a time: each waits for the
// disk, and the disk takes many at once.
func (d Dir) stage(changes map[string]*string) (journal, error) {
	if err := Make(filepath.Join(d.path, stagedDir)); err != nil {
		return nil, err
	}
	var all errgroup.Group
	all.SetLimit(64)
	steps := journal{}
	for file, content := range changes {
		if content == nil {
			steps[file] = nil
			continue
		}
		staged := filepath.Join(stagedDir, strconv.Itoa(len(steps)))
		steps[file] = &staged
		all.Go(func() error {
			if err := writeSynced(filepath.Join(d.path, staged), *content); err != nil {
				return fmt.Errorf("writing %s: %w", filepath.Join(d.path, file), err)
			}
			return nil
		})
	}
	return steps, all.Wait()
}

func writeSynced(path, content string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(content)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func (d Dir) writeJournal(steps journal) error {
	raw, err := json.Marshal(steps)
	if err != nil {
		return fmt.Errorf("writing the journal: %w", err)
	}
	if err := atomic.WriteFile(filepath.Join(d.path, journalFile), bytes.NewReader(raw)); err != nil {
		return fmt.Errorf("writing %s: %w", d.path, err)
	}
	return nil
}

// replay finishes a change that was written down and not carried out, and
// clears away what one left that was not. The caller holds the lock.
func (d Dir) replay() error {
	path := filepath.Join(d.path, journalFile)
	raw, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("reading the journal: %w", err)
	default:
		var steps journal
		if err := json.Unmarshal(raw, &steps); err != nil {
			return fmt.Errorf("reading the journal %s: %w", path, err)
		}
		if err := d.apply(steps); err != nil {
			return err
		}
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("ending a change: %w", err)
		}
	}
	if err := os.RemoveAll(filepath.Join(d.path, stagedDir)); err != nil {
		return fmt.Errorf("ending a change: %w", err)
	}
	return nil
}

// apply moves what was written beside into its place. A step that was taken
// before is not there to be taken again.
func (d Dir) apply(steps journal) error {
	for file, staged := range steps {
		if !filepath.IsLocal(file) || staged != nil && !filepath.IsLocal(*staged) {
			return fmt.Errorf("the journal of %s names %q", d.path, file)
		}
		if staged == nil {
			if err := d.put(file, nil); err != nil {
				return err
			}
			continue
		}
		from, path := filepath.Join(d.path, *staged), filepath.Join(d.path, file)
		if _, err := os.Lstat(from); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := atomic.ReplaceFile(from, path); err != nil {
			return fmt.Errorf("writing %s: %w", path, err)
		}
	}
	return nil
}

// settle finishes an interrupted change before a read, and finds fault with a
// directory that is not ours before anything in it is believed.
func (d Dir) settle() error {
	if err := Own(d.path); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	if err := Own(d.ContextsDir()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, err := os.Lstat(filepath.Join(d.path, journalFile)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return d.Update(func(*Tx) error { return nil })
}

// lockShared keeps a change from being seen half way; where the lock's file
// can't be opened (a read-only disk) nobody changes anything either.
func (d Dir) lockShared() (unlock func()) {
	path := filepath.Join(d.path, lockFile)
	if _, err := os.Lstat(path); err != nil {
		return func() {}
	}
	lock := flock.New(path, flock.SetFlag(os.O_RDONLY))
	ctx, cancel := context.WithTimeout(context.Background(), lockLimit)
	defer cancel()
	if ok, err := lock.TryRLockContext(ctx, time.Millisecond); err != nil || !ok {
		return func() {}
	}
	return func() { lock.Unlock() }
}

func (d Dir) prepare() error {
	if err := Make(d.path); err != nil {
		return err
	}
	return Make(filepath.Join(d.path, contextsDir))
}

// Make makes a directory of ours, 0700, and those above it; one that is there
// has to be ours.
func Make(path string) error {
	if !filepath.IsAbs(path) {
		return errors.New("neither HOME nor the XDG directories are set, so there is no place for az-ctx's files")
	}
	err := Own(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(path, 0o700); err != nil {
			return fmt.Errorf("making a directory for az-ctx's files: %w", err)
		}
		return nil
	}
	return err
}

// Own reports what is wrong with a directory that we are to trust: a link in
// its place, no directory, another owner. It is fs.ErrNotExist where there is
// nothing.
func Own(path string) error {
	if !filepath.IsAbs(path) {
		return errors.New("neither HOME nor the XDG directories are set, so there is no place for az-ctx's files")
	}
	info, err := os.Lstat(path)
	if err != nil {
		return fmt.Errorf("looking at az-ctx's files: %w", err)
	}
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		return fmt.Errorf("%s is a link; az-ctx keeps its files in a directory of its own there", path)
	case !info.IsDir():
		return fmt.Errorf("%s is no directory", path)
	case foreign(info):
		return fmt.Errorf("%s belongs to another user", path)
	}
	return nil
}
