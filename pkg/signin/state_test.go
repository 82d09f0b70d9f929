package signin

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/az-ctx/az-ctx/pkg/azure"
	cloud "github.com/az-ctx/az-ctx/test/azure"
)

// A cache as MSAL for Python writes it for az, and as .NET does for Azure
// PowerShell: other environments, other cases, more accounts.
func TestP72ARefreshTokenIsTakenOverFromAnothersCache(t *testing.T) {
	b := newBox(t, cloud.Options{})
	r := b.browser(cloud.Alice, Options{})
	var kept contract
	if err := json.Unmarshal([]byte(r.State.Secret), &kept); err != nil {
		t.Fatal(err)
	}
	var secret string
	for _, e := range kept.RefreshToken {
		secret = e["secret"].(string)
	}
	file := func(environment, client, family string) []byte {
		home := r.Account.HomeAccountID
		return []byte(fmt.Sprintf(`{"AccessToken":{"a":{"secret":"never"}},"IdToken":{},
			"Account":{"x-y-z":{"home_account_id":%[1]q,"environment":%[2]q,"realm":"organizations","username":"alice@contoso.com","local_account_id":"l","authority_type":"MSSTS"},
				"o":{"home_account_id":"other.one","environment":%[2]q,"realm":"r"}},
			"RefreshToken":{"K1":{"home_account_id":%[1]q,"environment":%[2]q,"credential_type":"RefreshToken","client_id":%[3]q,"family_id":%[4]q,"secret":%[5]q,"target":"t","last_modification_time":"1"},
				"K2":{"home_account_id":"other.one","environment":%[2]q,"client_id":%[3]q,"family_id":"1","secret":"others"},
				"K3":{"home_account_id":%[1]q,"environment":"login.chinacloudapi.cn","client_id":%[3]q,"family_id":"1","secret":"chinas"}},
			"AppMetadata":{}}`, home, environment, client, family, secret))
	}
	const powershell = "1950a258-227b-4e31-a9cf-717495945fc2"
	for _, c := range []struct{ environment, client, family string }{
		{"login.microsoftonline.com", DefaultClientID, "1"}, {"login.windows.net", powershell, "1"}, {"login.windows.net", DefaultClientID, ""},
	} {
		s, err := FromMSAL(file(c.environment, c.client, c.family), r.Account, azure.Public)
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{"never", "others", "chinas", "other.one"} {
			if strings.Contains(s.Secret, bad) {
				t.Errorf("%q was taken", bad)
			}
		}
		got, next, err := b.client.Token(t.Context(), r.Account, s, azure.Tenant{ID: cloud.FabrikamTenant}, vault)
		if err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
		b.is(got, r.Account, cloud.FabrikamTenant, vault)
		b.stateless(next)
		if strings.Contains(next.Secret, secret) {
			t.Error("the older refresh token stayed beside the new one")
		}
	}
	for name, raw := range map[string][]byte{
		"empty": []byte("{}"), "another's": file("login.microsoftonline.com", powershell, ""), "another cloud's": file("login.microsoftonline.us", DefaultClientID, "1"),
	} {
		if _, err := FromMSAL(raw, r.Account, azure.Public); !errors.Is(err, ErrNoRefreshToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := FromMSAL([]byte("AQAAANCMnd8 "+secret), r.Account, azure.Public); err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("got %v", err)
	}
}

func TestCanBrowse(t *testing.T) {
	for _, c := range []struct {
		goos, environ string
		want          bool
	}{
		{"linux", "", false}, {"linux", "DISPLAY=:0", true}, {"linux", "WAYLAND_DISPLAY=w", true}, {"linux", "DISPLAY=", false},
		{"linux", "BROWSER=chromium", true}, {"linux", "DISPLAY=:0 SSH_CONNECTION=x", false}, {"freebsd", "", false},
		{"linux", "DISPLAY=:0 CODESPACES=true", false}, {"linux", "BROWSER=x ACC_CLOUD=PROD", false},
		{"darwin", "", true}, {"darwin", "SSH_TTY=/dev/x", false}, {"windows", "", true}, {"windows", "SSH_CLIENT=x", false},
	} {
		if got := canBrowse(c.goos, strings.Fields(c.environ)); got != c.want {
			t.Errorf("%s %s: %v", c.goos, c.environ, got)
		}
	}
}

func TestTheCommandThatHelps(t *testing.T) {
	user := azure.Account{ID: cloud.Alice, Type: azure.User, ClientID: DefaultClientID}
	own := user
	own.ClientID = "own-app"
	app := azure.Account{ID: "app", Type: azure.ServicePrincipal, ClientID: "app"}
	contoso := azure.Tenant{ID: "t1", Domain: "contoso.com"}
	for want, s := range map[string]subject{
		"az-ctx connect": {account: user},
		"az-ctx connect --environment AzureChinaCloud --tenant t2":                                                         {account: user, cloud: azure.China, tenant: azure.Tenant{ID: "t2"}},
		"az-ctx connect --tenant contoso.com --client-id own-app":                                                          {account: own, tenant: contoso},
		"az-ctx connect --tenant 'a; b'":                                                                                   {account: user, tenant: azure.Tenant{Name: "a; b"}},
		"az-ctx connect --identity --client-id c":                                                                          {account: azure.Account{Type: azure.ManagedIdentity, ClientID: "c"}},
		"az-ctx connect --service-principal --client-id app --tenant contoso.com --certificate '/my cert'":                 {account: app, tenant: contoso, state: State{Kind: Certificate, File: "/my cert"}},
		"az-ctx connect --service-principal --client-id app --certificate /c --certificate-password-stdin":                 {account: app, state: State{Kind: Certificate, File: "/c", Secret: "p"}},
		"az-ctx connect --service-principal --client-id app --tenant contoso.com --federated-token-file /f":                {account: app, tenant: contoso, state: State{Kind: Federated, File: "/f"}},
		"az-ctx connect --service-principal --client-id app --tenant contoso.com --federated-token-stdin":                  {account: app, tenant: contoso, state: State{Kind: Federated, Secret: "x"}},
		"az-ctx connect --environment mine --service-principal --client-id app --tenant contoso.com --client-secret-stdin": {account: app, tenant: contoso, cloud: azure.Cloud{Name: "mine"}},
	} {
		if s.cloud.Name == "" {
			s.cloud = azure.Public
		}
		s.resource = s.cloud.Audience
		if got := s.connect("x"); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
