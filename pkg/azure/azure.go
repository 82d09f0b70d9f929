// Package azure holds the words of the field: account, tenant, subscription,
// cloud and the context that names one of each. It does no I/O and imports
// nothing of ours.
package azure

import (
	"strings"
	"unicode"
)

// AccountType says what signs in.
type AccountType string

// The kinds of account; the words are those of `-o json`.
const (
	User             AccountType = "user"
	ServicePrincipal AccountType = "servicePrincipal"
	ManagedIdentity  AccountType = "managedIdentity"
	AccessToken      AccountType = "accessToken"
)

// Known reports whether t is one of the kinds above.
func (t AccountType) Known() bool {
	switch t {
	case User, ServicePrincipal, ManagedIdentity, AccessToken:
		return true
	}
	return false
}

// Account is what signs in. A user is known by HomeAccountID where that is
// known, and ID (the user name) is only a label; a service principal by its
// tenant and client id.
type Account struct {
	ID            string      `json:"id"`
	Type          AccountType `json:"type"`
	HomeAccountID string      `json:"homeAccountId"` // object id "." home tenant id, "" where unknown
	ClientID      string      `json:"clientId"`      // the application that signed in
	TenantID      string      `json:"tenantId"`      // the service principal's own tenant
	Borrowed      *Borrowed   `json:"borrowed"`      // nil where the sign-in is ours
	SignIn        *SignIn     `json:"signIn"`        // nil where there is none of ours
}

// SignIn says how an account of ours signs in, and who holds the secret of it.
// There is no secret in it.
type SignIn struct {
	Kind       string `json:"kind"`       // as pkg/signin has it
	File       string `json:"file"`       // of a certificate or federated token, absolute
	Thumbprint string `json:"thumbprint"` // of a certificate
	Source     string `json:"source"`     // of a managed identity
	Endpoint   string `json:"endpoint"`   // of a managed identity
	HasSecret  bool   `json:"hasSecret"`  // a secret belongs to it
	// Holder is "" for the keychain, "agent" for the agent's memory, and the
	// session, as PID-START, whose end ends the sign-in.
	Holder string `json:"holder"`
}

// Borrowed says whose sign-in serves an account that is not ours.
type Borrowed struct {
	From      string `json:"from"`      // "az"
	Directory string `json:"directory"` // az's own directory, absolute
}

// Same reports whether both are one account to its cloud, whoever's sign-in
// serves it: a borrowed alice and our own alice are the same.
func (a Account) Same(b Account) bool {
	if a.Type != b.Type {
		return false
	}
	if a.HomeAccountID != "" && b.HomeAccountID != "" {
		return strings.EqualFold(a.HomeAccountID, b.HomeAccountID)
	}
	if a.Type == ServicePrincipal && !strings.EqualFold(a.TenantID, b.TenantID) {
		return false
	}
	return strings.EqualFold(a.ID, b.ID)
}

// Tenant is a directory; Name and Domain are "" where nothing told them.
type Tenant struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Domain string `json:"domain"`
}

// Label is the best known word for the tenant: domain, name or id.
func (t Tenant) Label() string {
	switch {
	case t.Domain != "":
		return t.Domain
	case t.Name != "":
		return t.Name
	}
	return t.ID
}

// Subscription is what is paid for. A context without one is tenant-only.
type Subscription struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	State        string `json:"state"` // "Enabled", "Disabled", … as the resource manager says it
	TenantID     string `json:"tenantId"`
	HomeTenantID string `json:"homeTenantId"`
}

// Usable reports whether writes to the subscription can succeed: the states in
// which the resource manager refuses them are Disabled, Expired, Deleted.
func (s Subscription) Usable() bool {
	switch strings.ToLower(s.State) {
	case "disabled", "expired", "deleted":
		return false
	}
	return true
}

// Context is a name for an account, a tenant, a subscription and a cloud.
type Context struct {
	Name         string        `json:"name"`
	Account      Account       `json:"account"`
	Tenant       Tenant        `json:"tenant"`
	Subscription *Subscription `json:"subscription"` // nil: tenant-only
	Environment  string        `json:"environment"`  // the cloud's name
}

// SubscriptionID is "" for a tenant-only context.
func (c Context) SubscriptionID() string {
	if c.Subscription == nil {
		return ""
	}
	return c.Subscription.ID
}

// SameIdentity reports whether both names stand for the same account, tenant,
// subscription and cloud.
func (c Context) SameIdentity(d Context) bool {
	return strings.EqualFold(c.Environment, d.Environment) &&
		strings.EqualFold(c.Tenant.ID, d.Tenant.ID) &&
		strings.EqualFold(c.SubscriptionID(), d.SubscriptionID()) &&
		c.Account.Same(d.Account)
}

// DefaultName is the first of the names below that is free: taken says whether
// another identity has it. It follows the documentation of Azure PowerShell's
// contexts, and appends account and tenant as its later versions do.
func (c Context) DefaultName(taken func(name string) bool) string {
	name := c.Tenant.ID + " - " + c.Account.ID
	if c.Subscription != nil {
		name = c.Subscription.Name + " (" + c.Subscription.ID + ")"
		if taken(name) {
			name += " - " + c.Account.ID
		}
	}
	if taken(name) {
		name += " - " + c.Tenant.ID
	}
	return name
}

// Fold gives the form by which names are matched: two names are one if and
// only if their folds are equal. Each rune becomes the least of its simple case
// orbit, which is what strings.EqualFold compares.
func Fold(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		if r < 0x80 && r != 'k' && r != 's' {
			return r
		}
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		if least >= 'A' && least <= 'Z' {
			return least + 'a' - 'A'
		}
		return least
	}, name)
}

// IsID reports whether text has the form of an id: 8-4-4-4-12 hex digits.
func IsID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, c := range s {
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F') {
				return false
			}
		}
	}
	return true
}
