package azure

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// entra answers as the sign-in service does.
func (e *exchange) entra() {
	path := strings.Trim(e.r.URL.Path, "/")
	if strings.EqualFold(path, "common/discovery/instance") {
		e.instanceDiscovery()
		return
	}
	name, rest, _ := strings.Cut(path, "/")
	e.log.Tenant = name
	tenant, ok := e.pathTenant(name)
	if !ok {
		e.refuse(http.StatusBadRequest, "invalid_tenant", 90002,
			"Tenant '%s' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.", name)
		return
	}
	switch rest = strings.ToLower(rest); {
	case strings.HasSuffix(rest, ".well-known/openid-configuration"):
		e.openIDConfiguration(name, tenant)
	case strings.HasSuffix(rest, "/keys"):
		e.reply(http.StatusOK, map[string]any{"keys": []any{}}) // nothing is signed, see Token
	case rest == "oauth2/v2.0/devicecode":
		e.deviceCode(tenant)
	case rest == "oauth2/v2.0/token":
		e.token(tenant)
	case rest == "oauth2/v2.0/authorize":
		e.authorize(tenant)
	default:
		e.refuse(http.StatusNotFound, "invalid_request", 90014, "no such page here: %s", e.r.URL.Path)
	}
}

// pathTenant reads the first part of a path; the zero Tenant stands for
// whichever the account is at home in.
func (e *exchange) pathTenant(name string) (Tenant, bool) {
	switch strings.ToLower(name) {
	case "common", "organizations":
		return Tenant{}, true
	}
	t, ok := e.world.tenant(name)
	return t, ok && t.Cloud == e.cloud.Name
}

func (e *exchange) instanceDiscovery() {
	asked := e.r.Form.Get("authorization_endpoint")
	_, rest, _ := strings.Cut(asked, "://")
	host, path, _ := strings.Cut(rest, "/")
	tenant, _, _ := strings.Cut(path, "/")
	var metadata []map[string]any
	known := false
	for _, c := range e.world.Clouds {
		if !strings.Contains(c.Login, "login.microsoftonline.") && !strings.Contains(c.Login, "chinacloudapi") {
			continue // Entra does not know the clouds of others
		}
		known = known || strings.EqualFold(c.Login, host)
		metadata = append(metadata, map[string]any{
			"preferred_network": c.Login, "preferred_cache": preferredCache(c), "aliases": aliases(c),
		})
	}
	if !known {
		e.refuse(http.StatusBadRequest, "invalid_instance", 50049, "Unknown or invalid instance.")
		return
	}
	e.reply(http.StatusOK, map[string]any{
		"tenant_discovery_endpoint": "https://" + host + "/" + tenant + "/v2.0/.well-known/openid-configuration",
		"api-version":               "1.1",
		"metadata":                  metadata,
	})
}

func preferredCache(c Cloud) string {
	if c.Name == "AzureCloud" {
		return "login.windows.net"
	}
	return c.Login
}

func aliases(c Cloud) []string {
	if c.Name == "AzureCloud" {
		return []string{c.Login, "login.windows.net", "login.microsoft.com", "sts.windows.net"}
	}
	return []string{c.Login}
}

