package agent

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/process"
)

// TestMain lets Connect start this very binary as the agent.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "agent" && os.Args[2] == "run" {
		if Run(os.Args[3], "test", nil) != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const (
	tenantID = "aaaaaaaa-0000-4000-8000-000000000001"
	subID    = "00000001-0000-4000-8000-000000000000"
	arm      = "https://management.core.windows.net/"
)

// alice is a context borrowed from az's sign-in in dir.
func alice(dir string) *azure.Context {
	return &azure.Context{
		Name:         "prod",
		Account:      azure.Account{ID: "alice@contoso.com", Type: azure.User, Borrowed: &azure.Borrowed{From: "az", Directory: dir}},
		Tenant:       azure.Tenant{ID: tenantID, Name: "Contoso", Domain: "contoso.com"},
		Subscription: &azure.Subscription{ID: subID, Name: "Contoso Prod 1", State: "Enabled", TenantID: tenantID},
		Environment:  "AzureCloud",
	}
}

func self(t testing.TB) process.ID {
	t.Helper()
	info, err := process.Lookup(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	return info.ID
}

// runDir is a run directory whose agent, if one was started, ends with the test.
func runDir(t testing.TB, name ...string) string {
	t.Helper()
	dir := filepath.Join(append([]string{t.TempDir()}, name...)...)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		c, err := Dial(ctx, dir)
		if err != nil {
			return
		}
		defer c.Close()
		if err := c.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func connectTo(t testing.TB, dir string) *Client {
	t.Helper()
	c, err := Connect(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func mustRegister(t testing.TB, c *Client, r Registration) Endpoint {
	t.Helper()
	e, err := c.Register(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func BenchmarkRegisterCold(b *testing.B) {
	me := self(b)
	for range b.N {
		b.StopTimer()
		dir := runDir(b)
		b.StartTimer()
		c, err := Connect(b.Context(), dir)
		if err != nil {
			b.Fatal(err)
		}
		mustRegister(b, c, Registration{Ref: "h/1-1/1", Session: me, Context: alice("/nowhere"), Cloud: azure.Public})
		b.StopTimer()
		c.Stop(b.Context())
		c.Close()
	}
}

// BenchmarkRegisterWarm is what a switch pays: a connection of its own, one
// registration.
func BenchmarkRegisterWarm(b *testing.B) {
	dir, me := runDir(b), self(b)
	connectTo(b, dir)
	for b.Loop() {
		c, err := Connect(b.Context(), dir)
		if err != nil {
			b.Fatal(err)
		}
		mustRegister(b, c, Registration{Ref: "h/1-1/1", Session: me, Context: alice("/nowhere"), Cloud: azure.Public})
		c.Close()
	}
}
