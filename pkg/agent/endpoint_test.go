//go:build unix

package agent

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/process"
	"github.com/az-ctx/az-ctx/pkg/token"
)

// now is the time at the tests' endpoint, tokenEnds when its tokens end.
var (
	now       = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	tokenEnds = now.Add(time.Hour)
)

// stubAz makes az's directory for alice, and an az that says whose token it
// gives and for what.
func stubAz(t testing.TB, user string) (dir string, origin Origin) {
	t.Helper()
	dir = t.TempDir()
	profile := fmt.Sprintf(`{"subscriptions":[{"isDefault":true,"id":"%s","environmentName":"AzureCloud","tenantId":"%s","user":{"name":"%s","type":"user"}}]}`, subID, tenantID, user)
	if err := os.WriteFile(filepath.Join(dir, "azureProfile.json"), []byte(profile), 0o600); err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf("#!/bin/sh\nenv > '%s/env'\n"+`echo '{"accessToken":"%s for '"$6"'","expires_on":%d,"tenant":"%s"}'`, dir, user, tokenEnds.Unix(), tenantID)
	// See newBox in pkg/token: nobody may be forked while it is open for writing.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(filepath.Join(dir, "az"), []byte(script+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir, Origin{Path: dir + ":/usr/bin:/bin"}
}

// served is an endpoint on a port of its own, with one activation.
type served struct {
	*endpoint
	t    *testing.T
	port int
	keys Endpoint
}

func serve(t *testing.T) served {
	t.Helper()
	source := &token.Source{Now: func() time.Time { return now }}
	e := newEndpoint(0, newRegistry(), source, func() time.Time { return now })
	web := httptest.NewUnstartedServer(nil)
	web.Config = e.server()
	port := web.Listener.Addr().(*net.TCPAddr).Port
	e.port = fmt.Sprint(port)
	web.Start()
	t.Cleanup(web.Close)
	s := served{endpoint: e, t: t, port: port}
	dir, origin := stubAz(t, "alice@contoso.com")
	s.keys = s.register(Registration{Ref: "h/1-1/1", Session: process.ID{PID: 1, Start: 1}, Context: alice(dir), Cloud: azure.Public, Origin: origin})
	return s
}

func (s served) register(r Registration) Endpoint {
	h, p := s.registry.register(r)
	return Endpoint{Port: s.port, Header: h, Path: p}
}

// do sends a request and reads the answer, which may be no redirect.
func (s served) do(r *http.Request) (int, map[string]any, http.Header) {
	s.t.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	var body map[string]any
	if err := json.Unmarshal(raw, &body); err != nil {
		s.t.Fatalf("the answer is no JSON: %q", raw)
	}
	return res.StatusCode, body, res.Header
}

