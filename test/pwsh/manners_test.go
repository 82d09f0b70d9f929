//go:build unix

package pwsh

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A script's -WhatIf and $ErrorActionPreference are its own, and a module's
// function sees neither by itself.
func TestP67WhatIfOfAScript(t *testing.T) {
	u := borrower(t)
	u.write("clean.ps1", "[CmdletBinding(SupportsShouldProcess)] param() Clear-AzCtx; Remove-AzCtx mycontext; Select-AzCtx mycontext; Rename-AzCtx mycontext x -PassThru; Remove-AzCtx mycontext -PassThru; Clear-AzCtx -PassThru")
	r := u.run(prelude + initLine + imported + "./clean.ps1 -WhatIf\nis count @(Get-AzCtx -ListAvailable).Count 8\nis active $env:AZ_CTX_NAME mycontext")
	want := "What if: remove every context, with its tokens and secrets (8)\nWhat if: remove \"mycontext\"\nWhat if: sign this shell out\nWhat if: switch this shell to \"mycontext\"\n" +
		"What if: rename \"mycontext\" to \"x\"\nWhat if: remove \"mycontext\"\nWhat if: sign this shell out\nWhat if: remove every context, with its tokens and secrets (8)\nFalse\n"
	if r.stdout != want || r.stderr != "" || r.code != 0 {
		t.Errorf("said %q and %q, wanted %q", r.stdout, r.stderr, want)
	}
}

func TestStopOfAScript(t *testing.T) {
	u := borrower(t)
	u.write("stop.ps1", "$ErrorActionPreference = 'Stop'; Select-AzCtx nope; 'went on'")
	u.write("on.ps1", "$ErrorActionPreference = 'Continue'; Select-AzCtx nope; 'went on'")
	u.write("quiet.ps1", "$ErrorActionPreference = 'SilentlyContinue'; Select-AzCtx nope; 'went on'; $?")
	u.ok(imported + `
fails NotFound { ./stop.ps1 }
is 'with Continue' (./on.ps1 2>$null) 'went on'
is 'with SilentlyContinue' "$(./quiet.ps1)" 'went on True'
fails NotFound { Select-AzCtx nope -ErrorAction Stop }
$n = $Error.Count
Select-AzCtx nope -ErrorAction Ignore
is 'with Ignore' "$($Error.Count)" $n
Select-AzCtx nope -ErrorAction SilentlyContinue -ErrorVariable e
is variable $e[0].CategoryInfo.Category ObjectNotFound
is active $env:AZ_CTX_NAME mycontext`)
	r := u.run(initLine + "Select-AzCtx nope -ErrorAction Stop\n'went on'")
	if r.code != 1 || strings.Contains(r.stdout, "went on") {
		t.Errorf("-ErrorAction Stop: %d, %q", r.code, r.stdout)
	}
}

func TestErrors(t *testing.T) {
	borrower(t).ok(imported + `
fails Usage { Set-AzCtx }
has cmdlet "$($Error[0])" 'needs -Subscription'
fails Usage { 'text' | Set-AzCtx }
fails Usage { Connect-AzCtxAccount -Credential (New-Object pscredential alice, (New-Object securestring)) }
fails Usage { Connect-AzCtxAccount -ApplicationId x -CertificateThumbprint y }
fails NotFound { Select-AzCtx mycontxt }
has near "$($Error[0])" 'near: mycontext'
fails Failed { Import-AzCtx none.json }
foreach ($wrong in { Select-AzCtx mycontext -Scope Nowhere }, { Get-AzCtxAccessToken -ResourceTypeName Nothing }) {
    try { & $wrong; 'FAIL it is taken' } catch { is 'the error' $_.FullyQualifiedErrorId.Split(',')[0] ParameterArgumentValidationError }
}
is active $env:AZ_CTX_NAME mycontext
is 'the name' (Get-Command Select-AzCtxSubscription).ResolvedCommandName Set-AzCtx
Get-AzCtx -ListAvailable -RefreshContextFromTokenCache -WarningVariable said -WarningAction SilentlyContinue | Out-Null
has 'no-op' "$said" 'does nothing'`)
}

