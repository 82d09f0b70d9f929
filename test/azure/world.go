package azure

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
)

// The default world's ids, for tests to name.
const (
	ContosoTenant      = "aaaaaaaa-0000-4000-8000-000000000001"
	FabrikamTenant     = "ffffffff-0000-4000-8000-000000000009"
	AdatumTenant       = "adadadad-0000-4000-8000-000000000005"
	ContosoChinaTenant = "cccccccc-0000-4000-8000-000000000086"
	StackTenant        = "57ac57ac-0000-4000-8000-000000000007"

	ContosoProd  = "00000001-0000-4000-8000-000000000000"
	ContosoTest  = "00000002-0000-4000-8000-000000000000"
	ContosoOld   = "00000003-0000-4000-8000-000000000000"
	FabrikamDev  = "00900001-0000-4000-8000-000000000000"
	ContosoChina = "00860001-0000-4000-8000-000000000000"
	StackOne     = "00070001-0000-4000-8000-000000000000"

	Alice  = "alice@contoso.com"
	Bob    = "bob@contoso.com"
	Carol  = "carol@contoso.cn"
	Sam    = "sam@stack.test"
	RobotC = "5eeeeeee-0000-4000-8000-000000000001" // Robot's client id
)

// World is all that the server knows. A test may hand in its own, or change a
// running server's through Server.Change.
type World struct {
	Clouds        []Cloud
	Tenants       []Tenant
	Accounts      []Account
	Subscriptions []Subscription
}

// Cloud is one Azure: its three hosts, and the resources that tokens are
// issued for, written as clients ask for them but for a trailing slash.
type Cloud struct {
	Name      string
	Login     string
	Manager   string
	Graph     string
	Portal    string
	Audiences []string // of the resource manager; the first is the one that az asks for
	Resources []string // the others
}

// Tenant is a directory.
type Tenant struct {
	ID     string
	Name   string
	Domain string
	Cloud  string
	MFA    bool // wants a second factor: a refresh token serves it only after a sign-in to it
}

// Short is the tenant's part in a resource group's name.
func (t Tenant) Short() string { return strings.ToLower(strings.Fields(t.Name)[0]) }

// Account is a user, or with a ClientID a service principal.
type Account struct {
	Name         string // user name (UPN), or the service principal's display name
	ClientID     string // of a service principal
	Secret       string // of a service principal, and so the next two
	Certificates []*x509.Certificate
	Federated    []Federated
	ObjectID     string // in the home tenant
	Home         string
	Guest        []string // other tenants' ids
}

// ID is what the account is called in Subscription.Access and in the records.
func (a Account) ID() string {
	if a.ClientID != "" {
		return a.ClientID
	}
	return a.Name
}

// Short is the account's part in a resource group's name.
func (a Account) Short() string {
	name, _, _ := strings.Cut(a.Name, "@")
	return name
}

// Tenants are all that the account is in, its home first.
func (a Account) Tenants() []string { return append([]string{a.Home}, a.Guest...) }

// ObjectIn is the account's object id in a tenant: a guest has another one
// there than at home.
func (a Account) ObjectIn(tenant string) string {
	if tenant == a.Home {
		return a.ObjectID
	}
	return guid([]byte(a.ObjectID + tenant))
}

