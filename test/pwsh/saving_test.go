//go:build unix

package pwsh

import (
	"os"
	"testing"

	"github.com/az-ctx/az-ctx/test/azure"
)

// Enabling autosave brings the saved contexts back, and saves those of this
// session that were unsaved for autosave alone.
func TestP64EnableSavesWhatWasUnsaved(t *testing.T) {
	u := borrower(t)
	u.write("file.json", `{"format":"az-ctx","version":1,"active":"northwind","contexts":[{"name":"northwind","account":{"id":"bob@northwind.com","type":"user"},"tenant":{"id":"bbbbbbbb-0000-4000-8000-00000000000b"},"subscription":null,"environment":"AzureCloud"}]}`)
	u.ok(imported + `Disable-AzCtxAutosave`)
	u.ok(`
$saved = { [IO.Directory]::GetFiles("$HOME/.config/az-ctx/contexts") | ForEach-Object { ([IO.File]::ReadAllText($_) | ConvertFrom-Json).name } | Where-Object { $_ -in 'northwind', 'mine', 'mycontext' } | Sort-Object }
is imported (Import-AzCtx file.json).Scope Process
fails NotFound { Select-AzCtx mycontext }
has recommended $Error[0].ErrorDetails.RecommendedAction 'Enable-AzCtxAutosave'
$null = Set-AzCtx -Tenant bbbbbbbb-0000-4000-8000-00000000000b -Name mine -Scope Process
is seen ((Get-AzCtx -ListAvailable).Name -join '+') 'mine+northwind'
is before ((& $saved) -join '+') mycontext
Enable-AzCtxAutosave
is back @(Get-AzCtx -ListAvailable).Count 10
is after ((& $saved) -join '+') 'mycontext+northwind'
is saved (Get-AzCtx northwind).Scope CurrentUser
is mine (Get-AzCtx mine).Scope Process
is selected (Select-AzCtx mycontext).Name mycontext`)
	u.ok(`is 'a new session' ((Get-AzCtx -ListAvailable).Name | Where-Object { $_ -in 'northwind', 'mine', 'mycontext' } | Sort-Object | Join-String -Separator +) 'mycontext+northwind'`)
}

// The same of what a sign-in made, but not of one for this process alone.
func TestP64EnableSavesTheContextsOfASignIn(t *testing.T) {
	u, cloud := desk(t, nil)
	u.ok(atDesk + `
Disable-AzCtxAutosave
is signed (Connect-AzCtxAccount -UseDeviceAuthentication 6>$null).Scope Process
$null = robot -Scope Process
$null = Select-AzCtx $prod
is unsaved "$(files) $(@(held).Count)" '0 0'
Enable-AzCtxAutosave
is saved (files) 4
is whose (whose (Get-AzCtx -ListAvailable | Where-Object Scope -ceq CurrentUser)) alice
is robot (whose (Get-AzCtx -ListAvailable | Where-Object Scope -ceq Process)) robot
is active $env:AZ_CTX_NAME $prod
foreach ($c in Get-AzCtx -ListAvailable) { is "token of $($c.Name)" (Get-AzCtxAccessToken -DefaultProfile $c).UserId $c.Account.Id }`)
	u.ok(atDesk + `
is all "$(@(Get-AzCtx -ListAvailable).Count) $(whose (Get-AzCtx -ListAvailable))" '4 alice'`)
	u.hidesSecrets(cloud)
}

// An import never drops a sign-in, of no account; the file has none, so that on
// another machine the next use asks to sign in.
func TestP57P58P59SavedFile(t *testing.T) {
	u, cloud := desk(t, nil)
	u.ok(atDesk + `
everybody
$before = names
$keyring = held
Save-AzCtx all.json
Get-AzCtx -ListAvailable | Where-Object { $_.Account.Id -ceq 'alice@contoso.com' } | Save-AzCtx -Path alice.json
foreach ($file in 'all.json', 'alice.json') {
    $null = Import-AzCtx $file -Force
    is "P57 $file, contexts" (names) $before
    is "P57 $file, held" (@(held) -join '+') ($keyring -join '+')
    works "P57 $file" (Get-AzCtx -ListAvailable)
}
$all = Get-AzCtx -ListAvailable | Sort-Object Name
is accounts (whose $all) 'alice bob robot'
# The file brings contexts, not whose sign-ins are here: one gone meanwhile stays so.
Disconnect-AzCtxAccount -Username bob@contoso.com
$null = Import-AzCtx all.json -Force
is needed (whose (Get-AzCtx -ListAvailable | Where-Object SignIn -ceq needed)) bob
is others @(held).Count 2
works "P57 bob's gone" (Get-AzCtx -ListAvailable | Where-Object SignIn -ceq ok)
Set-Content names.txt ($all.Name -join '+')`)
	u.hidesSecrets(cloud)

	other := newUser(t)
	other.env = append(other.env, cloud.Env()...)
	other.withKeyring()
	other.env = append(other.env, "SECRET="+cloud.Secret(azure.RobotC))
	for _, name := range []string{"all.json", "names.txt"} {
		raw, err := os.ReadFile(u.path(name))
		if err != nil {
			t.Fatal(err)
		}
		other.write(name, string(raw))
	}
	if err := cloud.AutoApprove(azure.Alice); err != nil {
		t.Fatal(err)
	}
	other.ok(atDesk + `
$loaded = Import-AzCtx all.json
is active $env:AZ_CTX_NAME $loaded.Context.Name
is all (((Get-AzCtx -ListAvailable | Sort-Object Name).Name) -join '+') (Get-Content names.txt)
is needed (((Get-AzCtx -ListAvailable).SignIn | Sort-Object -Unique) -join '+') needed
foreach ($c in Get-AzCtx -ListAvailable) { fails SignInNeeded { Get-AzCtxAccessToken -DefaultProfile $c } }
has 'what to do' $Error[0].ErrorDetails.RecommendedAction 'Connect-AzCtxAccount -Tenant '
is keyring @(held).Count 0
$null = Connect-AzCtxAccount -UseDeviceAuthentication 6>$null
is 'taken up' (((Get-AzCtx -ListAvailable | Sort-Object Name).Name) -join '+') (Get-Content names.txt)
is 'hers' (whose (Get-AzCtx -ListAvailable | Where-Object SignIn -ceq ok)) alice
is 'theirs' (whose (Get-AzCtx -ListAvailable | Where-Object SignIn -ceq needed)) 'bob robot'
works 'hers' (Get-AzCtx -ListAvailable | Where-Object SignIn -ceq ok)`)
}
