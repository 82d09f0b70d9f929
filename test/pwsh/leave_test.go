//go:build unix

package pwsh

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/az-ctx/az-ctx/test/azure"
)

// The last context of an account takes its tokens along, also those of a tenant
// that had a sign-in of its own.
func TestP45LastContextTakesTheTokens(t *testing.T) {
	u, _ := desk(t, map[string]func(*azure.World){"mfa": fabrikamWantsMore})
	u.ok(atDesk + `
everybody
cloud mfa
$null = Connect-AzCtxAccount -UseDeviceAuthentication -Tenant fabrikam.com 6>$null
is held @(held).Count 4
Remove-AzCtx $dev -Force
$last, $first, $more = Get-AzCtx -ListAvailable | Where-Object { $_.Account.Id -ceq 'alice@contoso.com' }
is hers $more.Count 1
$null = $last | Select-AzCtx
$first | Remove-AzCtx
$more | Remove-AzCtx
works 'one is left' (Get-AzCtx)
is 'still held' (@(held | Select-String a11ce000).Count -gt 0) True
$last | Remove-AzCtx -Force
is left (whose (Get-AzCtx -ListAvailable)) 'bob robot'
is held @(held).Count 2
is 'not hers' @(held | Select-String a11ce000).Count 0
fails SignInNeeded { Get-AzCtxAccessToken }
works others (Get-AzCtx -ListAvailable)`)
}

// Disconnect takes the active account, or one by its name, a context, a client
// id, an object.
func TestP46P47P48DisconnectEachWay(t *testing.T) {
	u, _ := desk(t, nil)
	u.ok(atDesk + `
Disconnect-AzCtxAccount # P48: nobody was ever signed in
$ways = [ordered]@{
    'the active one' = { Disconnect-AzCtxAccount }, 'bob robot'
    'by name' = { Disconnect-AzCtxAccount BOB@contoso.com }, 'alice robot'
    'by the name of a context' = { Disconnect-AzCtxAccount -ContextName $dev }, 'bob robot'
    'by client id' = { Disconnect-AzCtxAccount -ApplicationId $credential.UserName }, 'alice bob'
    'by client id and tenant' = { Disconnect-AzCtxAccount -ApplicationId $credential.UserName -TenantId contoso.com }, 'alice bob'
    'by a context' = { Get-AzCtx | Disconnect-AzCtxAccount }, 'bob robot'
    'by an account' = { Disconnect-AzCtxAccount -InputObject (Get-AzCtx).Account }, 'bob robot'
    'of another tenant' = { Disconnect-AzCtxAccount -ApplicationId $credential.UserName -TenantId fabrikam.com }, 'alice bob robot'
    'nobody' = { Disconnect-AzCtxAccount -Username nobody@contoso.com }, 'alice bob robot'
}
foreach ($way in $ways.Keys) {
    $disconnect, $left = $ways[$way]
    everybody
    $before = Get-AzCtx -ListAvailable
    is "$way, held before" @(held).Count 3
    & $disconnect
    $after = Get-AzCtx -ListAvailable
    is "P46 $way" (whose $after) $left
    is "P47 $way" ($after.Name -join '+') (($before | Where-Object { (whose $_) -in $left.Split(' ') }).Name -join '+')
    is "$way, held" @(held).Count $left.Split(' ').Count
    if ($left -ceq 'bob robot') {
        is "$way, signed out" "$env:AZ_CTX_NAME$env:ARM_SUBSCRIPTION_ID" ''
        fails SignInNeeded { Get-AzCtxAccessToken }
        Disconnect-AzCtxAccount # P48
        is "P48 $way" (whose (Get-AzCtx -ListAvailable)) $left
        is "P48 $way, held" @(held).Count 2
    }
}`)
}

// All contexts of the account go, those by other names too; the others' stay, and
// so do their tokens.
func TestP47DisconnectLeavesOtherAccounts(t *testing.T) {
	u, _ := desk(t, nil)
	u.ok(atDesk + `
everybody
$null = Set-AzCtx -Subscription 'Contoso Test' -Name again
$others = Get-AzCtx -ListAvailable | Where-Object { $_.Account.Id -cne 'alice@contoso.com' }
$theirs = held | Select-String -NotMatch a11ce000
is both "$(whose $others) $($theirs.Count)" 'bob robot 2'
Disconnect-AzCtxAccount -Username alice@contoso.com
is left (names) (($others.Name | Sort-Object) -join '+')
is held (@(held) -join '+') ($theirs -join '+')
is 'SignIn' (((Get-AzCtx -ListAvailable).SignIn | Sort-Object -Unique) -join '+') ok
works others (Get-AzCtx -ListAvailable)`)
}

// Clear leaves no context, token or secret, even where a file or an entry is
// broken.
func TestP49ClearLeavesNothing(t *testing.T) {
	u, cloud := desk(t, nil)
	u.ok(atDesk + `
everybody
$null = Get-AzCtxAccessToken
$before = saved
fails Failed { Clear-AzCtx }
is refused (saved) $before
Clear-AzCtx -Scope Process -Force
is 'P50' (saved) $before
$broken = @{}
foreach ($file in Get-ChildItem ~/.config/az-ctx/contexts) {
    $text = [IO.File]::ReadAllText($file)
    foreach ($who in 'alice@contoso.com', $credential.UserName) {
        if ($text.Contains($who) -and -not $broken[$who]) {
            $broken[$who] = 1
            [IO.File]::WriteAllText($file, $text.Substring(0, $text.Length / 2))
        }
    }
}
is broken $broken.Count 2
sh -c 'printf broken | secret-tool store --label broken service az-ctx username "$0"' @(held)[0]
is held @(held).Count 3
Clear-AzCtx -Force
is contexts @(Get-AzCtx -ListAvailable).Count 0
is files (files) 0
is keyring @(held).Count 0
is active "$env:AZ_CTX_NAME$env:ARM_SUBSCRIPTION_ID" ''
fails SignInNeeded { Get-AzCtxAccessToken }
fails NotFound { Select-AzCtx $prod }
Clear-AzCtx -Force # again`)
	u.hidesSecrets(cloud)
}

// hidesSecrets finds no token, no secret and nothing more in the user's files.
func (u *user) hidesSecrets(cloud *azure.Server, more ...string) {
	u.t.Helper()
	for _, secret := range append(cloud.Secrets(), more...) {
		if out, err := exec.Command("grep", "-rlF", "--exclude-dir=keyrings", "-D", "skip", "--", secret, u.home).Output(); err == nil {
			u.t.Errorf("a secret is in %s", strings.TrimSpace(string(out)))
		}
	}
}

func fabrikamWantsMore(w *azure.World) {
	for i := range w.Tenants {
		w.Tenants[i].MFA = w.Tenants[i].ID == azure.FabrikamTenant
	}
}