func newRequest(t *testing.T, method, url, body string, headers ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

// asks are how each tool asks with the variables that it has, as facts 1 says.
var asks = map[string]func(t *testing.T, v map[string]string, resource string) *http.Request{
	"app service": func(t *testing.T, v map[string]string, resource string) *http.Request {
		return newRequest(t, "GET", v["IDENTITY_ENDPOINT"]+"?api-version=2019-08-01&resource="+url.QueryEscape(resource)+"&client_id=some-app", "",
			"X-IDENTITY-HEADER", v["IDENTITY_HEADER"], "Metadata", "true")
	},
	"old msi": func(t *testing.T, v map[string]string, resource string) *http.Request {
		return newRequest(t, "POST", v["MSI_ENDPOINT"], "resource="+url.QueryEscape(resource), "Metadata", "true", "Content-Type", "application/x-www-form-urlencoded")
	},
	"terraform": func(t *testing.T, v map[string]string, resource string) *http.Request {
		return newRequest(t, "GET", v["ARM_MSI_ENDPOINT"]+"?api-version=2018-02-01&resource="+url.QueryEscape(resource), "", "Metadata", "true")
	},
	"azd": func(t *testing.T, v map[string]string, resource string) *http.Request {
		body, _ := json.Marshal(map[string]any{"scopes": []string{resource + "/.default"}, "tenantId": tenantID})
		return newRequest(t, "POST", v["AZD_AUTH_ENDPOINT"]+"/token?api-version=2023-07-12-preview", string(body),
			"Authorization", "Bearer "+v["AZD_AUTH_KEY"], "Content-Type", "application/json")
	},
}

func TestEachToolGetsATokenInItsDialect(t *testing.T) {
	for name, asking := range asks {
		for _, resource := range []string{arm, "https://management.azure.com", "6dae42f8-4368-4678-94ff-3960e28e3630"} {
			t.Run(name+" "+resource, func(t *testing.T) {
				s := serve(t)
				status, body, h := s.do(asking(t, s.keys.Variables(), resource))
				want := map[string]any{
					"access_token": "alice@contoso.com for " + resource, "token_type": "Bearer", "resource": resource,
					"expires_on": fmt.Sprint(tokenEnds.Unix()), "expires_in": "3600", "not_before": fmt.Sprint(now.Unix()),
				}
				if name == "azd" {
					want = map[string]any{"status": "success", "token": "alice@contoso.com for " + resource, "expiresOn": "2030-01-01T01:00:00Z"}
				}
				if status != 200 || !maps.Equal(body, want) {
					t.Errorf("got %d %v", status, body)
				}
				if h.Get("Cache-Control") != "no-store" || h.Get("Content-Type") != "application/json" {
					t.Errorf("headers: %v", h)
				}
				if got := s.registry.list()[0].given.counts(); got[name] != 1 || len(got) != 1 {
					t.Errorf("counted %v", got)
				}
			})
		}
	}
}

func TestTerraformMayComeWithAnyVersionAndAnyHeader(t *testing.T) {
	s := serve(t)
	r := newRequest(t, "GET", s.keys.Variables()["ARM_MSI_ENDPOINT"]+"?api-version=2099-01-01&resource="+arm, "", "Metadata", "true", "X-IDENTITY-HEADER", "of an older environment")
	if status, body, _ := s.do(r); status != 200 {
		t.Errorf("got %d %v", status, body)
	}
}

// faultIn finds the code and the message of a failure, as each dialect has them.
func faultIn(t *testing.T, name string, status int, body map[string]any) (code, message string) {
	t.Helper()
	message, _ = body["message"].(string)
	if name == "azd" {
		if status != 200 || body["status"] != "error" {
			t.Errorf("azd shows no message of %d %v", status, body)
		}
		code, _ = body["code"].(string)
		return code, message
	}
	inner, _ := body["error"].(map[string]any)
	if status != 400 || body["statusCode"] != 400.0 || inner["message"] != message {
		t.Errorf("got %d %v", status, body)
	}
	code, _ = inner["code"].(string)
	return code, message
}

// denied sends the request and expects a failure that is one line and names
// what helps.
func denied(t *testing.T, s served, name string, r *http.Request, wantCode, wantMessage string) {
	t.Helper()
	status, body, _ := s.do(r)
	code, message := faultIn(t, name, status, body)
	want := map[bool]string{true: map[string]string{
		"context_ended": "NotSignedInError", "sign_in_needed": "NotSignedInError", "invalid_request": "GetTokenError", "token_unavailable": "GetTokenError",
	}[wantCode], false: wantCode}[name == "azd"]
	if code != want || !strings.Contains(message, wantMessage) || strings.Contains(message, "\n") {
		t.Errorf("%s: got %s, %q; want %s, %q", name, code, message, want, wantMessage)
	}
}

func TestAKeyThatIsNoActivationsIsToldWhatToDo(t *testing.T) {
	for name, asking := range asks {
		t.Run(name, func(t *testing.T) {
			s := serve(t)
			first := s.keys
			keys := map[string]Endpoint{
				"unknown":          {Port: s.port, Header: newKey(), Path: newKey()},
				"none":             {Port: s.port, Header: "", Path: "x"},
				"of the other way": {Port: s.port, Header: first.Path, Path: first.Header},
			}
			again := s.registry.list()[0].Registration
			second := s.register(again)
			keys["renewed since"] = first
			for what, key := range keys {
				t.Run(what, func(t *testing.T) {
					denied(t, s, name, asking(t, key.Variables(), arm), "context_ended", "press Enter at the prompt, or run: az-ctx select NAME")
				})
			}
			if got := s.refused.counts(); got["unknown key"] != 2 || got["ended key"] != 2 {
				t.Errorf("%v were counted, of %d", got, len(keys))
			}
			if status, body, _ := s.do(asking(t, second.Variables(), arm)); status != 200 || body["error"] != nil || body["status"] == "error" {
				t.Errorf("the new key: %d %v", status, body)
			}
			s.registry.release(again.Ref)
			denied(t, s, name, asking(t, second.Variables(), arm), "context_ended", "has ended")
		})
	}
}

func TestAKeyThatCameTwiceIsNone(t *testing.T) {
	s := serve(t)
	for _, name := range []string{"app service", "azd"} {
		r := asks[name](t, s.keys.Variables(), arm)
		for _, h := range []string{"X-Identity-Header", "Authorization"} {
			if value := r.Header.Get(h); value != "" {
				r.Header.Add(h, value)
			}
		}
		denied(t, s, name, r, "context_ended", "")
	}
}

func TestASignedOutShellIsToldSo(t *testing.T) {
	for name, asking := range asks {
		s := serve(t)
		out := s.register(Registration{Ref: "h/1-1/2", Session: process.ID{PID: 1, Start: 1}, Cloud: azure.Public})
		denied(t, s, name, asking(t, out.Variables(), arm), "sign_in_needed", "signed out")
	}
}

func TestAFailedSignInNamesTheCommandThatHelps(t *testing.T) {
	for name, asking := range asks {
		s := serve(t)
		dir, origin := stubAz(t, "bob@contoso.com")
		other := s.register(Registration{Ref: "h/1-1/2", Session: process.ID{PID: 1, Start: 1}, Context: alice(dir), Cloud: azure.Public, Origin: origin})
		denied(t, s, name, asking(t, other.Variables(), arm), "sign_in_needed", "is now bob@contoso.com, not alice@contoso.com; run: env AZURE_CONFIG_DIR="+dir+" az login --tenant "+tenantID)
		empty := alice(t.TempDir())
		empty.Account.Borrowed.Directory = dir
		empty.Account.ID = "bob@contoso.com"
		noAz := s.register(Registration{Ref: "h/1-1/3", Session: process.ID{PID: 1, Start: 1}, Context: empty, Cloud: azure.Public, Origin: Origin{Path: "/nonexistent"}})
		denied(t, s, name, asking(t, noAz.Variables(), arm), "token_unavailable", "no az on PATH")
	}
}

func TestTwoActivationsKeysDoNotMix(t *testing.T) {
	s := serve(t)
	dir, origin := stubAz(t, "bob@contoso.com")
	bob := alice(dir)
	bob.Account.ID = "bob@contoso.com"
	bobs := s.register(Registration{Ref: "h/2-2/1", Session: process.ID{PID: 2, Start: 2}, Context: bob, Cloud: azure.Public, Origin: origin})
	for range 2 { // the second time from memory
		for name, asking := range asks {
			for user, keys := range map[string]Endpoint{"alice@contoso.com": s.keys, "bob@contoso.com": bobs} {
				_, body, _ := s.do(asking(t, keys.Variables(), arm))
				if got := body["access_token"]; name != "azd" && got != user+" for "+arm {
					t.Errorf("%s of %s: %v", name, user, got)
				}
				if got := body["token"]; name == "azd" && got != user+" for "+arm {
					t.Errorf("%s of %s: %v", name, user, got)
				}
			}
		}
	}
}

func TestARequestForNothingIsRefused(t *testing.T) {
	s := serve(t)
	v := s.keys.Variables()
	form, path := "application/x-www-form-urlencoded", []string{"Metadata", "true"}
	azd := func(body string) *http.Request {
		return newRequest(t, "POST", v["AZD_AUTH_ENDPOINT"]+"/token", body, "Authorization", "Bearer "+v["AZD_AUTH_KEY"])
	}
	appService := func(query string) *http.Request {
		return newRequest(t, "GET", v["IDENTITY_ENDPOINT"]+query, "", "X-IDENTITY-HEADER", v["IDENTITY_HEADER"])
	}
	for _, c := range []struct {
		name string
		r    *http.Request
		say  string
	}{
		{"app service", appService("?api-version=2019-08-01"), "no resource"},
		{"app service", appService("?resource="), "no resource"},
		{"app service", appService("?resource=a&resource=b"), "one resource"},
		{"old msi", newRequest(t, "POST", v["MSI_ENDPOINT"], "", append(path, "Content-Type", form)...), "no resource"},
		{"old msi", newRequest(t, "POST", v["MSI_ENDPOINT"]+"?resource=x", "resource=", append(path, "Content-Type", form)...), "no resource"},
		{"old msi", newRequest(t, "POST", v["MSI_ENDPOINT"], "%zz", append(path, "Content-Type", form)...), "can't be read"},
		{"old msi", newRequest(t, "POST", v["MSI_ENDPOINT"], "resource="+strings.Repeat("x", largestBody), append(path, "Content-Type", form)...), "can't be read"},
		{"terraform", newRequest(t, "GET", v["ARM_MSI_ENDPOINT"], "", path...), "no resource"},
		{"azd", azd(""), "not the JSON"},
		{"azd", azd("[]"), "not the JSON"},
		{"azd", azd(`{"scopes":["` + strings.Repeat("x", largestBody) + `/.default"]}`), "not the JSON"},
		{"azd", azd(`{"scopes":[]}`), "no scope"},
		{"azd", azd(`{"scopes":["https://graph.microsoft.com/User.Read"]}`), "ends in /.default"},
	} {
		denied(t, s, c.name, c.r, "invalid_request", c.say)
	}
	denied(t, s, "app service", appService("?resource=@/etc/passwd"), "invalid_request", "is no resource")
	denied(t, s, "azd", azd(`{"scopes":["/.default"]}`), "invalid_request", "no resource")
}

func TestAzdsTenantIsServedOrRefusedNeverIgnored(t *testing.T) {
	const other = "bbbbbbbb-0000-4000-8000-000000000002"
	s := serve(t)
	s.source.Own = ours{}
	ask := func(keys Endpoint, tenant string) *http.Request {
		v := keys.Variables()
		return newRequest(t, "POST", v["AZD_AUTH_ENDPOINT"]+"/token", `{"scopes":["`+arm+`/.default"],"tenantId":"`+tenant+`"}`, "Authorization", "Bearer "+v["AZD_AUTH_KEY"])
	}
	for _, tenant := range []string{"", tenantID, strings.ToUpper(tenantID), "contoso.com"} {
		if _, body, _ := s.do(ask(s.keys, tenant)); body["status"] != "success" {
			t.Errorf("%q: %v", tenant, body)
		}
	}
	number := 1
	of := func(kind azure.AccountType) Endpoint {
		number++
		c := *alice("")
		c.Account = azure.Account{ID: "somebody", Type: kind, SignIn: &azure.SignIn{}}
		return s.register(Registration{Ref: fmt.Sprintf("h/1-1/%d", number), Session: process.ID{PID: 1, Start: 1}, Context: &c, Cloud: azure.Public})
	}
	user := of(azure.User)
	for asked, want := range map[string]string{"": tenantID, other: other, strings.ToUpper(other): other} {
		if _, body, _ := s.do(ask(user, asked)); body["token"] != "somebody in "+want {
			t.Errorf("a user of ours, asked for %q: %v", asked, body)
		}
	}
	for _, kind := range []azure.AccountType{azure.ServicePrincipal, azure.ManagedIdentity, azure.AccessToken} {
		denied(t, s, "azd", ask(of(kind), other), "token_unavailable", "somebody has tokens of tenant contoso.com alone, not of "+other+"; run: az-ctx set --tenant "+other)
	}
	denied(t, s, "azd", ask(user, "fabrikam.com"), "invalid_request", "has to be said by its id, not as fabrikam.com")
	denied(t, s, "azd", ask(user, "x\\n"+strings.Repeat("y", 5000)), "invalid_request", "by its id")
	// Of a borrowed user az is asked; the stand-in answers with its own tenant.
	denied(t, s, "azd", ask(s.keys, other), "token_unavailable", "it is of tenant")
}

// ours are accounts of ours, whose tokens say whose they are and where.
type ours struct{}

func (ours) Get(_ context.Context, r token.Request) (token.Token, error) {
	return token.Token{Value: r.Context.Account.ID + " in " + r.Context.Tenant.ID, ExpiresOn: tokenEnds}, nil
}

func TestTheGuardRefusesWhatNoToolWouldSend(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*http.Request)
		status int
		reason string
	}{
		"a name that resolves to the loopback": {func(r *http.Request) { r.Host = "evil.example:" + r.URL.Port() }, 403, "Host"},
		"the host without a port":              {func(r *http.Request) { r.Host = "127.0.0.1" }, 403, "Host"},
		"another port":                         {func(r *http.Request) { r.Host = "127.0.0.1:1" }, 403, "Host"},
		"another loopback address":             {func(r *http.Request) { r.Host = "127.0.0.2:" + r.URL.Port() }, 403, "Host"},
		"the loopback's name":                  {func(r *http.Request) { r.Host = "localhost:" + r.URL.Port() }, 403, "Host"},
		"a trailing dot":                       {func(r *http.Request) { r.Host = "127.0.0.1.:" + r.URL.Port() }, 403, "Host"},
		"the loopback, written otherwise":      {func(r *http.Request) { r.Host = "127.1:" + r.URL.Port() }, 403, "Host"},
		"a web page's origin":                  {func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, 403, "Origin"},
		"a null origin":                        {func(r *http.Request) { r.Header.Set("Origin", "null") }, 403, "Origin"},
		"our own origin":                       {func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:"+r.URL.Port()) }, 403, "Origin"},
		"an empty origin":                      {func(r *http.Request) { r.Header["Origin"] = []string{""} }, 403, "Origin"},
		"a link":                               {func(r *http.Request) { r.Header.Set("Referer", "https://evil.example") }, 403, "Referer"},
		"a browser's fetch":                    {func(r *http.Request) { r.Header.Set("Sec-Fetch-Mode", "navigate") }, 403, "Sec-Fetch-*"},
		"a browser's fetch, from nowhere":      {func(r *http.Request) { r.Header.Set("sec-fetch-site", "none") }, 403, "Sec-Fetch-*"},
		"a proxy":                              {func(r *http.Request) { r.Header.Set("X-Forwarded-For", "10.0.0.1") }, 403, "X-Forwarded-*"},
		"a proxy's host":                       {func(r *http.Request) { r.Header.Set("X-Forwarded-Host", "x") }, 403, "X-Forwarded-*"},
		"a proxy, by the standard":             {func(r *http.Request) { r.Header.Set("Forwarded", "for=10.0.0.1") }, 403, "Forwarded"},
		"a proxy that names itself":            {func(r *http.Request) { r.Header.Set("Via", "1.1 squid") }, 403, "Via"},
		"another method":                       {func(r *http.Request) { r.Method = "PUT" }, 405, "method"},
		"a preflight":                          {func(r *http.Request) { r.Method = "OPTIONS" }, 405, "method"},
		"another path":                         {func(r *http.Request) { r.URL.Path = "/" }, 400, "path"},
		"an unclean path":                      {func(r *http.Request) { r.URL.Path = "/" + r.URL.Path }, 400, "path"},
		"a path that goes up":                  {func(r *http.Request) { r.URL.Path = "/x/.." + r.URL.Path }, 400, "path"},
	} {
		for dialect, asking := range asks {
			t.Run(name+", "+dialect, func(t *testing.T) {
				s := serve(t)
				r := asking(t, s.keys.Variables(), arm)
				c.change(r)
				status, body, h := s.do(r)
				if status != c.status || body["statusCode"] != float64(c.status) || !strings.Contains(fmt.Sprint(body["message"]), c.reason) {
					t.Errorf("got %d %v", status, body)
				}
				if got := s.refused.counts(); got[c.reason] != 1 || len(got) != 1 {
					t.Errorf("counted %v", got)
				}
				for header := range h {
					if strings.HasPrefix(header, "Access-Control-") || header == "Location" {
						t.Errorf("%s: %v", header, h[header])
					}
				}
			})
		}
	}
}

