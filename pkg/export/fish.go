package export

import (
	"fmt"
	"strings"
)

type fish struct{}

// Quote: in fish's single quotes a backslash and a quote are escaped.
func (fish) Quote(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(keep(text)) + "'"
}

func (f fish) Script(s Script) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	for _, name := range s.KeepLocal {
		line(`if set -q %[1]s; set -g %[2]s $%[1]s; end`, name, Was(name))
	}
	for _, c := range s.Changes {
		switch {
		case c.Unset:
			// A universal variable of that name would show through: it is kept, and
			// hidden from this shell's children.
			line("set -e -g %[1]s; set -q %[1]s; and set -g -u %[1]s ''", c.Name)
		case c.From == Was(c.Name):
			// A universal variable that is the same needs no copy in front of it.
			line(`set -e -g %[1]s; set -qx %[1]s; and test "$%[1]s" = "$%[2]s"; or set -gx %[1]s "$%[2]s"`, c.Name, c.From)
		case c.From != "":
			line(`set -gx %s "$%s"`, c.Name, c.From)
		default:
			line("set -gx %s %s", c.Name, f.Quote(c.Value))
		}
	}
	for _, name := range s.RestoreLocal {
		line(`if set -q %[2]s; set -e -g %[1]s; set -g %[1]s $%[2]s; set -e -g %[2]s; end`, name, Was(name))
	}
	sortedInternal(s.Internal, func(name, text string) { line("set -g %s %s", name, f.Quote(text)) })
	if s.Data != "" {
		line("printf '%%s' %s", f.Quote(s.Data))
	}
	if s.Say != "" {
		line("printf '%%s\\n' %s >&2", f.Quote(s.Say))
	}
	if b.Len() > 0 {
		line("true") // the conditions above leave a status
	}
	return b.String()
}
