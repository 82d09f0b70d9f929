package secret

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// partLimit is the least that a head fits in.
const partLimit = 128

// sizes are values of an entry, from one that is not there to one of many parts.
func sizes(seed string) map[string]string {
	return map[string]string{
		"nothing": "", "one item": long(100, seed), "an item's limit": long(partLimit-len(wholeMark), seed),
		"just over": long(partLimit-len(wholeMark)+1, seed), "two parts": long(2*partLimit, seed), "seven parts": long(7*partLimit-5, seed),
	}
}

// keep sets or, where there is no value, deletes.
func keep(t *testing.T, k Keychain, value string) error {
	if value == "" {
		return k.Delete(t.Context(), "name")
	}
	return k.Set(t.Context(), "name", value)
}

// holds gives the entry's value, "" where there is none.
func holds(t *testing.T, k Keychain) string {
	t.Helper()
	value, err := k.Get(t.Context(), "name")
	if err != nil && err != ErrNotFound {
		t.Fatal(err)
	}
	return value
}

// itemsFor are the items that a value takes in a keychain that held nothing.
func itemsFor(t *testing.T, locks, value string) int {
	f := newFake()
	if err := keep(t, at(locks, f, partLimit), value); err != nil {
		t.Fatal(err)
	}
	return len(f.items)
}

func TestAnEntryTakesNoMoreItemsThanItsValueNeeds(t *testing.T) {
	locks := t.TempDir()
	for _, test := range []struct {
		value string
		items int
	}{{"", 0}, {long(125, "x"), 1}, {long(126, "x"), 2}, {long(128, "x"), 2}, {long(129, "x"), 3}, {long(20<<10, "x"), 161}} {
		if got := itemsFor(t, locks, test.value); got != test.items {
			t.Errorf("%d bytes take %d items", len(test.value), got)
		}
	}
	// From any size to any other and back.
	f := &fake{items: map[string]string{}, size: partLimit}
	k := at(locks, f, partLimit)
	for from, old := range sizes("old") {
		for to, value := range sizes("new") {
			for _, v := range []string{old, value} {
				if err := keep(t, k, v); err != nil {
					t.Fatalf("%s to %s: %v", from, to, err)
				}
				if got := holds(t, k); got != v || len(f.items) != itemsFor(t, locks, v) {
					t.Errorf("%s to %s: got %d bytes of %d in %q", from, to, len(got), len(v), f.names())
				}
			}
		}
	}
}

// On macOS go-keyring gives `security -i` one line an item; at 4,096 bytes it is
// cut.
func TestTheLongestItemFitsInALineOfMacOS(t *testing.T) {
	name := partName(strings.Repeat("n", maxName), "a", maxValue)
	password := "go-keyring-base64:" + base64.StdEncoding.EncodeToString(make([]byte, 2560))
	if line := "add-generic-password -U -s " + service + " -a " + name + " -w " + password + "\n"; len(line) >= 4096 {
		t.Errorf("it has %d bytes", len(line))
	}
}

func TestAWriteCutOffAtAnyStepLeavesTheOldValueOrTheNew(t *testing.T) {
	locks := t.TempDir()
	errDown := errors.New("cut off")
	cuts := 0
	for from, old := range sizes("old") {
		for to, value := range sizes("new") {
			if old == "" && value == "" {
				continue
			}
			for _, after := range []bool{false, true} {
				for step := 1; ; step++ {
					f := newFake()
					k := at(locks, f, partLimit)
					if err := keep(t, k, old); err != nil {
						t.Fatal(err)
					}
					f.step = 0
					cut := func(n int) {
						if n == step {
							f.down = errDown
						}
					}
					if after {
						f.late = cut
					} else {
						f.fail = cut
					}
					err := keep(t, k, value)
					reached := f.step >= step
					f.down, f.fail, f.late = nil, nil, nil
					got := holds(t, k)
					where := fmt.Sprintf("%s to %s, step %d, after it: %v", from, to, step, after)
					switch {
					case got != old && got != value:
						t.Fatalf("%s: a mix of both in %q", where, f.names())
					case err == nil && got != value:
						t.Fatalf("%s: not written, but no error", where)
					case err != nil && !errors.Is(err, errBroke):
						t.Fatalf("%s: %v", where, err)
					}
					// The next write cleans up, whatever it writes.
					for next, v := range sizes("next") {
						g := newFake()
						for name, item := range f.items {
							g.items[name] = item
						}
						k := at(locks, g, partLimit)
						if err := keep(t, k, v); err != nil {
							t.Fatal(err)
						}
						if got := holds(t, k); got != v || len(g.items) != itemsFor(t, locks, v) {
							t.Fatalf("%s, then %s: %q are left", where, next, g.names())
						}
					}
					if !reached {
						break
					}
					cuts++
				}
			}
		}
	}
	t.Logf("cut off %d times", cuts)
}

