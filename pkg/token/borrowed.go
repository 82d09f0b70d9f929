package token

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/plain"
)

var errAzTime = errors.New("az did not answer in time, and was stopped")

// borrow asks az, in the directory that the account was found in, for a token.
//
// az is asked by subscription: with --tenant it takes the user of its default
// subscription, who may be another. A tenant of which az knows no subscription
// can only be asked for so, and then that user has to be ours. Which user az
// takes is what its profile says, so that is checked before it is asked and, as
// it may be signed in anew at any time, after.
func borrow(ctx context.Context, r Request) (Token, error) {
	before, err := find(r)
	if err != nil {
		return Token{}, err
	}
	program, err := findAz(r.Origin.Path)
	if err != nil {
		return Token{}, fmt.Errorf("%s's sign-in is az's: %w", plain.Line(r.Context.Account.ID), err)
	}
	out, err := runAz(ctx, program, before, r)
	if err != nil {
		return Token{}, err
	}
	if _, err := find(r); err != nil {
		return Token{}, err
	}
	t, err := readAnswer(out, before.subscription, r.Context.Tenant.ID)
	if err != nil {
		return Token{}, fmt.Errorf("reading az's answer: %w", err)
	}
	return t, nil
}

// entry is a subscription in azureProfile.json. A tenant without one is an
// entry with the tenant's own id.
type entry struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	TenantID    string `json:"tenantId"`
	Environment string `json:"environmentName"`
	Default     bool   `json:"isDefault"`
	User        struct {
		Name     string `json:"name"`
		Type     string `json:"type"`
		Identity string `json:"assignedIdentityInfo"` // "MSI", "MSIClient-<client id>", …
	} `json:"user"`
}

// question is how az is asked: by subscription, or "" by the request's tenant.
type question struct{ subscription, cloud string }

func (q question) words(r Request) []string {
	if q.subscription == "" {
		return []string{"--tenant", r.Context.Tenant.ID}
	}
	return []string{"--subscription", q.subscription}
}

// find finds how az is to be asked, and makes sure that it would take the
// request's own account.
func find(r Request) (question, error) {
	c := r.Context
	id := c.SubscriptionID()
	if id == "" {
		id = c.Tenant.ID
	}
	if !isArgument(id) {
		return question{}, fmt.Errorf("%.100q is no subscription id", id)
	}
	what := id
	if c.Subscription != nil && c.Subscription.Name != "" {
		what = c.Subscription.Name
	}
	entries, err := readProfile(r)
	if err != nil {
		return question{}, err
	}
	var found *entry
	for i, e := range entries {
		if !strings.EqualFold(e.ID, id) {
			continue
		}
		if !sameUser(e, c.Account) {
			return question{}, signInToAz(r, fmt.Sprintf("az's sign-in for %s is now %s, not %s", what, e.User.Name, c.Account.ID))
		}
		if !strings.EqualFold(e.TenantID, c.Tenant.ID) {
			return question{}, signInToAz(r, fmt.Sprintf("az has %s in another tenant now, %s", what, e.TenantID))
		}
		found = &entries[i]
	}
	if found == nil && c.SubscriptionID() == "" {
		return inTenant(r, entries)
	}
	if found == nil {
		return question{}, signInToAz(r, fmt.Sprintf("az is not signed in to %s", what))
	}
	return found.question(r), nil
}

// inTenant finds how az is asked for a tenant that has no entry of its own: by
// any of the account's subscriptions there, else as the default one's user.
func inTenant(r Request, entries []entry) (question, error) {
	c := r.Context
	signedIn := false
	for _, e := range entries {
		if sameUser(e, c.Account) && strings.EqualFold(e.TenantID, c.Tenant.ID) && isArgument(e.ID) {
			return e.question(r), nil
		}
		if sameUser(e, c.Account) {
			signedIn = true
		}
	}
	for _, e := range entries {
		if e.Default && c.Account.Type == azure.User && sameUser(e, c.Account) {
			return question{cloud: e.question(r).cloud}, nil
		}
	}
	if signedIn && c.Account.Type == azure.User {
		return question{}, signInToAz(r, fmt.Sprintf("az knows no subscription of %s in %s, and takes another account where it is asked for a tenant", c.Account.ID, c.Tenant.Label()))
	}
	return question{}, signInToAz(r, fmt.Sprintf("az is not signed in to %s", c.Tenant.Label()))
}

func (e entry) question(r Request) question {
	q := question{subscription: e.ID, cloud: e.Environment}
	if q.cloud == "" {
		q.cloud = r.Cloud.Name
	}
	return q
}

