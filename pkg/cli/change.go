package cli

import (
	"errors"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/export"
	"github.com/az-ctx/az-ctx/pkg/session"
	"github.com/az-ctx/az-ctx/pkg/store"
)

// The three commands that take contexts away or call them otherwise. Each works
// on what is saved, for all, and on this session's own; with --scope process on
// what this session sees alone.

type renameArgs struct {
	old, new string
	scope    session.Scope
	mutation
}

func (a *app) renameCommand() *cli.Command {
	return &cli.Command{
		Name: "rename", Usage: "give a context another name", ArgsUsage: "OLD NEW",
		Flags: flags(nameFlag, scopeFlag, inputObjectFlag, mutationFlags),
		Action: func(c *cli.Context) error {
			all, err := names(c)
			if err != nil {
				return err
			}
			object, ok, err := a.inputObject(c)
			if err != nil {
				return err
			}
			if ok {
				all = append([]string{object.Name}, all...)
			}
			if len(all) != 2 {
				return usage("rename takes the old name and the new one").withTry("az-ctx rename OLD NEW")
			}
			args := renameArgs{old: all[0], new: all[1], mutation: a.mutationOf(c)}
			if args.scope, err = scopeOf(c); err != nil {
				return err
			}
			return a.runRename(args)
		},
	}
}

func (a *app) runRename(args renameArgs) error {
	view, err := a.view()
	if err != nil {
		return err
	}
	item, err := a.find(view, args.old)
	if err != nil {
		return err
	}
	if item.Name == args.new {
		return nil
	}
	if err := a.scopeFits(args.scope); err != nil {
		return err
	}
	renamed := item
	renamed.Name = args.new
	if err := a.mayReplace(view, renamed.Context, args.mutation, item.Name); err != nil {
		return err
	}
	active := a.isActive(item.Context)
	if args.whatIf {
		a.would("rename %s to %s", printable(item.Name), printable(args.new))
		return nil
	}
	if active {
		if err := a.canSwitch(); err != nil {
			return err
		}
	}
	switch {
	case args.scope == session.Process:
		renamed.Scope = session.Process
		err = a.changeSession(&view, func(tx *store.Tx, state *session.State) error {
			if item.Scope == session.User {
				state.Hide(item.Name)
			}
			tx.Remove(item.Name)
			renamed.Unsaved = "scope"
			return tx.Put(renamed.Entry)
		})
		if err == nil && item.Scope == session.User {
			a.say("in this shell only; %s stays saved", printable(item.Name))
		}
	case item.Scope == session.Process:
		err = a.changeSession(&view, func(tx *store.Tx, _ *session.State) error {
			tx.Remove(item.Name)
			return tx.Put(renamed.Entry)
		})
	default:
		err = a.saved.Update(func(tx *store.Tx) error {
			if _, err := tx.Get(item.Name); errors.Is(err, store.ErrNotFound) {
				return fail(exitNotFound, "context %s is gone", printable(item.Name))
			}
			tx.Remove(item.Name)
			if err := tx.Put(renamed.Entry); err != nil {
				return err
			}
			if azure.Fold(view.Settings.Default) != azure.Fold(item.Name) {
				return nil
			}
			return tx.Settings(func(s *store.Settings) { s.Default = args.new })
		})
	}
	if err != nil {
		return err
	}
	if previous, ok := a.get(export.Previous); ok && azure.Fold(previous) == azure.Fold(item.Name) && a.wrapper != nil {
		a.plan().Set(export.Previous, args.new)
	}
	if active {
		return a.activateHere(view, target{context: &renamed.Context, scope: renamed.Scope, from: a.env[export.From], renames: item.Name})
	}
	return nil
}

// activateHere switches where there is a shell to switch; elsewhere it says
// that only the saved part was done.
func (a *app) activateHere(view session.View, t target) error {
	if a.wrapper != nil && a.wrapper.eval {
		return a.activate(view, t)
	}
	a.notActiveHere("saved,")
	return nil
}

// notActiveHere is the line for a change that no shell function could carry
// into this shell.
func (a *app) notActiveHere(done string) {
	a.warn("%s not active in this shell\n  try: %s", done, a.initLine())
}

// scopeFits fails where a process scope is asked for and no session is there
// that could hold it.
func (a *app) scopeFits(scope session.Scope) error {
	if scope == session.Process {
		return a.needsFunction()
	}
	return nil
}

// mayReplace asks before a context of another identity loses its name. except
// is a name that may be taken: that of the context itself.
func (a *app) mayReplace(view session.View, c azure.Context, m mutation, except string) error {
	there, _, err := view.Get(c.Name)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if azure.Fold(c.Name) == azure.Fold(except) || there.SameIdentity(c) || m.whatIf {
		return nil
	}
	return a.confirm(m, "replace %s, which is %s?", printable(there.Name), line(there.Context))
}

// changeSession changes this shell's own session, and begins it first.
func (a *app) changeSession(view *session.View, change func(*store.Tx, *session.State) error) error {
	begun, err := a.begin(*view)
	if err != nil {
		return err
	}
	*view = begun
	a.changed = begun.Session
	return view.Session.Change(change)
}

type removeArgs struct {
	names []string
	scope session.Scope
	mutation
}

