//go:build unix

package pwsh

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/az-ctx/az-ctx/test/azure"
)

// A shell's activation: who has it, and what changes it.

// where prints where a shell is, in words that are not in the line itself.
const where = `"$((Get-AzCtx).Name)=$((Get-AzCtx).From)=$env:ARM_SUBSCRIPTION_ID="` + "\r"

// atPrompt gives the shells that the user opens the name of their context at
// the prompt.
func (u *user) atPrompt() {
	u.t.Helper()
	u.write(".config/powershell/profile.ps1", "function prompt { \"<$env:AZ_CTX_PROMPT> \" }\n"+initLine)
}

// withFakeAz has test/parity's az on the PATH: a token says whose it is.
func (u *user) withFakeAz() {
	u.t.Helper()
	dir, err := filepath.Abs("../parity/testdata/bin")
	if err != nil {
		u.t.Fatal(err)
	}
	u.onPath(dir)
}

func (u *user) onPath(dir string) {
	for i, e := range u.env {
		if path, ok := strings.CutPrefix(e, "PATH="); ok {
			u.env[i] = "PATH=" + dir + ":" + path
		}
	}
}

// inScripts: plain gives a token's text; elsewhere runs the program as a shell
// would that has nothing to do with this one.
const inScripts = `
function plain($token) { (New-Object Net.NetworkCredential '', $token.Token).Password }
function elsewhere { sh -c 'env -i HOME="$HOME" PATH="$PATH" az-ctx "$@" 2>/dev/null' sh @args }
`

func TestP34ChildInherits(t *testing.T) {
	u := borrower(t)
	u.write("with.ps1", initLine+`"$((Get-AzCtx).Name) $((Get-AzCtx).Active) $(az-ctx current -o name) $env:ARM_SUBSCRIPTION_ID"`)
	u.write("without.ps1", `"$((Get-AzCtx).Name) $env:ARM_SUBSCRIPTION_ID"`)
	u.ok(imported + `
$shell = (Get-Process -Id $PID).Path
$null = Select-AzCtx mycontext -Scope CurrentUser
$null = Select-AzCtx $dev
is sh (sh -c 'sh -c "az-ctx current -o name"') $dev
is variable (sh -c 'echo "$ARM_SUBSCRIPTION_ID"') 00900001-0000-4000-8000-000000000000
is 'a script' (& $shell -NoProfile -File with.ps1) "$dev True $dev 00900001-0000-4000-8000-000000000000"
is 'one without init' (& $shell -NoProfile -File without.ps1) "$dev 00900001-0000-4000-8000-000000000000"
is 'a script of this shell' (./without.ps1) "$dev 00900001-0000-4000-8000-000000000000"`)
}

// A new shell is on the user default at its first prompt; one within it inherits.
func TestP34P35NewShellAndNestedShell(t *testing.T) {
	u := newUser(t)
	u.importNames("prod", "dev")
	u.atPrompt()
	u.ok("$null = Select-AzCtx dev -Scope CurrentUser; $null = Select-AzCtx prod")
	s := u.open(t)
	s.shows("<dev> ")
	s.send(where)
	s.shows("dev=default=00000002-0000-4000-8000-000000000000=")
	s.send("$null = Select-AzCtx prod\r")
	s.shows("<prod> ")
	s.send(pwsh + " -NoLogo\r")
	s.shows("<prod> ")
	s.send(where)
	s.shows("prod=inherited=00000001-0000-4000-8000-000000000000=")
	s.send("$null = Select-AzCtx dev\r")
	s.shows("<dev> ")
	s.send("exit\r")
	s.shows("<prod> ")
	s.send(where)
	s.shows("prod=selected=00000001-0000-4000-8000-000000000000=")
}

