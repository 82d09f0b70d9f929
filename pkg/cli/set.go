package cli

import (
	"errors"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/session"
	"github.com/az-ctx/az-ctx/pkg/vault"
)

type setArgs struct {
	subscription, tenant string // id, name or domain
	account              string // its id, where an object names it
	name                 string
	scope                session.Scope
	output               string
	mutation
}

func (a *app) setCommand() *cli.Command {
	return &cli.Command{
		Name: "set", Usage: "switch this shell to a subscription or tenant, and make a context for it where there is none",
		Flags: flags([]cli.Flag{
			&cli.StringFlag{Name: "subscription", Aliases: []string{"s"}, Usage: "its `ID` or name"},
			&cli.StringFlag{Name: "tenant", Aliases: []string{"t"}, Usage: "its `ID`, name or domain"},
			&cli.StringFlag{Name: "name", Usage: "the context's `NAME`"},
		}, scopeFlag, inputObjectFlag, outputFlag, mutationFlags),
		Action: func(c *cli.Context) error {
			if err := noArgs(c); err != nil {
				return err
			}
			args := setArgs{subscription: c.String("subscription"), tenant: c.String("tenant"), name: c.String("name"), mutation: a.mutationOf(c)}
			if c.IsSet("name") {
				if err := validName(args.name); err != nil {
					return err
				}
			}
			var err error
			if args.scope, err = scopeOf(c); err != nil {
				return err
			}
			if args.output, err = outputOf(c); err != nil {
				return err
			}
			object, ok, err := a.inputObject(c)
			if err != nil {
				return err
			}
			if ok {
				object.into(&args)
			}
			if args.subscription == "" && args.tenant == "" {
				return usage("set needs --subscription or --tenant").withTry("az-ctx set --subscription NAME")
			}
			return a.runSet(args)
		},
	}
}

// into reads a context, a subscription or a tenant: a context has an account
// and a tenant, a subscription a tenant's id or a state.
func (o inputObject) into(args *setArgs) {
	switch {
	case o.Account != nil && o.Tenant != nil:
		args.account, args.tenant = o.Account.ID, o.Tenant.ID
		if o.Subscription != nil {
			args.subscription = o.Subscription.ID
		}
		if args.name == "" {
			args.name = o.Name
		}
	case o.TenantID != "" || o.State != nil:
		args.subscription, args.tenant = o.ID, o.TenantID
	default:
		args.tenant = o.ID
	}
}

func (a *app) runSet(args setArgs) error {
	view, err := a.view()
	if err != nil {
		return err
	}
	items, _, err := view.List()
	if err != nil {
		return err
	}
	active, _, err := a.activeContext()
	if err != nil {
		return err
	}
	wanted, err := a.resolve(items, active, args)
	if unknown := (*failure)(nil); errors.As(err, &unknown) && unknown.status == exitNotFound && args.subscription != "" {
		wanted, err = a.resolveOnline(active, args, err)
	}
	if err != nil {
		return err
	}
	chosen, isNew, err := chooseName(view, items, active, wanted, args.name)
	if err != nil {
		return err
	}
	if how := chosen.Account.SignIn; how != nil && vault.EndsWithSession(how.Holder) {
		// What is saved would point at a sign-in that ends with its session.
		if args.scope == session.User {
			return usage("the sign-in of %s ends with its terminal, so new terminals can't start with it", printable(chosen.Account.ID))
		}
		args.scope = session.Process
	}
	if err := a.scopeFits(args.scope); err != nil {
		return err
	}
	if args.whatIf {
		if isNew {
			a.would("make context %s: %s", printable(chosen.Name), line(chosen.Context))
		}
		a.would("switch this shell to %s", printable(chosen.Name))
		return nil
	}
	if isNew {
		chosen.Scope, _ = a.whereNew(view, args.scope)
		if err := a.mayReplace(view, chosen.Scope, chosen.Context, args.mutation, ""); err != nil {
			return err
		}
	}
	if args.scope == session.User && chosen.Scope == session.Process {
		return onlyHere(chosen)
	}
	if s := chosen.Subscription; s != nil && !s.Usable() {
		a.warn("subscription %s is %s: what changes anything in it will fail", printable(s.Name), strings.ToLower(s.State))
	}
	if a.evals() { // first, for nothing that follows is left to fail
		if err := a.activate(view, target{context: &chosen.Context, scope: chosen.Scope, from: "selected"}); err != nil {
			return err
		}
	}
	if isNew {
		if err := a.keep(&view, args.scope, []azure.Context{chosen.Context}, args.mutation); err != nil {
			return err
		}
	}
	if args.scope == session.User {
		if err := a.setDefault(chosen.Name); err != nil {
			return err
		}
	}
	if !a.evals() {
		a.notActiveHere("saved,")
	}
	if args.output != "" {
		return a.printContext(chosen, view, args.output)
	}
	return nil
}

