package cli

import (
	"errors"

	"github.com/urfave/cli/v2"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/export"
	"github.com/az-ctx/az-ctx/pkg/session"
	"github.com/az-ctx/az-ctx/pkg/store"
)

type selectArgs struct {
	name  string
	back  bool // to the one before
	scope session.Scope
	mutation
	output string
}

func (a *app) selectCommand() *cli.Command {
	return &cli.Command{
		Name: "select", Usage: "switch this shell to an existing context", ArgsUsage: "[NAME | -]",
		Flags: flags(nameFlag, scopeFlag, inputObjectFlag, mutationFlags, outputFlag),
		Action: func(c *cli.Context) error {
			args := selectArgs{}
			var err error
			if args.name, err = a.oneName(c); err != nil {
				return err
			}
			args.back = c.Args().First() == "-" // and not a context of that name, which --name or an object says
			if args.scope, err = scopeOf(c); err != nil {
				return err
			}
			if args.output, err = outputOf(c); err != nil {
				return err
			}
			args.mutation = a.mutationOf(c)
			return a.runSelect(args)
		},
	}
}

func (a *app) runSelect(args selectArgs) error {
	view, err := a.view()
	if err != nil {
		return err
	}
	name := args.name
	switch {
	case args.back:
		previous, ok := a.get(export.Previous)
		if in, err := a.inherit(); err != nil || !ok || !in.counts {
			return fail(exitNotFound, "no context was active here before this one")
		}
		name = previous
	case name == "":
		if name, err = a.pick(view); err != nil {
			return err
		}
	}
	item, err := a.find(view, name)
	if err != nil {
		return err
	}
	if args.scope == session.User && item.Scope == session.Process {
		return onlyHere(item)
	}
	if args.whatIf {
		a.would("switch this shell to %s", printable(item.Name))
		if args.scope == session.User {
			a.would("make it the default of new terminals")
		}
		return nil
	}
	if args.scope == session.User && (a.wrapper == nil || !a.wrapper.eval) {
		if err := a.setDefault(item.Name); err != nil {
			return err
		}
		a.notActiveHere("new terminals start with " + printable(item.Name) + ", which is")
		return nil
	}
	if err := a.needsFunction(); err != nil {
		return err
	}
	if err := a.activate(view, target{context: &item.Context, scope: item.Scope, from: "selected"}); err != nil {
		return err
	}
	if args.scope == session.User {
		if err := a.setDefault(item.Name); err != nil {
			return err
		}
	}
	if args.output != "" {
		return a.printContext(item, view, args.output)
	}
	return nil
}

func onlyHere(item session.Item) error {
	return usage("%s is kept in this shell only, so new terminals can't start with it", printable(item.Name))
}

// setDefault makes the context the one that new terminals start with.
func (a *app) setDefault(name string) error {
	return a.saved.Update(func(tx *store.Tx) error {
		if _, err := tx.Get(name); err != nil {
			if errors.Is(err, store.ErrNotFound) {
				return fail(exitNotFound, "context %s is gone", printable(name))
			}
			return err
		}
		return tx.Settings(func(s *store.Settings) { s.Default = name })
	})
}

func (a *app) deselectCommand() *cli.Command {
	return &cli.Command{
		Name: "deselect", Usage: "give this shell the environment back that it had before the first select",
		Flags: flags(mutationFlags),
		Action: func(c *cli.Context) error {
			m := a.mutationOf(c)
			if err := noArgs(c); err != nil {
				return err
			}
			if m.whatIf {
				a.would("give this shell its own environment back")
				return nil
			}
			return a.runDeselect()
		},
	}
}

func (a *app) runDeselect() error {
	if err := a.needsFunction(); err != nil {
		return err
	}
	in, err := a.inherit()
	if err != nil {
		return err
	}
	if !in.named {
		return nil
	}
	view, err := a.view()
	if err != nil {
		return err
	}
	if view, err = a.begin(view); err != nil {
		return err
	}
	plan := a.plan()
	for _, name := range plan.Deselect(a.ownedBefore(in)) {
		a.warn("%s was changed here and is left as it is", name)
	}
	if view.Session.Matters() {
		plan.Set(export.Session, view.Session.Ref().String())
	}
	for _, name := range export.Managed() {
		if _, ok := a.get(export.Was(name)); !ok {
			a.script.RestoreLocal = append(a.script.RestoreLocal, name)
		}
	}
	a.internal("__az_ctx_dir", "")
	if a.wrapper.subshell() {
		a.switched = "deselected in this subshell only"
	}
	return nil
}

// isActive reports whether the context of that name is the one that this
// process is in.
func (a *app) isActive(c azure.Context) bool {
	active, _, err := a.activeContext()
	return err == nil && active != nil && azure.Fold(active.Name) == azure.Fold(c.Name)
}
