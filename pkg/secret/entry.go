package secret

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// items are what a system's keychain has: small values, each written whole.
type items interface {
	get(ctx context.Context, item string) (string, error) // ErrNotFound
	set(ctx context.Context, item, value string) error
	delete(ctx context.Context, item string) error // ErrNotFound
}

// entries keeps values of any size in items of limited size.
//
// The item of the entry's own name is its head: the value itself behind
// wholeMark, or behind splitMark what its parts are. Parts lie in one of two
// slots, and a write goes to the slot that the head does not name, so that until
// the head is written, in one piece, the old value is all there. What was before
// is deleted after that. A write that was cut off leaves parts in the unnamed
// slot: the next one writes over them and deletes what is left. The parts of a
// slot are written upwards and deleted downwards, so that those that are there
// are always numbered from 0 without a gap.
//
// Whoever writes holds the entry's lock; readers need none.
type entries struct {
	items
	limit int // bytes an item takes; 0: any number
}

const (
	wholeMark = "v1:"
	splitMark = "s1:"
)

// head is what a head says of its parts.
type head struct {
	slot  string // "a" or "b"
	count int
	sum   string // SHA-256 of the value
	// stamp differs in each write, so that a reader sees that a slot was used
	// anew, even for the same value.
	stamp string
}

func (h head) encode() string {
	return splitMark + strings.Join([]string{h.slot, strconv.Itoa(h.count), h.sum, h.stamp}, ":")
}

func decodeHead(raw string) (head, bool) {
	f := strings.Split(strings.TrimPrefix(raw, splitMark), ":")
	if !strings.HasPrefix(raw, splitMark) || len(f) != 4 || f[0] != "a" && f[0] != "b" {
		return head{}, false
	}
	count, err := strconv.Atoi(f[1])
	return head{f[0], count, f[2], f[3]}, err == nil && count > 0 && count <= maxValue
}

// partName can't be an entry's: two dots in a row are not allowed there.
func partName(name, slot string, i int) string { return fmt.Sprintf("%s..%s%d", name, slot, i) }

func checksum(value string) string {
	sum := sha256.Sum256([]byte(value))
	return hex.EncodeToString(sum[:])
}

// read gives the entry's value. Where parts don't fit their head somebody is
// writing, and then the head is another one when it is looked at again.
func (e entries) read(ctx context.Context, name string) (string, error) {
	raw, err := e.get(ctx, name)
	if err != nil {
		return "", err
	}
	for {
		if value, ok := strings.CutPrefix(raw, wholeMark); ok {
			return value, nil
		}
		h, ok := decodeHead(raw)
		if !ok {
			return "", ErrDamaged
		}
		value, err := e.join(ctx, name, h)
		if err != nil {
			return "", err
		}
		if checksum(value) == h.sum {
			return value, nil
		}
		again, err := e.get(ctx, name)
		if err != nil {
			return "", err
		}
		if again == raw {
			return "", ErrDamaged
		}
		raw = again
	}
}

func (e entries) join(ctx context.Context, name string, h head) (string, error) {
	var b strings.Builder
	for i := range h.count {
		part, err := e.get(ctx, partName(name, h.slot, i))
		if errors.Is(err, ErrNotFound) {
			break // the checksum tells
		}
		if err != nil {
			return "", err
		}
		b.WriteString(part)
	}
	return b.String(), nil
}

// write replaces the entry's value. An error leaves the old value or, where the
// keychain failed while the head was written, one of the two.
func (e entries) write(ctx context.Context, name, value string) error {
	was, split, err := e.named(ctx, name)
	if err != nil {
		return err
	}
	if e.limit == 0 || len(wholeMark)+len(value) <= e.limit {
		if err := e.set(ctx, name, wholeMark+value); err != nil {
			return err
		}
		// What can't be deleted now is no reason to say that nothing was written.
		if split || e.limit > 0 {
			_ = e.sweepBoth(ctx, name)
		}
		return nil
	}
	slot := otherSlot(was)
	h := head{slot: slot, sum: checksum(value), stamp: rand.Text()}
	for rest := value; rest != ""; h.count++ {
		n := min(len(rest), e.limit)
		if err := e.set(ctx, partName(name, slot, h.count), rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	if err := e.set(ctx, name, h.encode()); err != nil {
		return err
	}
	if e.sweep(ctx, name, otherSlot(slot), 0) == nil {
		_ = e.sweep(ctx, name, slot, h.count)
	}
	return nil
}

// remove deletes the entry, its head first, and what cut-off writes left.
func (e entries) remove(ctx context.Context, name string) error {
	_, split, err := e.named(ctx, name)
	if err != nil {
		return err
	}
	if err := e.delete(ctx, name); err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if !split && e.limit == 0 {
		return nil
	}
	return e.sweepBoth(ctx, name)
}

func (e entries) sweepBoth(ctx context.Context, name string) error {
	if err := e.sweep(ctx, name, "a", 0); err != nil {
		return err
	}
	return e.sweep(ctx, name, "b", 0)
}

// named gives the slot that the entry's head names, "" where it names none.
func (e entries) named(ctx context.Context, name string) (slot string, split bool, err error) {
	raw, err := e.get(ctx, name)
	if errors.Is(err, ErrNotFound) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	h, _ := decodeHead(raw)
	return h.slot, !strings.HasPrefix(raw, wholeMark), nil
}

// sweep deletes a slot's parts from number from on, the last one first.
func (e entries) sweep(ctx context.Context, name, slot string, from int) error {
	end := from
	for ; ; end++ {
		_, err := e.get(ctx, partName(name, slot, end))
		if errors.Is(err, ErrNotFound) {
			break
		}
		if err != nil {
			return err
		}
	}
	for i := end - 1; i >= from; i-- {
		if err := e.delete(ctx, partName(name, slot, i)); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return nil
}

func otherSlot(slot string) string {
	if slot == "a" {
		return "b"
	}
	return "a"
}
