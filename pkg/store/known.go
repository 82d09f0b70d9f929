package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/natefinch/atomic"

	"github.com/az-ctx/az-ctx/pkg/azure"
)

// Known is what was learned of one tenant as one account sees it.
type Known struct {
	Account       azure.Account        `json:"account"`
	Environment   string               `json:"environment"`
	Tenant        azure.Tenant         `json:"tenant"`
	Subscriptions []azure.Subscription `json:"subscriptions"`
}

// Cache is the directory of what was learned: one file an account and tenant.
// All of it can go at any time, and a file that can't be read is as good as none.
type Cache string

func (c Cache) path(account azure.Account, environment, tenant string) string {
	key := []string{account.ID, string(account.Type), account.TenantID, environment, tenant}
	sum := sha256.Sum256([]byte(strings.ToLower(strings.Join(key, "\x00"))))
	return filepath.Join(string(c), hex.EncodeToString(sum[:16])+suffix)
}

// Learn keeps what was learned, over what was known before.
func (c Cache) Learn(all []Known) error {
	if err := Make(string(c)); err != nil {
		return err
	}
	for _, k := range all {
		raw, err := json.Marshal(k)
		if err != nil {
			return fmt.Errorf("keeping what was learned of %s: %w", k.Tenant.ID, err)
		}
		if err := atomic.WriteFile(c.path(k.Account, k.Environment, k.Tenant.ID), bytes.NewReader(raw)); err != nil {
			return fmt.Errorf("keeping what was learned of %s: %w", k.Tenant.ID, err)
		}
	}
	return nil
}

// Of is what is known of the context's tenant as its account sees it.
func (c Cache) Of(context azure.Context) Known {
	k, _ := c.read(c.path(context.Account, context.Environment, context.Tenant.ID))
	return k
}

// All is everything that is known.
func (c Cache) All() []Known {
	files, _ := filepath.Glob(filepath.Join(string(c), "*"+suffix))
	var all []Known
	for _, f := range files {
		if k, ok := c.read(f); ok {
			all = append(all, k)
		}
	}
	return all
}

func (c Cache) read(path string) (k Known, ok bool) {
	raw, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(raw, &k) != nil {
		return Known{}, false
	}
	return k, true
}

// Clear forgets everything.
func (c Cache) Clear() error { return os.RemoveAll(string(c)) }
