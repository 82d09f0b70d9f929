//go:build unix

package pwsh

import (
	"bufio"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/az-ctx/az-ctx/test/azure"
)

var pipeline = azure.Federated{Issuer: "https://issuer.test", Subject: "repo:contoso/infra:ref:refs/heads/main", Audience: "api://AzureADTokenExchange"}

const password = "test-password-of-the-pfx"

// robots is desk, where Robot is known by a pipeline that vouches for it, and
// `cloud trust` has it known by the certificate in robot.pem alone.
func robots(t *testing.T) (*user, *azure.Server) {
	t.Helper()
	robot := func(w *azure.World) *azure.Account {
		return &w.Accounts[slices.IndexFunc(w.Accounts, func(a azure.Account) bool { return a.ClientID == azure.RobotC })]
	}
	var u *user
	u, cloud := desk(t, map[string]func(*azure.World){"trust": func(w *azure.World) {
		raw, err := os.ReadFile(u.path("robot.pem"))
		block, _ := pem.Decode(raw)
		if err != nil || block == nil {
			t.Errorf("no certificate in robot.pem: %v", err)
			return
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Error(err)
		}
		robot(w).Certificates = []*x509.Certificate{cert}
	}})
	cloud.Change(func(w *azure.World) { robot(w).Federated = []azure.Federated{pipeline} })
	u.env = append(u.env, "PASSWORD="+password)
	return u, cloud
}

// withKey makes a certificate and its files as whoever has PowerShell does.
const withKey = `
$password = ConvertTo-SecureString $env:PASSWORD -AsPlainText -Force
$file = @{ ServicePrincipal = $true; ApplicationId = $credential.UserName; Tenant = 'contoso.com' }
function newkey {
    $rsa = [Security.Cryptography.RSA]::Create(2048)
    $request = [Security.Cryptography.X509Certificates.CertificateRequest]::new('CN=robot', $rsa, 'SHA256', [Security.Cryptography.RSASignaturePadding]::Pkcs1)
    $key = $request.CreateSelfSigned([DateTimeOffset]::Now.AddHours(-1), [DateTimeOffset]::Now.AddHours(1))
    Set-Content robot.pem $key.ExportCertificatePem(), $rsa.ExportPkcs8PrivateKeyPem()
    [IO.File]::WriteAllBytes("$HOME/robot.pfx", $key.Export('Pfx'))
    [IO.File]::WriteAllBytes("$HOME/locked.pfx", $key.Export('Pfx', $env:PASSWORD))
    cloud trust
}
`

// alike has the context that a sign-in gave do what each does, and ends with a
// disconnect.
const alike = `
function token($c = @{}) {
    $t = Get-AzCtxAccessToken @c
    "$($t.UserId) in $($t.TenantId)"
}
function alike($what, $given, $type, $held, $kept) {
    $who = "$($given.Account.Id) in ` + azure.ContosoTenant + `"
    is "$what, given" "$($given.Account.Type) $($given.Active) $($given.SignIn) $($given.Name)" "$type True $kept $env:AZ_CTX_NAME"
    $all = Get-AzCtx -ListAvailable | Where-Object { $_.Tenant.DefaultDomain -ceq 'contoso.com' }
    is "$what, types" (($all.Account.Type | Sort-Object -Unique) -join '+') $type
    is "$what, more than one" ($all.Count -gt 1) True
    is "$what, held" @(held).Count $held
    is "$what, token" (token) $who
    is "$what, subscriptions" @((Get-AzCtxSubscription).Name | Where-Object { $_ -in 'Contoso Prod 1', 'Contoso Test' }).Count 2
    is "$what, tenant" ((Get-AzCtxTenant).DefaultDomain -ccontains 'contoso.com') True
    is "$what, set" (Set-AzCtx -Subscription 'Contoso Test' -Name test).Account.Id $given.Account.Id
    is "$what, test" "$env:ARM_SUBSCRIPTION_ID $(token)" "` + azure.ContosoTest + ` $who"
    Rename-AzCtx test renamed
    is "$what, back" (Select-AzCtx $prod).Name $env:AZ_CTX_NAME
    is "$what, renamed" (token @{ DefaultProfile = 'renamed' }) $who
    is "$what, invoked" (Invoke-AzCtx renamed { $env:ARM_SUBSCRIPTION_ID }) '` + azure.ContosoTest + `'
    if ($kept -ceq 'ok') { works $what (Get-AzCtx -ListAvailable) }
    Disconnect-AzCtxAccount
    is "$what, left" "$(@(Get-AzCtx -ListAvailable).Count) $(@(held).Count) $env:AZ_CTX_NAME" '0 0 '
    fails SignInNeeded { Get-AzCtxAccessToken }
}
`