// guid makes one of anything.
func guid(of []byte) string {
	h := sha256.Sum256(of)
	h[6], h[8] = h[6]&0x0f|0x40, h[8]&0x3f|0x80 // version 4
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[0:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

// Subscription holds one resource group for each account that sees it, so that
// a list of groups tells which account asked.
type Subscription struct {
	ID        string
	Name      string
	Short     string // in a resource group's name
	State     string
	Tenant    string
	Access    []string // Account.ID of those who see it
	ManagedBy []string // other tenants' ids, whose tokens show it too
}

// DefaultWorld is the fixture. Its one secret, the service principal's, is
// drawn anew each time.
func DefaultWorld() World {
	resources := []string{
		"https://graph.windows.net",
		"https://vault.azure.net",
		"https://storage.azure.com",
		"https://database.windows.net",
		"https://ossrdbms-aad.database.windows.net",
		"https://batch.core.windows.net",
		"6dae42f8-4368-4678-94ff-3960e28e3630", // AKS
		"499b84ac-1321-427f-aa17-267ca6975798", // Azure DevOps
	}
	return World{
		Clouds: []Cloud{
			{
				Name: "AzureCloud", Login: "login.microsoftonline.com",
				Manager: "management.azure.com", Graph: "graph.microsoft.com", Portal: "portal.azure.com",
				Audiences: []string{"https://management.core.windows.net/", "https://management.azure.com/"},
				Resources: resources,
			},
			{
				Name: "AzureChinaCloud", Login: "login.chinacloudapi.cn",
				Manager: "management.chinacloudapi.cn", Graph: "microsoftgraph.chinacloudapi.cn", Portal: "portal.azure.cn",
				Audiences: []string{"https://management.core.chinacloudapi.cn/", "https://management.chinacloudapi.cn/"},
				Resources: resources,
			},
			{ // no host of Microsoft's: for clouds that a user adds
				Name: "AzureStackTest", Login: "login.stack.test",
				Manager: "management.stack.test", Graph: "graph.stack.test", Portal: "portal.stack.test",
				Audiences: []string{"https://management.stack.test/"},
			},
		},
		Tenants: []Tenant{
			{ID: ContosoTenant, Name: "Contoso", Domain: "contoso.com", Cloud: "AzureCloud"},
			{ID: FabrikamTenant, Name: "Fabrikam", Domain: "fabrikam.com", Cloud: "AzureCloud"},
			{ID: AdatumTenant, Name: "Adatum", Domain: "adatum.com", Cloud: "AzureCloud"}, // no subscription
			{ID: ContosoChinaTenant, Name: "Contoso China", Domain: "contoso.cn", Cloud: "AzureChinaCloud"},
			{ID: StackTenant, Name: "Stack", Domain: "stack.test", Cloud: "AzureStackTest"},
		},
		Accounts: []Account{
			{
				Name: Alice, ObjectID: "a11ce000-0000-4000-8000-000000000001",
				Home: ContosoTenant, Guest: []string{FabrikamTenant, AdatumTenant},
			},
			{Name: Bob, ObjectID: "b0b00000-0000-4000-8000-000000000002", Home: ContosoTenant},
			{Name: Carol, ObjectID: "ca401000-0000-4000-8000-000000000003", Home: ContosoChinaTenant},
			{Name: Sam, ObjectID: "5a300000-0000-4000-8000-000000000004", Home: StackTenant},
			{
				Name: "robot", ClientID: RobotC, Secret: "test-" + rand.Text(),
				ObjectID: "5eeeeeee-0000-4000-8000-0000000000ff", Home: ContosoTenant,
			},
		},
		Subscriptions: []Subscription{
			{ID: ContosoProd, Name: "Contoso Prod 1", Short: "prod", State: "Enabled", Tenant: ContosoTenant, Access: []string{Alice, Bob, RobotC}},
			{ID: ContosoTest, Name: "Contoso Test", Short: "test", State: "Enabled", Tenant: ContosoTenant, Access: []string{Alice, RobotC}},
			{ID: ContosoOld, Name: "Contoso Old", Short: "old", State: "Disabled", Tenant: ContosoTenant, Access: []string{Alice}},
			{ID: FabrikamDev, Name: "Fabrikam Dev", Short: "dev", State: "Enabled", Tenant: FabrikamTenant, Access: []string{Alice}},
			{ID: ContosoChina, Name: "Contoso China", Short: "cn", State: "Enabled", Tenant: ContosoChinaTenant, Access: []string{Carol}},
			{ID: StackOne, Name: "Stack One", Short: "one", State: "Enabled", Tenant: StackTenant, Access: []string{Sam}},
		},
	}
}

// Group is the one resource group that an account sees in a subscription.
func (w World) Group(s Subscription, a Account) string {
	t, _ := w.tenant(s.Tenant)
	return "rg-" + t.Short() + "-" + s.Short + "-" + a.Short()
}

// Hosts are the names that the server answers to.
func (w World) Hosts() []string {
	var hosts []string
	for _, c := range w.Clouds {
		hosts = append(hosts, c.Login, c.Manager, c.Graph)
	}
	return hosts
}

// clone parts a world from its slices' other holders.
func (w World) clone() World {
	return World{
		Clouds: slices.Clone(w.Clouds), Tenants: slices.Clone(w.Tenants),
		Accounts: slices.Clone(w.Accounts), Subscriptions: slices.Clone(w.Subscriptions),
	}
}

func find[T any](all []T, ok func(T) bool) (T, bool) {
	if i := slices.IndexFunc(all, ok); i >= 0 {
		return all[i], true
	}
	var none T
	return none, false
}

// tenant finds one by id or domain.
func (w World) tenant(name string) (Tenant, bool) {
	return find(w.Tenants, func(t Tenant) bool {
		return strings.EqualFold(t.ID, name) || strings.EqualFold(t.Domain, name)
	})
}

// account finds one by user name or client id.
func (w World) account(id string) (Account, bool) {
	return find(w.Accounts, func(a Account) bool { return strings.EqualFold(a.ID(), id) })
}

func (w World) subscription(id string) (Subscription, bool) {
	return find(w.Subscriptions, func(s Subscription) bool { return strings.EqualFold(s.ID, id) })
}

// sees tells whether an account with a token of a tenant is shown a subscription.
func (s Subscription) sees(a Account) bool { return slices.Contains(s.Access, a.ID()) }

// in tells whether a token of a tenant shows it.
func (s Subscription) in(tenant string) bool {
	return s.Tenant == tenant || slices.Contains(s.ManagedBy, tenant)
}
