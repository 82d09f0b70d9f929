package export

import (
	"crypto/sha256"
	"encoding/hex"
	"sort"
	"strings"

	"github.com/az-ctx/az-ctx/pkg/plain"
)

// Names of our own variables.
const (
	Name        = "AZ_CTX_NAME"
	Account     = "AZ_CTX_ACCOUNT"
	Tenant      = "AZ_CTX_TENANT"
	Subscript   = "AZ_CTX_SUBSCRIPTION"
	Environment = "AZ_CTX_ENVIRONMENT"
	Prompt      = "AZ_CTX_PROMPT"
	From        = "AZ_CTX_FROM"
	Session     = "AZ_CTX_SESSION"
	Previous    = "AZ_CTX_PREVIOUS"
	was         = "AZ_CTX_WAS_"
)

var own = []string{Name, Account, Tenant, Subscript, Environment, Prompt, From, Session, Previous}

// shared are the variables that we set and that the user may have set before.
var shared = []string{
	"ARM_ENVIRONMENT", "ARM_METADATA_HOSTNAME", "ARM_MSI_ENDPOINT", "ARM_SUBSCRIPTION_ID", "ARM_TENANT_ID", "ARM_USE_MSI",
	"AZD_AUTH_ENDPOINT", "AZD_AUTH_KEY",
	"AZURE_AUTHORITY_HOST", "AZURE_CLOUD_NAME", "AZURE_CONFIG_DIR", "AZURE_EXTENSION_DIR",
	"AZURE_SUBSCRIPTION_ID", "AZURE_TENANT_ID", "AZURE_TOKEN_CREDENTIALS",
	"IDENTITY_ENDPOINT", "IDENTITY_HEADER", "MSI_ENDPOINT",
	"NO_PROXY", "no_proxy",
}

// rivals are the variables of another credential that would win over the
// context; each was found in the tool's own source (facts 1).
var rivals = []string{
	"AAD_ENVIRONMENT_NAME", "AAD_LOGIN_METHOD", "AAD_SERVICE_PRINCIPAL_CLIENT_CERTIFICATE",
	"AAD_SERVICE_PRINCIPAL_CLIENT_CERTIFICATE_PASSWORD", "AAD_SERVICE_PRINCIPAL_CLIENT_ID", "AAD_SERVICE_PRINCIPAL_CLIENT_SECRET",
	"AAD_USER_PRINCIPAL_NAME", "AAD_USER_PRINCIPAL_PASSWORD",
	"ARM_CLIENT_CERTIFICATE", "ARM_CLIENT_CERTIFICATE_PASSWORD", "ARM_CLIENT_CERTIFICATE_PATH", "ARM_CLIENT_ID", "ARM_CLIENT_ID_FILE_PATH",
	"ARM_CLIENT_SECRET", "ARM_CLIENT_SECRET_FILE_PATH", "ARM_MSI_API_VERSION",
	"ARM_OIDC_AZURE_SERVICE_CONNECTION_ID", "ARM_OIDC_REQUEST_TOKEN", "ARM_OIDC_REQUEST_URL", "ARM_OIDC_TOKEN", "ARM_OIDC_TOKEN_FILE_PATH",
	"ARM_USE_AKS_WORKLOAD_IDENTITY", "ARM_USE_OIDC",
	"AZCOPY_AUTO_LOGIN_TYPE", "AZCOPY_SPA_APPLICATION_ID", "AZCOPY_SPA_CERT_PASSWORD", "AZCOPY_SPA_CERT_PATH", "AZCOPY_SPA_CLIENT_SECRET",
	"AZURE_CLIENT_CERTIFICATE_PASSWORD", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET",
	"AZURE_FEDERATED_TOKEN_FILE", "AZURE_PASSWORD", "AZURE_POD_IDENTITY_AUTHORITY_HOST", "AZURE_USERNAME",
	"IDENTITY_SERVER_THUMBPRINT", "IMDS_ENDPOINT", "MSI_SECRET",
}

// Watched are the variables whose change behind our back a prompt notices: the
// ids that tools go by, and az's directory.
var Watched = []string{
	"AZURE_SUBSCRIPTION_ID", "AZURE_TENANT_ID", "ARM_SUBSCRIPTION_ID", "ARM_TENANT_ID", "AZURE_CLOUD_NAME", "ARM_ENVIRONMENT", azDirectory,
}

// Managed lists every variable of the user's that a switch may touch.
func Managed() []string {
	all := append(append([]string{}, shared...), rivals...)
	sort.Strings(all)
	return all
}

// All lists every variable that a switch may touch, our own too.
func All() []string {
	all := Managed()
	for _, name := range Managed() {
		all = append(all, was+name)
	}
	return append(append([]string{}, own...), all...)
}

