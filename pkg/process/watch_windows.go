package process

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/windows"
)

var errTooMany = errors.New("too many processes are watched")

const most = 10000 // handles; the system allows many more

// system is a handle for each process, which a pool of the system's own threads
// waits for, 63 each.
type system struct{ waits map[uintptr]wait }

type wait struct {
	id              ID
	process, waited windows.Handle
}

var (
	registerWait   = windows.NewLazySystemDLL("kernel32.dll").NewProc("RegisterWaitForSingleObject")
	unregisterWait = windows.NewLazySystemDLL("kernel32.dll").NewProc("UnregisterWait")

	// A callback made for Windows is never freed, so there is one for all, which
	// is handed the number of a wait.
	callback = sync.OnceValue(func() uintptr {
		return windows.NewCallback(func(number, _ uintptr) uintptr {
			if w, ok := watchers.Load(number); ok {
				go w.(*Watcher).collect(number)
			}
			return 0
		})
	})
	watchers sync.Map // *Watcher by the number of the wait
	numbers  atomic.Uintptr
)

func (w *Watcher) open() error {
	w.waits = map[uintptr]wait{}
	return registerWait.Find()
}

// collect tells of the one that ended.
func (w *Watcher) collect(number uintptr) {
	w.mu.Lock() // which add holds until the wait is in the map
	ended, ok := w.waits[number]
	if ok {
		w.drop(number)
		delete(w.watched, ended.id)
	}
	w.mu.Unlock()
	if ok {
		w.tell(ended.id)
	}
}

func (w *Watcher) add(id ID) error {
	if len(w.waits) >= most {
		return errTooMany
	}
	process, err := windows.OpenProcess(windows.SYNCHRONIZE|windows.PROCESS_QUERY_LIMITED_INFORMATION, false, uint32(id.PID))
	if errors.Is(err, windows.ERROR_INVALID_PARAMETER) {
		return ErrGone
	}
	if err != nil {
		return fmt.Errorf("watching process %d: %w", id.PID, err)
	}
	// The pid may have been given out again before it was opened.
	if !id.Alive() {
		windows.CloseHandle(process)
		return ErrGone
	}
	const onlyOnce = 8 // WT_EXECUTEONLYONCE, winnt.h
	number := numbers.Add(1)
	watchers.Store(number, w)
	var waited windows.Handle
	ok, _, err := registerWait.Call(uintptr(unsafe.Pointer(&waited)), uintptr(process), callback(), number, windows.INFINITE, onlyOnce)
	if ok == 0 {
		watchers.Delete(number)
		windows.CloseHandle(process)
		return fmt.Errorf("watching process %d: %w", id.PID, err)
	}
	w.waits[number] = wait{id, process, waited}
	return nil
}

// drop ends a wait. w.mu is held.
func (w *Watcher) drop(number uintptr) {
	over := w.waits[number]
	delete(w.waits, number)
	watchers.Delete(number)
	unregisterWait.Call(uintptr(over.waited))
	windows.CloseHandle(over.process)
}

func (w *Watcher) shut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for number := range w.waits {
		w.drop(number)
	}
}
