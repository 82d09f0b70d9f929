//go:build unix

package pwsh

import (
	"testing"

	"github.com/az-ctx/az-ctx/test/azure"
)

// A first sign-in makes 25 contexts at most; -1 is all, 0 the active one alone.
func TestP2P3MaxContextPopulation(t *testing.T) {
	u, _ := desk(t, map[string]func(*azure.World){"grow": func(w *azure.World) { *w = azure.Generate(4, 10) }})
	u.ok(atDesk + `
cloud grow
$few = Connect-AzCtxAccount -UseDeviceAuthentication -MaxContextPopulation 0 6>$null
is 0 (names) $few.Name
Clear-AzCtx -Force
$null = Connect-AzCtxAccount -UseDeviceAuthentication -SkipContextPopulation 6>$null
is skipped @(Get-AzCtx -ListAvailable).Count 1
Clear-AzCtx -Force
$null = Connect-AzCtxAccount -UseDeviceAuthentication -MaxContextPopulation 3 6>$null
is 3 @(Get-AzCtx -ListAvailable).Count 3
Clear-AzCtx -Force
$null = Connect-AzCtxAccount -UseDeviceAuthentication -WarningVariable said 6>$null
is P2 @(Get-AzCtx -ListAvailable).Count 25
is P2 "$said" '25 contexts saved (of 40; all: -MaxContextPopulation -1)'
$null = Connect-AzCtxAccount -UseDeviceAuthentication -MaxContextPopulation -1 6>$null
is P3 @(Get-AzCtx -ListAvailable).Count 40
try { Connect-AzCtxAccount -MaxContextPopulation -2; 'FAIL it is taken' } catch { is 'no number' $_.FullyQualifiedErrorId.Split(',')[0] ParameterArgumentValidationError }
is still @(Get-AzCtx -ListAvailable).Count 40`)
}

// A later sign-in of the same account adds what is new, and doubles nothing.
func TestP4ConnectAgainAddsWhatIsNew(t *testing.T) {
	u, _ := desk(t, map[string]func(*azure.World){"add": func(w *azure.World) {
		w.Subscriptions = append(w.Subscriptions, azure.Subscription{ID: "00000009-0000-4000-8000-000000000000", Name: "Contoso New", Short: "new", State: "Enabled", Tenant: azure.ContosoTenant, Access: []string{azure.Alice, azure.RobotC}})
	}})
	u.ok(atDesk + `
$null = robot -ContextName ci
$null = Connect-AzCtxAccount -UseDeviceAuthentication 6>$null
Rename-AzCtx $prod prod
$null = Set-AzCtx ` + azure.ContosoProd + ` -Name again
$before = names
$keyring = held
$null = Connect-AzCtxAccount -UseDeviceAuthentication 6>$null
$null = robot
is same (names) $before
cloud add
$null = Connect-AzCtxAccount -UseDeviceAuthentication 6>$null
$new = 'Contoso New (00000009-0000-4000-8000-000000000000)'
is new (names) ((@($before.Split('+')) + $new | Sort-Object) -join '+')
$null = robot
is 'new for both' @(Get-AzCtx -ListAvailable | Where-Object { $_.Subscription.Name -ceq 'Contoso New' }).Count 2
is more @(Get-AzCtx -ListAvailable).Count ($before.Split('+').Count + 2)
is held (@(held) -join '+') ($keyring -join '+')
works all (Get-AzCtx -ListAvailable)`)
}

// -ContextName names the active one; a clash asks, which nobody can answer here.
func TestP5ContextName(t *testing.T) {
	u, _ := desk(t, nil)
	u.ok(atDesk + `
$work = Connect-AzCtxAccount -UseDeviceAuthentication -ContextName work 6>$null
is given "$($work.Name) $($work.Active) $($work.Subscription)" 'work True ` + azure.ContosoProd + `'
$null = Connect-AzCtxAccount -UseDeviceAuthentication -ContextName work 6>$null # the same identity: no question
is one @(Get-AzCtx -ListAvailable | Where-Object Name -eq work).Count 1
$before = saved
fails Failed { robot -ContextName work }
is P26 $Error[0].ErrorDetails.RecommendedAction 'the same with -Force'
is unchanged (saved) $before
is active "$env:AZ_CTX_NAME $((Get-AzCtx).Account)" 'work alice@contoso.com'
is forced (robot -ContextName work -Force).Account '` + azure.RobotC + `'
is work "$((Get-AzCtx work).Account) $((Get-AzCtx work).Active)" '` + azure.RobotC + ` True'
works both (Get-AzCtx -ListAvailable)`)
}

// An account without a subscription gets a context of its tenant alone.
func TestP6NoSubscription(t *testing.T) {
	u, _ := desk(t, map[string]func(*azure.World){"hire": func(w *azure.World) {
		w.Accounts = append(w.Accounts, azure.Account{Name: "dora@contoso.com", ObjectID: "d04a0000-0000-4000-8000-000000000004", Home: azure.ContosoTenant})
	}})
	u.ok(atDesk + `
cloud hire; as dora
$dora = Connect-AzCtxAccount -UseDeviceAuthentication 6>$null
is name $dora.Name '` + azure.ContosoTenant + ` - dora@contoso.com'
is one (names) $dora.Name
is none "$($dora.Subscription.Id)$env:ARM_SUBSCRIPTION_ID" ''
is tenant "$($dora.Tenant) $env:ARM_TENANT_ID $($dora.Active)" '` + azure.ContosoTenant + ` ` + azure.ContosoTenant + ` True'
is token (Get-AzCtxAccessToken).UserId dora@contoso.com
is subscriptions @(Get-AzCtxSubscription).Count 0`)
}

