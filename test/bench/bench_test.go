// Package bench measures what a person would wait for, as a ratio to a program
// that only says hello, in the same run: milliseconds differ from machine to
// machine, ratios hold.
package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/az-ctx/az-ctx/pkg/azure"
)

// home is a user with contexts, and a shell that az-ctx is called from.
type home struct {
	dir, program, hello string
}

func newHome(b *testing.B, contexts int) home {
	b.Helper()
	dir := b.TempDir()
	h := home{dir: dir, program: filepath.Join(dir, "az-ctx"), hello: filepath.Join(dir, "hello")}
	source := filepath.Join(dir, "hello.go")
	if err := os.WriteFile(source, []byte("package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Println(\"hello\") }\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	for _, build := range [][]string{
		{"-o", h.hello, source},
		{"-o", h.program, "-tags", "urfave_cli_no_docs", "github.com/az-ctx/az-ctx/cmd/az-ctx"},
	} {
		c := exec.Command("go", append([]string{"build", "-trimpath", "-ldflags", "-s -w"}, build...)...)
		c.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := c.CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
	}
	h.save(b, contexts)
	b.Cleanup(func() { h.command("agent", "stop", "--force").Run() })
	return h
}

// save keeps contexts by importing a file of them, as a user would.
func (h home) save(b *testing.B, n int) {
	file := struct {
		Format   string          `json:"format"`
		Version  int             `json:"version"`
		Contexts []azure.Context `json:"contexts"`
	}{Format: "az-ctx", Version: 1}
	for i := range n {
		id := fmt.Sprintf("%08d-0000-4000-8000-000000000000", i)
		file.Contexts = append(file.Contexts, azure.Context{
			Name: fmt.Sprintf("context %05d", i), Account: azure.Account{ID: "alice@contoso.com", Type: azure.User},
			Tenant:       azure.Tenant{ID: "aaaaaaaa-0000-4000-8000-000000000001", Domain: "contoso.com"},
			Subscription: &azure.Subscription{ID: id, Name: "Subscription " + strconv.Itoa(i), TenantID: "aaaaaaaa-0000-4000-8000-000000000001"},
			Environment:  "AzureCloud",
		})
	}
	raw, err := json.Marshal(file)
	if err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(h.dir, "contexts.json")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		b.Fatal(err)
	}
	if out, err := h.command("import", path).CombinedOutput(); err != nil {
		b.Fatalf("import: %v\n%s", err, out)
	}
}

func (h home) command(args ...string) *exec.Cmd {
	c := exec.Command(h.program, args...)
	c.Env = []string{"HOME=" + h.dir, "PATH=" + os.Getenv("PATH"), "AZURE_CORE_COLLECT_TELEMETRY=0"} // az would go on writing after its end
	return c
}

// ratio runs the command and hello in turn, and reports how many hellos the
// command takes, in the median.
func (h home) ratio(b *testing.B, args ...string) {
	time := func(c *exec.Cmd) float64 {
		start := time.Now()
		if err := c.Run(); err != nil {
			b.Fatalf("%s: %v", strings.Join(c.Args, " "), err)
		}
		return float64(time.Since(start))
	}
	var ratios []float64
	for b.Loop() {
		ratios = append(ratios, time(h.command(args...))/time(exec.Command(h.hello)))
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "hellos")
}

// wrapped is how a shell function calls; this process stands for the shell.
func wrapped(mode string, args ...string) []string {
	pid := strconv.Itoa(os.Getpid())
	return append([]string{"--wrapper=bash," + pid + "," + pid + ",i," + mode + ","}, args...)
}

func BenchmarkInit(b *testing.B) { newHome(b, 1).ratio(b, "init", "bash") }

func BenchmarkSelect(b *testing.B) {
	newHome(b, 20).ratio(b, wrapped("eval", "select", "context 00007")...)
}

func BenchmarkSelectOf10000(b *testing.B) {
	newHome(b, 10_000).ratio(b, wrapped("eval", "select", "context 07777")...)
}

func BenchmarkCompleteOf10000(b *testing.B) {
	newHome(b, 10_000).ratio(b, wrapped("direct", "complete", "--", "select", "context 0777")...)
}

func BenchmarkList(b *testing.B) { newHome(b, 20).ratio(b, wrapped("direct", "list")...) }

func BenchmarkListOf10000(b *testing.B) { newHome(b, 10_000).ratio(b, wrapped("direct", "list")...) }

// BenchmarkAzAccountSet is what a switch costs with az, where the tests' az is.
func BenchmarkAzAccountSet(b *testing.B) {
	az := os.Getenv("AZ_CTX_TEST_AZ")
	if az == "" {
		b.Skip("missing: az (AZ_CTX_TEST_AZ)")
	}
	h := newHome(b, 1)
	dir := filepath.Join(h.dir, ".azure")
	if err := os.Mkdir(dir, 0o700); err != nil {
		b.Fatal(err)
	}
	profile := `{"subscriptions":[{"id":"00000001-0000-4000-8000-000000000000","name":"Prod","state":"Enabled","isDefault":true,"tenantId":"aaaaaaaa-0000-4000-8000-000000000001","environmentName":"AzureCloud","user":{"name":"alice@contoso.com","type":"user"}}]}`
	if err := os.WriteFile(filepath.Join(dir, "azureProfile.json"), []byte(profile), 0o600); err != nil {
		b.Fatal(err)
	}
	h.program = az
	h.ratio(b, "account", "set", "-s", "Prod")
}
