// Package azcli reads and writes the directory that az keeps its settings in:
// the user's own, for their existing sign-in, and an activation's. It does not
// run az and touches no token.
package azcli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/az-ctx/az-ctx/pkg/azure"
)

// ClientID is the application as which az signs users in (azure-cli's
// azure/cli/core/auth/constants.py).
const ClientID = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"

// The words of az's own files (azure-cli's azure/cli/core/_profile.py).
const (
	profileFile    = "azureProfile.json"
	configFile     = "config"
	cloudsFile     = "clouds.config"
	systemIdentity = "systemAssignedIdentity"
	userIdentity   = "userAssignedIdentity"
	tenantLevel    = "N/A(tenant level account)"

	bom = "\ufeff"
)

// bleu is the cloud that newer versions of az know beside azure's own
// (azure-cli's azure/cli/core/cloud.py).
var bleu = azure.Cloud{
	Name: "AzureBleuCloud", ResourceManager: "https://management.sovcloud-api.fr",
	Authority: "https://login.sovcloud-identity.fr", Audience: "https://management.sovcloud-api.fr/",
}

// Profile is what az is signed in to.
type Profile struct {
	Contexts []azure.Context // without a name, their accounts borrowed, in az's order
	Default  int             // index of what az uses now, the active cloud's default; -1 for none
	Defaults map[string]int  // by cloud: index of what az uses once that cloud is active
	Cloud    string          // the active cloud
	Clouds   []azure.Cloud   // those that az knows beside the public ones
}

// profile is azureProfile.json. Its fields and their order are az's.
type profile struct {
	InstallationID string  `json:"installationId"`
	Subscriptions  []entry `json:"subscriptions"`
}

// entry is a subscription as an account sees it, or a tenant without one.
type entry struct {
	ID               string          `json:"id"`
	Name             string          `json:"name"`
	State            string          `json:"state"`
	User             user            `json:"user"`
	IsDefault        bool            `json:"isDefault"`
	TenantID         string          `json:"tenantId"` // the tenant of the token
	EnvironmentName  string          `json:"environmentName"`
	HomeTenantID     string          `json:"homeTenantId,omitempty"`
	TenantDomain     string          `json:"tenantDefaultDomain,omitempty"`
	TenantName       string          `json:"tenantDisplayName,omitempty"`
	ManagedByTenants json.RawMessage `json:"managedByTenants,omitempty"`
}

type user struct {
	Name                 string `json:"name"`
	Type                 string `json:"type"`
	AssignedIdentityInfo string `json:"assignedIdentityInfo,omitempty"`
}

// Read reads what az is signed in to in dir, its own directory. It is
// fs.ErrNotExist where az was never used there. AZURE_CLOUD_NAME, which az
// itself would heed, is left to the caller.
func Read(dir string) (Profile, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Profile{}, fmt.Errorf("reading az's profile: %w", err)
	}
	raw, err := readProfile(dir)
	if err != nil {
		return Profile{}, err
	}
	config, err := readConfig(filepath.Join(dir, configFile))
	if err != nil {
		return Profile{}, err
	}
	clouds, err := readConfig(filepath.Join(dir, cloudsFile))
	if err != nil {
		return Profile{}, err
	}

	p := Profile{Default: -1, Defaults: map[string]int{}, Cloud: activeCloud(config), Clouds: customClouds(clouds)}
	for i, e := range raw.Subscriptions {
		c, err := e.context(dir)
		if err != nil {
			return Profile{}, fmt.Errorf("reading az's profile %s: entry %d: %w", filepath.Join(dir, profileFile), i+1, err)
		}
		p.Contexts = append(p.Contexts, c)
		if e.IsDefault {
			p.Defaults[c.Environment] = i
		}
	}
	bleuUsed := false
	for i, c := range p.Contexts {
		bleuUsed = bleuUsed || c.Environment == bleu.Name
		if _, ok := p.Defaults[c.Environment]; ok {
			continue
		}
		if id, ok := clouds.get(c.Environment, "subscription"); ok && strings.EqualFold(id, raw.Subscriptions[i].ID) {
			p.Defaults[c.Environment] = i
		}
	}
	if bleuUsed {
		p.Clouds = append(p.Clouds, bleu)
	}
	// A cloud's own subscription of clouds.config counts once az switches to
	// it; until then az goes by isDefault alone.
	if i, ok := p.Defaults[p.Cloud]; ok && raw.Subscriptions[i].IsDefault {
		p.Default = i
	}
	return p, nil
}

