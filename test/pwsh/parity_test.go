//go:build unix

package pwsh

import "testing"

// The lines of parity.md that the module touches, by the scenarios of
// test/parity.

func TestP11P12P13P14Looking(t *testing.T) {
	borrower(t).ok(`
is none @(Get-AzCtx).Count 0
` + imported + `
is active (Get-AzCtx).Name mycontext
is all @(Get-AzCtx -ListAvailable).Count 8
is case (Get-AzCtx MYCONTEXT).Name mycontext
is default @(Get-AzCtx -ListAvailable | Where-Object Default).Count 0
is borrowed (Get-AzCtx).Account.Borrowed True
is text "$(Get-AzCtx) in $((Get-AzCtx).Environment)" 'mycontext in AzureCloud'
is 'other paths' "$((Get-AzCtx).Subscription.SubscriptionId) $((Get-AzCtx).Tenant.TenantId)" "$((Get-AzCtx).Subscription.Id) $((Get-AzCtx).Tenant.Id)"

fails NotFound { Get-AzCtx 'Contoso Prod 1' }`)
}

func TestP17P18P20P21P22P23P24Set(t *testing.T) {
	borrower(t).ok(imported + `
$n = @(Get-AzCtx -ListAvailable).Count
is id (Set-AzCtx -Subscription 00900001-0000-4000-8000-000000000000).Name $dev
is name (Set-AzCtx 'contoso prod 1').Name mycontext
is both (Set-AzCtx -Subscription 'shared services' -Tenant Contoso).Subscription.Id 00000003-0000-4000-8000-000000000000
is tenant (Set-AzCtx -Tenant fabrikam.com).Subscription.Id 00900001-0000-4000-8000-000000000000
is 'a tenant alone' (Set-AzCtx -Tenant adatum.com).Name 'dddddddd-0000-4000-8000-00000000000d - alice@contoso.com'
$at = $env:AZ_CTX_NAME
fails NotFound { Set-AzCtx -Subscription 'no such' }
is still $env:AZ_CTX_NAME $at
is doubled @(Get-AzCtx -ListAvailable).Count $n
is one (Set-AzCtx -Subscription 'Fabrikam Dev' -Name one).Name one
is TWO (Set-AzCtx -Subscription 'Fabrikam Dev' -Name ONE).Name one
is more @(Get-AzCtx -ListAvailable).Count ($n + 1)`)
}

func TestP19P27Warnings(t *testing.T) {
	borrower(t).ok(imported + `
$c = Set-AzCtx -Subscription 'shared services' -WarningVariable said -WarningAction SilentlyContinue
is home $c.Subscription.Id 00900003-0000-4000-8000-000000000000
has several "$said" 'several subscriptions are named "shared services"'
$null = Set-AzCtx -Subscription 'Contoso Old' -WarningVariable said -WarningAction SilentlyContinue
has disabled "$said" disabled
$WarningPreference = 'Stop'
try { $null = Set-AzCtx -Subscription 'Contoso Old'; 'FAIL the warning stops nothing' } catch { has stopped "$_" WarningPreference }`)
}

func TestP25P26ExistingName(t *testing.T) {
	borrower(t).ok(imported + `
fails Failed { Set-AzCtx -Subscription 'Fabrikam Dev' -Name mycontext }
is untouched (Get-AzCtx mycontext).Subscription.Name 'Contoso Prod 1'
is replaced (Set-AzCtx -Subscription 'Fabrikam Dev' -Name mycontext -Force).Subscription.Name 'Fabrikam Dev'`)
}

func TestP29SelectNeverCreates(t *testing.T) {
	borrower(t).ok(imported + `
$n = @(Get-AzCtx -ListAvailable).Count
fails NotFound { Select-AzCtx mycontxt }
has near "$($Error[0])" 'near: mycontext'
fails NotFound { Select-AzCtx 'Contoso Prod 1' }
is count @(Get-AzCtx -ListAvailable).Count $n
is active $env:AZ_CTX_NAME mycontext`)
}

func TestP31P32P36Scope(t *testing.T) {
	borrower(t).ok(imported + `
$null = Select-AzCtx mycontext -Scope CurrentUser
$null = Select-AzCtx $dev
is default (Get-AzCtx -ListAvailable | Where-Object Default).Name mycontext
is back (Select-AzCtx -).Name mycontext
$PSDefaultParameterValues['Select-AzCtx:Scope'] = 'CurrentUser'
$null = Select-AzCtx $dev
is habit (Get-AzCtx -ListAvailable | Where-Object Default).Name $dev`)
}

func TestP40P41P42P43P44RenameRemove(t *testing.T) {
	borrower(t).ok(imported + `
is given (Rename-AzCtx mycontext other -PassThru).Active True
is active $env:AZ_CTX_NAME other
fails Failed { Rename-AzCtx other $dev }
Rename-AzCtx other other
is forced (Rename-AzCtx other $dev -Force -PassThru).Subscription.Name 'Contoso Prod 1'
$china, $ci = (Get-AzCtx -ListAvailable | Where-Object Name -Match 'China|CI').Name
Remove-AzCtx $china, $ci
fails NotFound { Get-AzCtx $china }
fails NotFound { Remove-AzCtx $china }
fails Failed { Remove-AzCtx $dev }
is active $env:AZ_CTX_NAME $dev
Remove-AzCtx $dev -Force -WarningAction SilentlyContinue
is 'signed out' "$env:AZ_CTX_NAME$env:ARM_SUBSCRIPTION_ID" ''
has directory $env:AZURE_CONFIG_DIR az-ctx
fails SignInNeeded { Get-AzCtxAccessToken }`)
}

func TestP50P52P56(t *testing.T) {
	u := borrower(t)
	u.write("bad.json", `{"format":"az-ctx","contexts":[`)
	u.ok(imported + `
Clear-AzCtx -Scope Process -Force -Verbose 4>&1 | Where-Object { "$_" -match 'what is saved stays' } | ForEach-Object { $said = $true }
is 'says so' $said True
is 'still saved' (Get-ChildItem ~/.config/az-ctx/contexts).Count 8
Enable-AzCtxAutosave
fails Failed { Import-AzCtx bad.json }
` + "Save-AzCtx kept.json; fails Failed { Save-AzCtx kept.json }; Save-AzCtx kept.json -Force")
}

func TestP60P61P65P66Autosave(t *testing.T) {
	borrower(t).ok(imported + `
is on (Get-AzCtxAutosaveSetting).Mode CurrentUser
Disable-AzCtxAutosave -Scope Process -Verbose 4>&1 | ForEach-Object { $said += "$_" }
has 'how to delete' $said 'az-ctx clear'
is off (Get-AzCtxAutosaveSetting).Mode Process
is user (Get-AzCtxAutosaveSetting -Scope CurrentUser).Mode CurrentUser
Enable-AzCtxAutosave
is wins (Get-AzCtxAutosaveSetting).Mode Process
is paths (Test-Path (Get-AzCtxAutosaveSetting).ContextDirectory) True`)
}