func TestTwoWritesCutOffOneAfterTheOtherLeaveAWholeValue(t *testing.T) {
	locks := t.TempDir()
	errDown := errors.New("cut off")
	first, second, third := long(3*partLimit, "first"), long(6*partLimit, "second"), long(2*partLimit, "third")
	for one := 1; one <= 12; one++ {
		for two := 1; two <= 12; two++ {
			f := newFake()
			k := at(locks, f, partLimit)
			if err := keep(t, k, first); err != nil {
				t.Fatal(err)
			}
			for _, w := range []struct {
				value string
				step  int
			}{{second, one}, {third, two}} {
				f.step = 0
				f.late = func(n int) {
					if n == w.step {
						f.down = errDown
					}
				}
				_ = keep(t, k, w.value)
				f.down, f.late = nil, nil
			}
			if got := holds(t, k); !slices.Contains([]string{first, second, third}, got) {
				t.Fatalf("cut off at %d and %d: a mix in %q", one, two, f.names())
			}
			if err := keep(t, k, first); err != nil {
				t.Fatal(err)
			}
			if got := holds(t, k); got != first || len(f.items) != 4 {
				t.Fatalf("cut off at %d and %d: %q are left", one, two, f.names())
			}
		}
	}
}

func TestAReaderAtAnyStepOfAWriteSeesOneValue(t *testing.T) {
	locks := t.TempDir()
	for from, old := range sizes("old") {
		for to, value := range sizes("new") {
			f := newFake()
			k := at(locks, f, partLimit)
			if err := keep(t, k, old); err != nil {
				t.Fatal(err)
			}
			look := func(step int) {
				got, err := entries{direct{f}, partLimit}.read(t.Context(), "name")
				if err != nil && err != ErrNotFound || got != old && got != value {
					t.Errorf("%s to %s, step %d: %d bytes, %v", from, to, step, len(got), err)
				}
			}
			f.fail, f.late = look, look
			if err := keep(t, k, value); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestAWriteAtAnyStepOfAReaderShowsItOneValue(t *testing.T) {
	locks := t.TempDir()
	for from, old := range sizes("old") {
		for to, value := range sizes("new") {
			for writes := 1; writes <= 3; writes++ {
				for step := 1; ; step++ {
					f := newFake()
					k := at(locks, f, partLimit)
					if err := keep(t, k, old); err != nil {
						t.Fatal(err)
					}
					reads := 0
					f.seen = func(string) {
						if reads++; reads != step {
							return
						}
						f.seen = nil
						other := &fake{items: f.items}
						for i := range writes {
							if err := keep(t, at(locks, other, partLimit), []string{value, old}[i%2]); err != nil {
								t.Fatal(err)
							}
						}
					}
					got, err := entries{direct{f}, partLimit}.read(t.Context(), "name")
					if err != nil && err != ErrNotFound || got != old && got != value {
						t.Fatalf("%s to %s, %d times at step %d: %d bytes, %v", from, to, writes, step, len(got), err)
					}
					if reads < step {
						break
					}
				}
			}
		}
	}
}

// The value that a reader began with may be back before it looks again, in the
// same slot: nothing but the stamp tells that head from the first.
func TestAValueThatGoesAndComesBackUnderAReaderIsNotDamaged(t *testing.T) {
	locks := t.TempDir()
	old, value := long(4*partLimit, "old"), long(3*partLimit, "new")
	const steps = 8
	for away := 1; away <= steps; away++ {
		for back := away; back <= steps; back++ {
			f := newFake()
			if err := keep(t, at(locks, f, partLimit), old); err != nil {
				t.Fatal(err)
			}
			other := at(locks, &fake{items: f.items}, partLimit)
			reads := 0
			f.seen = func(string) {
				reads++
				if reads == away {
					if err := keep(t, other, value); err != nil {
						t.Fatal(err)
					}
				}
				if reads == back {
					if err := keep(t, other, old); err != nil {
						t.Fatal(err)
					}
				}
			}
			got, err := entries{direct{f}, partLimit}.read(t.Context(), "name")
			if err != nil || got != old && got != value {
				t.Fatalf("away at %d, back at %d: %d bytes, %v", away, back, len(got), err)
			}
		}
	}
}

func TestADamagedEntryIsNamedAndMended(t *testing.T) {
	locks := t.TempDir()
	value := long(3*partLimit, "x")
	for what, spoil := range map[string]func(map[string]string){
		"a part is gone":    func(m map[string]string) { delete(m, partName("name", "a", 1)) },
		"a part is another": func(m map[string]string) { m[partName("name", "a", 1)] = long(partLimit, "y") },
		"two parts swapped": func(m map[string]string) {
			m[partName("name", "a", 0)], m[partName("name", "a", 1)] = m[partName("name", "a", 1)], m[partName("name", "a", 0)]
		},
		"all parts are gone":  func(m map[string]string) { clear(m); m["name"] = head{"a", 3, checksum(value), "x"}.encode() },
		"another's item":      func(m map[string]string) { m["name"] = "a password" },
		"an empty item":       func(m map[string]string) { m["name"] = "" },
		"a newer form":        func(m map[string]string) { m["name"] = "v2:x" },
		"a count of nothing":  func(m map[string]string) { m["name"] = splitMark + "a:0::x" },
		"a huge count":        func(m map[string]string) { m["name"] = splitMark + "a:99999999:x:x" },
		"a slot of no name":   func(m map[string]string) { m["name"] = splitMark + "c:1:x:x" },
		"too little in it":    func(m map[string]string) { m["name"] = splitMark + "a:1" },
		"a number too large":  func(m map[string]string) { m["name"] = splitMark + "a:999999999999999999999:x:x" },
		"a part too many cut": func(m map[string]string) { delete(m, partName("name", "a", 0)) },
	} {
		t.Run(what, func(t *testing.T) {
			damaged := func() (Keychain, *fake) {
				f := newFake()
				k := at(locks, f, partLimit)
				if err := keep(t, k, value); err != nil {
					t.Fatal(err)
				}
				spoil(f.items)
				return k, f
			}
			k, _ := damaged()
			if got, err := k.Get(t.Context(), "name"); !errors.Is(err, ErrDamaged) || got != "" {
				t.Errorf("got %q, %v", got, err)
			}
			if err := k.Set(t.Context(), "name", "new"); err != nil || holds(t, k) != "new" {
				t.Errorf("not mended: %v", err)
			}
			k, _ = damaged()
			if err := k.Update(t.Context(), "name", func(old string) (string, error) { return old + "new", nil }); err != nil || holds(t, k) != "new" {
				t.Errorf("not updated: %v", err)
			}
			k, f := damaged()
			if err := k.Update(t.Context(), "name", func(string) (string, error) { return "", nil }); err != nil || f.items["name"] != "" {
				t.Errorf("not deleted: %v, %q are left", err, f.names())
			}
			k, f = damaged()
			if err := k.Delete(t.Context(), "name"); err != nil || f.items["name"] != "" {
				t.Errorf("not deleted: %v, %q are left", err, f.names())
			}
		})
	}
}

func TestWithoutALimitAnEntryIsOneCallAwayFromItsItem(t *testing.T) {
	locks := t.TempDir()
	f := newFake()
	calls := 0
	f.seen = func(string) { calls++ }
	k := at(locks, f, 0)
	if err := keep(t, k, long(20<<10, "x")); err != nil {
		t.Fatal(err)
	}
	if calls+f.step != 2 {
		t.Errorf("a write is %d reads and %d changes", calls, f.step)
	}
	calls = 0
	holds(t, k)
	if calls != 1 {
		t.Errorf("a read is %d reads", calls)
	}
}

// direct is a fake without a call's limits, and without its turn.
type direct struct{ *fake }

func (d direct) get(_ context.Context, item string) (string, error) {
	value, ok := d.items[item]
	if d.seen != nil {
		d.seen(item)
	}
	if !ok {
		return "", ErrNotFound
	}
	return value, nil
}

func (direct) set(context.Context, string, string) error { return errors.New("a reader writes") }
func (direct) delete(context.Context, string) error      { return errors.New("a reader deletes") }
