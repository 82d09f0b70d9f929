package azure

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// Fault is something that goes wrong, for Server.Intercept: it reports whether
// it has answered the request. Faults are composed: All(Slow(d), On(
// Times(2, Throttle("Retry-After: 1")), ForToken)).
type Fault func(http.ResponseWriter, *http.Request) bool

// Match picks requests.
type Match func(*http.Request) bool

// ForToken matches requests for tokens.
func ForToken(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/oauth2/v2.0/token") }

// Path matches those whose path ends so.
func Path(suffix string) Match {
	return func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, suffix) }
}

// Grant matches requests for tokens by a grant_type.
func Grant(kind string) Match {
	return func(r *http.Request) bool { return ForToken(r) && form(r).Get("grant_type") == kind }
}

// InTenant matches what is asked of the sign-in service in a tenant.
func InTenant(id string) Match {
	return func(r *http.Request) bool {
		return strings.HasPrefix(strings.ToLower(r.URL.Path), "/"+strings.ToLower(id)+"/")
	}
}

// form reads a body that stays readable.
func form(r *http.Request) url.Values {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	values, _ := url.ParseQuery(string(body))
	return values
}

// On lets f happen to requests that match all of.
func On(f Fault, of ...Match) Fault {
	return func(w http.ResponseWriter, r *http.Request) bool {
		for _, m := range of {
			if !m(r) {
				return false
			}
		}
		return f(w, r)
	}
}

// Times lets f happen n times.
func Times(n int64, f Fault) Fault {
	var happened atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) bool { return happened.Add(1) <= n && f(w, r) }
}

// All lets each happen, until one has answered.
func All(faults ...Fault) Fault {
	return func(w http.ResponseWriter, r *http.Request) bool {
		for _, f := range faults {
			if f(w, r) {
				return true
			}
		}
		return false
	}
}

// Slow holds a request up.
func Slow(d time.Duration) Fault {
	return func(_ http.ResponseWriter, r *http.Request) bool {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-r.Context().Done():
		}
		return false
	}
}

// Until holds a request up until the channel is closed.
func Until(closed <-chan struct{}) Fault {
	return func(_ http.ResponseWriter, r *http.Request) bool {
		select {
		case <-closed:
		case <-r.Context().Done():
		}
		return false
	}
}

// Hang never answers, until the client goes.
func Hang(_ http.ResponseWriter, r *http.Request) bool {
	<-r.Context().Done()
	return true
}

// Cut loses the connection.
func Cut(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }

// Answer gives any answer; headers are name, value, name, value.
func Answer(status int, contentType, body string, headers ...string) Fault {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", contentType)
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		io.WriteString(w, body) // the client has gone
		return true
	}
}

// Throttle answers 429. Each header is one that asks to wait: "Retry-After: 1".
func Throttle(headers ...string) Fault { return failing(http.StatusTooManyRequests, headers) }

// Fail answers with a status of 5xx.
func Fail(status int, headers ...string) Fault { return failing(status, headers) }

func failing(status int, headers []string) Fault {
	var pairs []string
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		pairs = append(pairs, name, value)
	}
	return Answer(status, "application/json", fmt.Sprintf(`{"error":{"code":"%s","message":"Try again."}}`, strings.ReplaceAll(http.StatusText(status), " ", "")), pairs...)
}

// Broken answers 200 with what is no whole JSON: the beginning of a token.
func Broken(w http.ResponseWriter, r *http.Request) bool {
	return Answer(http.StatusOK, "application/json", `{"token_type":"Bearer","access_token":"`+noise(300))(w, r)
}

// Portal answers as the network of a hotel does before one has paid.
func Portal(w http.ResponseWriter, r *http.Request) bool {
	return Answer(http.StatusOK, "text/html; charset=utf-8", "<!doctype html><title>Welcome</title><h1>Accept our terms</h1>")(w, r)
}

// Redirect sends elsewhere, as another hotel's does.
func Redirect(to string) Fault { return Answer(http.StatusFound, "text/html", "", "Location", to) }

// Refusal is an error of the sign-in service.
type Refusal struct {
	Status   int // 0: 400
	Code     string
	Number   int
	Text     string
	Claims   string // JSON
	SubError string
}

// Refuse answers with an error of the sign-in service.
func Refuse(f Refusal) Fault {
	if f.Status == 0 {
		f.Status = http.StatusBadRequest
	}
	body := map[string]any{
		"error": f.Code, "error_codes": []int{f.Number}, "correlation_id": guid([]byte(noise(16))),
		"error_description": fmt.Sprintf("AADSTS%d: %s Trace ID: %s Correlation ID: x Timestamp: y", f.Number, f.Text, guid([]byte(noise(16)))),
	}
	if f.Claims != "" {
		body["claims"] = f.Claims
	}
	if f.SubError != "" {
		body["suberror"] = f.SubError
	}
	b, err := json.Marshal(body)
	if err != nil {
		panic(err) // strings and numbers
	}
	return Answer(f.Status, "application/json; charset=utf-8", string(b))
}

// SecondFactor is what a tenant says that wants one.
var SecondFactor = Refusal{
	Code: "interaction_required", Number: 50076, SubError: "basic_action",
	Text:   "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access '797f4846-ba00-4fd7-ba43-dac1f8f63013'.",
	Claims: `{"access_token":{"capolids":{"essential":true,"values":["cccccccc-0000-4000-8000-0000000000ca"]}}}`,
}

// Challenge answers as the resource manager does where a token is good but not
// good enough.
func Challenge(claims string) Fault {
	return Answer(http.StatusUnauthorized, "application/json",
		`{"error":{"code":"InvalidAuthenticationToken","message":"Continuous access evaluation resulted in challenge."}}`,
		"WWW-Authenticate", fmt.Sprintf(`Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", error="insufficient_claims", claims="%s"`,
			base64.StdEncoding.EncodeToString([]byte(claims))))
}
