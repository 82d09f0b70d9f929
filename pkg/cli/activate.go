package cli

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/az-ctx/az-ctx/pkg/agent"
	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/export"
	"github.com/az-ctx/az-ctx/pkg/interop/azcli"
	"github.com/az-ctx/az-ctx/pkg/process"
	"github.com/az-ctx/az-ctx/pkg/session"
	"github.com/az-ctx/az-ctx/pkg/token"
)

// agentLimit is how long a switch waits for the agent, which answers in
// milliseconds once it runs.
const agentLimit = 10 * time.Second

// markFile lies beside an activation's .azure and is newer than what we wrote
// there, so that `-nt` against it tells a shell that az wrote something.
const markFile = "mark"

// target is what an activation is to be on.
type target struct {
	context *azure.Context // nil: signed out
	scope   session.Scope
	from    string // AZ_CTX_FROM
	renames string // the name that the active context had before, "" where this is another one
	// namesOnly: tools keep their own sign-in, and the shell gets names and ids.
	namesOnly bool
}

// inheritedFrom is the target of a process that goes on with what the one
// around it is on.
func inheritedFrom(act *session.Activation) target {
	return target{context: act.Context, scope: act.Scope, from: "inherited", namesOnly: act.NamesOnly}
}

// needsFunction fails where no shell function could carry a change out.
func (a *app) needsFunction() error {
	if a.wrapper == nil || !a.wrapper.eval {
		return fail(exitFailed, "this shell does not have az-ctx's function, so nothing was changed").withTry("%s", a.initLine())
	}
	return a.canSwitch()
}

// errThread is what a thread of PowerShell gets for a switch.
var errThread = fail(exitFailed, "the environment belongs to the whole process, so a thread of it can't switch alone").withTry("Invoke-AzCtx NAME { ... }")

// canSwitch fails where a switch could not be whole.
func (a *app) canSwitch() error {
	if a.wrapper != nil && a.wrapper.thread {
		return errThread
	}
	if a.wrapper != nil && a.wrapper.readOnly != "" {
		return fail(exitFailed, "%s is read-only in this shell, so nothing was changed", a.wrapper.readOnly).withTry("start a shell without it")
	}
	return nil
}

// activate switches this shell: a new activation in its session, and the
// variables that lead to it. Nothing of the shell changes where it fails.
func (a *app) activate(view session.View, t target) error {
	if err := a.canSwitch(); err != nil {
		return err
	}
	in, err := a.inherit()
	if err != nil {
		return err
	}
	if view, err = a.begin(view); err != nil {
		return err
	}
	if !in.named {
		a.script.KeepLocal = a.notExported()
	}
	act, err := a.enter(view, *view.Session, t, in)
	if err != nil {
		return err
	}
	a.activated, a.made = true, &act
	a.watch(act)
	if t.from == "selected" && t.renames == "" && view.Settings.AzPS && !act.NamesOnly {
		a.azAccounts = &act
	}
	if t.context != nil && t.from != "inherited" {
		a.switched = line(*t.context)
		if act.NamesOnly {
			a.switched += "   (names and ids alone)"
		}
		if a.wrapper.subshell() {
			a.switched += "   (in this subshell only)"
		}
	}
	return nil
}

// enter plans the way into a new activation of the session: from the
// activation that the environment names, or from the user's own environment.
func (a *app) enter(view session.View, s session.Session, t target, in inherited) (session.Activation, error) {
	plan, before := a.plan(), a.ownedBefore(in)
	if t.from != "inherited" && t.renames == "" {
		t.namesOnly = t.namesOnly || view.Settings.EndpointOff
	}
	if in.named && !in.counts {
		plan.Deselect(before)
		before = nil
	}
	act, variables, err := a.prepare(view.Settings.Cloud, s, t)
	if err != nil {
		return act, err
	}
	if name := a.previous(in, t); name != "" {
		variables[export.Previous] = name
	}
	if !act.NamesOnly {
		keepLoopback(plan, variables)
	}
	act.Owned = export.Record(variables, isSecret)
	if t.from == "inherited" {
		// A shell in a shell is no switch: what was changed in the outer one stays
		// changed, and its prompt says so.
		for _, name := range before.Drifted(plan.Get) {
			if now, ok := plan.Get(name); ok {
				variables[name] = now
			} else {
				delete(variables, name)
			}
		}
	}
	activate := plan.Activate
	if act.NamesOnly {
		activate = plan.ActivateNames
	}
	for _, name := range activate(variables, before) {
		a.warn("%s was changed here, and is az-ctx's again", name)
	}
	if err := act.Write(); err != nil {
		act.Discard()
		return act, err
	}
	return act, nil
}

// previous is the context that `select -` goes back to after the switch.
func (a *app) previous(in inherited, t target) string {
	if !in.counts {
		return ""
	}
	if act := in.activation; act != nil && act.Context != nil && t.context != nil && t.renames == "" && azure.Fold(act.Context.Name) != azure.Fold(t.context.Name) {
		return act.Context.Name
	}
	name, _ := a.plan().Get(export.Previous)
	return name
}

// ownedBefore is what az-ctx exported to this environment. Where the record of
// that is gone, all that we could have set is taken for ours.
func (a *app) ownedBefore(in inherited) export.Owned {
	if !in.named || in.ref.Number == 0 {
		return nil
	}
	if act, err := a.place.Activation(in.ref); err == nil {
		return act.Owned
	}
	return export.Record(a.env, func(string) bool { return false })
}

