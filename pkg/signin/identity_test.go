package signin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/token"
	cloud "github.com/az-ctx/az-ctx/test/azure"
)

// machine is a machine of Azure's whose identity is Robot's.
func (b *box) machine(handler http.HandlerFunc) *httptest.Server {
	s := httptest.NewServer(handler)
	b.Cleanup(s.Close)
	return s
}

// hands out a token for the resource that is asked for, if the request is ok.
func (b *box) hands(ok func(*http.Request) bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !ok(r) {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"error":"invalid_request","error_description":"Identity not found"}`)
			return
		}
		value, err := b.Issue(cloud.RobotC, cloud.ContosoTenant, r.FormValue("resource"))
		if err != nil {
			b.Error(err)
		}
		json.NewEncoder(w).Encode(map[string]string{"access_token": value, "expires_in": "4500", "token_type": "Bearer"})
	}
}

func has(pairs ...string) func(*http.Request) bool {
	return func(r *http.Request) bool {
		for i := 0; i < len(pairs); i += 2 {
			if r.Header.Get(pairs[i]) != pairs[i+1] && r.FormValue(pairs[i]) != pairs[i+1] {
				return false
			}
		}
		return true
	}
}

// toIMDS leads the address that no test machine has to a server.
type toIMDS struct{ server *httptest.Server }

func (t toIMDS) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != "169.254.169.254" {
		return nil, fmt.Errorf("asked %s", r.URL.Host)
	}
	r = r.Clone(r.Context())
	r.URL.Host = strings.TrimPrefix(t.server.URL, "http://")
	return http.DefaultTransport.RoundTrip(r)
}

func TestP7ManagedIdentity(t *testing.T) {
	const header = "header-secret"
	for name, c := range map[string]struct {
		ok          func(*http.Request) bool
		env         func(url string) map[string]string
		client      string
		processOnly bool
	}{
		"app service": {has("X-IDENTITY-HEADER", header, "api-version", "2019-08-01", "client_id", ""),
			func(url string) map[string]string {
				return map[string]string{"IDENTITY_ENDPOINT": url + "/msi?x=1", "IDENTITY_HEADER": header, "MSI_ENDPOINT": "http://nowhere.test"}
			}, "", true},
		"app service, one of several": {has("X-IDENTITY-HEADER", header, "client_id", "c1"),
			func(url string) map[string]string {
				return map[string]string{"IDENTITY_ENDPOINT": url, "IDENTITY_HEADER": header}
			}, "c1", true},
		"app service of old": {has("secret", header, "api-version", "2017-09-01", "clientid", "c1"),
			func(url string) map[string]string {
				return map[string]string{"MSI_ENDPOINT": url, "MSI_SECRET": header}
			}, "c1", true},
		"cloud shell": {func(r *http.Request) bool { return r.Method == http.MethodPost && r.Header.Get("Metadata") == "true" },
			func(url string) map[string]string { return map[string]string{"MSI_ENDPOINT": url} }, "", false},
		"virtual machine": {has("Metadata", "true", "api-version", "2018-02-01"), nil, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t, cloud.Options{})
			s := b.machine(b.hands(c.ok))
			var env map[string]string
			if c.env != nil {
				env, b.client.HTTP = c.env(s.URL), s.Client()
			} else {
				b.client.HTTP = &http.Client{Transport: toIMDS{s}}
			}
			r, err := b.client.ManagedIdentity(t.Context(), Options{ClientID: c.client}, env)
			if err != nil {
				t.Fatal(err)
			}
			b.sound(r)
			want := azure.Account{ID: first(c.client, systemIdentity), Type: azure.ManagedIdentity, ClientID: c.client, TenantID: cloud.ContosoTenant}
			if r.Account != want || r.Tenant.ID != cloud.ContosoTenant {
				t.Errorf("got %+v in %+v", r.Account, r.Tenant)
			}
			if r.State.ProcessOnly() != c.processOnly || strings.Contains(fmt.Sprintf("%+v", r.State), header) {
				t.Errorf("process only: %v", r.State.ProcessOnly())
			}
			got, next, err := b.client.Token(t.Context(), r.Account, r.State, r.Tenant, vault)
			if err != nil || next != r.State {
				t.Fatal(err)
			}
			b.is(got, r.Account, cloud.ContosoTenant, vault)
			_, _, err = b.client.Token(t.Context(), r.Account, r.State, azure.Tenant{ID: cloud.FabrikamTenant}, vault)
			b.fails(err, Audience, "")
		})
	}
}

func TestManagedIdentitysMistakes(t *testing.T) {
	b := newBox(t, cloud.Options{})
	const header = "header-secret"
	appService := func(s *httptest.Server) map[string]string {
		return map[string]string{"IDENTITY_ENDPOINT": s.URL, "IDENTITY_HEADER": header}
	}
	closed := httptest.NewServer(nil)
	closed.Close()
	says := func(f cloud.Fault) map[string]string {
		return appService(b.machine(func(w http.ResponseWriter, r *http.Request) { f(w, r) }))
	}
	for name, c := range map[string]struct {
		env   map[string]string
		o     Options
		class Class
	}{
		"no such identity": {appService(b.machine(b.hands(func(*http.Request) bool { return false }))), Options{}, Credential},
		"its secret said":  {says(cloud.Answer(400, "application/json", `{"message":"bad `+header+`"}`)), Options{}, Credential},
		"a web page":       {says(cloud.Portal), Options{}, NotEntra},
		"empty":            {says(cloud.Answer(200, "application/json", `{}`)), Options{}, NotEntra},
		"opaque":           {says(cloud.Answer(200, "application/json", `{"access_token":"opaque"}`)), Options{}, NotEntra},
		"failing":          {says(cloud.Fail(500)), Options{}, Server},
		"nobody":           {appService(closed), Options{}, Network},
		"another tenant":   {appService(b.machine(b.hands(func(*http.Request) bool { return true }))), Options{Tenant: cloud.FabrikamTenant}, Audience},
		"a domain":         {nil, Options{Tenant: "contoso.com"}, Input},
		"no URL":           {map[string]string{"MSI_ENDPOINT": "nonsense"}, Options{}, Input},
		"Service Fabric":   {map[string]string{"IDENTITY_ENDPOINT": "https://x", "IDENTITY_HEADER": header, "IDENTITY_SERVER_THUMBPRINT": "x"}, Options{}, Input},
		"Cloud Shell's":    {map[string]string{"MSI_ENDPOINT": closed.URL}, Options{ClientID: "c"}, Input},
		"no machine":       {nil, Options{}, Credential},
	} {
		t.Run(name, func(t *testing.T) {
			b := b.with(t)
			b.client.HTTP = &http.Client{}
			if c.env == nil {
				b.client.HTTP = &http.Client{Transport: toIMDS{closed}}
			}
			_, err := b.client.ManagedIdentity(t.Context(), c.o, c.env)
			if b.fails(err, c.class, ""); strings.Contains(err.Error(), header) {
				t.Errorf("its secret is in %v", err)
			}
		})
	}
}

func TestArcsKeyIsReadFromItsOwnDirectoryAlone(t *testing.T) {
	b := newBox(t, cloud.Options{})
	file := filepath.Join(t.TempDir(), "x.key")
	b.write(file, "key")
	s := b.machine(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("the key was sent")
		}
		w.Header().Set("WWW-Authenticate", "Basic realm="+file)
		w.WriteHeader(http.StatusUnauthorized)
	})
	b.client.HTTP = s.Client()
	env := map[string]string{"IDENTITY_ENDPOINT": s.URL, "IMDS_ENDPOINT": s.URL}
	_, err := b.client.ManagedIdentity(t.Context(), Options{}, env)
	b.fails(err, NotEntra, "")
	real, dir := arcKeys, filepath.Dir(file)
	arcKeys = func() string { return dir }
	defer func() { arcKeys = real }()
	s = b.machine(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Basic key" {
			b.hands(has("Metadata", "true", "api-version", "2020-06-01"))(w, r)
			return
		}
		w.Header().Set("WWW-Authenticate", "Basic realm="+file)
		w.WriteHeader(http.StatusUnauthorized)
	})
	r, err := b.client.ManagedIdentity(t.Context(), Options{}, map[string]string{"IDENTITY_ENDPOINT": s.URL, "IMDS_ENDPOINT": s.URL})
	if err != nil {
		t.Fatal(err)
	}
	b.sound(r)
}

func TestP7BareAccessToken(t *testing.T) {
	b := newBox(t, cloud.Options{})
	issue := func(account, resource string) string {
		value, err := b.Issue(account, cloud.ContosoTenant, resource)
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	value := issue(cloud.Alice, "https://management.azure.com")
	r, err := b.client.AccessToken(Options{}, value+"\n", "")
	if err != nil {
		t.Fatal(err)
	}
	if r.Account.ID != cloud.Alice || r.Account.Type != azure.AccessToken || r.Tenant.ID != cloud.ContosoTenant || !r.State.ProcessOnly() {
		t.Errorf("got %+v in %+v", r.Account, r.Tenant)
	}
	if left := time.Until(r.Token.ExpiresOn); left < time.Hour || left > 2*time.Hour {
		t.Errorf("%v left", left)
	}
	if _, _, err := b.client.Token(t.Context(), r.Account, r.State, r.Tenant, azure.Public.Audience); err != nil {
		t.Errorf("by the manager's other name: %v", err)
	}
	_, _, err = b.client.Token(t.Context(), r.Account, r.State, r.Tenant, vault)
	if e := b.fails(err, Audience, ""); !strings.Contains(e.Text, "for https://management.azure.com, which is none for https://vault.azure.net") {
		t.Errorf("got %v", err)
	}
	_, _, err = b.client.Token(t.Context(), r.Account, r.State, azure.Tenant{ID: cloud.FabrikamTenant, Domain: "fabrikam.com"}, azure.Public.Audience)
	b.fails(err, Audience, "")
	if r, err := b.client.AccessToken(Options{Tenant: cloud.ContosoTenant}, issue(cloud.RobotC, azure.Public.Audience), "me"); err != nil || r.Account.ID != "me" || r.Account.ClientID != cloud.RobotC {
		t.Errorf("%v: %+v", err, r.Account)
	}
	_, err = b.client.AccessToken(Options{Tenant: cloud.FabrikamTenant}, value, "")
	b.fails(err, Audience, "")
	_, err = b.client.AccessToken(Options{}, issue(cloud.Alice, vault), "")
	b.fails(err, Audience, "")
	b.Advance(-3 * time.Hour)
	_, err = b.client.AccessToken(Options{}, issue(cloud.Alice, azure.Public.Audience), "")
	if e := b.fails(err, Expired, ""); e.Try != "az-ctx connect --access-token-stdin --account-id alice@contoso.com" {
		t.Errorf("try %s", e.Try)
	}
	if _, ok := token.AsSignInNeeded(err); !ok {
		t.Error("no sign-in needed")
	}
	for _, bad := range []string{"", "x", "a.b.c", "..", "eyJ9.e30.x", strings.Repeat("a", 300)} {
		_, err = b.client.AccessToken(Options{}, bad, "")
		if b.fails(err, Input, ""); len(bad) > 9 && strings.Contains(err.Error(), bad) {
			t.Errorf("the input is in %v", err)
		}
	}
}
