package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/az-ctx/az-ctx/pkg/agent"
	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/secret"
	"github.com/az-ctx/az-ctx/pkg/session"
	"github.com/az-ctx/az-ctx/pkg/store"
	"github.com/az-ctx/az-ctx/pkg/vault"
)

type autosaveArgs struct {
	on    bool
	scope session.Scope
	mutation
}

func (a *app) autosaveCommand() *cli.Command {
	change := func(name, text string, on bool) *cli.Command {
		return &cli.Command{
			Name: name, Usage: text, Flags: flags(scopeFlag, mutationFlags),
			Action: func(c *cli.Context) error {
				if err := noArgs(c); err != nil {
					return err
				}
				args := autosaveArgs{on: on, mutation: a.mutationOf(c)}
				var err error
				if args.scope, err = scopeOf(c); err != nil {
					return err
				}
				return a.runAutosave(args)
			},
		}
	}
	return &cli.Command{
		Name: "autosave", Usage: "say whether new contexts are kept for new terminals",
		Action: unknownSub,
		Subcommands: []*cli.Command{
			change("enable", "keep new contexts, and bring the saved ones back", true),
			change("disable", "keep new contexts in their own terminal; deletes nothing", false),
			{
				Name: "status", Usage: "show what holds and where things are", Flags: flags(outputFlag, quietFlag),
				Action: func(c *cli.Context) error {
					if err := noArgs(c); err != nil {
						return err
					}
					format, err := outputOf(c)
					if err != nil {
						return err
					}
					return a.runAutosaveStatus(format)
				},
			},
		},
	}
}

func unknownSub(c *cli.Context) error {
	if c.Args().Present() {
		return unknownCommand(c)
	}
	return usage("%s needs to be told what", c.Command.Name).withTry("%s", helpLine(c))
}

func (a *app) runAutosave(args autosaveArgs) error {
	view, err := a.view()
	if err != nil {
		return err
	}
	if err := a.scopeFits(args.scope); err != nil {
		return err
	}
	mode := "disabled"
	if args.on {
		mode = "enabled"
	}
	if args.whatIf {
		a.would("have autosave %s", mode)
		return nil
	}
	if args.scope == session.Process {
		err = a.changeSession(&view, func(_ *store.Tx, state *session.State) error {
			state.Autosave = mode
			return nil
		})
	} else {
		err = a.saved.Update(func(tx *store.Tx) error {
			return tx.Settings(func(s *store.Settings) { s.Autosave = mode })
		})
		view.Settings.Autosave = mode
	}
	if err != nil {
		return err
	}
	if !args.on {
		a.say("new contexts stay in %s; nothing was deleted\n  to delete what is saved: az-ctx clear", map[bool]string{true: "this terminal", false: "their own terminal"}[args.scope == session.Process])
		return nil
	}
	if view.AutosaveOff() {
		a.say("autosave stays off in this terminal, where it was disabled with --scope process")
		return nil
	}
	return a.saveUnsaved(view)
}

// saveUnsaved saves the session's contexts that were kept unsaved for no other
// reason than that autosave was off. One whose name another identity has among
// the saved ones stays in the session, and is named.
func (a *app) saveUnsaved(view session.View) error {
	if view.Session == nil || !a.evals() { // a shell's own session is changed by that shell alone
		return nil
	}
	own, _, err := view.Session.Dir.List()
	if err != nil {
		return err
	}
	own = slices.DeleteFunc(own, func(e store.Entry) bool { return e.Unsaved != "autosave" })
	held := map[string]*azure.SignIn{}
	for i, e := range own {
		how := e.Account.SignIn
		if how == nil || !vault.EndsWithSession(how.Holder) {
			continue
		}
		name := secret.AccountName(e.Account, e.Environment)
		if _, ok := held[name]; !ok {
			held[name] = a.saveSignIn(*how, name)
		}
		own[i].Account.SignIn = held[name]
	}
	var saved []string
	err = a.saved.Update(func(tx *store.Tx) error {
		for _, e := range own {
			there, err := tx.Get(e.Name)
			if err == nil && !there.SameIdentity(e.Context) {
				a.warn("%s stays in this terminal: another context has that name", printable(e.Name))
				continue
			}
			if err != nil && err != store.ErrNotFound {
				return err
			}
			kept := e
			kept.Unsaved = ""
			if err := tx.Put(kept); err != nil {
				return err
			}
			saved = append(saved, e.Name)
		}
		return nil
	})
	if err != nil || len(saved) == 0 {
		return err
	}
	if err := a.changeSession(&view, func(tx *store.Tx, _ *session.State) error {
		for _, name := range saved {
			tx.Remove(name)
		}
		return nil
	}); err != nil {
		return err
	}
	a.say("saved %d contexts of this terminal", len(saved))
	return nil
}

