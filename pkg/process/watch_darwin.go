package process

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// system is a kqueue that one goroutine waits for. A process costs no
// descriptor there.
type system struct{ queue int }

const wake = 1 // the user event that ends the wait

func (w *Watcher) open() error {
	queue, err := unix.Kqueue()
	if err != nil {
		return fmt.Errorf("watching processes: %w", err)
	}
	unix.CloseOnExec(queue)
	event := unix.Kevent_t{Ident: wake, Filter: unix.EVFILT_USER, Flags: unix.EV_ADD | unix.EV_CLEAR}
	if _, err := unix.Kevent(queue, []unix.Kevent_t{event}, nil, nil); err != nil {
		unix.Close(queue)
		return fmt.Errorf("watching processes: %w", err)
	}
	w.queue = queue
	go w.collect()
	return nil
}

// collect tells of the ends until shut.
func (w *Watcher) collect() {
	defer unix.Close(w.queue)
	events := make([]unix.Kevent_t, 64)
	for {
		n, err := unix.Kevent(w.queue, nil, events, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return
		}
		pids := map[int]bool{}
		for _, e := range events[:n] {
			if e.Filter == unix.EVFILT_USER {
				return
			}
			pids[int(e.Ident)] = true
		}
		var ended []ID
		w.mu.Lock()
		for id := range w.watched {
			if pids[id.PID] {
				ended = append(ended, id)
				delete(w.watched, id)
			}
		}
		w.mu.Unlock()
		for _, id := range ended {
			// The event comes while the process ends; a moment later it is gone.
			for try := 0; try < 1000 && id.Alive(); try++ {
				time.Sleep(time.Millisecond)
			}
		}
		w.tell(ended...)
	}
}

func (w *Watcher) add(id ID) error {
	if len(w.watched) >= mostDescriptors() {
		return errTooMany
	}
	event := unix.Kevent_t{Ident: uint64(id.PID), Filter: unix.EVFILT_PROC, Flags: unix.EV_ADD | unix.EV_ONESHOT, Fflags: unix.NOTE_EXIT}
	_, err := unix.Kevent(w.queue, []unix.Kevent_t{event}, nil, nil)
	if errors.Is(err, unix.ESRCH) {
		return ErrGone
	}
	if err != nil {
		return fmt.Errorf("watching process %d: %w", id.PID, err)
	}
	// The pid may have been given out again before it was watched; its end is
	// then told to nobody.
	if !id.Alive() {
		return ErrGone
	}
	return nil
}

func (w *Watcher) shut() {
	unix.Kevent(w.queue, []unix.Kevent_t{{Ident: wake, Filter: unix.EVFILT_USER, Fflags: unix.NOTE_TRIGGER}}, nil, nil)
}
