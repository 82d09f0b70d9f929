package signin

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/plain"
	"github.com/az-ctx/az-ctx/pkg/token"
)

// MSAL has a managed identity client too, but it reads the variables of its own
// process. Here they are those of the user's own environment, before az-ctx put
// its endpoint in their place, and in the agent there are none at all.

// IdentityNames are the variables that say where a managed identity is asked
// for.
var IdentityNames = []string{
	"IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IDENTITY_SERVER_THUMBPRINT", "IMDS_ENDPOINT", "MSI_ENDPOINT", "MSI_SECRET",
}

// The ways a managed identity is asked for, by State.Source.
const (
	fromIMDS       = "imds"       // a virtual machine
	fromAppService = "appservice" // App Service, Functions, Container Apps, Automation
	fromCloudShell = "cloudshell" //
	fromArc        = "arc"        // a machine of one's own
	fromMSI        = "msi"        // App Service of old, Azure ML
)

const imds = "http://169.254.169.254"

// systemIdentity is az's word for the identity that a machine itself has, so
// that it and ours are one account.
const systemIdentity = "systemAssignedIdentity"

// ManagedIdentity signs in as the identity of the machine, or as that of
// o.ClientID. env has the user's own values of IdentityNames, never those that
// az-ctx set.
func (c Client) ManagedIdentity(ctx context.Context, o Options, env map[string]string) (Result, error) {
	s := c.subject(o, azure.ManagedIdentity)
	s.account.ID = first(o.ClientID, systemIdentity)
	var err error
	if s.state, err = identitySource(env); err != nil {
		return Result{}, err
	}
	if s.tenant.Domain != "" {
		return Result{}, input("a managed identity's tenant has to be said by its id")
	}
	t, tid, err := c.identity(ctx, s)
	switch {
	case err != nil:
		return Result{}, err
	case tid == "":
		return Result{}, &Error{Class: NotEntra, Text: "the managed identity's token does not say its tenant"}
	}
	s.account.TenantID, s.tenant.ID = tid, tid
	return Result{Account: s.account, Tenant: s.tenant, Token: t, State: s.state}, nil
}

// identitySource finds the way, in the order that Azure's SDKs have.
func identitySource(env map[string]string) (State, error) {
	s := State{Kind: Identity}
	endpoint, msi := env["IDENTITY_ENDPOINT"], env["MSI_ENDPOINT"]
	switch {
	case endpoint != "" && env["IDENTITY_HEADER"] != "" && env["IDENTITY_SERVER_THUMBPRINT"] != "":
		return State{}, input("a managed identity of Service Fabric is not supported")
	case endpoint != "" && env["IDENTITY_HEADER"] != "":
		s.Source, s.Endpoint, s.Secret = fromAppService, endpoint, env["IDENTITY_HEADER"]
	case endpoint != "" && env["IMDS_ENDPOINT"] != "":
		s.Source, s.Endpoint = fromArc, endpoint
	case msi != "" && env["MSI_SECRET"] != "":
		s.Source, s.Endpoint, s.Secret = fromMSI, msi, env["MSI_SECRET"]
	case msi != "":
		s.Source, s.Endpoint = fromCloudShell, msi
	default:
		s.Source = fromIMDS
	}
	if s.Endpoint != "" {
		if u, err := url.Parse(s.Endpoint); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return State{}, input("the managed identity's endpoint %s is no URL", s.Endpoint)
		}
	}
	return s, nil
}

// identity gets the managed identity's token, and the id of its tenant.
func (c Client) identity(ctx context.Context, s subject) (token.Token, string, error) {
	w := c.wire(true) // nobody is asked, so it may be repeated
	r, err := s.identityRequest(ctx)
	if err != nil {
		return token.Token{}, "", err
	}
	response, err := w.Do(r)
	if err == nil && s.state.Source == fromArc && response.StatusCode == http.StatusUnauthorized {
		if r, err = arcAnswer(ctx, s, response); err != nil {
			return token.Token{}, "", err
		}
		response, err = w.Do(r)
	}
	if err != nil {
		if s.state.Source == fromIMDS && ctx.Err() == nil {
			return token.Token{}, "", s.noIdentity("this machine has no managed identity, or is none of Azure's")
		}
		return token.Token{}, "", w.explain(ctx, err, s)
	}
	var got struct {
		AccessToken string          `json:"access_token"`
		ExpiresOn   json.RawMessage `json:"expires_on"`
		ExpiresIn   json.RawMessage `json:"expires_in"`
		Message     string          `json:"message"`
		Description string          `json:"error_description"`
	}
	bad := json.NewDecoder(response.Body).Decode(&got)
	switch {
	case response.StatusCode == http.StatusTooManyRequests || response.StatusCode >= 500:
		return token.Token{}, "", w.explain(ctx, fmt.Errorf("status %d", response.StatusCode), s)
	case response.StatusCode != http.StatusOK:
		said := Scrub(first(got.Description, got.Message, fmt.Sprintf("status %d", response.StatusCode)), s.secrets()...)
		return token.Token{}, "", s.noIdentity(fmt.Sprintf("%s can't be signed in (%s)", s.who(), said))
	case bad != nil || got.AccessToken == "":
		return token.Token{}, "", notEntra(w.host, "there is no token in what came back")
	}
	t := token.Token{Value: got.AccessToken, ExpiresOn: time.Now().Add(time.Hour)}
	claims, err := readClaims(got.AccessToken)
	if err == nil && !claims.ExpiresOn.IsZero() {
		t.ExpiresOn = claims.ExpiresOn
	} else if seconds := number(got.ExpiresIn); seconds > 0 {
		t.ExpiresOn = time.Now().Add(time.Duration(seconds) * time.Second)
	} else if seconds := number(got.ExpiresOn); seconds > 0 {
		t.ExpiresOn = time.Unix(seconds, 0)
	}
	if s.tenant.ID != "" && claims.Tenant != "" && !strings.EqualFold(s.tenant.ID, claims.Tenant) {
		return token.Token{}, "", &Error{Class: Audience, Text: plain.Line(fmt.Sprintf("the managed identity is of tenant %s and can't be used in %s", claims.Tenant, s.tenant.Label()))}
	}
	return t, claims.Tenant, nil
}

