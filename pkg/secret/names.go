package secret

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/az-ctx/az-ctx/pkg/azure"
)

// AccountName is the name of the account's entry: for a user of cloud, home
// account and client id, for a service principal of cloud, tenant and client id.
// Accounts that differ in one of these have different names.
func AccountName(a azure.Account, cloud string) string { return entryName(accountFields(a, cloud)) }

// TenantName is the name of the entry that is kept beside the account's for a
// tenant that was signed in to interactively.
func TenantName(a azure.Account, cloud, tenantID string) string {
	return entryName(append(accountFields(a, cloud), "tenant", tenantID))
}

// accountFields has one number of fields for each kind, so that no account's
// name is that of another's tenant.
func accountFields(a azure.Account, cloud string) []string {
	switch {
	case a.Type == azure.User && a.HomeAccountID != "":
		object, tenant, _ := strings.Cut(a.HomeAccountID, ".")
		return []string{"user", cloud, object, tenant, a.ClientID}
	case a.Type == azure.User:
		return []string{"username", cloud, a.ID, a.ClientID}
	case a.Type == azure.ServicePrincipal:
		id := a.ClientID
		if id == "" {
			id = a.ID
		}
		return []string{"principal", cloud, a.TenantID, id}
	}
	return []string{"other", string(a.Type), cloud, a.TenantID, a.ID, a.ClientID}
}

// entryName joins the fields to a name that a person can read in the system's
// own view of the keychain. One that is too long is told by its checksum.
func entryName(fields []string) string {
	escaped := make([]string, len(fields))
	for i, f := range fields {
		escaped[i] = escapeField(f)
	}
	name := strings.Join(escaped, ".")
	if len(name) > maxName {
		sum := sha256.Sum256([]byte(name))
		return escaped[0] + ".sha256." + hex.EncodeToString(sum[:])
	}
	return name
}

// escapeField leaves a-z, 0-9 and dashes, and gives the rest as _ and two hex
// digits; an empty field is a lone _.
func escapeField(field string) string {
	if field == "" {
		return "_"
	}
	var b strings.Builder
	for _, c := range []byte(azure.Fold(field)) {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "_%02x", c)
	}
	return b.String()
}
