package main

import (
	"strings"
	"testing"
)

func summarize(t *testing.T, whole bool, lines ...string) (string, bool) {
	t.Helper()
	var out strings.Builder
	s := summary{out: &out, said: map[string][]string{}, failed: map[string]bool{}}
	if err := s.read(strings.NewReader(strings.Join(lines, "\n"))); err != nil {
		t.Fatal(err)
	}
	well := s.report(whole)
	return out.String(), well
}

const (
	passes = `{"Action":"pass","Package":"x/a","Test":"TestA"}`
	okLine = `{"Action":"output","Package":"x/a","Output":"ok  \tx/a\t0.1s\n"}`
)

func skips(reason string) []string {
	return []string{
		`{"Action":"output","Package":"x/a","Test":"TestS","Output":"    a_test.go:7: ` + reason + `\n"}`,
		`{"Action":"skip","Package":"x/a","Test":"TestS"}`, passes, okLine,
	}
}

func TestSummary(t *testing.T) {
	for _, c := range []struct {
		name  string
		whole bool
		lines []string
		well  bool
		want  string
	}{
		{"passes", true, []string{passes, okLine}, true, "ok  \tx/a\t0.1s\n1 tests passed, 0 failed, 0 skipped\nPASS\n"},
		{"nothing ran", false, nil, false, "0 tests passed"},
		{"skipped", false, skips("missing: zsh"), true, "skipped: a TestS: missing: zsh\n"},
		{"skipped in CI", true, skips("missing: zsh"), false, "skipped: a TestS: missing: zsh\n1 skipped here"},
		{"of another system, in CI", true, skips("only on Windows"), true, "1 tests passed, 0 failed, 1 skipped\nPASS\n"},
		{"no reason, in CI", true, []string{`{"Action":"skip","Package":"x/a","Test":"TestS"}`, passes}, false, "no reason given"},
		{"fails", false, []string{
			`{"Action":"output","Package":"x/a","Test":"TestF","Output":"    a_test.go:9: want 1\n"}`,
			`{"Action":"fail","Package":"x/a","Test":"TestF"}`,
			`{"Action":"output","Package":"x/a","Output":"FAIL\tx/a\t0.1s\n"}`,
			`{"Action":"fail","Package":"x/a"}`, passes,
		}, false, "    a_test.go:9: want 1\nFAIL\tx/a\t0.1s\n1 tests passed, 1 failed, 0 skipped\nFAIL\n"},
		{"does not build", false, []string{
			`{"ImportPath":"x/a","Action":"build-output","Output":"a.go:1: no\n"}`,
			`{"ImportPath":"x/a","Action":"build-fail"}`,
			`{"Action":"fail","Package":"x/a","FailedBuild":"x/a"}`, passes,
		}, false, "a.go:1: no\n1 tests passed, 0 failed, 0 skipped\n1 packages failed without a test to name"},
		{"go test fails by itself", false, []string{passes, `{"Action":"run-failed"}`}, false, "1 tests passed, 0 failed, 0 skipped\ngo test ended"},
		{"what go itself says", false, []string{"go: no such tool", passes}, true, "go: no such tool\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, well := summarize(t, c.whole, c.lines...)
			if well != c.well || !strings.Contains(out, c.want) {
				t.Errorf("well %v\n%s", well, out)
			}
		})
	}
}
