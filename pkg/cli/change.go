package cli

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/az-ctx/az-ctx/pkg/agent"
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
			all, err := a.givenNames(c)
			if err != nil {
				return err
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
	where := item.Scope
	if args.scope == session.Process {
		where = session.Process
	}
	if err := a.mayReplace(view, where, renamed.Context, args.mutation, item.Name); err != nil {
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
	renamed.Scope = where
	if active && a.evals() { // first, for nothing that follows is left to fail
		act, err := a.active()
		if err != nil {
			return err
		}
		t := inheritedFrom(act)
		t.context, t.scope, t.from, t.renames = &renamed.Context, renamed.Scope, a.env[export.From], item.Name
		if err := a.activate(view, t); err != nil {
			return err
		}
	}
	switch {
	case args.scope == session.Process:
		err = a.changeSession(&view, func(tx *store.Tx, state *session.State) error {
			a.hide(state, item)
			if err := a.free(tx, renamed.Context, item.Name, args.mutation); err != nil {
				return err
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
			if err := a.free(tx, renamed.Context, item.Name, args.mutation); err != nil {
				return err
			}
			tx.Remove(item.Name)
			return tx.Put(renamed.Entry)
		})
	default:
		err = a.saved.Update(func(tx *store.Tx) error {
			now, err := tx.Get(item.Name)
			if errors.Is(err, store.ErrNotFound) {
				return fail(exitNotFound, "context %s is gone", printable(item.Name))
			}
			if err != nil {
				return err
			}
			if err := a.free(tx, renamed.Context, item.Name, args.mutation); err != nil {
				return err
			}
			tx.Remove(item.Name)
			now.Name = args.new
			if err := tx.Put(now); err != nil {
				return err
			}
			var s store.Settings
			if err := tx.ReadSettings(&s); err != nil || azure.Fold(s.Default) != azure.Fold(item.Name) {
				return err
			}
			return tx.Settings(func(s *store.Settings) { s.Default = args.new })
		})
		if err == nil {
			err = a.uncover(&view, []store.Entry{renamed.Entry})
		}
	}
	if err != nil {
		return err
	}
	if previous, ok := a.get(export.Previous); ok && azure.Fold(previous) == azure.Fold(item.Name) && a.wrapper != nil {
		a.plan().Set(export.Previous, args.new)
	}
	if active && !a.evals() {
		a.notActiveHere("saved,")
	}
	return nil
}

// evals reports whether there is a shell that runs what is printed.
func (a *app) evals() bool { return a.wrapper != nil && a.wrapper.eval }

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

// mayReplace asks before a context of another identity loses its name, where c
// is to be kept. except is a name that may be taken: that of the context itself.
func (a *app) mayReplace(view session.View, where session.Scope, c azure.Context, m mutation, except string) error {
	there, scope, err := view.Get(c.Name)
	if where == session.User && scope != session.User && (err == nil || errors.Is(err, store.ErrNotFound)) {
		// This session need not see what is saved under that name.
		if err == nil {
			if err := a.askToReplace(there.Context, c, m, except); err != nil {
				return err
			}
		}
		there, err = view.Saved.Get(c.Name)
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return a.askToReplace(there.Context, c, m, except)
}

func (a *app) askToReplace(there, c azure.Context, m mutation, except string) error {
	if azure.Fold(c.Name) == azure.Fold(except) || there.SameIdentity(c) || m.whatIf {
		return nil
	}
	if err := a.confirm(m, "replace %s, which is %s?", printable(there.Name), line(there)); err != nil {
		return err
	}
	if a.agreed == nil {
		a.agreed = map[string]azure.Context{}
	}
	a.agreed[azure.Fold(c.Name)] = there
	return nil
}

// free fails where, since mayReplace, another process has given c's name to
// another identity.
func (a *app) free(tx *store.Tx, c azure.Context, except string, m mutation) error {
	there, err := tx.Get(c.Name)
	if err != nil || m.force || azure.Fold(c.Name) == azure.Fold(except) || there.SameIdentity(c) {
		return nil // Put finds fault with a file that can't be read
	}
	if agreed, ok := a.agreed[azure.Fold(c.Name)]; ok && there.SameIdentity(agreed) {
		return nil
	}
	return fail(exitFailed, "%s is %s since a moment ago, so nothing was changed", printable(there.Name), line(there.Context))
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
			all, err := a.givenNames(c)
			if err != nil {
				return err
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
	if args.scope != session.Process {
		// The secrets of accounts that end with these contexts go before anything
		// is changed: where they can't, nothing is.
		orphans, err := a.orphans(view, items)
		if err != nil {
			return err
		}
		if err := a.removeSecrets(orphans); err != nil {
			return err
		}
	}
	if active && a.evals() { // first, for nothing that follows is left to fail
		if err := a.signOut(view); err != nil {
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
				for _, item := range items {
					a.hide(state, item)
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
	if active && !a.evals() {
		a.notActiveHere("saved,")
	}
	return a.forget(view, items)
}

// orphans are those of the contexts in gone whose account no other context has,
// among all that this session sees and all that is saved.
func (a *app) orphans(view session.View, gone []session.Item) ([]session.Item, error) {
	left, _, err := view.List()
	if err != nil {
		return nil, err
	}
	saved, _, err := a.saved.List() // this session need not see all of them
	if err != nil {
		return nil, err
	}
	for _, e := range saved {
		left = append(left, session.Item{Entry: e, Scope: session.User})
	}
	left = slices.DeleteFunc(left, func(i session.Item) bool {
		return slices.ContainsFunc(gone, func(g session.Item) bool { return g.Scope == i.Scope && azure.Fold(g.Name) == azure.Fold(i.Name) })
	})
	var orphans []session.Item
	for _, g := range gone {
		if !slices.ContainsFunc(left, func(i session.Item) bool {
			return strings.EqualFold(i.Environment, g.Environment) && i.Account.Same(g.Account)
		}) {
			orphans = append(orphans, g)
		}
	}
	return orphans, nil
}

// forget has the agent drop the tokens of those accounts that no context is
// left of, now that the ones in gone were taken away.
func (a *app) forget(view session.View, gone []session.Item) error {
	orphans, err := a.orphans(view, gone)
	if err != nil {
		return err
	}
	for _, g := range orphans {
		err := a.withAgent(agent.Dial, func(ctx context.Context, c *agent.Client) error {
			_, err := c.Forget(ctx, g.Account)
			return err
		})
		if errors.Is(err, agent.ErrNotRunning) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// hide takes a context away for this session alone: also a saved one that the
// session's own of that name stood before.
func (a *app) hide(state *session.State, item session.Item) {
	if item.Scope == session.Process {
		if _, err := a.saved.Get(item.Name); errors.Is(err, store.ErrNotFound) {
			return
		}
	}
	state.Hide(item.Name)
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
	if err := a.activate(view, target{context: nil, scope: session.User, from: ""}); err != nil {
		return err
	}
	tools := "az and other tools in this shell have no subscription now"
	if a.made.NamesOnly {
		tools = "az and other tools keep their own sign-in"
	}
	a.switched = "signed out here: " + tools + "\n  try: az-ctx select NAME   or   az-ctx deselect"
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
	if args.scope != session.Process {
		all, _, err := a.saved.List()
		if err != nil {
			return err
		}
		gone := slices.Clone(items)
		for _, e := range all {
			gone = append(gone, session.Item{Entry: e, Scope: session.User})
		}
		for _, k := range a.cache.All() { // an account may have a broken context's file alone
			known := session.Item{Scope: session.User}
			known.Account, known.Tenant, known.Environment = k.Account, k.Tenant, k.Environment
			gone = append(gone, known)
		}
		if err := a.removeSecrets(gone); err != nil {
			a.warn("a secret could not be removed: %v", err) // and the rest goes all the same
		}
	}
	signedOut := active != nil && active.Context != nil
	if signedOut && a.evals() { // first, for nothing that follows is left to fail
		if err := a.signOut(view); err != nil {
			return err
		}
	}
	if args.scope == session.Process || view.Session != nil && a.evals() {
		err = a.changeSession(&view, func(tx *store.Tx, state *session.State) error {
			if args.scope == session.Process {
				for _, item := range items {
					a.hide(state, item)
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
	if signedOut && !a.evals() {
		a.notActiveHere("saved,")
	}
	return a.forget(view, items)
}
