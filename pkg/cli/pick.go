package cli

import "github.com/az-ctx/az-ctx/pkg/session"

// pick lets a person choose among the contexts, where one sits at a terminal.
func (a *app) pick(view session.View) (string, error) {
	return "", usage("select needs a name").withTry("az-ctx list")
}
