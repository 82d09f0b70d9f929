package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"github.com/adrg/xdg"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/export"
	"github.com/az-ctx/az-ctx/pkg/process"
	"github.com/az-ctx/az-ctx/pkg/session"
	"github.com/az-ctx/az-ctx/pkg/store"
)

// inherited is what the variables of this process's environment stand for.
type inherited struct {
	ref        session.Ref
	named      bool // the environment names a session at all
	counts     bool // it is one that holds for this process
	activation *session.Activation
}

// inherit reads the environment. For an interactive shell its variables count
// only while the shell that they come from is it or a live ancestor; for
// anything else as long as the activation or the session lives.
func (a *app) inherit() (inherited, error) {
	text, ok := a.get(export.Session)
	if !ok {
		return inherited{}, nil
	}
	ref, err := session.ParseRef(text)
	if err != nil {
		return inherited{named: true}, nil // somebody else's variable; nothing counts
	}
	in := inherited{ref: ref, named: true}
	act, err := a.place.Activation(ref)
	switch {
	case err == nil:
		in.activation = &act
	case !errors.Is(err, fs.ErrNotExist):
		return inherited{}, err
	}
	alive := ref.Host == a.place.Host && (ref.Session.Alive() || in.activation != nil)
	if a.wrapper != nil && a.wrapper.interactive {
		alive = alive && ref.CountsFor(a.wrapper.self)
	}
	in.counts = alive
	if !alive {
		in.activation = nil
	}
	return in, nil
}

// active is the activation that this process is in, nil where there is none.
func (a *app) active() (*session.Activation, error) {
	in, err := a.inherit()
	return in.activation, err
}

// activeContext is the context that this process is in; nil where nothing is
// active, and signedOut where it was removed.
func (a *app) activeContext() (c *azure.Context, signedOut bool, err error) {
	act, err := a.active()
	if err != nil || act == nil {
		return nil, false, err
	}
	return act.Context, act.Context == nil, nil
}

// current is the session that this process belongs to, nil where none was
// begun for it.
func (a *app) current() (*session.Session, error) {
	in, err := a.inherit()
	if err != nil {
		return nil, err
	}
	if a.wrapper != nil {
		s, err := a.openPID(a.wrapper.self)
		if err != nil || s != nil {
			return s, err
		}
		if a.wrapper.subshell() && !(in.counts && a.isBetween(in.ref.Session)) {
			if s, err := a.openPID(a.wrapper.pid); err != nil || s != nil {
				return s, err
			}
		}
	}
	if !in.counts {
		return nil, nil
	}
	s, ok, err := a.place.Open(in.ref.Session)
	if err != nil || !ok {
		return nil, err
	}
	return &s, nil
}

// isBetween reports whether id is a subshell of this shell's, so that a session
// of its own is nearer to a subshell in it than the shell's.
func (a *app) isBetween(id process.ID) bool {
	shell, err := process.Lookup(a.wrapper.pid)
	return err == nil && shell.ID != id && id.Alive() && shell.ID.IsAncestor(id.PID)
}

func (a *app) openPID(pid int) (*session.Session, error) {
	info, err := process.Lookup(pid)
	if err != nil {
		return nil, err
	}
	s, ok, err := a.place.Open(info.ID)
	if err != nil || !ok {
		return nil, err
	}
	return &s, nil
}

// view is what this process sees.
func (a *app) view() (session.View, error) {
	settings, err := a.saved.Settings()
	if err != nil {
		return session.View{}, err
	}
	s, err := a.current()
	return session.View{Saved: a.saved, Settings: settings, Session: s}, err
}

