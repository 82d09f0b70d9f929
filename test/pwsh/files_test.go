//go:build unix

package pwsh

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/az-ctx/az-ctx/test/azure"
)

// What the cmdlets give, and the files that they write and read.

func TestP15SubscriptionsFilter(t *testing.T) {
	u, _ := online(t, azure.Alice)
	u.ok(`$null = Connect-AzCtxAccount -UseDeviceAuthentication -WarningAction SilentlyContinue 6>$null
function names { ($input | ForEach-Object Name | Sort-Object) -join '+' }
$contoso = 'Contoso Old+Contoso Prod 1+Contoso Test'
is all (Get-AzCtxSubscription | names) "$contoso+Fabrikam Dev"
is id (Get-AzCtxSubscription ` + azure.ContosoTest + ` | names) 'Contoso Test'
is piped ([pscustomobject]@{ SubscriptionId = '` + azure.ContosoTest + `' } | Get-AzCtxSubscription | names) 'Contoso Test'
is name (Get-AzCtxSubscription -SubscriptionName 'CONTOSO test' | names) 'Contoso Test'
is domain (Get-AzCtxSubscription -TenantId fabrikam.com | names) 'Fabrikam Dev'
is 'a name of a tenant' (Get-AzCtxSubscription -TenantId contoso | names) $contoso
is 'an id of a tenant' (Get-AzCtxSubscription -TenantId ` + azure.AdatumTenant + ` | names) ''
is both (Get-AzCtxSubscription -SubscriptionId ` + azure.FabrikamDev + ` -TenantId fabrikam.com | names) 'Fabrikam Dev'
fails NotFound { Get-AzCtxSubscription -SubscriptionName 'Fabrikam Dev' -TenantId contoso.com }
fails NotFound { Get-AzCtxSubscription -SubscriptionId 00000000-dead-4000-8000-000000000000 }
$old = Get-AzCtxSubscription -SubscriptionName 'Contoso Old'
is object "$($old.Id) $($old.State) $($old.TenantId)" '` + azure.ContosoOld + ` Disabled ` + azure.ContosoTenant + `'
is columns (($old | Format-Table | Out-String -Width 150).Trim() -replace '\n[\s\S]*' -replace ' +', ' ') 'Name Id TenantId State'`)
}

// An object has the name and every id, as JSON too; what is not known is null.
func TestP16ObjectsHaveEveryID(t *testing.T) {
	borrower(t).ok(imported + `
$null = Select-AzCtx $dev -Scope CurrentUser
$null = Select-AzCtx mycontext
function json($name) { Get-AzCtx $name | ConvertTo-Json -Compress -WarningAction Stop }
$azure = '"Environment":{"Name":"AzureCloud","ResourceManagerUrl":"https://management.azure.com","ActiveDirectoryAuthority":"https://login.microsoftonline.com"}'
is active (json mycontext) ('{"Name":"mycontext","Account":{"Id":"alice@contoso.com","Type":"User","Borrowed":true},"Tenant":{"Id":"aaaaaaaa-0000-4000-8000-000000000001","Name":"Contoso","DefaultDomain":"contoso.com","TenantId":"aaaaaaaa-0000-4000-8000-000000000001"},' +
    '"Subscription":{"Id":"00000001-0000-4000-8000-000000000000","Name":"Contoso Prod 1","State":"Enabled","TenantId":"aaaaaaaa-0000-4000-8000-000000000001","HomeTenantId":"aaaaaaaa-0000-4000-8000-000000000001","SubscriptionId":"00000001-0000-4000-8000-000000000000"},' +
    $azure + ',"Scope":"CurrentUser","From":"selected","Active":true,"Default":false,"Protected":true,"SignIn":"az"}')
is 'a tenant alone' (json 'dddddddd-0000-4000-8000-00000000000d - alice@contoso.com') ('{"Name":"dddddddd-0000-4000-8000-00000000000d - alice@contoso.com","Account":{"Id":"alice@contoso.com","Type":"User","Borrowed":true},' +
    '"Tenant":{"Id":"dddddddd-0000-4000-8000-00000000000d","Name":"Adatum","DefaultDomain":"adatum.com","TenantId":"dddddddd-0000-4000-8000-00000000000d"},"Subscription":{"Id":null,"Name":null,"State":null,"TenantId":null,"HomeTenantId":null,"SubscriptionId":null},' +
    $azure + ',"Scope":"CurrentUser","From":null,"Active":false,"Default":false,"Protected":false,"SignIn":"az"}')
$china, $robot = (Get-AzCtx -ListAvailable | ConvertTo-Json | ConvertFrom-Json) | Where-Object { $_.Name -match 'CI|China' }
is robot ($robot.Account, $robot.Tenant | ConvertTo-Json -Compress) '[{"Id":"5eeeeeee-0000-4000-8000-000000000001","Type":"ServicePrincipal","Borrowed":true},{"Id":"aaaaaaaa-0000-4000-8000-000000000001","Name":"Contoso","DefaultDomain":"contoso.com","TenantId":"aaaaaaaa-0000-4000-8000-000000000001"}]'
is 'no name' ($china.Tenant | ConvertTo-Json -Compress) '{"Id":"cccccccc-0000-4000-8000-00000000000c","Name":null,"DefaultDomain":null,"TenantId":"cccccccc-0000-4000-8000-00000000000c"}'
is china "$($china.Environment.Name) $($china.Environment.ResourceManagerUrl) $($china.Environment.ActiveDirectoryAuthority)" 'AzureChinaCloud https://management.chinacloudapi.cn https://login.chinacloudapi.cn'
is default ((Get-AzCtx -ListAvailable | Where-Object Default).Name) $dev
is piped ((Get-AzCtx -ListAvailable | ConvertTo-Json | ConvertFrom-Json | Where-Object Name -ceq $dev | Select-AzCtx).Subscription) 00900001-0000-4000-8000-000000000000`)
}

