// Summary reads `go test -json` and prints what a person wants of it: each
// package's line as go test gives it, all that a failed test said, each skipped
// test with its reason, and in the end how many there were. It ends with 1 where
// one failed. With -whole it does so too where one was skipped, unless its reason
// begins with "only on " (another system's test); CI runs it that way, for a test
// that did not run has shown nothing.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
)

// event is a line of `go test -json`; see `go doc test2json`.
type event struct {
	Action     string
	Package    string
	ImportPath string // of build-output
	Test       string
	Output     string
}

type summary struct {
	out                    io.Writer
	said                   map[string][]string // by package and test, until it ends
	failed                 map[string]bool     // packages with a failed test of their own
	passed, broken, others int
	ended                  bool // go test itself ended with an error
	skipped                []string
	missing                []string
}

func main() {
	whole := flag.Bool("whole", false, "fail where a test was skipped")
	flag.Parse()
	s := summary{out: os.Stdout, said: map[string][]string{}, failed: map[string]bool{}}
	if err := s.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "summary:", err)
		os.Exit(1)
	}
	if !s.report(*whole) {
		os.Exit(1)
	}
}

func (s *summary) read(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if strings.HasPrefix(line, "{") {
			var e event
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				return fmt.Errorf("reading go test -json: %w", err)
			}
			s.take(e)
		} else {
			fmt.Fprint(s.out, line) // of go itself
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// The lines of a package that go test prints without -v.
var packageLine = regexp.MustCompile(`^(ok|FAIL|---|\?)?\s*\S*\t`)

func (s *summary) take(e event) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "run-failed": // by the Makefile
		s.ended = true
	case "build-output":
		fmt.Fprint(s.out, e.Output)
	case "output":
		if e.Test == "" && packageLine.MatchString(e.Output) && !strings.Contains(e.Output, "[no test files]") {
			fmt.Fprint(s.out, e.Output)
			return
		}
		s.said[key] = append(s.said[key], e.Output)
	case "pass":
		if e.Test != "" {
			s.passed++
		}
		delete(s.said, key)
	case "skip":
		if e.Test != "" {
			s.skip(e, strings.Join(s.said[key], ""))
		}
		delete(s.said, key)
	case "fail":
		if e.Test != "" {
			s.broken++
			s.failed[e.Package] = true
		} else if !s.failed[e.Package] {
			s.others++ // it did not build, or ended by a panic or a time limit
		}
		fmt.Fprint(s.out, strings.Join(s.said[key], ""))
		delete(s.said, key)
	}
}

func (s *summary) skip(e event, said string) {
	short := e.Package[strings.LastIndex(e.Package, "/")+1:]
	reason := reasonOf(said)
	line := fmt.Sprintf("%s %s: %s", short, e.Test, reason)
	s.skipped = append(s.skipped, line)
	if !strings.HasPrefix(reason, "only on ") {
		s.missing = append(s.missing, line)
	}
}

var sourceLine = regexp.MustCompile(`^\s+\S+\.go:\d+: `)

// reasonOf is the last line that the test logged: what it skipped with.
func reasonOf(said string) string {
	reason := "no reason given"
	for _, line := range strings.Split(said, "\n") {
		if at := sourceLine.FindString(line); at != "" {
			reason = strings.TrimPrefix(line, at)
		}
	}
	return reason
}

// report prints the end and tells whether all is well.
func (s *summary) report(whole bool) bool {
	for _, line := range s.skipped {
		fmt.Fprintln(s.out, "skipped:", line)
	}
	well := s.broken == 0 && s.others == 0 && s.passed > 0 && !s.ended
	if whole && len(s.missing) > 0 {
		well = false
		fmt.Fprintf(s.out, "%d skipped here, and none may be: install what is missing\n", len(s.missing))
	}
	fmt.Fprintf(s.out, "%d tests passed, %d failed, %d skipped\n", s.passed, s.broken, len(s.skipped))
	if s.others > 0 {
		fmt.Fprintf(s.out, "%d packages failed without a test to name, see above\n", s.others)
	}
	if s.ended && s.broken == 0 && s.others == 0 {
		fmt.Fprintln(s.out, "go test ended with an error of its own, see above")
	}
	if well {
		fmt.Fprintln(s.out, "PASS")
	} else {
		fmt.Fprintln(s.out, "FAIL")
	}
	return well
}
