//go:build unix

package token

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/az-ctx/az-ctx/pkg/azure"
)

const (
	tenantID = "aaaaaaaa-0000-4000-8000-000000000001"
	subID    = "00000001-0000-4000-8000-000000000000"
	arm      = "https://management.core.windows.net/"
	secret   = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJodHRwczovL21hbmFnZW1lbnQuY29yZS53aW5kb3dzLm5ldC8ifQ.c2lnbmF0dXJl"
)

// box is a stand-in for az and the directory of its sign-in.
type box struct {
	t   *testing.T
	bin string // on PATH
	dir string // AZURE_CONFIG_DIR
}

func newBox(t *testing.T) box {
	t.Helper()
	b := box{t, t.TempDir(), t.TempDir()}
	b.profile(subID, "alice@contoso.com", "user", tenantID)
	return b
}

// az makes the stand-in, which notes each run and then does what script says.
func (b box) az(script string) {
	b.t.Helper()
	// A child that is forked while the file is open for writing keeps it so, and
	// then nobody can run it.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	text := fmt.Sprintf("#!/bin/sh\nbin='%s'\necho run >> \"$bin/runs\"\n%s\n", b.bin, script)
	if err := os.WriteFile(filepath.Join(b.bin, "az"), []byte(text), 0o700); err != nil {
		b.t.Fatal(err)
	}
}

// answers makes a stand-in that prints a token with that end.
func (b box) answers(value string, ends time.Time) {
	b.t.Helper()
	b.az(answer(value, ends))
}

func answer(value string, ends time.Time) string {
	return fmt.Sprintf(`echo '{"accessToken":"%s","expires_on":%d,"subscription":"%s","tenant":"%s","tokenType":"Bearer"}'`, value, ends.Unix(), subID, tenantID)
}

func (b box) runs() int { return strings.Count(b.read("runs"), "run\n") }

