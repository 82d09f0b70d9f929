package vault

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/secret"
	"github.com/az-ctx/az-ctx/pkg/signin"
	"github.com/az-ctx/az-ctx/pkg/token"
	loopback "github.com/az-ctx/az-ctx/test/azure"
)

const (
	contoso  = "aaaaaaaa-0000-4000-8000-000000000001"
	fabrikam = loopback.FabrikamTenant
)

// cloud is the loopback Azure and a vault that reaches it.
func cloud(t *testing.T) (*loopback.Server, *Vault, signin.Client) {
	t.Helper()
	s, err := loopback.Start(loopback.Options{Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	v := &Vault{Keychain: secret.Memory(), HTTP: func(map[string]string) *http.Client { return s.Client() }}
	return s, v, signin.Client{Cloud: azure.Public, HTTP: s.Client()}
}

type nobody struct{}

func (nobody) ShowCode(signin.DeviceCode) error { return nil }
func (nobody) OpenURL(string) error             { return nil }

// signedIn is alice with her sign-in where holder says.
func signedIn(t *testing.T, s *loopback.Server, v *Vault, c signin.Client, holder string) azure.Account {
	t.Helper()
	s.AutoApprove(loopback.Alice)
	got, err := c.Device(t.Context(), signin.Options{}, nobody{})
	if err != nil {
		t.Fatal(err)
	}
	account := got.Account
	account.SignIn = Describe(got.State, holder)
	name := secret.AccountName(account, azure.Public.Name)
	if holder == "" {
		err = v.Keychain.Set(t.Context(), name, got.State.Secret)
	} else {
		err = v.Keep(t.Context(), Held{Holder: holder, Name: name, Secret: got.State.Secret})
	}
	if err != nil {
		t.Fatal(err)
	}
	return account
}

func request(account azure.Account, tenant string) token.Request {
	return token.Request{Context: azure.Context{Account: account, Tenant: azure.Tenant{ID: tenant}, Environment: azure.Public.Name}, Cloud: azure.Public, Resource: azure.Public.Audience}
}

func tenantOf(t *testing.T, got token.Token) string {
	t.Helper()
	claims, err := loopback.Claims(got.Value)
	if err != nil {
		t.Fatal(err)
	}
	tid, _ := claims["tid"].(string)
	return tid
}

// One sign-in serves every tenant of the account, wherever it is held.
func TestASignInServesEachTenant(t *testing.T) {
	for _, holder := range []string{"", InAgent, "4711-42"} {
		s, v, c := cloud(t)
		account := signedIn(t, s, v, c, holder)
		for _, tenant := range []string{contoso, fabrikam} {
			got, err := v.Get(t.Context(), request(account, tenant))
			if err != nil {
				t.Fatalf("held by %q: %v", holder, err)
			}
			if tid := tenantOf(t, got); tid != tenant {
				t.Errorf("held by %q: asked for %s, got a token of %s", holder, tenant, tid)
			}
		}
	}
}

// P63: what a session holds is gone with it, for its children too.
func TestP63ASessionsSignInEndsWithIt(t *testing.T) {
	s, v, c := cloud(t)
	ended := signedIn(t, s, v, c, "4711-42")
	lives := signedIn(t, s, v, c, "4712-43")
	agents := signedIn(t, s, v, c, InAgent)
	if left := v.Sweep(func(holder string) bool { return holder == "4711-42" }); left != 2 {
		t.Errorf("%d holders are left", left)
	}
	if _, err := v.Get(t.Context(), request(ended, contoso)); err == nil {
		t.Error("the ended session's sign-in still serves")
	} else if needed, ok := token.AsSignInNeeded(err); !ok || !strings.HasPrefix(needed.Try, "az-ctx connect") {
		t.Errorf("the ended session's sign-in: %v", err)
	}
	for _, account := range []azure.Account{lives, agents} {
		if _, err := v.Get(t.Context(), request(account, contoso)); err != nil {
			t.Error(err)
		}
	}
}

// What is removed serves nobody; the keychain's and another holder's stay.
func TestRemoveTakesOneHoldersOwn(t *testing.T) {
	s, v, c := cloud(t)
	kept := signedIn(t, s, v, c, "")
	held := signedIn(t, s, v, c, InAgent)
	others := signedIn(t, s, v, c, "4711-42")
	if err := v.Remove(t.Context(), InAgent, secret.AccountName(held, azure.Public.Name)); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Get(t.Context(), request(held, contoso)); err == nil {
		t.Error("the removed sign-in still serves")
	}
	for _, account := range []azure.Account{kept, others} {
		if _, err := v.Get(t.Context(), request(account, contoso)); err != nil {
			t.Error(err)
		}
	}
}

// An account without a sign-in of ours is told apart, with what to type.
func TestNoSignIn(t *testing.T) {
	_, v, _ := cloud(t)
	for _, account := range []azure.Account{
		{ID: loopback.Alice, Type: azure.User},
		{ID: "robot", ClientID: "robot", TenantID: contoso, Type: azure.ServicePrincipal},
	} {
		_, err := v.Get(t.Context(), request(account, contoso))
		needed, ok := token.AsSignInNeeded(err)
		if !ok || !strings.HasPrefix(needed.Try, "az-ctx connect") {
			t.Errorf("%s: %v", account.ID, err)
		}
	}
}

// A service principal's secret is redeemed, and stays as it was kept.
func TestServicePrincipal(t *testing.T) {
	s, v, c := cloud(t)
	got, err := c.Secret(t.Context(), signin.Options{ClientID: loopback.RobotC, Tenant: contoso}, s.Secret(loopback.RobotC))
	if err != nil {
		t.Fatal(err)
	}
	account := got.Account
	account.SignIn = Describe(got.State, "")
	name := secret.AccountName(account, azure.Public.Name)
	if err := v.Keychain.Set(t.Context(), name, got.State.Secret); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Get(t.Context(), request(account, contoso)); err != nil {
		t.Fatal(err)
	}
	if now, err := v.Keychain.Get(t.Context(), name); err != nil || now != got.State.Secret {
		t.Errorf("the kept secret changed, or %v", err)
	}
}

// Requests with the same way out share their connections, until a rest: then
// whom to trust is read anew.
func TestAClientIsSharedByThoseWithOneWayOut(t *testing.T) {
	s, v, c := cloud(t)
	var made []string
	v.HTTP = func(env map[string]string) *http.Client {
		made = append(made, env["HTTPS_PROXY"])
		return s.Client()
	}
	account := signedIn(t, s, v, c, "")
	ask := func(proxy string) {
		t.Helper()
		r := request(account, contoso)
		r.Origin.Env = map[string]string{"HTTPS_PROXY": proxy}
		if _, err := v.Get(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		ask("http://one:1")
		ask("http://two:2")
	}
	v.Rest()
	ask("http://one:1")
	if want := []string{"http://one:1", "http://two:2", "http://one:1"}; !slices.Equal(made, want) {
		t.Errorf("clients were made for %v", made)
	}
}
