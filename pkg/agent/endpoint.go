package agent

import (
	"encoding/json"
	"errors"
	"io"
	"log"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/token"
)

// Sizes and times that no tool comes near. A reply may have to wait for az.
const (
	largestHeader   = 16 << 10
	largestBody     = 16 << 10
	headerTime      = 2 * time.Second
	readTime        = 10 * time.Second
	replyTime       = time.Minute
	idleTime        = 20 * time.Second // of a connection between two requests
	mostConnections = 512              // at once; more wait in the system's queue
)

// dialect is one tool's way to ask for a token. How it carries its key is all
// that it has to do with authentication, which endpoint.serve does for all.
type dialect struct {
	name   string
	method string
	path   string                   // all of it, or what follows the key where key is nil
	key    func(http.Header) string // nil: the key is the path's first element
	ask    func(*http.Request) (ask, error)
	answer func(ask, token.Token, time.Time) any
	fault  func(fault) (status int, body any)
}

// dialects has all of them; which tool speaks which is said in each one's file.
func dialects() []dialect { return []dialect{appService(), oldMSI(), terraform(), azd()} }

// ask is what a tool asks for.
type ask struct {
	resource string
	tenant   string // "" where the dialect doesn't say
}

// fault is why there is no token.
type fault struct {
	code    faultCode
	message string // one line, with what helps
}

type faultCode string

const (
	faultRefused faultCode = "refused"           // by the guard
	faultKey     faultCode = "context_ended"     // no activation has this key
	faultRequest faultCode = "invalid_request"   // it asks for nothing that could be given
	faultSignIn  faultCode = "sign_in_needed"    // only the user can help
	faultToken   faultCode = "token_unavailable" // the sign-in failed for another reason
)

// endpoint is the loopback HTTP server.
type endpoint struct {
	port     string
	dialects []dialect
	registry *registry
	source   *token.Source
	now      func() time.Time
	given    counter // tokens, by dialect
	refused  counter // requests, by reason
}

// counter counts by name. The zero value is ready.
type counter struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *counter) add(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[name]++
}

func (c *counter) counts() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		return map[string]int{}
	}
	return maps.Clone(c.n)
}

func newEndpoint(port int, registry *registry, source *token.Source, now func() time.Time) *endpoint {
	return &endpoint{port: strconv.Itoa(port), dialects: dialects(), registry: registry, source: source, now: now}
}

func (e *endpoint) server() *http.Server {
	return &http.Server{
		Handler:                      e,
		DisableGeneralOptionsHandler: true,
		MaxHeaderBytes:               largestHeader,
		ReadHeaderTimeout:            headerTime,
		ReadTimeout:                  readTime,
		WriteTimeout:                 replyTime,
		IdleTimeout:                  idleTime,
		ErrorLog:                     log.New(io.Discard, "", 0),
	}
}

// ServeHTTP answers one request. It has no router between, for that would
// answer an unclean path with a redirect.
func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if reason := e.guard(r); reason != "" {
		e.refuse(w, http.StatusForbidden, reason)
		return
	}
	d, pathKey, ok := e.route(r.URL.Path)
	if !ok {
		e.refuse(w, http.StatusBadRequest, "path") // not 404, which clients retry
		return
	}
	if r.Method != d.method {
		e.refuse(w, http.StatusMethodNotAllowed, "method")
		return
	}
	if pathKey != "" && !strings.EqualFold(r.Header.Get("Metadata"), "true") {
		// Every tool says it, and no web page can without being asked first.
		e.refuse(w, http.StatusForbidden, "no Metadata header")
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, largestBody)
	status, body, known := e.serve(r, d, pathKey)
	if !known {
		w.Header().Set("Connection", "close") // a stranger keeps none of ours
	}
	reply(w, status, body)
}

// serve is past the guard: who asks, what for, and the answer. known is whether
// it was an activation that asked.
func (e *endpoint) serve(r *http.Request, d dialect, pathKey string) (status int, body any, known bool) {
	a := e.authenticate(r, d, pathKey)
	if a == nil {
		status, body = d.fault(fault{faultKey, "az-ctx's agent was restarted, or this context has ended; press Enter at the prompt, or run: az-ctx select NAME"})
		return status, body, false
	}
	t, asked, f := e.token(r, d, a)
	if f != nil {
		status, body = d.fault(*f)
		return status, body, true
	}
	a.given.add(d.name)
	e.given.add(d.name)
	return http.StatusOK, d.answer(asked, t, e.now()), true
}

