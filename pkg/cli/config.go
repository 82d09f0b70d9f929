package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/store"
)

// metadataLimit is how long a resource manager may take to say what belongs to
// its cloud.
const metadataLimit = 15 * time.Second

func (a *app) configCommand() *cli.Command {
	return &cli.Command{
		Name: "config", Usage: "what a switch takes along, and clouds beside the public ones",
		Action: unknownSub,
		Subcommands: []*cli.Command{a.endpointCommand(), a.azpsCommand(), {
			Name: "environment", Usage: "add, list or remove a cloud", Action: unknownSub,
			Subcommands: []*cli.Command{
				{Name: "add", Usage: "keep a cloud", ArgsUsage: "NAME",
					Flags: flags([]cli.Flag{
						&cli.StringFlag{Name: "resource-manager", Usage: "its resource manager's `URL`"},
						&cli.StringFlag{Name: "authority", Usage: "the `URL` that signs in; asked from the resource manager where none is said"},
						&cli.StringFlag{Name: "audience", Usage: "the `RESOURCE` of its resource manager's tokens; likewise"},
					}, mutationFlags),
					Action: func(c *cli.Context) error {
						if c.Args().Len() != 1 || c.String("resource-manager") == "" {
							return usage("config environment add takes a name and --resource-manager").withTry("az-ctx config environment add NAME --resource-manager URL")
						}
						cloud := azure.Cloud{Name: c.Args().First(), ResourceManager: c.String("resource-manager"), Authority: c.String("authority"), Audience: c.String("audience")}
						return a.runAddEnvironment(cloud, a.mutationOf(c))
					}},
				{Name: "list", Usage: "show every cloud that is known", Flags: flags(outputFlag, quietFlag),
					Action: func(c *cli.Context) error {
						if err := noArgs(c); err != nil {
							return err
						}
						format, err := outputOf(c)
						if err != nil {
							return err
						}
						return a.runListEnvironments(format)
					}},
				{Name: "remove", Usage: "forget a cloud", ArgsUsage: "NAME", Flags: mutationFlags,
					Action: func(c *cli.Context) error {
						if c.Args().Len() != 1 {
							return usage("config environment remove takes a name")
						}
						return a.runRemoveEnvironment(c.Args().First(), a.mutationOf(c))
					}},
			},
		}},
	}
}

func (a *app) endpointCommand() *cli.Command {
	return a.choiceCommand("endpoint", "whether tools sign in as the context, or keep their own sign-in",
		choice{func(s *store.Settings) bool { return !s.EndpointOff }, func(s *store.Settings, on bool) { s.EndpointOff = !on }},
		"from its next switch on, a shell's tools sign in as its context",
		"from its next switch on, a shell gets names and ids alone: az and other tools keep their own sign-in")
}

func (a *app) azpsCommand() *cli.Command {
	return a.choiceCommand("azps", "whether a switch in PowerShell takes Az.Accounts' cmdlets along",
		choice{func(s *store.Settings) bool { return s.AzPS }, func(s *store.Settings, on bool) { s.AzPS = on }},
		"from the next Select- or Set-AzCtx on, Az.Accounts' cmdlets of that PowerShell go along",
		"Az.Accounts' cmdlets keep the context that they have")
}

// choice is a setting that is on or off.
type choice struct {
	get func(*store.Settings) bool
	set func(*store.Settings, bool)
}

// choiceCommand is `config NAME on|off|status`; whenOn and whenOff say what a
// change means.
func (a *app) choiceCommand(name, text string, which choice, whenOn, whenOff string) *cli.Command {
	change := func(word, says string, on bool) *cli.Command {
		return &cli.Command{Name: word, Usage: says, Flags: mutationFlags, Action: func(c *cli.Context) error {
			if err := noArgs(c); err != nil {
				return err
			}
			if a.mutationOf(c).whatIf {
				a.would("turn %s %s", name, word)
				return nil
			}
			err := a.saved.Update(func(tx *store.Tx) error {
				return tx.Settings(func(s *store.Settings) { which.set(s, on) })
			})
			if err == nil {
				a.say("%s", says)
			}
			return err
		}}
	}
	return &cli.Command{
		Name: name, Usage: text, Action: unknownSub,
		Subcommands: []*cli.Command{change("on", whenOn, true), change("off", whenOff, false), {
			Name: "status", Usage: "print on or off", Action: func(c *cli.Context) error {
				if err := noArgs(c); err != nil {
					return err
				}
				settings, err := a.saved.Settings()
				if err != nil {
					return err
				}
				_, err = fmt.Fprintln(a.out, map[bool]string{true: "on", false: "off"}[which.get(&settings)])
				return err
			}}},
	}
}

