package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"github.com/az-ctx/az-ctx/pkg/session"
)

// The flags that several commands share. Each command's help lists its own.
var (
	nameFlag        = []cli.Flag{&cli.StringFlag{Name: "name", Usage: "the context's `NAME`, where it would read as a flag"}}
	scopeFlag       = []cli.Flag{&cli.StringFlag{Name: "scope", Usage: "`process` for this shell alone, `user` for new terminals too"}}
	inputObjectFlag = []cli.Flag{&cli.StringFlag{Name: "input-object", Usage: "`-`: read one object from standard input, as -o json prints it"}}
	quietFlag       = []cli.Flag{&cli.BoolFlag{Name: "quiet", Usage: "say nothing but errors", DisableDefaultText: true}}
	mutationFlags   = append([]cli.Flag{
		&cli.BoolFlag{Name: "what-if", Usage: "say what would be done and do nothing", DisableDefaultText: true},
		&cli.BoolFlag{Name: "force", Usage: "ask nothing", DisableDefaultText: true},
	}, quietFlag...)
	outputFlag  = []cli.Flag{&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`FORMAT`: table, json or name"}}
	contextFlag = []cli.Flag{&cli.StringFlag{Name: "context", Usage: "the context of that `NAME` instead of the active one"}}
)

func flags(groups ...[]cli.Flag) []cli.Flag {
	var all []cli.Flag
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}

// mutation is how a change is to be made.
type mutation struct {
	whatIf bool
	force  bool
}

func (a *app) mutationOf(c *cli.Context) mutation {
	a.quiet = a.quiet || c.Bool("quiet")
	return mutation{whatIf: c.Bool("what-if"), force: c.Bool("force")}
}

// would says a part of what a command would do.
func (a *app) would(format string, args ...any) {
	text := visible(fmt.Sprintf(format, args...))
	if a.objects() {
		a.emit("would", marked(text))
	} else {
		fmt.Fprintln(a.err, "would "+text)
	}
}

func scopeOf(c *cli.Context) (session.Scope, error) {
	switch s := c.String("scope"); strings.ToLower(s) {
	case "":
		return "", nil
	case "user", "currentuser":
		return session.User, nil
	case "process":
		return session.Process, nil
	default:
		return "", usage("no scope %s; one of process, user", printable(s))
	}
}

func outputOf(c *cli.Context, more ...string) (string, error) {
	o := c.String("output")
	for _, known := range append([]string{"", "table", "json", "name"}, more...) {
		if o == known {
			return o, nil
		}
	}
	return "", usage("no output format %s; one of %s", printable(o), strings.Join(append([]string{"table", "json", "name"}, more...), ", "))
}

// printing is the action of a command that takes no names and prints in a format.
func (a *app) printing(run func(c *cli.Context, format string) error) cli.ActionFunc {
	return func(c *cli.Context) error {
		a.quiet = c.Bool("quiet")
		format, err := outputOf(c)
		if err != nil {
			return err
		}
		if err := noArgs(c); err != nil {
			return err
		}
		return run(c, format)
	}
}

func noArgs(c *cli.Context) error {
	if c.Args().Present() {
		return usage("%s takes no names", c.Command.Name).withTry("%s", helpLine(c))
	}
	return nil
}

func validName(name string) error {
	switch {
	case name == "":
		return usage("a name can't be empty")
	case !utf8.ValidString(name):
		return usage("a name has to be UTF-8")
	}
	return nil
}

// givenNames are the names that a command was given: that of an object on standard
// input first, then that of --name, then the others.
func (a *app) givenNames(c *cli.Context) ([]string, error) {
	all := c.Args().Slice()
	if c.IsSet("name") {
		all = append([]string{c.String("name")}, all...)
	}
	for _, n := range all {
		if err := validName(n); err != nil {
			return nil, err
		}
	}
	object, ok, err := a.inputObject(c)
	if err != nil || !ok {
		return all, err
	}
	name, err := object.contextName()
	if err != nil {
		return nil, err
	}
	return append([]string{name}, all...), nil
}

// oneName is the single name that a command was given; "" where there is none.
func (a *app) oneName(c *cli.Context) (string, error) {
	all, err := a.givenNames(c)
	if err != nil {
		return "", err
	}
	if len(all) > 1 {
		return "", usage("%s takes one name", c.Command.Name)
	}
	if len(all) == 0 {
		return "", nil
	}
	return all[0], nil
}

// inputObject is what one JSON object on standard input may hold, keys in any
// case: a context, a subscription or a tenant.
type inputObject struct {
	Name         string
	ID           string
	TenantID     string
	State        *string
	Domain       *string
	Tenant       *struct{ ID string }
	Subscription *struct{ ID string }
	Account      *struct{ ID string }
}

// contextName is the name of the context that the object is.
func (o inputObject) contextName() (string, error) {
	if o.Name == "" {
		return "", usage("the object on standard input has no name")
	}
	return o.Name, nil
}

func (a *app) inputObject(c *cli.Context) (inputObject, bool, error) {
	if !c.IsSet("input-object") {
		return inputObject{}, false, nil
	}
	if c.String("input-object") != "-" {
		return inputObject{}, false, usage("--input-object takes - alone, for standard input")
	}
	raw, err := a.readInput()
	if err != nil {
		return inputObject{}, false, err
	}
	var o inputObject
	d := json.NewDecoder(strings.NewReader(raw))
	if err := d.Decode(&o); err != nil {
		return inputObject{}, false, usage("standard input is no JSON object: %w", err)
	}
	if d.More() {
		return inputObject{}, false, usage("standard input holds more than one object")
	}
	return o, true, nil
}

// readInput reads a value from standard input: without a leading BOM and one
// final line end. Empty is wrong usage.
func (a *app) readInput() (string, error) {
	const limit = 1 << 20
	raw, err := a.readAll(limit + 1)
	if err != nil {
		return "", fmt.Errorf("reading standard input: %w", err)
	}
	if len(raw) > limit {
		return "", usage("standard input holds more than %d bytes", limit)
	}
	raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
	raw = bytes.TrimSuffix(bytes.TrimSuffix(raw, []byte("\n")), []byte("\r"))
	if len(raw) == 0 {
		return "", usage("standard input is empty")
	}
	return string(raw), nil
}

// readAll reads standard input up to its end or the limit. The PowerShell module
// ends it with a NUL, and what it answers comes after that.
func (a *app) readAll(limit int64) ([]byte, error) {
	if !a.objects() {
		return io.ReadAll(io.LimitReader(a.in, limit))
	}
	raw, err := a.answers.ReadBytes(0)
	if err != nil && err != io.EOF {
		return nil, err
	}
	return bytes.TrimSuffix(raw, []byte{0}), nil
}

// confirm asks, where somebody can answer; else it fails and names --force.
func (a *app) confirm(m mutation, format string, args ...any) error {
	if m.force {
		return nil
	}
	question := visible(fmt.Sprintf(format, args...))
	nobody := fail(exitFailed, "%s needs an answer, and nobody can give one here, so nothing was changed", strings.SplitN(question, "?", 2)[0]).withTry("the same with --force")
	var answer string
	var err error
	switch {
	case a.objects():
		if err := a.emit("question", marked(question)); err != nil {
			return err
		}
		if answer, err = a.answers.ReadString('\n'); err != nil {
			return nobody
		}
	case !a.asks():
		return nobody
	default:
		fmt.Fprintf(a.err, "%s [y/N] ", question)
		if answer, err = a.answers.ReadString('\n'); err != nil {
			fmt.Fprintln(a.err)
		}
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return fail(exitFailed, "nothing was changed")
}
