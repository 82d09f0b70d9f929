package azure

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options of a server. The zero value is the usual one.
type Options struct {
	World    *World        // nil: DefaultWorld
	Addr     string        // "": 127.0.0.1, port 443 inside the namespace, else any free one
	Dir      string        // for the authority's file; "": a temporary one, removed by Close
	Lifetime time.Duration // of access tokens; 0: 75 minutes
	Delay    time.Duration // of each call, as a network has it
	Page     int           // subscriptions in one answer; 0: 1000
}

// Server is a running Azure.
type Server struct {
	CAFile string // PEM, for REQUESTS_CA_BUNDLE, SSL_CERT_FILE and the like

	options  Options
	listener net.Listener
	servers  []*http.Server
	proxy    string // URL, "" inside the namespace
	roots    *x509.CertPool
	ownDir   string

	mu        sync.Mutex // all below
	world     World
	intercept Fault
	autoUser  string
	offset    time.Duration
	flows     []*deviceFlow
	codes     []*authCode
	newFlow   chan struct{} // closed and replaced with each new flow
	tokens    []Token
	requests  []Request
}

// Request is one that came in, with what was understood of it.
type Request struct {
	Time         time.Time
	Host         string
	Method       string
	Path         string
	UserAgent    string
	Tenant       string // asked for, as written in the path; for the manager the token's
	Grant        string // grant_type at the token endpoint
	Resource     string // that a token was asked for
	Client       string // application id
	Account      string // Account.ID, where it is known
	Subscription string // in the manager's path
	Status       int    // 0: taken by Server.Intercept
	Error        string // the error's code
}

// Start runs a server until Close.
func Start(o Options) (*Server, error) {
	s := &Server{options: o, newFlow: make(chan struct{})}
	if s.options.Lifetime == 0 {
		s.options.Lifetime = 75 * time.Minute
	}
	if s.options.Page == 0 {
		s.options.Page = 1000
	}
	if o.World != nil {
		s.world = o.World.clone()
	} else {
		s.world = DefaultWorld()
	}
	if s.options.Addr == "" {
		s.options.Addr = "127.0.0.1:0"
		if Inside() {
			s.options.Addr = namespaceAddr
		}
	}
	if s.options.Dir == "" {
		dir, err := os.MkdirTemp("", "az-ctx-azure-")
		if err != nil {
			return nil, err
		}
		s.options.Dir, s.ownDir = dir, dir
	}
	if err := s.listen(); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Server) listen() error {
	ca, leaf, err := newCertificates(s.world.Hosts())
	if err != nil {
		return err
	}
	s.roots = x509.NewCertPool()
	s.roots.AppendCertsFromPEM(ca)
	s.CAFile = filepath.Join(s.options.Dir, "ca.pem")
	if err := os.WriteFile(s.CAFile, ca, 0o600); err != nil {
		return err
	}
	if s.listener, err = net.Listen("tcp", s.options.Addr); err != nil {
		return err
	}
	// A client that does not know the authority yet is no news here.
	quiet := log.New(io.Discard, "", 0)
	server := &http.Server{
		Handler: http.HandlerFunc(s.serve), ErrorLog: quiet, ReadHeaderTimeout: time.Minute,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{leaf}},
	}
	s.servers = append(s.servers, server)
	go server.ServeTLS(s.listener, "", "") // always an error, at Close
	if s.options.Addr == namespaceAddr {
		return nil
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.proxy = "http://" + l.Addr().String()
	proxy := &http.Server{Handler: http.HandlerFunc(s.serveProxy), ErrorLog: quiet, ReadHeaderTimeout: time.Minute}
	s.servers = append(s.servers, proxy)
	go proxy.Serve(l) // always an error, at Close
	return nil
}

// Close ends the server and removes its temporary directory.
func (s *Server) Close() error {
	var errs []error
	for _, server := range s.servers {
		errs = append(errs, server.Close())
	}
	if s.ownDir != "" {
		errs = append(errs, os.RemoveAll(s.ownDir))
	}
	return errors.Join(errs...)
}

