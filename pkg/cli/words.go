package cli

import (
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/plain"
)

func visible(text string) string { return plain.Lines(text) }
func cell(text string) string    { return plain.Line(text) }
func word(text string) string    { return plain.Word(text) }

// printable quotes a name where it could not be read for what it is.
func printable(name string) string { return `"` + cell(name) + `"` }

// near finds the names that somebody who typed name may have meant, best first
// and three at most: those that hold it, and those a few keys away, in whole or
// in a word of theirs.
func near(name string, names []string) []string {
	type guess struct {
		name string
		far  int
	}
	var guesses []guess
	typed := azure.Fold(name)
	for _, n := range names {
		f := azure.Fold(n)
		far := distance(typed, f)
		if typed != "" && (strings.Contains(f, typed) || strings.Contains(typed, f)) {
			far = min(far, 1)
		}
		if utf8.RuneCountInString(typed) > 2 {
			for _, w := range strings.FieldsFunc(f, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
				if distance(typed, w) <= 1 {
					far = min(far, 2)
				}
			}
		}
		if far <= max(2, utf8.RuneCountInString(typed)/3) {
			guesses = append(guesses, guess{n, far})
		}
	}
	sort.SliceStable(guesses, func(i, j int) bool { return guesses[i].far < guesses[j].far })
	var best []string
	for _, g := range guesses[:min(3, len(guesses))] {
		best = append(best, g.name)
	}
	return best
}

func nearText(names []string) string {
	if len(names) == 0 {
		return ""
	}
	for i := range names {
		names[i] = cell(names[i])
	}
	return "; near: " + strings.Join(names, ", ")
}

// distance counts the insertions, removals and replacements between a and b.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		diagonal := row[0]
		row[0] = i + 1
		for j := range y {
			cost := diagonal
			if x[i] != y[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(y)]
}

// label is how a line of text calls a context: by its name, or by its
// subscription where the name is only the default one.
func label(c azure.Context) string {
	if c.Subscription != nil && strings.HasPrefix(c.Name, c.Subscription.Name+" ("+c.Subscription.ID+")") {
		return c.Subscription.Name
	}
	return c.Name
}

// line says in one line what a context is.
func line(c azure.Context) string {
	return cell(label(c) + " · " + c.Tenant.Label() + " · " + c.Account.ID)
}
