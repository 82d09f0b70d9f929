package cli

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/adrg/xdg"
	"github.com/urfave/cli/v2"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/interop/azcli"
	"github.com/az-ctx/az-ctx/pkg/interop/azps"
	"github.com/az-ctx/az-ctx/pkg/session"
	"github.com/az-ctx/az-ctx/pkg/store"
)

type importArgs struct {
	file   string
	from   string
	scope  session.Scope
	output string
	tokens bool // take over az's refresh tokens and secrets too
	mutation
}

func (a *app) importCommand() *cli.Command {
	return &cli.Command{
		Name: "import", Usage: "take contexts over: from a file, from az's sign-in, from Azure PowerShell's", ArgsUsage: "[FILE]",
		Flags: flags([]cli.Flag{
			&cli.StringFlag{Name: "from", Usage: "`WHOSE` sign-in: az or azps"},
			&cli.BoolFlag{Name: "with-tokens", Usage: "take over az's refresh tokens and secrets, into the keychain", DisableDefaultText: true},
		}, scopeFlag, outputFlag, mutationFlags),
		Action: func(c *cli.Context) error {
			args := importArgs{from: c.String("from"), tokens: c.Bool("with-tokens"), mutation: a.mutationOf(c)}
			switch {
			case c.Args().Len() > 1:
				return usage("import takes one file")
			case args.from != "" && c.Args().Present():
				return usage("import takes a file or --from, not both")
			case args.from == "" && !c.Args().Present():
				return usage("import needs a file, --from az or --from azps").withTry("az-ctx import --from az")
			case args.from != "" && args.from != "az" && args.from != "azps":
				return usage("can't import from %s; one of az, azps", printable(args.from))
			}
			if args.tokens && args.from != "az" {
				return usage("--with-tokens goes with --from az")
			}
			args.file = c.Args().First()
			var err error
			if args.scope, err = scopeOf(c); err != nil {
				return err
			}
			if args.output, err = outputOf(c); err != nil {
				return err
			}
			return a.runImport(args)
		},
	}
}

// found is what an import read: contexts, some of them still without a name.
type found struct {
	contexts []azure.Context
	active   int // index of the one to activate, -1 for none
	clouds   []azure.Cloud
	whose    string // what is said of them
	local    bool   // they hold as long as this session alone
}

func (a *app) runImport(args importArgs) error {
	view, err := a.view()
	if err != nil {
		return err
	}
	if err := a.scopeFits(args.scope); err != nil {
		return err
	}
	f, err := a.readImport(args)
	if err != nil {
		return err
	}
	if f.local {
		if args.scope == session.User {
			return usage("az signed in to a directory that ends with this shell, so its contexts can't be kept for new terminals")
		}
		args.scope = session.Process
	}
	items, _, err := view.List()
	if err != nil {
		return err
	}
	describeTenants(items, f.contexts)
	chosen := nameAll(items, f.contexts)
	scope, _ := a.whereNew(view, args.scope)
	if err := a.scopeFits(scope); err != nil {
		return err
	}
	if args.tokens {
		if err := a.checkTokens(f.contexts); err != nil {
			return err
		}
	}
	var fresh []azure.Context
	for i, c := range chosen {
		if err := a.mayReplace(view, scope, c, args.mutation, ""); err != nil {
			return err
		}
		there := slices.IndexFunc(items, func(it session.Item) bool { return azure.Fold(it.Name) == azure.Fold(c.Name) && it.SameIdentity(c) })
		if there >= 0 {
			c = merge(items[there].Context, c)
			chosen[i] = c
		}
		fresh = append(fresh, c)
	}
	item := session.Item{Scope: scope}
	later := view
	later.Settings = withClouds(view.Settings, f.clouds)
	if f.active >= 0 {
		item.Context = chosen[f.active]
		if _, err := later.Settings.Cloud(item.Environment); err != nil {
			return err
		}
	}
	if args.whatIf {
		for _, c := range fresh {
			a.would("keep %s: %s", printable(c.Name), line(c))
		}
		return nil
	}
	if args.tokens {
		if err := a.takeOver(view, scope, later.Settings, fresh, chosen); err != nil {
			return err
		}
		if f.active >= 0 {
			item.Context = chosen[f.active]
		}
	}
	a.learn(learned(f.contexts))
	if f.active >= 0 && a.evals() { // before anything is saved, for nothing that follows is left to fail
		if err := a.activate(later, target{context: &item.Context, scope: scope, from: "selected"}); err != nil {
			return err
		}
	}
	if err := a.addClouds(f.clouds, &view); err != nil {
		return err
	}
	if err := a.keep(&view, args.scope, fresh, args.mutation); err != nil {
		return err
	}
	a.say("%s", f.whose)
	for _, c := range f.clouds {
		a.say("environment %s signs in at %s", printable(c.Name), c.Authority)
	}
	if f.active < 0 {
		return nil
	}
	if args.scope == session.User {
		if err := a.setDefault(item.Name); err != nil {
			return err
		}
	}
	if !a.evals() {
		a.notActiveHere("saved,")
	}
	if a.switched != "" {
		a.switched = "active here: " + cell(item.Name)
		if view.Settings.Default == "" && scope == session.User && args.scope != session.User {
			a.switched += "\nnew terminals too: az-ctx select --scope user " + word(item.Name)
		}
	}
	if args.output != "" {
		return a.printContext(item, view, args.output)
	}
	return nil
}

