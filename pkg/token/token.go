// Package token is the one way to an access token: from memory, else through
// the account's own sign-in, one request in flight whoever asks. Nothing in it
// is ever written to a file or a log.
package token

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/plain"
)

const (
	// margin is how long before its end a token is no longer given out: MSAL and
	// the SDKs take five minutes too.
	margin = 5 * time.Minute
	// ahead is how long before its end a token is asked for anew, while the one in
	// memory is still given out: a sign-in service that can't be reached for some
	// minutes is then nobody's error.
	ahead = 10 * time.Minute
	// pause is the least time between two such requests, after a failure or where
	// what came back ends soon: az itself keeps its tokens to their last five minutes.
	pause = 30 * time.Second
	// limit is how long one request may take, its wait for az's queue included.
	limit = 20 * time.Second
)

// Token is an access token. Formatting it shows its end alone.
type Token struct {
	Value     string    `json:"value"`
	ExpiresOn time.Time `json:"expiresOn"`
}

// Format keeps the value out of whatever prints a Token by accident.
func (t Token) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "token until %s", t.ExpiresOn.UTC().Format(time.RFC3339))
}

// Origin is what the environment of the user's own shell was, for running az on
// the user's behalf.
type Origin struct {
	Path string            `json:"path"` // PATH
	Env  map[string]string `json:"env"`  // of OriginNames, those that are set
}

// OriginNames are the variables that an Origin may carry: the way out of the
// user's network, and whom to trust on it.
var OriginNames = []string{
	"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
	"http_proxy", "https_proxy", "all_proxy", "no_proxy",
	"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR",
}

// Request says which token is asked for.
type Request struct {
	Context  azure.Context
	Cloud    azure.Cloud
	Resource string // to the letter, its trailing slash too; URL, URN or GUID
	Origin   Origin
}

// SignInNeeded is the error of an account that has no working sign-in.
type SignInNeeded struct {
	Reason string
	Try    string // the command that helps, "" where none is known
}

func (e *SignInNeeded) Error() string { return e.Reason }

// AsSignInNeeded finds a SignInNeeded in the chain of err.
func AsSignInNeeded(err error) (*SignInNeeded, bool) {
	var needed *SignInNeeded
	ok := errors.As(err, &needed)
	return needed, ok
}

// NoSignIn says that the sign-in of the request's account is not there, with the
// command that makes it.
func NoSignIn(r Request, reason string) error {
	words := []string{"az-ctx", "connect"}
	a := r.Context.Account
	if a.Type == azure.ServicePrincipal {
		words = append(words, "--service-principal", "--client-id", plain.Word(a.ClientID), "--client-secret-stdin")
	}
	words = append(words, "--tenant", plain.Word(r.Context.Tenant.Label()))
	return &SignInNeeded{Reason: plain.Line(reason), Try: strings.Join(words, " ")}
}

// key is what tokens are kept by. A user's token of a tenant serves every
// subscription in it. What a session's own sign-in gave is kept apart from what
// the same account's in the keychain did, for it ends with the session.
type key struct{ account, holder, tenant, resource, cloud string }

// held is a token in memory.
type held struct {
	Token
	renew time.Time // from when on it is asked for anew
}

// flight is what concurrent requests share. A borrowed account's has the
// subscription too, for az may know an account by one and no longer by another.
type flight struct {
	key
	subscription string
}

func accountKey(a azure.Account) string {
	id := a.HomeAccountID
	if id == "" {
		id = a.ID
	}
	parts := []string{string(a.Type), strings.ToLower(id), strings.ToLower(a.ClientID)}
	if a.Type == azure.ServicePrincipal {
		parts = append(parts, strings.ToLower(a.TenantID))
	}
	if a.Borrowed != nil { // another directory is another sign-in
		parts = append(parts, a.Borrowed.From, a.Borrowed.Directory)
	}
	return strings.Join(parts, "\x00")
}

func flightOf(r Request) flight {
	f := flight{key: key{
		account:  accountKey(r.Context.Account),
		tenant:   strings.ToLower(r.Context.Tenant.ID),
		resource: r.Resource,
		cloud:    strings.ToLower(r.Cloud.Name),
	}}
	if own := r.Context.Account.SignIn; own != nil {
		f.holder = own.Holder
	}
	if r.Context.Account.Borrowed != nil {
		f.subscription = strings.ToLower(r.Context.SubscriptionID())
	}
	return f
}

// Getter gets a token from the sign-in of an account.
type Getter interface {
	Get(context.Context, Request) (Token, error)
}

// Source gives tokens out and holds them in memory until five minutes before
// their end. The zero value is ready.
type Source struct {
	Now func() time.Time // nil: time.Now
	Own Getter           // for accounts whose sign-in is ours; nil: there are none
	// Gone reports whether an account's sign-in ended with its session, so that
	// not even a token in memory is given out; nil: none ever does.
	Gone  func(azure.Account) bool
	Limit time.Duration // of one request; 0: 20 s

	mu    sync.Mutex
	held  map[key]held
	calls map[flight]*call
	az    chan struct{} // one az at a time, over all accounts
}

type call struct {
	done  chan struct{}
	token Token
	err   error
}

