package azure

import (
	"bufio"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

var (
	reach    Reach
	whyReach error
)

func TestMain(m *testing.M) {
	reach, whyReach = EnterNamespace()
	os.Exit(m.Run())
}

// start runs a server and a fresh az that reaches it.
func start(t *testing.T, old bool) (*Server, Az) {
	t.Helper()
	path, err := FindAz(old)
	if err != nil {
		t.Skip(err)
	}
	s, err := Start(Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	az := s.NewAz(path, t.TempDir())
	t.Log("reached by ", reach)
	if whyReach != nil {
		t.Log(whyReach)
	}
	return s, az
}

// run is one call of az that has to work.
func run(t *testing.T, az Az, args ...string) string {
	t.Helper()
	out, err := az.Run(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func column(t *testing.T, out string) []string {
	t.Helper()
	rows := strings.Fields(strings.ReplaceAll(strings.TrimSpace(out), " ", "_"))
	slices.Sort(rows)
	return rows
}

func want(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

func both(t *testing.T, f func(*testing.T, *Server, Az)) {
	for _, old := range []bool{false, true} {
		name := "current"
		if old {
			name = "2.45"
		}
		t.Run(name, func(t *testing.T) {
			s, az := start(t, old)
			f(t, s, az)
		})
	}
}

func TestRealAzDeviceCode(t *testing.T) { both(t, testDeviceCode) }

func testDeviceCode(t *testing.T, s *Server, az Az) {
	login := az.Command(t.Context(), "login", "--use-device-code", "-o", "none")
	stderr, err := login.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	// The person reads the code off az's own message, and approves once az has
	// asked in vain.
	var polls atomic.Int32
	inVain := make(chan struct{})
	s.Intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/oauth2/v2.0/token") && polls.Add(1) == 2 {
			close(inVain)
		}
		return false
	})
	if err := login.Start(); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	code := regexp.MustCompile(`enter the code (\S+) to authenticate`)
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		if m := code.FindStringSubmatch(lines.Text()); m != nil {
			select {
			case <-inVain:
			case <-t.Context().Done():
			}
			if err := s.Approve(m[1], Alice); err != nil {
				t.Error(err)
			}
		}
	}
	if err := login.Wait(); err != nil {
		t.Fatalf("az login: %v: %s", err, &said)
	}
	if !slices.ContainsFunc(s.Requests(), func(r Request) bool { return r.Error == "AADSTS70016" }) {
		t.Error("az was never told to wait")
	}
	if !strings.Contains(said.String(), AdatumTenant) {
		t.Errorf("az does not name the tenant without subscriptions: %s", &said)
	}

	want(t, "all subscriptions",
		column(t, run(t, az, "account", "list", "--all", "--query", "[].name", "-o", "tsv")),
		[]string{"Contoso_Old", "Contoso_Prod_1", "Contoso_Test", "Fabrikam_Dev"})
	want(t, "enabled subscriptions",
		column(t, run(t, az, "account", "list", "--query", "[].join('|', [name, tenantId, user.name])", "-o", "tsv")),
		[]string{
			"Contoso_Prod_1|" + ContosoTenant + "|" + Alice,
			"Contoso_Test|" + ContosoTenant + "|" + Alice,
			"Fabrikam_Dev|" + FabrikamTenant + "|" + Alice,
		})
	for subscription, group := range map[string]string{
		"Contoso Prod 1": "rg-contoso-prod-alice",
		"Contoso Test":   "rg-contoso-test-alice",
		"Fabrikam Dev":   "rg-fabrikam-dev-alice", // another tenant's
	} {
		want(t, "groups", column(t, run(t, az, "group", "list", "--subscription", subscription, "--query", "[].name", "-o", "tsv")), []string{group})
	}
	run(t, az, "account", "set", "--subscription", FabrikamDev)
	want(t, "groups after account set", column(t, run(t, az, "group", "list", "--query", "[].name", "-o", "tsv")), []string{"rg-fabrikam-dev-alice"})

	checkToken(t, s, run(t, az, "account", "get-access-token"), Alice, FabrikamTenant, "https://management.core.windows.net/")
	checkToken(t, s, run(t, az, "account", "get-access-token", "--tenant", AdatumTenant, "--resource", "https://vault.azure.net"),
		Alice, AdatumTenant, "https://vault.azure.net")

	if _, err := az.Run(t.Context(), "account", "get-access-token", "--resource", "https://nowhere.test"); err == nil || !strings.Contains(err.Error(), "AADSTS500011") {
		t.Errorf("a token for a resource that does not exist: %v", err)
	}
}

func TestRealAzServicePrincipal(t *testing.T) { both(t, testServicePrincipal) }

func testServicePrincipal(t *testing.T, s *Server, az Az) {
	login := []string{"login", "--service-principal", "-u", RobotC, "--tenant", ContosoTenant, "-o", "none", "-p"}
	if _, err := az.Run(t.Context(), append(login, "wrong")...); err == nil || !strings.Contains(err.Error(), "AADSTS7000215") {
		t.Errorf("with a wrong secret: %v", err)
	}
	run(t, az, append(login, s.Secret(RobotC))...)
	want(t, "subscriptions",
		column(t, run(t, az, "account", "list", "--query", "[].join('|', [name, user.name, user.type])", "-o", "tsv")),
		[]string{"Contoso_Prod_1|" + RobotC + "|servicePrincipal", "Contoso_Test|" + RobotC + "|servicePrincipal"})
	want(t, "groups", column(t, run(t, az, "group", "list", "--query", "[].name", "-o", "tsv")), []string{"rg-contoso-prod-robot"})
	checkToken(t, s, run(t, az, "account", "get-access-token"), RobotC, ContosoTenant, "https://management.core.windows.net/")
}

func checkToken(t *testing.T, s *Server, out, account, tenant, resource string) {
	t.Helper()
	var got struct{ AccessToken, Tenant string }
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(s.Tokens(), func(k Token) bool { return k.Value == got.AccessToken })
	if i < 0 {
		t.Fatal("az has a token that the server never issued")
	}
	k := s.Tokens()[i]
	if k.Account != account || k.Tenant != tenant || k.Resource != resource || got.Tenant != tenant {
		t.Errorf("got a token of %s in %s for %s; az says tenant %s", k.Account, k.Tenant, k.Resource, got.Tenant)
	}
	claims, err := Claims(k.Value)
	if err != nil {
		t.Fatal(err)
	}
	if claims["tid"] != tenant || claims["aud"] != resource {
		t.Errorf("claims: %v", claims)
	}
}

// A profile of two clouds, for which az wants the cloud to be active at login.
func TestRealAzTwoClouds(t *testing.T) {
	both(t, func(t *testing.T, s *Server, az Az) {
		for _, who := range []struct{ cloud, user, group string }{
			{"AzureCloud", Bob, "rg-contoso-prod-bob"},
			{"AzureChinaCloud", Carol, "rg-contoso-cn-carol"},
		} {
			if err := s.AutoApprove(who.user); err != nil {
				t.Fatal(err)
			}
			run(t, az, "cloud", "set", "--name", who.cloud)
			run(t, az, "login", "--use-device-code", "-o", "none")
			want(t, who.cloud, column(t, run(t, az, "group", "list", "--query", "[].name", "-o", "tsv")), []string{who.group})
		}
		run(t, az, "cloud", "set", "--name", "AzureCloud")
		if _, err := az.Run(t.Context(), "account", "get-access-token", "--tenant", FabrikamTenant); err == nil || !strings.Contains(err.Error(), "AADSTS50020") {
			t.Errorf("a token of a tenant that bob is not in: %v", err)
		}
		profile, err := os.ReadFile(filepath.Join(az.ConfigDir(), "azureProfile.json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, cloud := range []string{`"AzureCloud"`, `"AzureChinaCloud"`} {
			if !strings.Contains(string(profile), cloud) {
				t.Errorf("the profile has no entry of %s", cloud)
			}
		}
	})
}

func TestRealAzRegistersStackCloud(t *testing.T) {
	s, az := start(t, false)
	if err := s.AutoApprove(Sam); err != nil {
		t.Fatal(err)
	}
	run(t, az, "cloud", "register", "--name", "Mine", "--endpoint-resource-manager", "https://management.stack.test")
	run(t, az, "config", "set", "core.instance_discovery=false")
	run(t, az, "cloud", "set", "--name", "Mine")
	run(t, az, "login", "--use-device-code", "-o", "none")
	want(t, "groups", column(t, run(t, az, "group", "list", "--query", "[].name", "-o", "tsv")), []string{"rg-stack-one-sam"})
}

// The way without a namespace is tried everywhere, lest it rot.
func TestRealAzThroughProxy(t *testing.T) {
	for _, old := range []bool{false, true} {
		path, err := FindAz(old)
		if err != nil {
			t.Skip(err)
		}
		s, err := Start(Options{Addr: "127.0.0.1:0"})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		az := s.NewAz(path, t.TempDir())
		run(t, az, "login", "--service-principal", "-u", RobotC, "--tenant", ContosoTenant, "-p", s.Secret(RobotC), "-o", "none")
		want(t, "groups", column(t, run(t, az, "group", "list", "--query", "[].name", "-o", "tsv")), []string{"rg-contoso-prod-robot"})
	}
}

func get(t *testing.T, s *Server, url, token string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := s.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// What the resource manager refuses is what the end-to-end tests lean on.
func TestManagerRefuses(t *testing.T) {
	s, err := Start(Options{Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const arm = "https://management.core.windows.net/"
	tokens := map[string]string{"none": "", "foreign": jwt(map[string]any{"aud": arm})}
	issue := func(name, account, tenant, resource string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		a, _ := s.world.account(account)
		k, _ := s.world.tenant(tenant)
		tokens[name] = s.accessToken(grant{cloud: s.world.Clouds[0], tenant: k, account: a, resource: resource})
	}
	issue("old", Alice, ContosoTenant, arm)
	s.Advance(s.options.Lifetime * 2)
	issue("alice", Alice, ContosoTenant, arm)
	issue("alice without the slash", Alice, ContosoTenant, strings.TrimSuffix(arm, "/"))
	issue("bob", Bob, ContosoTenant, arm)
	issue("alice for graph", Alice, ContosoTenant, "https://graph.microsoft.com")
	issue("alice at fabrikam", Alice, FabrikamTenant, arm)

	for _, c := range []struct {
		token, path string
		status      int
		has         string
	}{
		{"none", "/subscriptions", 401, "AuthenticationFailed"},
		{"foreign", "/subscriptions", 401, `"InvalidAuthenticationToken"`},
		{"old", "/subscriptions", 401, "ExpiredAuthenticationToken"},
		{"alice for graph", "/subscriptions", 401, "InvalidAuthenticationTokenAudience"},
		{"alice", "/tenants", 200, AdatumTenant},
		{"alice", "/subscriptions", 200, ContosoOld},
		{"alice without the slash", "/subscriptions", 200, ContosoOld},
		{"alice", "/Subscriptions/" + strings.ToUpper(ContosoTest) + "/resourceGroups", 200, "rg-contoso-test-alice"},
		{"alice at fabrikam", "/subscriptions/" + FabrikamDev + "/resourcegroups", 200, "rg-fabrikam-dev-alice"},
		{"alice", "/subscriptions/" + FabrikamDev + "/resourcegroups", 401, "InvalidAuthenticationTokenTenant"},
		{"bob", "/subscriptions/" + ContosoTest + "/resourcegroups", 403, "AuthorizationFailed"},
		{"bob", "/subscriptions/" + ContosoProd + "/resourcegroups", 200, "rg-contoso-prod-bob"},
		{"bob", "/subscriptions/" + ContosoTenant + "/resourcegroups", 404, "SubscriptionNotFound"},
		{"alice", "/subscriptions/" + ContosoChina, 404, "SubscriptionNotFound"},
	} {
		t.Run(fmt.Sprint(c.token, c.path), func(t *testing.T) {
			status, body := get(t, s, "https://management.azure.com"+c.path+"?api-version=2022-12-01", tokens[c.token])
			if status != c.status || !strings.Contains(body, c.has) {
				t.Errorf("got %d %s, want %d with %s", status, body, c.status, c.has)
			}
		})
	}
	if n := len(s.Requests()); n != 14 {
		t.Errorf("%d requests in the log", n)
	}
}

// The person's side over HTTP, for scripts.
func TestControl(t *testing.T) {
	s, err := Start(Options{Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	control := httptest.NewServer(s.Control())
	defer control.Close()
	post := func(path string) int {
		response, err := http.Post(control.URL+path, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode
	}
	begin := func() string {
		form := url.Values{"client_id": {"c"}, "scope": {"openid offline_access https://management.azure.com//.default"}}
		response, err := s.Client().PostForm("https://login.microsoftonline.com/common/oauth2/v2.0/devicecode", form)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		var reply map[string]any
		if err := json.NewDecoder(response.Body).Decode(&reply); err != nil {
			t.Fatal(err)
		}
		return reply["user_code"].(string)
	}
	code := begin()
	if got, err := s.UserCode(t.Context()); got != code || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	for path, status := range map[string]int{
		"/approve?user=nobody&user_code=" + code:           http.StatusNotFound,
		"/approve?user_code=none&user=" + Alice:            http.StatusNotFound,
		"/approve?user=" + RobotC + "&user_code=" + code:   http.StatusNotFound,
		"/auto-approve?user=nobody":                        http.StatusNotFound,
		"/deny?user_code=" + begin():                       http.StatusOK,
		"/approve?user=" + Alice + "&user_code=" + begin(): http.StatusOK,
		"/auto-approve?user=" + Bob:                        http.StatusOK,
	} {
		if got := post(path); got != status {
			t.Errorf("%s: %d, want %d", path, got, status)
		}
	}
	if begin(); s.flows[len(s.flows)-1].user != Bob {
		t.Error("not approved at once")
	}
}

// The real az proves itself by a certificate, and by a token of another issuer.
func TestRealAzAssertions(t *testing.T) { both(t, testAssertions) }

func testAssertions(t *testing.T, s *Server, az Az) {
	trust := Federated{Issuer: "https://token.actions.githubusercontent.com", Subject: "repo:contoso/x", Audience: "api://AzureADTokenExchange"}
	file := filepath.Join(t.TempDir(), "robot.pem")
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}, &x509.Certificate{}, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	both := append(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}),
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	if err := os.WriteFile(file, both, 0o600); err != nil {
		t.Fatal(err)
	}
	s.Change(func(w *World) {
		for i := range w.Accounts {
			w.Accounts[i].Certificates, w.Accounts[i].Federated = []*x509.Certificate{cert}, []Federated{trust}
		}
	})
	flag := "--certificate"
	if strings.HasSuffix(az.Path, "2.45") {
		flag = "-p"
	}
	login := []string{"login", "--service-principal", "-u", RobotC, "--tenant", ContosoTenant, "-o", "none"}
	run(t, az, append(login, flag, file)...)
	want(t, "groups", column(t, run(t, az, "group", "list", "--query", "[].name", "-o", "tsv")), []string{"rg-contoso-prod-robot"})
	s.Change(func(w *World) {
		for i := range w.Accounts {
			w.Accounts[i].Certificates = nil
		}
	})
	run(t, az, "account", "clear") // az keeps an application's tokens
	if _, err := az.Run(t.Context(), append(login, flag, file)...); err == nil || !strings.Contains(err.Error(), "AADSTS700027") {
		t.Errorf("with a certificate that is not registered: %v", err)
	}
	run(t, az, append(login, "--federated-token", trust.Assertion(time.Hour))...)
	want(t, "groups", column(t, run(t, az, "group", "list", "--query", "[].name", "-o", "tsv")), []string{"rg-contoso-prod-robot"})
	run(t, az, "account", "clear")
	trust.Subject = "repo:fabrikam/x"
	if _, err := az.Run(t.Context(), append(login, "--federated-token", trust.Assertion(time.Hour))...); err == nil || !strings.Contains(err.Error(), "AADSTS700213") {
		t.Errorf("with another subject: %v", err)
	}
}
