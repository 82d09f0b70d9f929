//go:build unix

package pwsh

import (
	"testing"
	"time"

	"github.com/az-ctx/az-ctx/test/azure"
)

// What was made with autosave off for this process reaches neither disk nor
// keychain, nor another shell, whatever autosave is for the user (P66).
func TestP62P66AutosaveOffForTheProcess(t *testing.T) {
	u, cloud := desk(t, nil)
	u.ok(atDesk + `
as bob; $bob = Connect-AzCtxAccount -UseDeviceAuthentication 6>$null
$theirs = names
$before = saved
function unsaved($what) {
    is "$what, saved" (saved) $before
    is "$what, elsewhere" ((elsewhere | Sort-Object) -join '+') $theirs
}
Disable-AzCtxAutosave -Scope Process
is setting (Get-AzCtxAutosaveSetting).Mode Process
as alice; is user (Connect-AzCtxAccount -UseDeviceAuthentication 6>$null).Scope Process
unsaved 'a user'
is robot (robot).SignIn 'this shell'
is set (Set-AzCtx -Subscription 'Contoso Test' -Name mine).Scope Process
Rename-AzCtx mine own
is imported (Import-AzCtx (Get-AzCtx $bob.Name)).Context.Name $bob.Name
unsaved 'all of it'
is whose (whose (Get-AzCtx -ListAvailable)) 'alice bob robot'
foreach ($c in Get-AzCtx -ListAvailable) { is "token of $($c.Name)" (Get-AzCtxAccessToken -DefaultProfile $c).UserId $c.Account.Id }
unsaved 'tokens'
Enable-AzCtxAutosave -Scope CurrentUser
is 'P66 off' "$((Get-AzCtxAutosaveSetting).Mode) $((Get-AzCtxAutosaveSetting -Scope CurrentUser).Mode)" 'Process CurrentUser'
is 'P66 off, set' (Set-AzCtx -Subscription 'Contoso Test' -Name more).Scope Process
is 'P66 off, elsewhere' ((elsewhere | Sort-Object) -join '+') $theirs
is 'P66 off, files' (files) $theirs.Split('+').Count
is 'P66 off, held' @(held).Count 1`)
	u.hidesSecrets(cloud)
	// The other way round.
	u.ok(atDesk + `
is 'gone with its shell' (whose (Get-AzCtx -ListAvailable)) bob
Disable-AzCtxAutosave
Enable-AzCtxAutosave -Scope Process
is 'P66 on' "$((Get-AzCtxAutosaveSetting).Mode) $((Get-AzCtxAutosaveSetting -Scope CurrentUser).Mode)" 'CurrentUser Process'
is 'P66 on, robot' (robot -ContextName ci).Scope CurrentUser
is 'P66 on, held' @(held).Count 2
is 'P66 on, set' (Set-AzCtx -Subscription 'Contoso Test' -Name kept).Scope CurrentUser`)
	u.ok(atDesk + `
Enable-AzCtxAutosave -Scope Process
is kept "$((Get-AzCtx ci).Account.Id) $((Get-AzCtx kept).Account.Id)" "$($credential.UserName) $($credential.UserName)"
works kept (Get-AzCtx -ListAvailable)`)
}

// A process sign-in leaves nothing once its pwsh has ended, whichever way: no
// file, no token for whoever knows its keys, nothing that the next shell sees.
func TestP10P63ProcessSignInEndsWithItsShell(t *testing.T) {
	for name, c := range map[string]struct {
		connect, end string
		code         int
	}{
		"user, exit":                {"Connect-AzCtxAccount -UseDeviceAuthentication -Scope Process 6>$null", "exit", 0},
		"user, kill -9":             {"Connect-AzCtxAccount -UseDeviceAuthentication -Scope Process 6>$null", "kill -9 $PID", -1},
		"autosave off, kill -9":     {"Disable-AzCtxAutosave -Scope Process; robot", "kill -9 $PID", -1},
		"autosave off, an error":    {"Disable-AzCtxAutosave -Scope Process; robot", "throw 'the end'", 1},
		"a token by hand, kill -9":  {"Connect-AzCtxAccount -ServicePrincipal -ApplicationId $credential.UserName -Tenant contoso.com -FederatedToken $env:ASSERTION", "kill -9 $PID", -1},
		"another's access, kill -9": {"Connect-AzCtxAccount -AccessToken $env:BARE -AccountId someone", "kill -9 $PID", -1},
	} {
		t.Run(name, func(t *testing.T) {
			u, cloud := robots(t)
			bare, err := cloud.Issue(azure.Alice, azure.ContosoTenant, "https://management.core.windows.net/")
			if err != nil {
				t.Fatal(err)
			}
			u.env = append(u.env, "BARE="+bare, "ASSERTION="+pipeline.Assertion(10*time.Minute))
			// The old shell's keys outlive it, as they do in a child that goes on.
			r := u.run(prelude + initLine + atDesk + asked + `
$given = $(` + c.connect + `)
is scope "$($given.Scope) $($given.SignIn)" 'Process this shell'
is 'with its keys' (asked $env:IDENTITY_ENDPOINT $env:IDENTITY_HEADER) True
[IO.File]::WriteAllLines("$HOME/keys", @($env:IDENTITY_ENDPOINT, $env:IDENTITY_HEADER))
$null = Set-AzCtx -Subscription 'Contoso Test' -Name mine -Scope Process
is files (files) 0
is held @(held).Count 0
'done'
` + c.end)
			if r.stdout != "done\n" || r.code != c.code {
				t.Fatalf("exit status %d\n%s\n%s", r.code, r.stdout, r.stderr)
			}
			u.hidesSecrets(cloud)
			u.ok(atDesk + asked + `
$endpoint, $header = Get-Content keys
is 'with its keys' (asked $endpoint $header) False
is contexts @(Get-AzCtx -ListAvailable).Count 0
fails NotFound { Get-AzCtxAccessToken }
Disable-AzCtxAutosave -Scope Process # the next shell to begin sweeps what the dead one left
is files (files) 0
is held @(held).Count 0
is 'in any file' (sh -c 'grep -rlF -e ` + azure.ContosoTenant + ` -e ` + azure.ContosoTest + ` .config/az-ctx .cache/az-ctx .local/state/az-ctx 2>/dev/null') ''`)
		})
	}
}

// asked is whether the endpoint gives a token to whoever has those keys.
const asked = `
function asked($endpoint, $header) {
    try { [bool](Invoke-RestMethod "${endpoint}?api-version=2019-08-01&resource=https://management.azure.com" -Headers @{ 'X-IDENTITY-HEADER' = $header }).access_token }
    catch { $false }
}
`
