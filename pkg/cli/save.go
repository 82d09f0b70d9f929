package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/natefinch/atomic"
	"github.com/urfave/cli/v2"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/interop/azps"
	"github.com/az-ctx/az-ctx/pkg/session"
)

const (
	fileFormat  = "az-ctx"
	fileVersion = 1
)

// savedFile is our own form of a saved file. No token and no secret is in it.
type savedFile struct {
	Format       string          `json:"format"`
	Version      int             `json:"version"`
	Active       *string         `json:"active"`
	Contexts     []azure.Context `json:"contexts"`
	Environments []azure.Cloud   `json:"environments"`
}

type saveArgs struct {
	file     string
	contexts []string
	format   string
	mutation
}

func (a *app) saveCommand() *cli.Command {
	return &cli.Command{
		Name: "save", Usage: "write contexts to a file; no token or secret is in it, ids of subscriptions and tenants are", ArgsUsage: "FILE",
		Flags: flags([]cli.Flag{
			&cli.StringSliceFlag{Name: "context", Usage: "the context of that `NAME` alone; may be repeated"},
			&cli.StringFlag{Name: "format", Value: fileFormat, Usage: "az-ctx, or azps for the file of Save-AzContext"},
		}, mutationFlags),
		Action: func(c *cli.Context) error {
			if c.Args().Len() != 1 {
				return usage("save takes one file").withTry("az-ctx save FILE")
			}
			args := saveArgs{file: c.Args().First(), contexts: c.StringSlice("context"), format: c.String("format"), mutation: a.mutationOf(c)}
			if args.format != fileFormat && args.format != "azps" {
				return usage("no format %s; one of az-ctx, azps", printable(args.format))
			}
			return a.runSave(args)
		},
	}
}

func (a *app) runSave(args saveArgs) error {
	view, err := a.view()
	if err != nil {
		return err
	}
	var items []session.Item
	for _, name := range args.contexts {
		item, err := a.find(view, name)
		if err != nil {
			return err
		}
		items = append(items, item)
	}
	if len(args.contexts) == 0 {
		if items, _, err = view.List(); err != nil {
			return err
		}
	}
	active, _, err := a.activeContext()
	if err != nil {
		return err
	}
	out := savedFile{Format: fileFormat, Version: fileVersion, Contexts: []azure.Context{}, Environments: []azure.Cloud{}}
	if len(items) == 1 && len(args.contexts) == 1 {
		out.Active = &items[0].Name // it is what the file is for
	}
	seen := map[string]bool{}
	for _, item := range items {
		saved := item.Context
		saved.Account.SignIn = nil // it means nothing on another machine
		out.Contexts = append(out.Contexts, saved)
		if active != nil && azure.Fold(active.Name) == azure.Fold(item.Name) {
			out.Active = &item.Name
		}
		cloud, err := view.Settings.Cloud(item.Environment)
		if _, public := azure.BuiltIn(item.Environment); err == nil && !public && !seen[cloud.Name] {
			seen[cloud.Name] = true
			out.Environments = append(out.Environments, cloud)
		}
	}
	if args.whatIf {
		a.would("write %s to %s", count(len(items), "context"), cell(args.file))
		return nil
	}
	if _, err := os.Lstat(args.file); err == nil {
		if err := a.confirm(args.mutation, "write over %s?", cell(args.file)); err != nil {
			return err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("looking at the file: %w", err)
	}
	var raw bytes.Buffer
	if args.format == "azps" {
		active := ""
		if out.Active != nil {
			active = *out.Active
		}
		err = azps.Write(&raw, out.Contexts, active, view.Settings.Cloud)
	} else {
		err = printJSON(&raw, out)
	}
	if err != nil {
		return err
	}
	// A link is written through: it is the user's file, wherever it lies.
	path := args.file
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	} else if target, err := os.Readlink(path); err == nil { // there is nothing yet where it leads
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(path), target)
		}
		path = target
	}
	if err := atomic.WriteFile(path, &raw); err != nil {
		return fmt.Errorf("saving contexts: %w", err)
	}
	a.say("%s saved, with the ids of their subscriptions and tenants, without tokens", count(len(items), "context"))
	return nil
}

func (a *app) decodeFile(path string, raw []byte) (found, error) {
	var file savedFile
	if err := json.Unmarshal(bytes.TrimPrefix(raw, []byte("\ufeff")), &file); err != nil {
		return found{}, fail(exitFailed, "%s is no file of saved contexts: %w", cell(path), err)
	}
	if file.Version > fileVersion {
		return found{}, fail(exitFailed, "%s was written by a newer az-ctx; update az-ctx to import it", cell(path))
	}
	f := found{contexts: file.Contexts, clouds: file.Environments, active: -1, whose: count(len(file.Contexts), "context") + " imported"}
	if err := checkClouds(path, f.clouds); err != nil {
		return found{}, err
	}
	names := map[string]string{}
	for i, c := range f.contexts {
		if c.Name == "" || c.Account.ID == "" || !c.Account.Type.Known() || c.Tenant.ID == "" || c.Environment == "" {
			return found{}, fail(exitFailed, "%s is no file of saved contexts: context %d has no name, account, tenant or environment", cell(path), i+1)
		}
		if other, ok := names[azure.Fold(c.Name)]; ok {
			return found{}, fail(exitFailed, "%s is no file of saved contexts: %s and %s have the same name", cell(path), printable(other), printable(c.Name))
		}
		names[azure.Fold(c.Name)] = c.Name
		// Whose sign-in it is stays on the machine that has it; and a file of
		// somebody else's must not say which of our files are read for one.
		f.contexts[i].Account.SignIn = nil
		if c.Account.Borrowed != nil {
			// The file says that az signs in, not where: a directory that somebody
			// else's file names could hold extensions, which az would run.
			f.contexts[i].Account.Borrowed = &azure.Borrowed{From: "az", Directory: a.azDirectory()}
		}
		if file.Active != nil && *file.Active == c.Name {
			f.active = i
		}
	}
	return f, nil
}
