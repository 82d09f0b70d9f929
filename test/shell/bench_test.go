//go:build unix

package shell

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// BenchmarkHook tells what a prompt costs: the time of the hook where nothing
// has changed, as a multiple of an empty function's in the same shell, outside
// every context and in one. A prompt starts no process, so what is left is the
// shell's own speed.
func BenchmarkHook(b *testing.B) {
	const rounds = 2000
	loops := map[string]func(call string) string{
		"bash": func(call string) string {
			return fmt.Sprintf("s=${EPOCHREALTIME/[.,]/}; for ((i = 0; i < %d; i++)); do %s; done; echo $((${EPOCHREALTIME/[.,]/} - s))\n", rounds, call)
		},
		"zsh": func(call string) string {
			return fmt.Sprintf("zmodload zsh/datetime; s=$EPOCHREALTIME; for ((i = 0; i < %d; i++)); do %s; done; printf '%%.0f\\n' $(( (EPOCHREALTIME - s) * 1000000 ))\n", rounds, call)
		},
		"fish": func(call string) string {
			return fmt.Sprintf("set s (/bin/date +%%s%%6N); for i in (seq %d); %s; end; math (/bin/date +%%s%%6N) - $s\n", rounds, call)
		},
		"pwsh": func(call string) string {
			return fmt.Sprintf("$s = [Diagnostics.Stopwatch]::StartNew(); for ($i = 0; $i -lt %d; $i++) { %s }; [int64]($s.Elapsed.TotalMilliseconds * 1000)\n", rounds, call)
		},
	}
	empty := map[string]string{"fish": "function empty; end\n", "pwsh": "function empty {}\n", "bash": "empty() { :; }\n", "zsh": "empty() { : }\n"}
	for _, d := range dialects {
		b.Run(d.name, func(b *testing.B) {
			if d.name == "pwsh" {
				if pwsh == "" {
					b.Skip("missing: pwsh")
				}
				d.argv = append([]string{pwsh}, d.argv[1:]...)
			}
			h := newHome(b)
			loop := loops[d.name]
			for b.Loop() {
				r := h.script(d, d.init+"\n"+empty[d.name]+"__az_ctx_hook\n"+loop("empty")+loop("__az_ctx_hook")+"az-ctx select dev\n__az_ctx_hook\n"+loop("__az_ctx_hook"))
				var times []float64
				for _, line := range strings.Fields(r.stdout) {
					n, err := strconv.ParseFloat(line, 64)
					if err != nil {
						b.Fatalf("%q %q", r.stdout, r.stderr)
					}
					times = append(times, n/rounds)
				}
				if len(times) != 3 {
					b.Fatalf("%q %q", r.stdout, r.stderr)
				}
				b.ReportMetric(times[1]/times[0], "empty-functions")
				b.ReportMetric(times[2]/times[0], "empty-functions/in-context")
				b.ReportMetric(times[2], "µs/prompt")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}