func number(raw json.RawMessage) int64 {
	var n json.Number
	json.Unmarshal([]byte(strings.Trim(string(raw), `"`)), &n) // 0 where it is none
	i, _ := n.Int64()
	return i
}

func (s subject) noIdentity(text string) error {
	if s.silent {
		return s.needed(Credential, "", text)
	}
	return &Error{Class: Credential, Text: plain.Line(text)}
}

func (s subject) identityRequest(ctx context.Context) (*http.Request, error) {
	q := url.Values{"resource": {s.resource}}
	client, endpoint := "client_id", s.state.Endpoint
	header := http.Header{}
	method, body := http.MethodGet, ""
	switch s.state.Source {
	case fromAppService:
		q.Set("api-version", "2019-08-01")
		header.Set("X-IDENTITY-HEADER", s.state.Secret)
	case fromMSI:
		q.Set("api-version", "2017-09-01")
		header.Set("secret", s.state.Secret)
		client = "clientid"
	case fromArc:
		q.Set("api-version", "2020-06-01")
		header.Set("Metadata", "true")
	case fromCloudShell:
		if s.account.ClientID != "" {
			return nil, input("Cloud Shell has one identity alone, so it takes no client id")
		}
		header.Set("Metadata", "true")
		header.Set("Content-Type", "application/x-www-form-urlencoded")
		method, body = http.MethodPost, q.Encode()
		q = nil
	default:
		endpoint = imds + "/metadata/identity/oauth2/token"
		q.Set("api-version", "2018-02-01")
		header.Set("Metadata", "true")
	}
	if s.account.ClientID != "" {
		q.Set(client, s.account.ClientID)
	}
	r, err := http.NewRequestWithContext(ctx, method, endpoint, strings.NewReader(body))
	if err != nil {
		return nil, input("the managed identity's endpoint %s is no URL", endpoint)
	}
	if q != nil {
		own := r.URL.Query()
		for name := range q {
			own.Set(name, q.Get(name))
		}
		r.URL.RawQuery = own.Encode()
	}
	r.Header = header
	return r, nil
}

// arcKeys is where Azure Arc's agent puts its keys. A test has another place.
var arcKeys = func() string {
	if runtime.GOOS == "windows" {
		return filepath.Join(os.Getenv("ProgramData"), "AzureConnectedMachineAgent", "Tokens")
	}
	return "/var/opt/azcmagent/tokens"
}

// arcAnswer proves to Azure Arc that this process may read what only its
// administrators may: the challenge names a file.
func arcAnswer(ctx context.Context, s subject, challenge *http.Response) (*http.Request, error) {
	_, file, _ := strings.Cut(challenge.Header.Get("WWW-Authenticate"), "Basic realm=")
	file = strings.Trim(file, `"`)
	if filepath.Dir(file) != arcKeys() || filepath.Ext(file) != ".key" {
		return nil, &Error{Class: NotEntra, Text: "Azure Arc's answer names a file that is none of its own"}
	}
	if info, err := os.Lstat(file); err == nil && (info.Mode()&fs.ModeSymlink != 0 || info.Size() > 4096) {
		return nil, &Error{Class: NotEntra, Text: "Azure Arc's key is no key"}
	}
	key, err := readSmall("Azure Arc's key", file)
	if err != nil {
		return nil, err
	}
	r, err := s.identityRequest(ctx)
	if err == nil {
		r.Header.Set("Authorization", "Basic "+string(key))
	}
	return r, err
}
