package azure

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"
)

// Kind tells what a recorded token is for.
type Kind string

// The kinds of what the server gives out.
const (
	AccessToken  Kind = "access token"
	RefreshToken Kind = "refresh token"
	IDToken      Kind = "id token"
	DeviceCode   Kind = "device code"
	AuthCode     Kind = "authorization code"
)

// Token is one that the server issued. A token is good if it is in the record:
// nothing is signed, so there is no key that could look like a real one.
type Token struct {
	Kind     Kind
	Value    string
	Account  string // Account.ID
	Tenant   string // the tenant's id
	Resource string // the aud claim of an access token
	Client   string // the application that asked
	Issued   time.Time
	Expires  time.Time

	signedIn string // of a refresh token: the tenant in which the person signed in for it
	revoked  bool
}

// Clients of one family redeem each other's refresh tokens.
var family = map[string]bool{
	"04b07795-8ddb-461a-bbee-02f9e1bf7b46": true, // azure-cli
	"1950a258-227b-4e31-a9cf-717495945fc2": true, // Azure PowerShell
}

// grant is what a request to the token endpoint was found to be entitled to.
type grant struct {
	cloud    Cloud
	tenant   Tenant
	account  Account
	client   string
	resource string
	scopes   string // as asked
	wantInfo bool   // client_info=1
	signedIn string // see Token
}

func (s *Server) record(t Token) string {
	t.Issued = s.now()
	s.tokens = append(s.tokens, t)
	return t.Value
}

// lookup finds a token of the record. Fine for the few thousand of a test.
func (s *Server) lookup(kind Kind, value string) (Token, bool) {
	return find(s.tokens, func(t Token) bool { return t.Kind == kind && t.Value == value })
}

func (s *Server) accessToken(g grant) string {
	now, expires := s.now(), s.now().Add(s.options.Lifetime)
	claims := s.claims(g, now, expires)
	maps.Copy(claims, map[string]any{
		"aud":   g.resource,
		"iss":   "https://sts.windows.net/" + g.tenant.ID + "/",
		"appid": g.client,
		"ver":   "1.0",
		"idtyp": "user",
	})
	if g.account.ClientID != "" {
		claims["idtyp"] = "app"
		claims["appidacr"] = "1"
	} else {
		claims["scp"] = "user_impersonation"
		if strings.Contains(g.resource, "graph.microsoft") {
			claims["scp"] = "User.Read openid profile email" // by which azurerm tells a user
		}
		claims["upn"] = g.account.Name
		claims["unique_name"] = g.account.Name
	}
	return s.record(Token{
		Kind: AccessToken, Value: jwt(claims), Account: g.account.ID(),
		Tenant: g.tenant.ID, Resource: g.resource, Client: g.client, Expires: expires,
	})
}

func (s *Server) idToken(g grant) string {
	now, expires := s.now(), s.now().Add(time.Hour)
	claims := s.claims(g, now, expires)
	maps.Copy(claims, map[string]any{
		"aud":                g.client,
		"iss":                "https://" + g.cloud.Login + "/" + g.tenant.ID + "/v2.0",
		"preferred_username": g.account.Name,
		"ver":                "2.0",
	})
	return s.record(Token{
		Kind: IDToken, Value: jwt(claims), Account: g.account.ID(),
		Tenant: g.tenant.ID, Client: g.client, Expires: expires,
	})
}

func (s *Server) refreshToken(g grant) string {
	return s.record(Token{
		Kind: RefreshToken, Value: "1.test." + noise(900), Account: g.account.ID(),
		Tenant: g.tenant.ID, Client: g.client, Expires: s.now().Add(90 * 24 * time.Hour),
		signedIn: g.signedIn,
	})
}

// claims are those that an access token and an id token have in common.
func (s *Server) claims(g grant, now, expires time.Time) map[string]any {
	oid := g.account.ObjectIn(g.tenant.ID)
	return map[string]any{
		"iat":         now.Unix(),
		"nbf":         now.Unix(),
		"exp":         expires.Unix(),
		"tid":         g.tenant.ID,
		"oid":         oid,
		"sub":         oid,
		"name":        g.account.Short(),
		"uti":         noise(16),
		"az_ctx_test": "made by a test server, worth nothing",
	}
}

// jwt has the form of one; in the signature's place is noise.
func jwt(claims map[string]any) string {
	return encode(map[string]any{"typ": "JWT", "alg": "none", "kid": "az-ctx-test"}) + "." +
		encode(claims) + "." + noise(48)
}

func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps of strings and numbers
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func noise(bytes int) string {
	b := make([]byte, bytes)
	rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// Claims reads the payload of a token, without judging it.
func Claims(token string) (map[string]any, error) {
	_, rest, _ := strings.Cut(token, ".")
	payload, _, _ := strings.Cut(rest, ".")
	b, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return nil, err
	}
	var claims map[string]any
	return claims, json.Unmarshal(b, &claims)
}

// Issue gives out an access token as if its account had signed in.
func (s *Server) Issue(account, tenant, resource string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.world.account(account)
	t, known := s.world.tenant(tenant)
	if !ok || !known {
		return "", fmt.Errorf("no %q in %q in the world", account, tenant)
	}
	cloud, _ := find(s.world.Clouds, func(c Cloud) bool { return c.Name == t.Cloud })
	return s.accessToken(grant{cloud: cloud, tenant: t, account: a, client: a.ClientID, resource: resource}), nil
}

// Revoke ends an account's sessions: no refresh token that it has so far works
// any more. Access tokens go on to their end.
func (s *Server) Revoke(account string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, t := range s.tokens {
		if t.Kind == RefreshToken && t.Account == account {
			s.tokens[i].revoked = true
		}
	}
}