// What the cmdlets take is known to PowerShell as that of any other: where help
// and completion look, by every way to bind it.
func TestParameters(t *testing.T) {
	borrower(t).ok(imported + `
$syntax = (Get-Command Select-AzCtx -Syntax | Out-String).Trim() -replace '\s+', ' '
is syntax $syntax 'Select-AzCtx [-Name] <string> [-WhatIf] [-Confirm] [-Scope <string>] [-Force] [<CommonParameters>] Select-AzCtx -InputObject <psobject> [-WhatIf] [-Confirm] [-Scope <string>] [-Force] [<CommonParameters>]'
has help ((Get-Help Rename-AzCtx | Out-String) -replace '\s+', ' ') '[-SourceName] <string> [-TargetName] <string>'
is aliases ((Get-Command Connect-AzCtxAccount).Parameters['Tenant'].Aliases -join '+') 'TenantId+Domain'
function tab($line) { (TabExpansion2 $line $line.Length).CompletionMatches.CompletionText -join ' ' }
is parameters (tab 'Rename-AzCtx -') '-WhatIf -Confirm -SourceName -InputObject -TargetName -Scope -PassThru -Force -Verbose -Debug -ErrorAction -WarningAction -InformationAction -ProgressAction -ErrorVariable -WarningVariable -InformationVariable -OutVariable -OutBuffer -PipelineVariable'
is 'taken already' (tab 'Set-AzCtx -Domain fabrikam.com -Tenant') ''
$splat = @{ Name = 'mycontext'; Scope = 'Process' }
is splatted (Select-AzCtx @splat).Name mycontext
is shortened (Select-AzCtx -Na $dev).Name $dev
try { Select-AzCtx -Nmae x; 'FAIL it is taken' } catch { is unknown $_.FullyQualifiedErrorId.Split(',')[0] NamedParameterNotFound }
try { Select-AzCtx one two; 'FAIL it is taken' } catch { is 'one too many' $_.FullyQualifiedErrorId.Split(',')[0] PositionalParameterNotFound }
foreach ($cmdlet in Get-Command -Module AzCtx -CommandType Function) { if ($cmdlet.Parameters.Count -lt 12) { "FAIL $cmdlet takes $($cmdlet.Parameters.Keys)" } }`)
}

// What a session was set to is what it is set to afterwards.
func TestSessionComesThroughClean(t *testing.T) {
	u := borrower(t)
	u.bare(`
Set-StrictMode -Version Latest
$OutputEncoding = [Text.Encoding]::ASCII
$PSDefaultParameterValues['*:ErrorAction'] = 'Stop'
` + initLine + imported + `
$global:LASTEXITCODE = 7
$Error.Clear()
$all = Get-AzCtx -ListAvailable
$one = Select-AzCtx $dev
is '$?' $? True
is LASTEXITCODE $LASTEXITCODE 7
is Error $Error.Count 0
is OutputEncoding $OutputEncoding.WebName us-ascii
is 'a tenant alone' ($all | Where-Object { $_.Name -like 'dddddddd*' }).Subscription.Id ''
foreach ($property in 'Id', 'Name', 'State', 'TenantId', 'HomeTenantId') { $null = $all.Subscription.$property }
is ids "$($one.Account) $($one.Tenant) $($one.Subscription)" 'alice@contoso.com ffffffff-0000-4000-8000-000000000009 00900001-0000-4000-8000-000000000000'
is types "$($one.Account.Type) $(($all | Where-Object { $_.Account.Id -like '5eee*' }).Account.Type)" 'User ServicePrincipal'
is order (($all | ForEach-Object { $_.Tenant.DefaultDomain }) -join ' ') (($all | Sort-Object { "$(if ($_.Tenant.DefaultDomain) { $_.Tenant.DefaultDomain } else { $_.Tenant.Id })" } | ForEach-Object { $_.Tenant.DefaultDomain }) -join ' ')
is bare "$($ExecutionContext.SessionState.PSVariable.Get('WhatIfPreference').Value)" False`)
}

