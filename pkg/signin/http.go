package signin

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	msal "github.com/AzureAD/microsoft-authentication-library-for-go/apps/errors"
	"golang.org/x/net/http/httpproxy"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/plain"
	"github.com/az-ctx/az-ctx/pkg/token"
)

const (
	tryLimit  = 20 * time.Second // one request
	tries     = 3                // of a request that may be repeated
	longest   = 10 * time.Second // wait that is worth it
	skewLimit = 5 * time.Minute  // Entra's own tolerance
)

// NewHTTPClient gives a client that goes the way out that the variables say
// (of token.OriginNames: proxies, and whom to trust beside the system's own).
func NewHTTPClient(env map[string]string) *http.Client {
	get := func(names ...string) string {
		for _, name := range names {
			if env[name] != "" {
				return env[name]
			}
		}
		return ""
	}
	proxies := (&httpproxy.Config{
		HTTPProxy:  get("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"),
		HTTPSProxy: get("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"),
		NoProxy:    get("NO_PROXY", "no_proxy"),
	}).ProxyFunc()
	transport := &http.Transport{
		Proxy:                 func(r *http.Request) (*url.URL, error) { return proxies(r.URL) },
		ForceAttemptHTTP2:     true,
		TLSHandshakeTimeout:   10 * time.Second,
		IdleConnTimeout:       90 * time.Second,
		MaxIdleConnsPerHost:   16,
		ExpectContinueTimeout: time.Second,
	}
	if roots := moreRoots(get("SSL_CERT_FILE"), get("REQUESTS_CA_BUNDLE"), get("CURL_CA_BUNDLE")); roots != nil {
		transport.TLSClientConfig = &tls.Config{RootCAs: roots}
	}
	return &http.Client{Transport: transport}
}

// OwnHTTPClient goes the way out that this process's own variables say. It is
// one for all.
var OwnHTTPClient = sync.OnceValue(func() *http.Client {
	env := map[string]string{}
	for _, name := range token.OriginNames {
		env[name] = os.Getenv(name)
	}
	return NewHTTPClient(env)
})

// moreRoots adds the files' authorities to the system's; nil where there are
// none. A file that can't be read adds nothing: the handshake will say so.
func moreRoots(files ...string) *x509.CertPool {
	var pool *x509.CertPool
	for _, file := range files {
		pem, err := os.ReadFile(file)
		if file == "" || err != nil {
			continue
		}
		if pool == nil {
			if pool, err = x509.SystemCertPool(); err != nil {
				pool = x509.NewCertPool()
			}
		}
		pool.AppendCertsFromPEM(pem)
	}
	return pool
}

// wire is the HTTP client of one flow, as MSAL wants one. It repeats what may be
// repeated, follows no redirect, and remembers how the last request ended: the
// text of MSAL's own errors may hold a token.
type wire struct {
	http   *http.Client
	cloud  azure.Cloud
	silent bool
	pause  func(context.Context, time.Duration) error

	host string  // asked last
	err  error   // of the last request
	last *answer // to it
	skew time.Duration
}

// answer is what came back.
type answer struct {
	Status      int
	Type        string // media type
	JSON        bool
	RetryAfter  time.Duration
	Location    string
	Error       string `json:"error"`
	SubError    string `json:"suberror"`
	Description string `json:"error_description"`
	Codes       []int  `json:"error_codes"`
	Claims      string `json:"claims"`
}