func (b box) read(name string) string {
	raw, err := os.ReadFile(filepath.Join(b.bin, name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		b.t.Fatal(err)
	}
	return string(raw)
}

func (b box) profile(id, user, kind, tenant string) {
	b.t.Helper()
	text := fmt.Sprintf("\ufeff"+`{"installationId":"x","subscriptions":[{"id":"%s","name":"Contoso Prod 1","environmentName":"AzureCloud","tenantId":"%s","user":{"name":"%s","type":"%s"}}]}`, id, tenant, user, kind)
	b.write("azureProfile.json", text)
}

func (b box) write(name, text string) {
	b.t.Helper()
	if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// request is alice's, for the resource manager.
func (b box) request() Request {
	return Request{
		Context: azure.Context{
			Name:         "prod",
			Account:      azure.Account{ID: "alice@contoso.com", Type: azure.User, Borrowed: &azure.Borrowed{From: "az", Directory: b.dir}},
			Tenant:       azure.Tenant{ID: tenantID, Domain: "contoso.com"},
			Subscription: &azure.Subscription{ID: subID, Name: "Contoso Prod 1"},
			Environment:  "AzureCloud",
		},
		Cloud: azure.Public, Resource: arm,
		Origin: Origin{Path: b.bin + ":/usr/bin:/bin", Env: map[string]string{"HTTPS_PROXY": "http://proxy:3128"}},
	}
}

func hour() time.Time { return time.Now().Add(time.Hour).Truncate(time.Second) }

func TestP71BorrowedTokenComesFromAzInItsOwnDirectory(t *testing.T) {
	b := newBox(t)
	ends := hour()
	b.az(`printf '%s\n' "$@" > "$bin/argv"; env > "$bin/env"; pwd > "$bin/cwd"; cat > "$bin/stdin"` + "\n" + answer(secret, ends))
	for name, text := range map[string]string{
		"AZURE_CONFIG_DIR": "/elsewhere", "AZURE_CLIENT_SECRET": "x", "AZURE_CORE_OUTPUT": "table", "AZURE_CLOUD_NAME": "AzureChinaCloud",
		"ARM_CLIENT_SECRET": "x", "AZ_CTX_NAME": "dev", "IDENTITY_ENDPOINT": "http://127.0.0.1:1", "MSI_ENDPOINT": "x",
		"PYTHONPATH": "/evil", "TZ": "Asia/Tokyo", "HTTP_PROXY": "http://other:1", "HOME": "/home/alice", "LC_ALL": "C",
	} {
		t.Setenv(name, text)
	}
	r := b.request()
	r.Origin.Path = "bin:" + r.Origin.Path + "::."
	var s Source
	got, err := s.Get(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if got.Value != secret || !got.ExpiresOn.Equal(ends) {
		t.Errorf("got %q until %s, want %q until %s", got.Value, got.ExpiresOn, secret, ends)
	}
	if want := "account\nget-access-token\n--subscription\n" + subID + "\n--resource\n" + arm + "\n-o\njson\n"; b.read("argv") != want {
		t.Errorf("az was run with\n%s\nwant\n%s", b.read("argv"), want)
	}
	if b.read("cwd") != "/\n" {
		t.Errorf("az ran in %s", b.read("cwd"))
	}
	if b.read("stdin") != "" {
		t.Errorf("az read %q from its standard input", b.read("stdin"))
	}
	env := map[string]string{}
	for line := range strings.Lines(b.read("env")) {
		name, text, _ := strings.Cut(strings.TrimSpace(line), "=")
		env[name] = text
	}
	for name, want := range map[string]string{
		"AZURE_CONFIG_DIR": b.dir, "AZURE_CLOUD_NAME": "AzureCloud", "AZURE_CORE_COLLECT_TELEMETRY": "0",
		"HTTPS_PROXY": "http://proxy:3128", "HOME": "/home/alice", "LC_ALL": "C", "TZ": "UTC0",
		"PATH": b.bin + ":/usr/bin:/bin",
	} {
		if env[name] != want {
			t.Errorf("az had %s=%q, want %q", name, env[name], want)
		}
	}
	for _, name := range []string{
		"AZURE_CLIENT_SECRET", "AZURE_CORE_OUTPUT", "ARM_CLIENT_SECRET", "AZ_CTX_NAME", "IDENTITY_ENDPOINT", "MSI_ENDPOINT", "PYTHONPATH", "HTTP_PROXY",
	} {
		if text, ok := env[name]; ok {
			t.Errorf("az had %s=%s", name, text)
		}
	}
}

func TestTenantOnlyContextAsksForAzsEntryOfTheTenant(t *testing.T) {
	b := newBox(t)
	b.profile(tenantID, "Alice@Contoso.com", "user", tenantID)
	b.az(`printf '%s\n' "$4" > "$bin/subscription"; echo '{"accessToken":"t","expires_on":4000000000,"subscription":"` + tenantID + `","tenant":"` + tenantID + `"}'`)
	r := b.request()
	r.Context.Subscription = nil
	var s Source
	if _, err := s.Get(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if got := b.read("subscription"); got != tenantID+"\n" {
		t.Errorf("az was asked for %q", got)
	}
}

func TestAzThatIsAnotherUserNowIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		before func(box) // what az's profile is
		after  string    // what az makes of it while it runs
		say    string
	}{
		"another user":           {before: func(b box) { b.profile(subID, "bob@contoso.com", "user", tenantID) }, say: "is now bob@contoso.com"},
		"a service principal":    {before: func(b box) { b.profile(subID, "alice@contoso.com", "servicePrincipal", tenantID) }, say: "is now alice@contoso.com"},
		"another tenant":         {before: func(b box) { b.profile(subID, "alice@contoso.com", "user", "bbbb") }, say: "in another tenant now, bbbb"},
		"another subscription":   {before: func(b box) { b.profile("other", "alice@contoso.com", "user", tenantID) }, say: "not signed in to Contoso Prod 1"},
		"no profile":             {before: func(b box) { os.Remove(filepath.Join(b.dir, "azureProfile.json")) }, say: "signed out"},
		"signed out":             {before: func(b box) { b.write("azureProfile.json", `{"installationId":"x"}`) }, say: "not signed in"},
		"another user meanwhile": {before: func(box) {}, after: `sed -i s/alice/bob/ "$AZURE_CONFIG_DIR/azureProfile.json"`, say: "is now bob@contoso.com"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			b.az(c.after + "\n" + answer(secret, hour()))
			c.before(b)
			var s Source
			_, err := s.Get(t.Context(), b.request())
			needed, ok := AsSignInNeeded(err)
			if !ok || !strings.Contains(err.Error(), c.say) {
				t.Fatalf("got %v", err)
			}
			if want := "env AZURE_CONFIG_DIR=" + b.dir + " az login --tenant " + tenantID; needed.Try != want {
				t.Errorf("try: %s, want %s", needed.Try, want)
			}
			if c.after == "" && b.runs() != 0 {
				t.Error("az was run")
			}
			if s.Sweep() != 0 {
				t.Error("a token was kept")
			}
		})
	}
}

func TestWhatToTypeIsForTheAccountAndItsDirectory(t *testing.T) {
	r := newBox(t).request()
	r.Context.Account = azure.Account{ID: "5eeeeeee", Type: azure.ServicePrincipal, TenantID: tenantID, Borrowed: &azure.Borrowed{From: "az", Directory: "/home/o'neil/my az"}}
	r.Cloud = azure.China
	needed, _ := AsSignInNeeded(signInToAz(r, "x"))
	want := `env AZURE_CONFIG_DIR="/home/o'neil/my az" AZURE_CLOUD_NAME=AzureChinaCloud az login --service-principal --username 5eeeeeee --tenant ` + tenantID
	if needed.Try != want {
		t.Errorf("got\n%s\nwant\n%s", needed.Try, want)
	}
}

func TestAzsUsersAreTheAccounts(t *testing.T) {
	for _, c := range []struct {
		user, kind, identity string
		account              azure.Account
		want                 bool
	}{
		{"ALICE@contoso.com", "user", "", azure.Account{ID: "alice@contoso.com", Type: azure.User}, true},
		{"5eee", "servicePrincipal", "", azure.Account{ID: "5EEE", Type: azure.ServicePrincipal}, true},
		{"5eee", "servicePrincipal", "", azure.Account{ID: "5eee", Type: azure.User}, false},
		{"systemAssignedIdentity", "servicePrincipal", "MSI", azure.Account{ID: "systemAssignedIdentity", Type: azure.ManagedIdentity}, true},
		{"userAssignedIdentity", "servicePrincipal", "MSIClient-c1", azure.Account{ID: "x", ClientID: "C1", Type: azure.ManagedIdentity}, true},
		{"userAssignedIdentity", "servicePrincipal", "MSIClient-c1", azure.Account{ID: "x", ClientID: "c2", Type: azure.ManagedIdentity}, false},
		{"systemAssignedIdentity", "servicePrincipal", "MSI", azure.Account{ID: "", Type: azure.ManagedIdentity}, false},
	} {
		var e entry
		e.User.Name, e.User.Type, e.User.Identity = c.user, c.kind, c.identity
		if got := sameUser(e, c.account); got != c.want {
			t.Errorf("%s %s %s, %+v: %v", c.user, c.kind, c.identity, c.account, got)
		}
	}
}

func TestAzsAnswerIsReadOrNamedWithoutItsToken(t *testing.T) {
	ends := time.Date(2030, 7, 1, 12, 0, 5, 0, time.UTC)
	for name, c := range map[string]struct{ answer, say string }{
		"new az":               {answer: `{"accessToken":"` + secret + `","expiresOn":"1999-01-01 00:00:00.000000","expires_on":1909137605,"subscription":"` + subID + `","tenant":"` + tenantID + `"}`},
		"end as a string":      {answer: `{"accessToken":"` + secret + `","expires_on":"1909137605","tenant":"` + strings.ToUpper(tenantID) + `"}`},
		"az 2.45":              {answer: `{"accessToken":"` + secret + `","expiresOn":"2030-07-01 12:00:05.000000","subscription":"` + subID + `","tenant":"` + tenantID + `"}`},
		"a BOM":                {answer: "\ufeff" + `{"accessToken":"` + secret + `","expires_on":1909137605,"tenant":"` + tenantID + `"}`},
		"another tenant":       {answer: `{"accessToken":"` + secret + `","expires_on":1909137605,"tenant":"bbbb"}`, say: "is of tenant"},
		"another subscription": {answer: `{"accessToken":"` + secret + `","expires_on":1909137605,"subscription":"ss","tenant":"` + tenantID + `"}`, say: "is of subscription"},
		"no end":               {answer: `{"accessToken":"` + secret + `","tenant":"` + tenantID + `"}`, say: "when the token ends"},
		"no token":             {answer: `{"expires_on":1909137605,"tenant":"` + tenantID + `"}`, say: "no token"},
		"not JSON":             {answer: `accessToken ` + secret, say: "not the JSON"},
		"cut off":              {answer: `{"accessToken":"` + secret, say: "not the JSON"},
		"wrong type":           {answer: `{"accessToken":["` + secret + `"]}`, say: "not the JSON"},
		"nothing":              {say: "not the JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			b.az("cat <<'END'\n" + c.answer + "\nEND")
			var s Source
			got, err := s.Get(t.Context(), b.request())
			switch {
			case c.say == "" && (err != nil || got.Value != secret || !got.ExpiresOn.Equal(ends)):
				t.Errorf("got %v, %v", got, err)
			case c.say != "" && (err == nil || !strings.Contains(err.Error(), c.say)):
				t.Errorf("got %v, want %q", err, c.say)
			case err != nil && strings.Contains(err.Error(), secret):
				t.Errorf("the token is in %v", err)
			}
		})
	}
}

