// Package plain makes what a cloud or another user may have named safe to show
// on a terminal and to paste into a shell.
package plain

import (
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

// Word quotes text for a line that is to be pasted: one word to bash, zsh, fish
// and PowerShell alike, with no quotes where it needs none. There are texts that
// no quotes hold in all of these; such a one has a ? for each rune in the way, so
// that what is pasted finds nothing, and runs nothing.
func Word(text string) string {
	plain := text != "" && text[0] != '-' && !strings.ContainsFunc(text, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./@:+", r))
	})
	if plain {
		return text
	}
	shown := Line(text) == text
	if shown && !strings.ContainsAny(text, singleQuotes) && !endsQuotes(text) {
		return "'" + text + "'"
	}
	if shown && !strings.ContainsAny(text, doubleQuotes+"$`\\!") {
		return `"` + text + `"`
	}
	return "'" + strings.Map(func(r rune) rune {
		if Rune(r) != r || r == '\\' || strings.ContainsRune(singleQuotes, r) {
			return '?'
		}
		return r
	}, text) + "'"
}

// What PowerShell takes for a quote (CharExtensions of its tokenizer).
const (
	singleQuotes = "'\u2018\u2019\u201a\u201b"
	doubleQuotes = "\"\u201c\u201d\u201e"
)

// endsQuotes reports whether a backslash means something in fish's single quotes:
// before another one, or before the quote at the end.
func endsQuotes(text string) bool {
	return strings.Contains(text, `\\`) || strings.HasSuffix(text, `\`)
}