// The table has the same columns however wide it is, and no line is longer.
func TestP16TableIsStable(t *testing.T) {
	u := newUser(t)
	u.importNames("prod", "dev", strings.Repeat("long ", 20))
	u.ok(`$null = Select-AzCtx dev
foreach ($width in 300, 120, 80, 60, 40) {
    $lines = (Get-AzCtx -ListAvailable | Format-Table | Out-String -Width $width) -split '\n'
    is "longest at $width" @($lines | Where-Object { $_.Length -gt $width }).Count 0
    is "columns at $width" @($lines | Where-Object { $_ -match '^-( +-+){4} *$' }).Count 1
    is "active at $width" (($lines | Where-Object { $_ -match '^\* ' }) -split ' +' | Select-Object -First 2) '* dev'
    if ($width -ge 60) { is "header at $width" @($lines -match '^  Name +Subscription +Account +Environment *$').Count 1 }
}
is rows ((Get-AzCtx prod | Format-Table | Out-String -Width 200) -replace ' *\n\s*', '/' -replace '  +', ' ' -replace '--+', '--') '/Tenant: contoso.com/Name Subscription Account Environment/- -- -- -- --/prod Sub prod alice@contoso.com AzureCloud/'`)
}

// The azps form has the field names and the order of Save-AzContext's.
func TestP53AzPSForm(t *testing.T) {
	borrower(t).ok(imported + `
az-ctx rename 'Contoso CI (00000005-0000-4000-8000-000000000000)' ci
az-ctx save --format azps azps.json
is bom ([BitConverter]::ToString([IO.File]::ReadAllBytes("$HOME/azps.json")[0..3])) EF-BB-BF-7B
$file = Get-Content azps.json -Raw | ConvertFrom-Json
function fields($object) { $object.PSObject.Properties.Name -join ' ' }
is file (fields $file) 'DefaultContextKey EnvironmentTable Contexts ExtendedProperties'
$context = $file.Contexts.mycontext
is context (fields $context) 'Account Tenant Subscription Environment VersionProfile TokenCache ExtendedProperties'
is account (fields $context.Account) 'Id Credential Type TenantMap ExtendedProperties'
is tenant (fields $context.Tenant) 'Id Directory IsHome ExtendedProperties'
is subscription (fields $context.Subscription) 'Id Name State ExtendedProperties'
is values "$($file.DefaultContextKey) $($context.Account.Type) $($context.Environment.Type) [$($context.TokenCache.CacheData)] $($context.Subscription.ExtendedProperties.HomeTenant)" 'mycontext User Built-in [] aaaaaaaa-0000-4000-8000-000000000001'
is robot $file.Contexts.ci.Account.Type ServicePrincipal
is all @($file.Contexts.PSObject.Properties).Count 8`)
}

