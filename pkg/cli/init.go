package cli

import (
	"io"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/az-ctx/az-ctx/completions"
	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/shell"
)

func (a *app) initCommand() *cli.Command {
	return &cli.Command{
		Name: "init", Usage: "print what a shell's start file runs: eval \"$(az-ctx init bash)\"", ArgsUsage: strings.Join(shell.Shells(), "|"),
		Action: func(c *cli.Context) error {
			if c.Args().Len() != 1 {
				return usage("init takes one shell: %s", strings.Join(shell.Shells(), ", ")).withTry(`eval "$(az-ctx init bash)"`)
			}
			text, err := shell.Init(c.Args().First(), a.calledAs())
			if err != nil {
				return usage("%w", err)
			}
			_, err = io.WriteString(a.out, text)
			return err
		},
	}
}

// calledAs is the path by which this program was called, links unresolved; ""
// where the shell found it on PATH, as it will again.
func (a *app) calledAs() string {
	if !strings.ContainsRune(a.argv0, filepath.Separator) {
		return ""
	}
	path, err := filepath.Abs(a.argv0)
	if err != nil {
		return ""
	}
	return path
}

func (a *app) completionCommand() *cli.Command {
	return &cli.Command{
		Name: "completion", Usage: "print the completion of a shell, which init has in it already", ArgsUsage: strings.Join(shell.Shells(), "|"),
		Action: func(c *cli.Context) error {
			if c.Args().Len() != 1 {
				return usage("completion takes one shell: %s", strings.Join(shell.Shells(), ", "))
			}
			text, err := completions.For(c.Args().First())
			if err != nil {
				return usage("%w", err)
			}
			_, err = io.WriteString(a.out, text)
			return err
		},
	}
}

// completeCommand is what the completions call: it prints the candidates for
// the last of the words, one a line, as they are but for control characters.
func (a *app) completeCommand() *cli.Command {
	return &cli.Command{
		Name: "complete", Hidden: true,
		Action: func(c *cli.Context) error {
			for _, candidate := range a.candidatesFor(c.Args().Slice()) {
				// A name with a line break in it can't be one line of candidates.
				if cell(candidate) == candidate {
					if _, err := io.WriteString(a.out, candidate+"\n"); err != nil {
						return err
					}
				}
			}
			return nil
		},
	}
}

// candidatesFor completes the last of the words that follow az-ctx. Whatever
// is wrong, completion says nothing.
func (a *app) candidatesFor(words []string) []string {
	if len(words) == 0 {
		return nil
	}
	last := words[len(words)-1]
	commands := a.commands()
	if len(words) == 1 {
		return matching(visibleNames(commands), last)
	}
	command := find(commands, words[0])
	for i := 1; command != nil && len(command.Subcommands) > 0; i++ {
		if i == len(words)-1 {
			return matching(visibleNames(command.Subcommands), last)
		}
		command = find(command.Subcommands, words[i])
	}
	if command == nil {
		return nil
	}
	before := words[len(words)-2]
	switch {
	case strings.HasPrefix(last, "--name="), strings.HasPrefix(last, "--context="):
		flag, prefix, _ := strings.Cut(last, "=")
		var all []string
		for _, n := range a.contextNames(prefix) {
			all = append(all, flag+"="+n)
		}
		return all
	case len(before) > 1 && before[0] == '-' && takesValue(command, before):
		return a.values(command, strings.TrimLeft(before, "-"), last)
	case strings.HasPrefix(last, "-"):
		var all []string
		for _, f := range command.Flags {
			if v, ok := f.(cli.VisibleFlag); ok && !v.IsVisible() {
				continue
			}
			all = append(all, "--"+f.Names()[0])
		}
		return matching(append(all, "--help"), last)
	}
	switch command.Name {
	case "select", "get", "remove", "rename":
		return a.contextNames(last)
	case "init", "completion":
		return matching(shell.Shells(), last)
	}
	return nil
}

func (a *app) values(command *cli.Command, flag, prefix string) []string {
	switch flag {
	case "context", "name":
		return a.contextNames(prefix)
	case "scope":
		return matching([]string{"process", "user"}, prefix)
	case "output", "o":
		if command.Name == "token" {
			return matching([]string{"raw", "json", "az"}, prefix)
		}
		return matching([]string{"table", "json", "name"}, prefix)
	case "shell":
		return matching(append(shell.Shells(), "dotenv", "json"), prefix)
	case "from":
		return matching([]string{"az", "azps"}, prefix)
	case "format":
		return matching([]string{"az-ctx", "azps"}, prefix)
	case "subscription", "s", "tenant", "t":
		return a.knownNames(flag[0] == 's', prefix)
	}
	return nil
}

func (a *app) contextNames(prefix string) []string {
	view, err := a.view()
	if err != nil {
		return nil
	}
	items, _, err := view.ListPrefix(prefix)
	if err != nil {
		return nil
	}
	var all []string
	for _, i := range items {
		all = append(all, i.Name)
	}
	return all
}

func (a *app) knownNames(subscriptions bool, prefix string) []string {
	view, err := a.view()
	if err != nil {
		return nil
	}
	items, _, err := view.List()
	if err != nil {
		return nil
	}
	var all []string
	for _, c := range a.candidates(items) {
		switch {
		case !subscriptions:
			all = append(all, c.Tenant.Label())
		case c.Subscription != nil:
			all = append(all, c.Subscription.Name)
		}
	}
	return matching(unique(all), prefix)
}

func visibleNames(commands []*cli.Command) []string {
	var all []string
	for _, c := range commands {
		if !c.Hidden {
			all = append(all, c.Name)
		}
	}
	return all
}

func matching(all []string, prefix string) []string {
	var some []string
	for _, s := range all {
		if strings.HasPrefix(azure.Fold(s), azure.Fold(prefix)) {
			some = append(some, s)
		}
	}
	return some
}
