package azcli

import (
	"slices"
	"strings"
	"testing"
)

func TestConfigGet(t *testing.T) {
	const text = "\ufeff# [cloud]\r\n[cloud] ; the active one\r\nNAME : Azure=China\r\n\r\n[Contoso Stack]\n  a = one\n    two\n\n    three\n  ; not this\n  b=%%20\n" +
		"orphan\n[core]\nempty =\n#c = d\n[x]y]\nk = v\n[core]\nlater = 1"
	c := parseConfig(text)
	if c.String() != text {
		t.Errorf("the text became %q", c.String())
	}
	for _, test := range []struct{ section, key, want string }{
		{"cloud", "name", "Azure=China"},
		{"Contoso Stack", "a", "one\ntwo\nthree"},
		{"Contoso Stack", "b", "%20"},
		{"core", "empty", ""},
		{"core", "later", "1"},
		{"core", "c", "none"},
		{"CORE", "empty", "none"},
		{"x]y", "k", "v"},
	} {
		got, ok := c.get(test.section, test.key)
		if !ok {
			got = "none"
		}
		if got != test.want {
			t.Errorf("%s.%s is %q, want %q", test.section, test.key, got, test.want)
		}
	}
}

func TestConfigSetKeepsTheRest(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"an empty file":               {"", "[cloud]\nname = X\n"},
		"comments and other sections": {"# mine\n[core]\noutput = table ; no comment\n\n[cloud]\n; which\nname = A\nother = 1\n", "# mine\n[core]\noutput = table ; no comment\n\n[cloud]\n; which\nname = X\nother = 1\n"},
		"there already":               {"[cloud]\nname=X", "[cloud]\nname=X"},
		"another spelling of the key": {"[cloud]\nNaMe : A\n", "[cloud]\nname = X\n"},
		"a section without it":        {"[cloud]\nother = 1\n\n# after\n[core]\na = b\n", "[cloud]\nother = 1\nname = X\n\n# after\n[core]\na = b\n"},
		"an empty section":            {"[cloud]\n[core]\na = b\n", "[cloud]\nname = X\n[core]\na = b\n"},
		"no line end":                 {"[core]\na = b", "[core]\na = b\n[cloud]\nname = X\n"},
		"CRLF":                        {"[core]\r\na = b\r\n", "[core]\r\na = b\r\n[cloud]\r\nname = X\r\n"},
		"an indented file":            {"[cloud]\n  name = A\n  other = 1\n", "[cloud]\n  name = X\n  other = 1\n"},
		"an indented file without it": {"[cloud]\n  other = 1\n   2\n", "[cloud]\n  other = 1\n   2\n  name = X\n"},
		"a value of several lines":    {"[cloud]\nname = A\n  B\nother = 1\n", "[cloud]\nname = X\nother = 1\n"},
		"a section in two parts":      {"[cloud]\na = 1\n[core]\nb = 2\n[cloud]\nc = 3\n", "[cloud]\na = 1\n[core]\nb = 2\n[cloud]\nc = 3\nname = X\n"},
		"an indented header after it": {"[cloud]\n  [core]\n  a = b\n", "[cloud]\n  name = X\n  [core]\n  a = b\n"},
		"a section of another case":   {"[Cloud]\nname = A\n", "[Cloud]\nname = A\n[cloud]\nname = X\n"},
	} {
		t.Run(name, func(t *testing.T) {
			c := parseConfig(test.text)
			c.set("cloud", "name", "X")
			if c.String() != test.want {
				t.Errorf("got  %q\nwant %q", c.String(), test.want)
			}
		})
	}
}

func FuzzConfig(f *testing.F) {
	f.Add("# c\n[cloud]\n name : a\n  b\n[x]\ny=%%\n", "cloud", "name", "100%")
	f.Add("\ufeff[a]\r\nb\r\n = c", "a", "b", "[a]")
	f.Fuzz(func(t *testing.T, text, section, key, value string) {
		c := parseConfig(text)
		if c.String() != text {
			t.Fatalf("%q became %q", text, c.String())
		}
		if !readable(c) {
			return // az can't read it, so there is nothing to keep
		}
		valid := writable(section) && writable(key) && writable(value) && strings.ToLower(key) == key && !strings.ContainsAny(key, "=:[#;")
		if !valid || strings.Contains(section, bom) || strings.Contains(key, bom) {
			return
		}
		before := slices.Clone(c.options)
		c.set(section, key, value)
		if got, ok := c.get(section, key); !ok || got != value {
			t.Fatalf("%s.%s is %q, %v in %q", section, key, got, ok, c.String())
		}
		for _, o := range before {
			if o.section == section && o.key == key {
				continue
			}
			if !slices.ContainsFunc(c.options, func(n option) bool { return n.section == o.section && n.key == o.key && n.value == o.value }) {
				t.Fatalf("%+v got lost: %q became %q", o, text, c.String())
			}
		}
	})
}

// readable reports whether each line means something to configparser.
func readable(c config) bool {
	for i, line := range c.lines {
		line = strings.TrimSpace(strings.TrimPrefix(line, bom))
		in := slices.ContainsFunc(c.options, func(o option) bool { return o.from <= i && i < o.to })
		if !in && line != "" && !strings.ContainsAny(line[:1], "#;") && !(line[0] == '[' && strings.Contains(line, "]")) {
			return false
		}
	}
	return true
}
