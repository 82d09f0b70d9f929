package cli

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/adrg/xdg"
	"github.com/natefinch/atomic"
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
			text, err := shell.Init(c.Args().First(), a.calledAs(), Version)
			if err != nil {
				return usage("%w", err)
			}
			if c.Args().First() == "pwsh" {
				if err := a.writeModule(); err != nil {
					a.warn("the cmdlets are not to be had, the function is: %v", err)
				}
			}
			_, err = io.WriteString(a.out, text)
			return err
		},
	}
}

// writeModule puts the PowerShell module where init's text looks for it.
func (a *app) writeModule() error {
	names, texts, err := shell.Module(Version)
	if err != nil {
		return err
	}
	home := a.userDir("XDG_DATA_HOME", xdg.DataHome)
	if !filepath.IsAbs(home) {
		return errors.New("neither HOME nor XDG_DATA_HOME says where the user's data lies")
	}
	dir := filepath.Join(home, "pwsh", shell.Folder(Version), "AzCtx")
	for i, name := range names {
		path := filepath.Join(dir, name)
		if there, err := os.ReadFile(path); err == nil && bytes.Equal(there, texts[i]) {
			continue
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		if err := atomic.WriteFile(path, bytes.NewReader(texts[i])); err != nil {
			return err
		}
	}
	return nil
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
			if a.objects() {
				a.emit("watch", a.watchedFiles())
			}
			for _, candidate := range a.candidatesFor(c.Args().Slice()) {
				// A name with a line break in it can't be one line of candidates.
				if cell(candidate) == candidate {
					if a.objects() {
						a.emit("name", marked(candidate))
					} else if _, err := io.WriteString(a.out, candidate+"\n"); err != nil {
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
	case "subscription", "s":
		return a.knownNames(ofSubscription(func(s azure.Subscription) string { return s.Name }), prefix)
	case "id":
		return a.knownNames(ofSubscription(func(s azure.Subscription) string { return s.ID }), prefix)
	case "tenant", "t":
		return a.knownNames(func(c azure.Context) string { return c.Tenant.Label() }, prefix)
	case "environment":
		settings, err := a.saved.Settings()
		if err != nil {
			return nil
		}
		var all []string
		for _, c := range settings.Clouds() {
			all = append(all, c.Name)
		}
		return matching(all, prefix)
	case "account":
		return a.knownNames(func(c azure.Context) string { return c.Account.ID }, prefix)
	}
	return nil
}

// watchedFiles are those whose time changes where the names of contexts do.
func (a *app) watchedFiles() []marked {
	paths := []marked{marked(a.saved.ContextsDir()), marked(a.saved.DocumentPath())}
	if s, err := a.current(); err == nil && s != nil {
		paths = append(paths, marked(s.Dir.ContextsDir()), marked(s.Dir.DocumentPath()))
	}
	return paths
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

// ofSubscription is "" for a context of a tenant alone.
func ofSubscription(name func(azure.Subscription) string) func(azure.Context) string {
	return func(c azure.Context) string {
		if c.Subscription == nil {
			return ""
		}
		return name(*c.Subscription)
	}
}

func (a *app) knownNames(of func(azure.Context) string, prefix string) []string {
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
		if name := of(c); name != "" {
			all = append(all, name)
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
