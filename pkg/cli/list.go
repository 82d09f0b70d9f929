package cli

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/export"
	"github.com/az-ctx/az-ctx/pkg/session"
	"github.com/az-ctx/az-ctx/pkg/store"
)

func (a *app) listCommand() *cli.Command {
	return &cli.Command{
		Name: "list", Aliases: []string{"ls"}, Usage: "show the contexts that this shell can switch to",
		Flags:  flags(outputFlag, quietFlag),
		Action: a.printing(func(_ *cli.Context, format string) error { return a.runList(format) }),
	}
}

func (a *app) runList(format string) error {
	view, err := a.view()
	if err != nil {
		return err
	}
	items, broken, err := view.List()
	if err != nil {
		return err
	}
	active, _, err := a.activeContext()
	if err != nil {
		return err
	}
	for _, b := range broken {
		a.warn("%s", b.Err)
	}
	if n := view.HiddenByAutosave(); n > 0 {
		a.say("%d saved contexts are left out, because autosave is off", n)
	}
	a.noteChanges()
	rows := make([]row, len(items))
	for i, item := range items {
		rows[i] = a.rowOf(item, view, active)
	}
	if a.objects() { // the module's view is grouped by tenant
		slices.SortStableFunc(rows, func(x, y row) int {
			return cmp.Or(strings.Compare(azure.Fold(x.Tenant.Label()), azure.Fold(y.Tenant.Label())), strings.Compare(x.Tenant.ID, y.Tenant.ID))
		})
	}
	switch format {
	case "json":
		documents := make([]document, len(rows))
		for i, r := range rows {
			documents[i] = r.document()
		}
		if a.objects() {
			return emitAll(a, "context", documents)
		}
		return printJSON(a.out, documents)
	case "name":
		for _, r := range rows {
			if _, err := fmt.Fprintln(a.out, r.Name); err != nil {
				return err
			}
		}
		return nil
	}
	if len(rows) == 0 {
		a.say("no contexts yet\n  try: az-ctx import --from az")
		return nil
	}
	a.printList(rows)
	return nil
}

func (a *app) printList(rows []row) {
	names := column{title: "  NAME", order: mostWanted, least: 22}
	subs := column{title: "SUBSCRIPTION", order: 3, least: 12}
	tenants := column{title: "TENANT", order: 1, least: 8}
	accounts := column{title: "ACCOUNT", order: 2, least: 8}
	signIns := column{title: "SIGN-IN"}
	notes := column{}
	for _, r := range rows {
		mark := "  "
		if r.active {
			mark = "* "
		}
		names.cells = append(names.cells, mark+cell(r.Name))
		sub := ""
		if r.Subscription != nil {
			sub = cell(r.Subscription.Name)
		}
		subs.cells = append(subs.cells, sub)
		tenants.cells = append(tenants.cells, cell(r.Tenant.Label()))
		accounts.cells = append(accounts.cells, cell(r.Account.ID))
		signIns.cells = append(signIns.cells, signInText(r))
		notes.cells = append(notes.cells, noteText(r))
	}
	names.style = func(n int) string {
		if rows[n].active {
			return "\x1b[1m"
		}
		return ""
	}
	signIns.style = func(n int) string {
		if signIn(rows[n].Account) == "needed" {
			return "\x1b[33m"
		}
		return ""
	}
	notes.style = func(n int) string {
		if isProduction(rows[n].Context) {
			return "\x1b[31m"
		}
		return ""
	}
	printTable(a.out, []column{names, subs, tenants, accounts, signIns, notes}, a.width(), a.colours())
}

func signInText(r row) string {
	if r.Scope == session.Process {
		return "this shell"
	}
	return signIn(r.Account)
}

func noteText(r row) string {
	text := ""
	add := func(s string) {
		if text != "" {
			text += ", "
		}
		text += s
	}
	if isProduction(r.Context) {
		add("production")
	}
	if r.Subscription != nil && !r.Subscription.Usable() {
		add(cell(r.Subscription.State))
	}
	if r.isDefault {
		add("default")
	}
	return text
}

func (a *app) getCommand() *cli.Command {
	return &cli.Command{
		Name: "get", Usage: "show one context, or the active one", ArgsUsage: "[NAME]",
		Flags: flags(nameFlag, outputFlag, quietFlag),
		Action: func(c *cli.Context) error {
			a.quiet = c.Bool("quiet")
			format, err := outputOf(c)
			if err != nil {
				return err
			}
			name, err := a.oneName(c)
			if err != nil {
				return err
			}
			if name == "" {
				return a.runCurrent(format)
			}
			return a.runGet(name, format)
		},
	}
}

func (a *app) runGet(name, format string) error {
	view, err := a.view()
	if err != nil {
		return err
	}
	item, err := a.find(view, name)
	if err != nil {
		return err
	}
	return a.printContext(item, view, format)
}

func (a *app) currentCommand() *cli.Command {
	return &cli.Command{
		Name: "current", Usage: "show the context that this shell is in",
		Flags:  flags(outputFlag, quietFlag),
		Action: a.printing(func(_ *cli.Context, format string) error { return a.runCurrent(format) }),
	}
}

// runCurrent shows what the activation itself holds, whatever became of the
// file of that name.
func (a *app) runCurrent(format string) error {
	act, err := a.active()
	if err != nil || act == nil {
		return err
	}
	if act.Context == nil {
		a.say("signed out: the active context was removed\n  try: az-ctx select NAME   or   az-ctx deselect")
		return nil
	}
	view, err := a.view()
	if err != nil {
		return err
	}
	item := session.Item{Scope: act.Scope}
	item.Context = *act.Context
	if e, scope, err := view.Get(act.Context.Name); err == nil && e.SameIdentity(*act.Context) {
		item.Scope = scope // it may have been saved since
	}
	a.noteChanges()
	return a.printContext(item, view, format)
}

// noteChanges says what has become of the active context elsewhere, and which
// of its variables were changed here.
func (a *app) noteChanges() {
	act, err := a.active()
	if err != nil || act == nil {
		return
	}
	for _, name := range act.Owned.Drifted(a.get) {
		a.warn("%s was changed here%s", name, saysText(act.Context))
	}
	if act.Context == nil {
		return
	}
	view, err := a.view()
	if err != nil {
		return
	}
	e, _, err := view.Get(act.Context.Name)
	switch {
	case errors.Is(err, store.ErrNotFound):
		a.warn("context %s was removed or renamed elsewhere; this shell is still on it\n  try: az-ctx select NAME", printable(act.Context.Name))
	case err == nil && !e.SameIdentity(*act.Context):
		a.warn("context %s was replaced elsewhere; this shell is still on %s\n  try: az-ctx select %s", printable(e.Name), line(*act.Context), word(e.Name))
	}
}

func saysText(c *azure.Context) string {
	if c == nil {
		return ", az-ctx says signed out"
	}
	return ", az-ctx says " + cell(label(*c))
}

func (a *app) promptCommand() *cli.Command {
	return &cli.Command{
		Name: "prompt", Usage: "print the active context's name, safe for any prompt; $" + export.Prompt + " costs no process",
		Action: func(c *cli.Context) error {
			if err := noArgs(c); err != nil {
				return err
			}
			act, err := a.active()
			if err != nil || act == nil || act.Context == nil {
				return err
			}
			mark := ""
			if len(act.Owned.Drifted(a.get)) > 0 {
				mark = "!"
			}
			_, err = fmt.Fprintln(a.out, export.PromptSafe(act.Context.Name)+mark)
			return err
		},
	}
}
