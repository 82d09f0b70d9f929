package azure

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// manager answers as the resource manager does. Paths match whatever their case.
func (e *exchange) manager() {
	path := strings.Split(strings.Trim(e.r.URL.Path, "/"), "/")
	for i := range path {
		path[i] = strings.ToLower(path[i])
	}
	if strings.Join(path, "/") == "metadata/endpoints" {
		e.metadata()
		return
	}
	if len(path) == 2 && path[0] == "subscriptions" && e.r.Header.Get("Authorization") == "" {
		e.whose(path[1])
		return
	}
	account, token, ok := e.authenticate(e.cloud.Audiences)
	if !ok {
		return
	}
	version := e.r.Form.Get("api-version")
	if version == "" {
		e.fail(http.StatusBadRequest, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required for all requests.")
		return
	}
	switch {
	case e.r.Method != http.MethodGet:
		e.fail(http.StatusMethodNotAllowed, "HttpMethodNotAllowed", "%s is not made here.", e.r.Method)
	case len(path) == 1 && path[0] == "tenants":
		e.tenants(account, version)
	case len(path) == 1 && path[0] == "subscriptions":
		e.subscriptions(account, token.Tenant)
	case len(path) > 1 && path[0] == "subscriptions":
		e.subscription(account, token.Tenant, path[1], path[2:])
	default:
		e.fail(http.StatusNotFound, "InvalidResourceType", "The resource type could not be found: %s", e.r.URL.Path)
	}
}

// authenticate finds whose token a request carries, and answers 401 unless it
// is one of ours, of this audience, and still good.
func (e *exchange) authenticate(audiences []string) (Account, Token, bool) {
	scheme, value, _ := strings.Cut(e.r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || value == "" {
		return e.unauthorized("AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
	}
	token, ok := e.lookup(AccessToken, value)
	if !ok {
		return e.unauthorized("InvalidAuthenticationToken", "The access token is invalid.")
	}
	e.log.Account, e.log.Tenant, e.log.Resource, e.log.Client = token.Account, token.Tenant, token.Resource, token.Client
	if !slices.ContainsFunc(audiences, func(a string) bool {
		return strings.EqualFold(strings.TrimRight(a, "/"), strings.TrimRight(token.Resource, "/"))
	}) {
		return e.unauthorized("InvalidAuthenticationTokenAudience",
			"The access token has been obtained for wrong audience or resource '%s'. It should exactly match with one of the allowed audiences '%s'.",
			token.Resource, strings.Join(audiences, "','"))
	}
	if e.now().After(token.Expires) {
		return e.unauthorized("ExpiredAuthenticationToken", "The access token expiry UTC time '%s' is earlier than current UTC time '%s'.",
			token.Expires.UTC().Format("1/2/2006 3:04:05 PM"), e.now().UTC().Format("1/2/2006 3:04:05 PM"))
	}
	account, ok := e.world.account(token.Account)
	if !ok {
		return e.unauthorized("InvalidAuthenticationToken", "The account of this access token is gone.")
	}
	return account, token, true
}

func (e *exchange) unauthorized(code, format string, args ...any) (Account, Token, bool) {
	e.w.Header().Set("WWW-Authenticate", fmt.Sprintf(
		`Bearer authorization_uri="https://%s/common", error="invalid_token", error_description="%s"`,
		e.cloud.Login, fmt.Sprintf(format, args...)))
	e.fail(http.StatusUnauthorized, code, format, args...)
	return Account{}, Token{}, false
}

// tenants lists them all, whichever the token is of.
func (e *exchange) tenants(a Account, version string) {
	value := []any{}
	for _, id := range a.Tenants() {
		t, ok := e.world.tenant(id)
		if !ok {
			continue
		}
		category := "Home"
		if id != a.Home {
			category = "ProjectedBy"
		}
		entry := map[string]any{"id": "/tenants/" + t.ID, "tenantId": t.ID}
		if version >= "2018" { // names came late
			entry["countryCode"] = "DE"
			entry["displayName"] = t.Name
			entry["defaultDomain"] = t.Domain
			entry["domains"] = []string{t.Domain}
			entry["tenantType"] = "AAD"
			entry["tenantCategory"] = category
		}
		value = append(value, entry)
	}
	e.reply(http.StatusOK, map[string]any{"value": value})
}

// whose answers who has no token: the refusal names the subscription's tenant.
func (e *exchange) whose(id string) {
	s, ok := e.world.subscription(id)
	t, _ := e.world.tenant(s.Tenant)
	if !ok || t.Cloud != e.cloud.Name {
		e.fail(http.StatusNotFound, "SubscriptionNotFound", "The subscription '%s' could not be found.", id)
		return
	}
	e.w.Header().Set("WWW-Authenticate", fmt.Sprintf(
		`Bearer authorization_uri="https://%s/%s", error="invalid_token", error_description="The authentication failed because of missing 'Authorization' header."`,
		e.cloud.Login, t.ID))
	e.fail(http.StatusUnauthorized, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
}

// subscriptions lists those of the token's tenant alone, in pages.
func (e *exchange) subscriptions(a Account, tenant string) {
	value := []any{}
	for _, s := range e.world.Subscriptions {
		if s.in(tenant) && s.sees(a) {
			value = append(value, describe(s))
		}
	}
	total := len(value)
	from, _ := strconv.Atoi(e.r.Form.Get("$skiptoken"))
	from = min(max(from, 0), total)
	reply := map[string]any{"count": map[string]any{"type": "Total", "value": total}}
	if to := from + e.options.Page; to < total {
		next := *e.r.URL
		q := next.Query()
		q.Set("$skiptoken", strconv.Itoa(to))
		next.Scheme, next.Host, next.RawQuery = "https", e.cloud.Manager, q.Encode()
		reply["nextLink"] = next.String()
		value = value[:to]
	}
	reply["value"] = value[from:]
	e.reply(http.StatusOK, reply)
}

func describe(s Subscription) map[string]any {
	managed := []any{}
	for _, id := range s.ManagedBy {
		managed = append(managed, map[string]string{"tenantId": id})
	}
	return map[string]any{
		"id":                  "/subscriptions/" + s.ID,
		"authorizationSource": "RoleBased",
		"managedByTenants":    managed,
		"subscriptionId":      s.ID,
		"tenantId":            s.Tenant,
		"displayName":         s.Name,
		"state":               s.State,
		"subscriptionPolicies": map[string]any{
			"locationPlacementId": "Public_2014-09-01", "quotaId": "PayAsYouGo_2014-09-01", "spendingLimit": "Off",
		},
	}
}

// subscription answers all that lies under one, and refuses in the order in
// which the real one does: unknown, another tenant's token, no role.
func (e *exchange) subscription(a Account, tenant, id string, rest []string) {
	e.log.Subscription = id
	s, ok := e.world.subscription(id)
	if t, _ := e.world.tenant(s.Tenant); !ok || t.Cloud != e.cloud.Name {
		e.fail(http.StatusNotFound, "SubscriptionNotFound", "The subscription '%s' could not be found.", id)
		return
	}
	if !s.in(tenant) {
		e.unauthorized("InvalidAuthenticationTokenTenant",
			"The access token is from the wrong issuer 'https://sts.windows.net/%s/'. It must match the tenant 'https://sts.windows.net/%s/' associated with this subscription. Please use the authority (URL) 'https://%s/%s' to get the token.",
			tenant, s.Tenant, e.cloud.Login, s.Tenant)
		return
	}
	if !s.sees(a) {
		e.fail(http.StatusForbidden, "AuthorizationFailed",
			"The client '%s' with object id '%s' does not have authorization to perform action 'Microsoft.Resources/subscriptions/read' over scope '/subscriptions/%s' or the scope is invalid. If access was recently granted, please refresh your credentials.",
			a.Name, a.ObjectIn(tenant), s.ID)
		return
	}
	group := e.group(s, a)
	switch what := strings.Join(rest, "/"); {
	case what == "":
		e.reply(http.StatusOK, describe(s))
	case what == "locations":
		e.reply(http.StatusOK, map[string]any{"value": []any{map[string]any{
			"id": "/subscriptions/" + s.ID + "/locations/westeurope", "name": "westeurope", "displayName": "West Europe",
		}}})
	case what == "resourcegroups":
		e.reply(http.StatusOK, map[string]any{"value": []any{group}})
	case len(rest) == 2 && rest[0] == "resourcegroups":
		if rest[1] != group["name"] {
			e.fail(http.StatusNotFound, "ResourceGroupNotFound", "Resource group '%s' could not be found.", rest[1])
			return
		}
		e.reply(http.StatusOK, group)
	case what == "resources", what == "providers":
		e.reply(http.StatusOK, map[string]any{"value": []any{}})
	default:
		e.fail(http.StatusNotFound, "InvalidResourceType", "The resource type could not be found: %s", e.r.URL.Path)
	}
}

func (e *exchange) group(s Subscription, a Account) map[string]any {
	name := e.world.Group(s, a)
	return map[string]any{
		"id":         "/subscriptions/" + s.ID + "/resourceGroups/" + name,
		"name":       name,
		"type":       "Microsoft.Resources/resourceGroups",
		"location":   "westeurope",
		"tags":       map[string]string{"tenant": s.Tenant, "subscription": s.ID, "account": a.ID()},
		"properties": map[string]string{"provisioningState": "Succeeded"},
	}
}

// metadata describes clouds: of one api version a list of all public ones, of
// the others the cloud that was asked.
func (e *exchange) metadata() {
	if e.r.Form.Get("api-version") == "2019-05-01" {
		var all []any
		for _, c := range e.world.Clouds[:2] {
			all = append(all, endpoints(c))
		}
		e.reply(http.StatusOK, all)
		return
	}
	e.reply(http.StatusOK, endpoints(e.cloud))
}

func endpoints(c Cloud) map[string]any {
	domain := strings.TrimPrefix(c.Manager, "management.")
	return map[string]any{
		"name":                     c.Name,
		"portal":                   "https://" + c.Portal,
		"resourceManager":          "https://" + c.Manager + "/",
		"graph":                    "https://graph.windows.net/",
		"graphAudience":            "https://graph.windows.net/",
		"microsoftGraphResourceId": "https://" + c.Graph + "/",
		"gallery":                  "https://gallery." + domain + "/",
		"batch":                    "https://batch.core.windows.net/",
		"media":                    "https://rest.media." + domain,
		"sqlManagement":            "https://management.core.windows.net:8443/",
		"vmImageAliasDoc":          "https://" + c.Portal + "/aliases.json",
		"activeDirectoryDataLake":  "https://datalake." + domain + "/",
		"authentication": map[string]any{
			"loginEndpoint":    "https://" + c.Login,
			"audiences":        c.Audiences,
			"tenant":           "common",
			"identityProvider": "AAD",
		},
		"suffixes": map[string]any{
			"acrLoginServer":    "azurecr." + domain,
			"keyVaultDns":       "vault." + domain,
			"sqlServerHostname": "database." + domain,
			"storage":           "core." + domain,
		},
	}
}

// fail answers with an error as the resource manager writes it.
func (e *exchange) fail(status int, code, format string, args ...any) {
	e.log.Error = code
	e.reply(status, map[string]any{"error": map[string]string{
		"code": code, "message": fmt.Sprintf(format, args...),
	}})
}