func (a *app) removeCommand() *cli.Command {
	return &cli.Command{
		Name: "remove", Aliases: []string{"rm"}, Usage: "take contexts away", ArgsUsage: "NAME…",
		Flags: flags(nameFlag, scopeFlag, inputObjectFlag, mutationFlags),
		Action: func(c *cli.Context) error {
			all, err := names(c)
			if err != nil {
				return err
			}
			object, ok, err := a.inputObject(c)
			if err != nil {
				return err
			}
			if ok {
				all = append(all, object.Name)
			}
			if len(all) == 0 {
				return usage("remove takes a name").withTry("az-ctx remove NAME")
			}
			args := removeArgs{names: all, mutation: a.mutationOf(c)}
			if args.scope, err = scopeOf(c); err != nil {
				return err
			}
			return a.runRemove(args)
		},
	}
}

func (a *app) runRemove(args removeArgs) error {
	view, err := a.view()
	if err != nil {
		return err
	}
	var items []session.Item
	active := false
	for _, name := range args.names {
		item, err := a.find(view, name)
		if err != nil {
			return err
		}
		items = append(items, item)
		active = active || a.isActive(item.Context)
	}
	if err := a.scopeFits(args.scope); err != nil {
		return err
	}
	if args.whatIf {
		for _, item := range items {
			a.would("remove %s", printable(item.Name))
		}
		if active {
			a.would("sign this shell out")
		}
		return nil
	}
	if active {
		if err := a.canSwitch(); err != nil {
			return err
		}
		name, _, err := a.activeContext()
		if err != nil {
			return err
		}
		if err := a.confirm(args.mutation, "remove %s, the active context? az and other tools in this shell will be signed out", cell(name.Name)); err != nil {
			return err
		}
	}
	var own, saved []string
	for _, item := range items {
		if item.Scope == session.Process {
			own = append(own, item.Name)
		} else {
			saved = append(saved, item.Name)
		}
	}
	if len(own) > 0 || args.scope == session.Process {
		err = a.changeSession(&view, func(tx *store.Tx, state *session.State) error {
			for _, name := range own {
				tx.Remove(name)
			}
			if args.scope == session.Process {
				for _, name := range saved {
					state.Hide(name)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if args.scope == session.Process {
		if len(saved) > 0 {
			a.say("in this shell only; what is saved stays")
		}
	} else if len(saved) > 0 {
		if err := a.removeSaved(saved); err != nil {
			return err
		}
	}
	if active {
		return a.signOut(view)
	}
	return nil
}

func (a *app) removeSaved(names []string) error {
	return a.saved.Update(func(tx *store.Tx) error {
		for _, name := range names {
			tx.Remove(name)
		}
		var s store.Settings
		if err := tx.ReadSettings(&s); err != nil {
			return err
		}
		if !slices.ContainsFunc(names, func(n string) bool { return azure.Fold(n) == azure.Fold(s.Default) }) {
			return nil
		}
		return tx.Settings(func(s *store.Settings) { s.Default = "" })
	})
}

// signOut leaves this shell without a context and without a way back to
// another: no tool in it falls back to some other subscription.
func (a *app) signOut(view session.View) error {
	if a.wrapper == nil || !a.wrapper.eval {
		a.notActiveHere("saved,")
		return nil
	}
	if err := a.activate(view, target{context: nil, scope: session.User, from: ""}); err != nil {
		return err
	}
	a.switched = "signed out here: az and other tools in this shell have no subscription now\n  try: az-ctx select NAME   or   az-ctx deselect"
	return nil
}

type clearArgs struct {
	scope session.Scope
	mutation
}

func (a *app) clearCommand() *cli.Command {
	return &cli.Command{
		Name: "clear", Usage: "take every context away, with its tokens and secrets",
		Flags: flags(scopeFlag, mutationFlags),
		Action: func(c *cli.Context) error {
			if err := noArgs(c); err != nil {
				return err
			}
			args := clearArgs{mutation: a.mutationOf(c)}
			var err error
			if args.scope, err = scopeOf(c); err != nil {
				return err
			}
			return a.runClear(args)
		},
	}
}

func (a *app) runClear(args clearArgs) error {
	view, err := a.view()
	if err != nil {
		return err
	}
	if err := a.scopeFits(args.scope); err != nil {
		return err
	}
	items, broken, err := view.List()
	if err != nil {
		return err
	}
	active, err := a.active()
	if err != nil {
		return err
	}
	what := "every context, with its tokens and secrets"
	if args.scope == session.Process {
		what = "every context from this shell; what is saved stays"
	}
	if args.whatIf {
		a.would("remove %s (%d)", what, len(items)+len(broken))
		return nil
	}
	if active != nil {
		if err := a.canSwitch(); err != nil {
			return err
		}
	}
	if err := a.confirm(args.mutation, "remove %s?", what); err != nil {
		return err
	}
	if args.scope == session.Process || view.Session != nil && a.wrapper != nil && a.wrapper.eval {
		err = a.changeSession(&view, func(tx *store.Tx, state *session.State) error {
			if args.scope == session.Process {
				for _, item := range items {
					if item.Scope == session.User {
						state.Hide(item.Name)
					}
				}
			}
			return tx.RemoveAll()
		})
		if err != nil {
			return err
		}
	}
	if args.scope == session.Process {
		a.say("in this shell only; what is saved stays")
	} else {
		err := a.saved.Update(func(tx *store.Tx) error {
			if err := tx.RemoveAll(); err != nil {
				return err
			}
			return tx.Settings(func(s *store.Settings) { s.Default = "" })
		})
		if err != nil {
			return err
		}
		if err := a.cache.Clear(); err != nil {
			return err
		}
	}
	if active != nil && active.Context != nil {
		return a.signOut(view)
	}
	return nil
}