// wire begins a flow. Where nobody waits at a page (silent) a request that was
// cut off is repeated; a code that a person has earned is redeemed once.
func (c Client) wire(silent bool) *wire {
	h := c.HTTP
	if h == nil {
		h = OwnHTTPClient()
	}
	own := *h
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	w := &wire{http: &own, cloud: c.Cloud, silent: silent, pause: c.pause}
	if w.pause == nil {
		w.pause = pause
	}
	return w
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// CloseIdleConnections leaves them to whoever owns the client.
func (w *wire) CloseIdleConnections() {}

// Do makes a request. The answer's body is in memory.
func (w *wire) Do(r *http.Request) (*http.Response, error) {
	w.host, w.err, w.last = r.URL.Host, nil, nil
	if known := w.known(r); known != nil {
		return known, nil
	}
	var response *http.Response
	for try := 1; ; try++ {
		var err error
		response, err = w.once(r)
		w.err = err
		wait := time.Duration(1<<try) * 100 * time.Millisecond
		switch {
		case r.Context().Err() != nil:
			return nil, r.Context().Err()
		case err != nil:
			if !w.silent || !CutOff(err) {
				return nil, err
			}
		case w.last.Status == http.StatusTooManyRequests || w.last.Status >= 500 && w.last.Status != http.StatusNetworkAuthenticationRequired:
			if w.last.RetryAfter > 0 {
				wait = w.last.RetryAfter
			}
		default:
			return response, nil
		}
		if try == tries || wait > longest {
			return response, err
		}
		if err := w.pause(r.Context(), wait); err != nil {
			return nil, err
		}
		if r.GetBody != nil {
			if r.Body, err = r.GetBody(); err != nil {
				return nil, err
			}
		}
	}
}

func (w *wire) once(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(r.Context(), tryLimit)
	defer cancel()
	response, err := w.http.Do(r.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	a := &answer{}
	a.JSON = json.Unmarshal(body, a) == nil
	a.Status = response.StatusCode
	a.Type, _, _ = strings.Cut(response.Header.Get("Content-Type"), ";")
	a.Location = response.Header.Get("Location")
	if date, err := http.ParseTime(response.Header.Get("Date")); err == nil {
		w.skew = time.Since(date)
	}
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil {
		a.RetryAfter = time.Duration(seconds) * time.Second
	}
	w.last = a
	return response, nil
}

// known answers for the authority where its answer is known: MSAL asks for a
// tenant's endpoints before its first token, which would double the requests of
// a discovery in 200 tenants. A sign-in asks, and so learns of a tenant that
// does not exist before a page is opened.
func (w *wire) known(r *http.Request) *http.Response {
	base, ok := strings.CutSuffix(r.URL.Path, "/v2.0/.well-known/openid-configuration")
	switch w.cloud {
	case azure.Public, azure.USGovernment:
	default: // China's names another host; the others' are theirs to say
		return nil
	}
	if !ok || !w.silent || r.Method != http.MethodGet || "https://"+r.URL.Host != w.cloud.Authority {
		return nil
	}
	base = w.cloud.Authority + base
	body, _ := json.Marshal(map[string]string{ // strings
		"issuer":                 base + "/v2.0",
		"authorization_endpoint": base + "/oauth2/v2.0/authorize",
		"token_endpoint":         base + "/oauth2/v2.0/token",
	})
	return &http.Response{
		StatusCode: http.StatusOK, Request: r, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(bytes.NewReader(body)),
	}
}

// CutOff reports whether a connection that stood was lost, or lost before it could
// be used, which is worth another try; a name or a port that is not there is not.
func CutOff(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return false
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &op) && (op.Op == "read" || op.Op == "write") ||
		strings.Contains(err.Error(), "server sent GOAWAY") || strings.Contains(err.Error(), "stream error")
}

// explain makes the one clear error of what MSAL says.
func (w *wire) explain(ctx context.Context, err error, s subject) error {
	var own callerError
	var ready *Error
	switch {
	case errors.As(err, &own):
		return own.error
	case errors.As(err, &ready):
		return ready
	}
	if err := cancelled(ctx); err != nil {
		return err
	}
	skew := w.skewText()
	switch {
	case w.err != nil:
		return Unreachable(w.host, w.err)
	case w.last == nil:
	case w.last.Status/100 == 3:
		return notEntra(w.host, "it redirects elsewhere")
	case w.last.JSON && w.last.Error != "" && w.last.Error != "authorization_pending" && w.last.Error != "slow_down":
		return s.refused(*w.last, skew)
	case w.last.Status == http.StatusProxyAuthRequired:
		return &Error{Class: Proxy, Text: "the proxy wants to know who you are (407)"}
	case w.last.Status == http.StatusNetworkAuthenticationRequired:
		return notEntra(w.host, "the network wants a sign-in of its own")
	case w.last.Status == http.StatusTooManyRequests || w.last.Status >= 500:
		return s.refused(*w.last, skew)
	case !w.last.JSON && strings.Contains(w.last.Type, "html"):
		return notEntra(w.host, "a web page came back")
	case !w.last.JSON:
		return notEntra(w.host, "what came back is no JSON")
	case w.last.Status != http.StatusOK:
		return notEntra(w.host, fmt.Sprintf("status %d", w.last.Status))
	}
	var unread msal.InvalidJsonErr
	if errors.As(err, &unread) { // its text quotes what came
		return notEntra(w.host, "what came back is no token")
	}
	text := html.UnescapeString(err.Error()) // of the browser's answer MSAL escapes it
	if m := codes().FindStringSubmatch(text); m != nil {
		n, _ := strconv.Atoi(m[1])
		return s.refused(answer{Description: text[strings.Index(text, m[0]):], Codes: []int{n}}, skew)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &Error{Class: Expired, Text: "nobody signed in: the code was not entered in time"}
	}
	if strings.Contains(text, "no token found") {
		return s.needed(Revoked, "", fmt.Sprintf("there is no sign-in of %s's", s.who()))
	}
	return &Error{Class: Refused, Text: fmt.Sprintf("%s could not sign in: %s", plain.Line(s.who()), Scrub(text, s.secrets()...))}
}

func (w *wire) skewText() string {
	switch skew := w.skew.Round(time.Minute); {
	case skew > skewLimit:
		return fmt.Sprintf("this machine's clock is %s ahead", spell(skew))
	case skew < -skewLimit:
		return fmt.Sprintf("this machine's clock is %s behind", spell(-skew))
	}
	return ""
}

func spell(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", int(d.Hours()/24+0.5))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", int(d.Hours()+0.5))
	}
	return fmt.Sprintf("%d minutes", int(d.Minutes()))
}

