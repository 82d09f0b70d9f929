// Package program builds az-ctx for the tests that run it, as it is released.
package program

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Pwsh finds PowerShell: the one that AZ_CTX_TEST_PWSH names, one on PATH, or the
// one beside the repository. It is "" where there is none.
func Pwsh() string {
	if path := os.Getenv("AZ_CTX_TEST_PWSH"); path != "" {
		return path
	}
	if path, err := exec.LookPath("pwsh"); err == nil {
		return path
	}
	path, err := filepath.Abs("../../../shared/pwsh/pwsh") // from a package of test/
	if err != nil {
		return ""
	}
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

// Main builds az-ctx once, hands its path over and runs the tests. It returns
// the exit status for TestMain.
func Main(m *testing.M, built func(path string)) int {
	dir, err := os.MkdirTemp("", "az-ctx-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "az-ctx")
	build := exec.Command("go", "build", "-trimpath", "-tags", "urfave_cli_no_docs", "-o", path, "github.com/az-ctx/az-ctx/cmd/az-ctx")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building az-ctx: %v\n%s", err, out)
		return 1
	}
	built(path)
	return m.Run()
}
