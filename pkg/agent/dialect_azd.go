package agent

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/az-ctx/az-ctx/pkg/token"
)

const azdPath = "/azd"

// azd is what the Azure Developer CLI speaks (docs/external-authentication.md of
// Azure/azure-dev): AZD_AUTH_ENDPOINT and AZD_AUTH_KEY. Its tenant is served or
// an error, never ignored: see inTenant.
func azd() dialect {
	return dialect{
		name: "azd", method: http.MethodPost, path: azdPath + "/token",
		key: func(h http.Header) string {
			key, ok := strings.CutPrefix(header(h, "Authorization"), "Bearer ")
			if !ok {
				return ""
			}
			return key
		},
		ask: func(r *http.Request) (ask, error) {
			var body struct {
				Scopes []string `json:"scopes"`
				Tenant string   `json:"tenantId"`
			}
			if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
				return ask{}, errors.New("the request is not the JSON that azd sends")
			}
			if len(body.Scopes) == 0 || body.Scopes[0] == "" {
				return ask{}, errors.New("no scope was asked for")
			}
			resource, ok := strings.CutSuffix(body.Scopes[0], "/.default")
			if !ok {
				return ask{}, errors.New("only a resource's scope is served, one that ends in /.default")
			}
			return ask{resource: resource, tenant: body.Tenant}, nil
		},
		answer: func(_ ask, t token.Token, _ time.Time) any {
			return map[string]string{"status": "success", "token": t.Value, "expiresOn": t.ExpiresOn.UTC().Format(time.RFC3339)}
		},
		// azd shows the message of a 200 alone (its pkg/auth/remote_credential.go).
		fault: func(f fault) (int, any) {
			code := "GetTokenError"
			if f.code == faultSignIn || f.code == faultKey {
				code = "NotSignedInError"
			}
			return http.StatusOK, map[string]string{"status": "error", "code": code, "message": f.message}
		},
	}
}
