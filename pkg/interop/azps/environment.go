package azps

import (
	"slices"
	"strings"

	"github.com/az-ctx/az-ctx/pkg/azure"
)

// The environments that Azure PowerShell has built in, a column each: public,
// China, US government. Names, values and order are those of AzureEnvironment
// in Azure/azure-powershell-common (AzureEnvironment.cs, .BuiltIn.cs and
// AzureEnvironmentConstants.cs); "" is null there.
var endpoints = [][4]string{
	{"ServiceManagementUrl", "https://management.core.windows.net/", "https://management.core.chinacloudapi.cn/", "https://management.core.usgovcloudapi.net/"},
	{"ResourceManagerUrl", "https://management.azure.com/", "https://management.chinacloudapi.cn/", "https://management.usgovcloudapi.net/"},
	{"ManagementPortalUrl", "https://portal.azure.com/", "https://portal.azure.cn/", "https://portal.azure.us/"},
	{"PublishSettingsFileUrl", "https://go.microsoft.com/fwlink/?LinkID=301775", "https://go.microsoft.com/fwlink/?LinkID=301776", "https://manage.windowsazure.us/publishsettings/index"},
	{"ActiveDirectoryAuthority", "https://login.microsoftonline.com/", "https://login.chinacloudapi.cn/", "https://login.microsoftonline.us/"},
	{"GalleryUrl", "https://gallery.azure.com/", "https://gallery.azure.com/", "https://gallery.azure.com/"},
	{"GraphUrl", "https://graph.windows.net/", "https://graph.chinacloudapi.cn/", "https://graph.microsoftazure.us/"},
	{"ActiveDirectoryServiceEndpointResourceId", "https://management.core.windows.net/", "https://management.core.chinacloudapi.cn/", "https://management.core.usgovcloudapi.net/"},
	{"StorageEndpointSuffix", "core.windows.net", "core.chinacloudapi.cn", "core.usgovcloudapi.net"},
	{"SqlDatabaseDnsSuffix", ".database.windows.net", ".database.chinacloudapi.cn", ".database.usgovcloudapi.net"},
	{"TrafficManagerDnsSuffix", "trafficmanager.net", "trafficmanager.cn", "usgovtrafficmanager.net"},
	{"AzureKeyVaultDnsSuffix", "vault.azure.net", "vault.azure.cn", "vault.usgovcloudapi.net"},
	{"AzureKeyVaultServiceEndpointResourceId", "https://vault.azure.net", "https://vault.azure.cn", "https://vault.usgovcloudapi.net"},
	{"GraphEndpointResourceId", "https://graph.windows.net/", "https://graph.chinacloudapi.cn/", "https://graph.microsoftazure.us/"},
	{"DataLakeEndpointResourceId", "https://datalake.azure.net/", "", ""},
	{"BatchEndpointResourceId", "https://batch.core.windows.net/", "https://batch.chinacloudapi.cn/", "https://batch.core.usgovcloudapi.net/"},
	{"AzureDataLakeAnalyticsCatalogAndJobEndpointSuffix", "azuredatalakeanalytics.net", "", ""},
	{"AzureDataLakeStoreFileSystemEndpointSuffix", "azuredatalakestore.net", "", ""},
	{"AdTenant", "Common", "Common", "Common"},
	{"ContainerRegistryEndpointSuffix", "azurecr.io", "azurecr.cn", "azurecr.us"},
}

