// Package export says what changes in a shell's environment, and says it in
// each shell's language.
//
// A value that was the user's is moved by the shell itself: the plan names the
// variable that holds it, and what is in it never passes through here.
package export

import (
	"sort"
	"strings"
)

// value is what a variable is to hold: text of ours, or what another variable
// held when the shell began to run the change.
type value struct {
	text string
	from string
}

// Plan is the environment that a change leads to, built step by step from the
// one that it starts with.
type Plan struct {
	start map[string]string
	now   map[string]value
}

// NewPlan starts from an environment in the form of os.Environ.
func NewPlan(environ []string) *Plan {
	p := &Plan{start: map[string]string{}, now: map[string]value{}}
	for _, e := range environ {
		if name, text, ok := strings.Cut(e, "="); ok && name != "" {
			p.start[name] = text
			p.now[name] = value{from: name}
		}
	}
	return p
}

// Get is what the variable holds at this point of the plan.
func (p *Plan) Get(name string) (string, bool) {
	v, ok := p.now[name]
	if !ok {
		return "", false
	}
	if v.from != "" {
		return p.start[v.from], true
	}
	return v.text, true
}

// Set gives the variable a value of ours.
func (p *Plan) Set(name, text string) { p.now[name] = value{text: text} }

// Unset takes the variable away.
func (p *Plan) Unset(name string) { delete(p.now, name) }

// Move puts what from holds under another name.
func (p *Plan) Move(from, to string) {
	if v, ok := p.now[from]; ok {
		p.now[to] = v
		delete(p.now, from)
	}
}

// Change is one variable's: Unset, or the text Value, or what the variable From
// held before the first change.
type Change struct {
	Name  string
	Value string
	From  string
	Unset bool
}

// Changes lists what differs from the start, in an order that a shell can run
// from top to bottom: what is moved first, then what is set, then what goes.
func (p *Plan) Changes() []Change {
	var moves, sets, unsets []Change
	for name, v := range p.now {
		was, had := p.start[name]
		switch {
		case v.from == name:
		case v.from != "":
			moves = append(moves, Change{Name: name, From: v.from})
		case had && was == v.text:
		default:
			sets = append(sets, Change{Name: name, Value: v.text})
		}
	}
	for name := range p.start {
		if _, ok := p.now[name]; !ok {
			unsets = append(unsets, Change{Name: name, Unset: true})
		}
	}
	var all []Change
	for _, part := range [][]Change{moves, sets, unsets} {
		sort.Slice(part, func(i, j int) bool { return part[i].Name < part[j].Name })
		all = append(all, part...)
	}
	return all
}

// Environ is the environment after the plan, for a process that we start.
func (p *Plan) Environ() []string {
	var environ []string
	for name := range p.now {
		text, _ := p.Get(name)
		environ = append(environ, name+"="+text)
	}
	sort.Strings(environ)
	return environ
}
