package cli

import (
	"fmt"
	"sync"
	"time"

	"github.com/az-ctx/az-ctx/pkg/arm"
)

// noticed is how long nothing is said of a wait.
const noticed = 300 * time.Millisecond

// progress shows a person how far a discovery is, once it takes long enough to be
// noticed; the function that it returns ends that.
func (a *app) progress() (arm.Progress, func()) {
	if !a.talks() && !a.objects() {
		return nil, func() {}
	}
	var mu sync.Mutex
	var last objectProgress
	late, ended := false, false
	show := func() {
		switch {
		case !late || ended:
		case a.objects():
			a.emit("progress", last)
		case last.Tenants == 0:
			fmt.Fprint(a.err, "\rlooking for tenants   (Ctrl-C stops)")
		default:
			fmt.Fprintf(a.err, "\r\x1b[Ktenants %d/%d  subscriptions %d   (Ctrl-C stops)", last.Done, last.Tenants, last.Subscriptions)
		}
	}
	timer := time.AfterFunc(noticed, func() {
		mu.Lock()
		defer mu.Unlock()
		late = true
		show()
	})
	return func(done, total, subscriptions int) {
			mu.Lock()
			defer mu.Unlock()
			last = objectProgress{done, total, subscriptions}
			show()
		}, func() {
			timer.Stop()
			mu.Lock()
			defer mu.Unlock()
			if late && !a.objects() {
				fmt.Fprint(a.err, "\r\x1b[K")
			}
			ended = true
		}
}
