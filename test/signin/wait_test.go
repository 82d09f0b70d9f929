package signin

import (
	"strings"
	"testing"

	"github.com/az-ctx/az-ctx/test/azure"
)

// A wait for the cloud shows what is waited for and how far it is, also where the
// first answer is the one that is late, and goes without a trace.
func TestWaitShowsHowFarItIs(t *testing.T) {
	u := newUserWithout(t, azure.Options{})
	u.as(azure.Alice)
	const connect = "az-ctx connect --device-code"
	late := func(of azure.Match) (answer chan struct{}) {
		answer = make(chan struct{})
		u.cloud.Intercept(azure.On(azure.Until(answer), of))
		return answer
	}
	const token, asking = "az-ctx token --refresh >token", "asking for a token of alice@contoso.com   (Ctrl-C stops)"
	for _, c := range []struct {
		run   string
		late  azure.Match
		shows string
	}{
		{connect, azure.Path("/devicecode"), "signing in   (Ctrl-C stops)"},
		{connect, azure.Path("/tenants"), "looking for tenants   (Ctrl-C stops)"},
		{connect, azure.Path("/subscriptions"), "tenants 0/3  subscriptions 0   (Ctrl-C stops)"},
		{token, azure.ForToken, asking},
	} {
		answer := late(c.late)
		x := u.open()
		x.Begin(c.run)
		x.Await(c.shows)
		close(answer)
		out, status := x.End()
		if status != 0 || !strings.Contains(out, "\x1b[K") {
			t.Errorf("exit status %d: %q", status, out)
		}
	}
	late(azure.ForToken)
	x := u.open()
	x.OK("az-ctx select " + prod)
	x.Begin(token)
	x.Await(asking)
	x.Type("\x03")
	if out, status := x.End(); status != 130 || !strings.HasSuffix(out, "az-ctx: no token was got") {
		t.Errorf("after Ctrl-C exit status %d: %q", status, out)
	}
}
