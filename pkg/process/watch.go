package process

import (
	"os"
	"sync"
)

// Watcher tells of the end of processes when it happens. It costs a descriptor
// (on Windows a handle) a process, and one goroutine for all.
type Watcher struct {
	ended chan []ID
	done  chan struct{}
	close sync.Once

	mu      sync.Mutex
	watched map[ID]bool
	system
}

// NewWatcher is an error where the system can't tell.
func NewWatcher() (*Watcher, error) {
	w := &Watcher{ended: make(chan []ID), done: make(chan struct{}), watched: map[ID]bool{}}
	if err := w.open(); err != nil {
		return nil, err
	}
	return w, nil
}

// Ended gives each watched process once, after its end, with others that ended
// meanwhile. It has to be read.
func (w *Watcher) Ended() <-chan []ID { return w.ended }

// Add watches a process until its end; one that is watched already costs
// nothing. It is ErrGone where the process has ended, and another error where
// the system can't or where too many are watched.
func (w *Watcher) Add(id ID) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.done:
		return os.ErrClosed
	default:
	}
	if w.watched[id] {
		return nil
	}
	if err := w.add(id); err != nil {
		return err
	}
	w.watched[id] = true
	return nil
}

// Close ends the watcher.
func (w *Watcher) Close() {
	w.close.Do(func() {
		w.mu.Lock()
		close(w.done) // from here on nothing is added
		w.mu.Unlock()
		w.shut() // which may have to wait for one that is just being told of, and that takes w.mu
	})
}

// tell hands ends on.
func (w *Watcher) tell(ids ...ID) {
	if len(ids) == 0 {
		return
	}
	select {
	case w.ended <- ids:
	case <-w.done:
	}
}
