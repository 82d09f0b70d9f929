package signin

import (
	"os"
	"testing"
	"time"

	"github.com/az-ctx/az-ctx/test/azure"
	"github.com/az-ctx/az-ctx/test/terminal"
)

// env --with-secrets is for a tool elsewhere: with nothing but what it prints a
// service principal's own sign-in works. Without the flag no secret is printed,
// and nobody else's is ever.
func TestEnvWithSecrets(t *testing.T) {
	python := os.Getenv("AZ_CTX_TEST_PYTHON")
	if python == "" {
		t.Skip("missing: python with azure-identity (AZ_CTX_TEST_PYTHON)")
	}
	const password = "test-password-of-the-pfx"
	p := newPair(t)
	u := newUser(t, azure.Options{})
	u.trust(p)
	u.as(azure.Alice)
	u.write("secret", []byte(u.cloud.Secret(azure.RobotC)))
	u.write("robot.pem", p.pem(t))
	u.write("locked.pfx", p.pfx(t, password))
	u.write("federated.jwt", []byte(pipeline.Assertion(10*time.Minute)))
	u.write("ask.py", []byte(`
import os
from azure.identity import EnvironmentCredential, WorkloadIdentityCredential
credential = WorkloadIdentityCredential() if "AZURE_FEDERATED_TOKEN_FILE" in os.environ else EnvironmentCredential()
print(credential.get_token("https://management.azure.com/.default").token)
`))
	x := u.open()
	for connect, says := range map[string]string{
		robot + " --client-secret-stdin <secret":                                        "AZURE_CLIENT_SECRET",
		robot + " --certificate robot.pem":                                              "AZURE_CLIENT_CERTIFICATE_PATH",
		robot + " --certificate locked.pfx --certificate-password-stdin <<<" + password: "AZURE_CLIENT_CERTIFICATE_PASSWORD",
		robot + " --federated-token-file federated.jwt":                                 "AZURE_FEDERATED_TOKEN_FILE",
	} {
		x.OK(connect)
		terminal.Lacks(t, connect, x.OK("az-ctx env"), says, u.cloud.Secret(azure.RobotC), password)
		out := x.OK(`az-ctx deselect; (eval "$(az-ctx env --with-secrets --context ` + prod + `)"; printenv ` + says + ` >/dev/null && ` + python + ` ask.py)`)
		if claims, err := azure.Claims(out); err != nil || claims["appid"] != azure.RobotC || claims["tid"] != azure.ContosoTenant {
			t.Errorf("%s: the token says %v (%v)", connect, claims, err)
		}
	}
	terminal.Contains(t, "with an owner", x.Fails(2, "az-ctx env --with-secrets --context "+prod+" --owner $$"), "--owner")
	x.OK("az-ctx clear --force")
	x.OK(robot + " --client-secret-stdin --scope process <secret")
	terminal.Contains(t, "in memory", x.Fails(1, "az-ctx env --with-secrets"), "gives none out")
	x.OK("az-ctx clear --force; " + device)
	terminal.Contains(t, "a user", x.Fails(2, "az-ctx env --with-secrets"), "no service principal")
}
