package process

import (
	"errors"
	"os"
	"testing"
)

// Beyond its share of the descriptors the watcher takes no more; who is watched
// stays so, and its end makes room.
func TestTheWatcherLeavesDescriptorsToOthers(t *testing.T) {
	w := watcher(t)
	w.limit = 1
	cmd, _, end := start(t, "wait")
	id := lookup(t, cmd.Process.Pid)
	if err := w.Add(id); err != nil {
		t.Fatal(err)
	}
	me := lookup(t, os.Getpid())
	if err := w.Add(me); !errors.Is(err, errTooMany) {
		t.Errorf("one more: %v", err)
	}
	end()
	if got := next(t, w); got != id {
		t.Errorf("told of %v", got)
	}
	if err := w.Add(me); err != nil {
		t.Errorf("after the end of one: %v", err)
	}
}