// readProfile reads az's entries of the request's cloud.
func readProfile(r Request) ([]entry, error) {
	path := filepath.Join(r.Context.Account.Borrowed.Directory, "azureProfile.json")
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, signInToAz(r, "az is signed out")
	}
	if err != nil {
		return nil, fmt.Errorf("reading az's profile: %w", err)
	}
	var profile struct {
		Subscriptions []entry `json:"subscriptions"`
	}
	if err := json.Unmarshal(bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf")), &profile); err != nil {
		return nil, fmt.Errorf("reading az's profile %s: %w", path, err)
	}
	return slices.DeleteFunc(profile.Subscriptions, func(e entry) bool {
		return e.Environment != "" && !strings.EqualFold(e.Environment, r.Cloud.Name)
	}), nil
}

// sameUser reports whether az's user is the account. az calls a managed
// identity by one of two fixed names, and tells them apart by what was assigned.
func sameUser(e entry, a azure.Account) bool {
	switch a.Type {
	case azure.ManagedIdentity:
		if !strings.HasSuffix(e.User.Name, "AssignedIdentity") {
			return false
		}
		_, id, _ := strings.Cut(e.User.Identity, "-")
		return strings.EqualFold(a.ID, e.User.Name) || id != "" && (strings.EqualFold(id, a.ID) || strings.EqualFold(id, a.ClientID))
	case azure.ServicePrincipal:
		return strings.EqualFold(e.User.Type, "servicePrincipal") && strings.EqualFold(e.User.Name, a.ID)
	}
	return strings.EqualFold(e.User.Type, "user") && strings.EqualFold(e.User.Name, a.ID)
}

// signInToAz is the error that only a sign-in with az helps against.
func signInToAz(r Request, reason string) error {
	c := r.Context
	words := []string{"env", "AZURE_CONFIG_DIR=" + plain.Word(c.Account.Borrowed.Directory)}
	if !strings.EqualFold(r.Cloud.Name, azure.Public.Name) {
		words = append(words, "AZURE_CLOUD_NAME="+plain.Word(r.Cloud.Name))
	}
	words = append(words, "az", "login")
	switch c.Account.Type {
	case azure.ServicePrincipal:
		words = append(words, "--service-principal", "--username", plain.Word(c.Account.ID), "--tenant", plain.Word(c.Tenant.ID))
	case azure.ManagedIdentity:
		words = append(words, "--identity")
	default:
		words = append(words, "--tenant", plain.Word(c.Tenant.ID))
	}
	return &SignInNeeded{Reason: plain.Line(reason), Try: plain.Line(strings.Join(words, " "))}
}

// findAz looks for az where the user's own shell would. A relative entry of
// PATH means whatever directory one is in, so none of those counts.
func findAz(path string) (string, error) {
	names := []string{"az"}
	if runtime.GOOS == "windows" {
		names = []string{"az.cmd", "az.exe", "az.bat"}
	}
	for _, dir := range filepath.SplitList(path) {
		if !filepath.IsAbs(dir) {
			continue
		}
		for _, name := range names {
			program := filepath.Join(dir, name)
			if info, err := os.Stat(program); err == nil && info.Mode().IsRegular() && (runtime.GOOS == "windows" || info.Mode()&0o111 != 0) {
				return program, nil
			}
		}
	}
	return "", errors.New("no az on PATH")
}

// runAz runs az, which ends with ctx, and all that it started.
func runAz(ctx context.Context, program string, q question, r Request) ([]byte, error) {
	if err := checkCloud(r.Context.Account.Borrowed.Directory, q.cloud); err != nil {
		return nil, err
	}
	words := append([]string{"account", "get-access-token"}, q.words(r)...)
	cmd := exec.Command(program, append(words, "--resource", r.Resource, "-o", "json")...)
	cmd.Dir = "/"
	cmd.Env = azEnvironment(r, q.cloud)
	var out, said limited
	cmd.Stdout, cmd.Stderr = &out, &said
	cmd.WaitDelay = time.Second // for a grandchild that keeps the pipes
	err := runGroup(ctx, cmd)
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil // az itself has ended well
	}
	if err != nil && ctx.Err() != nil {
		return nil, errAzTime
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil, explain(r, said.String())
	}
	if err != nil {
		return nil, fmt.Errorf("running az: %w", err)
	}
	return out.Bytes(), nil
}

// azEnvironment has what az needs and nothing that could make it take another
// directory, cloud, user or way out. TZ makes az's local times UTC.
func azEnvironment(r Request, cloud string) []string {
	env := append(CleanEnvironment(os.Environ()),
		"PATH="+absolute(r.Origin.Path),
		"AZURE_CONFIG_DIR="+r.Context.Account.Borrowed.Directory,
		"AZURE_CLOUD_NAME="+cloud,
		"AZURE_CORE_COLLECT_TELEMETRY=0",
		"AZURE_CORE_NO_COLOR=1",
		"AZURE_CORE_ONLY_SHOW_ERRORS=1",
		"AZURE_LOGGING_ENABLE_LOG_FILE=0",
		"AZURE_AUTO-UPGRADE_ENABLE=0", // az's own name for it, dash and all
		"PYTHONIOENCODING=utf-8",
		"TZ=UTC0",
	)
	for _, name := range OriginNames {
		if text, ok := r.Origin.Env[name]; ok {
			env = append(env, name+"="+text)
		}
	}
	return env
}