// begin gives this shell a session of its own, where it has none yet, with what
// its parent sees now.
func (a *app) begin(view session.View) (session.View, error) {
	info, err := process.Lookup(a.wrapper.self)
	if err != nil {
		return view, fmt.Errorf("looking this shell up: %w", err)
	}
	if view.Session != nil && view.Session.ID == info.ID {
		return view, nil
	}
	if a.wrapper.thread { // the shell would have to know its session
		return view, errThread
	}
	s, err := a.place.Begin(info.ID, view.Session, view.Settings.AutosaveOff())
	if err != nil {
		return view, err
	}
	view.Session = &s
	a.internal("__az_ctx_begun", fmt.Sprint(a.wrapper.pid))
	return view, nil
}

// exportSession lets the shell's children know of a session that has changed
// and has no activation of its own.
func (a *app) exportSession() error {
	in, err := a.inherit()
	if err != nil {
		return err
	}
	switch {
	case in.counts && in.ref.Session == a.changed.ID:
		return nil
	case in.counts && in.activation != nil:
		view, err := a.view()
		if err != nil {
			return err
		}
		return a.activate(view, inheritedFrom(in.activation))
	case in.named && !in.counts:
		a.plan().Deselect(a.ownedBefore(in))
	}
	a.plan().Set(export.Session, a.changed.Ref().String())
	return nil
}

func (a *app) internal(name, text string) {
	if a.script.Internal == nil {
		a.script.Internal = map[string]string{}
	}
	a.script.Internal[name] = text
}

// find finds a context by its name, or says which names are near.
func (a *app) find(view session.View, name string) (session.Item, error) {
	e, scope, err := view.Get(name)
	if errors.Is(err, store.ErrNotFound) {
		return session.Item{}, a.notFound(view, name)
	}
	return session.Item{Entry: e, Scope: scope}, err
}

func (a *app) notFound(view session.View, name string) error {
	items, _, err := view.List()
	if err != nil {
		return err
	}
	var names []string
	for _, i := range items {
		names = append(names, i.Name)
	}
	f := fail(exitNotFound, "no context %s%s", printable(name), nearText(near(name, names)))
	if n := view.HiddenByAutosave(); n > 0 {
		return f.withTry("az-ctx autosave enable    # brings back %d saved contexts", n)
	}
	if len(names) == 0 {
		return f.withTry("az-ctx import --from az")
	}
	return f
}

// azDirectory is the user's own directory for az: never one of ours.
func (a *app) azDirectory() string {
	if dir, ok := a.get(export.Was("AZURE_CONFIG_DIR")); ok {
		return dir
	}
	if dir, ok := a.get("AZURE_CONFIG_DIR"); ok && !strings.HasPrefix(dir, filepath.Dir(a.place.Dir)+string(filepath.Separator)) {
		return dir
	}
	home := xdg.Home
	if a.env["HOME"] == "" {
		if u, err := user.Current(); err == nil { // as az finds it
			home = u.HomeDir
		}
	}
	return filepath.Join(home, ".azure")
}

// original looks up what the user had in a variable before az-ctx touched it.
func (a *app) original(name string) (string, bool) {
	if text, ok := a.get(export.Was(name)); ok {
		return text, true
	}
	act, err := a.active()
	if text, ok := a.get(name); ok && (err != nil || act == nil || !act.Owned.Has(name, text)) {
		return text, true
	}
	return "", false
}

// initLine is what gives a shell its function.
func (a *app) initLine() string {
	shell := filepath.Base(os.Getenv("SHELL")) // the login shell, which need not be the one that runs
	if info, err := process.Lookup(os.Getppid()); err == nil {
		switch running := strings.TrimSuffix(filepath.Base(info.Exe), ".exe"); running {
		case "bash", "zsh", "fish", "pwsh":
			shell = running
		case "powershell", "cmd":
			shell = "pwsh"
		}
	}
	switch shell {
	case "zsh":
		return `eval "$(az-ctx init zsh)"`
	case "fish":
		return "az-ctx init fish | source"
	case "pwsh":
		return "az-ctx init pwsh | Out-String | Invoke-Expression"
	default:
		return `eval "$(az-ctx init bash)"`
	}
}
