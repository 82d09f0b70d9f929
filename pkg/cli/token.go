package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/az-ctx/az-ctx/pkg/agent"
	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/interop/azps"
	"github.com/az-ctx/az-ctx/pkg/session"
	"github.com/az-ctx/az-ctx/pkg/token"
)

// tokenLimit is how long a token may take: az's own limit in the agent and the
// agent's start.
const tokenLimit = 40 * time.Second

type tokenArgs struct {
	context, resource, kind, tenant, output string
	refresh                                 bool
}

func (a *app) tokenCommand() *cli.Command {
	return &cli.Command{
		Name: "token", Usage: "print an access token of the active context",
		Flags: flags(contextFlag, []cli.Flag{&cli.StringFlag{Name: "resource", Usage: "the `URL` or id that the token is for; the resource manager's where none is said"},
			&cli.StringFlag{Name: "scope-url", Usage: "the same as a `SCOPE`, as https://graph.microsoft.com/.default"},
			&cli.StringFlag{Name: "resource-type", Hidden: true}, // the PowerShell module's -ResourceTypeName
			&cli.StringFlag{Name: "tenant", Usage: "the tenant of that `ID`, name or domain instead of the context's"},
			&cli.BoolFlag{Name: "refresh", Usage: "ask for it anew, also where one is in memory", DisableDefaultText: true}},
			[]cli.Flag{&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: "raw", Usage: "`FORMAT`: raw, json, or az for that of az account get-access-token"}}, quietFlag),
		Action: func(c *cli.Context) error {
			a.quiet = c.Bool("quiet")
			if err := noArgs(c); err != nil {
				return err
			}
			args := tokenArgs{context: c.String("context"), resource: c.String("resource"), kind: c.String("resource-type"), tenant: c.String("tenant"), refresh: c.Bool("refresh"), output: c.String("output")}
			if scope := c.String("scope-url"); scope != "" {
				if args.resource != "" {
					return usage("--resource and --scope-url exclude each other")
				}
				args.resource = strings.TrimSuffix(scope, "/.default")
			}
			switch args.output {
			case "raw", "json", "az":
			default:
				return usage("no output format %s; one of raw, json, az", printable(args.output))
			}
			return a.runToken(args)
		},
	}
}

func (a *app) runToken(args tokenArgs) error {
	view, err := a.view()
	if err != nil {
		return err
	}
	act, err := a.contextOrDefault(view, args.context)
	if err != nil {
		return err
	}
	if args.context == "" {
		a.noteChanges()
	}
	if err := a.place.Make(); err != nil {
		return err
	}
	if args.tenant != "" {
		of, err := a.inTenant(view, *act.Context, args.tenant)
		if err != nil {
			return err
		}
		act.Context = &of
	}
	if args.kind != "" {
		if args.resource = azps.Resource(act.Cloud, args.kind); args.resource == "" {
			return usage("no resource of the type %s is known in %s", printable(args.kind), printable(act.Cloud.Name)).withTry("Get-AzCtxAccessToken -ResourceUrl URL")
		}
	}
	if args.resource == "" {
		args.resource = act.Cloud.Audience
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, tokenLimit)
	defer cancel()
	t, err := a.tokenFor(ctx, act, args)
	if ctx.Err() == context.Canceled {
		return &failure{status: exitInterrupted, text: "no token was got"}
	}
	if err != nil {
		return a.signInFailure(err)
	}
	return a.printToken(t, act, args.output)
}

// tokenFor asks the agent for the token.
func (a *app) tokenFor(ctx context.Context, act session.Activation, args tokenArgs) (token.Token, error) {
	w := a.waitFor("asking for a token of " + cell(act.Context.Account.ID))
	defer w.end()
	client, err := agent.Connect(ctx, a.place.Dir)
	if err != nil {
		return token.Token{}, err
	}
	defer client.Close()
	if args.refresh {
		if _, err := client.Forget(ctx, act.Context.Account); err != nil {
			return token.Token{}, err
		}
	}
	return client.Token(ctx, agent.TokenRequest{Context: *act.Context, Cloud: act.Cloud, Origin: a.agentOrigin(), Resource: args.resource})
}

// inTenant is the context's account in another tenant: one that is known here,
// by id, name or domain, or any by its id where the account may be in it.
func (a *app) inTenant(view session.View, c azure.Context, tenant string) (azure.Context, error) {
	items, _, err := view.List()
	if err != nil {
		return c, err
	}
	for _, known := range a.candidates(items) {
		if known.Account.Same(c.Account) && isTenant(known.Tenant, tenant) {
			return known, nil
		}
	}
	if !azure.IsID(tenant) || c.Account.Borrowed != nil && c.Account.Type != azure.User {
		return c, fail(exitNotFound, "no tenant %s of %s is known here", printable(tenant), printable(c.Account.ID))
	}
	c.Tenant, c.Subscription = azure.Tenant{ID: tenant}, nil
	return c, nil
}

// contextOrDefault is the context of that name, else the active one, else the
// user default; signed out is none of them.
func (a *app) contextOrDefault(view session.View, name string) (session.Activation, error) {
	if name == "" {
		act, err := a.active()
		if err != nil {
			return session.Activation{}, err
		}
		if act != nil && act.Context == nil {
			return session.Activation{}, signedOut()
		}
		if act != nil {
			return *act, nil
		}
		if name = view.Settings.Default; name == "" {
			return session.Activation{}, fail(exitNotFound, "no context is active here and there is no default").withTry("the same with --context NAME")
		}
	}
	item, err := a.find(view, name)
	if err != nil {
		return session.Activation{}, err
	}
	cloud, err := view.Settings.Cloud(item.Environment)
	return session.Activation{Context: &item.Context, Cloud: cloud, Scope: item.Scope}, err
}

// signInFailure gives a token's error the status that the contract has for it.
func (a *app) signInFailure(err error) error {
	if needed, ok := token.AsSignInNeeded(err); ok {
		return &failure{status: exitSignIn, text: err.Error(), try: needed.Try, cause: err}
	}
	return err
}

func (a *app) printToken(t token.Token, act session.Activation, format string) error {
	local := t.ExpiresOn.Local().Format("2006-01-02 15:04:05.000000")
	switch format {
	case "json":
		if a.objects() {
			return a.emit("token", tokenObject(t, *act.Context))
		}
		return printJSON(a.out, map[string]string{
			"token": t.Value, "expiresOn": t.ExpiresOn.UTC().Format(time.RFC3339), "tenant": act.Context.Tenant.ID, "type": "Bearer",
		})
	case "az":
		out := map[string]any{
			"accessToken": t.Value, "expiresOn": local, "expires_on": t.ExpiresOn.Unix(), "tenant": act.Context.Tenant.ID, "tokenType": "Bearer",
		}
		if act.Context.Subscription != nil {
			out["subscription"] = act.Context.Subscription.ID
		}
		return printJSON(a.out, out)
	}
	_, err := fmt.Fprintln(a.out, t.Value)
	return err
}
