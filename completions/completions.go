// Package completions holds each shell's completion. It asks the program, which
// reads files alone.
package completions

import (
	"embed"
	"fmt"
)

//go:embed az-ctx.bash az-ctx.zsh az-ctx.fish az-ctx.ps1
var files embed.FS

// For is the completion of a shell.
func For(shell string) (string, error) {
	ending := shell
	if shell == "pwsh" {
		ending = "ps1"
	}
	text, err := files.ReadFile("az-ctx." + ending)
	if err != nil {
		return "", fmt.Errorf("no completion for a shell %q", shell)
	}
	return string(text), nil
}
