package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sort"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/az-ctx/az-ctx/pkg/agent"
	"github.com/az-ctx/az-ctx/pkg/store"
)

func init() { agent.Version = Version } // which the linker has set by now

func (a *app) agentCommand() *cli.Command {
	return &cli.Command{
		Name: "agent", Usage: "the background process that serves tokens to this user's shells",
		Action: unknownSub,
		Subcommands: []*cli.Command{
			{Name: "run", Hidden: true, ArgsUsage: "DIRECTORY", Action: func(c *cli.Context) error {
				return agent.Run(c.Args().First(), a.place, a.vault())
			}},
			{Name: "start", Usage: "start it, where it does not run", Flags: quietFlag, Action: func(c *cli.Context) error {
				if err := noArgs(c); err != nil {
					return err
				}
				if err := a.place.Make(); err != nil {
					return err
				}
				return a.withAgent(agent.Connect, func(context.Context, *agent.Client) error { return nil })
			}},
			{Name: "status", Usage: "show what it serves; never a token", Flags: flags(outputFlag, quietFlag), Action: func(c *cli.Context) error {
				if err := noArgs(c); err != nil {
					return err
				}
				format, err := outputOf(c)
				if err != nil {
					return err
				}
				return a.runAgentStatus(format)
			}},
			{Name: "stop", Usage: "end it, and with it what it holds in memory", Flags: mutationFlags, Action: func(c *cli.Context) error {
				if err := noArgs(c); err != nil {
					return err
				}
				return a.runAgentStop(a.mutationOf(c))
			}},
		},
	}
}

func (a *app) withAgent(connect func(context.Context, string) (*agent.Client, error), do func(context.Context, *agent.Client) error) error {
	if err := store.Own(a.place.Dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), agentLimit)
	defer cancel()
	client, err := connect(ctx, a.place.Dir)
	if err != nil {
		return err
	}
	defer client.Close()
	return do(ctx, client)
}

func (a *app) runAgentStatus(format string) error {
	var s agent.Status
	err := a.withAgent(agent.Dial, func(ctx context.Context, c *agent.Client) (err error) {
		s, err = c.Status(ctx)
		return err
	})
	if errors.Is(err, agent.ErrNotRunning) {
		return fail(exitFailed, "no agent is running; the first command that needs it starts it")
	}
	if err != nil {
		return err
	}
	if format == "json" {
		return printJSON(a.out, s)
	}
	fmt.Fprintf(a.out, "pid       %d\nversion   %s\nuptime    %s\nport      %d\nsessions  %d\nholds     %s\n", s.PID, s.Version, time.Since(s.Started).Round(time.Second), s.Port, s.Sessions(), holdsText(s))
	if given := countsText("given     ", s.Tokens); given != "" {
		fmt.Fprintln(a.out, given)
	}
	for _, served := range s.Activations {
		name := served.Context
		if name == "" {
			name = "(signed out)"
		}
		fmt.Fprintf(a.out, "serves    %s  %s%s\n", served.Ref, cell(name), countsText("  ", served.Tokens))
	}
	if refused := countsText("refused   ", s.Refused); refused != "" {
		fmt.Fprintln(a.out, refused)
	}
	return nil
}

func holdsText(s agent.Status) string {
	text := count(s.Held, "token")
	if s.SignIns > 0 {
		text += ", and sign-ins that are in no keychain"
	}
	return text
}

func countsText(lead string, counts map[string]int) string {
	var parts []string
	for name, n := range counts {
		parts = append(parts, fmt.Sprintf("%s %d", name, n))
	}
	if len(parts) == 0 {
		return ""
	}
	sort.Strings(parts)
	return lead + strings.Join(parts, ", ")
}

func (a *app) runAgentStop(m mutation) error {
	return a.withAgent(agent.Dial, func(ctx context.Context, c *agent.Client) error {
		s, err := c.Status(ctx)
		if errors.Is(err, agent.ErrVersion) {
			if err := a.confirm(m, "stop the agent, which is of another version? its sessions would get no token until their next prompt"); err != nil {
				return err
			}
			return c.Stop(ctx)
		}
		if err != nil {
			return err
		}
		n := s.Sessions()
		if m.whatIf {
			a.would("end the agent, which serves %s and holds %s", count(n, "session"), holdsText(s))
			return nil
		}
		if n > 0 || s.SignIns > 0 {
			lost := ""
			if s.SignIns > 0 {
				lost = ", and sign-ins that are in no keychain would be gone"
			}
			if err := a.confirm(m, "stop the agent? %s would get no token until their next prompt%s", count(n, "session"), lost); err != nil {
				return err
			}
		}
		return c.Stop(ctx)
	})
}
