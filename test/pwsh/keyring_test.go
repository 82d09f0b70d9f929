//go:build unix

package pwsh

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"

	"github.com/az-ctx/az-ctx/test/azure"
	"github.com/az-ctx/az-ctx/test/keyring"
)

// desk is online, with the real gnome-keyring. What is asked of the cloud besides
// signing in as somebody else is called from scripts by its name.
func desk(t *testing.T, changes map[string]func(*azure.World)) (*user, *azure.Server) {
	t.Helper()
	u, cloud := online(t, azure.Alice)
	u.withKeyring()
	mux := http.NewServeMux()
	mux.Handle("/", cloud.Control())
	for name, change := range changes {
		mux.HandleFunc("POST /"+name, func(http.ResponseWriter, *http.Request) { cloud.Change(change) })
	}
	control := httptest.NewServer(mux)
	t.Cleanup(control.Close)
	u.env = append(u.env, "CLOUD="+control.URL, "SECRET="+cloud.Secret(azure.RobotC))
	return u, cloud
}

// withKeyring starts a session bus with an unlocked keyring on it, until the test
// ends.
func (u *user) withKeyring() {
	u.t.Helper()
	if _, err := exec.LookPath("secret-tool"); err != nil {
		u.t.Skip("missing: secret-tool")
	}
	if err := os.Mkdir(u.path("run"), 0o700); err != nil {
		u.t.Fatal(err)
	}
	u.env = append(u.env, "XDG_RUNTIME_DIR="+u.path("run"))
	u.env = append(u.env, "DBUS_SESSION_BUS_ADDRESS="+keyring.Start(u.t, u.env))
}

// atDesk is what the scripts of a desk have besides: who answers from now on,
// what the keyring holds for az-ctx, what is on disk, whose contexts there are.
const atDesk = `
$WarningPreference = 'SilentlyContinue'
$credential = New-Object pscredential '` + azure.RobotC + `', (ConvertTo-SecureString $env:SECRET -AsPlainText -Force)
function cloud($what) { $null = Invoke-RestMethod -Method Post "$env:CLOUD/$what" }
function as($who) { cloud "auto-approve?user=$who@contoso.com" }
function held { sh -c 'secret-tool search --all service az-ctx 2>&1 | sed -n "s/^attribute.username = //p" | sort' }
function saved {
    $all = @(sh -c 'find .config/az-ctx .cache/az-ctx -type f ! -name "*lock" -exec sha256sum {} + 2>/dev/null | sort') + @(held)
    if ("$all" -notmatch 'az-ctx/contexts/') { throw 'nothing is saved' }
    "$all"
}
function files { @(Get-ChildItem ~/.config/az-ctx/contexts -ErrorAction Ignore).Count }
function names { ((Get-AzCtx -ListAvailable).Name | Sort-Object) -join '+' }
function whose($contexts) { ($contexts.Account.Id -replace '@.*' -replace '^5eeeeeee.*', 'robot' | Sort-Object -Unique) -join ' ' }
function robot { Connect-AzCtxAccount -ServicePrincipal -Credential $credential -Tenant contoso.com @args }
function everybody {
    as bob; $null = Connect-AzCtxAccount -UseDeviceAuthentication 6>$null
    $null = robot
    as alice; $null = Connect-AzCtxAccount -UseDeviceAuthentication 6>$null
}
# What a shell that was not started from here sees.
function elsewhere { sh -c 'env -i HOME="$HOME" PATH="$PATH" XDG_RUNTIME_DIR="$XDG_RUNTIME_DIR" DBUS_SESSION_BUS_ADDRESS="$DBUS_SESSION_BUS_ADDRESS" az-ctx list -o name 2>&1' }
# Each token comes from what is kept, and not from what the agent knows.
function works($what, $contexts) {
    if (-not $contexts) { "FAIL ${what}: no contexts" }
    az-ctx agent stop --force
    foreach ($c in $contexts) { is "$what, token of $($c.Name)" (Get-AzCtxAccessToken -DefaultProfile $c).UserId $c.Account.Id }
}
`
