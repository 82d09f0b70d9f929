// Package shell holds what each shell runs: plain files that a person can read
// and a linter can check.
package shell

import (
	"embed"
	"fmt"
	"strings"

	"github.com/az-ctx/az-ctx/completions"
	"github.com/az-ctx/az-ctx/pkg/export"
)

//go:embed az-ctx.bash az-ctx.zsh az-ctx.fish az-ctx.ps1
var files embed.FS

var names = map[string]string{"bash": "az-ctx.bash", "zsh": "az-ctx.zsh", "fish": "az-ctx.fish", "pwsh": "az-ctx.ps1"}

// Shells lists the shells that there is an init for.
func Shells() []string { return []string{"bash", "zsh", "fish", "pwsh"} }

// interactive runs a shell's completion where somebody types.
var interactive = map[string]string{
	"bash": "\nif [[ $- == *i* ]]; then\n%sfi\n",
	"zsh":  "\nif [[ -o interactive ]]; then\n%sfi\n",
	"fish": "\nif status is-interactive\n%send\n",
	"pwsh": "\nif ($global:__az_ctx_interactive -eq 'i') {\n%s}\n",
}

// Init is what the shell runs to have az-ctx's function, prompt hook and
// completion. program is called where there is none on PATH; "" where nothing
// else is known.
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
	completion, err := completions.For(name)
	if err != nil {
		return "", err
	}
	return strings.NewReplacer(
		"'@PROGRAM@'", language.Quote(program),
		"@VARIABLES@", strings.Join(export.All(), " "),
	).Replace(string(text)) + fmt.Sprintf(interactive[name], completion), nil
}