func absolute(path string) string {
	var dirs []string
	for _, dir := range filepath.SplitList(path) {
		if filepath.IsAbs(dir) {
			dirs = append(dirs, dir)
		}
	}
	return strings.Join(dirs, string(os.PathListSeparator))
}

// checkCloud makes sure that az knows the cloud in that directory: told of one
// that it doesn't know, it overwrites the user's own choice of cloud.
func checkCloud(dir, name string) error {
	switch name { // azure-cli-core's KNOWN_CLOUDS
	case "AzureCloud", "AzureChinaCloud", "AzureUSGovernment":
		return nil
	}
	raw, err := os.ReadFile(filepath.Join(dir, "clouds.config"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reading az's clouds: %w", err)
	}
	for line := range strings.Lines(string(raw)) {
		if strings.TrimSpace(line) == "["+name+"]" {
			return nil
		}
	}
	return fmt.Errorf("az knows no cloud %q in %s", name, dir)
}

// readAnswer reads what az account get-access-token prints. Newer versions add
// the end in seconds since the epoch; all have it as a local time without zone.
func readAnswer(out []byte, subscription, tenant string) (Token, error) {
	var a struct {
		AccessToken  string          `json:"accessToken"`
		Epoch        json.RawMessage `json:"expires_on"`
		Local        string          `json:"expiresOn"`
		Subscription string          `json:"subscription"`
		Tenant       string          `json:"tenant"`
	}
	if err := json.Unmarshal(bytes.TrimPrefix(out, []byte("\xef\xbb\xbf")), &a); err != nil {
		return Token{}, errors.New("it is not the JSON that az prints") // the cause could quote the token
	}
	if a.AccessToken == "" {
		return Token{}, errors.New("there is no token in it")
	}
	if !strings.EqualFold(a.Tenant, tenant) {
		return Token{}, fmt.Errorf("it is of tenant %.100q, not %s", a.Tenant, tenant)
	}
	if a.Subscription != "" && !strings.EqualFold(a.Subscription, subscription) {
		return Token{}, fmt.Errorf("it is of subscription %.100q, not %s", a.Subscription, subscription)
	}
	var seconds int64
	if json.Unmarshal(bytes.Trim(a.Epoch, `"`), &seconds) == nil && seconds > 0 {
		return Token{Value: a.AccessToken, ExpiresOn: time.Unix(seconds, 0)}, nil
	}
	ends, err := time.ParseInLocation("2006-01-02 15:04:05", a.Local, time.UTC)
	if err != nil {
		return Token{}, errors.New("it does not say when the token ends")
	}
	return Token{Value: a.AccessToken, ExpiresOn: ends}, nil
}

var patterns = sync.OnceValue(func() (p struct{ aadsts, trace, secret *regexp.Regexp }) {
	p.aadsts = regexp.MustCompile(`AADSTS\d+`)
	p.trace = regexp.MustCompile(`\s*Trace ID:.*`)
	p.secret = regexp.MustCompile(`[A-Za-z0-9_~+/=.-]{80,}`)
	return
})

// explain makes one clear error of what az said when it failed.
func explain(r Request, said string) error {
	p := patterns()
	line := ""
	for l := range strings.Lines(said) {
		l = strings.TrimSpace(l)
		if rest, ok := strings.CutPrefix(l, "ERROR: "); ok && !strings.HasSuffix(rest, "Here is the traceback:") {
			line = rest
			break
		}
		if l != "" {
			line = l // the last one: a traceback ends with what was wrong
		}
	}
	line = p.trace.ReplaceAllString(line, "")
	line = plain.Line(p.secret.ReplaceAllString(line, "…"))
	if len(line) > 500 {
		line = strings.ToValidUTF8(line[:500], "") + "…"
	}
	who := r.Context.Account.ID + "'s sign-in in az"
	code := p.aadsts.FindString(said)
	switch {
	case code != "" && strings.Contains(line, code):
		return signInToAz(r, fmt.Sprintf("%s no longer serves %s (%s)", who, r.Context.Tenant.Label(), line))
	case code != "":
		return signInToAz(r, fmt.Sprintf("%s no longer serves %s (%s: %s)", who, r.Context.Tenant.Label(), code, line))
	case strings.Contains(said, "az login") || strings.Contains(said, "Subscription '") || strings.Contains(said, "subscription of '"):
		return signInToAz(r, fmt.Sprintf("%s needs to be renewed (%s)", who, line))
	case line == "":
		return errors.New("az failed and did not say why")
	}
	return fmt.Errorf("az failed: %s", line)
}

// limited keeps the first megabyte, which is more than az ever has to say.
type limited struct{ bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	if room := 1<<20 - l.Len(); room > 0 {
		l.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
