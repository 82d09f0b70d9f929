package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/az-ctx/az-ctx/pkg/agent"
	"github.com/az-ctx/az-ctx/pkg/arm"
	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/export"
	"github.com/az-ctx/az-ctx/pkg/interop/azps"
	"github.com/az-ctx/az-ctx/pkg/secret"
	"github.com/az-ctx/az-ctx/pkg/session"
	"github.com/az-ctx/az-ctx/pkg/signin"
	"github.com/az-ctx/az-ctx/pkg/store"
	"github.com/az-ctx/az-ctx/pkg/token"
	"github.com/az-ctx/az-ctx/pkg/vault"
)

type connectArgs struct {
	options      signin.Options
	subscription string
	name         string
	environment  string
	maxContexts  int
	scope        session.Scope
	output       string
	mutation

	deviceCode, servicePrincipal, identity, secretOnInput bool
	certificate, federatedFile                            string
	passwordOnInput, federatedOnInput, tokenOnInput       bool
	accountID                                             string
}

// secretFlags are what other tools take a secret by. An argument is there for
// every process to see, so they are refused, with the right way.
var secretFlags = []cli.Flag{
	&cli.StringFlag{Name: "client-secret", Aliases: []string{"password", "p"}, Hidden: true},
	&cli.StringFlag{Name: "certificate-password", Hidden: true},
	&cli.StringFlag{Name: "federated-token", Hidden: true},
	&cli.StringFlag{Name: "access-token", Hidden: true},
}

func (a *app) connectCommand() *cli.Command {
	return &cli.Command{
		Name: "connect", Aliases: []string{"login"}, Usage: "sign in, find tenants and subscriptions, and make contexts for them",
		Flags: flags([]cli.Flag{
			&cli.StringFlag{Name: "tenant", Aliases: []string{"t"}, Usage: "sign in to the tenant of that `ID` or domain alone"},
			&cli.StringFlag{Name: "subscription", Aliases: []string{"s"}, Usage: "be in the subscription of that `ID` or name afterwards"},
			&cli.StringFlag{Name: "name", Usage: "the active context's `NAME`"},
			&cli.BoolFlag{Name: "device-code", Usage: "sign in on another device, with a code", DisableDefaultText: true},
			&cli.StringFlag{Name: "client-id", Usage: "the `ID` of the application, or of the service principal or managed identity"},
			&cli.BoolFlag{Name: "service-principal", Usage: "sign a service principal in", DisableDefaultText: true},
			&cli.BoolFlag{Name: "client-secret-stdin", Usage: "its secret is on standard input", DisableDefaultText: true},
			&cli.StringFlag{Name: "certificate", Usage: "its certificate and key are in `FILE`, PEM or PFX"},
			&cli.BoolFlag{Name: "certificate-password-stdin", Usage: "the file's password is on standard input", DisableDefaultText: true},
			&cli.StringFlag{Name: "federated-token-file", Usage: "another identity provider's token is in `FILE`, read at each use"},
			&cli.BoolFlag{Name: "federated-token-stdin", Usage: "that token is on standard input", DisableDefaultText: true},
			&cli.BoolFlag{Name: "identity", Usage: "sign this machine's managed identity in", DisableDefaultText: true},
			&cli.BoolFlag{Name: "access-token-stdin", Usage: "an access token is on standard input", DisableDefaultText: true},
			&cli.StringFlag{Name: "account-id", Usage: "whose access token it is"},
			&cli.StringFlag{Name: "claims-challenge", Usage: "the challenge that a tool was answered with, base64"},
			&cli.StringFlag{Name: "scope-url", Usage: "the resource or `SCOPE` to consent to"},
			&cli.StringFlag{Name: "environment", Usage: "the cloud's `NAME`"},
			&cli.IntFlag{Name: "max-contexts", Value: 25, Usage: "make no more than `N`; -1 for all, 0 for the active one alone"},
		}, secretFlags, scopeFlag, outputFlag, mutationFlags),
		Action: func(c *cli.Context) error {
			args, err := a.connectArgs(c)
			if err != nil {
				return err
			}
			return a.runConnect(args)
		},
	}
}

