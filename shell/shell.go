// Package shell holds what each shell runs: plain files that a person can read
// and a linter can check.
package shell

import (
	"embed"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strings"

	"github.com/az-ctx/az-ctx/completions"
	"github.com/az-ctx/az-ctx/pkg/export"
)

//go:embed az-ctx.bash az-ctx.zsh az-ctx.fish az-ctx.ps1 AzCtx.psd1 AzCtx.psm1 AzCtx.parameters.ps1 AzCtx.core.ps1 AzCtx.format.ps1xml
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
// else is known. version is the program's own.
func Init(name, program, version string) (string, error) {
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
		"'@DATA@'", dataHome(),
		"@FOLDER@", Folder(version),
		"@SEPARATOR@", string(os.PathListSeparator),
	).Replace(string(text)) + fmt.Sprintf(interactive[name], completion), nil
}

// dataHome is how PowerShell says where users' data lies on this system, where
// XDG_DATA_HOME does not.
func dataHome() string {
	switch runtime.GOOS {
	case "windows":
		return "$env:LOCALAPPDATA"
	case "darwin":
		return "$HOME + '/Library/Application Support'"
	}
	return "$HOME + '/.local/share'"
}

var (
	notOfAFolder  = regexp.MustCompile(`[^A-Za-z0-9._-]+`)
	moduleVersion = regexp.MustCompile(`^v?([0-9]+\.[0-9]+(\.[0-9]+)?)`)
)

// Folder is the name of the folder that holds a version's module.
func Folder(version string) string { return notOfAFolder.ReplaceAllString(version, "-") }

// Module is the PowerShell module, each file under its name; its manifest is the
// last one to be written.
func Module(version string) (names []string, texts [][]byte, err error) {
	number := "0.0.0"
	if m := moduleVersion.FindStringSubmatch(version); m != nil {
		number = m[1]
	}
	names = []string{"AzCtx.parameters.ps1", "AzCtx.core.ps1", "AzCtx.format.ps1xml", "AzCtx.psm1", "AzCtx.psd1"}
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			return nil, nil, err
		}
		texts = append(texts, []byte(strings.ReplaceAll(string(text), "@VERSION@", number)))
	}
	return names, texts, nil
}
