package cli

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/export"
	"github.com/az-ctx/az-ctx/pkg/session"
	"github.com/az-ctx/az-ctx/pkg/token"
)

// objectsMode is the wrapper's MODE for the PowerShell module (shell/AzCtx.*):
// all that is said is one JSON object a line, whose only key is its kind. The
// number is that of this form, so that a module of another version is told.
const objectsMode = "json1"

// marked is a text in such an object. It begins with `=`, so that no reader makes
// a date of a name.
type marked string

func (m marked) MarshalJSON() ([]byte, error) { return json.Marshal("=" + string(m)) }

// maybe is null where the text is not known.
func maybe(s *string) *marked {
	if s == nil {
		return nil
	}
	m := marked(*s)
	return &m
}

// objects reports whether the PowerShell module reads what is said.
func (a *app) objects() bool { return a.wrapper != nil && a.wrapper.objects }

// emit says one object, at once: somebody may be waiting to read a code. It is
// ASCII, whatever the console's encoding.
func (a *app) emit(kind string, v any) error {
	raw, err := json.Marshal(map[string]any{kind: v})
	if err != nil {
		return err
	}
	var b strings.Builder
	for _, r := range string(raw) {
		switch {
		case r < 0x7f:
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	_, err = fmt.Fprintln(os.Stdout, b.String())
	return err
}

// The objects that the module gives, by Az.Accounts' names.

type objectContext struct {
	Name         marked
	Account      objectAccount
	Tenant       objectTenant
	Subscription objectSubscription
	Environment  objectEnvironment
	Scope        marked
	From         *marked
	Active       bool
	Default      bool
	Protected    bool
	SignIn       marked
}

type objectAccount struct {
	ID       marked `json:"Id"`
	Type     marked
	Borrowed bool
}

type objectTenant struct {
	ID            marked `json:"Id"`
	Name          *marked
	DefaultDomain *marked
}

// objectSubscription has no id in a context of a tenant alone: its properties
// are there all the same.
type objectSubscription struct {
	ID           *marked `json:"Id"`
	Name         *marked
	State        *marked
	TenantID     *marked `json:"TenantId"`
	HomeTenantID *marked `json:"HomeTenantId"`
}

type objectEnvironment struct {
	Name                     marked
	ResourceManagerURL       *marked `json:"ResourceManagerUrl"`
	ActiveDirectoryAuthority *marked
}

type objectToken struct {
	Token     marked
	ExpiresOn marked
	TenantID  marked `json:"TenantId"`
	UserID    marked `json:"UserId"`
	Type      marked
}

type objectAutosave struct {
	Mode             marked
	CurrentUser      bool
	Process          *bool
	ContextDirectory marked
	SettingsFile     marked
	CacheDirectory   marked
	SessionDirectory *marked
}

var (
	objectTypes  = map[azure.AccountType]marked{azure.User: "User", azure.ServicePrincipal: "ServicePrincipal", azure.ManagedIdentity: "ManagedService", azure.AccessToken: "AccessToken"}
	objectScopes = map[session.Scope]marked{session.User: "CurrentUser", session.Process: "Process"}
)

func (d document) object() objectContext {
	o := objectContext{
		Name: marked(d.Name), Account: objectAccount{marked(d.Account.ID), objectTypes[d.Account.Type], d.Account.Borrowed}, Tenant: d.Tenant.object(),
		Environment: objectEnvironment{marked(d.Environment.Name), maybe(d.Environment.ResourceManager), maybe(d.Environment.Authority)},
		Scope:       objectScopes[d.Scope], From: maybe(d.From), Active: d.Active, Default: d.Default, Protected: d.Protected, SignIn: marked(d.SignIn),
	}
	if d.Subscription != nil {
		o.Subscription = d.Subscription.object()
	}
	return o
}

func (d documentTenant) object() objectTenant {
	return objectTenant{marked(d.ID), maybe(d.Name), maybe(d.Domain)}
}

func (d documentSub) object() objectSubscription {
	return objectSubscription{maybe(&d.ID), maybe(&d.Name), maybe(d.State), maybe(&d.TenantID), maybe(d.HomeTenantID)}
}

func (s autosaveStatus) object() objectAutosave {
	o := objectAutosave{
		Mode: "Process", CurrentUser: s.User == "enabled", ContextDirectory: marked(s.ContextsDir), SettingsFile: marked(s.Settings), CacheDirectory: marked(s.Cache), SessionDirectory: maybe(s.Session),
	}
	if s.Mode == "enabled" {
		o.Mode = "CurrentUser"
	}
	if s.Process != nil {
		on := *s.Process == "enabled"
		o.Process = &on
	}
	return o
}

func tokenObject(t token.Token, c azure.Context) objectToken {
	return objectToken{marked(t.Value), marked(t.ExpiresOn.UTC().Format(time.RFC3339)), marked(c.Tenant.ID), marked(c.Account.ID), "Bearer"}
}

// emitAll says a list, one object after the other.
func emitAll[D interface{ object() O }, O any](a *app, kind string, all []D) error {
	for _, d := range all {
		if err := a.emit(kind, d.object()); err != nil {
			return err
		}
	}
	return nil
}

// objectChange is one variable's change: its new value, or the variable whose
// value it takes; neither where it goes.
type objectChange struct {
	Name  marked
	Value *marked
	From  *marked
}

// objectProgress is what is waited for, and how far that is.
type objectProgress struct {
	Text    marked
	Percent int
}

// objectAzPS is what Connect-AzAccount -Identity is to be told.
type objectAzPS struct {
	Account      marked
	Tenant       marked
	Subscription *marked
}

// emitScript hands the module what it is to change in its process.
func (a *app) emitScript(s export.Script) error {
	changes := make([]objectChange, len(s.Changes))
	for i, c := range s.Changes {
		changes[i] = objectChange{Name: marked(c.Name), From: maybe(known(c.From))}
		if !c.Unset && c.From == "" {
			changes[i].Value = maybe(&c.Value)
		}
	}
	internal := map[string]marked{}
	for name, text := range s.Internal {
		internal[name] = marked(text)
	}
	if s.Say != "" {
		kind := "verbose"
		if a.made != nil && a.made.Context == nil {
			kind = "warning" // signed out
		}
		if err := a.emit(kind, marked(s.Say)); err != nil {
			return err
		}
	}
	if err := a.emit("env", changes); err != nil {
		return err
	}
	if err := a.emit("local", internal); err != nil || a.azAccounts == nil {
		return err
	}
	c := a.azAccounts.Context
	follow := objectAzPS{Account: accountFor(a.azAccounts.Ref), Tenant: marked(c.Tenant.ID)}
	if c.Subscription != nil {
		follow.Subscription = maybe(&c.Subscription.ID)
	}
	return a.emit("azps", follow)
}

// accountFor is an id that Az.Accounts, which keeps tokens by account, takes for
// one of its own for each activation: the endpoint goes by its key alone.
func accountFor(ref session.Ref) marked {
	sum := sha256.Sum256([]byte(ref.String()))
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80 // RFC 9562, version 8
	return marked(fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16]))
}

