package signin

import (
	"net/http"
	"strings"
	"testing"

	"github.com/az-ctx/az-ctx/test/azure"
)

// A wait for the cloud shows what is waited for and how far it is, also where the
// first answer is the one that is late, and goes without a trace.
func TestWaitShowsHowFarItIs(t *testing.T) {
	u := newUserWithout(t, azure.Options{})
	u.as(azure.Alice)
	for _, c := range []struct {
		late  azure.Match
		shows string
	}{
		{azure.Path("/tenants"), "looking for tenants   (Ctrl-C stops)"},
		{azure.Path("/subscriptions"), "tenants 0/3  subscriptions 0   (Ctrl-C stops)"},
	} {
		answer := make(chan struct{})
		u.cloud.Intercept(azure.On(func(_ http.ResponseWriter, r *http.Request) bool {
			select {
			case <-answer:
			case <-r.Context().Done():
			}
			return false
		}, c.late))
		x := u.open()
		x.Begin("az-ctx connect --device-code")
		x.Await(c.shows)
		close(answer)
		if out, status := x.End(); status != 0 || !strings.Contains(out, "\r\x1b[K") {
			t.Errorf("exit status %d: %q", status, out)
		}
	}
}
