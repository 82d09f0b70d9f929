// Package plain makes what a cloud or another user may have named safe to show
// on a terminal and to paste into a shell.
package plain

import (
	"strconv"
	"strings"
	"unicode"
)

// Rune replaces a rune that would act on a terminal, or change the order in
// which the ones around it are read, by U+FFFD.
func Rune(r rune) rune {
	if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
		return unicode.ReplacementChar
	}
	return r
}

// Line makes text safe for one line of a terminal.
func Line(text string) string { return strings.Map(Rune, text) }

// Lines makes text safe for a terminal: lines stay, nothing else acts.
func Lines(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' {
			return r
		}
		return Rune(r)
	}, text)
}

// Word quotes text for a line that is to be pasted: one word to any POSIX shell,
// fish and PowerShell, with no quotes where it needs none. What could not be
// pasted is shown for what it is.
func Word(text string) string {
	plain := text != "" && text[0] != '-' && !strings.ContainsFunc(text, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./@:+", r))
	})
	if plain {
		return text
	}
	if Line(text) != text {
		return strconv.QuoteToASCII(text)
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
