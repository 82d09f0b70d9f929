package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/az-ctx/az-ctx/pkg/agent"
	"github.com/az-ctx/az-ctx/pkg/arm"
	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/process"
	"github.com/az-ctx/az-ctx/pkg/secret"
	"github.com/az-ctx/az-ctx/pkg/session"
	"github.com/az-ctx/az-ctx/pkg/signin"
	"github.com/az-ctx/az-ctx/pkg/token"
	"github.com/az-ctx/az-ctx/pkg/vault"
)

type disconnectArgs struct {
	account, context, clientID, tenant string
	scope                              session.Scope
	mutation
}

func (a *app) disconnectCommand() *cli.Command {
	return &cli.Command{
		Name: "disconnect", Aliases: []string{"logout"}, Usage: "take an account's contexts away, with its tokens and secrets",
		Flags: flags([]cli.Flag{
			&cli.StringFlag{Name: "account", Usage: "the account of that `NAME` instead of the active one"},
			&cli.StringFlag{Name: "context", Usage: "the account of the context of that `NAME`"},
			&cli.StringFlag{Name: "client-id", Usage: "the service principal of that `ID`"},
			&cli.StringFlag{Name: "tenant", Usage: "the service principal's tenant"},
		}, scopeFlag, inputObjectFlag, mutationFlags),
		Action: func(c *cli.Context) error {
			if err := noArgs(c); err != nil {
				return err
			}
			args := disconnectArgs{account: c.String("account"), context: c.String("context"), clientID: c.String("client-id"), tenant: c.String("tenant"), mutation: a.mutationOf(c)}
			var err error
			if args.scope, err = scopeOf(c); err != nil {
				return err
			}
			object, ok, err := a.inputObject(c)
			if err != nil {
				return err
			}
			if ok {
				// A context has an account; what has none is an account itself.
				if object.Account != nil {
					args.account = object.Account.ID
				} else {
					args.account = object.ID
				}
			}
			if args.tenant != "" && args.clientID == "" {
				return usage("--tenant goes with --client-id")
			}
			return a.runDisconnect(args)
		},
	}
}

// runDisconnect removes every context of an account, and its secrets. One that
// is signed out already is no error.
func (a *app) runDisconnect(args disconnectArgs) error {
	view, err := a.view()
	if err != nil {
		return err
	}
	items, _, err := view.List()
	if err != nil {
		return err
	}
	account, ok, err := a.accountOf(view, items, args)
	if err != nil || !ok {
		return err
	}
	var gone []session.Item
	for _, item := range items {
		if item.Account.Same(account) {
			gone = append(gone, item)
		}
	}
	if err := a.scopeFits(args.scope); err != nil {
		return err
	}
	if args.whatIf {
		a.would("remove %s of %s, with its tokens and secrets", count(len(gone), "context"), cell(account.ID))
		return nil
	}
	names := make([]string, len(gone))
	for i, item := range gone {
		names[i] = item.Name
	}
	if len(names) == 0 {
		return nil
	}
	return a.runRemove(removeArgs{names: names, scope: args.scope, mutation: mutation{force: true}})
}

// accountOf finds the account that is meant; ok is false where nobody is signed
// in.
func (a *app) accountOf(view session.View, items []session.Item, args disconnectArgs) (account azure.Account, ok bool, err error) {
	switch {
	case args.context != "":
		item, err := a.find(view, args.context)
		return item.Account, err == nil, err
	case args.account != "" || args.clientID != "":
		for _, item := range items {
			named := args.account != "" && strings.EqualFold(item.Account.ID, args.account)
			client := args.clientID != "" && item.Account.Type == azure.ServicePrincipal && strings.EqualFold(item.Account.ID, args.clientID) &&
				(args.tenant == "" || strings.EqualFold(item.Account.TenantID, args.tenant) || isTenant(item.Tenant, args.tenant))
			if named || client {
				return item.Account, true, nil
			}
		}
		a.say("no context of %s is here", cell(args.account+args.clientID))
		return azure.Account{}, false, nil
	}
	active, _, err := a.activeContext()
	if err != nil || active == nil {
		return azure.Account{}, false, err
	}
	return active.Account, true, nil
}