// Import takes what Azure PowerShell writes, in whichever shape and encoding,
// merges it, and activates the file's default.
func TestP54P55ImportTheFileOfAzAccounts(t *testing.T) {
	u := borrower(t)
	archive, err := txtar.ParseFile("../parity/testdata/p54-p55-import-file.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range archive.Files {
		switch text := string(f.Data); f.Name {
		case "azps.json":
			u.write("crlf.json", "\ufeff"+strings.ReplaceAll(text, "\n", "\r\n"))
			u.write("text.json", "WARNING: text of a profile script\n"+text)
		case "older.json":
			u.write(f.Name, text)
		}
	}
	u.ok(imported + `
$n = @(Get-AzCtx -ListAvailable).Count
foreach ($file in 'crlf.json', 'crlf.json', 'text.json') { # twice: nothing is doubled
    $null = Select-AzCtx $dev
    $loaded = Import-AzCtx $file
    is "$file, given" "$($loaded.Context.Name) $($loaded.Context.Active) $($loaded.Context.Account)" 'second True bob@northwind.com'
    is "$file, active" "$env:AZ_CTX_NAME $env:ARM_SUBSCRIPTION_ID" 'second 00500002-0000-4000-8000-000000000000'
    is "$file, merged" @(Get-AzCtx -ListAvailable).Count ($n + 2)
    is "$file, the others" (Get-AzCtx $dev).Account.Id alice@contoso.com
}
is older (Import-AzCtx -Path older.json).Context.Account.Id carol@older.com
is active $env:ARM_SUBSCRIPTION_ID 00600001-0000-4000-8000-000000000000
# Our own form, and theirs, go round.
$null = Select-AzCtx second
Save-AzCtx mine.json
az-ctx save --format azps theirs.json
$before = (Get-AzCtx -ListAvailable).Name -join '+'
foreach ($file in 'mine.json', 'theirs.json') {
    Clear-AzCtx -Force -WarningAction SilentlyContinue
    is "round by $file" (Import-AzCtx $file).Context.Name second
    is "names by $file" ((Get-AzCtx -ListAvailable).Name -join '+') $before
}
# Onto a name of another identity it asks, and changes nothing.
$null = Set-AzCtx -Subscription 'Contoso Old' -Name first -Force -WarningAction SilentlyContinue
fails Failed { Import-AzCtx crlf.json }
is recommended $Error[0].ErrorDetails.RecommendedAction 'the same with -Force'
is kept "$env:AZ_CTX_NAME $((Get-AzCtx first).Subscription.Name)" 'first Contoso Old'
is forced (Import-AzCtx crlf.json -Force).Context.Name second
is replaced (Get-AzCtx first).Subscription.Id 00500001-0000-4000-8000-000000000000`)
}

// Save says what is in the file, where -Verbose asks for words; the file has it.
func TestP80SaveSaysWhatIsInTheFile(t *testing.T) {
	borrower(t).ok(imported + `
$said = Save-AzCtx all.json -Verbose 4>&1
has said "$said" '8 contexts saved, with the ids of their subscriptions and tenants, without tokens'
$said = Get-AzCtx | Save-AzCtx -Path one.json -Verbose 4>&1
has 'of one' "$said" '1 context saved, with the ids of their subscriptions and tenants, without tokens'
has subscription (Get-Content one.json -Raw) 00000001-0000-4000-8000-000000000000
has tenant (Get-Content one.json -Raw) aaaaaaaa-0000-4000-8000-000000000001
has doctor ((az-ctx doctor) -join ' ') 'ids of subscriptions and tenants are in these files'
has help ((az-ctx save --help) -join ' ') 'ids of subscriptions and tenants are'`)
}

