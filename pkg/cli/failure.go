package cli

import (
	"errors"
	"fmt"
)

// Exit statuses, as the contract has them.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitNotFound    = 3
	exitSignIn      = 4
	exitKeychain    = 5
	exitInterrupted = 130
)

// failure is an error with the status that the process ends with and, where
// something helps, the line to type next.
type failure struct {
	status int
	text   string
	try    string
	cause  error
}

func (f *failure) Error() string { return f.text }
func (f *failure) Unwrap() error { return f.cause }

func fail(status int, format string, args ...any) *failure {
	err := fmt.Errorf(format, args...)
	return &failure{status: status, text: err.Error(), cause: errors.Unwrap(err)}
}

func usage(format string, args ...any) *failure { return fail(exitUsage, format, args...) }

// withTry adds the line to type next.
func (f *failure) withTry(format string, args ...any) *failure {
	f.try = fmt.Sprintf(format, args...)
	return f
}

// errNothing ends a command that has nothing more to do, with status 0.
var errNothing = errors.New("nothing to do")