func readProfile(dir string) (profile, error) {
	path := filepath.Join(dir, profileFile)
	raw, err := os.ReadFile(path)
	if err != nil {
		return profile{}, fmt.Errorf("reading az's profile: %w", err)
	}
	var p profile
	if err := json.Unmarshal(bytes.TrimPrefix(raw, []byte(bom)), &p); err != nil {
		return profile{}, fmt.Errorf("reading az's profile %s: %w", path, err)
	}
	return p, nil
}

// context is the entry as a context whose account az serves from dir.
func (e entry) context(dir string) (azure.Context, error) {
	for _, field := range []struct{ name, text string }{
		{"id", e.ID}, {"tenantId", e.TenantID}, {"user.name", e.User.Name}, {"user.type", e.User.Type},
	} {
		if field.text == "" {
			return azure.Context{}, fmt.Errorf("%q has no %s", e.Name, field.name)
		}
	}
	account := azure.Account{ID: e.User.Name, Borrowed: &azure.Borrowed{From: "az", Directory: dir}}
	switch {
	case e.User.identity():
		account.Type = azure.ManagedIdentity
		// MSI, or MSIClient-, MSIObject-, MSIResource- and an id.
		if kind, id, ok := strings.Cut(e.User.AssignedIdentityInfo, "-"); ok && e.User.Name == userIdentity {
			account.ID = id
			if kind == "MSIClient" {
				account.ClientID = id
			}
		}
	case e.User.Type == "user":
		account.Type, account.ClientID = azure.User, ClientID
	case e.User.Type == "servicePrincipal":
		account.Type, account.ClientID, account.TenantID = azure.ServicePrincipal, e.User.Name, e.TenantID
	default:
		return azure.Context{}, fmt.Errorf("%q has a user of unknown type %q", e.Name, e.User.Type)
	}
	c := azure.Context{
		Account:     account,
		Tenant:      azure.Tenant{ID: e.TenantID, Name: e.TenantName, Domain: e.TenantDomain},
		Environment: e.EnvironmentName,
	}
	if c.Environment == "" {
		c.Environment = azure.Public.Name
	}
	if e.Name != tenantLevel {
		c.Subscription = &azure.Subscription{
			ID: e.ID, Name: e.Name, State: e.State, TenantID: e.TenantID, HomeTenantID: e.HomeTenantID,
		}
		if e.Name == "" {
			c.Subscription.Name = e.ID
		}
	}
	return c, nil
}

// identity reports whether az takes the user for a managed identity: it goes
// by the name alone.
func (u user) identity() bool { return u.Name == systemIdentity || u.Name == userIdentity }

func readConfig(path string) (config, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return config{}, nil
	}
	if err != nil {
		return config{}, fmt.Errorf("reading az's settings: %w", err)
	}
	return parseConfig(string(raw)), nil
}

func activeCloud(c config) string {
	if name, ok := c.get("cloud", "name"); ok && name != "" {
		return name
	}
	return azure.Public.Name
}

// customClouds are the clouds that clouds.config defines. Where it moves an
// endpoint of a public one, that stays az's own affair.
func customClouds(c config) []azure.Cloud {
	var clouds []azure.Cloud
	for _, s := range c.sections {
		if _, public := azure.BuiltIn(s.name); public || s.name == bleu.Name {
			continue
		}
		endpoint := func(name string) string {
			text, _ := c.get(s.name, "endpoint_"+name)
			return text
		}
		cloud := azure.Cloud{
			Name:            s.name,
			ResourceManager: strings.TrimRight(endpoint("resource_manager"), "/"),
			Authority:       strings.TrimRight(endpoint("active_directory"), "/"),
			Audience:        endpoint("active_directory_resource_id"),
		}
		if cloud.ResourceManager == "" || cloud.Authority == "" {
			continue // nothing to sign in with, for az neither
		}
		if cloud.Audience == "" {
			cloud.Audience = endpoint("resource_manager")
		}
		clouds = append(clouds, cloud)
	}
	return clouds
}
