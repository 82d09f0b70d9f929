package cli

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"slices"
	"strings"

	"github.com/az-ctx/az-ctx/pkg/arm"
	"github.com/az-ctx/az-ctx/pkg/azure"
)

// resolveOnline asks the cloud for a subscription that is not known here, where
// the active account signed in here: what a borrowed one has is what az lists.
// unknown is what is wrong otherwise.
func (a *app) resolveOnline(active *azure.Context, args setArgs, unknown error) (azure.Context, error) {
	if active == nil || active.Account.SignIn == nil {
		return azure.Context{}, unknown
	}
	o, err := a.goOnline("")
	if err != nil {
		return azure.Context{}, err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if azure.IsID(args.subscription) {
		c, err := o.byID(ctx, args.subscription)
		if errors.Is(err, arm.ErrNotFound) || err == nil && args.tenant != "" && !isTenant(c.Tenant, args.tenant) {
			return azure.Context{}, unknown
		}
		return c, a.signInFailure(err)
	}
	found, err := a.lookAround(ctx, o, args.tenant)
	if err != nil {
		return azure.Context{}, err
	}
	a.learn(learnedBy(found, active.Account, o.manager.Cloud))
	var names []string
	for _, f := range found {
		for _, s := range f.Subscriptions {
			names = append(names, s.Name)
			if azure.Fold(s.Name) == azure.Fold(args.subscription) {
				return azure.Context{Account: active.Account, Tenant: f.Tenant, Subscription: &s, Environment: active.Environment}, nil
			}
		}
	}
	return azure.Context{}, fail(exitNotFound, "%s sees no subscription %s%s", active.Account.ID, printable(args.subscription), nearText(near(args.subscription, unique(names))))
}

// lookAround finds all that the account sees; where a tenant is said, by id, name
// or domain, in that one alone.
func (a *app) lookAround(ctx context.Context, o online, tenant string) (arm.Discovery, error) {
	progress, done := a.progress()
	defer done()
	failed := func(err error) error { return a.signInFailure(a.connectFailure(ctx, err)) }
	tenants := []azure.Tenant{o.context.Tenant}
	if o.context.Account.Type == azure.User {
		var err error
		if tenants, err = o.manager.TenantsOf(ctx, o.tokenFor); err != nil {
			return nil, failed(err)
		}
	}
	if tenant != "" {
		tenants = slices.DeleteFunc(tenants, func(t azure.Tenant) bool { return !isTenant(t, tenant) })
	}
	found, err := o.manager.DiscoverIn(ctx, tenants, o.tokenFor, progress)
	if err != nil {
		return nil, failed(err)
	}
	return found, nil
}

// byID asks for one subscription, whose tenant the resource manager names.
func (o online) byID(ctx context.Context, id string) (azure.Context, error) {
	c := azure.Context{Account: o.context.Account, Tenant: o.context.Tenant, Environment: o.context.Environment}
	home, err := o.manager.TenantOf(ctx, id)
	if err != nil {
		return c, err
	}
	if !strings.EqualFold(home, c.Tenant.ID) {
		c.Tenant = azure.Tenant{ID: home}
	}
	t, err := o.tokenFor(ctx, c.Tenant)
	if err != nil {
		return c, err
	}
	s, err := o.manager.Subscription(ctx, t, c.Tenant, id)
	c.Subscription = &s
	return c, err
}
