package export

import (
	"fmt"
	"strings"
)

// Script is what a verb asks its shell to do, whole: nothing in it can fail
// once it runs, for read-only variables were looked for before.
type Script struct {
	Changes []Change
	// KeepLocal and RestoreLocal are variables that the environment does not
	// have: where the shell has one that is not exported, it is kept as such
	// under its Was name, and comes back so.
	KeepLocal, RestoreLocal []string
	Internal                map[string]string // shell variables of the hook's, not exported
	Data                    string            // for standard output
	Say                     string            // a line for standard error, "" for none
}

// Shell says a script in one shell's language. The result of an empty script
// is empty.
type Shell interface {
	Script(Script) string
	// Quote makes text one word of the language.
	Quote(text string) string
}

// ForShell finds a shell's language by the word that `az-ctx init` takes.
func ForShell(name string) (Shell, error) {
	switch name {
	case "bash", "zsh":
		return posix{exported: map[string]string{"bash": "export -n", "zsh": "typeset -g +x"}[name]}, nil
	case "fish":
		return fish{}, nil
	case "pwsh":
		return pwsh{}, nil
	}
	return nil, fmt.Errorf("no shell %q; one of bash, zsh, fish, pwsh", name)
}

// keep replaces what no environment variable can hold.
func keep(text string) string { return strings.ReplaceAll(text, "\x00", "\uFFFD") }

func sortedInternal(internal map[string]string, line func(name, text string)) {
	for _, name := range []string{"__az_ctx_begun", "__az_ctx_run", "__az_ctx_dir"} {
		if text, ok := internal[name]; ok {
			line(name, text)
		}
	}
}
