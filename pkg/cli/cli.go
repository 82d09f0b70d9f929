// Package cli is what a person or a script types: one file a command. A command
// turns its flags into a plain struct and runs on that.
package cli

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/adrg/xdg"
	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/export"
	"github.com/az-ctx/az-ctx/pkg/session"
	"github.com/az-ctx/az-ctx/pkg/store"
)

// Version is set by the linker.
var Version = "dev"

// app is one run of the program: what it was given, and what it has to say in
// the end.
type app struct {
	in      *os.File
	answers *bufio.Reader // of in
	out     io.Writer     // data; under a shell function it is collected and printed by the shell
	err     *os.File
	argv0   string
	environ []string
	env     map[string]string
	wrapper *wrapper // nil without the shell function
	quiet   bool

	saved store.Dir
	cache store.Cache
	place session.Place

	data       bytes.Buffer
	script     export.Script
	planned    *export.Plan     // where the shell's environment is led to
	activated  bool             // an activation of this run is in planned
	changed    *session.Session // a session that has something new to tell its children
	made       *session.Activation
	azAccounts *session.Activation      // what Az.Accounts is to follow to, where it does
	agreed     map[string]azure.Context // what may be written over, by folded name
	switched   string                   // the line that says what the shell is on now
}

// Main runs the program and returns its exit status.
func Main(args []string) int {
	a := &app{in: os.Stdin, answers: bufio.NewReader(os.Stdin), out: os.Stdout, err: os.Stderr, argv0: args[0], environ: os.Environ(), env: map[string]string{}}
	for _, e := range a.environ {
		name, text, _ := strings.Cut(e, "=")
		a.env[name] = text
	}
	err := a.run(args)
	if err == nil || errors.Is(err, errNothing) {
		return 0
	}
	if a.made != nil {
		a.made.Discard() // the shell never learns of it
	}
	return a.report(err)
}

func (a *app) run(args []string) error {
	if len(args) > 1 && strings.HasPrefix(args[1], wrapperFlag) {
		w, err := parseWrapper(strings.TrimPrefix(args[1], wrapperFlag))
		if err != nil {
			return err
		}
		a.wrapper = w
		args = append(args[:1:1], args[2:]...)
		if w.eval {
			a.out = &a.data
		}
		if w.thread && len(args) > 1 && slices.Contains([]string{"connect", "select", "set", "import"}, args[1]) {
			return errThread // at once, and not after a sign-in
		}
	}
	a.saved = store.Config(a.userDir("XDG_CONFIG_HOME", xdg.ConfigHome))
	a.cache = store.Cache(a.userDir("XDG_CACHE_HOME", xdg.CacheHome))
	place, err := session.Here(a.userDir("XDG_STATE_HOME", xdg.StateHome))
	if err != nil {
		return err
	}
	a.place = place

	program := a.program()
	if err := program.Run(reorder(program.Commands, args)); err != nil && !errors.Is(err, errNothing) {
		return err
	}
	return a.finish()
}

// userDir is ours in one of the user's base directories. It is a relative path,
// which store refuses, where neither HOME nor the variable says where that is:
// xdg takes the root directory then.
func (a *app) userDir(variable, base string) string {
	if a.env["HOME"] == "" && !filepath.IsAbs(a.env[variable]) && runtime.GOOS != "windows" {
		base = ""
	}
	return filepath.Join(base, "az-ctx")
}

// finish hands the shell what it is to run, or says that it can't be changed.
func (a *app) finish() error {
	if a.wrapper == nil || !a.wrapper.eval {
		return nil
	}
	shell, err := export.ForShell(a.wrapper.shell)
	if err != nil {
		return err
	}
	if a.changed != nil && !a.activated {
		if err := a.exportSession(); err != nil {
			return err
		}
	}
	if a.planned != nil {
		a.script.Changes = a.planned.Changes()
	}
	a.script.Data = a.data.String()
	if a.switched != "" && (a.talks() || a.objects()) {
		a.script.Say = a.switched
	}
	if a.objects() {
		return a.emitScript(a.script)
	}
	_, err = io.WriteString(os.Stdout, shell.Script(a.script))
	return err
}

// plan is where this run leads the shell's environment.
func (a *app) plan() *export.Plan {
	if a.planned == nil {
		a.planned = export.NewPlan(a.environ)
	}
	return a.planned
}