func TestAzsFailureIsOneClearError(t *testing.T) {
	for name, c := range map[string]struct {
		script, want string
		signIn       bool
	}{
		"expired": {
			script: `echo 'ERROR: AADSTS700082: The refresh token has expired due to inactivity. Trace ID: 1 Correlation ID: 2
Interactive authentication is needed. Please run:
az login --scope x' >&2; exit 1`,
			want: "alice@contoso.com's sign-in in az no longer serves contoso.com (AADSTS700082: The refresh token has expired due to inactivity.)", signIn: true,
		},
		"signed out": {
			script: `echo "ERROR: Please run 'az login' to setup account." >&2; exit 1`,
			want:   "alice@contoso.com's sign-in in az needs to be renewed (Please run 'az login' to setup account.)", signIn: true,
		},
		"unknown subscription": {
			script: `echo "ERROR: Subscription 'x' not found. Check the spelling and casing and try again." >&2; exit 1`,
			want:   "needs to be renewed (Subscription 'x' not found", signIn: true,
		},
		"no network": {
			script: `echo 'ERROR: Failed to resolve login.microsoftonline.com' >&2; exit 1`,
			want:   "az failed: Failed to resolve login.microsoftonline.com",
		},
		"az 2.45 without a network": {
			script: `printf '%s\n' 'ERROR: The command failed with an unexpected error. Here is the traceback:' 'ERROR: Max retries exceeded with url: /v2.0 (Caused by x)' Traceback 'please run ` + "`az feedback`" + `' >&2; exit 1`,
			want:   "az failed: Max retries exceeded with url: /v2.0 (Caused by x)",
		},
		"a traceback": {
			script: `printf 'Traceback:\n  File x\nKeyError: 1\n' >&2; exit 1`,
			want:   "az failed: KeyError: 1",
		},
		"silent":            {script: `exit 3`, want: "az failed and did not say why"},
		"killed":            {script: `kill -9 $$`, want: "az failed and did not say why"},
		"a token in it":     {script: `echo 'ERROR: bad ` + secret + `' >&2; exit 1`, want: "az failed: bad …"},
		"an escape in it":   {script: `printf 'ERROR: \033]0;x\007y\n' >&2; exit 1`, want: "az failed: \ufffd]0;x\ufffdy"},
		"no Python":         {script: `exec /nonexistent`, want: "az failed"},
		"output, but fails": {script: answer(secret, hour()) + "; exit 1", want: "az failed and did not say why"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			b.az(c.script)
			var s Source
			_, err := s.Get(t.Context(), b.request())
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v\nwant %s", err, c.want)
			}
			if _, ok := AsSignInNeeded(err); ok != c.signIn {
				t.Errorf("sign-in needed: %v", ok)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the token is in %v", err)
			}
		})
	}
}