// removeSecrets takes the secrets of contexts that go out of where they are
// held: each account's, and those of tenants that were signed in to by
// themselves. It tries all of them, whatever fails.
func (a *app) removeSecrets(gone []session.Item) error {
	entries := map[vault.Held]bool{} // by holder and name
	known := a.cache.All()
	own := "" // as a holder
	if a.wrapper != nil {
		if info, err := process.Lookup(a.wrapper.self); err == nil {
			own = info.ID.String()
		}
	}
	for _, item := range gone {
		how := item.Account.SignIn
		if how == nil || !how.HasSecret {
			continue
		}
		if vault.EndsWithSession(how.Holder) && how.Holder != own {
			continue // that of the session around this one, which goes on with it
		}
		add := func(name string) { entries[vault.Held{Holder: how.Holder, Name: name}] = true }
		add(secret.AccountName(item.Account, item.Environment))
		if item.Account.Type != azure.User {
			continue
		}
		add(secret.TenantName(item.Account, item.Environment, item.Tenant.ID))
		for _, k := range known { // also those whose contexts went before
			if strings.EqualFold(k.Environment, item.Environment) && k.Account.Same(item.Account) {
				add(secret.TenantName(item.Account, item.Environment, k.Tenant.ID))
			}
		}
	}
	var failed error
	for e := range entries {
		if e.Holder == "" {
			failed = errors.Join(failed, a.keychain().Delete(context.Background(), e.Name))
			continue
		}
		err := a.withAgent(agent.Dial, func(ctx context.Context, c *agent.Client) error { return c.Drop(ctx, e.Holder, e.Name) })
		if !errors.Is(err, agent.ErrNotRunning) { // with the agent its memory went
			failed = errors.Join(failed, err)
		}
	}
	var unusable *secret.Unusable
	if errors.As(failed, &unusable) {
		return &failure{status: exitKeychain, text: unusable.Error(), try: unusable.Try, cause: failed}
	}
	return failed
}

func (a *app) subscriptionsCommand() *cli.Command {
	return &cli.Command{
		Name: "subscriptions", Usage: "ask the cloud for the account's subscriptions",
		Flags: flags(contextFlag, []cli.Flag{
			&cli.StringFlag{Name: "id", Usage: "the one with that `ID` alone"},
			&cli.StringFlag{Name: "name", Usage: "those of that `NAME` alone"},
			&cli.StringFlag{Name: "tenant", Usage: "those of the tenant of that `ID`, name or domain alone"},
		}, outputFlag, quietFlag),
		Action: a.printing(func(c *cli.Context, format string) error {
			return a.runSubscriptions(c.String("context"), c.String("tenant"), format, func(s azure.Subscription) bool {
				id, name := c.String("id"), c.String("name")
				return (id == "" || strings.EqualFold(s.ID, id)) && (name == "" || azure.Fold(s.Name) == azure.Fold(name))
			})
		}),
	}
}

func (a *app) tenantsCommand() *cli.Command {
	return &cli.Command{
		Name: "tenants", Usage: "ask the cloud for the account's tenants",
		Flags:  flags(contextFlag, outputFlag, quietFlag),
		Action: a.printing(func(c *cli.Context, format string) error { return a.runTenants(c.String("context"), format) }),
	}
}

// online is an account's way to the resource manager, with the agent's tokens.
type online struct {
	manager  arm.Client
	context  azure.Context
	tokenFor arm.TokenFor
}