func (a *app) runAddEnvironment(c azure.Cloud, m mutation) error {
	if err := validName(c.Name); err != nil {
		return err
	}
	if _, public := azure.BuiltIn(c.Name); public {
		return usage("%s is one of the public clouds", printable(c.Name))
	}
	if err := fitsAz(c.Name); err != nil {
		return err
	}
	var err error
	if c.ResourceManager, err = secureURL(c.ResourceManager); err != nil {
		return err
	}
	if c.Authority == "" || c.Audience == "" {
		if err := complete(&c); err != nil {
			return err
		}
	}
	if c.Authority, err = secureURL(c.Authority); err != nil {
		return err
	}
	if strings.HasSuffix(strings.ToLower(c.Authority), "/adfs") {
		return usage("%s signs in through AD FS, which az-ctx does not support", printable(c.Name))
	}
	if m.whatIf {
		a.would("keep environment %s at %s", printable(c.Name), cell(c.ResourceManager))
		return nil
	}
	return a.saved.Update(func(tx *store.Tx) error {
		return tx.Settings(func(s *store.Settings) {
			s.Environments = slices.DeleteFunc(s.Environments, func(e azure.Cloud) bool { return strings.EqualFold(e.Name, c.Name) })
			s.Environments = append(s.Environments, c)
		})
	})
}

// fitsAz fails for an environment's name that az can't keep: it stands in the
// header of an INI file's section.
func fitsAz(name string) error {
	if strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || strings.ContainsRune("[]%", r) }) {
		return usage("az can't keep an environment named %s", printable(name))
	}
	return nil
}

// checkClouds looks at the clouds that a file brings along.
func checkClouds(path string, clouds []azure.Cloud) error {
	for _, c := range clouds {
		_, err := secureURL(c.ResourceManager)
		if err == nil {
			_, err = secureURL(c.Authority)
		}
		if err == nil {
			err = fitsAz(c.Name)
		}
		if err != nil || c.Name == "" || c.Audience == "" {
			return fail(exitFailed, "%s is no file of saved contexts: its environment %s has no name, audience or https address", cell(path), printable(c.Name))
		}
	}
	return nil
}

func secureURL(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return "", usage("%s is no https address", printable(text))
	}
	return strings.TrimSuffix(u.String(), "/"), nil
}

// complete asks the resource manager what else belongs to its cloud.
func complete(c *azure.Cloud) error {
	ctx, cancel := context.WithTimeout(context.Background(), metadataLimit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.ResourceManager+"/metadata/endpoints?api-version=2015-01-01", nil)
	if err != nil {
		return fmt.Errorf("asking the resource manager of %q: %w", c.Name, err)
	}
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("asking the resource manager of %q: %w", c.Name, err)
	}
	defer reply.Body.Close()
	var metadata struct {
		Authentication struct {
			LoginEndpoint string   `json:"loginEndpoint"`
			Audiences     []string `json:"audiences"`
		} `json:"authentication"`
	}
	if reply.StatusCode != http.StatusOK {
		return fmt.Errorf("asking the resource manager of %q: it answered %s", c.Name, reply.Status)
	}
	if err := json.NewDecoder(io.LimitReader(reply.Body, 1<<20)).Decode(&metadata); err != nil || len(metadata.Authentication.Audiences) == 0 {
		return fmt.Errorf("asking the resource manager of %q: its answer is not understood", c.Name)
	}
	if c.Authority == "" {
		c.Authority = metadata.Authentication.LoginEndpoint
	}
	if c.Audience == "" {
		c.Audience = metadata.Authentication.Audiences[0]
	}
	return nil
}

func (a *app) runListEnvironments(format string) error {
	settings, err := a.saved.Settings()
	if err != nil {
		return err
	}
	all := settings.Clouds()
	switch format {
	case "json":
		return printJSON(a.out, all)
	case "name":
		for _, c := range all {
			fmt.Fprintln(a.out, c.Name)
		}
		return nil
	}
	names, managers, authorities := column{title: "NAME", order: mostWanted, least: 12}, column{title: "RESOURCE MANAGER", order: 2, least: 12}, column{title: "AUTHORITY", order: 1, least: 12}
	for _, c := range all {
		names.cells = append(names.cells, cell(c.Name))
		managers.cells = append(managers.cells, cell(c.ResourceManager))
		authorities.cells = append(authorities.cells, cell(c.Authority))
	}
	printTable(a.out, []column{names, managers, authorities}, a.width(), false)
	return nil
}

func (a *app) runRemoveEnvironment(name string, m mutation) error {
	settings, err := a.saved.Settings()
	if err != nil {
		return err
	}
	is := func(e azure.Cloud) bool { return strings.EqualFold(e.Name, name) }
	if !slices.ContainsFunc(settings.Environments, is) {
		return fail(exitNotFound, "no environment %s was added here", printable(name))
	}
	items, _, err := a.saved.List()
	if err != nil {
		return err
	}
	for _, e := range items {
		if strings.EqualFold(e.Environment, name) {
			return fail(exitFailed, "context %s is in environment %s", printable(e.Name), printable(name)).withTry("az-ctx remove %s", word(e.Name))
		}
	}
	if m.whatIf {
		a.would("forget environment %s", printable(name))
		return nil
	}
	return a.saved.Update(func(tx *store.Tx) error {
		return tx.Settings(func(s *store.Settings) { s.Environments = slices.DeleteFunc(s.Environments, is) })
	})
}
