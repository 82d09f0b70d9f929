package cli

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// reorder puts a command's flags before its names, for urfave/cli reads no flag
// after the first name. `--` ends the flags. A command whose names are another
// program's command line (exec) keeps everything from its first name on.
func reorder(commands []*cli.Command, args []string) []string {
	if len(args) < 2 {
		return args
	}
	command := find(commands, args[1])
	if command == nil {
		return args
	}
	head, rest := args[:2], args[2:]
	if len(command.Subcommands) > 0 {
		if len(rest) == 0 {
			return args
		}
		sub := reorder(command.Subcommands, append([]string{args[1]}, rest...))
		return append(slices.Clone(args[:1]), sub...)
	}
	var flags, names []string
	for i := 0; i < len(rest); i++ {
		arg := rest[i]
		switch {
		case arg == "--":
			names = append(names, rest[i+1:]...)
			i = len(rest)
		case len(arg) > 1 && arg[0] == '-':
			flags = append(flags, arg)
			if takesValue(command, arg) {
				i++
				if i == len(rest) { // left without its value, or it would take what ends the flags for one
					return slices.Concat(head, flags)
				}
				flags = append(flags, rest[i])
			}
		case command.Name == "exec":
			names = append(names, rest[i:]...)
			i = len(rest)
		default:
			names = append(names, arg)
		}
	}
	return slices.Concat(head, flags, []string{"--"}, names)
}

func find(commands []*cli.Command, name string) *cli.Command {
	for _, c := range commands {
		if c.HasName(name) {
			return c
		}
	}
	return nil
}

func takesValue(command *cli.Command, arg string) bool {
	name := strings.TrimLeft(arg, "-")
	if strings.Contains(name, "=") {
		return false
	}
	for _, f := range command.Flags {
		if slices.Contains(f.Names(), name) {
			_, isBool := f.(*cli.BoolFlag)
			return !isBool
		}
	}
	return false
}