// goOnline makes the way for a context, the active one or the default.
func (a *app) goOnline(name string) (online, error) {
	view, err := a.view()
	if err != nil {
		return online{}, err
	}
	act, err := a.contextOrDefault(view, name)
	if err != nil {
		return online{}, err
	}
	o := online{context: *act.Context, manager: arm.Client{Cloud: act.Cloud, HTTP: signin.NewHTTPClient(a.agentOrigin().Env)}}
	items, _, err := view.List()
	if err != nil {
		return online{}, err
	}
	known := a.candidates(items)
	o.tokenFor = func(ctx context.Context, tenant azure.Tenant) (token.Token, error) {
		of := o.context
		if tenant.ID != "" && !strings.EqualFold(tenant.ID, of.Tenant.ID) {
			of.Tenant, of.Subscription = tenant, nil
			// az gives a borrowed account's token by a subscription that it knows.
			i := slices.IndexFunc(known, func(c azure.Context) bool {
				return c.Account.Same(of.Account) && strings.EqualFold(c.Tenant.ID, tenant.ID) && c.Subscription != nil
			})
			if i >= 0 {
				of = known[i]
			}
		}
		var t token.Token
		err := a.withAgent(agent.Connect, func(_ context.Context, c *agent.Client) (err error) {
			ctx, cancel := context.WithTimeout(ctx, tokenLimit)
			defer cancel()
			t, err = c.Token(ctx, agent.TokenRequest{Context: of, Cloud: act.Cloud, Origin: a.agentOrigin(), Resource: act.Cloud.Audience})
			return err
		})
		return t, err
	}
	return o, a.place.Make()
}

func (a *app) runSubscriptions(name, tenant, format string, wanted func(azure.Subscription) bool) error {
	o, err := a.goOnline(name)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	found, err := a.lookAround(ctx, o, tenant)
	if err != nil {
		return err
	}
	for _, f := range found.Failed() {
		a.warnTenant(f)
	}
	all := []documentSub{}
	names, ids, states, tenants := column{title: "NAME", order: mostWanted, least: 20}, column{title: "ID", order: 2, least: 9}, column{title: "STATE", order: 1, least: 5}, column{title: "TENANT", order: 3, least: 8}
	for _, f := range found {
		for _, s := range f.Subscriptions {
			if !wanted(s) {
				continue
			}
			all = append(all, documentSub{s.ID, s.Name, known(s.State), s.TenantID, known(s.HomeTenantID)})
			names.cells, ids.cells = append(names.cells, cell(s.Name)), append(ids.cells, s.ID)
			states.cells, tenants.cells = append(states.cells, cell(s.State)), append(tenants.cells, cell(f.Tenant.Label()))
		}
	}
	switch format {
	case "json":
		if a.objects() {
			return emitAll(a, "subscription", all)
		}
		return printJSON(a.out, all)
	case "name":
		for _, s := range all {
			fmt.Fprintln(a.out, s.Name)
		}
		return nil
	}
	printTable(a.out, []column{names, ids, states, tenants}, a.width(), a.colours())
	return nil
}

func (a *app) runTenants(name, format string) error {
	o, err := a.goOnline(name)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	w := a.waitFor("looking for tenants")
	found, err := o.manager.TenantsOf(ctx, o.tokenFor)
	w.end()
	if err != nil {
		return a.signInFailure(a.connectFailure(ctx, err))
	}
	all := []documentTenant{}
	ids, names, domains := column{title: "ID", order: 1, least: 9}, column{title: "NAME", order: 2, least: 12}, column{title: "DOMAIN", order: mostWanted, least: 12}
	for _, t := range found {
		all = append(all, documentTenant{t.ID, known(t.Name), known(t.Domain)})
		ids.cells, names.cells, domains.cells = append(ids.cells, t.ID), append(names.cells, cell(t.Name)), append(domains.cells, cell(t.Domain))
	}
	switch format {
	case "json":
		if a.objects() {
			return emitAll(a, "tenant", all)
		}
		return printJSON(a.out, all)
	case "name":
		for _, t := range found {
			fmt.Fprintln(a.out, t.Label())
		}
		return nil
	}
	printTable(a.out, []column{domains, names, ids}, a.width(), a.colours())
	return nil
}
