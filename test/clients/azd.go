package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"time"
)

// newAzd asks as azd does. Its own code can't be had as a module, so this is
// written after its documentation (cli/azd/docs/external-authentication.md of
// Azure/azure-dev) and takes what its pkg/auth/remote_credential.go takes: a
// reply of 200 alone, and the error's code and message in it.
func newAzd(tenant string) asker {
	endpoint, key := os.Getenv("AZD_AUTH_ENDPOINT"), os.Getenv("AZD_AUTH_KEY")
	return func(ctx context.Context, resource string) (string, error) {
		body, err := json.Marshal(struct {
			Scopes   []string `json:"scopes"`
			TenantID string   `json:"tenantId,omitempty"`
		}{[]string{resource + "/.default"}, tenant})
		if err != nil {
			return "", err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint+"/token?api-version=2023-07-12-preview", bytes.NewReader(body))
		if err != nil {
			return "", err
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+key)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return "", err
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return "", fmt.Errorf("unexpected status code: %d", res.StatusCode)
		}
		var reply struct {
			Status    string
			Token     string
			ExpiresOn time.Time // RFC 3339, or it can't be read
			Code      string
			Message   string
		}
		if err := json.NewDecoder(res.Body).Decode(&reply); err != nil {
			return "", fmt.Errorf("decoding token response: %w", err)
		}
		switch {
		case reply.Status == "success" && reply.ExpiresOn.After(time.Now()):
			return reply.Token, nil
		case reply.Status == "error":
			return "", fmt.Errorf("failed to acquire token: code: %s message: %s", reply.Code, reply.Message)
		}
		return "", fmt.Errorf("unexpected reply: status %q, expires on %s", reply.Status, reply.ExpiresOn)
	}
}
