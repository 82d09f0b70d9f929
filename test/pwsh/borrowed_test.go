//go:build unix

package pwsh

import (
	"os"
	"os/exec"
	"testing"

	"github.com/az-ctx/az-ctx/test/azure"
)

// Contexts of az's own sign-in.

// withAz has the real az.
func (u *user) withAz() {
	u.t.Helper()
	az, err := azure.FindAz(false)
	if err != nil {
		u.t.Skip("missing: az: ", err)
	}
	if err := os.Mkdir(u.path("bin"), 0o700); err != nil {
		u.t.Fatal(err)
	}
	if err := os.Symlink(az, u.path("bin/az")); err != nil {
		u.t.Fatal(err)
	}
	u.onPath(u.path("bin"))
	u.env = append(u.env, "AZURE_CORE_COLLECT_TELEMETRY=0", "AZURE_CORE_SURVEY_MESSAGE=0", "AZURE_CORE_LOGIN_EXPERIENCE_V2=off")
}

// az runs az in its own directory.
func (u *user) az(args ...string) {
	u.t.Helper()
	c := exec.Command(u.path("bin/az"), args...)
	c.Env, c.Dir = u.env, u.home
	if out, err := c.CombinedOutput(); err != nil {
		u.t.Fatalf("az %q: %v\n%s", args, err, out)
	}
}

// sees is the resource groups that a token, and az, get to see.
const sees = `
function sees($token, $subscription) {
    $plain = (New-Object Net.NetworkCredential '', $token.Token).Password
    $groups = Invoke-RestMethod "https://management.azure.com/subscriptions/$subscription/resourcegroups?api-version=2021-04-01" -Headers @{ Authorization = "Bearer $plain" }
    $groups.value.name -join '+'
}
function azsees { (az group list -o tsv --query '[].name') -join '+' }
`

// A context imported from az works at once, by az's own sign-in, which stays as
// it was.
func TestP71BorrowedFromAzWorksAtOnce(t *testing.T) {
	u, _ := online(t, azure.Alice)
	u.withAz()
	u.az("login", "--use-device-code", "-o", "none")
	own := azure.AzFiles(u.home)
	u.ok(sees + imported + `
is active $env:AZ_CTX_NAME mycontext
$all = Get-AzCtx -ListAvailable
is borrowed (($all | ForEach-Object { "$($_.Account.Borrowed) $($_.SignIn)" } | Sort-Object -Unique) -join '+') 'True az'
is token (sees (Get-AzCtxAccessToken) 00000001-0000-4000-8000-000000000000) rg-contoso-prod-alice
is az (azsees) rg-contoso-prod-alice
is 'a token of another' (sees (Get-AzCtxAccessToken -DefaultProfile $dev) 00900001-0000-4000-8000-000000000000) rg-fabrikam-dev-alice
is 'az in another' (Invoke-AzCtx $dev -- az group list -o tsv --query '[].name') rg-fabrikam-dev-alice
$null = Select-AzCtx $dev
is 'az after it' (azsees) rg-fabrikam-dev-alice
is 'token after it' (Get-AzCtxAccessToken).TenantId ` + azure.FabrikamTenant + `
is saved (Get-AzCtx).Scope CurrentUser`)
	if now := azure.AzFiles(u.home); now != own {
		t.Errorf("az's own files were\n%sand are\n%s", own, now)
	}
}

// Connecting makes a borrowed account ours, with the same contexts, and az's own
// sign-in is not needed for them any more.
func TestP72BorrowedBecomesOurs(t *testing.T) {
	u, _ := desk(t, nil)
	u.withAz()
	u.az("login", "--use-device-code", "-o", "none")
	u.ok(atDesk + sees + imported + `
$before = names
is borrowed (((Get-AzCtx -ListAvailable).SignIn | Sort-Object -Unique) -join '+') az
is keyring @(held).Count 0
is given (Connect-AzCtxAccount -UseDeviceAuthentication 6>$null).Name mycontext
is same (names) $before
is ours ((Get-AzCtx -ListAvailable | ForEach-Object { "$($_.Account.Borrowed) $($_.SignIn)" } | Sort-Object -Unique) -join '+') 'False ok'
is keyring @(held).Count 1
Invoke-AzCtx mycontext -- sh -c 'env -u AZURE_CLIENT_ID AZURE_CONFIG_DIR="$HOME/.azure" az account clear'
works 'without az' (Get-AzCtx -ListAvailable)
$null = Select-AzCtx mycontext
is az (azsees) rg-contoso-prod-alice
is token (sees (Get-AzCtxAccessToken -DefaultProfile $dev) 00900001-0000-4000-8000-000000000000) rg-fabrikam-dev-alice`)
}