func (a *app) connectArgs(c *cli.Context) (connectArgs, error) {
	args := connectArgs{
		options: signin.Options{ClientID: c.String("client-id"), Tenant: c.String("tenant"), Scope: c.String("scope-url"), Claims: c.String("claims-challenge")},
		name:    c.String("name"), subscription: c.String("subscription"), environment: c.String("environment"), maxContexts: c.Int("max-contexts"),
		mutation:   a.mutationOf(c),
		deviceCode: c.Bool("device-code"), servicePrincipal: c.Bool("service-principal"), identity: c.Bool("identity"),
		secretOnInput: c.Bool("client-secret-stdin"), passwordOnInput: c.Bool("certificate-password-stdin"), federatedOnInput: c.Bool("federated-token-stdin"),
		tokenOnInput: c.Bool("access-token-stdin"), certificate: c.String("certificate"), federatedFile: c.String("federated-token-file"), accountID: c.String("account-id"),
	}
	for _, f := range secretFlags {
		if name := f.Names()[0]; c.IsSet(name) {
			return args, usage("an argument is there for all to see, so no secret is taken in one: --%s-stdin reads it from standard input", name)
		}
	}
	if err := noArgs(c); err != nil {
		return args, err
	}
	var err error
	if args.scope, err = scopeOf(c); err != nil {
		return args, err
	}
	if args.output, err = outputOf(c); err != nil {
		return args, err
	}
	if c.IsSet("name") {
		if err := validName(args.name); err != nil {
			return args, err
		}
	}
	ways := 0
	for _, way := range []bool{args.secretOnInput, args.certificate != "", args.federatedFile != "", args.federatedOnInput} {
		if way {
			ways++
		}
	}
	switch {
	case args.servicePrincipal && ways != 1:
		return args, usage("a service principal signs in by one of --client-secret-stdin, --certificate, --federated-token-file, --federated-token-stdin")
	case args.servicePrincipal && (args.options.ClientID == "" || args.options.Tenant == ""):
		return args, usage("a service principal needs --client-id and --tenant")
	case !args.servicePrincipal && ways > 0:
		return args, usage("secrets, certificates and federated tokens go with --service-principal")
	case args.passwordOnInput && args.certificate == "":
		return args, usage("--certificate-password-stdin goes with --certificate")
	case args.tokenOnInput != (args.accountID != ""):
		return args, usage("--access-token-stdin and --account-id go together")
	case args.maxContexts < -1:
		return args, usage("--max-contexts takes a number, or -1 for all")
	}
	kinds := 0
	for _, kind := range []bool{args.servicePrincipal, args.identity, args.tokenOnInput, args.deviceCode} {
		if kind {
			kinds++
		}
	}
	if kinds > 1 {
		return args, usage("--device-code, --service-principal, --identity and --access-token-stdin exclude each other")
	}
	return args, nil
}

