package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/az-ctx/az-ctx/pkg/agent"
	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/export"
	"github.com/az-ctx/az-ctx/pkg/interop/azcli"
	"github.com/az-ctx/az-ctx/pkg/process"
	"github.com/az-ctx/az-ctx/pkg/session"
	"github.com/az-ctx/az-ctx/pkg/store"
)

// hookCommand is what the prompt hooks call: `first` at a shell's first prompt,
// `check` where something that they watch has changed.
func (a *app) hookCommand() *cli.Command {
	return &cli.Command{
		Name: "hook", Hidden: true,
		Action: func(c *cli.Context) error {
			if a.wrapper == nil || !a.wrapper.eval {
				return usage("hook is for az-ctx's shell functions")
			}
			switch c.Args().First() {
			case "first":
				return a.runFirstPrompt()
			case "check":
				return a.runCheck()
			}
			return usage("no hook %s", printable(c.Args().First()))
		},
	}
}

// runFirstPrompt begins the shell's session: with what it inherited from a live
// ancestor, else with the user default.
func (a *app) runFirstPrompt() error {
	in, err := a.inherit()
	if err != nil {
		return err
	}
	view, err := a.view()
	if err != nil {
		return err
	}
	if view, err = a.begin(view); err != nil {
		return err
	}
	switch {
	case in.counts && in.ref.Session == view.Session.ID:
		// The same shell: a verb in its start file, or `exec zsh`.
		if in.activation != nil {
			a.watch(*in.activation)
		}
		return nil
	case in.counts && in.activation != nil:
		return a.activate(view, inheritedFrom(in.activation))
	}
	var was string
	if in.named && !in.counts {
		was, _ = a.get(export.Name)
	}
	item, err := a.defaultContext(view)
	switch {
	case err == nil:
		if err := a.activate(view, target{context: &item.Context, scope: item.Scope, from: "default"}); err != nil {
			return err
		}
		a.switched = ""
	case errors.Is(err, store.ErrNotFound):
		a.dropForeign(in, view)
	default:
		return err
	}
	if in.named && !in.counts && was != "" && azure.Fold(was) != azure.Fold(item.Name) {
		a.say("%s; its variables came from another terminal (%s)", defaultText(item), cell(was))
	}
	return nil
}

func defaultText(item session.Item) string {
	if item.Name == "" {
		return "this shell is on no context"
	}
	return "this shell is on " + cell(item.Name) + ", the default"
}

// defaultContext is what new shells start with; store.ErrNotFound where there
// is none, or the session doesn't see it.
func (a *app) defaultContext(view session.View) (session.Item, error) {
	if view.Settings.Default == "" {
		return session.Item{}, store.ErrNotFound
	}
	e, scope, err := view.Get(view.Settings.Default)
	return session.Item{Entry: e, Scope: scope}, err
}

// dropForeign gives the shell its own environment back where the variables in
// it came from another terminal, and leaves it a name for its own session.
func (a *app) dropForeign(in inherited, view session.View) {
	plan := a.plan()
	if in.named {
		plan.Deselect(a.ownedBefore(in))
	}
	if view.Session.Matters() {
		plan.Set(export.Session, view.Session.Ref().String())
	}
}

// runCheck looks at what changed since the last prompt: variables, az's own
// directory, the agent.
func (a *app) runCheck() error {
	in, err := a.inherit()
	if err != nil {
		return err
	}
	if in.activation == nil {
		return a.remake(in)
	}
	act := *in.activation
	plan := a.plan()
	a.noteDrift(plan, act)
	if act.NamesOnly {
		return nil
	}
	if err := a.noteAz(act); err != nil {
		return err
	}
	if a.needsKeys(act) {
		if err := a.rekey(plan, &act); err != nil {
			return err
		}
	}
	return nil
}

// noteDrift names the variables that were changed behind our back, and marks
// the prompt's name.
func (a *app) noteDrift(plan *export.Plan, act session.Activation) {
	if act.Context == nil {
		return
	}
	prompt := export.PromptSafe(act.Context.Name)
	if names := act.Owned.Drifted(a.get); len(names) > 0 {
		for _, name := range names {
			a.warn("%s was changed here%s", name, saysText(act.Context))
		}
		prompt += "!"
	}
	if now, _ := a.get(export.Prompt); now != prompt {
		plan.Set(export.Prompt, prompt)
	}
}

