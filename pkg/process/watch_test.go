package process

import (
	"errors"
	"os"
	"slices"
	"testing"
	"time"
)

func watcher(t *testing.T) *Watcher {
	t.Helper()
	w, err := NewWatcher()
	if err != nil {
		t.Skip("this system does not tell of the end of processes: ", err)
	}
	t.Cleanup(w.Close)
	return w
}

// next is whose end is told next.
func next(t *testing.T, w *Watcher) ID {
	t.Helper()
	ids := nextOf(t, w)
	if len(ids) != 1 {
		t.Errorf("told of %v", ids)
	}
	return ids[0]
}

func nextOf(t *testing.T, w *Watcher) []ID {
	t.Helper()
	select {
	case ids := <-w.Ended():
		return ids
	case <-time.After(20 * time.Second):
		t.Fatal("no end was told")
	}
	return nil
}

func lookup(t *testing.T, pid int) ID {
	t.Helper()
	info, err := Lookup(pid)
	if err != nil {
		t.Fatal(err)
	}
	return info.ID
}

func TestTheEndOfAProcessIsToldOnce(t *testing.T) {
	w := watcher(t)
	ends, endBy := map[ID]func(){}, []string{"by itself", "by kill -9"}
	var all []ID
	for range endBy {
		cmd, _, end := start(t, "wait")
		id := lookup(t, cmd.Process.Pid)
		for range 2 { // a second time costs nothing, and tells nothing more
			if err := w.Add(id); err != nil {
				t.Fatal(err)
			}
		}
		all = append(all, id)
		ends[id] = end
		if len(all) == 2 {
			ends[id] = func() { cmd.Process.Kill() }
		}
	}
	for i, id := range []ID{all[1], all[0]} {
		ends[id]()
		if got := next(t, w); got != id {
			t.Errorf("ended %s: told of %v, not %v", endBy[1-i], got, id)
		}
		if id.Alive() { // a zombie at most: nobody has waited for it
			t.Errorf("%v is told of, and alive", id)
		}
	}
	select {
	case id := <-w.Ended():
		t.Errorf("told of %v too", id)
	default:
	}
	if err := w.Add(all[0]); !errors.Is(err, ErrGone) {
		t.Errorf("one that has ended: %v", err)
	}
}

// A pid that was given out again is another process, whose end is not told.
func TestAnotherProcessOfThatPidIsNotWatched(t *testing.T) {
	w := watcher(t)
	cmd, _, end := start(t, "wait")
	id := lookup(t, cmd.Process.Pid)
	earlier := ID{id.PID, id.Start - 1}
	if err := w.Add(earlier); !errors.Is(err, ErrGone) {
		t.Errorf("of another start: %v", err)
	}
	if err := w.Add(ID{0x7fffffff, 1}); !errors.Is(err, ErrGone) {
		t.Errorf("of no process: %v", err)
	}
	if err := w.Add(id); err != nil {
		t.Fatal(err)
	}
	end()
	if got := next(t, w); got != id {
		t.Errorf("told of %v", got)
	}
}

func TestManyEndAtOnce(t *testing.T) {
	w := watcher(t)
	var want, got []ID
	var ends []func()
	for range 20 {
		cmd, _, end := start(t, "wait")
		id := lookup(t, cmd.Process.Pid)
		if err := w.Add(id); err != nil {
			t.Fatal(err)
		}
		want, ends = append(want, id), append(ends, end)
	}
	for _, end := range ends {
		end()
	}
	for len(got) < len(want) {
		got = append(got, nextOf(t, w)...)
	}
	byPID := func(a, b ID) int { return a.PID - b.PID }
	slices.SortFunc(want, byPID)
	slices.SortFunc(got, byPID)
	if !slices.Equal(got, want) {
		t.Errorf("told of %v, not %v", got, want)
	}
}

// After Close nothing hangs and nothing is told.
func TestAClosedWatcherIsOver(t *testing.T) {
	w := watcher(t)
	if err := w.Add(lookup(t, os.Getpid())); err != nil {
		t.Fatal(err)
	}
	w.Close()
	w.Close()
	cmd, _, _ := start(t, "wait")
	if err := w.Add(lookup(t, cmd.Process.Pid)); !errors.Is(err, os.ErrClosed) {
		t.Errorf("one more: %v", err)
	}
}

// A watcher can be closed while a process ends, whoever reads what it tells.
func TestCloseWhileAProcessEnds(t *testing.T) {
	for range 100 {
		w, err := NewWatcher()
		if err != nil {
			t.Skip("this system does not tell of the end of processes: ", err)
		}
		cmd, _, _ := start(t, "wait")
		if err := w.Add(lookup(t, cmd.Process.Pid)); err != nil {
			t.Fatal(err)
		}
		closed := make(chan struct{})
		cmd.Process.Kill()
		go func() {
			w.Close()
			close(closed)
		}()
		select {
		case <-closed:
		case <-time.After(20 * time.Second):
			t.Fatal("it hangs")
		}
	}
}