// saveSignIn keeps this session's own sign-in for every session. One that is
// gone leaves its contexts without any.
func (a *app) saveSignIn(how azure.SignIn, name string) *azure.SignIn {
	own := how.Holder
	how.Holder = ""
	if !how.HasSecret {
		return &how
	}
	err := a.withAgent(agent.Dial, func(ctx context.Context, c *agent.Client) (err error) {
		how.Holder, err = c.Save(ctx, own, name)
		return err
	})
	if err != nil {
		a.warn("the sign-in of this terminal is not saved: %v", err)
		return nil
	}
	return &how
}

type autosaveStatus struct {
	Mode        string  `json:"mode"`
	User        string  `json:"user"`
	Process     *string `json:"process"`
	ContextsDir string  `json:"contextDirectory"`
	Settings    string  `json:"settingsFile"`
	Cache       string  `json:"cacheDirectory"`
	Session     *string `json:"sessionDirectory"`
}

func (a *app) runAutosaveStatus(format string) error {
	view, err := a.view()
	if err != nil {
		return err
	}
	word := map[bool]string{true: "disabled", false: "enabled"}
	s := autosaveStatus{
		Mode: word[view.AutosaveOff()], User: word[view.Settings.AutosaveOff()],
		ContextsDir: a.saved.ContextsDir(), Settings: a.saved.DocumentPath(), Cache: string(a.cache),
	}
	if view.Session != nil {
		s.Process, s.Session = known(view.Session.State.Autosave), known(view.Session.Dir.Path())
	}
	if format == "json" {
		if a.objects() {
			return a.emit("autosave", s.object())
		}
		return printJSON(a.out, s)
	}
	fmt.Fprintf(a.out, "mode      %s\nuser      %s\n", s.Mode, s.User)
	if s.Process != nil {
		fmt.Fprintf(a.out, "process   %s\n", *s.Process)
	}
	fmt.Fprintf(a.out, "contexts  %s\nsettings  %s\ncache     %s\n", s.ContextsDir, s.Settings, s.Cache)
	if s.Session != nil {
		fmt.Fprintf(a.out, "session   %s\n", *s.Session)
	}
	return nil
}

// keep puts contexts where new ones go: with scope said, there; else where
// autosave says. It fails where that is a session and this process has none.
func (a *app) keep(view *session.View, scope session.Scope, contexts []azure.Context, m mutation) error {
	where, why := a.whereNew(*view, scope)
	entries := make([]store.Entry, 0, len(contexts))
	if where == session.Process {
		if !a.evals() {
			return a.needsFunction()
		}
		return a.changeSession(view, func(tx *store.Tx, _ *session.State) error {
			for _, c := range contexts {
				if err := a.free(tx, c, "", m); err != nil {
					return err
				}
				e, err := tx.Get(c.Name)
				if err != nil || !e.SameIdentity(c) {
					e = store.Entry{}
				}
				e.Context, e.Unsaved = c, why
				if err := tx.Put(e); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := a.saved.Update(func(tx *store.Tx) error {
		for _, c := range contexts {
			if err := a.free(tx, c, "", m); err != nil {
				return err
			}
			e, err := tx.Get(c.Name)
			if err != nil || !e.SameIdentity(c) {
				e = store.Entry{}
			}
			e.Context = c
			if err := tx.Put(e); err != nil {
				return err
			}
			entries = append(entries, e)
		}
		return nil
	})
	if err != nil || view.Session == nil {
		return err
	}
	return a.uncover(view, entries)
}

// whereNew says where a new context is kept, and why there where it is not
// saved.
func (a *app) whereNew(view session.View, scope session.Scope) (session.Scope, string) {
	switch {
	case scope == session.Process:
		return session.Process, "scope"
	case scope == "" && view.AutosaveOff():
		return session.Process, "autosave"
	}
	return session.User, ""
}

// uncover lets this session see what it has just saved, where its own overlay
// would hide it.
func (a *app) uncover(view *session.View, saved []store.Entry) error {
	covered := false
	for _, e := range saved {
		_, scope, err := view.Get(e.Name)
		covered = covered || err != nil || scope == session.Process
	}
	if !covered || !a.evals() || view.Session == nil {
		return nil
	}
	return a.changeSession(view, func(tx *store.Tx, state *session.State) error {
		for _, e := range saved {
			state.Show(e.Name)
			tx.Remove(e.Name)
		}
		return nil
	})
}
