//go:build unix

package pwsh

import "testing"

// TestP38StartJob: a job keeps the context that it was started with, and one
// that switches leaves its parent alone (P74).
func TestP38StartJob(t *testing.T) {
	borrower(t).ok(imported + `
$null = Select-AzCtx mycontext
$stays = Start-Job { Get-AzCtx | ForEach-Object Name; while (-not (Test-Path ~/go)) { Start-Sleep -Milliseconds 50 }; (Get-AzCtx).Name }
$moves = Start-Job { (Set-AzCtx -Subscription 'Fabrikam Dev').Name; $env:AZ_CTX_NAME }
is moved (($moves | Receive-Job -Wait) -join '+') "$dev+$dev"
is parent $env:AZ_CTX_NAME mycontext
$null = Select-AzCtx $dev
Set-Content ~/go ''
is stayed (($stays | Receive-Job -Wait) -join '+') 'mycontext+mycontext'`)
}

// TestP30P28ObjectsThroughAJob: they bind by their shape.
func TestP30P28ObjectsThroughAJob(t *testing.T) {
	borrower(t).ok(imported + `
$null = Get-AzCtx
$job = Start-Job { Get-AzCtx -ListAvailable }
$all = $job | Receive-Job -Wait
$there = $all | Where-Object Name -ceq $dev
is type $there.PSObject.TypeNames[0] 'Deserialized.AzCtx.Context'
is ids "$($there.Account) $($there.Tenant) $($there.Subscription)" 'alice@contoso.com ffffffff-0000-4000-8000-000000000009 00900001-0000-4000-8000-000000000000'
is selected ($there | Select-AzCtx).Name $dev
$null = Select-AzCtx mycontext
is set ($there | Set-AzCtx).Name $dev
is subscription ($there.Subscription | Set-AzCtx -Name one).Name one
is tenant (Set-AzCtx -TenantObject $all[0].Tenant).Tenant.Id $all[0].Tenant.Id
is account $there.Account.Id alice@contoso.com
$deep = Start-Job { [pscustomobject]@{ In = [pscustomobject]@{ Context = Get-AzCtx -ListAvailable | Where-Object Name -ceq $using:dev } } } | Receive-Job -Wait
is deep ($deep.In.Context | Set-AzCtx).Name $dev
Disconnect-AzCtxAccount -InputObject $there.Account -WarningAction SilentlyContinue
is left @(Get-AzCtx -ListAvailable).Count 2`)
}

// TestP39Threads: the runspaces of a process share its environment. What would
// switch it from another than its own stops, and Invoke-AzCtx is the way.
func TestP39Threads(t *testing.T) {
	borrower(t).ok(imported + `
Disable-AzCtxAutosave -Scope Process
$null = Select-AzCtx mycontext
foreach ($work in { Select-AzCtx $using:dev }, { Set-AzCtx -Subscription 'Fabrikam Dev' }, { Import-AzCtx x.json }, { Connect-AzCtxAccount }) {
    fails SharedProcess { Start-ThreadJob $work | Receive-Job -Wait }
    has hint $Error[0].ErrorDetails.RecommendedAction Invoke-AzCtx
}
# What would sign the session out, or have it follow, does neither.
foreach ($work in { Rename-AzCtx mycontext other }, { Remove-AzCtx mycontext -Force }, { Clear-AzCtx -Force }, { Clear-AzCtx -Scope Process -Force }, { Disconnect-AzCtxAccount -Force }, { Enable-AzCtxAutosave -Scope Process }) {
    $before = (environ) -join ' '
    fails SharedProcess { Start-ThreadJob $work | Receive-Job -Wait }
    is "env after $work" ((environ) -join ' ') $before
    is "name after $work" (Get-AzCtx mycontext).Active True
}
Start-ThreadJob { Rename-AzCtx $using:dev far; Rename-AzCtx far $using:dev } | Receive-Job -Wait # it is not where this shell is
is reading (Start-ThreadJob { (Get-AzCtx).Name } | Receive-Job -Wait) mycontext
is active $env:AZ_CTX_NAME mycontext
$found = 'mycontext', $dev | ForEach-Object -Parallel { Invoke-AzCtx $_ { [pscustomobject]@{ Name = $env:AZ_CTX_NAME; Id = $env:ARM_SUBSCRIPTION_ID } } }
is parallel (($found | Sort-Object Id | ForEach-Object { "$($_.Name)=$($_.Id)" }) -join '+') "mycontext=00000001-0000-4000-8000-000000000000+$dev=00900001-0000-4000-8000-000000000000"
is active $env:AZ_CTX_NAME mycontext`)
}

// The function does not either.
func TestFunctionInAThread(t *testing.T) {
	r := borrower(t).run(initLine + `$null = az-ctx import --from az 2>&1
$text = az-ctx init pwsh | Out-String
Start-ThreadJob { Invoke-Expression $using:text; az-ctx deselect; $LASTEXITCODE; az-ctx current -o name } | Receive-Job -Wait`)
	want := "az-ctx: the environment belongs to the whole process, so a thread of it can't switch alone\n  try: Invoke-AzCtx NAME { ... }\n"
	if r.stdout != "1\nContoso Prod 1 (00000001-0000-4000-8000-000000000000)\n" || r.stderr != want {
		t.Errorf("said %q and %q", r.stdout, r.stderr)
	}
}

// TestP37Invoke: a command or a script block in another context. The session's
// own stays, and the exit status is the command's.
func TestP37Invoke(t *testing.T) {
	borrower(t).ok(imported + `
$null = Select-AzCtx mycontext
Invoke-AzCtx $dev -- sh -c 'exit 3'
is status $LASTEXITCODE 3
Invoke-AzCtx $dev { sh -c 'exit 4' }
is status $LASTEXITCODE 4
is arguments (Invoke-AzCtx $dev -- printf '<%s>' 'a b' 'c"d' '' '$(id)' '\"') '<a b><c"d><><$(id)><\">'
is objects ((Invoke-AzCtx $dev { 1, $null, @{ a = [datetime]'2020-01-01' } })[2].a.Year) 2020
is printed (Invoke-AzCtx $dev { Write-Host shown; 'given' } 6>$null) given
fails NotFound { Invoke-AzCtx nope { 1 } }
is active $env:AZ_CTX_NAME mycontext`)
}