func TestAzIsTheOneOnThePathOfTheShellThatAsked(t *testing.T) {
	b := newBox(t)
	b.answers(secret, hour())
	t.Chdir(b.bin)
	for _, path := range []string{"", ".", ":", "./", "/nonexistent", "../" + filepath.Base(b.bin)} {
		r := b.request()
		r.Origin.Path = path
		var s Source
		if _, err := s.Get(t.Context(), r); err == nil || !strings.Contains(err.Error(), "no az on PATH") {
			t.Errorf("PATH=%q: %v", path, err)
		}
	}
	if b.runs() != 0 {
		t.Error("az was run from a relative entry")
	}
}

func TestACloudThatAzDoesNotKnowIsNeverSaidToIt(t *testing.T) {
	b := newBox(t)
	b.az(`echo "$AZURE_CLOUD_NAME" > "$bin/cloud"` + "\n" + answer(secret, hour()))
	r := b.request()
	r.Cloud.Name = "mystack"
	b.write("azureProfile.json", `{"subscriptions":[{"id":"`+subID+`","environmentName":"MyStack","tenantId":"`+tenantID+`","user":{"name":"alice@contoso.com","type":"user"}}]}`)
	var s Source
	if _, err := s.Get(t.Context(), r); err == nil || !strings.Contains(err.Error(), `knows no cloud "MyStack"`) {
		t.Errorf("got %v", err)
	}
	if b.runs() != 0 {
		t.Error("az was run")
	}
	b.write("clouds.config", "[AzureCloud]\nsubscription = x\n[MyStack]\nendpoint_active_directory = y\n")
	if _, err := s.Get(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if got := b.read("cloud"); got != "MyStack\n" {
		t.Errorf("az was told cloud %q", got)
	}
}

func TestAnEntryOfAnotherCloudDoesNotCount(t *testing.T) {
	b := newBox(t)
	b.answers(secret, hour())
	r := b.request()
	r.Cloud = azure.China
	var s Source
	_, err := s.Get(t.Context(), r)
	if _, ok := AsSignInNeeded(err); !ok || b.runs() != 0 {
		t.Errorf("got %v, az ran %d times", err, b.runs())
	}
}

func TestAHangingAzIsKilledWithAllThatItStarted(t *testing.T) {
	b := newBox(t)
	b.az(`sleep 600 & echo $! > "$bin/child"; sleep 600`)
	s := Source{Limit: 500 * time.Millisecond}
	_, err := s.Get(t.Context(), b.request())
	if !errors.Is(err, errAzTime) {
		t.Fatalf("got %v", err)
	}
	var pid int
	if _, err := fmt.Sscan(b.read("child"), &pid); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); running(pid); {
		if time.Now().After(deadline) {
			syscall.Kill(pid, syscall.SIGKILL)
			t.Fatal("az's child goes on")
		}
		time.Sleep(time.Millisecond)
	}
	b.answers(secret, hour())
	s.Limit = 0
	if _, err := s.Get(t.Context(), b.request()); err != nil {
		t.Errorf("the queue is blocked: %v", err)
	}
}

