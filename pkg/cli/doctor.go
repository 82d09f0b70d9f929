package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/az-ctx/az-ctx/pkg/agent"
	"github.com/az-ctx/az-ctx/pkg/interop/azcli"
	"github.com/az-ctx/az-ctx/pkg/secret"
	"github.com/az-ctx/az-ctx/pkg/store"
)

func (a *app) doctorCommand() *cli.Command {
	return &cli.Command{
		Name: "doctor", Usage: "look at what az-ctx needs, and say what is wrong and what to do",
		Flags: quietFlag,
		Action: func(c *cli.Context) error {
			if err := noArgs(c); err != nil {
				return err
			}
			return a.runDoctor()
		},
	}
}

// runDoctor looks at one thing after the other; it fails where one is wrong.
func (a *app) runDoctor() error {
	wrong := 0
	good := func(what, format string, args ...any) {
		fmt.Fprintf(a.out, "ok     %-10s %s\n", what, visible(fmt.Sprintf(format, args...)))
	}
	note := func(what, format string, args ...any) {
		fmt.Fprintf(a.out, "note   %-10s %s\n", what, visible(fmt.Sprintf(format, args...)))
	}
	bad := func(what, format string, args ...any) {
		wrong++
		fmt.Fprintf(a.out, "wrong  %-10s %s\n", what, visible(fmt.Sprintf(format, args...)))
	}

	contexts, broken, err := a.saved.List()
	switch {
	case err != nil:
		bad("contexts", "%v", err)
	default:
		good("contexts", "%s in %s; ids of subscriptions and tenants are in these files", count(len(contexts), "context"), a.saved.ContextsDir())
	}
	for _, b := range broken {
		bad("contexts", "%v\n                  move it away: mv %s %s", b.Err, word(b.Path), word(b.Path+".broken"))
	}
	settings, err := a.saved.Settings()
	if err != nil {
		bad("settings", "%v", err)
	} else {
		good("settings", "%s", a.saved.DocumentPath())
	}

	if err := store.Own(a.place.Dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		bad("sessions", "%v", err)
	} else {
		good("sessions", "%s", a.place.Dir)
	}
	if a.wrapper == nil {
		note("shell", "this shell does not have az-ctx's function: %s", a.initLine())
	} else {
		good("shell", "%s has az-ctx's function", a.wrapper.shell)
		if a.wrapper.readOnly != "" {
			bad("shell", "%s is read-only here, so no switch can be whole", a.wrapper.readOnly)
		}
	}
	act, err := a.active()
	switch {
	case err != nil:
		bad("active", "%v", err)
	case act == nil:
		note("active", "no context is active here")
	case act.Context == nil:
		note("active", "this shell is signed out")
	default:
		good("active", "%s", line(*act.Context))
		for _, name := range act.Owned.Drifted(a.get) {
			bad("active", "%s was changed here%s", name, saysText(act.Context))
		}
	}

	if settings.EndpointOff {
		note("endpoint", "off: a switch changes names and ids alone, tools keep their own sign-in; az-ctx config endpoint on")
	}
	err = a.withAgent(agent.Dial, func(ctx context.Context, c *agent.Client) error {
		if c.Version() != Version {
			note("agent", "it is of version %s, this program of %s; it serves on while a session needs it, the next command after that replaces it", c.Version(), Version)
		}
		s, err := c.Status(ctx)
		if errors.Is(err, agent.ErrVersion) {
			bad("agent", "it does not understand this program\n                  once nothing runs that needs it: az-ctx agent stop")
			return nil
		}
		if err != nil {
			return err
		}
		good("agent", "pid %d, serves %s in %s", s.PID, count(len(s.Activations), "activation"), count(s.Sessions(), "session"))
		return nil
	})
	switch {
	case errors.Is(err, agent.ErrNotRunning):
		note("agent", "not running; the first switch starts it")
	case err != nil:
		bad("agent", "%v", err)
	}

	// Looking for an entry that nobody makes asks nobody to unlock anything.
	var unusable *secret.Unusable
	_, err = a.keychain().Get(context.Background(), "doctor")
	switch {
	case errors.As(err, &unusable):
		say := note
		if slices.ContainsFunc(contexts, inKeychain) {
			say = bad
		}
		what := ""
		if unusable.Try != "" {
			what = "\n                  try: " + unusable.Try
		}
		say("keychain", "%s; a sign-in is kept in memory until your last session ends%s", unusable.Reason, what)
	case err != nil && !errors.Is(err, secret.ErrNotFound):
		bad("keychain", "%v", err)
	default:
		good("keychain", "it answers; sign-ins are kept there, under the service az-ctx")
	}

	if path, err := exec.LookPath("az"); err != nil {
		note("az", "not on PATH; contexts borrowed from its sign-in get no tokens")
	} else {
		good("az", "%s", path)
	}
	switch profile, err := azcli.Read(a.azDirectory()); {
	case errors.Is(err, fs.ErrNotExist):
		note("az", "not signed in in %s", a.azDirectory())
	case err != nil:
		bad("az", "%v", err)
	default:
		good("az", "signed in to %s in %s", count(len(profile.Contexts), "subscription"), a.azDirectory())
	}
	if wrong > 0 {
		return fail(exitFailed, "%s wrong, see above", count(wrong, "thing"))
	}
	return nil
}

// inKeychain reports whether a context gets its tokens by what the keychain holds.
func inKeychain(e store.Entry) bool {
	how := e.Account.SignIn
	return how != nil && how.HasSecret && how.Holder == ""
}