// -Tenant and -Subscription hold; what the account can't reach is an error and
// changes nothing.
func TestP8TenantAndSubscriptionHold(t *testing.T) {
	u, _ := desk(t, nil)
	u.ok(atDesk + `
function signin { Connect-AzCtxAccount -UseDeviceAuthentication @args 6>$null }
is tenant (signin -Tenant fabrikam.com).Subscription '` + azure.FabrikamDev + `'
is both (signin -Tenant ` + azure.ContosoTenant + ` -Subscription 'contoso test').Subscription '` + azure.ContosoTest + `'
is subscription (signin -Subscription ` + azure.FabrikamDev + `).Subscription '` + azure.FabrikamDev + `'
is robot (robot -Subscription 'contoso prod 1').Subscription '` + azure.ContosoProd + `'
$alone = signin -Tenant adatum.com
is alone "$($alone.Name) $($alone.Subscription.Id)" '` + azure.AdatumTenant + ` - alice@contoso.com '
$before = saved
fails NotFound { signin -Tenant nowhere.test }
has reason "$($Error[0])" AADSTS90002
fails NotFound { signin -Subscription 'Contoso Prd 1' }
has near "$($Error[0])" 'near: Contoso Prod 1'
fails NotFound { signin -Subscription 00000000-dead-4000-8000-000000000000 }
fails NotFound { signin -Tenant fabrikam.com -Subscription 'Contoso Test' }
fails NotFound { robot -Subscription 'Fabrikam Dev' }
as bob
fails SignInNeeded { signin -Tenant fabrikam.com }
has 'no guest' "$($Error[0])" AADSTS50020
is unchanged (saved) $before
is active "$env:AZ_CTX_NAME $env:ARM_TENANT_ID" "$($alone.Name) ` + azure.AdatumTenant + `"
works all (Get-AzCtx -ListAvailable)`)
}

// A tenant that demands a second factor does not fail the others, and what to do
// is said; its sign-in is kept beside the account's own.
func TestP9SecondFactorFailsNoOther(t *testing.T) {
	u, _ := desk(t, map[string]func(*azure.World){"mfa": fabrikamWantsMore})
	u.ok(atDesk + `
cloud mfa
$first = Connect-AzCtxAccount -UseDeviceAuthentication -WarningVariable warned -InformationVariable said 6>$null
has reason "$warned $said" AADSTS50076
has 'what to do' "$warned $said" 'fabrikam.com'
is active $first.Name $prod
is others @(Get-AzCtx -ListAvailable).Count 3
is held @(held).Count 1
is fabrikam (Connect-AzCtxAccount -UseDeviceAuthentication -Tenant fabrikam.com 6>$null).Name $dev
is both @(held).Count 2
works each (Get-AzCtx -ListAvailable)
$null = Connect-AzCtxAccount -UseDeviceAuthentication -WarningVariable warned -InformationVariable said 6>$null
is quiet ("$warned $said".Contains('AADSTS50076')) False
works after (Get-AzCtx -ListAvailable)
Disconnect-AzCtxAccount
is left @(held).Count 0`)
}

// A sign-in of this process alone is not saved, whatever autosave says, and is
// nothing to another shell.
func TestP10ProcessSignInSavesNothing(t *testing.T) {
	u, cloud := desk(t, nil)
	const unseen = `
is files (files) 0
is keyring @(held).Count 0
is 'another shell' (elsewhere) ''
`
	u.ok(atDesk + `
Enable-AzCtxAutosave
is setting (Get-AzCtxAutosaveSetting).Mode CurrentUser
$mine = Connect-AzCtxAccount -UseDeviceAuthentication -Scope Process 6>$null
is mine "$($mine.Scope) $($mine.SignIn)" 'Process this shell'
$ci = robot -Scope Process
is ci "$($ci.Scope) $($ci.SignIn) $($ci.Active)" 'Process this shell True'
is all (whose (Get-AzCtx -ListAvailable)) 'alice robot'
is scopes (((Get-AzCtx -ListAvailable).Scope | Sort-Object -Unique) -join '+') Process
$null = Set-AzCtx ` + azure.ContosoTest + ` -Name own -Scope Process
foreach ($c in Get-AzCtx -ListAvailable) { is "token of $($c.Name)" (Get-AzCtxAccessToken -DefaultProfile $c).UserId $c.Account.Id }
is 'a child' (Start-Job { (Get-AzCtxAccessToken).UserId } | Receive-Job -Wait) $ci.Account.Id
` + unseen)
	u.hidesSecrets(cloud)
	// Beside a saved one of the same account, which stays and works.
	u.ok(atDesk + `
is gone @(Get-AzCtx -ListAvailable).Count 0
$null = Connect-AzCtxAccount -UseDeviceAuthentication 6>$null
is 'another shell' @(elsewhere).Count 4
$before = saved
$null = Connect-AzCtxAccount -UseDeviceAuthentication -Scope Process 6>$null
is own (((Get-AzCtx -ListAvailable).Scope | Sort-Object -Unique) -join '+') Process
Disconnect-AzCtxAccount -Scope Process
is unchanged (saved) $before`)
	u.ok(atDesk + `
is 'the saved ones' @(Get-AzCtx -ListAvailable).Count 4
works 'the saved ones' (Get-AzCtx -ListAvailable)`)
}