// Get gives the token that r asks for: from memory, else from the account's
// sign-in. However many ask at once, one request is under way, and all of them
// get its answer; a failure is shared so, but not kept. The request goes on for
// the others where ctx ends. The error is a SignInNeeded where only the user
// can help.
//
// A token is given out with five minutes left at least. In its last ten it is
// asked for anew, and nobody waits for that: whoever asks gets the one in memory.
func (s *Source) Get(ctx context.Context, r Request) (Token, error) {
	if err := CheckResource(r.Resource); err != nil {
		return Token{}, err
	}
	if err := s.gone(r); err != nil {
		return Token{}, err
	}
	f := flightOf(r)
	s.mu.Lock()
	h, good := s.fresh(f.key)
	if good && s.now().Before(h.renew) {
		s.mu.Unlock()
		return h.Token, nil
	}
	c, ok := s.calls[f]
	if !ok {
		c = &call{done: make(chan struct{})}
		if s.calls == nil {
			s.calls = map[flight]*call{}
		}
		s.calls[f] = c
		go s.run(f, c, r)
	}
	s.mu.Unlock()
	if good {
		return h.Token, nil
	}
	select {
	case <-c.done:
		if err := s.gone(r); err != nil { // meanwhile
			return Token{}, err
		}
		return c.token, c.err
	case <-ctx.Done():
		return Token{}, fmt.Errorf("waiting for a token: %w", context.Cause(ctx))
	}
}

func (s *Source) gone(r Request) error {
	if s.Gone == nil || !s.Gone(r.Context.Account) {
		return nil
	}
	return NoSignIn(r, r.Context.Account.ID+"'s sign-in ended with the terminal that it was for")
}

// run makes the request of a flight. What was forgotten meanwhile is not kept.
func (s *Source) run(f flight, c *call, r Request) {
	limit := limit
	if s.Limit != 0 {
		limit = s.Limit
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	c.token, c.err = s.fetch(ctx, f, r)
	s.mu.Lock()
	if s.calls[f] == c {
		delete(s.calls, f)
		s.keep(f.key, c.token, c.err)
	}
	s.mu.Unlock()
	close(c.done)
}

// keep takes a request's outcome into memory. s.mu is held.
func (s *Source) keep(k key, t Token, err error) {
	next := s.now().Add(pause)
	if err != nil {
		if h, ok := s.held[k]; ok {
			h.renew = next
			s.held[k] = h
		}
		return
	}
	if s.held == nil {
		s.held = map[key]held{}
	}
	if early := t.ExpiresOn.Add(-ahead); early.After(next) {
		next = early
	}
	s.held[k] = held{t, next}
}

func (s *Source) fetch(ctx context.Context, f flight, r Request) (Token, error) {
	account := r.Context.Account
	if account.Borrowed == nil && s.Own != nil {
		return s.Own.Get(ctx, r)
	}
	if account.Borrowed == nil {
		return Token{}, NoSignIn(r, "there is no sign-in of "+account.ID+"'s")
	}
	if account.Borrowed.From != "az" {
		return Token{}, fmt.Errorf("%s's sign-in is borrowed from %q, which is not known here", plain.Line(account.ID), account.Borrowed.From)
	}
	select {
	case s.queue() <- struct{}{}:
		defer func() { <-s.az }()
	case <-ctx.Done():
		return Token{}, errAzTime
	}
	s.mu.Lock()
	h, ok := s.fresh(f.key) // the one before in the queue may have been for another subscription of this tenant
	ok = ok && s.now().Before(h.renew)
	s.mu.Unlock()
	if ok {
		return h.Token, nil
	}
	return borrow(ctx, r)
}

func (s *Source) queue() chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.az == nil {
		s.az = make(chan struct{}, 1)
	}
	return s.az
}

// fresh finds a token in memory that is still given out. s.mu is held.
func (s *Source) fresh(k key) (held, bool) {
	h, ok := s.held[k]
	return h, ok && s.now().Before(h.ExpiresOn.Add(-margin))
}

func (s *Source) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

// Forget drops the account's tokens, and those that are under way to it. It
// returns how many tokens it dropped.
func (s *Source) Forget(a azure.Account) int {
	account := accountKey(a)
	return s.drop(func(k key) bool { return k.account == account })
}

// End drops, as Forget does, the tokens of sign-ins whose holder has ended.
func (s *Source) End(ended func(holder string) bool) int {
	return s.drop(func(k key) bool { return ended(k.holder) })
}

func (s *Source) drop(is func(key) bool) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for k := range s.held {
		if is(k) {
			delete(s.held, k)
			n++
		}
	}
	for f := range s.calls {
		if is(f.key) {
			delete(s.calls, f)
		}
	}
	return n
}

// Sweep drops the tokens that are no longer given out, and returns how many are
// left.
func (s *Source) Sweep() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k := range s.held {
		if _, ok := s.fresh(k); !ok {
			delete(s.held, k)
		}
	}
	return len(s.held)
}

// CheckResource refuses what no resource looks like. az reads an argument that
// starts with "@" from a file and takes one with "-" for an option, and on
// Windows it is a batch file, so the argument must be plain.
func CheckResource(r string) error {
	if r == "" {
		return errors.New("no resource was asked for")
	}
	if !isArgument(r) {
		return fmt.Errorf("%.100q is no resource that a token can be asked for", r)
	}
	return nil
}

func isArgument(s string) bool {
	if s == "" || len(s) > 1024 || !alphanumeric(rune(s[0])) {
		return false
	}
	for _, c := range s {
		if !alphanumeric(c) && !strings.ContainsRune("-._~:/?#[]@+,=*", c) {
			return false
		}
	}
	return true
}

func alphanumeric(c rune) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}