func (a *app) runConnect(args connectArgs) error {
	view, err := a.view()
	if err != nil {
		return err
	}
	if err := a.scopeFits(args.scope); err != nil {
		return err
	}
	if a.evals() {
		if err := a.canSwitch(); err != nil {
			return err
		}
	}
	cloud, err := a.signInCloud(view, args.environment)
	if err != nil {
		return err
	}
	if args.whatIf {
		a.would("sign in to %s and make contexts for its subscriptions", cloud.Name)
		return nil
	}
	if resource := azps.Resource(cloud, args.options.Scope); resource != "" { // -AuthScope KeyVault
		args.options.Scope = resource
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	client := signin.Client{Cloud: cloud, HTTP: signin.NewHTTPClient(a.agentOrigin().Env)}
	got, err := a.signIn(ctx, client, args)
	if err != nil {
		return a.connectFailure(ctx, err)
	}
	a.say("signed in as %s", got.Account.ID)
	found, err := a.discover(ctx, client, &got, args)
	if err != nil {
		return a.connectFailure(ctx, err)
	}
	return a.keepSignIn(ctx, view, cloud, got, found, args)
}

// signInCloud is the cloud to sign in to: the one that was said, else the one
// whose authority AZURE_AUTHORITY_HOST names, else the public one.
func (a *app) signInCloud(view session.View, name string) (azure.Cloud, error) {
	if name != "" {
		c, err := view.Settings.Cloud(name)
		if err != nil {
			return c, fail(exitNotFound, "%w", err).withTry("az-ctx config environment list")
		}
		return c, nil
	}
	host, ok := a.original("AZURE_AUTHORITY_HOST")
	if !ok || host == "" {
		return azure.Public, nil
	}
	bare := func(s string) string {
		return strings.ToLower(strings.Trim(strings.TrimPrefix(strings.TrimPrefix(s, "https://"), "http://"), "/"))
	}
	for _, c := range view.Settings.Clouds() {
		if bare(c.Authority) == bare(host) {
			return c, nil
		}
	}
	return azure.Cloud{}, fail(exitNotFound, "no environment signs in at %s, which AZURE_AUTHORITY_HOST names", printable(host)).withTry("az-ctx config environment add NAME --resource-manager URL")
}

// signIn runs the flow that the flags ask for.
func (a *app) signIn(ctx context.Context, client signin.Client, args connectArgs) (signin.Result, error) {
	value := ""
	if args.secretOnInput || args.passwordOnInput || args.federatedOnInput || args.tokenOnInput {
		var err error
		if value, err = a.readInput(); err != nil {
			return signin.Result{}, err
		}
	}
	w := a.waitFor("signing in")
	defer w.end()
	switch {
	case args.secretOnInput:
		return client.Secret(ctx, args.options, value)
	case args.passwordOnInput:
		return client.Certificate(ctx, args.options, args.certificate, value)
	case args.federatedOnInput:
		return client.FederatedToken(ctx, args.options, value)
	case args.tokenOnInput:
		return client.AccessToken(args.options, value, args.accountID)
	case args.certificate != "":
		return client.Certificate(ctx, args.options, args.certificate, "")
	case args.federatedFile != "":
		return client.FederatedFile(ctx, args.options, args.federatedFile)
	case args.identity:
		return client.ManagedIdentity(ctx, args.options, a.originals())
	case !args.deviceCode && signin.CanBrowse(a.environ):
		return client.Browser(ctx, args.options, person{a, w})
	}
	return client.Device(ctx, args.options, person{a, w})
}

// originals is the environment as it was without us.
func (a *app) originals() map[string]string {
	env := map[string]string{}
	plan := export.NewPlan(a.environ)
	if in, err := a.inherit(); err == nil && in.named {
		plan.Deselect(a.ownedBefore(in))
	}
	for _, e := range plan.Environ() {
		name, text, _ := strings.Cut(e, "=")
		env[name] = text
	}
	return env
}

// person is whoever sits before standard error, and is waited for from when they
// are told what to do.
type person struct {
	*app
	wait *wait
}

func (p person) ShowCode(code signin.DeviceCode) error {
	p.wait.end()
	left := time.Until(code.ExpiresOn).Round(time.Minute)
	p.tell("open %s and enter %s  (%.0f min left)", cell(code.URL), cell(code.UserCode), left.Minutes())
	return nil
}

func (p person) OpenURL(address string) error {
	p.wait.end()
	p.tell("sign in in the browser window, or press Ctrl-C and use --device-code")
	var command *exec.Cmd
	switch browser, _ := p.get("BROWSER"); {
	case runtime.GOOS == "windows":
		command = exec.Command("rundll32", "url.dll,FileProtocolHandler", address)
	case runtime.GOOS == "darwin":
		command = exec.Command("open", address)
	case browser != "" && !strings.ContainsAny(browser, " :%"):
		command = exec.Command(browser, address)
	default:
		command = exec.Command("xdg-open", address)
	}
	if err := command.Start(); err != nil {
		return fail(exitFailed, "no browser could be opened: %w", err).withTry("az-ctx connect --device-code")
	}
	go command.Wait()
	return nil
}

// connectFailure gives a sign-in's error the status and the hint that it has.
func (a *app) connectFailure(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return &failure{status: exitInterrupted, text: "nothing was changed"}
	}
	var refused *signin.Error
	if errors.As(err, &refused) {
		return &failure{status: statusOf(refused.Class), text: refused.Text, try: refused.Try, cause: err}
	}
	return err
}

func statusOf(class signin.Class) int {
	switch class {
	case signin.Input:
		return exitUsage
	case signin.UnknownTenant:
		return exitNotFound
	case signin.Network, signin.Proxy, signin.NotEntra, signin.Clock, signin.Throttled, signin.Server:
		return exitFailed
	}
	return exitSignIn
}

