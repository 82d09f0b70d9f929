// Package shell holds what each shell runs: plain files that a person can read
// and a linter can check.
package shell

import (
	"embed"
	"fmt"
	"strings"

	"github.com/az-ctx/az-ctx/pkg/export"
)

//go:embed az-ctx.bash az-ctx.zsh az-ctx.fish az-ctx.ps1
var files embed.FS

var names = map[string]string{"bash": "az-ctx.bash", "zsh": "az-ctx.zsh", "fish": "az-ctx.fish", "pwsh": "az-ctx.ps1"}

// Shells lists the shells that there is an init for.
func Shells() []string { return []string{"bash", "zsh", "fish", "pwsh"} }

// Init is what the shell runs to have az-ctx's function and prompt hook. program
// is called where there is none on PATH; "" where nothing else is known.
func Init(name, program string) (string, error) {
	file, ok := names[name]
	if !ok {
		return "", fmt.Errorf("no shell %q; one of %s", name, strings.Join(Shells(), ", "))
	}
	text, err := files.ReadFile(file)
	if err != nil {
		return "", err
	}
	language, err := export.ForShell(name)
	if err != nil {
		return "", err
	}
	return strings.NewReplacer(
		"'@PROGRAM@'", language.Quote(program),
		"@VARIABLES@", strings.Join(export.All(), " "),
	).Replace(string(text)), nil
}
