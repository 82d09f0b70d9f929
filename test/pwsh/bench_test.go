//go:build unix

package pwsh

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// BenchmarkImport is what importing the module costs, as a ratio to a module with
// nothing in it, in the median of pairs of fresh shells. PowerShell compiles at its
// start what it needed the last time, so each has a cache of its own, as whoever
// imports the same thing every day.
func BenchmarkImport(b *testing.B) {
	u := newUser(b)
	u.write("Empty/Empty.psm1", "")
	u.write("Empty/Empty.psd1", "@{ RootModule = 'Empty.psm1'; ModuleVersion = '1.0'; FunctionsToExport = @(); AliasesToExport = @(); CmdletsToExport = @(); VariablesToExport = @() }")
	u.run("az-ctx init pwsh | Out-Null")
	found, err := filepath.Glob(u.path(".local/share/az-ctx/pwsh/*/AzCtx/AzCtx.psd1"))
	if err != nil || len(found) != 1 {
		b.Fatalf("found %q: %v", found, err)
	}
	env := u.env
	milliseconds := func(manifest string) float64 {
		u.env = append(slices.Clone(env), "XDG_CACHE_HOME="+filepath.Dir(manifest)+"/cache")
		r := u.run(fmt.Sprintf("$w = [Diagnostics.Stopwatch]::StartNew(); Import-Module '%s'; $w.Elapsed.TotalMilliseconds.ToString([cultureinfo]::InvariantCulture)", manifest))
		ms, err := strconv.ParseFloat(strings.TrimSpace(r.stdout), 64)
		if err != nil {
			b.Fatalf("%v\n%s", err, r.stderr)
		}
		return ms
	}
	ours, empty := found[0], u.path("Empty/Empty.psd1")
	for range 3 { // until the caches have it all
		milliseconds(ours)
		milliseconds(empty)
	}
	var ratios []float64
	for b.Loop() {
		ratios = append(ratios, milliseconds(ours)/milliseconds(empty))
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "empty-imports")
}

// BenchmarkListOf10000 is what a module's list costs, as a ratio to the
// program's own.
func BenchmarkListOf10000(b *testing.B) {
	u := newUser(b)
	names := make([]string, 10_000)
	for i := range names {
		names[i] = fmt.Sprintf("context %05d", i)
	}
	u.importNames(names...)
	var ratios []float64
	for b.Loop() {
		r := u.run(initLine + `$null = Get-AzCtx
$w = [Diagnostics.Stopwatch]::StartNew(); $all = Get-AzCtx -ListAvailable; $m = $w.Elapsed.TotalMilliseconds
$w.Restart(); sh -c 'az-ctx list -o json >/dev/null'; ($m / $w.Elapsed.TotalMilliseconds).ToString([cultureinfo]::InvariantCulture) + " $($all.Count)"`)
		ratio, count, _ := strings.Cut(strings.TrimSpace(r.stdout), " ")
		n, err := strconv.ParseFloat(ratio, 64)
		if err != nil || count != "10000" {
			b.Fatalf("%v: %q\n%s", err, r.stdout, r.stderr)
		}
		ratios = append(ratios, n)
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "lists")
}
