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

// last is the last line of parity.md.
const last = 80

// TestCoverage fails for a line of parity.md that no named test shows, or none
// through the PowerShell module: the name of a script or of a test function holds it
// (p29-….txtar, TestP73…, "P34 a child"), or the comment above a test function begins
// with it. With -v it prints the whole list.
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
	for n := 1; n <= last; n++ {
		where := shown[n]
		t.Logf("P%d\t%s", n, strings.Join(where, ", "))
		if len(where) == 0 {
			t.Errorf("P%d\tno test is named after it", n)
		}
		if !slices.ContainsFunc(where, func(file string) bool { return strings.HasPrefix(file, filepath.Join("test", "pwsh")) }) {
			t.Errorf("P%d\tno test of the module is named after it", n)
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
