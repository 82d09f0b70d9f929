package azps

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/az-ctx/az-ctx/pkg/azure"
)

// saved is the file. Field names are matched ignoring case, as encoding/json
// does and as Azure PowerShell does.
type saved struct {
	DefaultContextKey *string
	EnvironmentTable  map[string]*environment
	Contexts          map[string]*context

	// The older form.
	Environments map[string]*environment
	Context      *context
}

type context struct {
	Account      *account
	Tenant       *tenant
	Subscription *subscription
	Environment  *environment
}

type account struct {
	ID                 string
	Type               any // a word, in the older form a number
	ExtendedProperties properties
	Properties         properties // the older form's
}

type tenant struct {
	ID                 string
	Directory          string
	Domain             string // the older form's Directory
	ExtendedProperties properties
}

type subscription struct {
	ID, Name, State    string
	Environment        string // the older form's
	ExtendedProperties properties
	Properties         properties // the older form's
}

type environment struct {
	Name                                     string
	ResourceManagerURL                       string
	ActiveDirectoryAuthority                 string
	ActiveDirectoryServiceEndpointResourceID string
	Endpoints                                properties // the older form's
}

// properties are an object's further ones, whose names ignore case.
type properties map[string]any

func (p properties) get(name string) string {
	if text, ok := p[name].(string); ok {
		return text
	}
	for _, k := range slices.Sorted(maps.Keys(p)) {
		if text, ok := p[k].(string); ok && strings.EqualFold(k, name) {
			return text
		}
	}
	return ""
}

// first is the first of a list that commas separate.
func (p properties) first(name string) string {
	id, _, _ := strings.Cut(p.get(name), ",")
	return strings.TrimSpace(id)
}

func decode(raw []byte) (File, error) {
	start := bytes.IndexByte(raw, '{')
	if start < 0 {
		return File{}, errors.New("no contexts in it: there is no {")
	}
	var s saved
	if err := json.Unmarshal(raw[start:], &s); err != nil {
		return File{}, located(err, raw, start)
	}
	if s.DefaultContextKey == nil && s.EnvironmentTable == nil && s.Contexts == nil && s.Environments == nil && s.Context == nil {
		return File{}, errors.New("no contexts in it: it is neither Save-AzContext's form nor the older one")
	}

	f := File{}
	key := ""
	if s.DefaultContextKey != nil {
		key = *s.DefaultContextKey
	}
	clouds := &cloudSet{}
	for _, table := range []map[string]*environment{s.EnvironmentTable, s.Environments} {
		for _, name := range slices.Sorted(maps.Keys(table)) {
			clouds.add(table[name], name)
		}
	}
	names := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(s.Contexts)) {
		if s.Contexts[name].empty() {
			continue // the place holder of one who is not signed in
		}
		if other, ok := names[azure.Fold(name)]; ok {
			return File{}, fmt.Errorf("contexts %q and %q have the same name", other, name)
		}
		names[azure.Fold(name)] = name
		c, err := s.Contexts[name].convert(clouds)
		if err != nil {
			return File{}, fmt.Errorf("context %q: %w", name, err)
		}
		c.Name = name
		f.Contexts = append(f.Contexts, c)
	}
	f.Default = names[azure.Fold(key)]
	if s.Contexts == nil && !s.Context.empty() {
		c, err := s.Context.convert(clouds)
		if err != nil {
			return File{}, fmt.Errorf("the context: %w", err)
		}
		c.Name = c.DefaultName(func(string) bool { return false })
		f.Contexts, f.Default = []azure.Context{c}, c.Name
	}
	f.Clouds = clouds.all
	return f, nil
}

// located says where in the file an error of encoding/json is.
func located(err error, raw []byte, start int) error {
	offset := int64(len(raw) - start)
	var syntax *json.SyntaxError
	var shape *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &shape):
		offset = shape.Offset
		err = fmt.Errorf("unexpected %s for %q", shape.Value, shape.Field)
	}
	before := raw[:min(start+int(offset), len(raw))]
	return fmt.Errorf("line %d: %w", bytes.Count(before, []byte("\n"))+1, err)
}

func (c *context) empty() bool {
	return c == nil || c.Account == nil && c.Tenant == nil && c.Subscription == nil
}

