package azcli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ErrNoTokens says that az has no token or secret that could be taken over: it
// signed in through the system's broker, keeps them encrypted, or not at all.
var ErrNoTokens = errors.New("az keeps no refresh token that can be taken over: it signed in through the system's broker, or keeps its cache encrypted")

// TokenCache reads az's cache of tokens, which is MSAL's, and finds the home
// account id of a user in it.
func TokenCache(dir, userName string) (cache []byte, homeAccountID string, err error) {
	cache, err = os.ReadFile(filepath.Join(dir, "msal_token_cache.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", ErrNoTokens
	}
	if err != nil {
		return nil, "", fmt.Errorf("reading az's tokens: %w", err)
	}
	var accounts struct {
		Account map[string]struct {
			HomeAccountID string `json:"home_account_id"`
			UserName      string `json:"username"`
		}
	}
	if json.Unmarshal(cache, &accounts) != nil {
		return nil, "", errors.New("reading az's tokens: its cache is not understood") // the cause could quote a token
	}
	for _, a := range accounts.Account {
		if strings.EqualFold(a.UserName, userName) && a.HomeAccountID != "" {
			return cache, a.HomeAccountID, nil
		}
	}
	return nil, "", ErrNoTokens
}

// Principal is how az signs a service principal in: one of the two.
type Principal struct {
	Secret      string
	Certificate string // a file's path
}

// ServicePrincipal finds how az signs a service principal in.
func ServicePrincipal(dir, clientID, tenant string) (Principal, error) {
	raw, err := os.ReadFile(filepath.Join(dir, "service_principal_entries.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return Principal{}, ErrNoTokens
	}
	if err != nil {
		return Principal{}, fmt.Errorf("reading az's service principals: %w", err)
	}
	var entries []struct {
		ClientID    string `json:"client_id"`
		Tenant      string `json:"tenant"`
		Secret      string `json:"client_secret"`
		Certificate string `json:"certificate"`
	}
	if json.Unmarshal(bytes.TrimPrefix(raw, []byte("\ufeff")), &entries) != nil {
		return Principal{}, errors.New("reading az's service principals: the file is not understood")
	}
	for _, e := range entries {
		if strings.EqualFold(e.ClientID, clientID) && strings.EqualFold(e.Tenant, tenant) && (e.Secret != "" || e.Certificate != "") {
			return Principal{Secret: e.Secret, Certificate: e.Certificate}, nil
		}
	}
	return Principal{}, ErrNoTokens
}