// prepare makes an activation in the session: az's directory, the endpoint's
// keys, and the variables that lead to both.
func (a *app) prepare(cloud func(string) (azure.Cloud, error), s session.Session, t target) (session.Activation, map[string]string, error) {
	act, err := s.NewActivation()
	if err != nil {
		return act, nil, err
	}
	act.Context, act.Scope, act.NamesOnly = t.context, t.scope, t.namesOnly
	if t.context != nil {
		if act.Cloud, err = cloud(t.context.Environment); err != nil {
			act.Discard()
			return act, nil, err
		}
	} else {
		act.Cloud = azure.Public
	}
	variables := a.variables(act, t.from)
	if act.NamesOnly {
		return act, variables, nil
	}
	endpoint, err := a.furnish(&act)
	if err != nil {
		act.Discard()
		return act, nil, err
	}
	act.Agent = endpoint.Generation
	maps.Copy(variables, a.azVariables(act))
	maps.Copy(variables, endpoint.Variables())
	return act, variables, nil
}

// furnish makes the activation's directory for az and registers it with the
// agent.
func (a *app) furnish(act *session.Activation) (agent.Endpoint, error) {
	if err := a.makeAzDir(act); err != nil {
		return agent.Endpoint{}, err
	}
	return a.register(*act)
}

func (a *app) makeAzDir(act *session.Activation) error {
	var known []azure.Subscription
	if act.Context != nil {
		known = a.cache.Of(*act.Context).Subscriptions
	}
	err := azcli.WriteDirectory(act.AzDir(), azcli.Directory{From: a.azDirectory(), Context: act.Context, Cloud: act.Cloud, Known: known})
	if err != nil {
		return err
	}
	return mark(*act, azcli.Written.Add(time.Second))
}

// mark gives the activation's mark a time: what az writes later is newer.
func mark(act session.Activation, at time.Time) error {
	path := filepath.Join(act.Dir, markFile)
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return fmt.Errorf("making an activation: %w", err)
	}
	return os.Chtimes(path, at, at)
}

// register gives the activation its keys.
func (a *app) register(act session.Activation) (agent.Endpoint, error) {
	ctx, cancel := context.WithTimeout(context.Background(), agentLimit)
	defer cancel()
	client, err := agent.Connect(ctx, a.place.Dir)
	if err != nil {
		return agent.Endpoint{}, err
	}
	defer client.Close()
	return client.Register(ctx, agent.Registration{
		Ref: act.Ref.String(), Session: act.Ref.Session, Context: act.Context, Cloud: act.Cloud, Origin: a.agentOrigin(),
	})
}

// agentOrigin is what az needs of the user's own environment when the agent
// runs it: where it lies, and the way out of this network.
func (a *app) agentOrigin() token.Origin {
	path, _ := a.get("PATH")
	o := token.Origin{Path: path, Env: map[string]string{}}
	for _, name := range agent.OriginNames {
		if text, ok := a.original(name); ok {
			o.Env[name] = text
		}
	}
	return o
}

// azVariables lead az to the activation's directory.
func (a *app) azVariables(act session.Activation) map[string]string {
	extensions, ok := a.original("AZURE_EXTENSION_DIR")
	if !ok {
		extensions = filepath.Join(a.azDirectory(), "cliextensions")
	}
	return map[string]string{"AZURE_CONFIG_DIR": act.AzDir(), "AZURE_EXTENSION_DIR": extensions}
}

// variables are the names and ids of an activation.
func (a *app) variables(act session.Activation, from string) map[string]string {
	v := map[string]string{export.Session: act.Ref.String()}
	c := act.Context
	if c == nil {
		return v
	}
	v[export.Name], v[export.Account], v[export.Tenant] = c.Name, c.Account.ID, c.Tenant.Label()
	v[export.Environment], v[export.Prompt], v[export.From] = c.Environment, export.PromptSafe(c.Name), from
	v["AZURE_TENANT_ID"], v["ARM_TENANT_ID"] = c.Tenant.ID, c.Tenant.ID
	v["AZURE_CLOUD_NAME"] = act.Cloud.Name
	if c.Subscription != nil {
		v[export.Subscript] = c.Subscription.Name
		v["AZURE_SUBSCRIPTION_ID"], v["ARM_SUBSCRIPTION_ID"] = c.Subscription.ID, c.Subscription.ID
	}
	if name := azure.ARMName(act.Cloud.Name); name != "" {
		v["ARM_ENVIRONMENT"] = name
	} else {
		v["AZURE_AUTHORITY_HOST"] = act.Cloud.Authority
		v["ARM_METADATA_HOSTNAME"] = hostOf(act.Cloud.ResourceManager)
	}
	return v
}

// keepLoopback adds the loopback to the user's no-proxy lists.
func keepLoopback(plan *export.Plan, variables map[string]string) {
	for _, name := range []string{"NO_PROXY", "no_proxy"} {
		list, _ := plan.Get(name)
		variables[name] = export.Loopback(list)
	}
}

func isSecret(name string) bool {
	for _, secret := range agent.SecretNames {
		if name == secret {
			return true
		}
	}
	return false
}

// notExported lists the variables of the user's that the environment does not
// have, which the shell may have for itself.
func (a *app) notExported() []string {
	var names []string
	for _, name := range export.Managed() {
		if _, ok := a.get(name); !ok {
			names = append(names, name)
		}
	}
	return names
}

// watch tells the shell's prompt hook what to watch.
func (a *app) watch(act session.Activation) {
	a.internal("__az_ctx_run", a.place.Dir)
	a.internal("__az_ctx_dir", act.Dir)
}

// currentProcess is this very process, for a session of its own.
func currentProcess() (process.ID, error) {
	info, err := process.Lookup(os.Getpid())
	return info.ID, err
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}
