package azure

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"html"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// authCode is what a person earned at the sign-in page.
type authCode struct {
	value     string
	user      string
	client    string
	tenant    string
	redirect  string
	challenge string
	expires   time.Time
	redeemed  bool
}

const (
	authCodeLifetime = 10 * time.Minute
	// personParam says on the page's address who signs in; a link of the page has it.
	personParam = "az_ctx_person"
	nobody      = "-" // who declines
)

var pages = template.Must(template.New("").Parse(`<!doctype html><meta charset="utf-8"><title>Sign in</title>
{{define "post"}}<!doctype html><meta charset="utf-8"><title>Working...</title>
<form method="POST" name="hiddenform" action="{{.Action}}">{{range $name, $value := .Fields}}
<input type="hidden" name="{{$name}}" value="{{$value}}">{{end}}
<noscript><input type="submit" value="Continue"></noscript></form>
<script>document.forms[0].submit()</script>{{end}}
{{define "pick"}}<!doctype html><meta charset="utf-8"><title>Sign in</title>{{range .}}
<p><a href="{{.URL}}">{{.Name}}</a></p>{{end}}{{end}}
{{define "error"}}<!doctype html><meta charset="utf-8"><title>Sign in</title><p>AADSTS{{.Number}}: {{.Text}}</p>{{end}}`))

// authorize is the page that the browser flow opens. Whoever AutoApprove names
// is signed in at once; else there is a link for each person.
func (e *exchange) authorize(t Tenant) {
	q := e.r.URL.Query()
	e.log.Client, e.log.Grant = q.Get("client_id"), "authorize"
	redirect, err := url.Parse(q.Get("redirect_uri"))
	switch {
	case q.Get("client_id") == "":
		e.page(http.StatusBadRequest, "error", map[string]any{"Number": 900144, "Text": "The request must contain the parameter 'client_id'."})
		return
	case err != nil || redirect.Scheme != "http" || redirect.Hostname() != "localhost" || strings.Trim(redirect.Path, "/") != "":
		e.page(http.StatusBadRequest, "error", map[string]any{"Number": 50011, "Text": "The redirect URI specified in the request does not match."})
		return
	}
	answer := url.Values{"state": {q.Get("state")}}
	fail := func(code string, number int, text string) {
		e.log.Error = fmt.Sprintf("AADSTS%d", number)
		answer.Set("error", code)
		answer.Set("error_description", fmt.Sprintf("AADSTS%d: %s Trace ID: %s", number, text, guid([]byte(noise(16)))))
	}
	person := q.Get(personParam)
	if person == "" {
		person = e.autoUser
	}
	resource, known := e.knownResource(q.Get("scope"))
	a, isPerson := e.world.account(person)
	switch {
	case q.Get("response_type") != "code" || q.Get("response_mode") != "form_post":
		fail("unsupported_response_type", 700051, "only response_type code with response_mode form_post is made here.")
	case q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43:
		fail("invalid_request", 9002325, "Proof Key for Code Exchange is required.")
	case !known:
		fail("invalid_resource", 500011, "The resource principal named "+resource+" was not found in the tenant.")
	case person == "":
		e.pick(q)
		return
	case person == nobody:
		fail("access_denied", 65004, "User declined to consent to access the app.")
	case !isPerson:
		fail("access_denied", 50034, "The user account "+person+" does not exist.")
	default:
		c := &authCode{
			value: "1.test-code." + noise(400), user: a.Name, client: q.Get("client_id"), tenant: t.ID,
			redirect: q.Get("redirect_uri"), challenge: q.Get("code_challenge"), expires: e.now().Add(authCodeLifetime),
		}
		e.codes = append(e.codes, c)
		e.record(Token{Kind: AuthCode, Value: c.value, Account: a.Name, Tenant: t.ID, Resource: resource, Client: c.client, Expires: c.expires})
		answer.Set("code", c.value)
		answer.Set("session_state", guid([]byte(noise(16))))
	}
	fields := map[string]string{}
	for name := range answer {
		fields[name] = answer.Get(name)
	}
	e.page(http.StatusOK, "post", map[string]any{"Action": redirect.String(), "Fields": fields})
}

// pick is the page on which a person says who they are.
func (e *exchange) pick(q url.Values) {
	type link struct{ URL, Name string }
	var links []link
	add := func(person, name string) {
		own := *e.r.URL
		q.Set(personParam, person)
		own.RawQuery = q.Encode()
		links = append(links, link{own.String(), name})
	}
	for _, a := range e.world.Accounts {
		if a.ClientID == "" {
			add(a.Name, a.Name)
		}
	}
	add(nobody, "Cancel")
	e.page(http.StatusOK, "pick", links)
}

func (e *exchange) page(status int, name string, data any) {
	e.log.Status = status
	e.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	e.w.Header().Set("Cache-Control", "no-store")
	e.w.WriteHeader(status)
	pages.ExecuteTemplate(e.w, name, data) // the client has gone
}

// redeemCode ends the browser flow.
func (e *exchange) redeemCode(g *grant) bool {
	form := e.r.PostForm
	c, ok := find(e.codes, func(c *authCode) bool { return c.value == form.Get("code") })
	sum := sha256.Sum256([]byte(form.Get("code_verifier")))
	proof := base64.RawURLEncoding.EncodeToString(sum[:])
	switch {
	case !ok:
		e.refuse(http.StatusBadRequest, "invalid_grant", 9002313, "Invalid request. Request is malformed or invalid.")
	case c.redeemed:
		e.refuse(http.StatusBadRequest, "invalid_grant", 54005, "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.")
	case e.now().After(c.expires):
		e.refuse(http.StatusBadRequest, "invalid_grant", 70008, "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource.")
	case c.client != g.client || c.redirect != form.Get("redirect_uri"):
		e.refuse(http.StatusBadRequest, "invalid_grant", 500112, "The reply address does not match the one of the authorization request.")
	case subtle.ConstantTimeCompare([]byte(proof), []byte(c.challenge)) != 1:
		e.refuse(http.StatusBadRequest, "invalid_grant", 50148, "The code_verifier does not match the code_challenge supplied in the authorization request for PKCE.")
	default:
		c.redeemed = true
		if g.account, ok = e.world.account(c.user); ok {
			return true
		}
		e.refuse(http.StatusBadRequest, "invalid_grant", 50034, "The user account %s does not exist.", c.user)
	}
	return false
}

var (
	formAction = regexp.MustCompile(`<form[^>]* action="([^"]*)"`)
	formField  = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
)

// Browse is a browser that opens a page of the sign-in service and a person who
// signs in there as user ("": declines), up to the client's loopback redirect.
// It is for WithOpenURL and its like. What the client's own page says comes
// back.
func (s *Server) Browse(ctx context.Context, page, user string) (string, error) {
	u, err := url.Parse(page)
	if err != nil {
		return "", err
	}
	q := u.Query()
	if user == "" {
		user = nobody
	}
	q.Set(personParam, user)
	u.RawQuery = q.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return "", err
	}
	body, err := read(s.Client().Do(r))
	if err != nil {
		return "", err
	}
	action := formAction.FindStringSubmatch(body)
	if action == nil {
		return "", fmt.Errorf("the page has no form: %s", body)
	}
	form := url.Values{}
	for _, field := range formField.FindAllStringSubmatch(body, -1) {
		form.Set(html.UnescapeString(field[1]), html.UnescapeString(field[2]))
	}
	r, err = http.NewRequestWithContext(ctx, http.MethodPost, html.UnescapeString(action[1]), strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return read(http.DefaultClient.Do(r))
}

func read(response *http.Response, err error) (string, error) {
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}
