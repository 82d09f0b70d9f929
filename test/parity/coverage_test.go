package parity

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// wanted are the lines of parity.md that this state of the project promises
// (issue 4).
const wanted = "11-14 16-18 20-26 28-45 50-56 60-61 64-68 71 73-78 80"

const last = 80

// TestCoverage lists which lines of parity.md a named test shows: the name of a
// script or of a test function holds it (p29-….txtar, TestP73…, "P34 a child"),
// or the comment above a test function begins with it. It fails where one that
// is promised has none. With -v it prints the whole list.
func TestCoverage(t *testing.T) {
	shown := map[int][]string{}
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && strings.HasPrefix(e.Name(), ".") && path != root {
			return filepath.SkipDir
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		switch {
		case strings.HasSuffix(path, ".txtar"):
			raw, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			head, _, _ := strings.Cut(string(raw), "\nexec") // the comment that the script begins with
			note(shown, rel, e.Name()+"\n"+head)
		case strings.HasSuffix(path, "_test.go") && e.Name() != "coverage_test.go":
			raw, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, m := range testNames.FindAllStringSubmatch(string(raw), -1) {
				note(shown, rel, m[1]+" "+m[2]+" "+m[3])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	promised := ranges(t, wanted)
	for n := 1; n <= last; n++ {
		where := shown[n]
		switch {
		case len(where) > 0:
			t.Logf("P%d\t%s", n, strings.Join(where, ", "))
		case slices.Contains(promised, n):
			t.Errorf("P%d\tno test is named after it", n)
		default:
			t.Logf("P%d\t-", n)
		}
	}
}

var (
	// A test function with the comment above it; or the text that names a case.
	testNames = regexp.MustCompile(`(?m)^((?://.*\n)*)func (Test\w+)|(?:t\.Run\(|name: *|title: *|\{)"([^"\n]*\bP\d[^"\n]*)"`)
	line      = regexp.MustCompile(`\b[Pp](\d{1,2})\b|Test\w*?P(\d{1,2})|_?P(\d{1,2})`)
)

func note(shown map[int][]string, where, text string) {
	for _, m := range line.FindAllStringSubmatch(text, -1) {
		for _, digits := range m[1:] {
			n, err := strconv.Atoi(digits)
			if err == nil && n >= 1 && n <= last && !slices.Contains(shown[n], where) {
				shown[n] = append(shown[n], where)
			}
		}
	}
}

func ranges(t *testing.T, text string) []int {
	t.Helper()
	var all []int
	for _, part := range strings.Fields(text) {
		from, to, ok := strings.Cut(part, "-")
		if !ok {
			to = from
		}
		a, err1 := strconv.Atoi(from)
		b, err2 := strconv.Atoi(to)
		if err1 != nil || err2 != nil {
			t.Fatalf("%q is no range", part)
		}
		for n := a; n <= b; n++ {
			all = append(all, n)
		}
	}
	return all
}
