package arm

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/plain"
	"github.com/az-ctx/az-ctx/pkg/signin"
)

// explain makes one clear error of why what was asked for did not come. err is
// nil where there was no end to the pages.
func (c Client) explain(ctx context.Context, err error, what string, tenant azure.Tenant) error {
	if ctx.Err() != nil {
		return fmt.Errorf("asking for %s: %w", what, context.Cause(ctx))
	}
	_, host, _ := strings.Cut(c.endpoint(), "://")
	host, _, _ = strings.Cut(host, "/")
	var wants challenge
	var refused *azcore.ResponseError
	switch {
	case err == nil:
		return notManager(host, "its listing has no end")
	case errors.As(err, &wants):
		claims := base64.StdEncoding.EncodeToString([]byte(wants.claims))
		return signin.Needed(signin.Interaction, "", c.who(tenant)+" wants a new sign-in", c.connect(tenant, claims), claims)
	case errors.As(err, &refused) && refused.RawResponse != nil:
		return c.refused(refused, what, host, tenant)
	case signin.IsTransport(err):
		return signin.Unreachable(host, err)
	}
	// What is left is an answer that could not be read, and its text may quote it.
	return notManager(host, "what came back is no JSON")
}

func (c Client) refused(r *azcore.ResponseError, what, host string, tenant azure.Tenant) error {
	body, _ := runtime.Payload(r.RawResponse) // in memory already
	var said struct {
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	bad := json.Unmarshal(body, &said) != nil
	detail := signin.Scrub(said.Error.Code + ": " + strings.TrimSuffix(strings.TrimSpace(said.Error.Message), "."))
	e := &signin.Error{Class: signin.Refused, Code: signin.Scrub(said.Error.Code)}
	switch {
	case r.StatusCode == http.StatusTooManyRequests:
		e.Class, e.Text = signin.Throttled, "the resource manager gets too many requests, try again in a while (429)"
	case r.StatusCode == http.StatusNetworkAuthenticationRequired:
		return notManager(host, "the network wants a sign-in of its own")
	case r.StatusCode >= 500:
		e.Class, e.Text = signin.Server, fmt.Sprintf("the resource manager has a failure of its own, try again in a while (%d)", r.StatusCode)
	case r.StatusCode == http.StatusProxyAuthRequired:
		e.Class, e.Text = signin.Proxy, "the proxy wants to know who you are (407)"
	case r.StatusCode/100 == 3:
		return notManager(host, "it redirects elsewhere")
	case bad || said.Error.Code == "":
		return notManager(host, fmt.Sprintf("status %d", r.StatusCode))
	case r.StatusCode == http.StatusUnauthorized:
		return signin.Needed(signin.Revoked, e.Code, fmt.Sprintf("%s does not take the token (%s)", c.who(tenant), detail), c.connect(tenant, ""), "")
	case r.StatusCode == http.StatusNotFound, r.StatusCode == http.StatusForbidden && strings.HasPrefix(what, "subscription "):
		e.Class, e.Text = signin.NoAccess, fmt.Sprintf("there is no %s, or it is not for you to see (%s)", what, e.Code)
		e.Err = ErrNotFound
	default:
		e.Text = fmt.Sprintf("the resource manager does not tell %s (%s)", what, detail)
	}
	return e
}

func notManager(host, what string) error {
	return &signin.Error{Class: signin.NotEntra, Text: fmt.Sprintf("what answers for %s is not it: %s; is this a network that one signs in to, or a proxy?", host, what)}
}

func (c Client) who(tenant azure.Tenant) string {
	if label := tenant.Label(); label != "" {
		return signin.Scrub(label)
	}
	return "the resource manager"
}

func (c Client) connect(tenant azure.Tenant, claims string) string {
	words := []string{"az-ctx connect"}
	if !strings.EqualFold(c.Cloud.Name, azure.Public.Name) {
		words = append(words, "--environment", plain.Word(c.Cloud.Name))
	}
	if tenant.Label() != "" {
		words = append(words, "--tenant", plain.Word(tenant.Label()))
	}
	if claims != "" {
		words = append(words, "--claims-challenge", plain.Word(claims))
	}
	return strings.Join(words, " ")
}