// Of two shells side by side, and their tools, one does not see what the other
// switches to.
func TestP33SecondShell(t *testing.T) {
	u := newUser(t)
	u.importNames("prod", "dev")
	u.atPrompt()
	one, two := u.open(t), u.open(t)
	const seen = "\"$((Get-AzCtx).Name)=$(az-ctx current -o name)=$(sh -c 'echo $ARM_SUBSCRIPTION_ID')=\"\r"
	for _, s := range []*screen{one, two} {
		s.shows("<> ")
	}
	one.send("$null = Select-AzCtx prod\r")
	one.shows("<prod> ")
	two.send("$null = Select-AzCtx dev\r")
	two.shows("<dev> ")
	for s, at := range map[*screen]string{one: "prod=prod=00000001-0000-4000-8000-000000000000=", two: "dev=dev=00000002-0000-4000-8000-000000000000="} {
		s.send(seen)
		s.shows(at)
	}
	one.send("az-ctx rename prod main; Remove-AzCtx main -Force -WarningAction Ignore\r")
	one.shows("<> ")
	two.send(seen)
	two.shows("dev=dev=00000002-0000-4000-8000-000000000000=")
}

// A shell whose context was removed or replaced elsewhere is told so by what it
// runs next, with what to type, and is served all the same.
func TestP51RemovedElsewhere(t *testing.T) {
	u := borrower(t)
	u.withFakeAz()
	u.ok(inScripts + imported + `
function told($what, $part, $block) {
    $given, $said = (& $block 3>&1).Where({ $_ -isnot [Management.Automation.WarningRecord] }, 'Split')
    has $what "$said" "context ""$dev"" was $part elsewhere" | Write-Host # and not into what is given
    has $what "$said" 'try: az-ctx select ' | Write-Host
    $given
}
$null = Select-AzCtx $dev
elsewhere remove --force $dev
foreach ($part in 'removed or renamed', 'replaced') {
    if ($part -ceq 'replaced') { elsewhere set --subscription 'Contoso Old' --name $dev }
    is one (told one $part { Get-AzCtx }).Subscription.Id 00900001-0000-4000-8000-000000000000
    is all @(told all $part { Get-AzCtx -ListAvailable }).Count (7 + ($part -ceq 'replaced'))
    is token (plain (told token $part { Get-AzCtxAccessToken })) token-of-00900001-0000-4000-8000-000000000000-for-https://management.core.windows.net/
    is 'the function' (az-ctx current -o name 2>said) $dev
    has 'the function' (Get-Content said) "context ""$dev"" was $part elsewhere"
    is variable $env:ARM_SUBSCRIPTION_ID 00900001-0000-4000-8000-000000000000
}
is 'what it is now' (Select-AzCtx $dev -WarningAction SilentlyContinue).Subscription.Name 'Contoso Old'
$null = Get-AzCtx -WarningVariable said
is quiet "$said" ''`)
}

// What runs keeps its activation while its shell moves on: its variables, its
// endpoint's keys, az's directory.
func TestP73RunningKeepsItsActivation(t *testing.T) {
	u := borrower(t)
	u.withFakeAz()
	u.write("runs.sh", `
echo >$1.begun
read -r _ <$1.go
az-ctx current -o name
echo "$ARM_SUBSCRIPTION_ID"
cp "$AZURE_CONFIG_DIR/azureProfile.json" $1.profile
curl -s -H "X-IDENTITY-HEADER: $IDENTITY_HEADER" "$IDENTITY_ENDPOINT?api-version=2019-08-01&resource=https://vault.azure.net" | sed 's/.*"access_token":"\([^"]*\)".*/\1/'
`)
	u.ok(inScripts + imported + `
mkfifo native.begun native.go job.begun job.go
$null = Select-AzCtx mycontext
$native = Start-Process sh -ArgumentList runs.sh, native -RedirectStandardOutput native.out -PassThru
$job = Start-Job { sh runs.sh job; (Get-AzCtx).Name }
foreach ($what in 'native', 'job') { sh -c 'read -r _ <$0.begun' $what }
$null = Select-AzCtx 'Contoso Old (00000002-0000-4000-8000-000000000000)' -WarningAction SilentlyContinue
$null = Select-AzCtx $dev
foreach ($what in 'native', 'job') { sh -c 'echo >$0.go' $what }
$native.WaitForExit()
$kept = 'mycontext+00000001-0000-4000-8000-000000000000+token-of-00000001-0000-4000-8000-000000000000-for-https://vault.azure.net'
is 'a native process' ((Get-Content native.out) -join '+') $kept
is 'a job' (($job | Receive-Job -Wait) -join '+') "$kept+mycontext"
foreach ($what in 'native', 'job') { is "az in $what" ((Get-Content "$what.profile" -Raw | ConvertFrom-Json).subscriptions | Where-Object isDefault).id 00000001-0000-4000-8000-000000000000 }
is 'the shell' "$((Get-AzCtx).Name) $(plain (Get-AzCtxAccessToken))" "$dev token-of-00900001-0000-4000-8000-000000000000-for-https://management.core.windows.net/"`)
}

