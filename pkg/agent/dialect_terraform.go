package agent

import "net/http"

const terraformPath = "/metadata/identity/oauth2/token"

// terraform is what azurerm and Pulumi's azure-native speak: ARM_MSI_ENDPOINT,
// as the instance metadata service has it, with any api-version. It sends no
// secret of its own, so the key is in the path; the X-IDENTITY-HEADER that newer
// versions add counts for nothing.
func terraform() dialect {
	return dialect{
		name: "terraform", method: http.MethodGet, path: terraformPath,
		ask:    askQuery,
		answer: microsoftAnswer,
		fault:  microsoftFault,
	}
}
