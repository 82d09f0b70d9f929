package signin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/plain"
	"github.com/az-ctx/az-ctx/pkg/token"
)

// Secret signs a service principal in with its client secret.
func (c Client) Secret(ctx context.Context, o Options, secret string) (Result, error) {
	return c.signInApp(ctx, o, State{Kind: Secret, Secret: secret})
}

// Certificate signs a service principal in with the certificate and RSA key in
// a file, PEM or PFX; the password is the PFX's, "" where it has none. The
// state holds the file's absolute path, not the key.
func (c Client) Certificate(ctx context.Context, o Options, file, password string) (Result, error) {
	file, err := filepath.Abs(file)
	if err != nil {
		return Result{}, input("certificate: %v", err)
	}
	cert, err := readCertificate(file, password)
	if err != nil {
		return Result{}, err
	}
	return c.signInApp(ctx, o, State{Kind: Certificate, File: file, Thumbprint: cert.thumbprint(), Secret: password})
}

// FederatedFile signs a service principal in with the token in a file that
// another identity provider keeps fresh.
func (c Client) FederatedFile(ctx context.Context, o Options, file string) (Result, error) {
	file, err := filepath.Abs(file)
	if err != nil {
		return Result{}, input("federated token: %v", err)
	}
	return c.signInApp(ctx, o, State{Kind: Federated, File: file})
}

// FederatedToken signs a service principal in with another identity provider's
// token itself. It lasts minutes, so its State is ProcessOnly.
func (c Client) FederatedToken(ctx context.Context, o Options, assertion string) (Result, error) {
	return c.signInApp(ctx, o, State{Kind: Federated, Secret: strings.TrimSpace(assertion)})
}

func (c Client) signInApp(ctx context.Context, o Options, state State) (Result, error) {
	claims, err := decodeClaims(o.Claims)
	if err != nil {
		return Result{}, err
	}
	s := c.subject(o, azure.ServicePrincipal)
	s.state = state
	switch {
	case o.ClientID == "":
		return Result{}, input("a service principal needs its client id")
	case o.Tenant == "":
		return Result{}, input("a service principal needs its tenant")
	}
	t, tid, err := c.app(ctx, s, claims)
	if err != nil {
		return Result{}, err
	}
	s.account.TenantID, s.tenant.ID = tid, tid
	return Result{Account: s.account, Tenant: s.tenant, Token: t, State: state}, nil
}

// app gets a service principal's token, and the id of its tenant.
func (c Client) app(ctx context.Context, s subject, claims string) (token.Token, string, error) {
	cred, err := s.credential()
	if err != nil {
		return token.Token{}, "", err
	}
	w := c.wire(s.silent)
	app, err := confidential.New(c.authority(s.authorityTenant()), s.account.ClientID, cred,
		confidential.WithInstanceDiscovery(false),
		confidential.WithHTTPClient(w),
		confidential.WithAzureRegion("DisableMsalForceRegion"), // else $MSAL_FORCE_REGION counts
	)
	if err != nil {
		return token.Token{}, "", w.explain(ctx, err, s)
	}
	var options []confidential.AcquireByCredentialOption
	if claims != "" {
		options = append(options, confidential.WithClaims(claims))
	}
	got, err := app.AcquireTokenByCredential(ctx, []string{defaultScope(s.resource)}, options...)
	if err != nil {
		return token.Token{}, "", w.explain(ctx, err, s)
	}
	t := token.Token{Value: got.AccessToken, ExpiresOn: got.ExpiresOn}
	tid := s.tenant.ID
	if read, err := readClaims(t.Value); err == nil && read.Tenant != "" { // resources may encrypt theirs
		tid = read.Tenant
	}
	if tid == "" {
		return token.Token{}, "", fmt.Errorf("the token does not say which tenant %s is", plain.Line(s.tenant.Domain))
	}
	return t, tid, nil
}

// credential is what the service principal proves itself with, read anew.
func (s subject) credential() (confidential.Credential, error) {
	failed := func(err error) (confidential.Credential, error) {
		var e *Error
		if errors.As(err, &e) && s.silent {
			return confidential.Credential{}, s.needed(e.Class, "", e.Text)
		}
		return confidential.Credential{}, err
	}
	switch s.state.Kind {
	case Secret:
		cred, err := confidential.NewCredFromSecret(s.state.Secret)
		if err != nil {
			return failed(input("the client secret is empty"))
		}
		return cred, nil
	case Certificate:
		cert, err := readCertificate(s.state.File, s.state.Secret)
		if err != nil {
			return failed(err)
		}
		cred, err := confidential.NewCredFromCert(cert.chain, cert.key)
		if err != nil {
			return failed(input("certificate %s: %v", s.state.File, err))
		}
		return cred, nil
	}
	assertion := s.state.Secret
	if s.state.File != "" {
		raw, err := readSmall("federated token", s.state.File)
		if err != nil {
			return failed(err)
		}
		assertion = strings.TrimSpace(string(raw))
	}
	if strings.Count(assertion, ".") != 2 || strings.ContainsAny(assertion, " \r\n") {
		return failed(input("%s is no federated token: it has to be a JWT", first(s.state.File, "what was given")))
	}
	return confidential.NewCredFromAssertionCallback(func(context.Context, confidential.AssertionRequestOptions) (string, error) {
		return assertion, nil
	}), nil
}

// readSmall reads a file that holds a credential.
func readSmall(what, file string) ([]byte, error) {
	info, err := os.Stat(file)
	if err == nil && (!info.Mode().IsRegular() && info.Mode()&fs.ModeNamedPipe == 0 || info.Size() > 1<<20) {
		return nil, input("%s %s is no such file", what, file)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		var path *fs.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		return nil, input("%s %s: %v", what, file, err)
	}
	return raw, nil
}
