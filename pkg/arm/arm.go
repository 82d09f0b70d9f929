// Package arm asks a cloud's resource manager which tenants and subscriptions
// there are, through the pipeline of Azure's SDK: paged, and patient with a
// service that wants to be asked less.
package arm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	sdk "github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armsubscriptions"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/signin"
	"github.com/az-ctx/az-ctx/pkg/token"
)

const (
	tryLimit   = 30 * time.Second // one request
	retries    = 4                // after the first try
	firstDelay = 200 * time.Millisecond
	longest    = 30 * time.Second // Retry-After beyond it is not waited for
	maxPages   = 1000             // of one listing
)

// Client asks one cloud's resource manager. Its errors are *signin.Error.
type Client struct {
	Cloud azure.Cloud
	HTTP  *http.Client // nil: signin.OwnHTTPClient
}

// Tenants lists all that the token's account is in, its home first, the others
// by label.
func (c Client) Tenants(ctx context.Context, t token.Token) ([]azure.Tenant, error) {
	client, err := armsubscriptions.NewTenantsClient(bare(t), c.options())
	if err != nil {
		return nil, fmt.Errorf("asking for tenants: %w", err)
	}
	type found struct {
		azure.Tenant
		home bool
	}
	var all []found
	pager := client.NewListPager(nil)
	for page := 0; pager.More(); page++ {
		got, err := pager.NextPage(ctx)
		if err != nil || page == maxPages {
			return nil, c.explain(ctx, err, "tenants", azure.Tenant{})
		}
		for _, v := range got.Value {
			if v == nil || value(v.TenantID) == "" {
				continue
			}
			all = append(all, found{
				azure.Tenant{ID: *v.TenantID, Name: value(v.DisplayName), Domain: value(v.DefaultDomain)},
				value(v.TenantCategory) == armsubscriptions.TenantCategoryHome,
			})
		}
	}
	slices.SortFunc(all, func(a, b found) int {
		if a.home != b.home {
			if a.home {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(azure.Fold(a.Label()), azure.Fold(b.Label())), cmp.Compare(a.ID, b.ID))
	})
	tenants := make([]azure.Tenant, len(all))
	for i, f := range all {
		tenants[i] = f.Tenant
	}
	return slices.CompactFunc(tenants, func(a, b azure.Tenant) bool { return strings.EqualFold(a.ID, b.ID) }), nil
}

// Subscriptions lists those that the token shows, by name. tenant is the
// token's: what the resource manager calls a subscription's tenant is its home,
// which is another's where the subscription is managed from this one.
func (c Client) Subscriptions(ctx context.Context, t token.Token, tenant azure.Tenant) ([]azure.Subscription, error) {
	client, err := armsubscriptions.NewClient(bare(t), c.options())
	if err != nil {
		return nil, fmt.Errorf("asking for subscriptions: %w", err)
	}
	var all []azure.Subscription
	pager := client.NewListPager(nil)
	for page := 0; pager.More(); page++ {
		got, err := pager.NextPage(ctx)
		if err != nil || page == maxPages {
			return nil, c.explain(ctx, err, "subscriptions", tenant)
		}
		for _, v := range got.Value {
			if v != nil && value(v.SubscriptionID) != "" {
				all = append(all, subscription(*v, tenant))
			}
		}
	}
	slices.SortFunc(all, func(a, b azure.Subscription) int {
		return cmp.Or(cmp.Compare(azure.Fold(a.Name), azure.Fold(b.Name)), cmp.Compare(a.ID, b.ID))
	})
	return all, nil
}

// Subscription gets one by its id. ErrNotFound is in the error's chain where the
// token shows no such subscription.
func (c Client) Subscription(ctx context.Context, t token.Token, tenant azure.Tenant, id string) (azure.Subscription, error) {
	client, err := armsubscriptions.NewClient(bare(t), c.options())
	if err != nil {
		return azure.Subscription{}, fmt.Errorf("asking for a subscription: %w", err)
	}
	got, err := client.Get(ctx, id, nil)
	if err != nil {
		return azure.Subscription{}, c.explain(ctx, err, "subscription "+id, tenant)
	}
	return subscription(got.Subscription, tenant), nil
}

// ErrNotFound says that there is no such subscription, or that the account sees
// none.
var ErrNotFound = errors.New("no such subscription")

var authority = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`authorization(?:_uri)?="https://[^/"]+/([0-9a-fA-F-]{36})"`)
})

// TenantOf finds a subscription's home tenant by its id, without a token: the
// resource manager's refusal says where to get one.
func (c Client) TenantOf(ctx context.Context, id string) (string, error) {
	o := c.options().ClientOptions
	pipeline := runtime.NewPipeline("az-ctx", "v1.0.0", runtime.PipelineOptions{}, &o)
	r, err := runtime.NewRequest(ctx, http.MethodGet, runtime.JoinPaths(c.endpoint(), "subscriptions", id))
	if err != nil {
		return "", fmt.Errorf("asking for subscription %q: %w", id, err)
	}
	r.Raw().URL.RawQuery = "api-version=2022-12-01"
	response, err := pipeline.Do(r)
	if err == nil && response.StatusCode == http.StatusUnauthorized {
		runtime.Drain(response)
		if m := authority().FindStringSubmatch(response.Header.Get("WWW-Authenticate")); m != nil {
			return m[1], nil
		}
	}
	if err == nil {
		err = runtime.NewResponseError(response)
	}
	return "", c.explain(ctx, err, "subscription "+id, azure.Tenant{})
}

func subscription(v armsubscriptions.Subscription, tenant azure.Tenant) azure.Subscription {
	home := value(v.TenantID)
	if home == "" {
		home = tenant.ID
	}
	return azure.Subscription{ID: value(v.SubscriptionID), Name: value(v.DisplayName), State: string(value(v.State)), TenantID: tenant.ID, HomeTenantID: home}
}

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

func (c Client) endpoint() string { return strings.TrimRight(c.Cloud.ResourceManager, "/") }

func (c Client) options() *sdk.ClientOptions {
	h := c.HTTP
	if h == nil {
		h = signin.OwnHTTPClient()
	}
	own := *h
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &sdk.ClientOptions{
		DisableRPRegistration: true,
		ClientOptions: policy.ClientOptions{
			Cloud: cloud.Configuration{
				ActiveDirectoryAuthorityHost: c.Cloud.Authority,
				Services: map[cloud.ServiceName]cloud.ServiceConfiguration{
					cloud.ResourceManager: {Endpoint: c.endpoint(), Audience: c.Cloud.Audience},
				},
			},
			Retry: policy.RetryOptions{
				MaxRetries: retries, RetryDelay: firstDelay, MaxRetryDelay: longest, TryTimeout: tryLimit, ShouldRetry: worthAnotherTry,
			},
			Telemetry: policy.TelemetryOptions{ApplicationID: "az-ctx"},
			Transport: &own,
		},
	}
}

func worthAnotherTry(r *http.Response, err error) bool {
	if err != nil {
		return signin.CutOff(err)
	}
	switch r.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// bare is a credential that is one token. It has no better one for a challenge.
type bare token.Token

// challenge is what the resource manager wants answered by a new sign-in.
type challenge struct{ claims string }

func (challenge) Error() string { return "a new sign-in is wanted" }

// GetToken is the SDK's way to ask.
func (b bare) GetToken(_ context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if o.Claims != "" {
		return azcore.AccessToken{}, challenge{o.Claims}
	}
	return azcore.AccessToken{Token: b.Value, ExpiresOn: b.ExpiresOn}, nil
}
