package export

import (
	"fmt"
	"strings"
)

type pwsh struct{}

// Quote: each of the five characters that PowerShell reads as a single quote
// ends the string, so each is doubled. A carriage return is said by its number:
// PowerShell splits a program's output at a lone one too.
func (pwsh) Quote(text string) string {
	var b strings.Builder
	b.WriteByte('\'')
	for _, r := range keep(text) {
		switch r {
		case '\'', '\u2018', '\u2019', '\u201A', '\u201B':
			b.WriteRune(r)
		}
		b.WriteRune(r)
	}
	b.WriteByte('\'')
	if strings.ContainsRune(text, '\r') {
		return "(" + strings.ReplaceAll(b.String(), "\r", "' + [char]13 + '") + ")"
	}
	return b.String()
}

// Script assigns, for an assignment asks nothing: Set-Item goes by the user's
// $WhatIfPreference and $ConfirmPreference.
func (p pwsh) Script(s Script) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	for _, c := range s.Changes {
		switch {
		case c.Unset:
			line("${Env:%s} = $null", c.Name)
		case c.From != "":
			line("${Env:%s} = ${Env:%s}", c.Name, c.From)
		default:
			line("${Env:%s} = %s", c.Name, p.Quote(c.Value))
		}
	}
	sortedInternal(s.Internal, func(name, text string) { line("$global:%s = %s", name, p.Quote(text)) })
	if s.Data != "" {
		for _, row := range strings.Split(strings.TrimSuffix(s.Data, "\n"), "\n") {
			line("%s", p.Quote(row))
		}
	}
	if s.Say != "" {
		line("[Console]::Error.WriteLine(%s)", p.Quote(s.Say))
	}
	return b.String()
}