// Whoever signs in, contexts behave alike afterwards.
func TestP7EveryKindBehavesAlike(t *testing.T) {
	u, cloud := robots(t)
	assertion := pipeline.Assertion(10 * time.Minute)
	u.env = append(u.env, "ASSERTION="+assertion)
	u.ok(atDesk + withKey + alike + `
newkey
$assertion = ConvertTo-SecureString $env:ASSERTION -AsPlainText -Force
alike user (Connect-AzCtxAccount -UseDeviceAuthentication 6>$null) User 1 ok
alike secret (robot) ServicePrincipal 1 ok
alike PEM (Connect-AzCtxAccount @file -CertificatePath ./robot.pem) ServicePrincipal 0 ok
alike PFX (Connect-AzCtxAccount @file -CertificatePath ~/robot.pfx) ServicePrincipal 0 ok
alike 'locked PFX' (Connect-AzCtxAccount @file -CertificatePath locked.pfx -CertificatePassword $password) ServicePrincipal 1 ok
alike 'federated token' (Connect-AzCtxAccount @file -FederatedToken $env:ASSERTION) ServicePrincipal 0 'this shell'
alike 'secure federated token' (Connect-AzCtxAccount @file -ClientAssertion $assertion) ServicePrincipal 0 'this shell'`)
	u.hidesSecrets(cloud, password, assertion)
}

// What a certificate can't be used for is an error, and changes nothing.
func TestP7CertificateThatIsNoUse(t *testing.T) {
	u, _ := robots(t)
	u.env = append(u.env, "OLD="+pipeline.Assertion(-time.Hour))
	u.ok(atDesk + withKey + `
newkey
$null = Connect-AzCtxAccount @file -CertificatePath locked.pfx -CertificatePassword $password
$before = saved
function refuses($id, $says, $more) {
    fails $id { Connect-AzCtxAccount @file @more }
    has reason "$($Error[0])" $says
    is "after $says, saved" (saved) $before
    is "after $says, active" "$env:AZ_CTX_NAME $((Get-AzCtx).Name)" "$prod $prod"
}
refuses Usage 'password is wrong' @{ CertificatePath = 'locked.pfx'; CertificatePassword = ConvertTo-SecureString wrong -AsPlainText -Force }
refuses Usage 'needs its password' @{ CertificatePath = 'locked.pfx' }
refuses Usage 'none.pem' @{ CertificatePath = 'none.pem' }
Set-Content broken.pem '-----BEGIN CERTIFICATE-----', 'broken', '-----END CERTIFICATE-----'
refuses Usage 'broken.pem' @{ CertificatePath = 'broken.pem' }
Move-Item robot.pem known.pem
newkey # the cloud knows the new one alone
refuses SignInNeeded AADSTS700027 @{ CertificatePath = 'known.pem' }
Move-Item robot.pem new.pem
refuses SignInNeeded AADSTS700024 @{ FederatedToken = $env:OLD }
works 'the one before' (Get-AzCtx)`)
}

// The file is read at each use, by its whole path, wherever the session is then.
func TestP7CertificateIsReadAtEachUse(t *testing.T) {
	u, _ := robots(t)
	u.ok(atDesk + withKey + `
newkey
$null = New-PSDrive keys FileSystem $HOME
$null = Connect-AzCtxAccount @file -CertificatePath keys:/robot.pem
Set-Location /
works 'elsewhere' (Get-AzCtx)
Set-Location ~
Move-Item robot.pem old.pem
newkey
works 'the new one' (Get-AzCtx)
Copy-Item old.pem robot.pem
az-ctx agent stop --force
fails SignInNeeded { Get-AzCtxAccessToken }
has reason "$($Error[0])" AADSTS700027
has 'what to do' $Error[0].ErrorDetails.RecommendedAction robot.pem
Remove-Item robot.pem
fails SignInNeeded { Get-AzCtxAccessToken }
has reason "$($Error[0])" robot.pem`)
}