// The module's own look-up of the program and the session, where there is no init.
func TestWithoutInit(t *testing.T) {
	u := borrower(t)
	u.ok(imported)
	u.bare(`Set-StrictMode -Version Latest
$env:PSModulePath = (Get-Item ~/.local/share/az-ctx/pwsh/*).FullName + ':' + $env:PSModulePath
is given (Select-AzCtx mycontext).Name mycontext
is active $env:AZ_CTX_NAME mycontext
is seen (Get-AzCtx).Name mycontext
is child (sh -c 'az-ctx current -o name') mycontext`)
}

func TestConstrainedLanguage(t *testing.T) {
	u := borrower(t)
	u.ok(imported)
	r := u.run(`$ExecutionContext.SessionState.LanguageMode = 'ConstrainedLanguage'
` + initLine + `
az-ctx select mycontext; "$env:AZ_CTX_NAME $env:ARM_SUBSCRIPTION_ID"
az-ctx current -o name
az-ctx deselect; "[$env:AZ_CTX_NAME]"
try { Get-AzCtx } catch { "$_" }
"$(prompt)"`)
	want := "mycontext 00000001-0000-4000-8000-000000000000\nmycontext\n[]\nCannot retrieve the dynamic parameters for the cmdlet. az-ctx: the cmdlets need the full language of PowerShell; the function az-ctx does without it\nPS " + u.home + "> \n"
	if r.stdout != want || r.stderr != "" {
		t.Errorf("%q and %q, wanted %q", r.stdout, r.stderr, want)
	}
}

// newer is what Windows PowerShell 5.1 can't read or does not have. It can't be
// had here, so this is all that is known of it.
var newer = map[string]*regexp.Regexp{
	"?? or ??=":     regexp.MustCompile(`\?\?`),
	"?. or ?[":      regexp.MustCompile(`\}\?[.\[]|\$\w+\?[.\[]`),
	"&& or ||":      regexp.MustCompile(`&&|\|\|`),
	"a ternary":     regexp.MustCompile(`\s\?\s[^{]*\s:\s`),
	"$IsWindows":    regexp.MustCompile(`(?i)\$Is(Windows|Linux|MacOS|CoreCLR)\b`),
	"-Parallel":     regexp.MustCompile(`(?i)-Parallel\b`),
	"`e or `u{":     regexp.MustCompile("`e|`u\\{"),
	".ArgumentList": regexp.MustCompile(`\.ArgumentList\b`),
	"a clean block": regexp.MustCompile(`(?m)^\s*clean\s*\{`),
	"-AsHashtable":  regexp.MustCompile(`(?i)-AsHashtable|-DateKind|-EscapeHandling`),
}

func TestSyntaxOf5_1(t *testing.T) {
	files, err := filepath.Glob("../../shell/*.ps*1*")
	more, _ := filepath.Glob("../../completions/*.ps1") // the pattern is right
	if err != nil || len(files) < 5 || len(more) == 0 {
		t.Fatalf("found %q and %q: %v", files, more, err)
	}
	for _, file := range append(files, more...) {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(raw), "\n") {
			if strings.ContainsFunc(line, func(r rune) bool { return r >= 0x7f || r < ' ' }) {
				t.Errorf("%s:%d: %q is not ASCII text", file, i+1, line)
			}
			code, _, _ := strings.Cut(line, "# ") // what a comment says is no syntax
			for what, re := range newer {
				if re.MatchString(code) {
					t.Errorf("%s:%d: 5.1 has no %s: %s", file, i+1, what, line)
				}
			}
		}
	}
}
