// Package vault holds the sign-ins of the accounts that are ours, and redeems
// them for access tokens: the secret of each in the keychain, or in memory where
// there is no keychain or the sign-in is a session's own.
package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/secret"
	"github.com/az-ctx/az-ctx/pkg/signin"
	"github.com/az-ctx/az-ctx/pkg/token"
)

// InAgent is the holder of a sign-in that the agent keeps for want of a keychain.
const InAgent = "agent"

// Vault is the agent's. Its memory is that of this process.
type Vault struct {
	Keychain secret.Keychain
	HTTP     func(env map[string]string) *http.Client // by the proxy variables; nil: signin.NewHTTPClient

	mu      sync.Mutex
	memory  map[string]secret.Keychain // by holder
	clients map[string]*http.Client    // by the proxy variables, for a tick's time
}

// Describe is what of a sign-in may be written into a context's file.
func Describe(s signin.State, holder string) *azure.SignIn {
	return &azure.SignIn{Kind: string(s.Kind), File: s.File, Thumbprint: s.Thumbprint, Source: s.Source, Endpoint: s.Endpoint, HasSecret: s.Secret != "", Holder: holder}
}

// Held is a sign-in's secret on its way to where it is held.
type Held struct {
	Holder string `json:"holder"`
	Name   string `json:"name"`
	Secret string `json:"secret"`
}

// Keep holds a secret in memory.
func (v *Vault) Keep(ctx context.Context, h Held) error {
	v.mu.Lock()
	if _, ok := v.memory[h.Holder]; !ok && h.Holder != "" {
		if v.memory == nil {
			v.memory = map[string]secret.Keychain{}
		}
		v.memory[h.Holder] = secret.Memory()
	}
	v.mu.Unlock()
	return v.in(h.Holder).Set(ctx, h.Name, h.Secret)
}

// Remove takes a secret out of the memory of its holder.
func (v *Vault) Remove(ctx context.Context, holder, name string) error {
	return v.in(holder).Delete(ctx, name)
}

// Save keeps a session's own sign-in where one for every session is: in the
// keychain, in memory where there is none. It returns its holder there. The
// session's own stays, for what that session is on goes by it.
func (v *Vault) Save(ctx context.Context, holder, name string) (string, error) {
	text, err := v.in(holder).Get(ctx, name)
	if err != nil {
		return "", err
	}
	err = v.Keychain.Set(ctx, name, text)
	var unusable *secret.Unusable
	if errors.As(err, &unusable) {
		return InAgent, v.Keep(ctx, Held{Holder: InAgent, Name: name, Secret: text})
	}
	return "", err
}

// EndsWithSession reports whether a sign-in of that holder is a session's own.
func EndsWithSession(holder string) bool { return holder != "" && holder != InAgent }

// Rest closes the connections that nobody uses. Whom to trust on the next ones is
// read anew.
func (v *Vault) Rest() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, c := range v.clients {
		c.CloseIdleConnections()
	}
	v.clients = nil
}

// Sweep drops what is held for sessions that have ended, and returns for how
// many holders something is still held.
func (v *Vault) Sweep(ended func(holder string) bool) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	for holder := range v.memory {
		if EndsWithSession(holder) && ended(holder) {
			delete(v.memory, holder)
		}
	}
	return len(v.memory)
}

// in is where holder's secrets are; of one that holds nothing it is empty.
func (v *Vault) in(holder string) secret.Keychain {
	if holder == "" {
		return v.Keychain
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if m, ok := v.memory[holder]; ok {
		return m
	}
	return secret.Memory()
}

// Get redeems the account's sign-in. A refresh token that comes back new is
// kept in the place of the old one, under one lock from the read to the write.
func (v *Vault) Get(ctx context.Context, r token.Request) (token.Token, error) {
	account := r.Context.Account
	how := account.SignIn
	if how == nil {
		return token.Token{}, token.NoSignIn(r, "there is no sign-in of "+account.ID+"'s")
	}
	client := signin.Client{Cloud: r.Cloud, HTTP: v.client(r.Origin.Env)}
	state := signin.State{Kind: signin.Kind(how.Kind), File: how.File, Thumbprint: how.Thumbprint, Source: how.Source, Endpoint: how.Endpoint}
	if !how.HasSecret {
		t, _, err := client.Token(ctx, account, state, r.Context.Tenant, r.Resource)
		return t, err
	}
	var got token.Token
	var refused error
	redeem := func(old string) (string, error) {
		if old == "" {
			return "", token.NoSignIn(r, fmt.Sprintf("%s's sign-in is not here any more", account.ID))
		}
		state.Secret = old
		t, next, err := client.Token(ctx, account, state, r.Context.Tenant, r.Resource)
		if err != nil {
			refused = err
			return old, nil
		}
		got = t
		return next.Secret, nil
	}
	// A tenant that was signed in to by itself has a stronger sign-in of its own.
	names := []string{secret.TenantName(account, r.Cloud.Name, r.Context.Tenant.ID), secret.AccountName(account, r.Cloud.Name)}
	if account.Type != azure.User {
		names = names[1:]
	}
	for i, name := range names {
		chain := v.in(how.Holder)
		if i < len(names)-1 {
			if _, err := chain.Get(ctx, name); errors.Is(err, secret.ErrNotFound) {
				continue
			}
		}
		refused = nil
		if err := chain.Update(ctx, name, redeem); err != nil {
			return token.Token{}, err
		}
		if refused == nil {
			return got, nil
		}
		if _, again := token.AsSignInNeeded(refused); !again {
			return token.Token{}, refused
		}
	}
	return token.Token{}, refused
}

// client is one for all that have the same proxy variables: each of its own
// would keep connections of its own.
func (v *Vault) client(env map[string]string) *http.Client {
	build := signin.NewHTTPClient
	if v.HTTP != nil {
		build = v.HTTP
	}
	key, _ := json.Marshal(env) // strings
	v.mu.Lock()
	defer v.mu.Unlock()
	c, ok := v.clients[string(key)]
	if !ok {
		if v.clients == nil {
			v.clients = map[string]*http.Client{}
		}
		c = build(env)
		v.clients[string(key)] = c
	}
	return c
}
