package secret

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"github.com/zalando/go-keyring"
)

// hanging is a keychain whose calls wait until they are let go.
func hanging() (f *fake, release func()) {
	f = newFake()
	f.gate, f.entered = make(chan struct{}), make(chan struct{}, 100)
	return f, func() { close(f.gate) }
}

// hasty is over with limits that end at once.
func hasty(t *testing.T, b backend) *system {
	s := over(t, b, 0)
	s.open = func() *call { return &call{backend: b, limits: limits{time.Millisecond, time.Millisecond}} }
	return s
}

// untilItHangs ends when a call of f is under way.
func untilItHangs(t *testing.T, f *fake) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		<-f.entered
	}()
	return ctx
}

func isUnusable(t *testing.T, err error, reason string) {
	t.Helper()
	var u *Unusable
	if !errors.As(err, &u) || !strings.Contains(u.Reason, reason) {
		t.Errorf("got %v, wanted %q", err, reason)
	}
}

func TestACallThatHangsIsGivenUp(t *testing.T) {
	for _, ask := range []bool{false, true} {
		f, release := hanging()
		f.ask = ask
		k := hasty(t, f)
		want := "it did not answer within 1ms"
		if ask {
			want = "it was not unlocked within 1ms"
		}
		_, err := k.Get(t.Context(), "name")
		isUnusable(t, err, want)
		isUnusable(t, k.Set(t.Context(), "name", "x"), want)
		isUnusable(t, k.Delete(t.Context(), "other"), want)
		if len(f.entered) > 1 {
			t.Errorf("%d calls hang", len(f.entered))
		}
		release()
		idle()
	}
}

// idle waits until no call is under way.
func idle() {
	turn <- struct{}{}
	<-turn
}

func TestWhoeverGivesUpOnACallThatHangsIsFree(t *testing.T) {
	f, release := hanging()
	defer idle()
	defer release()
	if _, err := over(t, f, 0).Get(untilItHangs(t, f), "name"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestACallThatWasGivenUpKeepsItsLockUntilItEnds(t *testing.T) {
	f, release := hanging()
	k := over(t, f, 0)
	if err := k.Set(untilItHangs(t, f), "name", "late"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	lock := flock.New(filepath.Join(k.lockDir, "keychain-name.lock"))
	if free, err := lock.TryLock(); free || err != nil {
		t.Fatalf("the lock is free while the call may still write: %v", err)
	}
	k.wait = time.Millisecond
	if err := k.Set(t.Context(), "name", "x"); err == nil || !strings.Contains(err.Error(), "another az-ctx has held the keychain entry name for 1ms") {
		t.Errorf("got %v", err)
	}
	release()
	if err := lock.Lock(); err != nil {
		t.Fatal(err)
	}
	lock.Unlock()
	idle()
}

func TestTheNextCallWaitsUntilTheOneBeforeIsReallyOver(t *testing.T) {
	f, release := hanging()
	abandoning, proceed := make(chan struct{}), make(chan struct{})
	f.gaveUp = func() {
		abandoning <- struct{}{}
		<-proceed
	}
	if _, err := over(t, f, 0).Get(untilItHangs(t, f), "name"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	<-abandoning
	release() // the call itself ends; closing its connection does not yet
	select {
	case turn <- struct{}{}:
		t.Error("the next call could go, and its connection be closed under it")
	default:
	}
	close(proceed)
	idle()
}

func TestACallThatHangsLeavesOneGoroutine(t *testing.T) {
	f, release := hanging()
	k := hasty(t, f)
	before := runtime.NumGoroutine()
	for range 50 {
		_, err := k.Get(t.Context(), "name")
		isUnusable(t, err, "did not answer")
	}
	if n := runtime.NumGoroutine(); n > before+3 {
		t.Errorf("%d goroutines more", n-before)
	}
	release()
	idle()
}

// noisy fails in every way with a secret in what it says.
type noisy struct {
	*fake
	fault func() error
}

const secret = "0.AXoAsecret"

func (n noisy) get(string) (string, error) { return secret, n.fault() }
func (n noisy) set(string, string) error   { return n.fault() }
func (n noisy) delete(string) error        { return n.fault() }
func (n noisy) explain(err error) error    { return native{}.explain(err) }

func TestWhateverFailsNoSecretIsSaid(t *testing.T) {
	for what, fault := range map[string]func() error{
		"an error": func() error { return errors.New("bad " + secret) },
		"a panic":  func() error { panic(secret) },
		"a nil pointer": func() error {
			var p *Unusable
			return errors.New(p.Reason)
		},
		"too big": func() error { return fmt.Errorf("%s: %w", secret, keyring.ErrSetDataTooBig) },
	} {
		k := over(t, noisy{newFake(), fault}, 0)
		value, err := k.Get(t.Context(), "name")
		for _, err := range []error{err, k.Set(t.Context(), "name", secret), k.Delete(t.Context(), "name")} {
			isUnusable(t, err, "")
			if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, secret) || value != "" {
				t.Errorf("%s: %s", what, text)
			}
		}
	}
}

func TestAKeychainThatCantBeUsedIsNotCalled(t *testing.T) {
	f := newFake()
	f.why = &Unusable{Reason: "it is locked", Try: "unlock it"}
	f.seen = func(string) { t.Error("called") }
	f.fail = func(int) { t.Error("called") }
	k := over(t, f, 0)
	_, err := k.Get(t.Context(), "name")
	for _, err := range []error{err, k.Set(t.Context(), "name", "x"), k.Delete(t.Context(), "name"), k.Update(t.Context(), "name", func(string) (string, error) {
		t.Error("changed")
		return "", nil
	})} {
		isUnusable(t, err, "it is locked")
	}
}

func TestAnErrorNamesTheEntryAndWhatWasDone(t *testing.T) {
	f := newFake()
	f.items["name"] = "odd"
	if _, err := over(t, f, 0).Get(t.Context(), "name"); err == nil || err.Error() != "reading the keychain entry name: the entry in the keychain is damaged" {
		t.Errorf("got %v", err)
	}
}

func TestWithoutAPlaceForLocksNothingIsWritten(t *testing.T) {
	f := newFake()
	file := filepath.Join(t.TempDir(), "file")
	if err := flock.New(file).Lock(); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"", "relative", file, filepath.Join(file, "below")} {
		k := at(dir, f, 0)
		if k.Set(t.Context(), "name", "x") == nil || k.Delete(t.Context(), "name") == nil || len(f.items) != 0 {
			t.Errorf("%q is a place for locks", dir)
		}
	}
}

// liar says that it kept what it did not.
type liar struct {
	*fake
	instead string
}

func (l liar) set(item, _ string) error {
	delete(l.items, item)
	if l.instead != "" {
		l.items[item] = l.instead
	}
	return nil
}

func TestAWriteIsReadBackWhereTheSystemMayLie(t *testing.T) {
	for _, instead := range []string{"", "another"} {
		k := over(t, liar{newFake(), instead}, 0)
		k.open = func() *call {
			return &call{backend: liar{newFake(), instead}, limits: limits{time.Minute, time.Minute}, readBack: true}
		}
		isUnusable(t, k.Set(t.Context(), "name", "x"), "said that it kept a value, and did not")
	}
}
