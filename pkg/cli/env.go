package cli

import (
	"fmt"
	"io"
	"sort"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/az-ctx/az-ctx/pkg/export"
	"github.com/az-ctx/az-ctx/pkg/process"
	"github.com/az-ctx/az-ctx/pkg/session"
)

type envArgs struct {
	context string
	shell   string
	owner   int // 0 for none
}

func (a *app) envCommand() *cli.Command {
	return &cli.Command{
		Name: "env", Usage: "print a context's ids and names, for eval, CI files, editors",
		Flags: flags(contextFlag, []cli.Flag{
			&cli.StringFlag{Name: "shell", Usage: "`FORM`: bash, zsh, fish, pwsh, dotenv or json"},
			&cli.StringFlag{Name: "owner", Usage: "make an activation too, which ends with the process `PID`"},
		}, quietFlag),
		Action: func(c *cli.Context) error {
			a.quiet = c.Bool("quiet")
			if err := noArgs(c); err != nil {
				return err
			}
			args := envArgs{context: c.String("context"), shell: c.String("shell")}
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
	variables := map[string]string{}
	if args.owner != 0 {
		if variables, err = a.ownedBy(args.owner, view, t); err != nil {
			return err
		}
	} else {
		act := session.Activation{Context: t.context}
		if act.Cloud, err = view.Settings.Cloud(t.context.Environment); err != nil {
			return err
		}
		for name, text := range a.variables(act, t.from) {
			switch name {
			case export.Session, export.From, "AZURE_CONFIG_DIR", "AZURE_EXTENSION_DIR", "NO_PROXY", "no_proxy":
			default:
				variables[name] = text
			}
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
	act, variables, err := a.prepare(view.Settings.Cloud, s, t)
	if err != nil {
		return nil, err
	}
	keepLoopback(a.plan(), variables)
	act.Owned = export.Record(variables, isSecret)
	if err := act.Write(); err != nil {
		act.Discard()
		return nil, err
	}
	delete(variables, export.From)
	return variables, nil
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