// A child that switches, or decides on autosave, leaves its parent alone.
func TestP74ChildLeavesItsParentAlone(t *testing.T) {
	u := borrower(t)
	u.write("child.ps1", "param($name)\n"+initLine+`$null = Select-AzCtx $name
Disable-AzCtxAutosave -Scope Process
"$((Get-AzCtx).Name) $env:ARM_SUBSCRIPTION_ID $((Get-AzCtxAutosaveSetting).Mode)"`)
	u.ok(imported + `
function here {
    $profile = Get-Content $env:AZURE_CONFIG_DIR/azureProfile.json -Raw | ConvertFrom-Json
    environ
    "az is on $(($profile.subscriptions | Where-Object isDefault).id)"
    "this is $((Get-AzCtx).Name), saved by $((Get-AzCtxAutosaveSetting).Mode)"
}
function same($what) { is $what ((Compare-Object $before @(here)).InputObject -join ' ') '' }
$shell = (Get-Process -Id $PID).Path
$null = Select-AzCtx 'Contoso Old (00000002-0000-4000-8000-000000000000)' -WarningAction SilentlyContinue
$null = Select-AzCtx mycontext
$before = @(here)
$there = "$dev 00900001-0000-4000-8000-000000000000 Process"
is 'a script' (& $shell -NoProfile -File child.ps1 $dev) $there
same 'after the script'
is 'Start-Job' (Start-Job { ./child.ps1 $using:dev } | Receive-Job -Wait) $there
same 'after Start-Job'
is 'Invoke-AzCtx' (Invoke-AzCtx mycontext { ./child.ps1 'Fabrikam Dev (00900001-0000-4000-8000-000000000000)' }) $there
same 'after Invoke-AzCtx'
is 'the context before' (Select-AzCtx - -WarningAction SilentlyContinue).Subscription.Name 'Contoso Old'`)
}

// A variable that was changed here is named at the next prompt, once, and by
// each cmdlet that looks; it stays until the next switch, which says so.
func TestP75ChangedVariable(t *testing.T) {
	u := newUser(t)
	u.importNames("prod", "dev")
	u.atPrompt()
	const changed = "ARM_SUBSCRIPTION_ID was changed here"
	s := u.open(t)
	s.shows("<> ")
	s.send("$null = Select-AzCtx dev\r")
	s.shows("<dev> ")
	s.send("$env:ARM_SUBSCRIPTION_ID = 'mine'\r")
	s.shows("az-ctx: " + changed + ", az-ctx says dev")
	s.shows("<dev!> ")
	s.send("\"[$env:ARM_SUBSCRIPTION_ID]\"\r")
	s.shows("[mine]")
	if again := s.shows("<dev!> "); strings.Contains(again, "was changed") {
		t.Errorf("a second time: %q", again)
	}
	s.send("Get-AzCtx | Out-Null\r")
	s.shows("WARNING: " + changed)
	s.shows("<dev!> ")
	s.send("\"[$env:ARM_SUBSCRIPTION_ID]\"\r")
	s.shows("[mine]")
	s.shows("<dev!> ")
	s.send("$env:ARM_SUBSCRIPTION_ID = '00000002-0000-4000-8000-000000000000'\r")
	s.shows("<dev> ")
	s.send("$env:ARM_SUBSCRIPTION_ID = 'mine'\r")
	s.shows("<dev!> ")
	s.send("$null = Select-AzCtx prod\r")
	s.shows("WARNING: " + changed + ", and is az-ctx's again")
	s.shows("<prod> ")
	s.send(where)
	s.shows("prod=selected=00000001-0000-4000-8000-000000000000=")
	s.send("$env:ARM_SUBSCRIPTION_ID = 'mine'\r")
	s.shows("<prod!> ")
	s.send("az-ctx deselect\r")
	s.shows(changed + " and is left as it is")
	s.shows("<> ")
	s.send("\"[$env:ARM_SUBSCRIPTION_ID]\"\r")
	s.shows("[mine]")
}