// token gets the token that a request of an activation's asks for.
func (e *endpoint) token(r *http.Request, d dialect, a *activation) (token.Token, ask, *fault) {
	asked, err := d.ask(r)
	if err == nil {
		err = token.CheckResource(asked.resource)
	}
	if err != nil {
		e.refused.add("request")
		return token.Token{}, asked, &fault{faultRequest, err.Error()}
	}
	if a.Context == nil {
		return token.Token{}, asked, &fault{faultSignIn, "this shell is signed out, its context was removed; run: az-ctx select NAME"}
	}
	of := *a.Context
	if asked.tenant != "" {
		var f *fault
		if of, f = inTenant(of, asked.tenant); f != nil {
			return token.Token{}, asked, f
		}
	}
	t, err := e.source.Get(r.Context(), token.Request{Context: of, Cloud: a.Cloud, Resource: asked.resource, Origin: a.Origin})
	if err != nil {
		f := faultOf(err)
		return token.Token{}, asked, &f
	}
	return t, asked, nil
}

// inTenant is the context's account in the tenant that a tool asks for. A user
// has a token of each tenant that they are in; any other account has one tenant.
func inTenant(c azure.Context, tenant string) (azure.Context, *fault) {
	if strings.EqualFold(tenant, c.Tenant.ID) || strings.EqualFold(tenant, c.Tenant.Domain) {
		return c, nil
	}
	switch {
	case c.Account.Type != azure.User:
		return c, &fault{faultToken, "az-ctx: " + clip(c.Account.ID) + " has tokens of tenant " + clip(c.Tenant.Label()) + " alone, not of " + clip(tenant) + "; run: az-ctx set --tenant " + clip(tenant)}
	case !azure.IsID(tenant):
		return c, &fault{faultRequest, "az-ctx: a tenant other than the context's has to be said by its id, not as " + clip(tenant)}
	}
	c.Tenant, c.Subscription = azure.Tenant{ID: strings.ToLower(tenant)}, nil
	return c, nil
}

// guard names what is wrong with a request that no tool would make: one that a
// web page makes a browser send, or that came by a proxy.
func (e *endpoint) guard(r *http.Request) (reason string) {
	if r.Host != "127.0.0.1:"+e.port {
		return "Host" // a name, which may be anybody's that resolves to the loopback
	}
	for name := range r.Header {
		switch {
		case name == "Origin", name == "Referer", name == "Forwarded", name == "Via":
			return name
		case strings.HasPrefix(name, "Sec-Fetch-"):
			return "Sec-Fetch-*"
		case strings.HasPrefix(name, "X-Forwarded-"):
			return "X-Forwarded-*"
		}
	}
	return ""
}

// route finds the dialect that a path belongs to, and the key in it.
func (e *endpoint) route(path string) (d dialect, key string, ok bool) {
	for _, d := range e.dialects {
		if d.key != nil {
			if path == d.path {
				return d, "", true
			}
			continue
		}
		first, found := strings.CutSuffix(path, d.path)
		if key, slash := strings.CutPrefix(first, "/"); found && slash && key != "" && !strings.Contains(key, "/") {
			return d, key, true
		}
	}
	return dialect{}, "", false
}

// authenticate finds the activation that the request's key belongs to: the one
// place that does, whatever the dialect. It counts those that are none's.
func (e *endpoint) authenticate(r *http.Request, d dialect, pathKey string) *activation {
	key, find := pathKey, e.registry.byPath
	if d.key != nil {
		key, find = d.key(r.Header), e.registry.byHeader
	}
	a := find(key)
	switch {
	case a != nil:
	case e.registry.hasEnded(key):
		e.refused.add("ended key")
	default:
		e.refused.add("unknown key")
	}
	return a
}

// header is a header's value where it came exactly once.
func header(h http.Header, name string) string {
	if values := h.Values(name); len(values) == 1 {
		return values[0]
	}
	return ""
}

func (e *endpoint) refuse(w http.ResponseWriter, status int, reason string) {
	e.refused.add(reason)
	w.Header().Set("Connection", "close")
	reply(w, status, faultBody(status, fault{faultRefused, "az-ctx's agent does not answer such a request: " + reason}))
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false) // a command in a message is to be pasted
	enc.Encode(body)
}

// faultOf says a token's error in one line.
func faultOf(err error) fault {
	needed, ok := token.AsSignInNeeded(err)
	switch {
	case !ok:
		return fault{faultToken, "az-ctx: " + err.Error()}
	case needed.Try == "":
		return fault{faultSignIn, "az-ctx: " + err.Error()}
	}
	return fault{faultSignIn, "az-ctx: " + err.Error() + "; run: " + needed.Try}
}

// oneOf gives the single value of a parameter.
func oneOf(values []string) (string, error) {
	switch {
	case len(values) == 0 || values[0] == "":
		return "", errors.New("no resource was asked for")
	case len(values) > 1:
		return "", errors.New("one resource at a time")
	}
	return values[0], nil
}

// clip keeps what a request says short and plain in a message.
func clip(s string) string {
	s = strings.Map(func(c rune) rune {
		if c <= ' ' || c >= 0x7f {
			return -1
		}
		return c
	}, s)
	return s[:min(len(s), 100)]
}
