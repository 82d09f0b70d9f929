package azure

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestFaults(t *testing.T) {
	s, err := Start(Options{Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const page = "https://login.microsoftonline.com/" + FabrikamTenant + "/oauth2/v2.0/token"
	ask := func(grant string) (int, string) {
		response, err := s.Client().PostForm(page, url.Values{"grant_type": {grant}})
		if err != nil {
			return 0, err.Error()
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(body)
	}
	for name, c := range map[string]struct {
		fault Fault
		want  []string // of three requests
	}{
		"none":           {nil, []string{"AADSTS70003", "AADSTS70003", "AADSTS70003"}},
		"twice":          {Times(2, Throttle("Retry-After: 1")), []string{"TooManyRequests", "TooManyRequests", "AADSTS70003"}},
		"another grant":  {On(Broken, Grant("refresh_token")), []string{"AADSTS70003", "AADSTS70003", "AADSTS70003"}},
		"another tenant": {On(Portal, ForToken, InTenant(ContosoTenant)), []string{"AADSTS70003", "AADSTS70003", "AADSTS70003"}},
		"that tenant":    {On(Portal, ForToken, InTenant(FabrikamTenant)), []string{"Accept our terms", "Accept our terms", "Accept our terms"}},
		"one by one":     {All(Slow(time.Microsecond), Times(1, Refuse(SecondFactor)), Times(1, Fail(503))), []string{"AADSTS50076", "ServiceUnavailable", "AADSTS70003"}},
		"broken":         {On(Broken, Grant("odd")), []string{"access_token", "access_token", "access_token"}},
		"cut":            {Times(1, Cut), []string{"", "AADSTS70003", "AADSTS70003"}},
	} {
		s.Intercept(c.fault)
		for i, want := range c.want {
			if _, got := ask("odd"); !strings.Contains(got, want) {
				t.Errorf("%s: the answer %d is %s", name, i, got)
			}
		}
	}
	if n := len(s.Requests()); n < 24 {
		t.Errorf("%d requests in the log", n)
	}
}

func TestBrowserPages(t *testing.T) {
	s, err := Start(Options{Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	q := url.Values{
		"client_id": {"c"}, "response_type": {"code"}, "response_mode": {"form_post"}, "redirect_uri": {"http://localhost:1"}, "state": {`"><x`},
		"scope": {"https://management.azure.com//.default"}, "code_challenge": {strings.Repeat("x", 43)}, "code_challenge_method": {"S256"},
	}
	page := func(change ...string) (int, string) {
		own := url.Values{}
		for name := range q {
			own.Set(name, q.Get(name))
		}
		for i := 0; i+1 < len(change); i += 2 {
			own.Set(change[i], change[i+1])
		}
		return get(t, s, "https://login.microsoftonline.com/organizations/oauth2/v2.0/authorize?"+own.Encode(), "")
	}
	if status, body := page(); status != http.StatusOK || !strings.Contains(body, ">"+Bob+"</a>") || !strings.Contains(body, ">Cancel</a>") || strings.Contains(body, RobotC) {
		t.Errorf("nobody is known yet: %d %s", status, body)
	}
	if err := s.AutoApprove(Alice); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		change []string
		has    string
	}{
		{nil, `name="code"`},
		{nil, `value="&#34;&gt;&lt;x"`},
		{[]string{personParam, nobody}, "AADSTS65004"},
		{[]string{"code_challenge", ""}, "AADSTS9002325"},
		{[]string{"response_mode", "query"}, "AADSTS700051"},
		{[]string{"redirect_uri", "https://evil.test"}, "AADSTS50011"},
		{[]string{"redirect_uri", "http://127.0.0.1:1"}, "AADSTS50011"},
		{[]string{"client_id", ""}, "AADSTS900144"},
		{[]string{"scope", "https://nowhere.test/.default"}, "AADSTS500011"},
	} {
		if _, body := page(c.change...); !strings.Contains(body, c.has) {
			t.Errorf("%v: %s", c.change, body)
		}
	}
	// A code is good once, with its verifier.
	redeem := func(code string) string {
		response, err := s.Client().PostForm("https://login.microsoftonline.com/organizations/oauth2/v2.0/token", url.Values{
			"grant_type": {"authorization_code"}, "client_id": {"c"}, "redirect_uri": {"http://localhost:1"}, "code": {code}, "code_verifier": {"wrong"},
			"scope": {"https://management.azure.com//.default"},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	code := s.Tokens()[0].Value
	if got := redeem(code); !strings.Contains(got, "AADSTS50148") {
		t.Errorf("a wrong verifier: %s", got)
	}
	if got := redeem("x"); !strings.Contains(got, "AADSTS9002313") {
		t.Errorf("no code: %s", got)
	}
	s.Advance(time.Hour)
	if got := redeem(code); !strings.Contains(got, "AADSTS70008") {
		t.Errorf("an old code: %s", got)
	}
}

func TestGenerate(t *testing.T) {
	one, two := Generate(3, 4), Generate(3, 4)
	if len(one.Tenants) != 3 || len(one.Subscriptions) != 12 || len(one.Accounts[0].Tenants()) != 3 {
		t.Errorf("got %d tenants, %d subscriptions", len(one.Tenants), len(one.Subscriptions))
	}
	for i := range one.Subscriptions {
		if one.Subscriptions[i].ID != two.Subscriptions[i].ID {
			t.Error("the ids change")
		}
	}
}
