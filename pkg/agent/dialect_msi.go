package agent

import (
	"errors"
	"net/http"
)

const oldMSIPath = "/oauth2/token"

// oldMSI is what az up to 2.70 speaks: MSI_ENDPOINT alone, as Cloud Shell has
// it. It sends no secret, so the key is in the path.
func oldMSI() dialect {
	return dialect{
		name: "old msi", method: http.MethodPost, path: oldMSIPath,
		ask: func(r *http.Request) (ask, error) {
			if err := r.ParseForm(); err != nil {
				return ask{}, errors.New("the form can't be read")
			}
			resource, err := oneOf(r.PostForm["resource"])
			return ask{resource: resource}, err
		},
		answer: microsoftAnswer,
		fault:  microsoftFault,
	}
}
