package signin

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/plain"
	"github.com/az-ctx/az-ctx/pkg/token"
)

// Class says what kind of failure an Error is.
type Class string

// The classes.
const (
	Interaction   Class = "interaction"    // a second factor, a consent page, a claims challenge: only the person can go on
	Revoked       Class = "revoked"        // what was kept no longer signs in
	Credential    Class = "credential"     // a wrong or expired secret, certificate or federated token
	UnknownApp    Class = "unknown app"    // no such application in the tenant, or it forbids the flow
	UnknownTenant Class = "unknown tenant" //
	NoAccess      Class = "no access"      // the account is not in the tenant
	Consent       Class = "consent"        // the application lacks it, or the person declined it
	Policy        Class = "policy"         // the tenant forbids this way to sign in, or this device
	Declined      Class = "declined"       // the person said no
	Expired       Class = "expired"        // a device code that nobody entered in time, a bare token
	Audience      Class = "audience"       // a bare token of another resource or tenant
	Network       Class = "network"        // nobody answers
	Proxy         Class = "proxy"          // the way out is closed
	NotEntra      Class = "not Entra"      // somebody else answers: a network's sign-in page, broken JSON
	Clock         Class = "clock"          // this machine's is wrong
	Throttled     Class = "throttled"      // too many requests, for longer than one waits
	Server        Class = "server"         // 5xx, again and again
	Input         Class = "input"          // a file, claims or an id that are none
	Refused       Class = "refused"        // whatever else Entra says
)

// Error is why a sign-in or a token failed: one line, with Entra's code where it
// gave one. No token or secret is in it. In its chain is a *token.SignInNeeded
// where it came from Token and signing in again helps.
type Error struct {
	Class  Class
	Code   string // "AADSTS50076", "" where Entra gave none
	Text   string
	Try    string // the command that helps, "" where none is known
	Claims string // the challenge that Entra wants answered at the next sign-in, base64
	Err    error  // a *token.SignInNeeded, the end of a context, a caller's own; nil elsewhere
}

func (e *Error) Error() string { return e.Text }

// Unwrap gives Err.
func (e *Error) Unwrap() error { return e.Err }

// callerError is the Person's own, to be handed back as it is.
type callerError struct{ error }

func (e callerError) Unwrap() error { return e.error }

func input(format string, args ...any) error {
	return &Error{Class: Input, Text: plain.Line(fmt.Sprintf(format, args...))}
}

// verdict is what a code of Entra's means. Where text is "" Entra's own is said.
// The text of an Interaction is what the tenant wants.
type verdict struct {
	class Class
	text  string
}

// verdicts by number, from Entra's list of AADSTS codes; what is not in it goes
// by the OAuth error's name, see judge.
var verdicts = sync.OnceValue(func() map[int]verdict {
	return map[int]verdict{
		7000215: {Credential, "the client secret is wrong"},
		7000222: {Credential, "the client secret has expired"},
		700027:  {Credential, "the certificate is not one of the application's"},
		7000214: {Credential, "the certificate is not one of the application's"},
		700211:  {Credential, "the application trusts no federated token of this issuer"},
		700212:  {Credential, "the application trusts no federated token for this audience"},
		700213:  {Credential, "the application trusts no federated token of this subject"},
		7002138: {Credential, ""},
		700024:  {Credential, "the assertion is not valid at this time"},
		700021:  {Credential, ""},
		50027:   {Credential, ""},
		50013:   {Credential, ""},
		700016:  {UnknownApp, "there is no such application"},
		7000229: {UnknownApp, "the application is not in this tenant"},
		7000218: {UnknownApp, "the application allows no public client flows"},
		50011:   {UnknownApp, "the application has no http://localhost redirect"},
		700054:  {UnknownApp, ""},
		90002:   {UnknownTenant, "there is no such tenant"},
		900023:  {UnknownTenant, "there is no such tenant"},
		900971:  {UnknownTenant, ""},
		50020:   {NoAccess, "the account is not in this tenant"},
		50034:   {NoAccess, "the account does not exist there"},
		50057:   {NoAccess, "the account is disabled"},
		50105:   {NoAccess, ""},
		90072:   {NoAccess, "the account is not in this tenant"},
		65001:   {Consent, ""},
		65004:   {Consent, "the consent was declined"},
		90094:   {Consent, "an administrator has to consent"},
		50058:   {Interaction, ""},
		50072:   {Interaction, "a second factor to be set up"},
		50074:   {Interaction, "a second factor"},
		50076:   {Interaction, "a second factor"},
		50078:   {Interaction, "the second factor anew"},
		50079:   {Interaction, "a second factor to be set up"},
		50125:   {Interaction, ""},
		50144:   {Interaction, "a new password"},
		50055:   {Interaction, "a new password"},
		50158:   {Interaction, ""},
		50203:   {Interaction, ""},
		50097:   {Policy, "the tenant wants a device that it knows"},
		50199:   {Policy, "the tenant wants a confirmation that this way to sign in does not have"},
		53000:   {Policy, "the tenant wants a compliant device"},
		53001:   {Policy, "the tenant wants a device that is joined to it"},
		53002:   {Policy, "the tenant allows no such application"},
		53003:   {Policy, "the tenant's conditional access forbids this way to sign in"},
		530002:  {Policy, "the tenant wants a compliant device"},
		530003:  {Policy, "the tenant wants a managed device"},
		530032:  {Policy, "the tenant's security policy forbids it"},
		530033:  {Policy, ""},
		530034:  {Policy, ""},
		530035:  {Policy, "the tenant's security defaults forbid it"},
		530036:  {Policy, ""},
		70017:   {Declined, "the sign-in was declined"},
		70018:   {Declined, ""},
		70019:   {Expired, "the code was not entered in time"},
		70020:   {Expired, "the code was not entered in time"},
		70008:   {Revoked, "it has expired"},
		70043:   {Revoked, "the tenant wants a new sign-in each so often"},
		70044:   {Revoked, "the tenant wants a new sign-in each so often"},
		50089:   {Revoked, "it has expired"},
		50132:   {Revoked, "the password was changed or the sessions were revoked"},
		50133:   {Revoked, "the password was changed or the sessions were revoked"},
		50173:   {Revoked, "the password was changed or the sessions were revoked"},
		700082:  {Revoked, "it was not used for too long"},
		700084:  {Revoked, "it has expired"},
		9002313: {Revoked, "what was kept is malformed"},
		500133:  {Credential, "the assertion is not valid at this time"},
	}
})