// discover finds the tenants and subscriptions of who signed in. What a tenant
// gave anew of the sign-in is kept in got.
func (a *app) discover(ctx context.Context, client signin.Client, got *signin.Result, args connectArgs) (arm.Discovery, error) {
	var mu sync.Mutex
	tokenFor := func(ctx context.Context, tenant azure.Tenant) (token.Token, error) {
		if tenant.ID == "" || strings.EqualFold(tenant.ID, got.Tenant.ID) {
			return got.Token, nil
		}
		mu.Lock()
		state := got.State
		mu.Unlock()
		t, next, err := client.Token(ctx, got.Account, state, tenant, client.Cloud.Audience)
		if _, needed := token.AsSignInNeeded(err); needed && got.Account.Type == azure.User {
			// One that was signed in to by itself has a stronger sign-in.
			own, kept := a.keychain().Get(ctx, secret.TenantName(got.Account, client.Cloud.Name, tenant.ID))
			if kept == nil {
				if t, _, err := client.Token(ctx, got.Account, signin.State{Kind: signin.Refresh, Secret: own}, tenant, client.Cloud.Audience); err == nil {
					return t, nil
				}
			}
		}
		if err == nil && next != state {
			mu.Lock()
			got.State = next
			mu.Unlock()
		}
		return t, err
	}
	manager := arm.Client{Cloud: client.Cloud, HTTP: client.HTTP}
	progress, done := a.progress()
	defer done()
	if args.options.Tenant != "" || got.Account.Type != azure.User {
		return manager.DiscoverIn(ctx, []azure.Tenant{a.describe(ctx, manager, *got)}, tokenFor, progress)
	}
	return manager.Discover(ctx, tokenFor, progress)
}

// describe adds to the tenant that was signed in to what the resource manager
// knows of it; an account that may not ask goes without.
func (a *app) describe(ctx context.Context, manager arm.Client, got signin.Result) azure.Tenant {
	tenants, err := manager.Tenants(ctx, got.Token)
	if err != nil {
		return got.Tenant
	}
	for _, t := range tenants {
		if strings.EqualFold(t.ID, got.Tenant.ID) {
			return t
		}
	}
	return got.Tenant
}

// keepSignIn keeps what a sign-in brought: its secret, its contexts, and the one
// that is active now.
func (a *app) keepSignIn(ctx context.Context, view session.View, cloud azure.Cloud, got signin.Result, found arm.Discovery, args connectArgs) error {
	all, active, err := choose(cloud, got, found, args)
	if err != nil {
		return err
	}
	if got.State.ProcessOnly() {
		if args.scope == session.User {
			return usage("such a sign-in can't outlive its terminal, so not with --scope user")
		}
		args.scope = session.Process
		if err := a.scopeFits(args.scope); err != nil {
			return err
		}
	}
	where, _ := a.whereNew(view, args.scope)
	if where == session.Process {
		if err := a.needsFunction(); err != nil {
			return err
		}
		if view, err = a.begin(view); err != nil {
			return err
		}
	}
	items, _, err := view.List()
	if err != nil {
		return err
	}
	chosen := nameAll(items, all)
	if args.name != "" {
		chosen[active].Name = args.name
		if err := a.mayReplace(view, where, chosen[active], args.mutation, ""); err != nil {
			return err
		}
	}
	holder := ""
	if where == session.Process {
		holder = view.Session.ID.String()
	}
	if holder, err = a.hold(ctx, cloud, got, holder, args.options.Tenant != ""); err != nil {
		return err
	}
	account := got.Account
	account.SignIn = vault.Describe(got.State, holder)
	kept := a.within(args, chosen, active)
	for i := range kept {
		kept[i].Account = account
	}
	chosen[active].Account = account
	kept = append(kept, renewed(items, account, cloud, kept, where)...)
	unused := replaced(items, account, cloud, kept, where)
	if where == session.User { // a session's own sign-in leaves nothing
		a.learn(learnedBy(found, account, cloud))
	}
	item := session.Item{Scope: where}
	item.Context = chosen[active]
	if a.evals() { // before anything is saved, for nothing that follows is left to fail
		if err := a.activate(view, target{context: &item.Context, scope: where, from: "selected"}); err != nil {
			return err
		}
		a.switched = "active here: " + cell(item.Name)
	}
	first := view.Settings.Default == "" && len(items) == 0 && where == session.User
	if err := a.keep(&view, args.scope, kept, args.mutation); err != nil {
		return err
	}
	if a.evals() && args.maxContexts != 0 && len(kept) < len(all) {
		saved := count(len(kept), "context") + " saved"
		if a.objects() { // there a switch is not talked of
			a.warn("%s (of %d; all: -MaxContextPopulation -1)", saved, len(all))
		} else {
			a.switched = fmt.Sprintf("%s (of %d; all: --max-contexts -1), %s", saved, len(all), a.switched)
		}
	}
	a.dropTokens(account)
	if err := a.removeSecrets(unused); err != nil {
		a.warn("a secret that is not needed any more could not be removed: %v", err)
	}
	for _, f := range found.Failed() {
		a.warnTenant(f)
	}
	if args.scope == session.User || first {
		if err := a.setDefault(item.Name); err != nil {
			return err
		}
	}
	if !a.evals() {
		a.notActiveHere("saved,")
	}
	if args.output != "" {
		return a.printContext(item, view, args.output)
	}
	return nil
}