func (e *exchange) openIDConfiguration(name string, t Tenant) {
	base, issuer := "https://"+e.cloud.Login+"/"+name, "{tenantid}"
	if t.ID != "" {
		base, issuer = "https://"+e.cloud.Login+"/"+t.ID, t.ID
	}
	e.reply(http.StatusOK, map[string]any{
		"issuer":                                "https://" + e.cloud.Login + "/" + issuer + "/v2.0",
		"authorization_endpoint":                base + "/oauth2/v2.0/authorize",
		"token_endpoint":                        base + "/oauth2/v2.0/token",
		"device_authorization_endpoint":         base + "/oauth2/v2.0/devicecode",
		"jwks_uri":                              base + "/discovery/v2.0/keys",
		"end_session_endpoint":                  base + "/oauth2/v2.0/logout",
		"response_modes_supported":              []string{"query", "fragment", "form_post"},
		"response_types_supported":              []string{"code", "id_token", "code id_token"},
		"scopes_supported":                      []string{"openid", "profile", "email", "offline_access"},
		"subject_types_supported":               []string{"pairwise"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"tenant_region_scope":                   "EU",
		"cloud_instance_name":                   "microsoftonline.com",
	})
}

// token is the token endpoint.
func (e *exchange) token(t Tenant) {
	form := e.r.PostForm
	e.log.Grant, e.log.Client = form.Get("grant_type"), form.Get("client_id")
	g := grant{
		cloud: e.cloud, tenant: t, client: form.Get("client_id"),
		scopes: form.Get("scope"), wantInfo: form.Get("client_info") != "",
	}
	var ok bool
	if g.resource, ok = e.scopeResource(g.scopes); !ok {
		return
	}
	switch form.Get("grant_type") {
	case "urn:ietf:params:oauth:grant-type:device_code", "device_code":
		if e.redeemDeviceCode(form.Get("device_code"), &g) {
			e.signedIn(g)
		}
	case "authorization_code":
		if e.redeemCode(&g) {
			e.signedIn(g)
		}
	case "refresh_token":
		if e.redeemRefreshToken(form.Get("refresh_token"), &g) {
			e.userTokens(g)
		}
	case "client_credentials":
		e.clientCredentials(g, form.Get("client_secret"))
	default:
		e.refuse(http.StatusBadRequest, "unsupported_grant_type", 70003,
			"The app requested an unsupported grant type '%s'.", form.Get("grant_type"))
	}
}

// scopeResource finds which resource the scopes ask for, and refuses one that
// does not exist.
func (e *exchange) scopeResource(scopes string) (string, bool) {
	resource, ok := e.knownResource(scopes)
	e.log.Resource = resource
	if ok {
		return resource, true
	}
	e.refuse(http.StatusBadRequest, "invalid_resource", 500011,
		"The resource principal named %s was not found in the tenant named %s.", resource, e.log.Tenant)
	return "", false
}

func (e *exchange) knownResource(scopes string) (string, bool) {
	graph := "https://" + e.cloud.Graph
	resource := resourceOf(scopes)
	if resource == "" {
		resource = graph // a bare scope is one of Graph's
	}
	return resource, slices.ContainsFunc(slices.Concat([]string{graph}, e.cloud.Audiences, e.cloud.Resources), func(known string) bool {
		return strings.EqualFold(strings.TrimSuffix(known, "/"), strings.TrimSuffix(resource, "/"))
	})
}

// resourceOf is what stands before a scope's last slash, to the letter.
func resourceOf(scopes string) string {
	for scope := range strings.FieldsSeq(scopes) {
		if i := strings.LastIndex(scope, "/"); i >= 0 {
			return scope[:i]
		}
	}
	return ""
}

// redeemRefreshToken leaves the token good: each use gives a new one, and the
// older ones go on to their end.
func (e *exchange) redeemRefreshToken(value string, g *grant) bool {
	t, ok := e.lookup(RefreshToken, value)
	if !ok {
		e.refuse(http.StatusBadRequest, "invalid_grant", 9002313, "Invalid request. Request is malformed or invalid.")
		return false
	}
	if t.Client != g.client && (!family[t.Client] || !family[g.client]) {
		e.refuse(http.StatusBadRequest, "invalid_grant", 700003,
			"The refresh token was issued to '%s' and can not be redeemed by '%s'.", t.Client, g.client)
		return false
	}
	if t.revoked {
		e.refuse(http.StatusBadRequest, "invalid_grant", 50173,
			"The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password.")
		return false
	}
	g.account, ok = e.world.account(t.Account)
	if !ok || e.now().After(t.Expires) {
		e.refuse(http.StatusBadRequest, "invalid_grant", 700082, "The refresh token has expired due to inactivity.")
		return false
	}
	g.signedIn = t.signedIn
	if g.tenant.MFA && t.signedIn != g.tenant.ID {
		e.log.Error = fmt.Sprintf("AADSTS%d", SecondFactor.Number)
		e.log.Status = http.StatusBadRequest
		Refuse(SecondFactor)(e.w, e.r)
		return false
	}
	return true
}

// signedIn is userTokens where the person is there, and has a second factor.
func (e *exchange) signedIn(g grant) {
	g.signedIn = g.tenant.ID
	if g.signedIn == "" {
		g.signedIn = g.account.Home
	}
	e.userTokens(g)
}

// userTokens ends each flow in which a person has signed in.
func (e *exchange) userTokens(g grant) {
	e.log.Account = g.account.ID()
	if g.tenant.ID == "" {
		g.tenant, _ = e.world.tenant(g.account.Home)
	}
	if !slices.Contains(g.account.Tenants(), g.tenant.ID) {
		e.refuse(http.StatusBadRequest, "invalid_grant", 50020,
			"User account '%s' from identity provider 'https://sts.windows.net/%s/' does not exist in tenant '%s' and cannot access the application '%s' in that tenant. The account needs to be added as an external user in the tenant first.",
			g.account.Name, g.account.Home, g.tenant.Name, g.client)
		return
	}
	reply := map[string]any{
		"token_type":     "Bearer",
		"scope":          grantedScopes(g),
		"expires_in":     int(e.options.Lifetime / time.Second),
		"ext_expires_in": int(e.options.Lifetime / time.Second),
		"access_token":   e.accessToken(g),
	}
	if hasScope(g.scopes, "offline_access") {
		reply["refresh_token"] = e.refreshToken(g)
		if family[g.client] {
			reply["foci"] = "1"
		}
	}
	if hasScope(g.scopes, "openid") {
		reply["id_token"] = e.idToken(g)
	}
	if g.wantInfo {
		reply["client_info"] = encode(map[string]string{"uid": g.account.ObjectID, "utid": g.account.Home})
	}
	e.reply(http.StatusOK, reply)
}

func hasScope(scopes, scope string) bool { return slices.Contains(strings.Fields(scopes), scope) }

// grantedScopes names what was asked for, as MSAL for Go insists on, and the
// delegated permission behind it.
func grantedScopes(g grant) string {
	granted := []string{g.resource + "/user_impersonation"}
	for scope := range strings.FieldsSeq(g.scopes) {
		if strings.Contains(scope, "/") && scope != granted[0] {
			granted = append(granted, scope)
		}
	}
	return strings.Join(granted, " ")
}

// clientCredentials signs in a service principal with its secret or a client
// assertion.
func (e *exchange) clientCredentials(g grant, secret string) {
	a, ok := e.world.account(g.client)
	if !ok || a.ClientID == "" || g.tenant.ID != "" && a.Home != g.tenant.ID {
		e.refuse(http.StatusBadRequest, "unauthorized_client", 700016,
			"Application with identifier '%s' was not found in the directory '%s'.", g.client, e.log.Tenant)
		return
	}
	e.log.Account = a.ID()
	if e.r.PostForm.Has("client_assertion") {
		if !e.asserted(a) {
			return
		}
	} else if secret == "" || secret != a.Secret {
		e.refuse(http.StatusUnauthorized, "invalid_client", 7000215,
			"Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '%s'.", g.client)
		return
	}
	g.account = a
	g.tenant, _ = e.world.tenant(a.Home)
	e.reply(http.StatusOK, map[string]any{
		"token_type":     "Bearer",
		"expires_in":     int(e.options.Lifetime / time.Second),
		"ext_expires_in": int(e.options.Lifetime / time.Second),
		"access_token":   e.accessToken(g),
	})
}

// refuse answers with an error as Entra writes it.
func (e *exchange) refuse(status int, code string, number int, format string, args ...any) {
	e.log.Error = fmt.Sprintf("AADSTS%d", number)
	trace, correlation := guid([]byte(noise(16))), guid([]byte(noise(16)))
	stamp := e.now().UTC().Format("2006-01-02 15:04:05Z")
	e.reply(status, map[string]any{
		"error": code,
		"error_description": fmt.Sprintf("AADSTS%d: %s Trace ID: %s Correlation ID: %s Timestamp: %s",
			number, fmt.Sprintf(format, args...), trace, correlation, stamp),
		"error_codes":    []int{number},
		"timestamp":      stamp,
		"trace_id":       trace,
		"correlation_id": correlation,
		"error_uri":      fmt.Sprintf("https://%s/error?code=%d", e.cloud.Login, number),
	})
}
