// Package signin signs accounts in with MSAL, and gets their tokens later
// without asking. It prints nothing and writes nothing: what a person has to
// see goes to the Person that the caller supplies, and what has to be kept is
// handed back as a State.
package signin

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/plain"
	"github.com/az-ctx/az-ctx/pkg/token"
)

// DefaultClientID is azure-cli's application. It is known to every tenant, has
// the consent for the resources that tools ask tokens for, allows the loopback
// redirect and the device code, and a user signed in by us and one taken over
// from az are one account: a refresh token is redeemed with the client id that
// it was issued to.
const DefaultClientID = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"

// organizations stands for whichever tenant a user is at home in.
const organizations = "organizations"

// Client signs in to one cloud.
type Client struct {
	Cloud azure.Cloud
	HTTP  *http.Client // nil: OwnHTTPClient

	// pause waits between two tries. nil: until d has passed or ctx ends.
	pause func(ctx context.Context, d time.Duration) error
}

// Options are what each flow can be told.
type Options struct {
	ClientID  string // of the application; "": DefaultClientID (a service principal has to say its own)
	Tenant    string // id or domain; "": the user's home
	Scope     string // to consent to at sign-in, a scope or a resource; "": the resource manager's
	Claims    string // a claims challenge, base64 or JSON
	LoginHint string // the user name that the page is to start with
}

// DeviceCode is what a person needs to know to sign in on another device.
type DeviceCode struct {
	URL       string
	UserCode  string
	ExpiresOn time.Time
}

// Person is who signs in. An error of either ends the sign-in.
type Person interface {
	ShowCode(DeviceCode) error
	OpenURL(url string) error
}

// Result is a sign-in that worked.
type Result struct {
	Account azure.Account
	Tenant  azure.Tenant // signed in to; the domain is set where it was asked for by one
	Token   token.Token  // for the cloud's Audience, in Tenant
	State   State        // to be kept
}

// Browser signs a user in on a page that p opens: authorization code with PKCE,
// answered on a loopback port. It waits until the person is done or ctx ends.
func (c Client) Browser(ctx context.Context, o Options, p Person) (Result, error) {
	return c.user(ctx, o, func(app public.Client, scopes []string, claims string) (public.AuthResult, error) {
		options := []public.AcquireInteractiveOption{public.WithOpenURL(func(url string) error {
			if err := p.OpenURL(url); err != nil {
				return callerError{err}
			}
			return nil
		})}
		if claims != "" {
			options = append(options, public.WithClaims(claims))
		}
		if o.LoginHint != "" {
			options = append(options, public.WithLoginHint(o.LoginHint))
		}
		return app.AcquireTokenInteractive(ctx, scopes, options...)
	})
}

// Device signs a user in on another device, with a code that p shows.
func (c Client) Device(ctx context.Context, o Options, p Person) (Result, error) {
	return c.user(ctx, o, func(app public.Client, scopes []string, claims string) (public.AuthResult, error) {
		var options []public.AcquireByDeviceCodeOption
		if claims != "" {
			options = append(options, public.WithClaims(claims))
		}
		code, err := app.AcquireTokenByDeviceCode(ctx, scopes, options...)
		if err != nil {
			return public.AuthResult{}, err
		}
		shown := DeviceCode{URL: plain.Line(code.Result.VerificationURL), UserCode: plain.Line(code.Result.UserCode), ExpiresOn: code.Result.ExpiresOn}
		if err := p.ShowCode(shown); err != nil {
			return public.AuthResult{}, callerError{err}
		}
		return code.AuthenticationResult(ctx)
	})
}

// user runs a flow that ends with a refresh token.
func (c Client) user(ctx context.Context, o Options, flow func(public.Client, []string, string) (public.AuthResult, error)) (Result, error) {
	s := c.subject(o, azure.User)
	claims, err := decodeClaims(o.Claims)
	if err != nil {
		return Result{}, err
	}
	w := c.wire(false)
	cache := &cache{}
	app, err := c.public(s.account.ClientID, s.authorityTenant(), w, cache)
	if err != nil {
		return Result{}, w.explain(ctx, err, s)
	}
	got, err := flow(app, []string{c.signInScope(o)}, claims)
	if err != nil {
		return Result{}, w.explain(ctx, err, s)
	}
	state, err := cache.state(got.Account.HomeAccountID, State{})
	if err != nil {
		return Result{}, err
	}
	result := Result{
		Account: azure.Account{
			ID: got.Account.PreferredUsername, Type: azure.User,
			HomeAccountID: got.Account.HomeAccountID, ClientID: s.account.ClientID,
		},
		Tenant: azure.Tenant{ID: got.IDToken.TenantID, Domain: s.tenant.Domain},
		Token:  token.Token{Value: got.AccessToken, ExpiresOn: got.ExpiresOn},
		State:  state,
	}
	if o.Scope == "" || c.signInScope(o) == defaultScope(c.Cloud.Audience) {
		return result, nil
	}
	// What was asked for is not what contexts are discovered with.
	result.Token, result.State, err = c.Token(ctx, result.Account, result.State, result.Tenant, c.Cloud.Audience)
	return result, err
}

func (c Client) public(clientID, tenant string, w *wire, cache *cache) (public.Client, error) {
	return public.New(clientID,
		public.WithAuthority(c.authority(tenant)),
		public.WithInstanceDiscovery(false), // the clouds are ours or the user's own word, see azure.Cloud
		public.WithHTTPClient(w),
		public.WithCache(cache),
	)
}

func (c Client) authority(tenant string) string {
	return strings.TrimRight(c.Cloud.Authority, "/") + "/" + tenant
}

func (c Client) signInScope(o Options) string {
	if o.Scope == "" {
		return defaultScope(c.Cloud.Audience)
	}
	scheme, rest, ok := strings.Cut(o.Scope, "://")
	if host, path, _ := strings.Cut(rest, "/"); ok && scheme != "" && host != "" && path == "" { // a resource's URL
		return defaultScope(o.Scope)
	}
	return o.Scope
}

// defaultScope asks for all that was consented to on a resource, whose trailing
// slash counts (facts of Entra's v2 endpoint: it becomes two).
func defaultScope(resource string) string { return resource + "/.default" }

// subject is whose sign-in is under way, for the words of an error.
type subject struct {
	cloud    azure.Cloud
	account  azure.Account
	tenant   azure.Tenant
	resource string
	state    State
	silent   bool // nobody is there to be asked
}

func (c Client) subject(o Options, kind azure.AccountType) subject {
	s := subject{cloud: c.Cloud, account: azure.Account{Type: kind, ClientID: o.ClientID}, resource: c.Cloud.Audience}
	if o.ClientID == "" && kind == azure.User {
		s.account.ClientID = DefaultClientID
	}
	if kind == azure.ServicePrincipal {
		s.account.ID = o.ClientID
	}
	if azure.IsID(o.Tenant) {
		s.tenant.ID = o.Tenant
	} else {
		s.tenant.Domain = o.Tenant
	}
	return s
}

func (s subject) authorityTenant() string {
	switch {
	case s.tenant.ID != "":
		return s.tenant.ID
	case s.tenant.Domain != "":
		return s.tenant.Domain
	}
	return organizations
}
