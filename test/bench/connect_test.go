package bench

import (
	"os/exec"
	"testing"
	"time"

	"github.com/az-ctx/az-ctx/test/azure"
)

// BenchmarkConnect50Tenants is a sign-in to 50 tenants of two subscriptions
// each, where a call takes 200 ms, with az-ctx and with az, in the same run.
// "of-az" is which part of az's time az-ctx takes.
func BenchmarkConnect50Tenants(b *testing.B) {
	path, err := azure.FindAz(false)
	if err != nil {
		b.Skip("missing: az: ", err)
	}
	world := azure.Generate(50, 2)
	cloud, err := azure.Start(azure.Options{World: &world, Delay: 200 * time.Millisecond})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { cloud.Close() })
	if err := cloud.AutoApprove(azure.Alice); err != nil {
		b.Fatal(err)
	}
	h := newHome(b, 1)
	run := func(c *exec.Cmd) time.Duration {
		start := time.Now()
		if out, err := c.CombinedOutput(); err != nil {
			b.Fatalf("%s: %v\n%s", c.Path, err, out)
		}
		return time.Since(start)
	}
	var ours, theirs time.Duration
	n := 0
	for b.Loop() {
		n++
		connect := h.command(wrapped("eval", "connect", "--device-code", "--max-contexts", "-1")...)
		connect.Env = append(connect.Env, cloud.Env()...)
		ours += run(connect)
		az := cloud.NewAz(path, b.TempDir())
		az.Env = append(az.Env, "AZURE_CORE_LOGIN_EXPERIENCE_V2=off")
		theirs += run(az.Command(b.Context(), "login", "--use-device-code", "-o", "none"))
	}
	if found := len(cloud.Requests()); found < 50*4 {
		b.Fatalf("only %d requests were made", found)
	}
	b.ReportMetric(float64(ours)/float64(theirs), "of-az")
	b.ReportMetric(ours.Seconds()/float64(n), "s-az-ctx")
	b.ReportMetric(theirs.Seconds()/float64(n), "s-az")
}
