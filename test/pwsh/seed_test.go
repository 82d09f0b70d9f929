//go:build unix

package pwsh

import (
	"testing"

	"github.com/az-ctx/az-ctx/test/azure"
)

// Each example of "Azure PowerShell context objects", with this module's names.

const imported = "$null = az-ctx import --from az 2>&1; az-ctx rename $prod mycontext\n"

func TestSeed_ListAvailable(t *testing.T) {
	borrower(t).ok(imported + `
is count @(Get-AzCtx -ListAvailable).Count 8
is name (Get-AzCtx -ListAvailable | Where-Object Active).Name mycontext`)
}

func TestSeed_GetByName(t *testing.T) {
	borrower(t).ok(imported + `
$context = Get-AzCtx -Name "mycontext"
is name $context.Name mycontext
is subscription $context.Subscription.Name 'Contoso Prod 1'`)
}

func TestSeed_PipeSubscriptionIntoSet(t *testing.T) {
	u, _ := online(t, azure.Alice)
	u.ok(`$null = Connect-AzCtxAccount -WarningAction SilentlyContinue
Get-AzCtxSubscription -SubscriptionName 'Fabrikam Dev' -WarningAction SilentlyContinue | Set-AzCtx -Name 'MyContextName' | ForEach-Object { is given $_.Name MyContextName }
is active $env:AZ_CTX_NAME MyContextName
is subscription $env:ARM_SUBSCRIPTION_ID 00900001-0000-4000-8000-000000000000`)
}

func TestSeed_SetByNames(t *testing.T) {
	borrower(t).ok(imported + `
$null = Set-AzCtx -Name 'MyContextName' -Subscription 'Fabrikam Dev' -Tenant 'fabrikam.com'
is active $env:AZ_CTX_NAME MyContextName
is tenant $env:ARM_TENANT_ID ffffffff-0000-4000-8000-000000000009`)
}

// Without -Name the context is called by its subscription.
func TestSeed_DefaultName(t *testing.T) {
	borrower(t).ok(imported + `
is name (Set-AzCtx -Subscription 'Fabrikam Dev').Name $dev
Remove-AzCtx $dev -Force
is name (Set-AzCtx 00900001-0000-4000-8000-000000000000).Name $dev`)
}

func TestSeed_SetContextInline(t *testing.T) {
	borrower(t).ok(imported + `
$null = Select-AzCtx $dev
$null = Set-AzCtx -Context $(Get-AzCtx -Name "mycontext")
is active $env:AZ_CTX_NAME mycontext`)
}

func TestSeed_PipeContextIntoSelect(t *testing.T) {
	borrower(t).ok(imported + `
$null = Select-AzCtx $dev
$null = Get-AzCtx -Name "mycontext" | Select-AzCtx
is active $env:AZ_CTX_NAME mycontext`)
}

func TestSeed_SelectForThisProcess(t *testing.T) {
	borrower(t).ok(imported + `
$null = Select-AzCtx $dev -Scope CurrentUser
$null = Get-AzCtx -Name "mycontext" | Select-AzCtx -Scope Process
is active $env:AZ_CTX_NAME mycontext
is default (Get-AzCtx -ListAvailable | Where-Object Default).Name $dev`)
}

// New-AzVM -AzContext $context: a command in a context, and the session stays.
func TestSeed_CommandInAContext(t *testing.T) {
	borrower(t).ok(imported + `
$null = Select-AzCtx $dev
$context = Get-AzCtx -Name "mycontext"
is block (Invoke-AzCtx $context { $env:AZ_CTX_NAME }) mycontext
is command (Invoke-AzCtx $context -- sh -c 'echo "$AZ_CTX_NAME"') mycontext
is active $env:AZ_CTX_NAME $dev`)
}

func TestSeed_ConnectForThisProcess(t *testing.T) {
	u, _ := online(t, azure.Alice)
	u.ok(`$context = Connect-AzCtxAccount -Scope Process -WarningAction SilentlyContinue
is given $context.Name $env:AZ_CTX_NAME
is itself $context.Context.Name $context.Name
is account $context.Account alice@contoso.com
is kept $context.Scope Process
is saved (Test-Path ~/.config/az-ctx/contexts/*.json) False`)
}

