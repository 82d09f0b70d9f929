package token

import (
	"runtime"
	"slices"
	"strings"
)

// CleanEnvironment keeps of environ, which is like os.Environ's, only what any
// program needs: who and where the user is, language, temporary files. Nothing
// of a tool's settings, a credential or a session of az-ctx's is left.
func CleanEnvironment(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		if runtime.GOOS == "windows" {
			return !slices.Contains(windowsNames, strings.ToUpper(name))
		}
		switch name {
		case "HOME", "USER", "LOGNAME", "LANG", "TMPDIR":
			return false
		}
		return !strings.HasPrefix(name, "LC_") && !strings.HasPrefix(name, "XDG_")
	})
}

// windowsNames are those that Windows' own libraries and Python rely on.
var windowsNames = []string{
	"ALLUSERSPROFILE", "APPDATA", "COMMONPROGRAMFILES", "COMPUTERNAME", "COMSPEC", "HOMEDRIVE", "HOMEPATH", "LOCALAPPDATA",
	"NUMBER_OF_PROCESSORS", "OS", "PATHEXT", "PROCESSOR_ARCHITECTURE", "PROGRAMDATA", "PROGRAMFILES", "PROGRAMFILES(X86)",
	"SYSTEMDRIVE", "SYSTEMROOT", "TEMP", "TMP", "USERDOMAIN", "USERNAME", "USERPROFILE", "WINDIR",
}