// resolve finds the account, tenant and subscription that are meant, among what
// is known here: the contexts, and what was learned beside them.
func (a *app) resolve(items []session.Item, active *azure.Context, args setArgs) (azure.Context, error) {
	candidates := a.candidates(items)
	if args.account != "" {
		candidates = slices.DeleteFunc(candidates, func(c azure.Context) bool { return !strings.EqualFold(c.Account.ID, args.account) })
		if len(candidates) == 0 {
			return azure.Context{}, fail(exitNotFound, "no account %s is known here", printable(args.account))
		}
	}
	if active != nil {
		// The active account first: a switch of subscription is none of account.
		slices.SortStableFunc(candidates, func(x, y azure.Context) int {
			return rank(!x.Account.Same(active.Account)) - rank(!y.Account.Same(active.Account))
		})
	}
	tenants := func(c azure.Context) bool { return args.tenant == "" || isTenant(c.Tenant, args.tenant) }
	var inTenant []azure.Context
	for _, c := range candidates {
		if tenants(c) {
			inTenant = append(inTenant, c)
		}
	}
	if len(candidates) == 0 {
		return azure.Context{}, fail(exitNotFound, "no account is known here").withTry("az-ctx connect")
	}
	if len(inTenant) == 0 {
		var names []string
		for _, c := range candidates {
			names = append(names, c.Tenant.Label())
		}
		return azure.Context{}, fail(exitNotFound, "no tenant %s is known here%s", printable(args.tenant), nearText(near(args.tenant, unique(names))))
	}
	if args.subscription == "" {
		return ofTenant(inTenant, active), nil
	}
	var found []azure.Context
	for _, c := range inTenant {
		if s := c.Subscription; s != nil && (strings.EqualFold(s.ID, args.subscription) || azure.Fold(s.Name) == azure.Fold(args.subscription)) {
			found = append(found, c)
		}
	}
	if len(found) == 0 {
		var names []string
		for _, c := range inTenant {
			if c.Subscription != nil {
				names = append(names, c.Subscription.Name)
			}
		}
		return azure.Context{}, fail(exitNotFound, "no subscription %s is known here%s", printable(args.subscription), nearText(near(args.subscription, unique(names)))).
			withTry("az-ctx import --from az    # after az login, where it is new")
	}
	slices.SortStableFunc(found, func(x, y azure.Context) int { return away(x) - away(y) })
	chosen := found[0]
	if active != nil {
		if i := slices.IndexFunc(found, func(c azure.Context) bool { return c.Account.Same(active.Account) && away(c) == away(chosen) }); i >= 0 {
			chosen = found[i]
		}
	}
	if slices.ContainsFunc(found, func(c azure.Context) bool { return !strings.EqualFold(c.SubscriptionID(), chosen.SubscriptionID()) }) {
		a.warn("several subscriptions are named %s; taking %s in %s", printable(args.subscription), chosen.SubscriptionID(), chosen.Tenant.Label())
	}
	return chosen, nil
}

func rank(last bool) int {
	if last {
		return 1
	}
	return 0
}