var extendedEndpoints = [][4]string{
	{"AzureAttestationServiceEndpointSuffix", "attest.azure.net", "", ""},
	{"AzureAttestationServiceEndpointResourceId", "https://attest.azure.net", "", ""},
	{"MicrosoftGraphEndpointResourceId", "https://graph.microsoft.com/", "https://microsoftgraph.chinacloudapi.cn/", "https://graph.microsoft.us/"},
	{"MicrosoftGraphUrl", "https://graph.microsoft.com", "https://microsoftgraph.chinacloudapi.cn", "https://graph.microsoft.us"},
	{"AzureSynapseAnalyticsEndpointSuffix", "dev.azuresynapse.net", "dev.azuresynapse.azure.cn", "dev.azuresynapse.usgovcloudapi.net"},
	{"AzureSynapseAnalyticsEndpointResourceId", "https://dev.azuresynapse.net", "https://dev.azuresynapse.azure.cn", "https://dev.azuresynapse.usgovcloudapi.net"},
	{"OperationalInsightsEndpoint", "https://api.loganalytics.io/v1", "https://api.loganalytics.azure.cn/v1", "https://api.loganalytics.us/v1"},
	{"OperationalInsightsEndpointResourceId", "https://api.loganalytics.io", "https://api.loganalytics.azure.cn", "https://api.loganalytics.us"},
	{"AzureAnalysisServicesEndpointSuffix", "asazure.windows.net", "asazure.chinacloudapi.cn", "asazure.usgovcloudapi.net"},
	{"AnalysisServicesEndpointResourceId", "https://region.asazure.windows.net", "https://region.asazure.chinacloudapi.cn", "https://region.asazure.usgovcloudapi.net"},
	{"ManagedHsmServiceEndpointResourceId", "https://managedhsm.azure.net", "https://managedhsm.azure.cn", "https://managedhsm.usgovcloudapi.net"},
	{"ManagedHsmServiceEndpointSuffix", "managedhsm.azure.net", "managedhsm.azure.cn", "managedhsm.usgovcloudapi.net"},
	{"AzurePurviewEndpointSuffix", "purview.azure.net", "", ""},
	{"AzurePurviewEndpointResourceId", "https://purview.azure.net", "", ""},
	{"AzureAppConfigurationEndpointSuffix", "azconfig.io", "azconfig.azure.cn", "azconfig.azure.us"},
	{"AzureAppConfigurationEndpointResourceId", "https://azconfig.io", "https://azconfig.azure.cn", "https://azconfig.azure.us"},
	{"ContainerRegistryEndpointResourceId", "https://management.azure.com", "https://management.chinacloudapi.cn", "https://management.usgovcloudapi.net"},
	{"AzureCommunicationEmailEndpointSuffix", "communication.azure.com", "", ""},
	{"AzureCommunicationEmailEndpointResourceId", "https://communication.azure.com", "", ""},
	{"AzureSshAuthScope", "https://pas.windows.net/CheckMyAccess/Linux/.default", "https://pas.chinacloudapi.cn/CheckMyAccess/Linux/.default", "https://pasff.usgovcloudapi.net/CheckMyAccess/Linux/.default"},
}

// resourceTypes are the words of Get-AzAccessToken -ResourceTypeName, each with the
// endpoint whose resource id it stands for (SupportedResourceNames and
// GetAzureRmAccessToken.cs in Azure/azure-powershell).
var resourceTypes = map[string]string{
	"AadGraph": "GraphEndpointResourceId", "AnalysisServices": "AnalysisServicesEndpointResourceId", "AppConfiguration": "AzureAppConfigurationEndpointResourceId",
	"Attestation": "AzureAttestationServiceEndpointResourceId", "Batch": "BatchEndpointResourceId", "CommunicationEmail": "AzureCommunicationEmailEndpointResourceId",
	"DataLake": "DataLakeEndpointResourceId", "KeyVault": "AzureKeyVaultServiceEndpointResourceId", "MSGraph": "MicrosoftGraphEndpointResourceId",
	"ManagedHsm": "ManagedHsmServiceEndpointResourceId", "OperationalInsights": "OperationalInsightsEndpointResourceId", "Synapse": "AzureSynapseAnalyticsEndpointResourceId",
}

// Resource is what a token for that type of resource is asked for in the cloud;
// "" where it is not known. The types are Get-AzAccessToken's, in any case.
func Resource(c azure.Cloud, kind string) string {
	switch strings.ToLower(kind) {
	case "arm", "resourcemanager":
		return c.Audience
	case "storage":
		return "https://storage.azure.com/" // in every cloud
	}
	column := builtIn(c)
	if column == 0 {
		return ""
	}
	for name, endpoint := range resourceTypes {
		for _, e := range slices.Concat(endpoints, extendedEndpoints) {
			if strings.EqualFold(name, kind) && e[0] == endpoint {
				return e[column]
			}
		}
	}
	return ""
}

// builtIn is the cloud's column above; 0 where it has none.
func builtIn(c azure.Cloud) int {
	return 1 + slices.IndexFunc(azure.PublicClouds(), func(k azure.Cloud) bool { return strings.EqualFold(k.Name, c.Name) })
}

// environmentOf is the cloud as an environment. Of one that is not built in,
// only what az-ctx knows is said.
func environmentOf(c azure.Cloud) object {
	column, kind := builtIn(c), "Built-in"
	if column == 0 {
		kind = "User-defined"
	}
	custom := map[string]string{
		"ResourceManagerUrl":                       slash(c.ResourceManager),
		"ActiveDirectoryAuthority":                 slash(c.Authority),
		"ServiceManagementUrl":                     c.Audience,
		"ActiveDirectoryServiceEndpointResourceId": c.Audience,
	}
	o := object{{"Name", c.Name}, {"Type", kind}, {"OnPremise", false}}
	for _, e := range endpoints {
		text := e[column]
		if column == 0 {
			text = custom[e[0]]
		}
		if text == "" {
			o = append(o, field{e[0], nil})
		} else {
			o = append(o, field{e[0], text})
		}
	}
	extended := object{}
	for _, e := range extendedEndpoints {
		if column > 0 && e[column] != "" {
			extended = append(extended, field{e[0], e[column]})
		}
	}
	return append(o, field{"VersionProfiles", []string{}}, field{"ExtendedProperties", extended})
}

// slash ends a URL as Azure PowerShell does.
func slash(url string) string {
	if url == "" {
		return ""
	}
	return url + "/"
}