// This machine's managed identity, its own or one that was assigned, which needs
// the machine's own header and so stays with its session.
func TestP7ManagedIdentity(t *testing.T) {
	u, cloud := robots(t)
	const assigned = "a5519ed0-0000-4000-8000-000000000001"
	cloud.Change(func(w *azure.World) {
		w.Accounts = append(w.Accounts, azure.Account{Name: "assigned", ClientID: assigned, ObjectID: "a5519ed0-0000-4000-8000-000000000002", Home: azure.ContosoTenant})
		for i := range w.Subscriptions {
			if w.Subscriptions[i].Tenant == azure.ContosoTenant {
				w.Subscriptions[i].Access = append(w.Subscriptions[i].Access, assigned)
			}
		}
	})
	machine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := azure.RobotC
		if id := r.URL.Query().Get("client_id"); id != "" {
			who = id
		}
		value, err := cloud.Issue(who, azure.ContosoTenant, r.URL.Query().Get("resource"))
		if err != nil || r.Header.Get("X-IDENTITY-HEADER") != "of-this-machine" {
			http.Error(w, `{"statusCode":400,"message":"no such identity"}`, http.StatusBadRequest)
			return
		}
		json.NewEncoder(w).Encode(map[string]string{"access_token": value, "expires_on": fmt.Sprint(time.Now().Add(time.Hour).Unix()), "token_type": "Bearer"}) // the client has gone
	}))
	t.Cleanup(machine.Close)
	u.env = append(u.env, "IDENTITY_ENDPOINT="+machine.URL+"/msi/token", "IDENTITY_HEADER=of-this-machine")
	u.ok(atDesk + alike + `
function app {
    $part = [Net.NetworkCredential]::new('', (Get-AzCtxAccessToken).Token).Password.Split('.')[1].Replace('-', '+').Replace('_', '/')
    ([Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($part.PadRight($part.Length + (4 - $part.Length % 4) % 4, '='))) | ConvertFrom-Json).appid
}
fails Usage { Connect-AzCtxAccount -Identity -Scope CurrentUser }
fails SignInNeeded { Connect-AzCtxAccount -Identity -AccountId 00000000-dead-4000-8000-000000000000 }
has reason "$($Error[0])" 'no such identity'
is nothing "$(files) $(@(Get-AzCtx -ListAvailable).Count) $env:AZ_CTX_NAME" '0 0 '
$own = Connect-AzCtxAccount -Identity
is scope $own.Scope Process
is own (app) '` + azure.RobotC + `'
$again = Connect-AzCtxAccount -MSI # out of its context: the machine is asked, not our agent
is again "$($again.Account.Id) $(app)" "$($own.Account.Id) ` + azure.RobotC + `"
alike own $again ManagedService 0 'this shell'
az-ctx deselect # signed out, its endpoint gives nothing; with none, the machine's own is back
is machine "$env:IDENTITY_ENDPOINT $env:IDENTITY_HEADER" '` + machine.URL + `/msi/token of-this-machine'
$assigned = Connect-AzCtxAccount -Identity -AccountId ` + assigned + ` -Tenant ` + azure.ContosoTenant + `
is assigned "$($assigned.Account.Id) $(app)" '` + assigned + ` ` + assigned + `'
alike assigned $assigned ManagedService 0 'this shell'
is saved (files) 0`)
}