func TestSeed_SaveAndImport(t *testing.T) {
	borrower(t).ok(imported + `
Save-AzCtx -Path current-context.json
$profileObject = Get-AzCtx -Name $dev
Save-AzCtx -Profile $profileObject -Path other-context.json
Clear-AzCtx -Force -WarningAction SilentlyContinue
is left @(Get-AzCtx -ListAvailable).Count 0
$loaded = Import-AzCtx -Path other-context.json
is loaded $loaded.Context.Name $dev
is active $env:AZ_CTX_NAME $dev
is one @(Get-AzCtx -ListAvailable).Count 1
$null = Import-AzCtx -Path current-context.json
is all @(Get-AzCtx -ListAvailable).Count 8`)
}

func TestSeed_DisableAutosaveForThisProcess(t *testing.T) {
	borrower(t).ok(imported + `
Remove-AzCtx $dev
$before = (Get-ChildItem ~/.config/az-ctx/contexts).Count
Disable-AzCtxAutosave -Scope Process
is mode (Get-AzCtxAutosaveSetting).Mode Process
$context2 = Set-AzCtx -Subscription "00900001-0000-4000-8000-000000000000" -Tenant "ffffffff-0000-4000-8000-000000000009"
is active $env:AZ_CTX_NAME $context2.Name
is kept $context2.Scope Process
is saved (Get-ChildItem ~/.config/az-ctx/contexts).Count $before
Enable-AzCtxAutosave -Scope Process
is mode (Get-AzCtxAutosaveSetting).Mode CurrentUser`)
}

func TestSeed_DisconnectActive(t *testing.T) {
	borrower(t).ok(imported + `
Disconnect-AzCtxAccount -WarningAction SilentlyContinue
is active "$env:AZ_CTX_NAME" ''
is left @(Get-AzCtx -ListAvailable | Where-Object { $_.Account.Id -eq 'alice@contoso.com' }).Count 0
is others @(Get-AzCtx -ListAvailable).Count 2`)
}

func TestSeed_DisconnectByUsername(t *testing.T) {
	borrower(t).ok(imported + `
Disconnect-AzCtxAccount -Username "alice@contoso.partner.onmschina.cn"
is left @(Get-AzCtx -ListAvailable).Count 7
is active $env:AZ_CTX_NAME mycontext`)
}

func TestSeed_DisconnectByContextName(t *testing.T) {
	borrower(t).ok(imported + `
az-ctx rename 'Contoso China (00c00001-0000-4000-8000-000000000000)' subscription2
Disconnect-AzCtxAccount -ContextName "subscription2"
is left @(Get-AzCtx -ListAvailable).Count 7`)
}

func TestSeed_DisconnectByContext(t *testing.T) {
	borrower(t).ok(imported + `
$contextObject = Get-AzCtx 'Contoso CI (00000005-0000-4000-8000-000000000000)'
Disconnect-AzCtxAccount -AzureContext $contextObject
is left @(Get-AzCtx -ListAvailable).Count 7
Get-AzCtx mycontext | Disconnect-AzCtxAccount -WarningAction SilentlyContinue
is left @(Get-AzCtx -ListAvailable).Count 1`)
}

func TestSeed_Clear(t *testing.T) {
	borrower(t).ok(imported + `
is passed (Clear-AzCtx -Force -PassThru -WarningAction SilentlyContinue) True
is left @(Get-AzCtx -ListAvailable).Count 0
is active "$env:AZ_CTX_NAME" ''`)
}

func TestSeed_RemoveByName(t *testing.T) {
	borrower(t).ok(imported + `
$null = Select-AzCtx $dev
Remove-AzCtx -Name "mycontext"
fails NotFound { Get-AzCtx mycontext }`)
}

func TestSeed_RemoveByPipe(t *testing.T) {
	borrower(t).ok(imported + `
$null = Select-AzCtx $dev
is gone (Get-AzCtx -Name "mycontext" | Remove-AzCtx -PassThru).Name mycontext
fails NotFound { Get-AzCtx mycontext }`)
}

// Whoever removes the active context is disconnected, and no tool falls back.
func TestSeed_RemoveActive(t *testing.T) {
	borrower(t).ok(imported + `
fails Failed { Remove-AzCtx mycontext }
is recommended $Error[0].ErrorDetails.RecommendedAction 'the same with -Force'
is active $env:AZ_CTX_NAME mycontext
Remove-AzCtx mycontext -Force -WarningVariable said -WarningAction SilentlyContinue
is active "$env:AZ_CTX_NAME$env:ARM_SUBSCRIPTION_ID" ''
has said "$said" 'signed out here'`)
}
