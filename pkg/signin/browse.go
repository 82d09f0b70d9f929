package signin

import (
	"runtime"
	"strings"
)

// CanBrowse reports whether a page that is opened here comes up before the
// person's eyes: not over ssh, not in a shell that the cloud runs, and not
// where there is no display. environ is like os.Environ's.
func CanBrowse(environ []string) bool { return canBrowse(runtime.GOOS, environ) }

func canBrowse(goos string, environ []string) bool {
	set := map[string]bool{}
	for _, entry := range environ {
		if name, value, _ := strings.Cut(entry, "="); value != "" {
			set[name] = true
		}
	}
	for _, name := range []string{"SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY", "CODESPACES", "ACC_CLOUD"} {
		if set[name] {
			return false
		}
	}
	switch goos {
	case "windows", "darwin":
		return true
	}
	// $BROWSER is what xdg-open goes by first, in WSL and in tests too.
	return set["DISPLAY"] || set["WAYLAND_DISPLAY"] || set["BROWSER"]
}
