//go:build unix

package pwsh

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/az-ctx/az-ctx/test/azure"
)

// TestP1P7P79Connect: each kind of account, and what is given back.
func TestP1P7P79Connect(t *testing.T) {
	u, cloud := online(t, azure.Alice)
	u.env = append(u.env, "SECRET="+cloud.Secret(azure.RobotC))
	u.ok(`$WarningPreference = 'SilentlyContinue'
$user = Login-AzCtxAccount -DeviceCode -ContextName mine -InformationVariable said 6>$null
has code "$said" 'enter '
is user "$($user.Account) $($user.Account.Type) $($user.Name) $($user.Active)" 'alice@contoso.com User mine True'
$secret = ConvertTo-SecureString $env:SECRET -AsPlainText -Force
$env:SECRET = $null
$robot = Connect-AzCtxAccount -ServicePrincipal -Credential (New-Object pscredential '` + azure.RobotC + `', $secret) -TenantId contoso.com -MaxContextPopulation 1
is robot "$($robot.Account) $($robot.Account.Type)" '` + azure.RobotC + ` ServicePrincipal'
is active $env:AZ_CTX_NAME $robot.Name
$token = Get-AzCtxAccessToken
is token "$($token.Token.GetType().Name) $($token.ExpiresOn.GetType().Name) $($token.TenantId) $($token.UserId) $($token.Type)" 'SecureString DateTimeOffset ` + azure.ContosoTenant + ` ` + azure.RobotC + ` Bearer'
$plain = (New-Object Net.NetworkCredential '', $token.Token).Password
$bare = Connect-AzCtxAccount -AccessToken $token.Token -AccountId robot -Tenant ` + azure.ContosoTenant + `
is bare "$($bare.Account.Type) $($bare.Scope)" 'AccessToken Process'
is same (New-Object Net.NetworkCredential '', (Get-AzCtxAccessToken -DefaultProfile $bare).Token).Password $plain
is graph (Get-AzCtxAccessToken -ResourceTypeName MSGraph -DefaultProfile mine).UserId alice@contoso.com
foreach ($type in (Get-Command Get-AzCtxAccessToken).Parameters['ResourceTypeName'].Attributes.ValidValues) {
    # Not every one is to be had in this tenant, but each is known.
    try { $null = Get-AzCtxAccessToken -ResourceTypeName $type -DefaultProfile mine } catch { has $type "$_" 'gets no token for https://' }
}
fails SignInNeeded { Connect-AzCtxAccount -ServicePrincipal -Credential (New-Object pscredential '` + azure.RobotC + `', (ConvertTo-SecureString wrong -AsPlainText -Force)) -Tenant contoso.com }
fails NotFound { Get-AzCtxSubscription -SubscriptionName nope -DefaultProfile mine }
is subscriptions ((Get-AzCtxSubscription -TenantId contoso.com -AzContext mine).Name -join '+') 'Contoso Old+Contoso Prod 1+Contoso Test'
fails NotFound { Get-AzCtxSubscription -TenantId nope.com -DefaultProfile mine }
fails NotFound { Get-AzCtxTenant nope.com -DefaultProfile mine }
is 'of a tenant' ((Get-AzCtxTenant fabrikam.com -AzContext mine | Get-AzCtxSubscription -AzContext mine).Name -join '+') 'Fabrikam Dev'
is 'of each tenant' ((Get-AzCtxTenant -AzContext mine | Get-AzCtxSubscription -AzContext mine).Name -join '+') ((Get-AzCtxSubscription -AzContext mine).Name -join '+')
is 'of a scope' (Connect-AzCtxAccount -DeviceCode -AuthScope KeyVault -ContextName vault 6>$null).Account.Id alice@contoso.com
is tenant (Get-AzCtxDomain contoso.com -AzContext mine).Id ` + azure.ContosoTenant + `
Disconnect-AzCtxAccount -ApplicationId ` + azure.RobotC + ` -TenantId contoso.com
is left @(Get-AzCtx -ListAvailable | Where-Object { $_.Account.Type -eq 'ServicePrincipal' }).Count 0`)
	for _, secret := range cloud.Secrets() {
		out, err := exec.Command("grep", "-rlF", "--", secret, u.home).Output()
		if err == nil {
			t.Errorf("a secret is in %s", strings.TrimSpace(string(out)))
		}
	}
}

// Without a keychain a sign-in is kept in memory, which is said.
func TestConnectWithoutKeychain(t *testing.T) {
	u, _ := online(t, azure.Alice)
	u.ok(`$null = Connect-AzCtxAccount -WarningVariable said -WarningAction SilentlyContinue 6>$null
has reason "$said" 'kept in memory'
$WarningPreference = 'SilentlyContinue'
is more @(Get-AzCtx -ListAvailable).Count 4
$null = Set-AzCtx -Tenant fabrikam.com
is token (Get-AzCtxAccessToken).TenantId ` + azure.FabrikamTenant)
}
