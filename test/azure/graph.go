package azure

import (
	"net/http"
	"strings"
)

// graph answers the little of Microsoft Graph that sign-ins look at.
func (e *exchange) graph() {
	account, token, ok := e.authenticate([]string{"https://" + e.cloud.Graph, "https://graph.microsoft.com"})
	if !ok {
		return
	}
	tenant, _ := e.world.tenant(token.Tenant)
	switch strings.ToLower(strings.Trim(e.r.URL.Path, "/")) {
	case "v1.0/me":
		if account.ClientID != "" {
			e.fail(http.StatusBadRequest, "BadRequest", "/me request is only valid with delegated authentication flow.")
			return
		}
		e.reply(http.StatusOK, map[string]any{
			"id": account.ObjectIn(tenant.ID), "userPrincipalName": account.Name,
			"displayName": account.Short(), "mail": account.Name,
		})
	case "v1.0/organization":
		e.reply(http.StatusOK, map[string]any{"value": []any{map[string]any{
			"id": tenant.ID, "displayName": tenant.Name,
			"verifiedDomains": []any{map[string]any{"name": tenant.Domain, "isDefault": true}},
		}}})
	default:
		e.fail(http.StatusNotFound, "Request_ResourceNotFound", "Resource '%s' does not exist.", e.r.URL.Path)
	}
}