// judge finds what Entra's answer means.
func (a answer) judge() verdict {
	for _, n := range a.Codes {
		if v, ok := verdicts()[n]; ok {
			return v
		}
		if n >= 53000 && n <= 53999 || n >= 530000 && n <= 539999 { // all of conditional access
			return verdict{class: Policy}
		}
	}
	switch {
	case a.Status == 429:
		return verdict{class: Throttled}
	case a.Status >= 500:
		return verdict{class: Server}
	}
	switch a.Error {
	case "interaction_required", "login_required":
		return verdict{class: Interaction}
	case "consent_required":
		return verdict{class: Consent}
	case "invalid_grant":
		return verdict{class: Revoked}
	case "invalid_client":
		return verdict{class: Credential}
	case "unauthorized_client":
		return verdict{class: UnknownApp}
	case "access_denied", "authorization_declined":
		return verdict{class: Declined}
	case "expired_token":
		return verdict{class: Expired}
	case "temporarily_unavailable", "server_error":
		return verdict{class: Server}
	}
	return verdict{class: Refused}
}

var codes = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`AADSTS(\d+)`) })

// refused is what Entra's answer a comes to for s.
func (s subject) refused(a answer, skew string) *Error {
	v := a.judge()
	code := codes().FindString(a.Description)
	if code == "" && len(a.Codes) > 0 {
		code = fmt.Sprintf("AADSTS%d", a.Codes[0])
	}
	said := v.text
	if said == "" {
		said, _, _ = strings.Cut(a.Description, "Trace ID:")
		said = strings.TrimSpace(strings.TrimPrefix(said, code+":"))
		said = strings.TrimSuffix(Scrub(said, s.secrets()...), ".")
	}
	if said == "" {
		said = Scrub(a.Error, s.secrets()...)
	}
	detail := said
	if code != "" {
		detail = code + ": " + said
	}
	e := &Error{Class: v.class, Code: code}
	if a.Claims != "" {
		e.Claims = base64.StdEncoding.EncodeToString([]byte(a.Claims))
	}
	where := s.where("the tenant")
	switch {
	case v.class == Interaction && v.text != "":
		e.Text = fmt.Sprintf("%s wants %s of %s (%s)", where, v.text, s.who(), code)
	case v.class == Interaction:
		e.Text = fmt.Sprintf("%s wants a new sign-in of %s (%s)", where, s.who(), detail)
	case v.class == Credential && skew != "" && (code == "AADSTS700024" || code == "AADSTS500133"):
		e.Class, e.Text = Clock, fmt.Sprintf("%s: set it right and try again (%s)", skew, detail)
	case v.class == Credential, v.class == NoAccess:
		e.Text = fmt.Sprintf("%s can't sign in to %s (%s)", s.who(), where, detail)
	case v.class == UnknownApp:
		e.Text = fmt.Sprintf("application %s can't be used in %s (%s)", s.account.ClientID, where, detail)
	case v.class == UnknownTenant:
		e.Text = fmt.Sprintf("%s is no tenant of %s (%s)", s.where("this"), s.cloud.Name, detail)
	case v.class == Throttled:
		e.Text = fmt.Sprintf("the sign-in service gets too many requests, try again in a while (%s)", first(detail, "429"))
	case v.class == Server:
		e.Text = fmt.Sprintf("the sign-in service has a failure of its own, try again in a while (%s)", first(detail, fmt.Sprint(a.Status)))
	case v.class == Declined, v.class == Expired:
		e.Text = fmt.Sprintf("nobody signed in (%s)", detail)
	case !s.silent:
		e.Text = fmt.Sprintf("signing in to %s failed (%s)", s.where(s.cloud.Name), detail)
	case v.class == Revoked:
		e.Text = fmt.Sprintf("%s's sign-in in %s no longer works (%s)", s.who(), where, detail)
	default:
		e.Text = fmt.Sprintf("%s gets no token for %s in %s (%s)", s.who(), s.resource, where, detail)
	}
	e.Text = plain.Line(e.Text)
	switch {
	case e.Class == Clock:
	case v.class == Policy:
		// The broker behind az's own sign-in may satisfy what no flow of ours can.
		if s.account.Type == azure.User {
			e.Try = "az login; az-ctx import --from az"
		}
	case v.class == Credential, s.silent && (v.class == Interaction || v.class == Revoked || v.class == Consent || v.class == NoAccess || v.class == UnknownApp):
		e.Try = s.connect(e.Claims)
	case v.class == Interaction && e.Claims != "": // whoever signs in has said no challenge yet
		e.Try = s.connect("") + " --claims-challenge " + plain.Word(e.Claims)
	}
	if s.silent && (e.Try != "" || v.class == Policy) && e.Class != Clock {
		e.Err = &token.SignInNeeded{Reason: e.Text, Try: e.Try}
	}
	return e
}