func running(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

// joined tells when a Get waits.
type joined struct {
	context.Context
	waits func()
}

func (j joined) Done() <-chan struct{} {
	j.waits()
	return j.Context.Done()
}

// ask has n ask at once, lets az go when all of them wait, and gives the answers.
func ask(t *testing.T, s *Source, n int, r Request, release func()) (tokens []Token, errs []error) {
	t.Helper()
	tokens, errs = make([]Token, n), make([]error, n)
	var waiting, done sync.WaitGroup
	for i := range n {
		waiting.Add(1)
		done.Go(func() { tokens[i], errs[i] = s.Get(joined{t.Context(), sync.OnceFunc(waiting.Done)}, r) })
	}
	waiting.Wait()
	release()
	done.Wait()
	return tokens, errs
}

// gate is a pipe with a name that az reads from, until it is opened.
func (b box) gate() (open func()) {
	b.t.Helper()
	path := filepath.Join(b.bin, "gate")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		b.t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { f.Close() })
	return func() { f.WriteString("go\n") }
}

const wait = `read -r _ < "$bin/gate"` + "\n"

func TestOneRequestHoweverManyAsk(t *testing.T) {
	b := newBox(t)
	open := b.gate()
	b.az(wait + answer(secret, hour()))
	var s Source
	tokens, errs := ask(t, &s, 50, b.request(), open)
	for i := range tokens {
		if errs[i] != nil || tokens[i].Value != secret {
			t.Fatalf("got %v, %v", tokens[i], errs[i])
		}
	}
	if b.runs() != 1 {
		t.Errorf("az ran %d times", b.runs())
	}
	if _, err := s.Get(t.Context(), b.request()); err != nil || b.runs() != 1 {
		t.Errorf("from memory: %v, az ran %d times", err, b.runs())
	}
}