// What az does in a session stays in it, and is noticed at the next prompt.
func TestP76AzInTheSession(t *testing.T) {
	u, cloud := online(t, azure.Alice)
	u.withAz()
	u.az("login", "--use-device-code", "-o", "none")
	u.ok(imported + `
Rename-AzCtx mycontext prod
$null = Select-AzCtx prod -Scope CurrentUser`)
	own := azure.AzFiles(u.home)
	u.atPrompt()
	s := u.open(t)
	s.shows("<prod> ")
	for _, c := range []struct{ run, says string }{
		{"az account set -s 'Contoso Test'", "az was switched to Contoso Test here, az-ctx says prod"},
		{"az login --use-device-code -o none", "az signed in as bob@contoso.com here, az-ctx says prod"},
		{"Remove-Item env:AZURE_CLOUD_NAME; az cloud set --name AzureChinaCloud", "az was set to the cloud AzureChinaCloud here, az-ctx says prod"},
		{"az account clear", "az was signed out here, az-ctx says prod"},
	} {
		if err := cloud.AutoApprove(azure.Bob); err != nil {
			t.Fatal(err)
		}
		s.send(c.run + "\r")
		s.shows("az-ctx: " + c.says)
		s.shows("az-ctx select prod")
		s.shows("> ")
		s.send("'a' + 'gain'\r")
		s.shows("again\r\n")
		if again := s.shows("> "); strings.Contains(again, "az-ctx") {
			t.Errorf("%s is said again: %q", c.run, again)
		}
		s.send("$null = Select-AzCtx prod\r")
		s.shows("<prod> ")
		s.send("\"-$(az group list -o tsv --query '[].name')-\"\r")
		s.shows("-rg-contoso-prod-alice-")
		s.shows("<prod> ")
	}
	if now := azure.AzFiles(u.home); now != own {
		t.Errorf("az's own directory was %s and is %s", own, now)
	}
}

// Variables of a shell that is no live ancestor don't count: the user default
// does, and one line says so where it has another name.
func TestP77VariablesOfAnEndedShell(t *testing.T) {
	u := newUser(t)
	u.importNames("prod", "dev")
	// The words that begin with the name of the context are the shell's as it starts.
	u.write(".config/powershell/profile.ps1", "function prompt { \"<$env:AZ_CTX_PROMPT> \" }\n"+initLine+"\"early:$((Get-AzCtx).Name):\"\n")
	u.ok("$null = Select-AzCtx dev\nsh -c 'env -0 >ended'")
	raw, err := os.ReadFile(u.path("ended"))
	if err != nil {
		t.Fatal(err)
	}
	late := *u
	late.env = strings.Split(strings.TrimSuffix(string(raw), "\x00"), "\x00")
	if !strings.Contains(string(raw), "\x00AZ_CTX_NAME=dev\x00") {
		t.Fatalf("the ended shell was not on dev: %q", raw)
	}
	for _, c := range []struct{ title, byDefault, says, at string }{
		{"none", "", "this shell is on no context; its variables came from another terminal (dev)", "=="},
		{"another", "prod", "this shell is on prod, the default; its variables came from another terminal (dev)", "prod=default=00000001-0000-4000-8000-000000000000"},
		{"the same", "dev", "", "dev=default=00000002-0000-4000-8000-000000000000"},
	} {
		t.Run(c.title, func(t *testing.T) {
			if c.byDefault != "" {
				out := exec.Command(binary, "select", "--scope", "user", c.byDefault)
				out.Env = u.env
				if text, err := out.CombinedOutput(); err != nil {
					t.Fatalf("select: %v\n%s", err, text)
				}
			}
			s := late.open(t)
			s.shows("early::")
			said := s.shows("<" + c.byDefault + "> ")
			if c.says == "" && strings.Contains(said, "another terminal") || !strings.Contains(said, c.says) {
				t.Errorf("said %q", said)
			}
			s.send(where)
			s.shows(c.at + "=")
		})
	}
}