// Whatever a cmdlet does, what it gives is objects of its kind; what it says goes
// to the stream that it belongs to, and an error has its id.
func TestP68StreamsAndStatuses(t *testing.T) {
	u := borrower(t)
	u.withFakeAz()
	r := u.run(prelude + initLine + imported + `
Save-AzCtx file.json
$kinds = [ordered]@{
    'AzCtx.Context' = { Get-AzCtx }, { Select-AzCtx $dev }, { Set-AzCtx -Subscription 'Contoso Prod 1' }, { Rename-AzCtx mycontext other -PassThru }, { Remove-AzCtx $dev -PassThru }
    'AzCtx.Profile' = { Import-AzCtx file.json -Force }, { Get-AzCtx | Import-AzCtx }
    'AzCtx.AutosaveSetting' = { Get-AzCtxAutosaveSetting }, { Get-AzCtxAutosaveSetting -Scope CurrentUser }
    'AzCtx.AccessToken' = , { Get-AzCtxAccessToken }
    '' = { Rename-AzCtx other another }, { Save-AzCtx more.json }, { Get-AzCtx | Save-AzCtx -Path one.json }, { Disable-AzCtxAutosave }, { Enable-AzCtxAutosave }, { Disconnect-AzCtxAccount nobody@contoso.com }, { Clear-AzCtx -Scope Process -Force -WarningAction SilentlyContinue }
    'System.Boolean' = , { Clear-AzCtx -Force -PassThru -WarningAction SilentlyContinue }
}
foreach ($kind in $kinds.Keys) {
    foreach ($block in $kinds[$kind]) {
        is "$block" ((& $block *>&1 | ForEach-Object { $_.PSObject.TypeNames[0] }) -join '+') $kind
    }
}
$null = Import-AzCtx file.json
is '-Verbose' ((Select-AzCtx $dev -Verbose *>&1 | ForEach-Object { $_.GetType().Name } | Sort-Object -Unique) -join '+') 'PSCustomObject+VerboseRecord'
is 'a warning' ((Set-AzCtx -Subscription 'Contoso Old' *>&1 | ForEach-Object { $_.GetType().Name }) -join '+') 'WarningRecord+PSCustomObject'
is 'an error' ((Select-AzCtx nope -ErrorAction SilentlyContinue -ErrorVariable failed *>&1).Count) 0
is 'its id' "$($failed.FullyQualifiedErrorId) $($failed.CategoryInfo.Category)" 'AzCtx.NotFound,Select-AzCtx ObjectNotFound'
Select-AzCtx nope -ErrorAction SilentlyContinue
is '$?' $? False
# The function's statuses are the program's.
foreach ($call in (0, 'list', '-o', 'name'), (2, 'list', '-o', 'yaml'), (3, 'get', 'nobody'), (3, 'select', 'nobody'), (1, 'rename', 'mycontext', $dev), (0, 'select', 'mycontext')) {
    $status, $words = $call
    $null = az-ctx @words 2>$null
    is "$words" $LASTEXITCODE $status
}
$null = Select-AzCtx $dev
Move-Item .azure/azureProfile.json away
try { $null = Get-AzCtxAccessToken; 'FAIL there is a token' } catch { is 'sign-in' "$($_.FullyQualifiedErrorId) $($_.CategoryInfo.Category)" 'AzCtx.SignInNeeded,Get-AzCtxAccessToken AuthenticationError'; has 'what to do' $_.ErrorDetails.RecommendedAction 'az login --tenant ffffffff-0000-4000-8000-000000000009' }
$null = az-ctx token 2>$null
is status $LASTEXITCODE 4
'the end'`)
	if r.stdout != "the end\n" || r.stderr != "" || r.code != 0 {
		t.Errorf("exit status %d\n%s\n%s", r.code, r.stdout, r.stderr)
	}
}