func (c *context) convert(clouds *cloudSet) (azure.Context, error) {
	var out azure.Context
	if c.Account == nil || c.Account.ID == "" {
		return out, errors.New("it has no account")
	}
	if c.Account.ExtendedProperties == nil {
		c.Account.ExtendedProperties = c.Account.Properties
	}
	s := c.Subscription
	if s == nil {
		s = &subscription{}
	}
	if s.ExtendedProperties == nil {
		s.ExtendedProperties = s.Properties
	}

	t := c.Tenant
	if t == nil {
		t = &tenant{}
	}
	out.Tenant = azure.Tenant{
		ID:   first(t.ID, s.ExtendedProperties.first("Tenants"), c.Account.ExtendedProperties.first("Tenants")),
		Name: t.ExtendedProperties.get("DisplayName"),
		// Before the properties there were, Directory held the domain.
		Domain: first(t.ExtendedProperties.get("DefaultDomain"), t.Directory, t.Domain),
	}
	if out.Tenant.ID == "" {
		return out, errors.New("it has no tenant")
	}
	e := c.Environment
	if e == nil {
		e = &environment{}
	}
	out.Environment = first(e.Name, s.ExtendedProperties.get("Environment"), s.Environment, azure.Public.Name)
	clouds.add(e, e.Name)
	if cloud, ok := azure.BuiltIn(out.Environment); ok {
		out.Environment = cloud.Name
	}
	if s.ID != "" {
		out.Subscription = &azure.Subscription{
			ID: s.ID, Name: first(s.Name, s.ID), State: s.State,
			TenantID: out.Tenant.ID, HomeTenantID: s.ExtendedProperties.get("HomeTenant"),
		}
	}
	var err error
	out.Account, err = c.Account.convert(out.Tenant.ID)
	return out, err
}

func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// The older form's numbers for a type of account.
var olderTypes = []string{"Certificate", "User", "ServicePrincipal", "AccessToken"}

func (a account) convert(tenantID string) (azure.Account, error) {
	kind, _ := a.Type.(string)
	if n, ok := a.Type.(float64); ok && n >= 0 && int(n) < len(olderTypes) {
		kind = olderTypes[int(n)]
	}
	out := azure.Account{ID: a.ID}
	switch strings.ToLower(kind) {
	case "user":
		out.Type, out.ClientID = azure.User, ClientID
		out.HomeAccountID = a.ExtendedProperties.get("HomeAccountId")
	case "serviceprincipal", "certificate", "clientassertion":
		out.Type, out.ClientID = azure.ServicePrincipal, a.ID
		out.TenantID = first(a.ExtendedProperties.first("Tenants"), tenantID)
	case "accesstoken":
		out.Type = azure.AccessToken
	case "managedservice":
		out.Type = azure.ManagedIdentity
		if strings.HasPrefix(a.ID, "MSI@") || a.ID == systemIdentity {
			out.ID = systemIdentity
		} else if !strings.Contains(a.ID, "/") { // else the identity's resource id
			out.ClientID = a.ID
		}
	default:
		return out, fmt.Errorf("its account is of unknown type %q", fmt.Sprint(a.Type))
	}
	return out, nil
}

// cloudSet gathers the clouds that are not public ones, each once.
type cloudSet struct{ all []azure.Cloud }

func (s *cloudSet) add(e *environment, name string) {
	if e == nil {
		return
	}
	endpoint := func(newer, older string) string {
		return first(newer, e.Endpoints.get(older))
	}
	c := azure.Cloud{
		Name:            first(e.Name, name),
		ResourceManager: strings.TrimRight(endpoint(e.ResourceManagerURL, "ResourceManager"), "/"),
		Authority:       strings.TrimRight(endpoint(e.ActiveDirectoryAuthority, "ActiveDirectory"), "/"),
		Audience:        endpoint(e.ActiveDirectoryServiceEndpointResourceID, "ActiveDirectoryServiceEndpointResourceId"),
	}
	_, public := azure.BuiltIn(c.Name)
	known := slices.ContainsFunc(s.all, func(k azure.Cloud) bool { return strings.EqualFold(k.Name, c.Name) })
	if public || known || c.ResourceManager == "" || c.Authority == "" {
		return
	}
	if c.Audience == "" {
		c.Audience = c.ResourceManager + "/"
	}
	s.all = append(s.all, c)
}
