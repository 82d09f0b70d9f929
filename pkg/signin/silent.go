package signin

import (
	"context"
	"strings"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/token"
)

// Token gets an access token for a resource in a tenant from what was kept, and
// asks nobody. The state that comes back is the one to keep from now on; it
// equals the one handed in unless Entra gave a new refresh token, and is the
// one handed in where there is an error. The error is an *Error, and a
// *token.SignInNeeded in its chain where only a new sign-in helps.
//
// Two at a time may redeem one state: Entra leaves the older refresh token
// valid. Whichever state is kept last is good.
func (c Client) Token(ctx context.Context, account azure.Account, state State, tenant azure.Tenant, resource string) (token.Token, State, error) {
	if err := token.CheckResource(resource); err != nil {
		return token.Token{}, state, err
	}
	s := subject{cloud: c.Cloud, account: account, tenant: tenant, resource: resource, state: state, silent: true}
	var t token.Token
	var err error
	next := state
	switch state.Kind {
	case Refresh:
		t, next, err = c.refresh(ctx, s)
	case Secret, Certificate, Federated:
		t, _, err = c.app(ctx, s, "")
	case Identity:
		t, _, err = c.identity(ctx, s)
	case Bearer:
		t, err = c.bearer(s)
	default:
		err = s.needed(Revoked, "", "there is no sign-in of "+s.who()+"'s")
	}
	if err != nil {
		return token.Token{}, state, err
	}
	return t, next, nil
}

func (c Client) refresh(ctx context.Context, s subject) (token.Token, State, error) {
	w := c.wire(true)
	cache := &cache{raw: []byte(s.state.Secret)}
	app, err := c.public(s.account.ClientID, s.authorityTenant(), w, cache)
	if err != nil {
		return token.Token{}, s.state, w.explain(ctx, err, s)
	}
	accounts, err := app.Accounts(ctx)
	if err != nil {
		return token.Token{}, s.state, s.needed(Revoked, "", s.who()+"'s sign-in can't be read")
	}
	who := public.Account{HomeAccountID: s.account.HomeAccountID}
	for _, a := range accounts { // one for each tenant, all with the same refresh token
		if strings.EqualFold(a.HomeAccountID, s.account.HomeAccountID) {
			who = a
		}
	}
	got, err := app.AcquireTokenSilent(ctx, []string{defaultScope(s.resource)}, public.WithSilentAccount(who))
	if err != nil {
		return token.Token{}, s.state, w.explain(ctx, err, s)
	}
	next, err := cache.state(who.HomeAccountID, s.state)
	if err != nil {
		return token.Token{}, s.state, err
	}
	return token.Token{Value: got.AccessToken, ExpiresOn: got.ExpiresOn}, next, nil
}