// away is how far a subscription is from home, for the choice between several
// of one name: managed from another tenant than its own, or in another tenant
// than the account's own, where that is known.
func away(c azure.Context) int {
	_, home, known := strings.Cut(c.Account.HomeAccountID, ".")
	managed := c.Subscription.HomeTenantID != "" && !strings.EqualFold(c.Subscription.HomeTenantID, c.Tenant.ID)
	return 2*rank(managed) + rank(known && !strings.EqualFold(home, c.Tenant.ID))
}

func isTenant(t azure.Tenant, text string) bool {
	return strings.EqualFold(t.ID, text) || t.Name != "" && azure.Fold(t.Name) == azure.Fold(text) || t.Domain != "" && strings.EqualFold(t.Domain, text)
}

// ofTenant is what a tenant alone stands for: where this shell is, if that is
// in it, else its first usable subscription by name, else the tenant alone.
func ofTenant(candidates []azure.Context, active *azure.Context) azure.Context {
	if active != nil {
		for _, c := range candidates {
			if c.SameIdentity(*active) {
				return c
			}
		}
	}
	account := candidates[0].Account
	best := candidates[0]
	best.Subscription = nil
	for _, c := range candidates {
		if !c.Account.Same(account) || !strings.EqualFold(c.Tenant.ID, best.Tenant.ID) || c.Subscription == nil || !c.Subscription.Usable() {
			continue
		}
		if best.Subscription == nil || azure.Fold(c.Subscription.Name) < azure.Fold(best.Subscription.Name) {
			best = c
		}
	}
	return best
}

// candidates is what is known here of accounts, tenants and subscriptions, each
// identity once: that of the contexts first.
func (a *app) candidates(items []session.Item) []azure.Context {
	var all []azure.Context
	seen := map[string]bool{}
	add := func(c azure.Context) {
		key := strings.ToLower(strings.Join([]string{c.Environment, c.Account.ID, c.Account.TenantID, c.Tenant.ID, c.SubscriptionID()}, "\x00"))
		if !seen[key] {
			seen[key] = true
			c.Name = ""
			all = append(all, c)
		}
	}
	for _, item := range items {
		add(item.Context)
	}
	for _, k := range a.cache.All() {
		c := azure.Context{Account: k.Account, Tenant: k.Tenant, Environment: k.Environment}
		// An account that no context has any more was signed out.
		i := slices.IndexFunc(items, func(i session.Item) bool {
			return i.Account.Same(k.Account) && strings.EqualFold(i.Environment, k.Environment)
		})
		if i < 0 {
			continue
		}
		c.Account = items[i].Account
		for _, s := range k.Subscriptions {
			c.Subscription = &s
			add(c)
		}
		c.Subscription = nil
		add(c)
	}
	return all
}

func unique(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

// chooseName finds the context for an identity, by the contract's order: the
// name that was said; else the active context, the default name, the first by
// name that has it; else a new one of the default name.
func chooseName(view session.View, items []session.Item, active *azure.Context, wanted azure.Context, name string) (chosen session.Item, isNew bool, err error) {
	byName := func(name string) (session.Item, bool) {
		i := slices.IndexFunc(items, func(i session.Item) bool { return azure.Fold(i.Name) == azure.Fold(name) })
		if i < 0 {
			return session.Item{}, false
		}
		return items[i], true
	}
	chosen.Context = wanted
	if name != "" {
		if there, ok := byName(name); ok && there.SameIdentity(wanted) {
			return there, false, nil
		}
		chosen.Name = name
		return chosen, true, nil
	}
	if active != nil && active.SameIdentity(wanted) {
		if there, ok := byName(active.Name); ok && there.SameIdentity(wanted) {
			return there, false, nil
		}
	}
	defaultName := wanted.DefaultName(func(n string) bool {
		there, ok := byName(n)
		return ok && !there.SameIdentity(wanted)
	})
	if there, ok := byName(defaultName); ok && there.SameIdentity(wanted) {
		return there, false, nil
	}
	for _, item := range items {
		if item.SameIdentity(wanted) {
			return item, false, nil
		}
	}
	chosen.Name = defaultName
	return chosen, true, nil
}
