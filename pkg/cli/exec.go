package cli

import (
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/az-ctx/az-ctx/pkg/session"
)

func (a *app) execCommand() *cli.Command {
	return &cli.Command{
		Name: "exec", Usage: "run a command in a context; this shell's own stays", ArgsUsage: "[--] COMMAND…",
		Flags: flags(contextFlag, []cli.Flag{&cli.BoolFlag{Name: "no-endpoint", Usage: "give it names and ids alone: it signs in by itself", DisableDefaultText: true}}),
		Action: func(c *cli.Context) error {
			argv := c.Args().Slice()
			if len(argv) == 0 {
				return usage("exec needs a command").withTry("az-ctx exec --context NAME COMMAND")
			}
			return a.runExec(c.String("context"), c.Bool("no-endpoint"), argv)
		},
	}
}

// runExec becomes the command, in a session of its own: that of the command.
func (a *app) runExec(name string, namesOnly bool, argv []string) error {
	view, err := a.view()
	if err != nil {
		return err
	}
	t, err := a.targetOf(view, name, "exec")
	if err != nil {
		return err
	}
	t.namesOnly = t.namesOnly || namesOnly
	program, err := a.lookPath(argv[0])
	if err != nil {
		return err
	}
	return a.execute(view, t, program, argv)
}

// execEnvironment makes the session and the activation of a process that is to
// run a command, and returns the command's environment.
func (a *app) execEnvironment(view session.View, t target) ([]string, error) {
	id, err := currentProcess()
	if err != nil {
		return nil, err
	}
	in, err := a.inherit()
	if err != nil {
		return nil, err
	}
	s, err := a.place.Begin(id, view.Session, view.Settings.AutosaveOff())
	if err != nil {
		return nil, err
	}
	if _, err := a.enter(view, s, t, in); err != nil {
		return nil, err
	}
	return a.plan().Environ(), nil
}

// targetOf is the context of that name, or the one that is active. signed out
// is no context, and the default is never taken in its place.
func (a *app) targetOf(view session.View, name, command string) (target, error) {
	if name != "" {
		item, err := a.find(view, name)
		return target{context: &item.Context, scope: item.Scope, from: "selected"}, err
	}
	act, err := a.active()
	if err != nil {
		return target{}, err
	}
	if act == nil {
		return target{}, usage("no context is active here").withTry("az-ctx %s --context NAME", command)
	}
	if act.Context == nil {
		return target{}, signedOut()
	}
	a.noteChanges()
	return inheritedFrom(act), nil
}

func signedOut() *failure {
	return fail(exitSignIn, "this shell is signed out: its context was removed").withTry("az-ctx select NAME")
}

// lookPath finds a program as the shell would.
func (a *app) lookPath(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", &failure{status: 127, text: "exec: no command " + printable(name), cause: err}
	}
	if !filepath.IsAbs(path) && !strings.ContainsRune(path, filepath.Separator) {
		return filepath.Abs(path)
	}
	return path, nil
}