func notEntra(host, what string) *Error {
	return &Error{Class: NotEntra, Text: plain.Line(fmt.Sprintf("what answers for %s is not it: %s; is this a network that one signs in to, or a proxy?", host, what))}
}

// Unreachable is the clear error of a request that got no answer. It names the
// host alone: a URL may carry a secret.
func Unreachable(host string, err error) *Error {
	host = plain.Line(host)
	var dns *net.DNSError
	var op *net.OpError
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var record tls.RecordHeaderError
	network := func(format string, args ...any) *Error {
		return &Error{Class: Network, Text: fmt.Sprintf(format, args...)}
	}
	switch {
	case errors.As(err, &op) && op.Op == "proxyconnect", strings.Contains(err.Error(), "Proxy Authentication Required"):
		if strings.Contains(err.Error(), "Proxy Authentication Required") {
			return &Error{Class: Proxy, Text: "the proxy wants to know who you are (407)"}
		}
		return &Error{Class: Proxy, Text: "the proxy can't be reached: " + Scrub(rootOf(err))}
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return &Error{Class: Clock, Text: fmt.Sprintf("the certificate of %s is not valid at this time: is this machine's clock right?", host)}
	case errors.As(err, &unknown):
		return &Error{Class: NotEntra, Text: fmt.Sprintf("the certificate of %s is of an authority that is not known here: is there a proxy in between? (SSL_CERT_FILE adds its authority)", host)}
	case errors.As(err, &name), errors.As(err, &record):
		return notEntra(host, "its certificate is another's")
	case errors.As(err, &dns) && dns.IsNotFound:
		return network("there is no way to %s: the name is not known here", host)
	case errors.As(err, &dns):
		return network("there is no way to %s: no name server answers", host)
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return network("%s did not answer in time", host)
	case CutOff(err):
		return network("the connection to %s was cut off", host)
	}
	return network("there is no way to %s: %s", host, Scrub(rootOf(err)))
}

// IsTransport reports whether err is of a request that got no answer.
func IsTransport(err error) bool {
	var u *url.Error
	var n net.Error
	return errors.As(err, &u) || errors.As(err, &n) || CutOff(err)
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// rootOf is the innermost cause's text, which has no URL in it.
func rootOf(err error) string {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err.Error()
		}
		err = next
	}
}
