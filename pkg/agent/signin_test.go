//go:build unix

package agent

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/process"
	"github.com/az-ctx/az-ctx/pkg/secret"
	"github.com/az-ctx/az-ctx/pkg/signin"
	"github.com/az-ctx/az-ctx/pkg/vault"
	loopback "github.com/az-ctx/az-ctx/test/azure"
)

type nobody struct{}

func (nobody) ShowCode(signin.DeviceCode) error { return nil }
func (nobody) OpenURL(string) error             { return nil }

// entra is a sign-in service on loopback where alice has signed in once.
func entra(t *testing.T) (*loopback.Server, signin.Result) {
	t.Helper()
	cloud, err := loopback.Start(loopback.Options{Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cloud.Close() })
	if err := cloud.AutoApprove(loopback.Alice); err != nil {
		t.Fatal(err)
	}
	got, err := signin.Client{Cloud: azure.Public, HTTP: cloud.Client()}.Device(t.Context(), signin.Options{}, nobody{})
	if err != nil {
		t.Fatal(err)
	}
	return cloud, got
}

// A tenant that wants a second factor, a claims challenge of another resource's, a
// sign-in that was revoked: each tool is told our command that helps. azd's own
// tenant is served where the account is let in.
func TestP9WhatOnlyThePersonCanDoIsSaidInEveryTool(t *testing.T) {
	cloud, alices := entra(t)
	cloud.Change(func(w *loopback.World) {
		for i := range w.Tenants {
			w.Tenants[i].MFA = w.Tenants[i].ID == loopback.AdatumTenant
		}
	})
	keychain := secret.Memory()
	account := alices.Account
	account.SignIn = vault.Describe(alices.State, "")
	if err := keychain.Set(t.Context(), secret.AccountName(account, azure.Public.Name), alices.State.Secret); err != nil {
		t.Fatal(err)
	}
	a := startWith(t, options{
		sessions: told{alive: func(string, process.ID) bool { return true }, live: shells.live},
		signIns:  &vault.Vault{Keychain: keychain, HTTP: func(map[string]string) *http.Client { return cloud.Client() }},
	})
	number := 0
	in := func(tenant azure.Tenant) (keys Endpoint) {
		number++
		c := azure.Context{Name: "x", Account: account, Tenant: tenant, Environment: "AzureCloud"}
		a.with(func(client *Client) {
			keys = mustRegister(t, client, Registration{Ref: fmt.Sprintf("h/1-1/%d", number), Session: self(t), Context: &c, Cloud: azure.Public})
		})
		return keys
	}
	s := served{t: t}
	home, adatum := in(alices.Tenant), in(azure.Tenant{ID: loopback.AdatumTenant, Domain: "adatum.com"})
	const vaults = "https://vault.azure.net"
	for name, asking := range asks {
		if name == "azd" { // says its tenant itself, home's at first
			asking = azdIn(loopback.AdatumTenant)
		}
		denied(t, s, name, asking(t, adatum.Variables(), arm), "sign_in_needed", "wants a second factor of "+loopback.Alice+" (AADSTS50076); run: az-ctx connect --tenant adatum.com")
		denied(t, s, name, asking(t, adatum.Variables(), vaults), "sign_in_needed", "; run: az-ctx connect --tenant adatum.com --scope-url "+vaults+" --claims-challenge 'eyJ")
	}
	for tenant, want := range map[string]string{"": alices.Tenant.ID, alices.Tenant.ID: alices.Tenant.ID, loopback.FabrikamTenant: loopback.FabrikamTenant} {
		_, body, _ := s.do(azdIn(tenant)(t, home.Variables(), arm))
		value, _ := body["token"].(string)
		if claims, err := loopback.Claims(value); err != nil || claims["tid"] != want {
			t.Errorf("azd, asked for %q: tenant %v, %v %v", tenant, claims["tid"], body["message"], err)
		}
	}
	denied(t, s, "azd", azdIn(loopback.AdatumTenant)(t, home.Variables(), arm), "sign_in_needed", "; run: az-ctx connect --tenant "+loopback.AdatumTenant)

	cloud.Revoke(loopback.Alice)
	for name, asking := range asks {
		if name == "azd" {
			asking = azdIn("")
		}
		denied(t, s, name, asking(t, home.Variables(), vaults), "sign_in_needed", "no longer works (AADSTS50173: the password was changed or the sessions were revoked); run: az-ctx connect --tenant "+alices.Tenant.Label())
	}
}

// azdIn is how azd asks for a tenant's token.
func azdIn(tenant string) func(*testing.T, map[string]string, string) *http.Request {
	return func(t *testing.T, v map[string]string, resource string) *http.Request {
		body := fmt.Sprintf(`{"scopes":["%s/.default"],"tenantId":"%s"}`, resource, tenant)
		return newRequest(t, "POST", v["AZD_AUTH_ENDPOINT"]+"/token", strings.Replace(body, `,"tenantId":""`, "", 1), "Authorization", "Bearer "+v["AZD_AUTH_KEY"])
	}
}