// Fifty writers at once, in the threads of one PowerShell and beside it: no
// context is lost, and every file is valid.
func TestP69FiftyWriters(t *testing.T) {
	u := newUser(t)
	var names []string
	for i := range 50 {
		names = append(names, "n"+strings.Repeat("i", i))
	}
	u.importNames(append(names, "stays")...)
	u.ok(`
$null = Select-AzCtx stays
$jobs = 1..2 | ForEach-Object { Start-Job {
    foreach ($i in 1..5) { $null = Set-AzCtx -Subscription 'Sub stays' -Name "job$using:_ $i"; Save-AzCtx "job$using:_.json" -Force }
} }
1..50 | ForEach-Object -ThrottleLimit 50 -Parallel {
    $name = 'n' + 'i' * ($_ - 1)
    if ($_ % 5 -eq 0) { Remove-AzCtx $name; Save-AzCtx shared.json -Force } else { Rename-AzCtx $name "m$_" }
}
$jobs | Receive-Job -Wait
$wanted = @(1..50 | Where-Object { $_ % 5 } | ForEach-Object { "m$_" }) + @(1, 2 | ForEach-Object { foreach ($i in 1..5) { "job$_ $i" } }) + 'stays'
is contexts (((Get-AzCtx -ListAvailable).Name | Sort-Object) -join '+') (($wanted | Sort-Object) -join '+')
is active (Get-AzCtx).Name stays
foreach ($file in Get-ChildItem .config/az-ctx/contexts/*.json, *.json) { $null = Get-Content $file -Raw | ConvertFrom-Json }
is saved (Get-ChildItem .config/az-ctx/contexts/*.json).Count $wanted.Count
$null = az-ctx doctor
is doctor $LASTEXITCODE 0
# Twenty that want one name: one context comes of it.
1..20 | ForEach-Object -ThrottleLimit 20 -Parallel { Rename-AzCtx "m$(5 * $_ % 49 + 1)" one -Force -ErrorAction SilentlyContinue }
is one @(Get-AzCtx -ListAvailable | Where-Object Name -ceq one).Count 1`)
}

// A PowerShell that is killed at any instant of a change, its az-ctx too, leaves
// the old state or the new.
func TestP70KilledPowerShell(t *testing.T) {
	if _, err := exec.LookPath("setsid"); err != nil {
		t.Skip("missing: setsid")
	}
	u := newUser(t)
	u.importNames("a", "stays")
	u.write("renames.ps1", initLine+"while ($true) { foreach ($pair in 'ab', 'ba') { Rename-AzCtx $pair[0] $pair[1] -ErrorAction SilentlyContinue; 'renamed' } }")
	u.write("renames.sh", "echo $$ >pid; exec "+pwsh+" -NoProfile -File renames.ps1 >renames")
	u.ok(`
$null = Select-AzCtx a -Scope CurrentUser
mkfifo renames
foreach ($round in 1..6) {
    Start-Process setsid -ArgumentList sh, renames.sh
    sh -c 'exec 3<renames; read -r _ <&3; read -r _ <&3; i=0; while [ $i -lt $0 ]; do i=$((i+1)); done; kill -9 -$(cat pid); cat <&3 >/dev/null' (9000 * $round)
    $all = Get-AzCtx -ListAvailable -WarningAction SilentlyContinue
    is "names $round" ((($all.Name | Sort-Object) -replace '^[ab]$', 'one') -join '+') 'one+stays'
    is "default $round" ($all | Where-Object Default).Name ($all | Where-Object Name -cne stays).Name
    $null = az-ctx doctor
    is "doctor $round" $LASTEXITCODE 0
}`)
}

// A variable of this session that can't be set: nothing changes, and an error
// says why.
func TestP78ReadOnlyVariable(t *testing.T) {
	for _, option := range []string{"ReadOnly", "Constant"} {
		for what, change := range map[string]string{
			"cmdlet":   "try { $null = Select-AzCtx $dev; 'FAIL there is no error' } catch { is id $_.FullyQualifiedErrorId.Split(',')[0] AzCtx.Failed; \"$_\" }",
			"function": "az-ctx select $dev; is status $LASTEXITCODE 1",
		} {
			t.Run(what+" "+option, func(t *testing.T) {
				r := borrower(t).run(prelude + initLine + imported + `
$null = Select-AzCtx mycontext
Remove-Variable __az_ctx_dir -Scope Global
Set-Variable __az_ctx_dir $env:AZURE_CONFIG_DIR.Replace('/.azure', '') -Scope Global -Option ` + option + `
$before = environ
` + change + `
is changed ((Compare-Object $before (environ)).InputObject -join ' ') ''
is active (Get-AzCtx).Name mycontext
'the end'`)
				said := r.stdout + r.stderr
				if strings.Contains(said, "FAIL") || !strings.HasSuffix(r.stdout, "the end\n") || !strings.Contains(said, "__az_ctx_dir is read-only in this shell, so nothing was changed") {
					t.Errorf("exit status %d\n%s\n%s", r.code, r.stdout, r.stderr)
				}
			})
		}
	}
}