// noteAz says what az itself did to its directory: a sign-in, another
// subscription, another cloud, a setting.
func (a *app) noteAz(act session.Activation) error {
	// What az writes from here on is for the next look.
	newest := markTime(act)
	for _, name := range azcli.Watched {
		if info, err := os.Stat(filepath.Join(act.AzDir(), name)); err == nil && info.ModTime().After(newest) {
			newest = info.ModTime()
		}
	}
	changes, err := azcli.Changes(act.AzDir(), act.Context, markTime(act))
	if errors.Is(err, fs.ErrNotExist) {
		return a.makeAzDir(&act)
	}
	if err != nil {
		return err
	}
	for _, change := range changes {
		a.sayAz(act, change)
	}
	return mark(act, newest)
}

// markTime is up to when what az did in its directory was looked at.
func markTime(act session.Activation) time.Time {
	info, err := os.Stat(filepath.Join(act.Dir, markFile))
	if err != nil {
		return azcli.Written
	}
	return info.ModTime()
}

// sayAz says one thing that az did, with the commands to choose from.
func (a *app) sayAz(act session.Activation, change azcli.Change) {
	says := "signed out"
	back := "az-ctx select NAME"
	if act.Context != nil {
		says, back = label(*act.Context), "az-ctx select "+word(act.Context.Name)
	}
	switch change.Kind {
	case azcli.SignedIn:
		a.warn("az signed in%s here, az-ctx says %s; that sign-in ends with this context\n  try: %s   or   az-ctx import --from az", asText(change.What), says, back)
	case azcli.SignedOut:
		a.warn("az was signed out here, az-ctx says %s\n  try: %s", says, back)
	case azcli.Switched:
		a.warn("az was switched to %s here, az-ctx says %s\n  try: %s   or   az-ctx set --subscription %s", cell(change.What), says, back, word(change.ID))
	case azcli.CloudSet:
		a.warn("az was set to the cloud %s here, az-ctx says %s\n  try: %s", cell(change.What), says, back)
	case azcli.Configured:
		a.warn("az's setting %s was changed here and ends with this context\n  try: env AZURE_CONFIG_DIR=%s az config set …", cell(change.What), word(a.azDirectory()))
	}
}

func asText(account string) string {
	if account == "" {
		return ""
	}
	return " as " + cell(account)
}

// needsKeys reports whether the agent that gave the activation its keys is gone.
func (a *app) needsKeys(act session.Activation) bool {
	now, err := agent.ReadGeneration(a.place.Dir)
	if err != nil || now.ID != act.Agent {
		return true
	}
	_, err = process.Lookup(now.PID)
	return errors.Is(err, process.ErrGone)
}

// rekey registers the activation anew and moves the endpoint's variables on.
func (a *app) rekey(plan *export.Plan, act *session.Activation) error {
	endpoint, err := a.register(*act)
	if err != nil {
		return err
	}
	for name, text := range endpoint.Variables() {
		if now, ok := a.get(name); ok && !act.Owned.Has(name, now) {
			continue // the user's since; drift is theirs to settle
		}
		plan.Set(name, text)
	}
	renewed := export.Record(endpoint.Variables(), isSecret)
	for name, text := range renewed {
		act.Owned[name] = text
	}
	act.Agent = endpoint.Generation
	return act.Write()
}

// remake is for a shell whose activation vanished, its record too: the same
// context again, by what the shell's variables name.
func (a *app) remake(in inherited) error {
	name, ok := a.get(export.Name)
	if !ok || in.ref.Number == 0 {
		return nil
	}
	view, err := a.view()
	if err != nil {
		return err
	}
	item, err := a.find(view, name)
	if err != nil {
		return err
	}
	from, _ := a.get(export.From)
	if err := a.activate(view, target{context: &item.Context, scope: item.Scope, from: from}); err != nil {
		return err
	}
	a.switched = fmt.Sprintf("the directory of this shell's context vanished and was made again: %s", a.switched)
	return nil
}
