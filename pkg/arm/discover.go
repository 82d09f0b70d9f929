package arm

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/token"
)

// parallel is how many tenants are asked at once. All share one connection.
const parallel = 32

// Found is what a discovery learned of one tenant.
type Found struct {
	Tenant        azure.Tenant
	Subscriptions []azure.Subscription
	Err           error // why there are none, a *signin.Error mostly; nil where the list is whole
}

// Discovery is all that an account can see: its home tenant first, the others
// by label, in each the subscriptions by name.
type Discovery []Found

// Subscriptions are those of all tenants, in order. One that is managed from
// other tenants is in each of them, with the same HomeTenantID.
func (d Discovery) Subscriptions() []azure.Subscription {
	var all []azure.Subscription
	for _, f := range d {
		all = append(all, f.Subscriptions...)
	}
	return all
}

// Failed are the tenants that could not be looked into.
func (d Discovery) Failed() Discovery {
	var failed Discovery
	for _, f := range d {
		if f.Err != nil {
			failed = append(failed, f)
		}
	}
	return failed
}

// TokenFor gets a token for the cloud's Audience in a tenant; the zero Tenant is
// the one that was signed in to. It is called from many goroutines at once.
type TokenFor func(ctx context.Context, tenant azure.Tenant) (token.Token, error)

// Progress is told how far a discovery is, one call at a time. It may be nil.
type Progress func(doneTenants, totalTenants, subscriptions int)

// Discover lists the account's tenants and looks into all of them, many at once.
// A tenant that wants a second factor, or fails in another way, has its reason
// in the Discovery and does not fail the rest.
func (c Client) Discover(ctx context.Context, tokenFor TokenFor, progress Progress) (Discovery, error) {
	tenants, err := c.TenantsOf(ctx, tokenFor)
	if err != nil {
		return nil, err
	}
	return c.DiscoverIn(ctx, tenants, tokenFor, progress)
}

// TenantsOf lists the account's tenants.
func (c Client) TenantsOf(ctx context.Context, tokenFor TokenFor) ([]azure.Tenant, error) {
	t, err := tokenFor(ctx, azure.Tenant{})
	if err != nil {
		return nil, err
	}
	return c.Tenants(ctx, t)
}

// DiscoverIn looks into these tenants alone, and keeps their order.
func (c Client) DiscoverIn(ctx context.Context, tenants []azure.Tenant, tokenFor TokenFor, progress Progress) (Discovery, error) {
	found := make(Discovery, len(tenants))
	var mu sync.Mutex
	done, subscriptions := 0, 0
	report := func(more int) {
		mu.Lock()
		defer mu.Unlock()
		if ctx.Err() != nil {
			return
		}
		done, subscriptions = done+1, subscriptions+more
		if progress != nil {
			progress(done, len(tenants), subscriptions)
		}
	}
	if progress != nil {
		progress(0, len(tenants), 0)
	}
	var group errgroup.Group
	group.SetLimit(parallel)
	for i, tenant := range tenants {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			found[i].Tenant = tenant
			t, err := tokenFor(ctx, tenant)
			if err == nil {
				found[i].Subscriptions, err = c.Subscriptions(ctx, t, tenant)
			}
			found[i].Err = err
			report(len(found[i].Subscriptions))
			return nil
		})
	}
	group.Wait() // always nil
	if ctx.Err() != nil {
		return nil, fmt.Errorf("discovering subscriptions: %w", context.Cause(ctx))
	}
	return found, nil
}