func TestAFailureIsSharedAndNotKept(t *testing.T) {
	b := newBox(t)
	open := b.gate()
	b.az(wait + "exit 1")
	var s Source
	_, errs := ask(t, &s, 20, b.request(), open)
	for _, err := range errs {
		if err == nil {
			t.Fatal("no error")
		}
	}
	if b.runs() != 1 {
		t.Errorf("az ran %d times", b.runs())
	}
	b.answers(secret, hour())
	if _, err := s.Get(t.Context(), b.request()); err != nil {
		t.Errorf("the failure was kept: %v", err)
	}
}

func TestWhoeverGivesUpLeavesTheRequestToTheOthers(t *testing.T) {
	b := newBox(t)
	open := b.gate()
	b.az(wait + answer(secret, hour()))
	var s Source
	impatient, giveUp := context.WithCancel(t.Context())
	gaveUp := make(chan error)
	waits := make(chan struct{})
	go func() {
		_, err := s.Get(joined{impatient, sync.OnceFunc(func() { close(waits) })}, b.request())
		gaveUp <- err
	}()
	<-waits
	tokens, errs := ask(t, &s, 1, b.request(), func() {
		giveUp()
		if err := <-gaveUp; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		open()
	})
	if errs[0] != nil || tokens[0].Value != secret || b.runs() != 1 {
		t.Errorf("got %v, %v, az ran %d times", tokens[0], errs[0], b.runs())
	}
}

func TestATokenIsGivenUntilFiveMinutesBeforeItsEnd(t *testing.T) {
	b := newBox(t)
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	s := Source{Now: func() time.Time { return now }}
	b.answers("first", now.Add(time.Hour))
	get := func() string {
		t.Helper()
		got, err := s.Get(t.Context(), b.request())
		if err != nil {
			t.Fatal(err)
		}
		return got.Value
	}
	get()
	b.answers("second", now.Add(2*time.Hour))
	now = now.Add(55*time.Minute - time.Second)
	if got := get(); got != "first" || s.Sweep() != 1 {
		t.Errorf("got %s", got)
	}
	now = now.Add(time.Second)
	if s.Sweep() != 0 {
		t.Error("a token that is not given any more was kept")
	}
	if got := get(); got != "second" {
		t.Errorf("got %s", got)
	}
}

