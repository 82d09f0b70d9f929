//go:build unix

package pwsh

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/az-ctx/az-ctx/test/azure"
)

// No token and no secret is in a file of the user's, a transcript of all that was
// said among them, nor in an argument or a variable of a process that was started.
func TestNothingLeaks(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("missing: strace")
	}
	u, cloud := robots(t)
	u.ok(atDesk + withKey + "newkey")
	bare, err := cloud.Issue(azure.Bob, azure.ContosoTenant, "https://management.core.windows.net/")
	if err != nil {
		t.Fatal(err)
	}
	assertion := pipeline.Assertion(10 * time.Minute)
	// The script reads them where nobody looks, and has no variable with one.
	u.env = slices.DeleteFunc(u.env, func(v string) bool { return strings.HasPrefix(v, "SECRET=") || strings.HasPrefix(v, "PASSWORD=") })
	aside := t.TempDir()
	for name, text := range map[string]string{"secret": cloud.Secret(azure.RobotC), "password": password, "assertion": assertion, "bare": bare} {
		if err := os.WriteFile(filepath.Join(aside, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	script := u.write("script.ps1", prelude+initLine+`
function read($name) { ConvertTo-SecureString ([IO.File]::ReadAllText("`+aside+`/$name")) -AsPlainText -Force }
$id = '`+azure.RobotC+`'
$robot = @{ ServicePrincipal = $true; Tenant = 'contoso.com' }
$credential = New-Object pscredential $id, (read secret)
$ErrorActionPreference = $VerbosePreference = $DebugPreference = $InformationPreference = 'Continue'
Start-Transcript transcript
Connect-AzCtxAccount -UseDeviceAuthentication
Get-AzCtxAccessToken | Format-List *
Get-AzCtxAccessToken -ResourceTypeName KeyVault | Out-String
Invoke-AzCtx $dev { sh -c 'az-ctx current' }
Start-Job { az-ctx token | Out-Null; Get-AzCtx } | Receive-Job -Wait
Connect-AzCtxAccount @robot -Credential $credential
Connect-AzCtxAccount @robot -ApplicationId $id -CertificatePath locked.pfx -CertificatePassword (read password)
Get-AzCtxAccessToken
Connect-AzCtxAccount @robot -ApplicationId $id -FederatedToken (read assertion)
Get-AzCtxAccessToken
Connect-AzCtxAccount -AccessToken (read bare) -AccountId bob
Get-AzCtxAccessToken
Connect-AzCtxAccount -UseDeviceAuthentication -Scope Process
Get-AzCtx -ListAvailable | ConvertTo-Json -Depth 9 | Set-Content contexts.json
Save-AzCtx saved.json
az-ctx agent stop --force
Connect-AzCtxAccount @robot -ApplicationId nobody -FederatedToken (read assertion)
Connect-AzCtxAccount @robot -Credential (New-Object pscredential nobody, (read secret))
Connect-AzCtxAccount @robot -ApplicationId $id -CertificatePath locked.pfx -CertificatePassword (read secret)
Connect-AzCtxAccount -AccessToken (read secret) -AccountId bob
$Error | Format-List * -Force
is errors $Error.Count 4
Stop-Transcript
'the end'`)
	trace := filepath.Join(aside, "trace")
	c := exec.Command(strace, "-f", "--seccomp-bpf", "-qq", "-v", "-s", "1000000", "-e", "trace=execve", "-o", trace, pwsh, "-NoProfile", "-File", script)
	c.Env, c.Dir = u.env, u.home
	out, err := c.CombinedOutput()
	if err != nil || strings.Contains(string(out), "FAIL") || !strings.HasSuffix(string(out), "the end\n") {
		t.Errorf("%v\n%s", err, out)
	}
	raw, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	secrets := append(cloud.Secrets(), password, assertion)
	for what, text := range map[string]string{"an argument or a variable": string(raw), "what was said": string(out)} {
		if !strings.Contains(text, "bob") || what != "what was said" && !strings.Contains(text, "IDENTITY_HEADER=") {
			t.Errorf("%s is of something else", what)
		}
		if slices.ContainsFunc(secrets, func(s string) bool { return strings.Contains(text, s) }) {
			t.Errorf("a token or secret is in %s", what)
		}
	}
	if raw, err := os.ReadFile(u.path("transcript")); err != nil || !strings.Contains(string(raw), "devicelogin") {
		t.Errorf("the transcript is of something else (%v)", err)
	}
	u.hidesSecrets(cloud, password, assertion)
}
