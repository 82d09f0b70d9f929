package azps

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/az-ctx/az-ctx/pkg/azure"
)

// object is a JSON object that keeps its order.
type object []field

type field struct {
	name  string
	value any
}

func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, f := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := encode(&b, f.name); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := encode(&b, f.value); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func encode(b *bytes.Buffer, v any) error {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	b.Truncate(b.Len() - 1)
	return nil
}

// Write writes the contexts as Save-AzContext does: field by field in its
// order, UTF-8 with a byte order mark. active names the default context, ""
// for none; cloud finds a context's cloud by its name. TokenCache stays empty,
// since importing one into Azure PowerShell replaces its whole own.
func Write(w io.Writer, contexts []azure.Context, active string, cloud func(name string) (azure.Cloud, error)) error {
	table, all := object{}, object{}
	for _, c := range contexts {
		k, err := cloud(c.Environment)
		if err != nil {
			return fmt.Errorf("saving context %q: %w", c.Name, err)
		}
		e := environmentOf(k)
		_, public := azure.BuiltIn(k.Name)
		if !public && !slices.ContainsFunc(table, func(f field) bool { return strings.EqualFold(f.name, k.Name) }) {
			table = append(table, field{k.Name, e})
		}
		all = append(all, field{c.Name, object{
			{"Account", accountOf(c, contexts)},
			{"Tenant", tenantOf(c.Tenant)},
			{"Subscription", subscriptionOf(c)},
			{"Environment", e},
			{"VersionProfile", nil},
			{"TokenCache", object{{"CacheData", nil}}},
			{"ExtendedProperties", object{}},
		}})
	}
	if active == "" {
		active = "Default" // Azure PowerShell's own word for none
	}
	var raw bytes.Buffer
	err := encode(&raw, object{
		{"DefaultContextKey", active},
		{"EnvironmentTable", table},
		{"Contexts", all},
		{"ExtendedProperties", object{}},
	})
	indented := bytes.NewBufferString(bom)
	if err == nil {
		err = json.Indent(indented, raw.Bytes(), "", "  ")
	}
	if err == nil {
		_, err = indented.WriteTo(w)
	}
	if err != nil {
		return fmt.Errorf("saving contexts: %w", err)
	}
	return nil
}

func accountOf(c azure.Context, contexts []azure.Context) object {
	a := c.Account
	id := a.ID
	kind := ""
	switch a.Type {
	case azure.User:
		kind = "User"
	case azure.ServicePrincipal:
		kind = "ServicePrincipal"
	case azure.AccessToken:
		kind = "AccessToken"
	case azure.ManagedIdentity:
		kind = "ManagedService"
		if a.ID == systemIdentity {
			id = systemIdentityID // anything else is taken for the id of an assigned one
		} else if a.ClientID != "" {
			id = a.ClientID
		}
	}
	var tenants, subscriptions []string
	add := func(list *[]string, id string) {
		if id != "" && !slices.ContainsFunc(*list, func(s string) bool { return strings.EqualFold(s, id) }) {
			*list = append(*list, id)
		}
	}
	add(&tenants, a.TenantID) // a service principal's own is looked for in the first place
	add(&tenants, c.Tenant.ID)
	for _, d := range contexts {
		if strings.EqualFold(d.Environment, c.Environment) && d.Account.Same(a) {
			add(&tenants, d.Tenant.ID)
			add(&subscriptions, d.SubscriptionID())
		}
	}
	return object{
		{"Id", id},
		{"Credential", nil},
		{"Type", kind},
		{"TenantMap", object{}},
		{"ExtendedProperties", known(
			"Tenants", strings.Join(tenants, ","),
			"Subscriptions", strings.Join(subscriptions, ","),
			"HomeAccountId", a.HomeAccountID,
		)},
	}
}

func tenantOf(t azure.Tenant) object {
	return object{
		{"Id", t.ID},
		{"Directory", nil},
		{"IsHome", true},
		{"ExtendedProperties", known("DisplayName", t.Name, "DefaultDomain", t.Domain)},
	}
}

func subscriptionOf(c azure.Context) any {
	s := c.Subscription
	if s == nil {
		return nil
	}
	return object{
		{"Id", s.ID},
		{"Name", s.Name},
		{"State", s.State},
		{"ExtendedProperties", known(
			"HomeTenant", s.HomeTenantID,
			"Environment", c.Environment,
			"Account", c.Account.ID,
			"Tenants", c.Tenant.ID,
		)},
	}
}

// known is an object of those texts that there are.
func known(pairs ...string) object {
	o := object{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			o = append(o, field{pairs[i], pairs[i+1]})
		}
	}
	return o
}