func TestTokensAreKeptApart(t *testing.T) {
	base := newBox(t).request()
	base.Context.Account.HomeAccountID = "oid.tid"
	same := map[string]func(*Request){
		"another case of the tenant": func(r *Request) { r.Context.Tenant.ID = strings.ToUpper(tenantID) },
		"another name of the user":   func(r *Request) { r.Context.Account.ID = "alice@new.com" },
		"another context's name":     func(r *Request) { r.Context.Name = "x" },
		"another subscription":       func(r *Request) { r.Context.Subscription = &azure.Subscription{ID: "s2"} },
	}
	other := map[string]func(*Request){
		"account":   func(r *Request) { r.Context.Account.HomeAccountID = "oid2.tid" },
		"type":      func(r *Request) { r.Context.Account.Type = azure.ServicePrincipal },
		"client":    func(r *Request) { r.Context.Account.ClientID = "c" },
		"directory": func(r *Request) { r.Context.Account.Borrowed = &azure.Borrowed{From: "az", Directory: "/other"} },
		"own":       func(r *Request) { r.Context.Account.Borrowed = nil },
		"tenant":    func(r *Request) { r.Context.Tenant.ID = "t2" },
		"resource":  func(r *Request) { r.Resource = strings.TrimSuffix(arm, "/") },
		"cloud":     func(r *Request) { r.Cloud = azure.China },
	}
	for name, change := range same {
		r := base
		change(&r)
		if flightOf(r).key != flightOf(base).key {
			t.Errorf("%s is kept apart", name)
		}
	}
	for name, change := range other {
		r := base
		change(&r)
		if flightOf(r).key == flightOf(base).key {
			t.Errorf("another %s gets the same token", name)
		}
	}
}

