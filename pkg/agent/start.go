package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/az-ctx/az-ctx/pkg/token"
)

// busVariable leads to the user's keychain on Linux.
const busVariable = "DBUS_SESSION_BUS_ADDRESS"

const ready = "ready\n"

// start starts an agent for dir and returns when it serves. What the agent says
// on its standard output is ready, or why it can't; then it lets go of it.
func start(ctx context.Context, dir string) error {
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("starting it: %w", err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("starting it: %w", err)
	}
	defer r.Close()
	cmd := detached(exe, dir)
	cmd.Dir, cmd.Stdout = "/", w
	cmd.Env = token.CleanEnvironment(os.Environ())
	if bus, ok := os.LookupEnv(busVariable); ok {
		cmd.Env = append(cmd.Env, busVariable+"="+bus)
	}
	err = cmd.Start()
	w.Close()
	if err != nil {
		return fmt.Errorf("starting it: %w", err)
	}
	said := make(chan []byte, 1)
	go func() {
		text, _ := io.ReadAll(r)
		said <- text
	}()
	select {
	case text := <-said:
		reap(cmd)
		switch {
		case string(text) == ready:
			return nil
		case len(text) > 0:
			return fmt.Errorf("starting it: %s", strings.TrimSpace(string(text)))
		}
		return errors.New("starting it: it ended at once")
	case <-ctx.Done():
		return fmt.Errorf("starting it: %w", context.Cause(ctx))
	}
}
