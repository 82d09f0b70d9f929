// Package secret keeps refresh tokens, client secrets and certificate
// passwords: in the system's keychain, or in memory where there is none.
//
// No error of this package carries a value, and none of what a keychain said
// beyond its own error codes.
package secret

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Keychain holds values under names. Names are made of A-Z a-z 0-9 . _ - , do
// not begin with a dash and hold no two dots in a row; they count as equal
// ignoring case on some systems, so use one case. A value has 1 byte to 64 KB.
//
// Errors are ErrNotFound, ErrDamaged, an *Unusable, the context's own, or that
// of a refused name or value.
type Keychain interface {
	// Get gives the value as the last finished change left it; it waits for no
	// change that is under way.
	Get(ctx context.Context, name string) (string, error)
	// Set keeps the value over one that is there. Killed at any instant it leaves
	// the old value or the new one.
	Set(ctx context.Context, name, value string) error
	// Delete takes the value away; it is no error where there is none.
	Delete(ctx context.Context, name string) error
	// Update changes a value under a lock that all processes of the user heed, for
	// a refresh token that is read, redeemed and replaced. change gets "" where
	// there is no value; "" from it deletes, the same value again writes nothing,
	// an error is returned as it is and changes nothing. change may take its time,
	// but others wait for it no longer than a minute, and it must not itself
	// change the same name.
	Update(ctx context.Context, name string, change func(old string) (string, error)) error
}

// ErrNotFound is returned for a name without a value.
var ErrNotFound = errors.New("no such entry in the keychain")

// ErrDamaged is returned for an entry that can't be read back: another program
// or a newer az-ctx wrote it, or a part of it is gone. Set and Delete mend it,
// and Update takes it for none.
var ErrDamaged = errors.New("the entry in the keychain is damaged")

// Unusable says why the system's keychain can't be used now, and what to
// install or do, "" where nothing is known to help.
type Unusable struct {
	Reason string
	Try    string
}

func (u *Unusable) Error() string { return "the keychain can't be used: " + u.Reason }

// maxName leaves room for what is added to a part's name, in a lock's file name
// and in the line that macOS is given.
const maxName = 200

// maxValue is far above what is kept: a refresh token has 1 to 3 KB, a client
// secret less.
const maxValue = 64 << 10

func checkName(name string) error {
	odd := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' || r == '-')
	}
	if name == "" || len(name) > maxName || name[0] == '-' || strings.Contains(name, "..") || strings.ContainsFunc(name, odd) {
		return fmt.Errorf("%.200q is no name for a keychain entry", name)
	}
	return nil
}

func checkValue(value string) error {
	switch {
	case value == "":
		return errors.New("an empty value is not kept in the keychain")
	case strings.ContainsRune(value, 0):
		return errors.New("a value with a NUL byte is not kept in the keychain")
	case len(value) > maxValue:
		return &Unusable{Reason: fmt.Sprintf("the value has %d bytes, and no more than %d are kept", len(value), maxValue)}
	}
	return nil
}
