package process

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// system is a pidfd for each process, in one epoll that Go's own poller waits
// for: no thread waits.
type system struct {
	epoll  *os.File
	number int // epoll's descriptor
	limit  int
	pidfds map[int32]ID
}

func (w *Watcher) open() error {
	number, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return fmt.Errorf("watching processes: %w", err)
	}
	if err := unix.SetNonblock(number, true); err != nil { // or Go's poller won't take it
		unix.Close(number)
		return fmt.Errorf("watching processes: %w", err)
	}
	w.epoll, w.number, w.pidfds, w.limit = os.NewFile(uintptr(number), "epoll"), number, map[int32]ID{}, mostDescriptors()
	conn, err := w.epoll.SyscallConn()
	if err != nil {
		w.epoll.Close()
		return fmt.Errorf("watching processes: %w", err)
	}
	go conn.Read(func(uintptr) (done bool) {
		w.collect()
		return false // until the file is closed
	})
	return nil
}

// collect tells of those that have ended by now.
func (w *Watcher) collect() {
	events := make([]unix.EpollEvent, 256)
	for {
		n, err := unix.EpollWait(w.number, events, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || n == 0 {
			return
		}
		var ended []ID
		w.mu.Lock()
		for _, e := range events[:n] {
			if id, ok := w.pidfds[e.Fd]; ok {
				delete(w.pidfds, e.Fd)
				delete(w.watched, id)
				unix.Close(int(e.Fd))
				ended = append(ended, id)
			}
		}
		w.mu.Unlock()
		w.tell(ended...)
	}
}

func (w *Watcher) add(id ID) error {
	if len(w.pidfds) >= w.limit {
		return errTooMany
	}
	fd, err := unix.PidfdOpen(id.PID, 0)
	if errors.Is(err, unix.ESRCH) {
		return ErrGone
	}
	if err != nil { // ENOSYS before Linux 5.3
		return fmt.Errorf("watching process %d: %w", id.PID, err)
	}
	// The pid may have been given out again before it was opened.
	if !id.Alive() {
		unix.Close(fd)
		return ErrGone
	}
	// It may be told of before it is in the map: collect waits for w.mu.
	if err := unix.EpollCtl(w.number, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}); err != nil {
		unix.Close(fd)
		return fmt.Errorf("watching process %d: %w", id.PID, err)
	}
	w.pidfds[int32(fd)] = id
	return nil
}

func (w *Watcher) shut() {
	w.epoll.Close() // returns when nobody collects any more
	w.mu.Lock()
	defer w.mu.Unlock()
	for fd := range w.pidfds {
		unix.Close(int(fd))
	}
	clear(w.pidfds)
}
