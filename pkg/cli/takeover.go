package cli

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"strings"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/interop/azcli"
	"github.com/az-ctx/az-ctx/pkg/session"
	"github.com/az-ctx/az-ctx/pkg/signin"
	"github.com/az-ctx/az-ctx/pkg/store"
	"github.com/az-ctx/az-ctx/pkg/vault"
)

// checkTokens reports whether az has something to take over for each account,
// before anything is changed.
func (a *app) checkTokens(contexts []azure.Context) error {
	for _, c := range contexts {
		if _, err := azSignIn(c, azure.Cloud{Authority: azure.Public.Authority}); errors.Is(err, azcli.ErrNoTokens) || errors.Is(err, signin.ErrNoRefreshToken) {
			return fail(exitSignIn, "%s: %w", c.Account.ID, azcli.ErrNoTokens).withTry("az-ctx import --from az    # borrowed, as it is")
		}
	}
	return nil
}

// takeOver makes the accounts of an import from az ours: each one's refresh
// token or secret goes to where our own sign-ins are held.
func (a *app) takeOver(view session.View, scope session.Scope, settings store.Settings, lists ...[]azure.Context) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	holder := ""
	if scope == session.Process && view.Session != nil {
		holder = view.Session.ID.String()
	}
	taken := map[string]azure.Account{}
	for _, contexts := range lists {
		for i, c := range contexts {
			if c.Account.Borrowed == nil {
				continue
			}
			key := strings.ToLower(strings.Join([]string{c.Environment, c.Account.ID, c.Account.TenantID}, "\x00"))
			account, ok := taken[key]
			if !ok {
				cloud, err := settings.Cloud(c.Environment)
				if err != nil {
					return err
				}
				got, err := azSignIn(c, cloud)
				if err != nil {
					return err
				}
				held, err := a.hold(ctx, cloud, got, holder, false)
				if err != nil {
					return err
				}
				account = got.Account
				account.SignIn = vault.Describe(got.State, held)
				taken[key] = account
			}
			contexts[i].Account = account
		}
	}
	return nil
}

// azSignIn reads how az signs an account in, in the directory that it is
// borrowed from.
func azSignIn(c azure.Context, cloud azure.Cloud) (signin.Result, error) {
	account, dir := c.Account, c.Account.Borrowed.Directory
	account.Borrowed = nil
	if account.Type == azure.ServicePrincipal {
		p, err := azcli.ServicePrincipal(dir, account.ClientID, account.TenantID)
		if err != nil {
			return signin.Result{}, err
		}
		state := signin.State{Kind: signin.Secret, Secret: p.Secret}
		if p.Certificate != "" {
			state = signin.State{Kind: signin.Certificate, File: p.Certificate}
		}
		return signin.Result{Account: account, Tenant: c.Tenant, State: state}, nil
	}
	cache, home, err := azcli.TokenCache(dir, account.ID)
	if err != nil {
		return signin.Result{}, err
	}
	account.HomeAccountID, account.ClientID = home, azcli.ClientID
	state, err := signin.FromMSAL(cache, account, cloud)
	return signin.Result{Account: account, Tenant: c.Tenant, State: state}, err
}
