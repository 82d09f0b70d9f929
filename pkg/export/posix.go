package export

import (
	"fmt"
	"strings"
)

// posix is bash's and zsh's language.
type posix struct {
	exported string // the command that makes a variable unexported
}

// Quote: inside single quotes nothing acts, newlines stand for themselves.
func (posix) Quote(text string) string {
	return "'" + strings.ReplaceAll(keep(text), "'", `'\''`) + "'"
}

func (p posix) Script(s Script) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	for _, name := range s.KeepLocal {
		line(`if [[ -n ${%[1]s+x} ]]; then %[2]s="$%[1]s"; fi`, name, Was(name))
	}
	for _, c := range s.Changes {
		switch {
		case c.Unset:
			line("unset -v %s", c.Name)
		case c.From != "":
			line(`export %s="${%s-}"`, c.Name, c.From)
		default:
			line("export %s=%s", c.Name, p.Quote(c.Value))
		}
	}
	for _, name := range s.RestoreLocal {
		line(`if [[ -n ${%[2]s+x} ]]; then %[1]s="$%[2]s"; %[3]s %[1]s; unset -v %[2]s; fi`, name, Was(name), p.exported)
	}
	sortedInternal(s.Internal, func(name, text string) { line("%s=%s", name, p.Quote(text)) })
	if s.Data != "" {
		line("printf '%%s' %s", p.Quote(s.Data))
	}
	if s.Say != "" {
		line("printf '%%s\\n' %s >&2", p.Quote(s.Say))
	}
	return b.String()
}
