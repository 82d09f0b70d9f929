package azps

import (
	"testing"

	"github.com/az-ctx/az-ctx/pkg/azure"
)

// The words are those of Get-AzAccessToken, and each cloud has its own resources.
func TestResource(t *testing.T) {
	own := azure.Cloud{Name: "Lab", Audience: "https://management.lab.example"}
	for _, c := range []struct {
		cloud      azure.Cloud
		kind, want string
	}{
		{azure.Public, "KeyVault", "https://vault.azure.net"},
		{azure.China, "keyvault", "https://vault.azure.cn"},
		{azure.USGovernment, "MSGraph", "https://graph.microsoft.us/"},
		{azure.USGovernment, "Arm", azure.USGovernment.Audience},
		{azure.China, "DataLake", ""},
		{azure.Public, "NoSuch", ""},
		{own, "ResourceManager", own.Audience},
		{own, "Storage", "https://storage.azure.com/"},
		{own, "KeyVault", ""},
	} {
		if got := Resource(c.cloud, c.kind); got != c.want {
			t.Errorf("%s in %s: %q, wanted %q", c.kind, c.cloud.Name, got, c.want)
		}
	}
}