// learn keeps what was learned for later; all of it can be learned again.
func (a *app) learn(all []store.Known) {
	if err := a.cache.Learn(all); err != nil {
		a.warn("what was learned of tenants and subscriptions is not kept: %v", err)
	}
}

// within cuts the contexts to how many were asked for; the active one is among
// them.
func (a *app) within(args connectArgs, all []azure.Context, active int) []azure.Context {
	kept := []azure.Context{all[active]}
	for i, c := range all {
		if i != active && (args.maxContexts < 0 || len(kept) < args.maxContexts) {
			kept = append(kept, c)
		}
	}
	return kept
}

// renewed are the account's contexts that were there before, on the new sign-in:
// also those that were borrowed, but none of another application's, which may be
// the only one that their tenant lets in.
func renewed(items []session.Item, account azure.Account, cloud azure.Cloud, kept []azure.Context, where session.Scope) []azure.Context {
	var more []azure.Context
	for _, item := range items {
		if item.Scope != where || !strings.EqualFold(item.Environment, cloud.Name) || !item.Account.Same(account) {
			continue
		}
		if isAmong(kept, item.Name) || byAnother(item.Account, account) {
			continue
		}
		c := item.Context
		c.Account = account
		more = append(more, c)
	}
	return more
}

func isAmong(contexts []azure.Context, name string) bool {
	return slices.ContainsFunc(contexts, func(c azure.Context) bool { return azure.Fold(c.Name) == azure.Fold(name) })
}

// byAnother reports whether a user's sign-in of ours is by another application.
func byAnother(there, now azure.Account) bool {
	return there.Type == azure.User && there.SignIn != nil && !strings.EqualFold(there.ClientID, now.ClientID)
}

// replaced are the account's contexts that were on a secret which is not used
// any more, by another application or by a way that needs none, where none of
// this session's is on it still. Those in kept are on the new sign-in.
func replaced(items []session.Item, account azure.Account, cloud azure.Cloud, kept []azure.Context, where session.Scope) []session.Item {
	var old []session.Item
	goesOn := map[string]bool{} // by the secret's name
	for _, item := range items {
		if item.Account.Same(account) && byAnother(item.Account, account) && !isAmong(kept, item.Name) {
			goesOn[secret.AccountName(item.Account, item.Environment)] = true
		}
	}
	for _, item := range items {
		if !strings.EqualFold(item.Environment, cloud.Name) || !item.Account.Same(account) {
			continue
		}
		name := secret.AccountName(item.Account, cloud.Name)
		if account.SignIn.HasSecret && name == secret.AccountName(account, cloud.Name) || goesOn[name] {
			continue
		}
		if item.Scope != where {
			return nil
		}
		old = append(old, item)
	}
	return old
}

