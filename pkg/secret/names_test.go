package secret

import (
	"strings"
	"testing"

	"github.com/az-ctx/az-ctx/pkg/azure"
)

const (
	objectID = "00000001-0000-4000-8000-000000000000"
	tenantID = "aaaaaaaa-0000-4000-8000-000000000001"
	clientID = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
)

func alice() azure.Account {
	return azure.Account{ID: "alice@contoso.com", Type: azure.User, HomeAccountID: objectID + "." + tenantID, ClientID: clientID}
}

func robot() azure.Account {
	return azure.Account{ID: "5e", ClientID: "5e", Type: azure.ServicePrincipal, TenantID: tenantID}
}

func TestAnAccountsNameCanBeRead(t *testing.T) {
	for want, got := range map[string]string{
		"user.azurecloud." + objectID + "." + tenantID + "." + clientID:                 AccountName(alice(), "AzureCloud"),
		"user.azurecloud." + objectID + "." + tenantID + "." + clientID + ".tenant.t-2": TenantName(alice(), "AzureCloud", "T-2"),
		"principal.azurecloud." + tenantID + ".5e":                                      AccountName(robot(), "AzureCloud"),
		"username.my_20stack.bob_40contoso_2ecom._":                                     AccountName(azure.Account{ID: "bob@contoso.com", Type: azure.User}, "My Stack"),
	} {
		if got != want {
			t.Errorf("got  %s\nwanted %s", got, want)
		}
		if err := checkName(got); err != nil {
			t.Error(err)
		}
	}
}

func TestAccountsHaveNamesOfTheirOwn(t *testing.T) {
	seen := map[string]string{}
	add := func(what, name string) {
		t.Helper()
		if other, ok := seen[name]; ok {
			t.Errorf("%s and %s are both %s", what, other, name)
		}
		if err := checkName(name); err != nil {
			t.Error(err)
		}
		seen[name] = what
	}
	for what, change := range map[string]func(*azure.Account){
		"alice":          func(*azure.Account) {},
		"home":           func(a *azure.Account) { a.HomeAccountID = "x." + tenantID },
		"odd home":       func(a *azure.Account) { a.HomeAccountID = "x._." + tenantID },
		"home tenant":    func(a *azure.Account) { a.HomeAccountID = objectID + ".x" },
		"no home tenant": func(a *azure.Account) { a.HomeAccountID = objectID },
		"no home":        func(a *azure.Account) { a.HomeAccountID = "" },
		"client":         func(a *azure.Account) { a.ClientID = "x" },
		"no client":      func(a *azure.Account) { a.ClientID = "" },
		"principal":      func(a *azure.Account) { *a = robot() },
		"its tenant":     func(a *azure.Account) { *a = robot(); a.TenantID = "x" },
		"its client":     func(a *azure.Account) { *a = robot(); a.ClientID = "x" },
		"managed":        func(a *azure.Account) { a.Type = azure.ManagedIdentity },
		"dots":           func(a *azure.Account) { a.ClientID = "a..b/../c" },
		"underscores":    func(a *azure.Account) { a.ClientID = "_" },
		"escape":         func(a *azure.Account) { a.ClientID = "_40" },
		"what it is for": func(a *azure.Account) { a.ClientID = "@" },
		"long":           func(a *azure.Account) { a.ClientID = strings.Repeat("x", 300) },
		"other long":     func(a *azure.Account) { a.ClientID = strings.Repeat("x", 299) + "y" },
	} {
		a := alice()
		change(&a)
		add(what, AccountName(a, "AzureCloud"))
		add(what+" in another cloud", AccountName(a, "AzureChinaCloud"))
		add(what+" in a tenant", TenantName(a, "AzureCloud", tenantID))
		add(what+" in another tenant", TenantName(a, "AzureCloud", "x"))
	}
}

func TestLabelsAndCaseMakeNoOtherName(t *testing.T) {
	for what, change := range map[string]func(*azure.Account){
		"user name":   func(a *azure.Account) { a.ID = "alice@contoso.org" },
		"case":        func(a *azure.Account) { a.HomeAccountID = strings.ToUpper(a.HomeAccountID) },
		"client case": func(a *azure.Account) { a.ClientID = strings.ToUpper(a.ClientID) },
		"lender":      func(a *azure.Account) { a.Borrowed = &azure.Borrowed{From: "az"} },
	} {
		a := alice()
		change(&a)
		if AccountName(a, "AZURECLOUD") != AccountName(alice(), "AzureCloud") || TenantName(a, "AzureCloud", strings.ToUpper(tenantID)) != TenantName(alice(), "AzureCloud", tenantID) {
			t.Errorf("another %s makes another name", what)
		}
	}
}
