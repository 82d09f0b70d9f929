package azure

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Az is a real azure-cli with a home of its own.
type Az struct {
	Path string
	Home string   // HOME, with .azure in it
	Env  []string // the server's, and what a test adds
}

// FindAz finds the azure-cli that test/setup.sh installed: the current one, or
// Debian's old one. The error says what is missing, for a test to skip by name.
func FindAz(old bool) (string, error) {
	variable, file := "AZ_CTX_TEST_AZ", "venv/bin/az"
	if old {
		variable, file = "AZ_CTX_TEST_AZ_OLD", "az-2.45"
	}
	path := os.Getenv(variable)
	if path == "" {
		path = filepath.Join(CacheDir(), file)
	}
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("no azure-cli at $%s (%w): run test/setup.sh", variable, err)
	}
	return path, nil
}

// AzFiles sums up the files in az's own directory that az-ctx must leave byte for
// byte.
func AzFiles(home string) string {
	var all strings.Builder
	for _, name := range []string{"azureProfile.json", "config", "clouds.config"} {
		raw, err := os.ReadFile(filepath.Join(home, ".azure", name))
		if err != nil {
			raw = []byte("absent")
		}
		fmt.Fprintf(&all, "%s %x\n", name, sha256.Sum256(raw))
	}
	return all.String()
}

// CacheDir is where test/setup.sh puts things.
func CacheDir() string {
	if dir := os.Getenv("AZ_CTX_TEST_CACHE"); dir != "" {
		return dir
	}
	dir := os.Getenv("XDG_CACHE_HOME")
	if dir == "" {
		home, _ := os.UserHomeDir()
		dir = filepath.Join(home, ".cache")
	}
	return filepath.Join(dir, "az-ctx-test")
}

// NewAz readies an az for a server; home is an empty directory.
func (s *Server) NewAz(path, home string) Az {
	return Az{Path: path, Home: home, Env: s.Env()}
}

// ConfigDir is az's own directory.
func (a Az) ConfigDir() string { return filepath.Join(a.Home, ".azure") }

// Environ is all that az gets to see. It inherits nothing but PATH, so that no
// variable of the developer's changes what az does.
func (a Az) Environ() []string {
	return append([]string{
		"PATH=" + os.Getenv("PATH"),
		"LANG=C.UTF-8",
		"HOME=" + a.Home,
		"AZURE_CONFIG_DIR=" + a.ConfigDir(),
		"AZURE_CORE_COLLECT_TELEMETRY=0",
		"AZURE_CORE_NO_COLOR=1",
		"AZURE_AUTO_UPGRADE_ENABLE=0",
		"PYTHONDONTWRITEBYTECODE=1",
		"PYTHONWARNINGS=ignore", // the old az under a newer Python
	}, a.Env...)
}

// Command readies one call.
func (a Az) Command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, a.Path, args...)
	cmd.Env = a.Environ()
	cmd.Dir = a.Home // az reads settings from the working directory
	return cmd
}

// Run calls az and returns its standard output; the error has its standard error.
func (a Az) Run(ctx context.Context, args ...string) (string, error) {
	out, err := a.Command(ctx, args...).Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		err = fmt.Errorf("az %s: %w: %s", args[0], err, exit.Stderr)
	}
	return string(out), err
}