func TestAKeyInThePathNeedsTheMetadataHeader(t *testing.T) {
	s := serve(t)
	for _, name := range []string{"old msi", "terraform"} {
		for _, value := range []string{"", "false"} {
			r := asks[name](t, s.keys.Variables(), arm)
			r.Header.Set("Metadata", value)
			if status, body, _ := s.do(r); status != 403 {
				t.Errorf("%s with %q: %d %v", name, value, status, body)
			}
		}
	}
}

func TestTheMethodOfOneDialectIsNotAnothers(t *testing.T) {
	s := serve(t)
	for name, asking := range asks {
		for _, method := range []string{"GET", "POST", "HEAD", "DELETE", "PATCH"} {
			r := asking(t, s.keys.Variables(), arm)
			if r.Method == method {
				continue
			}
			r.Method = method
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode != 405 {
				t.Errorf("%s by %s: %d", name, method, res.StatusCode)
			}
		}
	}
}

// raw sends bytes as they are and gives the first line of the answer.
func (s served) raw(text string) string {
	s.t.Helper()
	conn, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", s.port))
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	go io.WriteString(conn, text)
	line, _ := bufio.NewReader(conn).ReadString('\n')
	return strings.TrimSpace(line)
}

func TestRawRequestsThatServersOftenAnswer(t *testing.T) {
	s := serve(t)
	path := appServicePath + "?resource=" + arm
	host, key := fmt.Sprintf("Host: 127.0.0.1:%d\r\n", s.port), "X-IDENTITY-HEADER: "+s.keys.Header+"\r\n"
	for name, c := range map[string]struct{ text, want string }{
		"a good one":              {"GET " + path + " HTTP/1.1\r\n" + host + key + "\r\n", "200"},
		"OPTIONS *":               {"OPTIONS * HTTP/1.1\r\n" + host + "\r\n", "400"},
		"a proxy's form":          {"GET http://evil.example" + path + " HTTP/1.1\r\n" + host + key + "\r\n", "403"},
		"CONNECT":                 {"CONNECT evil.example:443 HTTP/1.1\r\n" + host + key + "\r\n", "403"},
		"no host":                 {"GET " + path + " HTTP/1.0\r\n" + key + "\r\n", "403"},
		"no host, by 1.1":         {"GET " + path + " HTTP/1.1\r\n" + key + "\r\n", "400"},
		"two hosts":               {"GET " + path + " HTTP/1.1\r\n" + host + "Host: evil.example\r\n" + key + "\r\n", "400"},
		"a header that is longer": {"GET " + path + " HTTP/1.1\r\n" + host + key + "X: " + strings.Repeat("x", 2*largestHeader) + "\r\n\r\n", "431"},
	} {
		if got := s.raw(c.text); !strings.Contains(got, " "+c.want+" ") {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestEverySecretVariableIsNamedAsOne(t *testing.T) {
	e := Endpoint{Port: 15001, Header: newKey(), Path: newKey()}
	for name, text := range e.Variables() {
		holds := strings.Contains(text, e.Header) || strings.Contains(text, e.Path)
		named := false
		for _, secret := range SecretNames {
			named = named || secret == name
		}
		if holds != named {
			t.Errorf("%s=%s", name, text)
		}
	}
}

func TestKeysAre32RandomBytes(t *testing.T) {
	a, b := newKey(), newKey()
	if len(a) != 64 || a == b {
		t.Errorf("%s, %s", a, b)
	}
}
