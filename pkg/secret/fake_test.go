package secret

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zalando/go-keyring"
)

// fake is a system's keychain with faults.
type fake struct {
	mu    sync.Mutex
	items map[string]string
	step  int            // changes that were asked for so far
	fail  func(step int) // what happens at a change, before it
	late  func(step int) // and after it
	seen  func(item string)
	down  error // what every call answers
	size  int   // bytes an item takes, 0: any

	ask     bool // the user may be asked
	why     error
	gate    chan struct{} // calls wait for it to be closed
	entered chan struct{} // and say here that they do
	gaveUp  func()
}

func (f *fake) look(context.Context) (bool, error) { return f.ask, f.why }

func (f *fake) abandon() {
	if f.gaveUp != nil {
		f.gaveUp()
	}
}

func (f *fake) explain(error) error { return errBroke }

func (f *fake) pass() error {
	if f.gate != nil {
		f.entered <- struct{}{}
		<-f.gate
	}
	return f.down
}

func (f *fake) get(item string) (string, error) {
	if err := f.pass(); err != nil {
		return "", err
	}
	if f.seen != nil {
		f.seen(item)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	value, ok := f.items[item]
	if !ok {
		return "", keyring.ErrNotFound
	}
	return value, nil
}

func (f *fake) change(do func()) error {
	if err := f.pass(); err != nil {
		return err
	}
	f.step++
	if f.fail != nil {
		f.fail(f.step)
	}
	if f.down != nil {
		return f.down
	}
	f.mu.Lock()
	do()
	f.mu.Unlock()
	if f.late != nil {
		f.late(f.step)
	}
	return f.down
}

func (f *fake) set(item, value string) error {
	if f.size > 0 && len(value) > f.size {
		return keyring.ErrSetDataTooBig
	}
	return f.change(func() { f.items[item] = value })
}

func (f *fake) delete(item string) error {
	if _, err := f.get(item); err != nil {
		return err
	}
	return f.change(func() { delete(f.items, item) })
}

func newFake() *fake { return &fake{items: map[string]string{}} }

func (f *fake) names() []string { return slices.Sorted(maps.Keys(f.items)) }

// over is the system's keychain as System makes it, over another backend.
func over(t testing.TB, b backend, limit int) *system {
	return at(t.TempDir(), b, limit)
}

func at(lockDir string, b backend, limit int) *system {
	return &system{lockDir: lockDir, limit: limit, wait: time.Minute, open: func() *call {
		return &call{backend: b, limits: limits{short: time.Minute, prompt: time.Minute}}
	}}
}

// shelf is a keychain of files that processes share.
type shelf string

func (shelf) look(context.Context) (bool, error) { return false, nil }
func (shelf) abandon()                           {}
func (shelf) explain(error) error                { return errBroke }

func (s shelf) get(item string) (string, error) {
	raw, err := os.ReadFile(filepath.Join(string(s), item))
	if errors.Is(err, os.ErrNotExist) {
		err = keyring.ErrNotFound
	}
	return string(raw), err
}

func (s shelf) set(item, value string) error {
	next := filepath.Join(string(s), fmt.Sprintf(".%d.new", os.Getpid()))
	if err := os.WriteFile(next, []byte(value), 0o600); err != nil {
		return err
	}
	return os.Rename(next, filepath.Join(string(s), item))
}

func (s shelf) delete(item string) error {
	err := os.Remove(filepath.Join(string(s), item))
	if errors.Is(err, os.ErrNotExist) {
		err = keyring.ErrNotFound
	}
	return err
}

// long is a value of n bytes in which no part is like another.
func long(n int, seed string) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "%s%d ", seed, i)
	}
	return b.String()[:n]
}
