package signin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	msal "github.com/AzureAD/microsoft-authentication-library-for-go/apps/cache"

	"github.com/az-ctx/az-ctx/pkg/azure"
)

// Kind says by what an account signs in.
type Kind string

// The kinds of sign-in.
const (
	Refresh     Kind = "refreshToken"    // a user
	Secret      Kind = "secret"          // a service principal, and so the next two
	Certificate Kind = "certificate"     //
	Federated   Kind = "federatedToken"  //
	Identity    Kind = "managedIdentity" //
	Bearer      Kind = "accessToken"     // a bare one, that was handed in
)

// State is all that has to be kept to get tokens later without asking. It is
// comparable, so that a caller sees whether it changed. But for Secret nothing
// in it is secret; where Secret is empty, nothing has to go to a keychain.
// Formatting it shows its kind alone; marshalling it gives it whole.
type State struct {
	Kind       Kind   `json:"kind"`
	File       string `json:"file,omitempty"`       // absolute: of the certificate or federated token, read at each use
	Thumbprint string `json:"thumbprint,omitempty"` // of the certificate: SHA-1, as the portal shows it
	Source     string `json:"source,omitempty"`     // of a managed identity: which of the ways it is asked for
	Endpoint   string `json:"endpoint,omitempty"`   // of a managed identity, where the way has no fixed one
	// Secret is by Kind: the refresh token with its account records as an MSAL
	// cache (never an access token), the client secret, the certificate's
	// password, the federated token's text, the identity's header, the bare
	// access token.
	Secret string `json:"secret,omitempty"`
}

// Format keeps the secret out of whatever prints a State by accident.
func (s State) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "sign-in by %s", string(s.Kind)) }

// ProcessOnly reports whether the state may be kept in memory alone, for the
// session that made it: it is short-lived, or means nothing outside.
func (s State) ProcessOnly() bool {
	switch s.Kind {
	case Bearer:
		return true
	case Federated, Identity:
		return s.Secret != ""
	}
	return false
}

// contract is the part of the cache that MSAL's libraries share (its JSON is
// the same in all languages) which is worth keeping.
type contract struct {
	RefreshToken map[string]map[string]any `json:"RefreshToken"`
	Account      map[string]map[string]any `json:"Account"`
	AppMetadata  map[string]map[string]any `json:"AppMetadata"`
}

// FromMSAL takes one account's refresh token out of the cache file of another
// tool that signs in with MSAL, such as az's msal_token_cache.json. The account
// has to have its HomeAccountID and ClientID. The error is ErrNoRefreshToken
// where the cache has none, as after a sign-in through the system's broker.
func FromMSAL(raw []byte, account azure.Account, cloud azure.Cloud) (State, error) {
	var in contract
	if err := json.Unmarshal(raw, &in); err != nil {
		return State{}, errors.New("this is no cache of MSAL's") // the cause could quote a token
	}
	_, host, _ := strings.Cut(cloud.Authority, "://")
	host, _, _ = strings.Cut(strings.ToLower(host), "/")
	is := func(e map[string]any, name, want string) bool {
		s, _ := e[name].(string)
		return strings.EqualFold(s, want)
	}
	out := contract{RefreshToken: map[string]map[string]any{}, Account: map[string]map[string]any{}, AppMetadata: map[string]map[string]any{}}
	keep := func(to map[string]map[string]any, e map[string]any, key ...string) {
		e["environment"] = host // with discovery off MSAL knows no aliases
		to[strings.ToLower(strings.Join(key, "-"))] = e
	}
	var token map[string]any
	for _, e := range in.RefreshToken {
		own := is(e, "client_id", account.ClientID)
		family, _ := e["family_id"].(string)
		if is(e, "home_account_id", account.HomeAccountID) && aliasOf(host, e["environment"]) && (own || family != "" && token == nil) {
			token = e
		}
	}
	if token == nil {
		return State{}, ErrNoRefreshToken
	}
	family, _ := token["family_id"].(string) // its applications redeem each other's
	owner := family
	if owner == "" {
		owner = account.ClientID
	}
	keep(out.RefreshToken, token, account.HomeAccountID, host, "refreshtoken", owner)
	for _, e := range in.Account {
		if is(e, "home_account_id", account.HomeAccountID) && aliasOf(host, e["environment"]) {
			realm, _ := e["realm"].(string)
			clear(out.Account) // one is enough
			keep(out.Account, e, account.HomeAccountID, host, realm)
		}
	}
	keep(out.AppMetadata, map[string]any{"client_id": account.ClientID, "family_id": family}, "appmetadata", host, account.ClientID)
	return out.state()
}

// ErrNoRefreshToken says that a cache has nothing to sign in with.
var ErrNoRefreshToken = errors.New("there is no refresh token of this account")

// aliasOf reports whether an entry's environment is the cloud's: libraries name
// the public one by any of its hosts.
func aliasOf(host string, environment any) bool {
	name, _ := environment.(string)
	name = strings.ToLower(name)
	if name == host {
		return true
	}
	public := func(h string) bool {
		switch h {
		case "login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net":
			return true
		}
		return false
	}
	china := func(h string) bool {
		return h == "login.chinacloudapi.cn" || h == "login.partner.microsoftonline.cn"
	}
	return public(name) && public(host) || china(name) && china(host)
}

func (c contract) state() (State, error) {
	b, err := json.Marshal(c)
	if err != nil {
		return State{}, fmt.Errorf("writing the sign-in: %w", err)
	}
	return State{Kind: Refresh, Secret: string(b)}, nil
}

// cache hands MSAL what was kept and takes what it has afterwards. It serves
// one flow, so it needs no lock.
type cache struct{ raw []byte }

func (c *cache) Replace(_ context.Context, u msal.Unmarshaler, _ msal.ReplaceHints) error {
	if c.raw == nil {
		return nil
	}
	return u.Unmarshal(c.raw)
}

func (c *cache) Export(_ context.Context, m msal.Marshaler, _ msal.ExportHints) error {
	var err error
	c.raw, err = m.Marshal()
	return err
}

// state is what is worth keeping of the account's. Of its records, one for each
// tenant, one is enough: that of before, so that a state changes with its
// refresh token alone.
func (c *cache) state(homeAccountID string, before State) (State, error) {
	var all, old contract
	if err := json.Unmarshal(c.raw, &all); err != nil {
		return State{}, errors.New("reading the sign-in: MSAL's cache is broken")
	}
	maps.DeleteFunc(all.RefreshToken, func(_ string, e map[string]any) bool { return e["home_account_id"] != homeAccountID })
	if len(all.RefreshToken) == 0 {
		return State{}, ErrNoRefreshToken
	}
	if err := json.Unmarshal([]byte(before.Secret), &old); err == nil && len(old.Account) > 0 {
		had := secrets(old.RefreshToken)
		older := func(_ string, e map[string]any) bool { s, _ := e["secret"].(string); return had[s] }
		fresh := maps.Clone(all.RefreshToken)
		if maps.DeleteFunc(fresh, older); len(fresh) == 0 {
			return before, nil
		}
		all.RefreshToken, all.Account = fresh, old.Account
	} else {
		first := slices.Min(slices.Collect(maps.Keys(all.Account)))
		maps.DeleteFunc(all.Account, func(k string, _ map[string]any) bool { return k != first })
	}
	return all.state()
}

func secrets(tokens map[string]map[string]any) map[string]bool {
	all := map[string]bool{}
	for _, t := range tokens {
		if s, ok := t["secret"].(string); ok {
			all[s] = true
		}
	}
	return all
}