func TestOneAzAtATimeOverAllAccounts(t *testing.T) {
	var s Source
	shared := t.TempDir()
	var all sync.WaitGroup
	for range 4 {
		b := newBox(t)
		b.az(fmt.Sprintf("mkdir '%[1]s/busy' || touch '%[1]s/overlap'\nsleep 0.05; rmdir '%[1]s/busy'\n", shared) + answer(secret, hour()))
		all.Go(func() {
			if _, err := s.Get(t.Context(), b.request()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if _, err := os.Stat(filepath.Join(shared, "overlap")); err == nil {
		t.Error("two ran at once")
	}
}

func TestTheTimeInTheQueueCounts(t *testing.T) {
	b := newBox(t)
	s := Source{Limit: 10 * time.Millisecond}
	s.queue() <- struct{}{} // an az of someone else's runs
	b.answers(secret, hour())
	if _, err := s.Get(t.Context(), b.request()); !errors.Is(err, errAzTime) || b.runs() != 0 {
		t.Errorf("got %v, az ran %d times", err, b.runs())
	}
}

func TestForgetDropsTheAccountsTokensAndWhatIsUnderWay(t *testing.T) {
	b, bobs := newBox(t), newBox(t)
	open := b.gate()
	b.az(wait + answer(secret, hour()))
	bobs.profile(subID, "bob@contoso.com", "user", tenantID)
	bobs.answers("bobs", hour())
	bob := bobs.request()
	bob.Context.Account.ID = "bob@contoso.com"
	var s Source
	if _, err := s.Get(t.Context(), bob); err != nil {
		t.Fatal(err)
	}
	account := b.request().Context.Account
	ask(t, &s, 1, b.request(), func() {
		if n := s.Forget(account); n != 0 {
			t.Errorf("%d forgotten", n)
		}
		open()
	})
	if n := s.Sweep(); n != 1 {
		t.Errorf("%d tokens are kept", n)
	}
	ask(t, &s, 1, b.request(), open)
	if n := s.Forget(account); n != 1 || s.Sweep() != 1 {
		t.Errorf("%d forgotten, %d left", n, s.Sweep())
	}
}

func TestAnAccountWithoutASignInNeedsOne(t *testing.T) {
	r := newBox(t).request()
	r.Context.Account.Borrowed = nil
	var s Source
	_, err := s.Get(t.Context(), r)
	if needed, ok := AsSignInNeeded(err); !ok || needed.Try != "az-ctx connect --tenant contoso.com" {
		t.Errorf("got %v", err)
	}
}

func TestWhatACloudNamesActsOnNoTerminal(t *testing.T) {
	for name, change := range map[string]func(*box, *Request){
		"an account of ours":     func(_ *box, r *Request) { r.Context.Account.Borrowed = nil },
		"an unknown lender":      func(_ *box, r *Request) { r.Context.Account.Borrowed.From = "x" },
		"no az":                  func(_ *box, r *Request) { r.Origin.Path = "" },
		"az without the account": func(b *box, _ *Request) { b.profile(subID, "bob", "user", tenantID) },
	} {
		b := newBox(t)
		r := b.request()
		evil := "alice\x1b]0;x\a\u202e"
		b.write("azureProfile.json", `{"subscriptions":[{"id":"`+subID+`","tenantId":"`+tenantID+`","user":{"name":"alice\u001b]0;x\u0007\u202e","type":"user"}}]}`)
		r.Context.Account.ID, r.Context.Tenant.Domain, r.Context.Subscription.Name = evil, evil, evil
		change(&b, &r)
		var s Source
		_, err := s.Get(t.Context(), r)
		if err == nil {
			t.Fatalf("%s: no error", name)
		}
		text := err.Error()
		if needed, ok := AsSignInNeeded(err); ok {
			text += needed.Try
		}
		if strings.ContainsAny(text, "\x1b\a\u202e") {
			t.Errorf("%s: %q", name, text)
		}
	}
}

func TestWhatNoResourceLooksLikeIsRefused(t *testing.T) {
	b := newBox(t)
	b.answers(secret, hour())
	for _, good := range []string{arm, "6dae42f8-4368-4678-94ff-3960e28e3630", "https://management.core.windows.net//", "api://app/x", "urn:x", "https://graph.microsoft.com"} {
		if err := CheckResource(good); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"", "@/etc/passwd", "-o", "--debug", "a b", "a\nb", "$(x)", "a&b", "%PATH%", "a\"b", "é", strings.Repeat("a", 2000)} {
		r := b.request()
		r.Resource = bad
		var s Source
		if _, err := s.Get(t.Context(), r); err == nil {
			t.Errorf("%q was asked for", bad)
		}
	}
	if b.runs() != 0 {
		t.Error("az was run")
	}
}

func TestATokenIsNeverPrinted(t *testing.T) {
	tok := Token{Value: secret, ExpiresOn: time.Unix(0, 0)}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if got := fmt.Sprintf(format, tok); got != "token until 1970-01-01T00:00:00Z" {
			t.Errorf("%s prints %s", format, got)
		}
		if got := fmt.Sprintf(format, &tok); strings.Contains(got, secret) {
			t.Errorf("%s of a pointer prints %s", format, got)
		}
	}
}

func TestCleanEnvironmentKeepsOnlyWhatAnyProgramNeeds(t *testing.T) {
	got := CleanEnvironment([]string{"HOME=/h", "USER=u", "LANG=C", "LC_TIME=C", "XDG_STATE_HOME=/s", "TMPDIR=/t", "LOGNAME=l",
		"PATH=/bin", "AZURE_CLIENT_SECRET=x", "ARM_CLIENT_SECRET=x", "AZ_CTX_NAME=x", "LD_PRELOAD=x", "GODEBUG=x", "PYTHONSTARTUP=x", "HOMEX=1"})
	if want := []string{"HOME=/h", "USER=u", "LANG=C", "LC_TIME=C", "XDG_STATE_HOME=/s", "TMPDIR=/t", "LOGNAME=l"}; !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

// TestP63NothingIsGivenOutForASessionThatEnded: not even what is in memory.
func TestP63NothingIsGivenOutForASessionThatEnded(t *testing.T) {
	ended := false
	s := &Source{Own: always{}, Gone: func(azure.Account) bool { return ended }}
	r := Request{Context: azure.Context{Account: azure.Account{ID: "alice", Type: azure.User}, Tenant: azure.Tenant{ID: "t"}}, Resource: "https://management.azure.com"}
	if _, err := s.Get(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	ended = true
	_, err := s.Get(t.Context(), r)
	if needed, ok := AsSignInNeeded(err); !ok || !strings.HasPrefix(needed.Try, "az-ctx connect") {
		t.Errorf("after its session: %v", err)
	}
}

// always gives a token that is good for an hour.
type always struct{}

func (always) Get(context.Context, Request) (Token, error) {
	return Token{Value: "x", ExpiresOn: time.Now().Add(time.Hour)}, nil
}