func (a *app) readImport(args importArgs) (found, error) {
	switch args.from {
	case "az":
		return a.readAz()
	case "azps":
		path, err := azps.AutosavedFile(xdg.Home)
		if err != nil {
			return found{}, err
		}
		f, err := readAzps(path)
		if errors.Is(err, fs.ErrNotExist) {
			return f, fail(exitSignIn, "Azure PowerShell has no contexts saved at %s", path).withTry("Connect-AzAccount")
		}
		return f, err
	}
	return a.readFile(args.file)
}

// readAz reads an existing az login: this session's own directory first, if az
// signed in there, else the user's.
func (a *app) readAz() (found, error) {
	dir, local := a.azDirectory(), false
	if act, err := a.active(); err != nil {
		return found{}, err
	} else if act != nil {
		changes, err := azcli.Changes(act.AzDir(), act.Context, azcli.Written)
		if err == nil && slices.ContainsFunc(changes, func(c azcli.Change) bool { return c.Kind == azcli.SignedIn }) {
			dir, local = act.AzDir(), true
		}
	}
	profile, err := azcli.Read(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return found{}, fail(exitSignIn, "az is not signed in: there is no %s/azureProfile.json", dir).withTry("az login")
	}
	if err != nil {
		return found{}, err
	}
	f := found{active: -1, clouds: profile.Clouds, local: local}
	accounts, tenants := map[string]bool{}, map[string]bool{}
	subscriptions := 0
	for i, c := range profile.Contexts {
		if c.Account.Type == azure.ManagedIdentity {
			continue // its tokens are this machine's, and az's entry holds nothing of them
		}
		f.contexts = append(f.contexts, c)
		accounts[c.Account.ID], tenants[c.Tenant.ID] = true, true
		if c.Subscription != nil {
			subscriptions++
		}
		if i == profile.Default {
			f.active = len(f.contexts) - 1
		}
	}
	if len(f.contexts) == 0 {
		return found{}, fail(exitSignIn, "az is not signed in: %s/azureProfile.json names no account", dir).withTry("az login")
	}
	f.whose = fmt.Sprintf("%s of %s in %s, borrowed from az's sign-in", count(subscriptions, "subscription"), who(accounts), count(len(tenants), "tenant"))
	return f, nil
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func who(accounts map[string]bool) string {
	if len(accounts) > 1 {
		return count(len(accounts), "account")
	}
	for id := range accounts {
		return cell(id)
	}
	return "nobody"
}

// readFile reads a saved file: our own form, or that of Save-AzContext.
func (a *app) readFile(path string) (found, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return found{}, fail(exitFailed, "there is no file %s", cell(path))
	}
	if err != nil {
		return found{}, fmt.Errorf("reading the file: %w", err)
	}
	var head struct {
		Format string `json:"format"`
	}
	if json.Unmarshal(bytes.TrimPrefix(raw, []byte("\ufeff")), &head) == nil && head.Format == fileFormat {
		return a.decodeFile(path, raw)
	}
	return readAzps(path)
}

