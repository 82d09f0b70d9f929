package agent

import (
	"net/http"
	"strconv"
	"time"

	"github.com/az-ctx/az-ctx/pkg/token"
)

const appServicePath = "/msi/token"

// appService is what az from 2.73 on, azure-identity for each language,
// kubelogin, azapi and Connect-AzAccount -Identity speak: IDENTITY_ENDPOINT and
// IDENTITY_HEADER, as App Service documents them (api-version 2019-08-01).
//
// A client id, resource id or object id that comes along is ignored: some tools
// send one of their own, and MSAL keys its cache by it.
func appService() dialect {
	return dialect{
		name: "app service", method: http.MethodGet, path: appServicePath,
		key:    func(h http.Header) string { return header(h, "X-IDENTITY-HEADER") },
		ask:    askQuery,
		answer: microsoftAnswer,
		fault:  microsoftFault,
	}
}

func askQuery(r *http.Request) (ask, error) {
	resource, err := oneOf(r.URL.Query()["resource"])
	return ask{resource: resource}, err
}

// microsoftAnswer serves the first three dialects. Numbers are strings: MSAL for
// Python calls int() on expires_on; Terraform reads expires_in alone, and takes
// a token without it to last for ever.
func microsoftAnswer(a ask, t token.Token, now time.Time) any {
	seconds := func(n int64) string { return strconv.FormatInt(max(0, n), 10) }
	return map[string]string{
		"access_token": t.Value,
		"token_type":   "Bearer",
		"resource":     a.resource,
		"expires_on":   seconds(t.ExpiresOn.Unix()),
		"expires_in":   seconds(int64(t.ExpiresOn.Sub(now) / time.Second)),
		"not_before":   seconds(now.Unix()),
	}
}

// microsoftFault is always 400, for clients try 404, 408, 429 and 5xx again.
func microsoftFault(f fault) (int, any) {
	return http.StatusBadRequest, faultBody(http.StatusBadRequest, f)
}

// faultBody has the message where a tool looks for it: MSAL for Python and
// JavaScript in "message", for .NET in "error". Go's tools print all of it; az up
// to 2.70 prints nothing but the status, whatever is in it.
func faultBody(status int, f fault) any {
	return map[string]any{
		"statusCode": status,
		"message":    f.message,
		"error":      map[string]string{"code": string(f.code), "message": f.message},
	}
}
