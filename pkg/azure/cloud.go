package azure

import "strings"

// Cloud is where accounts sign in and resources live. URLs carry no trailing
// slash, but for Audience, which is a token's resource to the letter.
type Cloud struct {
	Name            string `json:"name"`
	ResourceManager string `json:"resourceManager"`
	Authority       string `json:"authority"`
	Audience        string `json:"audience"` // the resource that az and Terraform ask a token for
}

// The public clouds; values as azure-cli's `az cloud list` has them.
var (
	Public = Cloud{
		Name: "AzureCloud", ResourceManager: "https://management.azure.com",
		Authority: "https://login.microsoftonline.com", Audience: "https://management.core.windows.net/",
	}
	China = Cloud{
		Name: "AzureChinaCloud", ResourceManager: "https://management.chinacloudapi.cn",
		Authority: "https://login.chinacloudapi.cn", Audience: "https://management.core.chinacloudapi.cn/",
	}
	USGovernment = Cloud{
		Name: "AzureUSGovernment", ResourceManager: "https://management.usgovcloudapi.net",
		Authority: "https://login.microsoftonline.us", Audience: "https://management.core.usgovcloudapi.net/",
	}
)

// PublicClouds are those that everybody's tools know.
func PublicClouds() []Cloud { return []Cloud{Public, China, USGovernment} }

// BuiltIn finds one of the public clouds by its name, ignoring case.
func BuiltIn(name string) (Cloud, bool) {
	for _, c := range PublicClouds() {
		if strings.EqualFold(c.Name, name) {
			return c, true
		}
	}
	return Cloud{}, false
}

// ARMName is Terraform's word for a public cloud, "" for any other
// (ARM_ENVIRONMENT in the azurerm provider's documentation).
func ARMName(cloud string) string {
	switch strings.ToLower(cloud) {
	case "azurecloud":
		return "public"
	case "azurechinacloud":
		return "china"
	case "azureusgovernment":
		return "usgovernment"
	}
	return ""
}
