package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"

	"github.com/hashicorp/go-azure-sdk/sdk/auth"
	"github.com/hashicorp/go-azure-sdk/sdk/claims"
	"github.com/hashicorp/go-azure-sdk/sdk/environments"
)

// newTerraform configures the authorizer out of the environment as the azurerm
// provider does where its block is empty (its internal/provider and
// internal/clients), every way to sign in that it enables among them.
func newTerraform() (asker, error) {
	log.SetOutput(io.Discard) // as without TF_LOG
	name := os.Getenv("ARM_ENVIRONMENT")
	if name == "" {
		name = "public"
	}
	env, err := environments.FromName(name)
	if err != nil {
		return nil, err
	}
	oidc := on("ARM_USE_OIDC") || on("ARM_USE_AKS_WORKLOAD_IDENTITY")
	credentials := auth.Credentials{
		Environment: *env,
		ClientID:    os.Getenv("ARM_CLIENT_ID"),
		TenantID:    os.Getenv("ARM_TENANT_ID"),

		ClientCertificatePath:     os.Getenv("ARM_CLIENT_CERTIFICATE_PATH"),
		ClientCertificatePassword: os.Getenv("ARM_CLIENT_CERTIFICATE_PASSWORD"),
		ClientSecret:              os.Getenv("ARM_CLIENT_SECRET"),

		OIDCAssertionToken:    os.Getenv("ARM_OIDC_TOKEN"),
		OIDCTokenRequestURL:   os.Getenv("ARM_OIDC_REQUEST_URL"),
		OIDCTokenRequestToken: os.Getenv("ARM_OIDC_REQUEST_TOKEN"),

		CustomManagedIdentityEndpoint:   os.Getenv("ARM_MSI_ENDPOINT"),
		CustomManagedIdentityAPIVersion: os.Getenv("ARM_MSI_API_VERSION"),

		EnableAuthenticatingUsingClientCertificate: true,
		EnableAuthenticatingUsingClientSecret:      true,
		EnableAuthenticationUsingOIDC:              oidc,
		EnableAuthenticationUsingGitHubOIDC:        oidc,
		EnableAuthenticatingUsingManagedIdentity:   on("ARM_USE_MSI"),
		EnableAuthenticatingUsingAzureCLI:          true,
	}
	apis := []environments.Api{env.ResourceManager, env.MicrosoftGraph, env.KeyVault, env.Storage}
	return func(ctx context.Context, resource string) (string, error) {
		for _, api := range apis {
			id, ok := api.ResourceIdentifier()
			if !ok || !strings.EqualFold(strings.TrimRight(*id, "/"), strings.TrimRight(resource, "/")) {
				continue
			}
			authorizer, err := auth.NewAuthorizerFromCredentials(ctx, credentials, api)
			if err != nil {
				return "", err
			}
			token, err := authorizer.Token(ctx, &http.Request{})
			if err != nil {
				return "", err
			}
			// The provider goes by what it reads here, and not by ARM_TENANT_ID.
			if read, err := claims.ParseClaims(token); err != nil || read.TenantId == "" || read.ObjectId == "" {
				return "", fmt.Errorf("the provider could not read the token's tenant and object: %+v, %w", read, err)
			}
			if token.Expiry.IsZero() {
				return "", fmt.Errorf("the provider would take the token to last for ever")
			}
			return token.AccessToken, nil
		}
		return "", fmt.Errorf("the provider has no API with the resource %q", resource)
	}, nil
}

func on(name string) bool { return strings.EqualFold(os.Getenv(name), "true") }
