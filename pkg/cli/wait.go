package cli

import (
	"fmt"
	"sync"
	"time"

	"github.com/az-ctx/az-ctx/pkg/arm"
)

// noticed is how long nothing is said of a wait.
const noticed = 300 * time.Millisecond

// wait shows a person what is waited for, once it takes long enough to be noticed.
type wait struct {
	app   *app
	timer *time.Timer // nil where nobody looks

	mu          sync.Mutex
	at          objectProgress
	late, ended bool
}

// waitFor begins a wait; its end has to be told.
func (a *app) waitFor(what string) *wait {
	w := &wait{app: a, at: objectProgress{Text: marked(what)}}
	if a.talks() || a.objects() {
		w.timer = time.AfterFunc(noticed, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.late = true
			w.show()
		})
	}
	return w
}

// now says how far it is.
func (w *wait) now(what string, percent int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = objectProgress{marked(what), percent}
	w.show()
}

func (w *wait) show() {
	switch {
	case !w.late || w.ended:
	case w.app.objects():
		w.app.emit("progress", &w.at)
	default:
		fmt.Fprintf(w.app.err, "\r\x1b[K%s   (Ctrl-C stops)", w.at.Text)
	}
}

// end takes what was shown away. It may be called twice.
func (w *wait) end() {
	if w.timer == nil {
		return
	}
	w.timer.Stop()
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case !w.late || w.ended:
	case w.app.objects():
		w.app.emit("progress", nil)
	default:
		fmt.Fprint(w.app.err, "\r\x1b[K")
	}
	w.ended = true
}

// progress shows how far a discovery is, until the function that it returns is
// called.
func (a *app) progress() (arm.Progress, func()) {
	w := a.waitFor("looking for tenants")
	return func(done, total, subscriptions int) {
		w.now(fmt.Sprintf("tenants %d/%d  subscriptions %d", done, total, subscriptions), 100*done/max(total, 1))
	}, w.end
}
