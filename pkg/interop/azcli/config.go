package azcli

import (
	"slices"
	"strings"
)

// config is one of az's INI files, read as Python's configparser reads it and
// kept to the byte: comments and unknown keys stay when an option is set.
type config struct {
	lines    []string // each with its line end
	sections []section
	options  []option
}

type section struct {
	name   string
	end    int    // the line after its last option, or after its header
	indent string // for an option put there
}

type option struct {
	section, key string
	value        string // as written, a continued one with line feeds
	from, to     int    // its lines
}

func parseConfig(text string) config {
	c := config{lines: strings.SplitAfter(text, "\n")}
	if c.lines[len(c.lines)-1] == "" {
		c.lines = c.lines[:len(c.lines)-1]
	}
	in, last := -1, -1 // the section and the option that the line belongs to
	level := 0
	for i, line := range c.lines {
		line = strings.TrimPrefix(line, bom)
		text := strings.TrimSpace(line)
		if text == "" || text[0] == '#' || text[0] == ';' {
			continue
		}
		indent := line[:strings.Index(line, text)]
		if last >= 0 && len(indent) > level {
			c.options[last].value += "\n" + text
			c.options[last].to, c.sections[in].end = i+1, i+1
			continue
		}
		level = len(indent)
		if end := strings.LastIndexByte(text, ']'); text[0] == '[' && end > 1 {
			name := text[1:end]
			if in >= 0 && last < 0 && len(indent) > len(c.sections[in].indent) {
				c.sections[in].indent = indent // or an option set there would swallow this header
			}
			last = -1
			in = slices.IndexFunc(c.sections, func(s section) bool { return s.name == name })
			if in < 0 {
				in = len(c.sections)
				c.sections = append(c.sections, section{name: name})
			}
			c.sections[in].end, c.sections[in].indent = i+1, indent
			continue
		}
		sign := strings.IndexAny(text, "=:")
		if in < 0 || sign < 1 {
			continue // a line that az itself stumbles over
		}
		last = len(c.options)
		c.options = append(c.options, option{
			section: c.sections[in].name, key: strings.ToLower(strings.TrimSpace(text[:sign])),
			value: strings.TrimSpace(text[sign+1:]), from: i, to: i + 1,
		})
		c.sections[in].end, c.sections[in].indent = i+1, indent
	}
	return c
}

func (c config) String() string { return strings.Join(c.lines, "") }

func (c config) get(section, key string) (string, bool) {
	for _, o := range c.options {
		if o.section == section && o.key == key {
			return o.text(), true
		}
	}
	return "", false
}

// text is the value as az sees it: configparser's interpolation doubles %.
func (o option) text() string { return strings.ReplaceAll(o.value, "%%", "%") }

// set gives the option a value, in place where the file has it. A second
// section or key of the same name would stop az, so none is ever made, and the
// indentation is the neighbours': a line indented deeper continues a value.
func (c *config) set(sectionName, key, value string) {
	if now, ok := c.get(sectionName, key); ok && now == value {
		return
	}
	eol := "\n"
	if len(c.lines) > 0 && strings.HasSuffix(c.lines[0], "\r\n") {
		eol = "\r\n"
	}
	line := key + " = " + strings.ReplaceAll(value, "%", "%%") + eol
	if n := len(c.lines); n > 0 && !strings.HasSuffix(c.lines[n-1], "\n") {
		c.lines[n-1] += eol
	}
	if i := slices.IndexFunc(c.options, func(o option) bool { return o.section == sectionName && o.key == key }); i >= 0 {
		o := c.options[i]
		old := c.lines[o.from]
		indent := old[:len(old)-len(strings.TrimLeft(old, " \t\f\v"))]
		c.lines = slices.Replace(c.lines, o.from, o.to, indent+line)
	} else if i := slices.IndexFunc(c.sections, func(s section) bool { return s.name == sectionName }); i >= 0 {
		c.lines = slices.Insert(c.lines, c.sections[i].end, c.sections[i].indent+line)
	} else {
		c.lines = append(c.lines, "["+sectionName+"]"+eol, line)
	}
	*c = parseConfig(c.String())
}
