package azcli

import (
	"fmt"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/az-ctx/az-ctx/pkg/azure"
)

func BenchmarkWriteDirectory(b *testing.B) {
	for _, n := range []int{1, 25, 1000} {
		b.Run(fmt.Sprintf("known=%d", n), func(b *testing.B) {
			c := prod()
			var known []azure.Subscription
			for i := range n {
				known = append(known, azure.Subscription{ID: fmt.Sprintf("%08d-0000-4000-8000-000000000000", i), Name: "Subscription " + strconv.Itoa(i), State: "Enabled", TenantID: c.Tenant.ID})
			}
			d := Directory{From: "testdata/az-2.91", Context: &c, Cloud: azure.Public, Known: known}
			root := b.TempDir()
			for i := 0; b.Loop(); i++ {
				if err := WriteDirectory(filepath.Join(root, strconv.Itoa(i)), d); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func prod() azure.Context {
	return azure.Context{
		Name:         "prod",
		Account:      azure.Account{ID: "alice@contoso.com", Type: azure.User},
		Tenant:       azure.Tenant{ID: "11111111-1111-1111-1111-111111111111", Name: "Contoso", Domain: "contoso.com"},
		Subscription: &azure.Subscription{ID: "00000001-0000-4000-8000-000000000001", Name: "Prod", State: "Enabled", TenantID: "11111111-1111-1111-1111-111111111111"},
		Environment:  azure.Public.Name,
	}
}