// objectError is what went wrong.
type objectError struct {
	ID      marked
	Message marked
	Try     *marked
}

var errorIDs = map[int]marked{exitFailed: "Failed", exitInterrupted: "Failed", exitUsage: "Usage", exitNotFound: "NotFound", exitSignIn: "SignInNeeded", exitKeychain: "Keychain"}

func (a *app) emitError(err error, status int, message, try string) {
	id := errorIDs[status]
	if errors.Is(err, errThread) {
		id = "SharedProcess"
	}
	a.emit("error", objectError{id, marked(parametersIn(message)), maybe(known(cmdletFor(try)))})
}

// What a hint's command and flags are called in the module.
var (
	cmdlets = map[string]string{
		"connect": "Connect-AzCtxAccount", "select": "Select-AzCtx", "set": "Set-AzCtx", "remove": "Remove-AzCtx", "autosave enable": "Enable-AzCtxAutosave",
	}
	cmdletFlags = map[string]string{
		"--account-id": "-AccountId", "--certificate": "-CertificatePath", "--certificate-password-stdin": "-CertificatePassword", "--claims-challenge": "-ClaimsChallenge",
		"--client-id": "-ApplicationId", "--context": "-DefaultProfile", "--device-code": "-UseDeviceAuthentication", "--environment": "-Environment",
		"--federated-token-stdin": "-FederatedToken", "--force": "-Force", "--identity": "-Identity", "--scope-url": "-AuthScope", "--service-principal": "-ServicePrincipal",
		"--subscription": "-Subscription", "--tenant": "-Tenant",
	}
)

// parametersIn says a text in the module's words: its parameters for our flags.
// Commands of ours keep their own.
func parametersIn(text string) string {
	if strings.Contains(text, "az-ctx ") {
		return text
	}
	// Compiled here, for no start is to pay for it. In what is quoted a flag is none.
	flags := regexp.MustCompile(`"[^"]*"|'[^']*'|--[a-z][a-z-]*`)
	return flags.ReplaceAllStringFunc(text, func(word string) string {
		if parameter := cmdletFlags[word]; parameter != "" {
			return parameter
		}
		return word
	})
}

// cmdletFor says a hint in the module's words; a command that it has no words for
// stays, for the function az-ctx is there too.
func cmdletFor(try string) string {
	if strings.HasPrefix(try, "the same with ") {
		return parametersIn(try)
	}
	words := regexp.MustCompile(`"[^"]*"|'[^']*'|[^ ]+`).FindAllString(try, -1) // as plain.Word quotes them
	if len(words) < 2 || words[0] != "az-ctx" {
		return try
	}
	verb, rest := words[1], words[2:]
	if verb == "autosave" && len(rest) > 0 {
		verb, rest = verb+" "+rest[0], rest[1:]
	}
	if cmdlets[verb] == "" {
		return try
	}
	said := []string{cmdlets[verb]}
	for _, word := range rest {
		if strings.HasPrefix(word, "--") {
			parameter := cmdletFlags[word]
			if parameter == "" || strings.HasSuffix(word, "-stdin") { // that would be a value here
				return try
			}
			word = parameter
		}
		said = append(said, word)
	}
	return strings.Join(said, " ")
}
