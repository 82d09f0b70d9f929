//go:build unix

package pwsh

import "testing"

// The program may end before it has read what a secret is given to it by, and
// what it says then is the error.
func TestErrorBeforeTheSecretIsRead(t *testing.T) {
	for name, line := range map[string]string{
		"a secret without a tenant": `Connect-AzCtxAccount -ServicePrincipal -Credential (New-Object pscredential id, (ConvertTo-SecureString secret -AsPlainText -Force))`,
		"a token by a bad name":     `Connect-AzCtxAccount -AccessToken token -AccountId alice -ContextName ''`,
		"an object by a bad name":   `Set-AzCtx -Context @{ Name = 'x'; Account = 'alice'; Tenant = 'contoso.com' } -Name ''`,
	} {
		t.Run(name, func(t *testing.T) { // each as the first one of its session
			borrower(t).ok("fails Usage { " + line + " }")
		})
	}
}

// What a cmdlet says is to be done can be done: with the cmdlet's own parameters,
// or by a whole command of az-ctx.
func TestErrorsSpeakOfParameters(t *testing.T) {
	u, _ := robots(t)
	u.ok(atDesk + withKey + `
newkey
function speaks($what, $block) {
    try { $null = & $block; "FAIL $what is no error" }
    catch {
        $said = "$_ " + $(if ("$($_.ErrorDetails.RecommendedAction)" -notlike 'az-ctx *') { $_.ErrorDetails.RecommendedAction })
        if ($said -match '--\w|standard input') { "FAIL ${what}: $said" }
    }
}
speaks 'no context' { Get-AzCtxAccessToken }
speaks 'no subscriptions' { Get-AzCtxSubscription }
speaks 'no tenant' { Connect-AzCtxAccount -ApplicationId $credential.UserName -CertificatePath robot.pem }
speaks 'no password' { Connect-AzCtxAccount @file -CertificatePath locked.pfx }
speaks 'no token' { Connect-AzCtxAccount @file -FederatedToken '' }`)
}