// choose makes the contexts of a discovery, and says which one is to be active.
func choose(cloud azure.Cloud, got signin.Result, found arm.Discovery, args connectArgs) (all []azure.Context, active int, err error) {
	active = -1
	for _, f := range found {
		for _, s := range f.Subscriptions {
			all = append(all, azure.Context{Account: got.Account, Tenant: f.Tenant, Subscription: &s, Environment: cloud.Name})
			i := len(all) - 1
			switch {
			case args.subscription != "":
				if active < 0 && (strings.EqualFold(s.ID, args.subscription) || azure.Fold(s.Name) == azure.Fold(args.subscription)) {
					active = i
				}
			case active < 0 && s.Usable():
				active = i
			}
		}
	}
	if args.subscription != "" && active < 0 {
		var names []string
		for _, s := range found.Subscriptions() {
			names = append(names, s.Name)
		}
		return nil, 0, fail(exitNotFound, "%s sees no subscription %s%s", got.Account.ID, printable(args.subscription), nearText(near(args.subscription, names)))
	}
	if len(all) == 0 {
		tenant := got.Tenant
		if i := slices.IndexFunc(found, func(f arm.Found) bool { return strings.EqualFold(f.Tenant.ID, tenant.ID) }); i >= 0 {
			tenant = found[i].Tenant
		}
		all = append(all, azure.Context{Account: got.Account, Tenant: tenant, Environment: cloud.Name})
	}
	return all, max(active, 0), nil
}

// hold puts the sign-in's secret where it is held: the keychain, or the agent's
// memory for a session's own and where there is no keychain. It returns who
// holds it.
func (a *app) hold(ctx context.Context, cloud azure.Cloud, got signin.Result, holder string, oneTenant bool) (string, error) {
	if got.State.Secret == "" {
		return holder, nil
	}
	name := secret.AccountName(got.Account, cloud.Name)
	if holder == "" {
		keychain := a.keychain()
		var err error
		if oneTenant && got.Account.Type == azure.User {
			// Beside the account's own, and in its place where there is none.
			err = keychain.Set(ctx, secret.TenantName(got.Account, cloud.Name, got.Tenant.ID), got.State.Secret)
			if err == nil {
				if _, err = keychain.Get(ctx, name); errors.Is(err, secret.ErrNotFound) {
					err = keychain.Set(ctx, name, got.State.Secret)
				}
			}
		} else {
			err = keychain.Set(ctx, name, got.State.Secret)
		}
		var unusable *secret.Unusable
		if err == nil || !errors.As(err, &unusable) {
			return "", err
		}
		if a.wrapper == nil {
			return "", &failure{status: exitKeychain, text: unusable.Error(), try: unusable.Try, cause: err}
		}
		a.warn("the sign-in is kept in memory until your last session ends: %s\n  try: az-ctx doctor", unusable.Reason)
		holder = vault.InAgent
	}
	if err := a.place.Make(); err != nil {
		return "", err
	}
	return holder, a.withAgent(agent.Connect, func(ctx context.Context, c *agent.Client) error {
		return c.Keep(ctx, vault.Held{Holder: holder, Name: name, Secret: got.State.Secret})
	})
}

// dropTokens has the agent forget the account's tokens: a new sign-in may be
// one with other rights.
func (a *app) dropTokens(account azure.Account) {
	a.withAgent(agent.Dial, func(ctx context.Context, c *agent.Client) error {
		_, err := c.Forget(ctx, account)
		return err
	})
}

func (a *app) warnTenant(f arm.Found) {
	text := f.Err.Error()
	try := ""
	var refused *signin.Error
	if errors.As(f.Err, &refused) {
		text, try = refused.Text, refused.Try
	}
	if needed, ok := token.AsSignInNeeded(f.Err); ok && try == "" {
		try = needed.Try
	}
	if try != "" {
		try = "\n  try: " + try
	}
	a.warn("%s%s", text, try)
}

func learnedBy(found arm.Discovery, account azure.Account, cloud azure.Cloud) []store.Known {
	var all []store.Known
	for _, f := range found {
		if f.Err == nil {
			all = append(all, store.Known{Account: account, Environment: cloud.Name, Tenant: f.Tenant, Subscriptions: f.Subscriptions})
		}
	}
	return all
}

// keychain is the system's. It is the same one in every container and after
// every boot, so its locks lie above this host's own directory.
func (a *app) keychain() secret.Keychain {
	return secret.System(filepath.Dir(filepath.Dir(a.place.Dir)))
}

// vault is for the agent.
func (a *app) vault() *vault.Vault { return &vault.Vault{Keychain: a.keychain()} }
