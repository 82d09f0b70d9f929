//go:build unix

package pwsh

import "testing"

// standIn is an Az.Accounts that writes down how it was called.
const standIn = `
function Connect-AzAccount {
    [CmdletBinding()]
    param([switch]$Identity, [string]$AccountId, [string]$Tenant, [string]$Subscription, [switch]$SkipContextPopulation, [string]$Scope)
    Add-Content $HOME/calls "$Identity $([guid]$AccountId -ne [guid]::Empty) $Tenant $Subscription $SkipContextPopulation $Scope in $env:AZ_CTX_NAME"
    Add-Content $HOME/accounts $AccountId
    if ($env:AZ_FAILS) { throw 'no endpoint' }
    if ($env:AZ_HANGS) { Start-Sleep 100 }
    'an object'
}
`

func TestAzAccountsFollow(t *testing.T) {
	u := borrower(t)
	u.write("modules/Az.Accounts/Az.Accounts.psm1", standIn)
	u.ok(imported + `
$env:PSModulePath = (Join-Path $HOME modules) + ':' + $env:PSModulePath
$null = Select-AzCtx $dev
is off (Test-Path ~/calls) False
az-ctx config azps on
is one @(Select-AzCtx mycontext).Count 1
$null = Set-AzCtx -Subscription 'Fabrikam Dev'
$Error.Clear()
$env:AZ_FAILS = 1
$null = Select-AzCtx mycontext -WarningVariable said -WarningAction SilentlyContinue
has failed "$said" 'Az.Accounts did not follow: no endpoint'
is active $env:AZ_CTX_NAME mycontext
$env:AZ_FAILS = ''
$env:AZ_HANGS = 1
& (Get-Module AzCtx) { $script:azLimit = 1 }
$null = Select-AzCtx $dev -WarningVariable said -WarningAction SilentlyContinue
has late "$said" 'no answer within 1 seconds'
is active $env:AZ_CTX_NAME $dev
is Error $Error.Count 0
is calls ((Get-Content ~/calls) -join '+') (@(
    'True True aaaaaaaa-0000-4000-8000-000000000001 00000001-0000-4000-8000-000000000000 True Process in mycontext'
    "True True ffffffff-0000-4000-8000-000000000009 00900001-0000-4000-8000-000000000000 True Process in $dev"
    'True True aaaaaaaa-0000-4000-8000-000000000001 00000001-0000-4000-8000-000000000000 True Process in mycontext'
    "True True ffffffff-0000-4000-8000-000000000009 00900001-0000-4000-8000-000000000000 True Process in $dev"
) -join '+')
is accounts @(Get-Content ~/accounts | Sort-Object -Unique).Count 4`)
}

// Without Az.Accounts there is a warning, and the switch stands.
func TestAzAccountsMissing(t *testing.T) {
	borrower(t).ok(imported + `
az-ctx config azps on
$null = Select-AzCtx $dev -WarningVariable said -WarningAction SilentlyContinue
has missing "$said" "Az.Accounts did not follow: "
is active $env:AZ_CTX_NAME $dev`)
}