func readAzps(path string) (found, error) {
	file, err := azps.ReadFile(path)
	if err != nil {
		return found{}, err
	}
	if err := checkClouds(path, file.Clouds); err != nil {
		return found{}, err
	}
	f := found{contexts: file.Contexts, clouds: file.Clouds, active: -1, whose: count(len(file.Contexts), "context") + " imported"}
	for i, c := range f.contexts {
		if c.Name == file.Default {
			f.active = i
		}
	}
	return f, nil
}

// merge is an imported context over the one of that name and identity. What
// the import does not know stays, and a sign-in of our own is not given up for
// a borrowed one.
func merge(there, imported azure.Context) azure.Context {
	c := imported
	c.Name = there.Name
	if there.Account.HomeAccountID != "" && c.Account.HomeAccountID == "" {
		c.Account.HomeAccountID = there.Account.HomeAccountID
	}
	if there.Account.SignIn != nil || c.Account.Borrowed == nil {
		c.Account = there.Account
	}
	return c
}

// describeTenants has one tenant go by one name: az knows it for the users in it
// alone, and not for a service principal.
func describeTenants(items []session.Item, contexts []azure.Context) {
	known := map[string]azure.Tenant{}
	note := func(t azure.Tenant) {
		id := strings.ToLower(t.ID)
		k := known[id]
		known[id] = azure.Tenant{Name: cmp.Or(k.Name, t.Name), Domain: cmp.Or(k.Domain, t.Domain)}
	}
	for _, c := range contexts {
		note(c.Tenant)
	}
	for _, item := range items {
		note(item.Tenant)
	}
	for i := range contexts {
		t := &contexts[i].Tenant
		k := known[strings.ToLower(t.ID)]
		t.Name, t.Domain = cmp.Or(t.Name, k.Name), cmp.Or(t.Domain, k.Domain)
	}
}

// nameAll gives each context without a name the one that its identity has
// already, else its default name.
func nameAll(items []session.Item, contexts []azure.Context) []azure.Context {
	key := func(c azure.Context) string {
		return strings.ToLower(strings.Join([]string{c.Environment, c.Tenant.ID, c.SubscriptionID()}, "\x00"))
	}
	named := map[string]azure.Context{}
	groups := map[string][]azure.Context{}
	for _, item := range items {
		named[azure.Fold(item.Name)] = item.Context
		groups[key(item.Context)] = append(groups[key(item.Context)], item.Context)
	}
	out := make([]azure.Context, len(contexts))
	for i, c := range contexts {
		if c.Name == "" {
			j := slices.IndexFunc(groups[key(c)], func(k azure.Context) bool { return k.SameIdentity(c) })
			if j >= 0 {
				c.Name = groups[key(c)][j].Name
			} else {
				c.Name = c.DefaultName(func(n string) bool {
					there, ok := named[azure.Fold(n)]
					return ok && !there.SameIdentity(c)
				})
			}
		}
		named[azure.Fold(c.Name)] = c
		out[i] = c
	}
	return out
}

// learned groups contexts by account and tenant, for the cache.
func learned(contexts []azure.Context) []store.Known {
	index := map[string]int{}
	var all []store.Known
	for _, c := range contexts {
		key := strings.ToLower(strings.Join([]string{c.Environment, c.Account.ID, c.Account.TenantID, c.Tenant.ID}, "\x00"))
		i, ok := index[key]
		if !ok {
			i = len(all)
			index[key] = i
			all = append(all, store.Known{Account: c.Account, Environment: c.Environment, Tenant: c.Tenant})
		}
		if c.Subscription != nil {
			all[i].Subscriptions = append(all[i].Subscriptions, *c.Subscription)
		}
	}
	return all
}

// withClouds are the settings as they are once the clouds are in them.
func withClouds(s store.Settings, clouds []azure.Cloud) store.Settings {
	s.Environments = append(slices.Clone(s.Environments), clouds...)
	return s
}

// addClouds keeps the clouds that an import brought along and that are not
// known here.
func (a *app) addClouds(clouds []azure.Cloud, view *session.View) error {
	var unknown []azure.Cloud
	for _, c := range clouds {
		if _, err := view.Settings.Cloud(c.Name); err != nil {
			unknown = append(unknown, c)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	view.Settings.Environments = append(view.Settings.Environments, unknown...)
	return a.saved.Update(func(tx *store.Tx) error {
		return tx.Settings(func(s *store.Settings) { s.Environments = append(s.Environments, unknown...) })
	})
}
