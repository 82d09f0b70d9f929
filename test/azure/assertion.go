package azure

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Federated is whom an application trusts to vouch for it.
type Federated struct{ Issuer, Subject, Audience string }

// Assertion is a token as such an issuer writes one. It is not signed: the real
// service would fetch the issuer's keys.
func (f Federated) Assertion(lasts time.Duration) string {
	now := time.Now()
	return jwt(map[string]any{
		"iss": f.Issuer, "sub": f.Subject, "aud": f.Audience,
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(lasts).Unix(),
	})
}

const (
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	tolerance     = 5 * time.Minute // of clocks
)

// asserted checks a client assertion, which is signed with one of the
// application's certificates or comes from an issuer that it trusts.
func (e *exchange) asserted(a Account) bool {
	form := e.r.PostForm
	value := form.Get("client_assertion")
	claims, err := Claims(value)
	parts := strings.Split(value, ".")
	if err != nil || len(parts) != 3 || form.Get("client_assertion_type") != assertionType {
		e.refuse(http.StatusUnauthorized, "invalid_client", 50027, "JWT token is invalid or malformed.")
		return false
	}
	number := func(name string) time.Time {
		n, _ := claims[name].(float64)
		return time.Unix(int64(n), 0)
	}
	text := func(name string) string {
		s, _ := claims[name].(string)
		return s
	}
	if e.now().After(number("exp").Add(tolerance)) || e.now().Before(number("nbf").Add(-tolerance)) {
		e.refuse(http.StatusUnauthorized, "invalid_client", 700024,
			"Client assertion is not within its valid time range. Current time: %s, expiry time of assertion %s.",
			e.now().UTC().Format(time.RFC3339), number("exp").UTC().Format(time.RFC3339))
		return false
	}
	if text("iss") != a.ClientID {
		return e.federated(a, text("iss"), text("sub"), text("aud"))
	}
	audience, token := text("aud"), strings.TrimPrefix(e.r.URL.Path, "/")
	if _, rest, _ := strings.Cut(audience, "/"+e.cloud.Login+"/"); text("sub") != a.ClientID ||
		!strings.EqualFold(rest, token) && !strings.EqualFold(rest, e.tenantPath(token)) {
		e.refuse(http.StatusUnauthorized, "invalid_client", 700023, "Client assertion audience claim does not match Realm issuer.")
		return false
	}
	if !slices.ContainsFunc(a.Certificates, func(c *x509.Certificate) bool { return signedBy(parts, c) }) {
		e.refuse(http.StatusUnauthorized, "invalid_client", 700027, "The certificate with identifier used to sign the client assertion is not registered on application.")
		return false
	}
	return true
}

// tenantPath names the tenant in a path by its id.
func (e *exchange) tenantPath(path string) string {
	name, rest, _ := strings.Cut(path, "/")
	if t, ok := e.world.tenant(name); ok {
		name = t.ID
	}
	return name + "/" + rest
}

func (e *exchange) federated(a Account, issuer, subject, audience string) bool {
	trusted := slices.DeleteFunc(slices.Clone(a.Federated), func(f Federated) bool { return f.Issuer != issuer })
	switch {
	case len(trusted) == 0:
		e.refuse(http.StatusUnauthorized, "invalid_client", 700211, "No matching federated identity record found for presented assertion issuer '%s'.", issuer)
	case !slices.ContainsFunc(trusted, func(f Federated) bool { return f.Subject == subject }):
		e.refuse(http.StatusUnauthorized, "invalid_client", 700213, "No matching federated identity record found for presented assertion subject '%s'.", subject)
	case !slices.Contains(trusted, Federated{issuer, subject, audience}):
		e.refuse(http.StatusUnauthorized, "invalid_client", 700212, "No matching federated identity record found for presented assertion audience '%s'.", audience)
	default:
		return true
	}
	return false
}

// signedBy reports whether a JWT names the certificate and is signed with its
// key. Libraries write the thumbprint in either alphabet.
func signedBy(parts []string, c *x509.Certificate) bool {
	raw, err := base64.RawURLEncoding.DecodeString(parts[0])
	var header struct {
		Alg    string `json:"alg"`
		SHA1   string `json:"x5t"`
		SHA256 string `json:"x5t#S256"`
	}
	if err != nil || json.Unmarshal(raw, &header) != nil {
		return false
	}
	one, two := sha1.Sum(c.Raw), sha256.Sum256(c.Raw)
	named := func(s string, sum []byte) bool {
		b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(strings.NewReplacer("+", "-", "/", "_").Replace(s), "="))
		return err == nil && bytes.Equal(b, sum)
	}
	if !named(header.SHA1, one[:]) && !named(header.SHA256, two[:]) {
		return false
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	key, ok := c.PublicKey.(*rsa.PublicKey)
	if err != nil || !ok {
		return false
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	switch header.Alg {
	case "RS256":
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature) == nil
	case "PS256":
		return rsa.VerifyPSS(key, crypto.SHA256, sum[:], signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthAuto}) == nil
	}
	return false
}
