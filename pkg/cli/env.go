package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"sort"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/export"
	"github.com/az-ctx/az-ctx/pkg/process"
	"github.com/az-ctx/az-ctx/pkg/secret"
	"github.com/az-ctx/az-ctx/pkg/session"
	"github.com/az-ctx/az-ctx/pkg/signin"
)

type envArgs struct {
	context string
	shell   string
	owner   int // 0 for none
	secrets bool
}

func (a *app) envCommand() *cli.Command {
	return &cli.Command{
		Name: "env", Usage: "print a context's ids and names, for eval, CI files, editors",
		Flags: flags(contextFlag, []cli.Flag{
			&cli.StringFlag{Name: "shell", Usage: "`FORM`: bash, zsh, fish, pwsh, dotenv or json"},
			&cli.StringFlag{Name: "owner", Usage: "make an activation too, which ends with the process `PID`"},
			&cli.BoolFlag{Name: "with-secrets", Usage: "print what a service principal signs in by too, for tools elsewhere", DisableDefaultText: true},
		}, quietFlag),
		Action: func(c *cli.Context) error {
			a.quiet = c.Bool("quiet")
			if err := noArgs(c); err != nil {
				return err
			}
			args := envArgs{context: c.String("context"), shell: c.String("shell"), secrets: c.Bool("with-secrets")}
			if args.shell == "" && a.wrapper != nil {
				args.shell = a.wrapper.shell
			}
			if args.shell == "" {
				args.shell = "bash"
			}
			if c.IsSet("owner") {
				pid, err := strconv.Atoi(c.String("owner"))
				if err != nil || pid <= 0 {
					return usage("%s is no process id", printable(c.String("owner")))
				}
				args.owner = pid
			}
			return a.runEnv(args)
		},
	}
}

func (a *app) runEnv(args envArgs) error {
	text := args.shell == "dotenv" || args.shell == "json"
	if text && args.owner != 0 {
		return usage("--owner makes keys, and %s could be kept: it goes with the shells alone", args.shell)
	}
	if args.secrets && args.owner != 0 {
		return usage("--owner serves tokens, so its tools need no secret")
	}
	var shell export.Shell
	if !text {
		var err error
		if shell, err = export.ForShell(args.shell); err != nil {
			return usage("no form %s; one of bash, zsh, fish, pwsh, dotenv, json", printable(args.shell))
		}
	}
	view, err := a.view()
	if err != nil {
		return err
	}
	t, err := a.targetOf(view, args.context, "env")
	if err != nil {
		return err
	}
	var variables map[string]string
	if args.owner != 0 {
		if variables, err = a.ownedBy(args.owner, view, t); err != nil {
			return err
		}
	} else {
		act := session.Activation{Context: t.context}
		if act.Cloud, err = view.Settings.Cloud(t.context.Environment); err != nil {
			return err
		}
		variables = a.variables(act, t.from)
		delete(variables, export.Session)
		delete(variables, export.From)
		if args.secrets {
			secrets, err := a.secretVariables(*t.context)
			if err != nil {
				return err
			}
			maps.Copy(variables, secrets)
		}
	}
	if text {
		return printVariables(a.out, args.shell, variables)
	}
	var script export.Script
	for _, name := range sortedNames(variables) {
		script.Changes = append(script.Changes, export.Change{Name: name, Value: variables[name]})
	}
	_, err = io.WriteString(a.out, shell.Script(script))
	return err
}

// ownedBy makes an activation that ends with another process of this user.
func (a *app) ownedBy(pid int, view session.View, t target) (map[string]string, error) {
	info, err := process.Lookup(pid)
	if err != nil {
		return nil, usage("process %d: %w", pid, err)
	}
	if own, err := currentProcess(); err == nil {
		if me, err := process.Lookup(own.PID); err == nil && me.UID != info.UID {
			return nil, usage("process %d belongs to another user", pid)
		}
	}
	s, err := a.place.Begin(info.ID, view.Session, view.Settings.AutosaveOff())
	if err != nil {
		return nil, err
	}
	t.namesOnly = t.namesOnly || view.Settings.EndpointOff
	act, variables, err := a.prepare(view.Settings.Cloud, s, t)
	if err != nil {
		return nil, err
	}
	if !act.NamesOnly {
		keepLoopback(a.plan(), variables)
	}
	act.Owned = export.Record(variables, isSecret)
	if err := act.Write(); err != nil {
		act.Discard()
		return nil, err
	}
	delete(variables, export.From)
	return variables, nil
}

// secretVariables are what a service principal signs in by, as SDKs and
// Terraform read it from their environment.
func (a *app) secretVariables(c azure.Context) (map[string]string, error) {
	account := c.Account
	switch {
	case account.Type != azure.ServicePrincipal:
		return nil, usage("%s is no service principal: only such a one has a secret to print", account.ID)
	case account.Borrowed != nil:
		return nil, fail(exitSignIn, "%s's secret is %s's own", account.ID, account.Borrowed.From).withTry("az-ctx import --from az --with-tokens")
	case account.SignIn == nil:
		return nil, fail(exitSignIn, "there is no sign-in of %s's here", account.ID).withTry("az-ctx connect --service-principal --client-id %s --tenant %s --client-secret-stdin", word(account.ClientID), word(c.Tenant.ID))
	}
	text := ""
	if account.SignIn.HasSecret {
		if account.SignIn.Holder != "" {
			return nil, fail(exitFailed, "%s's secret is held in memory by the agent, which gives none out", account.ID)
		}
		var err error
		text, err = a.keychain().Get(context.Background(), secret.AccountName(account, c.Environment))
		var unusable *secret.Unusable
		switch {
		case errors.As(err, &unusable):
			return nil, &failure{status: exitKeychain, text: unusable.Error(), try: unusable.Try, cause: err}
		case err != nil:
			return nil, fmt.Errorf("reading %s's secret: %w", account.ID, err)
		}
	}
	v := map[string]string{"AZURE_CLIENT_ID": account.ClientID, "ARM_CLIENT_ID": account.ClientID}
	file := account.SignIn.File
	switch signin.Kind(account.SignIn.Kind) {
	case signin.Secret:
		v["AZURE_CLIENT_SECRET"], v["ARM_CLIENT_SECRET"] = text, text
	case signin.Certificate:
		v["AZURE_CLIENT_CERTIFICATE_PATH"], v["ARM_CLIENT_CERTIFICATE_PATH"] = file, file
		if text != "" {
			v["AZURE_CLIENT_CERTIFICATE_PASSWORD"], v["ARM_CLIENT_CERTIFICATE_PASSWORD"] = text, text
		}
	case signin.Federated:
		v["AZURE_FEDERATED_TOKEN_FILE"], v["ARM_OIDC_TOKEN_FILE_PATH"], v["ARM_USE_OIDC"] = file, file, "true"
	}
	return v, nil
}

func sortedNames(variables map[string]string) []string {
	var names []string
	for name := range variables {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// printVariables prints the forms that are data. dotenv knows no quoting that
// all its readers share: double quotes, with the four characters escaped that
// act inside them, is what most of them read.
func printVariables(w io.Writer, form string, variables map[string]string) error {
	if form == "json" {
		return printJSON(w, variables)
	}
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`", "\n", `\n`, "\r", `\r`, "\x00", "\uFFFD")
	for _, name := range sortedNames(variables) {
		if _, err := fmt.Fprintf(w, "%s=\"%s\"\n", name, escape.Replace(variables[name])); err != nil {
			return err
		}
	}
	return nil
}