// Was names the variable that keeps what the user had in name.
func Was(name string) string { return was + name }

// Owned is what an activation exported, to tell later whose a value is: its
// text, or its hash where it is a secret. Secrets are random and long, so the
// hash gives nothing away.
type Owned map[string]string

const hashed = "sha256:"

// Record makes the Owned of the variables; secret names those whose text is
// not to be written down.
func Record(variables map[string]string, secret func(name string) bool) Owned {
	o := Owned{}
	for name, text := range variables {
		if secret(name) {
			text = hash(text)
		}
		o[name] = text
	}
	return o
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hashed + hex.EncodeToString(sum[:])
}

// Has reports whether text in the variable name is ours.
func (o Owned) Has(name, text string) bool {
	ours, ok := o[name]
	if strings.HasPrefix(ours, hashed) {
		return ok && ours == hash(text)
	}
	return ok && ours == text
}

// Activate plans a switch to variables, which are all of a new activation's.
// before is what the activation exported that the shell has now, nil where it
// has none. It returns the variables that had been changed behind our back, and
// that are ours again.
func (p *Plan) Activate(variables map[string]string, before Owned) (overridden []string) {
	for _, name := range Managed() {
		if p.take(name, variables, before) {
			overridden = append(overridden, name)
		}
	}
	p.setOwn(variables)
	return overridden
}

// ActivateNames plans a switch that takes no more variables than it sets: the
// others are the user's own again.
func (p *Plan) ActivateNames(variables map[string]string, before Owned) (overridden []string) {
	for _, name := range Managed() {
		if _, wanted := variables[name]; !wanted {
			p.giveBack(name, before)
		} else if p.take(name, variables, before) {
			overridden = append(overridden, name)
		}
	}
	p.setOwn(variables)
	return overridden
}

// Deselect plans the way back to the user's own environment. A variable that no
// longer holds what we put there is left alone, and named in left.
func (p *Plan) Deselect(before Owned) (left []string) {
	for _, name := range Managed() {
		if !p.giveBack(name, before) {
			left = append(left, name)
		}
	}
	p.setOwn(nil)
	return left
}

// take makes a variable of the user's ours, and reports whether it had been ours
// and was changed.
func (p *Plan) take(name string, variables map[string]string, before Owned) (overridden bool) {
	text, wanted := variables[name]
	if now, ok := p.Get(name); ok && !before.Has(name, now) {
		_, ours := before[name]
		if _, kept := p.Get(Was(name)); kept || ours {
			overridden = now != text
		} else {
			p.Move(name, Was(name))
		}
	}
	if wanted {
		p.Set(name, text)
	} else {
		p.Unset(name)
	}
	return overridden
}

// giveBack makes a variable the user's again. One that was changed since it was
// ours stays as it is, and false is returned.
func (p *Plan) giveBack(name string, before Owned) bool {
	now, ok := p.Get(name)
	_, kept := p.Get(Was(name))
	switch {
	case ok && !before.Has(name, now):
		_, ours := before[name]
		p.Unset(Was(name))
		return !ours && !kept
	case kept:
		p.Move(Was(name), name)
	default:
		p.Unset(name)
	}
	return true
}

func (p *Plan) setOwn(variables map[string]string) {
	for _, name := range own {
		if text, ok := variables[name]; ok {
			p.Set(name, text)
		} else {
			p.Unset(name)
		}
	}
}

// azDirectory is az's; an activation may leave it the user's.
const azDirectory = "AZURE_CONFIG_DIR"

// Drifted lists the watched variables that no longer hold what the activation
// exported.
func (o Owned) Drifted(get func(string) (string, bool)) []string {
	var names []string
	for _, name := range Watched {
		text, ok := get(name)
		_, ours := o[name]
		if !ours && name == azDirectory {
			continue
		}
		if ok != ours || ok && !o.Has(name, text) {
			names = append(names, name)
		}
	}
	return names
}

// Loopback extends a no-proxy list by the names that the token endpoint goes
// by, and leaves one that has them as it is.
func Loopback(list string) string {
	var missing []string
	for _, host := range []string{"127.0.0.1", "localhost"} {
		found := false
		for _, h := range strings.Split(list, ",") {
			found = found || strings.TrimSpace(h) == host
		}
		if !found {
			missing = append(missing, host)
		}
	}
	if list != "" {
		missing = append([]string{list}, missing...)
	}
	return strings.Join(missing, ",")
}

// PromptSafe makes a name safe for any prompt of any shell: nothing in it acts
// on a terminal, and nothing is expanded.
func PromptSafe(name string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '\\', '`', '$', '%', '!':
			return '?'
		}
		return plain.Rune(r)
	}, name)
}