// program is the whole of the commands.
func (a *app) program() *cli.App {
	cli.VersionFlag = &cli.BoolFlag{Name: "version", Usage: "print the version", DisableDefaultText: true}
	return &cli.App{
		Name: "az-ctx", Usage: "a context of its own for each terminal, for az and every other Azure tool",
		Version: Version, HideHelpCommand: true, Writer: a.out, ErrWriter: a.err,
		DisableSliceFlagSeparator: true, // a name may have a comma in it
		ExitErrHandler:            func(*cli.Context, error) {},
		OnUsageError:              usageError,
		CommandNotFound:           nil,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return unknownCommand(c)
			}
			return cli.ShowAppHelp(c)
		},
		Commands: a.commands(),
	}
}

func (a *app) commands() []*cli.Command {
	commands := []*cli.Command{
		a.connectCommand(), a.disconnectCommand(), a.importCommand(), a.listCommand(), a.getCommand(), a.currentCommand(),
		a.selectCommand(), a.setCommand(), a.deselectCommand(),
		a.renameCommand(), a.removeCommand(), a.clearCommand(),
		a.saveCommand(), a.autosaveCommand(), a.subscriptionsCommand(), a.tenantsCommand(), a.tokenCommand(), a.execCommand(), a.envCommand(),
		a.initCommand(), a.completionCommand(), a.promptCommand(), a.doctorCommand(), a.agentCommand(), a.configCommand(),
		a.hookCommand(), a.completeCommand(),
	}
	alike(commands)
	return commands
}

// alike gives every command the manners that all have.
func alike(commands []*cli.Command) {
	for _, c := range commands {
		c.OnUsageError, c.HideHelpCommand, c.Before = usageError, true, noEmptyFlags
		alike(c.Subcommands)
	}
}

// noEmptyFlags refuses a flag that is there without a value: in a script that is
// a variable which was never set, and not the wish for what no flag gives.
func noEmptyFlags(c *cli.Context) error {
	for _, f := range c.Command.Flags {
		if text, ok := f.(*cli.StringFlag); ok && c.IsSet(text.Name) && c.String(text.Name) == "" {
			return usage("--%s has no value", text.Name)
		}
	}
	return nil
}

func usageError(c *cli.Context, err error, _ bool) error {
	return usage("%w", err).withTry("%s", helpLine(c))
}

// helpLine shows what the command that is running takes.
func helpLine(c *cli.Context) string {
	if c.Command == nil || c.Command.HelpName == "" {
		return "az-ctx --help"
	}
	return c.Command.HelpName + " --help"
}

func unknownCommand(c *cli.Context) error {
	var names []string
	for _, command := range c.Command.Subcommands {
		if !command.Hidden {
			names = append(names, command.Names()...)
		}
	}
	name := c.Args().First()
	return usage("no command %s%s", printable(name), nearText(near(name, names))).withTry("%s", helpLine(c))
}

// report says what went wrong and returns the status for it.
func (a *app) report(err error) int {
	status, try := exitFailed, ""
	var f *failure
	if errors.As(err, &f) {
		status, try = f.status, f.try
	}
	if a.objects() {
		a.emitError(err, status, visible(err.Error()), visible(try))
		return status
	}
	fmt.Fprintf(a.err, "az-ctx: %s\n", visible(err.Error()))
	if try != "" {
		fmt.Fprintf(a.err, "  try: %s\n", visible(try))
	}
	return status
}

// say tells a person something that a script need not hear.
func (a *app) say(format string, args ...any) {
	text := visible(fmt.Sprintf(format, args...))
	if a.objects() {
		a.emit("verbose", marked(text))
	} else if a.talks() {
		fmt.Fprintln(a.err, text)
	}
}

// tell tells a person what they have to act on at once, terminal or not.
func (a *app) tell(format string, args ...any) {
	text := visible(fmt.Sprintf(format, args...))
	if a.objects() {
		a.emit("say", marked(parametersIn(text)))
	} else {
		fmt.Fprintln(a.err, text)
	}
}

// warn tells a person something that must not be missed.
func (a *app) warn(format string, args ...any) {
	text := visible(fmt.Sprintf(format, args...))
	if a.objects() {
		a.emit("warning", marked(text))
	} else {
		fmt.Fprintln(a.err, "az-ctx: "+text)
	}
}

// talks reports whether a person reads standard error.
func (a *app) talks() bool { return !a.quiet && !a.objects() && term.IsTerminal(int(a.err.Fd())) }

// asks reports whether a question can be answered.
func (a *app) asks() bool {
	return !a.objects() && term.IsTerminal(int(a.in.Fd())) && term.IsTerminal(int(a.err.Fd()))
}

// get looks a variable of the environment up.
func (a *app) get(name string) (string, bool) {
	text, ok := a.env[name]
	return text, ok
}