// What is not supported says so, and what is.
func TestP7NotSupported(t *testing.T) {
	u := borrower(t)
	u.ok(imported + `
function hints($part) { has 'what to do' $Error[0].ErrorDetails.RecommendedAction $part }
$someone = New-Object pscredential 'alice@contoso.com', (ConvertTo-SecureString x -AsPlainText -Force)
fails Usage { Connect-AzCtxAccount -Credential $someone }
has reason "$($Error[0])" 'not supported'
hints Connect-AzCtxAccount
fails Usage { Connect-AzCtxAccount -ServicePrincipal -Tenant contoso.com -CertificateThumbprint ab }
has reason "$($Error[0])" 'not supported'
hints '-CertificatePath'
is active $env:AZ_CTX_NAME mycontext`)
}

// withBrowser has each page that is opened for the user given to answer.
func (u *user) withBrowser(answer func(page string)) {
	u.t.Helper()
	if err := syscall.Mkfifo(u.path("pages"), 0o600); err != nil {
		u.t.Fatal(err)
	}
	pages, err := os.OpenFile(u.path("pages"), os.O_RDWR, 0)
	if err != nil {
		u.t.Fatal(err)
	}
	u.t.Cleanup(func() { pages.Close() })
	if err := os.Chmod(u.write("bin/browser", "#!/bin/sh\necho \"$1\" >\"$HOME/pages\"\n"), 0o700); err != nil {
		u.t.Fatal(err)
	}
	u.env = append(u.env, "BROWSER="+u.path("bin/browser"))
	go func() {
		for lines := bufio.NewScanner(pages); lines.Scan(); {
			answer(lines.Text())
		}
	}()
}

// Without a flag a page is opened where there can be one, and over ssh a code is
// shown. Who declines there has changed nothing.
func TestP1P7Browser(t *testing.T) {
	u, cloud := desk(t, nil)
	answers := make(chan string, 3)
	u.withBrowser(func(page string) {
		if _, err := cloud.Browse(t.Context(), page, <-answers); err != nil {
			t.Error(err)
		}
	})
	answers <- azure.Alice
	answers <- azure.Bob
	answers <- "" // who declines
	u.ok(atDesk + alike + `
$given = Connect-AzCtxAccount -InformationVariable said 6>$null
has said "$said" 'sign in in the browser window'
is 'no code' "$said".Contains('devicelogin') False
alike browser $given User 1 ok
is other (Connect-AzCtxAccount -Tenant contoso.com 6>$null).Account bob@contoso.com
$before = saved
fails SignInNeeded { Connect-AzCtxAccount 6>$null }
has declined "$($Error[0])" AADSTS65004
is unchanged (saved) $before
$env:SSH_CONNECTION = '192.0.2.1 1 192.0.2.2 22'
is 'over ssh' (Connect-AzCtxAccount -InformationVariable said 6>$null).Account alice@contoso.com
has 'over ssh' "$said" devicelogin`)
	u.hidesSecrets(cloud)
}

// Ctrl-C while somebody is waited for gives the prompt back, and nothing is
// changed or left running.
func TestConnectThatNobodyAnswers(t *testing.T) {
	u, cloud := desk(t, nil)
	u.withBrowser(func(string) {})
	if err := cloud.AutoApprove(""); err != nil {
		t.Fatal(err)
	}
	u.write(".config/powershell/profile.ps1", "function prompt { \"<$env:AZ_CTX_PROMPT $?> \" }\n"+initLine)
	s := u.open(t)
	s.shows("< True> ")
	for connect, waits := range map[string]string{
		"Connect-AzCtxAccount":                          "browser window",
		"$c = Connect-AzCtxAccount -DeviceCode; 'went'": "and enter ",
	} {
		s.send(connect + "\r")
		s.shows(waits)
		s.send("\x03")
		s.shows("< False> ")
		s.send("\"left $(@(Get-Process az-ctx -ErrorAction Ignore | Where-Object { $_.Parent.Id -eq $PID }).Count) $(@(Get-AzCtx -ListAvailable).Count) '$c'\"\r")
		s.shows("left 0 0 ''")
		s.shows("< True> ")
	}
	if err := cloud.AutoApprove(azure.Alice); err != nil {
		t.Fatal(err)
	}
	s.send("Connect-AzCtxAccount -DeviceCode -ContextName mine\r") // and the next one works
	s.shows("<mine True> ")
}