// needed is the error of an account that nothing but a new sign-in helps.
func (s subject) needed(class Class, code, text string) *Error {
	e := &Error{Class: class, Code: code, Text: plain.Line(text), Try: s.connect("")}
	e.Err = &token.SignInNeeded{Reason: e.Text, Try: e.Try}
	return e
}

// secrets are what must not be in any text, whoever wrote it.
func (s subject) secrets() []string {
	if s.state.Kind == Refresh {
		return nil // long enough for Scrub to see
	}
	return []string{s.state.Secret}
}

func (s subject) who() string {
	switch {
	case s.account.ID != "":
		return s.account.ID
	case s.account.Type == azure.User:
		return "the account"
	case s.account.Type == azure.ManagedIdentity:
		return "the managed identity"
	}
	return "application " + s.account.ClientID
}

func (s subject) where(otherwise string) string { return first(s.tenant.Label(), otherwise) }

func first(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}

// connect is the command that signs the account in again.
func (s subject) connect(claims string) string {
	words := []string{"az-ctx", "connect"}
	add := func(flag, value string) {
		if value != "" {
			words = append(words, flag, plain.Word(value))
		}
	}
	if !strings.EqualFold(s.cloud.Name, azure.Public.Name) {
		add("--environment", s.cloud.Name)
	}
	tenant := func() { add("--tenant", s.tenant.Label()) }
	switch s.account.Type {
	case azure.ServicePrincipal:
		words = append(words, "--service-principal")
		add("--client-id", s.account.ClientID)
		tenant()
		switch {
		case s.state.Kind == Certificate:
			add("--certificate", s.state.File)
			if s.state.Secret != "" {
				words = append(words, "--certificate-password-stdin")
			}
		case s.state.Kind == Federated && s.state.File != "":
			add("--federated-token-file", s.state.File)
		case s.state.Kind == Federated:
			words = append(words, "--federated-token-stdin")
		default:
			words = append(words, "--client-secret-stdin")
		}
	case azure.ManagedIdentity:
		words = append(words, "--identity")
		add("--client-id", s.account.ClientID)
	case azure.AccessToken:
		words = append(words, "--access-token-stdin")
		add("--account-id", s.account.ID)
	default:
		tenant()
		if !strings.EqualFold(s.account.ClientID, DefaultClientID) {
			add("--client-id", s.account.ClientID)
		}
		// Signing in for the resource manager meets its own policies unasked; what
		// another resource wants has to be said.
		if s.resource != s.cloud.Audience {
			add("--scope-url", s.resource)
			add("--claims-challenge", claims)
		}
	}
	return plain.Line(strings.Join(words, " "))
}

// decodeClaims reads a claims challenge, as a header has it or as it is.
func decodeClaims(s string) (string, error) {
	if s == "" || strings.HasPrefix(strings.TrimSpace(s), "{") {
		return s, nil
	}
	plain := strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimSpace(s)), "=")
	b, err := base64.RawStdEncoding.DecodeString(plain)
	if err != nil || !strings.HasPrefix(strings.TrimSpace(string(b)), "{") {
		return "", input("this is no claims challenge: it has to be JSON, or base64 of that")
	}
	return string(b), nil
}

// cancelled hands on the context's end, if it has come.
func cancelled(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	cause := context.Cause(ctx)
	if errors.Is(cause, context.DeadlineExceeded) {
		return &Error{Class: Network, Text: "the sign-in service did not answer in time", Err: cause}
	}
	return fmt.Errorf("signing in: %w", cause)
}

// Needed is an Error that signing in again helps, for a caller that got there
// by its own request.
func Needed(class Class, code, text, try, claims string) *Error {
	e := &Error{Class: class, Code: code, Text: plain.Line(text), Try: plain.Line(try), Claims: claims}
	e.Err = &token.SignInNeeded{Reason: e.Text, Try: e.Try}
	return e
}