// Addr is where the server listens, an IP address and a port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Env are the variables that bring a child process here: the authority, for
// each library's taste, and our own proxy or none. Append them to its own.
func (s *Server) Env() []string {
	env := []string{
		"SSL_CERT_FILE=" + s.CAFile,
		"SSL_CERT_DIR=" + s.options.Dir, // else Go reads the system's hundred and more too
		"REQUESTS_CA_BUNDLE=" + s.CAFile,
		"CURL_CA_BUNDLE=" + s.CAFile,
		"NODE_EXTRA_CA_CERTS=" + s.CAFile,
	}
	for name, value := range map[string]string{
		"HTTPS_PROXY": s.proxy, "HTTP_PROXY": "", "ALL_PROXY": "", "NO_PROXY": "127.0.0.1,localhost",
	} {
		env = append(env, name+"="+value, strings.ToLower(name)+"="+value)
	}
	return env
}

// Client is an HTTP client for tests in this process: each host name leads
// here, no namespace needed.
func (s *Server) Client() *http.Client {
	var d net.Dialer
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: s.roots},
		ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return d.DialContext(ctx, network, s.Addr())
		},
	}}
}

// Change lets a test change the world of a running server.
func (s *Server) Change(f func(*World)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.world)
}

// World is a copy of what the server knows now.
func (s *Server) World() World {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.world.clone()
}

// Secret is a service principal's, by its client id.
func (s *Server) Secret(client string) string {
	a, _ := s.World().account(client)
	return a.Secret
}

// Advance sets the server's clock forward (back, where d is negative), so that
// its tokens expire without a wait. The clients' clocks stay.
func (s *Server) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset += d
}

// Intercept sees each request first; one that it answers (true) goes no
// further. It is the place for faults. nil takes it away.
// fault.go has what one may want.
func (s *Server) Intercept(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.intercept = f
}

// Requests are all that came in so far, in order of their answers.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Tokens are all that were issued so far.
func (s *Server) Tokens() []Token {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.tokens)
}

// Secrets are the strings that must not be found where none may be: each token
// issued so far and each service principal's secret.
func (s *Server) Secrets() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, t := range s.tokens {
		all = append(all, t.Value)
	}
	for _, a := range s.world.Accounts {
		if a.Secret != "" {
			all = append(all, a.Secret)
		}
	}
	return all
}

func (s *Server) now() time.Time { return time.Now().Add(s.offset) }

// exchange is one request under way.
type exchange struct {
	*Server
	w     http.ResponseWriter
	r     *http.Request
	cloud Cloud
	log   Request
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	e := &exchange{Server: s, w: w, r: r, log: Request{
		Time: time.Now(), Host: r.Host, Method: r.Method, Path: r.URL.Path, UserAgent: r.UserAgent(),
	}}
	// The body is read before the lock is taken, for a slow client's sake, and
	// can be read again by whoever intercepts.
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	r.Body = io.NopCloser(bytes.NewReader(body))

	s.mu.Lock()
	intercept := s.intercept
	w.Header().Set("Date", s.now().UTC().Format(http.TimeFormat))
	s.mu.Unlock()
	if s.options.Delay > 0 {
		Slow(s.options.Delay)(w, r)
	}
	defer func() { // also where a fault cuts the connection
		s.mu.Lock()
		defer s.mu.Unlock()
		s.requests = append(s.requests, e.log)
	}()
	if intercept != nil && intercept(w, r) {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.Form = nil
	r.ParseForm() // what can't be read is missing, and refused as such
	s.mu.Lock()
	defer s.mu.Unlock()
	e.route()
}

// route goes by the host's name.
func (e *exchange) route() {
	host := strings.ToLower(e.r.Host)
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	for _, e.cloud = range e.world.Clouds {
		switch host {
		case e.cloud.Login:
			e.entra()
			return
		case e.cloud.Manager:
			e.manager()
			return
		case e.cloud.Graph:
			e.graph()
			return
		}
	}
	e.reply(http.StatusMisdirectedRequest, map[string]string{"error": "no such host here: " + host})
}

func (e *exchange) reply(status int, body any) {
	e.log.Status = status
	e.w.Header().Set("Content-Type", "application/json; charset=utf-8")
	e.w.Header().Set("Cache-Control", "no-store")
	e.w.WriteHeader(status)
	json.NewEncoder(e.w).Encode(body) // the client has gone
}
