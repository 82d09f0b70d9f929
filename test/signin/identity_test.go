package signin

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/az-ctx/az-ctx/test/azure"
	"github.com/az-ctx/az-ctx/test/terminal"
)

// P7: this machine's managed identity, which needs the machine's own header, and
// so stays with its terminal. Ours is never taken for the machine's.
func TestP7ManagedIdentity(t *testing.T) {
	u := newUser(t, azure.Options{})
	asked := make(chan string, 100)
	machine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		resource := r.URL.Query().Get("resource")
		asked <- resource
		value, err := u.cloud.Issue(azure.RobotC, azure.ContosoTenant, resource)
		if err != nil || r.Header.Get("X-IDENTITY-HEADER") != "of-this-machine" {
			http.Error(w, `{"statusCode":400,"message":"no such identity"}`, http.StatusBadRequest)
			return
		}
		end := strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10)
		json.NewEncoder(w).Encode(map[string]string{"access_token": value, "expires_on": end, "resource": resource, "token_type": "Bearer"})
	}))
	t.Cleanup(machine.Close)
	x := u.open()
	x.OK("export IDENTITY_ENDPOINT=" + machine.URL + "/msi/token IDENTITY_HEADER=of-this-machine")
	out, status := x.Run("az-ctx connect --identity --tenant " + azure.ContosoTenant + " --scope user")
	if status != 2 {
		t.Errorf("--scope user: status %d\n%s", status, out)
	}
	x.OK("az-ctx connect --identity --tenant " + azure.ContosoTenant)
	terminal.Contains(t, "get", x.OK("az-ctx get -o json"), `"type": "managedIdentity"`, `"scope": "process"`)
	if got := x.OK("az group list -o tsv --query '[].name'"); !strings.Contains(got, "rg-contoso-prod-robot") {
		t.Errorf("az sees %s", got)
	}
	// A second time, out of the context: the machine is asked, not our agent.
	for len(asked) > 0 {
		<-asked
	}
	x.OK("az-ctx connect --identity --tenant " + azure.ContosoTenant)
	if len(asked) == 0 {
		t.Error("the machine was not asked again")
	}
	terminal.Contains(t, "deselect", x.OK(`az-ctx deselect; echo "$IDENTITY_ENDPOINT $IDENTITY_HEADER"`), machine.URL+"/msi/token of-this-machine")
}
