//go:build unix

package cli

import (
	"fmt"
	"syscall"

	"github.com/az-ctx/az-ctx/pkg/session"
)

// execute replaces this process by the command: its exit status, signals and
// terminal are as without us.
func (a *app) execute(view session.View, t target, program string, argv []string) error {
	environ, err := a.execEnvironment(view, t)
	if err != nil {
		return err
	}
	return &failure{status: 126, text: fmt.Sprintf("running %s: %v", printable(argv[0]), syscall.Exec(program, argv, environ))}
}
