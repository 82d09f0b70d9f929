package cli

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"

	"github.com/az-ctx/az-ctx/pkg/session"
)

// execute starts the command and ends with it. Ctrl-C reaches the command by
// itself, as one of this console's processes; here it is only outlived.
func (a *app) execute(view session.View, t target, program string, argv []string) error {
	environ, err := a.execEnvironment(view, t)
	if err != nil {
		return err
	}
	command := exec.Command(program, argv[1:]...)
	command.Env, command.Stdin, command.Stdout, command.Stderr = environ, os.Stdin, os.Stdout, os.Stderr
	signal.Ignore(os.Interrupt)
	err = command.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		os.Exit(exit.ExitCode())
	}
	if err != nil {
		return &failure{status: 126, text: fmt.Sprintf("running %s: %v", printable(argv[0]), err)}
	}
	os.Exit(0)
	return nil
}
