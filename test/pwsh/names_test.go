//go:build unix

package pwsh

import (
	"strings"
	"testing"
)

// hostile are names that run something, or act on a terminal, where they are
// taken for more than text.
var hostile = []string{
	"it's", "\u2018; touch ran; \u2018", "\u2019; touch ran; \u2019", "\u201a; touch ran; \u201a", "\u201b; touch ran; \u201b", "'; touch ran; '",
	"\u201c$(touch ran)\u201d", `"; touch ran; "`, "$(touch ran)", "`touch ran`", "${env:HOME}", "a\nb", "a\r\nb", "\x1b[31mred", "\u009b31m", "\u202egnp", "2020-01-01T00:00:00Z", "/Date(1)/",
	"--what-if", "-", "@x", "*", "a,b", `a\`, `\"`, "a\tb", "caf\u00e9 \U0001f600", "#x", "~", "[a]", "%PATH%", "=",
}

func TestHostileNames(t *testing.T) {
	u := newUser(t)
	u.importNames(hostile...)
	u.env = append(u.env, "COUNT="+strings.Repeat("x", len(hostile)))
	u.ok(`
$all = @(Get-AzCtx -ListAvailable)
is count $all.Count $env:COUNT.Length
foreach ($c in $all) {
    if ($c.Name -cne '-') {
        is selected (Select-AzCtx -Name $c.Name).Name $c.Name
        is active $env:AZ_CTX_NAME $c.Name
        is got (Get-AzCtx -Name $c.Name).Subscription.Name "Sub $($c.Name)"
        if ($env:AZ_CTX_NAME -notmatch '[\x00-\x1f]') { is seen (Invoke-AzCtx $c -- sh -c 'printf %s "$AZ_CTX_NAME"') $c.Name }
    }
    is piped ($c | Select-AzCtx).Name $c.Name
    $shown = ($c | Format-Table | Out-String) + ($c | Format-List | Out-String) + ($c.Subscription | Out-String)
    if ($shown -match '[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]') { "FAIL shown: $shown" }
}
foreach ($line in 'Select-AzCtx ', 'Get-AzCtx -Name ', 'Remove-AzCtx ', 'Invoke-AzCtx ', 'Disconnect-AzCtxAccount -ContextName ', 'Get-AzCtxTenant -DefaultProfile ', 'Rename-AzCtx ', "Select-AzCtx '", 'Select-AzCtx "') {
    $found = @((TabExpansion2 $line $line.Length).CompletionMatches)
    is $line $found.Count @($all | Where-Object Name -notmatch '[\x00-\x1f\x7f-\x9f\u202e]').Count
    foreach ($match in $found) { is quoted (Invoke-Expression "Write-Output $($match.CompletionText)") $match.ListItemText }
    if ($line -eq 'Select-AzCtx ') {
        $sorted = [string[]]$found.ListItemText
        [Array]::Sort($sorted, [StringComparer]::Ordinal)
        is sorted ($found.ListItemText -join ' ') ($sorted -join ' ')
    }
}
foreach ($c in $all) {
    $new = "new $($c.Name)"
    is renamed ($c | Rename-AzCtx -TargetName $new -PassThru).Name $new
    Rename-AzCtx -SourceName $new -TargetName $c.Name
}
Save-AzCtx all.json
foreach ($c in $all) { $c | Save-AzCtx -Path one.json -Force; is saved (Get-Content one.json -Raw | ConvertFrom-Json).contexts.Count 1 }
$all | Save-AzCtx -Path piped.json
is piped (Get-Content piped.json -Raw | ConvertFrom-Json).contexts.Count $all.Count
foreach ($c in $all) { Remove-AzCtx -Name $c.Name -Force -WarningAction SilentlyContinue }
is left @(Get-AzCtx -ListAvailable).Count 0
is ran (Test-Path ~/ran) False`)
}

// What completion goes by is read again where something was written since.
func TestCompletionFollows(t *testing.T) {
	u := newUser(t)
	u.importNames("prod", "dev")
	u.ok(`
function tab($line) { (TabExpansion2 $line $line.Length).CompletionMatches.CompletionText -join ' ' }
is names (tab 'Select-AzCtx ') 'dev prod'
& (Get-Module AzCtx) { function script:Start-Program { throw 'a process' } }
is 'names without a process' (tab 'Select-AzCtx P') 'prod'
Remove-Module AzCtx; Import-Module AzCtx
az-ctx rename dev other
is names (tab 'Get-AzCtx ') 'other prod'
Rename-AzCtx other zed
is names (tab 'Get-AzCtx ') 'prod zed'
Disable-AzCtxAutosave -Scope Process
$null = Set-AzCtx -Subscription 'Sub prod' -Name here
is names (tab 'Get-AzCtx ') 'here prod zed'
is subscriptions (tab 'Set-AzCtx -Subscription s') "'Sub dev' 'Sub prod'"
is tenants (tab 'Set-AzCtx -Tenant ') contoso.com
is ids (tab 'Get-AzCtxSubscription -SubscriptionId 00000001') 00000001-0000-4000-8000-000000000000
Set-Content zzz.txt x
is 'no files' (tab 'Select-AzCtx zzz') zzz
is environments (tab 'Connect-AzCtxAccount -Environment AzureU') AzureUSGovernment
is accounts (tab 'Disconnect-AzCtxAccount ') "'alice@contoso.com'"
is scopes (tab 'Set-AzCtx -Scope ') 'CurrentUser Process'
is types (tab 'Get-AzCtxAccessToken -ResourceTypeName M') 'MSGraph ManagedHsm'`)
}
