// Package azps reads and writes the file of contexts that Azure PowerShell's
// Save-AzContext writes and its autosave keeps. No token or secret passes
// through it in either direction: the types here have no place for one.
package azps

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/az-ctx/az-ctx/pkg/azure"
)

// ClientID is the application as which Azure PowerShell signs users in.
const ClientID = "1950a258-227b-4e31-a9cf-717495945fc2"

const bom = "\ufeff"

// systemIdentity is az's word for the machine's own identity, which ours is
// named by; Azure PowerShell has a word of its own, see systemIdentityID.
const (
	systemIdentity   = "systemAssignedIdentity"
	systemIdentityID = "MSI@50342"
)

// File is what a saved file holds.
type File struct {
	Contexts []azure.Context // by name
	Default  string          // the name of one of them, "" for none
	Clouds   []azure.Cloud   // those of the file beside the public ones
}

// AutosavedFile is the path where Connect-AzAccount of the user with that home
// keeps its contexts, whether it exists or not. AzureRmContextSettings.json may
// move it; like Azure PowerShell itself it passes over one that is malformed.
func AutosavedFile(home string) (string, error) {
	dir := filepath.Join(home, ".Azure")
	var settings struct{ ContextDirectory, ContextFile string }
	raw, err := os.ReadFile(filepath.Join(dir, "AzureRmContextSettings.json"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("reading Azure PowerShell's settings: %w", err)
	}
	if json.Unmarshal(bytes.TrimPrefix(raw, []byte(bom)), &settings) != nil || settings.ContextDirectory == "" {
		settings.ContextDirectory = dir
	}
	if settings.ContextFile == "" {
		settings.ContextFile = "AzureRmContext.json"
	}
	return filepath.Join(settings.ContextDirectory, settings.ContextFile), nil
}

// ReadFile is Read of the file at path; it is fs.ErrNotExist where there is
// none.
func ReadFile(path string) (File, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return File{}, fmt.Errorf("reading saved contexts: %w", err)
	}
	f, err := decode(raw)
	if err != nil {
		return File{}, fmt.Errorf("reading saved contexts from %s: %w", path, err)
	}
	return f, nil
}

// Read reads a saved file: the form of Save-AzContext, or the older one with a
// single context. A file that is not whole gives an error and nothing else.
func Read(r io.Reader) (File, error) {
	raw, err := io.ReadAll(r)
	if err != nil {
		return File{}, fmt.Errorf("reading saved contexts: %w", err)
	}
	f, err := decode(raw)
	if err != nil {
		return File{}, fmt.Errorf("reading saved contexts: %w", err)
	}
	return f, nil
}
