package secret

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// service is what our items are filed under in the system's keychain.
const service = "az-ctx"

// lockLimit is how long a change waits for another one of the same entry, which
// may be asking the cloud for a new token meanwhile.
const lockLimit = time.Minute

// System is the operating system's keychain. lockDir, absolute and the same for
// all processes of the user, holds a lock file for each entry that was ever
// written; they are never deleted.
//
// Each call of the keychain has a time limit: 5 seconds where nobody can be
// asked, 2 minutes where the system may be showing a window that asks to unlock
// it. A call that was given up is waited for by no one, but its entry's lock is
// held until it has ended, so that it can't write over what came later.
func System(lockDir string) Keychain {
	return &system{lockDir: lockDir, limit: itemLimit, wait: lockLimit, open: func() *call {
		return &call{backend: native{}, limits: limits{short: 5 * time.Second, prompt: 2 * time.Minute}, readBack: readBack}
	}}
}

type system struct {
	lockDir string
	limit   int           // bytes an item takes; 0: any number
	wait    time.Duration // for a lock
	open    func() *call  // for one operation
}

func (s *system) Get(ctx context.Context, name string) (string, error) {
	if err := checkName(name); err != nil {
		return "", err
	}
	value, err := entries{s.open(), s.limit}.read(ctx, name)
	if err != nil {
		return "", doing("reading", name, err)
	}
	return value, nil
}

func (s *system) Set(ctx context.Context, name, value string) error {
	if err := errors.Join(checkName(name), checkValue(value)); err != nil {
		return err
	}
	return s.locked(ctx, name, func(e entries) error {
		return doing("writing", name, e.write(ctx, name, value))
	})
}

func (s *system) Delete(ctx context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	return s.locked(ctx, name, func(e entries) error {
		return doing("deleting", name, e.remove(ctx, name))
	})
}

func (s *system) Update(ctx context.Context, name string, change func(old string) (string, error)) error {
	if err := checkName(name); err != nil {
		return err
	}
	return s.locked(ctx, name, func(e entries) error {
		old, err := e.read(ctx, name)
		damaged := errors.Is(err, ErrDamaged)
		if err != nil && !damaged && !errors.Is(err, ErrNotFound) {
			return doing("reading", name, err)
		}
		value, err := change(old)
		switch {
		case err != nil:
			return err
		case value == old && !damaged:
			return nil
		case value == "":
			return doing("deleting", name, e.remove(ctx, name))
		}
		if err := checkValue(value); err != nil {
			return err
		}
		return doing("writing", name, e.write(ctx, name, value))
	})
}

// locked runs do under the entry's lock, which reaches over all processes, and
// over all users of the keychain in this one.
func (s *system) locked(ctx context.Context, name string, do func(entries) error) error {
	if !filepath.IsAbs(s.lockDir) {
		return errors.New("there is no place for the keychain's lock files")
	}
	if err := os.MkdirAll(s.lockDir, 0o700); err != nil {
		return fmt.Errorf("locking the keychain: %w", err)
	}
	lock := flock.New(filepath.Join(s.lockDir, "keychain-"+name+".lock"), flock.SetPermissions(0o600))
	waiting, cancel := context.WithTimeout(ctx, s.wait)
	defer cancel()
	if _, err := lock.TryLockContext(waiting, 5*time.Millisecond); err != nil {
		if ctx.Err() == nil && waiting.Err() != nil {
			return fmt.Errorf("another az-ctx has held the keychain entry %s for %s", name, s.wait)
		}
		return fmt.Errorf("locking the keychain: %w", err)
	}
	c := s.open()
	defer c.afterwards(func() { lock.Unlock() })
	return do(entries{c, s.limit})
}

// doing says what was being done, where that is not plain from the error.
func doing(what, name string, err error) error {
	var unusable *Unusable
	if err == nil || errors.Is(err, ErrNotFound) || errors.As(err, &unusable) {
		return err
	}
	return fmt.Errorf("%s the keychain entry %s: %w", what, name, err)
}
