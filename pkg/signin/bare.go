package signin

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/plain"
	"github.com/az-ctx/az-ctx/pkg/token"
)

// claims are what an access token says of itself, which nobody has verified.
type claims struct {
	Audience  string
	ExpiresOn time.Time
	Tenant    string // id
	ObjectID  string
	User      string // user name, "" for an application
	Client    string // application id
}

// readClaims reads a JWT's payload. No error quotes it.
func readClaims(value string) (claims, error) {
	parts := strings.Split(value, ".")
	if len(parts) != 3 {
		return claims{}, errors.New("it is no JWT")
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return claims{}, errors.New("it is no JWT")
	}
	var c struct {
		Aud    string      `json:"aud"`
		Exp    json.Number `json:"exp"`
		Tid    string      `json:"tid"`
		Oid    string      `json:"oid"`
		UPN    string      `json:"upn"`
		Unique string      `json:"unique_name"`
		Name   string      `json:"preferred_username"`
		AppID  string      `json:"appid"`
		Azp    string      `json:"azp"`
		Idtyp  string      `json:"idtyp"`
	}
	if err := json.Unmarshal(raw, &c); err != nil {
		return claims{}, errors.New("its claims can't be read")
	}
	out := claims{Audience: c.Aud, Tenant: c.Tid, ObjectID: c.Oid, Client: first(c.AppID, c.Azp)}
	if c.Idtyp != "app" {
		out.User = first(c.UPN, c.Unique, c.Name)
	}
	if seconds, err := c.Exp.Float64(); err == nil && seconds > 0 {
		out.ExpiresOn = time.Unix(int64(seconds), 0)
	}
	return out, nil
}

// AccessToken takes a bare access token for a sign-in, under the name accountID
// ("": what the token says). It serves its own audience and tenant, until it
// ends; the State is ProcessOnly.
func (c Client) AccessToken(o Options, value, accountID string) (Result, error) {
	value = strings.TrimSpace(value)
	said, err := readClaims(value)
	if err != nil {
		return Result{}, input("this is no access token: %v", err)
	}
	s := c.subject(o, azure.AccessToken)
	s.account.ID = first(accountID, said.User, said.Client)
	s.account.ClientID, s.account.TenantID = said.Client, said.Tenant
	s.state = State{Kind: Bearer, Secret: value}
	switch {
	case s.tenant.Domain != "":
		return Result{}, input("an access token's tenant has to be said by its id")
	case said.Audience == "" || said.Tenant == "" || said.ExpiresOn.IsZero():
		return Result{}, input("this access token does not say its audience, tenant and end")
	case s.account.ID == "":
		return Result{}, input("this access token does not say whose it is: --account-id does")
	case s.tenant.ID != "" && !strings.EqualFold(s.tenant.ID, said.Tenant):
		return Result{}, &Error{Class: Audience, Text: fmt.Sprintf("this access token is of tenant %s, not %s", plain.Line(said.Tenant), s.tenant.ID)}
	}
	s.tenant.ID = said.Tenant
	t, err := c.bearer(s)
	if err != nil {
		return Result{}, err
	}
	return Result{Account: s.account, Tenant: s.tenant, Token: t, State: s.state}, nil
}

// bearer gives the bare token, if it is one for what is asked.
func (c Client) bearer(s subject) (token.Token, error) {
	said, err := readClaims(s.state.Secret)
	if err != nil {
		return token.Token{}, s.needed(Revoked, "", s.who()+"'s access token can't be read")
	}
	if !c.sameAudience(said.Audience, s.resource) {
		return token.Token{}, &Error{Class: Audience, Text: plain.Line(fmt.Sprintf("%s is signed in by an access token for %s, which is none for %s", s.who(), said.Audience, s.resource))}
	}
	if !strings.EqualFold(said.Tenant, s.tenant.ID) {
		return token.Token{}, &Error{Class: Audience, Text: plain.Line(fmt.Sprintf("%s is signed in by an access token of tenant %s, which is none of %s", s.who(), said.Tenant, s.tenant.Label()))}
	}
	if !time.Now().Before(said.ExpiresOn) {
		return token.Token{}, s.needed(Expired, "", fmt.Sprintf("%s's access token ended at %s", s.who(), said.ExpiresOn.Local().Format("2006-01-02 15:04")))
	}
	return token.Token{Value: s.state.Secret, ExpiresOn: said.ExpiresOn}, nil
}

// sameAudience compares a token's audience with a resource. The resource
// manager takes either of its names.
func (c Client) sameAudience(audience, resource string) bool {
	trim := func(s string) string { return strings.ToLower(strings.TrimRight(s, "/")) }
	a, r := trim(audience), trim(resource)
	manager := func(s string) bool { return s == trim(c.Cloud.Audience) || s == trim(c.Cloud.ResourceManager) }
	return a == r || manager(a) && manager(r)
}
