package store

import (
	"fmt"
	"strings"

	"github.com/az-ctx/az-ctx/pkg/azure"
)

// Settings are the user's, beside the contexts.
type Settings struct {
	Version      int           `json:"version"`
	Default      string        `json:"default"`      // the context that new shells start with, "" for none
	Autosave     string        `json:"autosave"`     // "enabled", "disabled"; "" is enabled
	Environments []azure.Cloud `json:"environments"` // clouds beside the public ones
	EndpointOff  bool          `json:"endpointOff"`  // a switch changes names and ids alone
	AzPS         bool          `json:"azps"`         // a switch in PowerShell takes Az.Accounts along
}

// AutosaveOff reports whether new contexts stay with their session.
func (s Settings) AutosaveOff() bool { return s.Autosave == "disabled" }

// Cloud finds a cloud by its name, ignoring case: a public one or one of the
// user's own.
func (s Settings) Cloud(name string) (azure.Cloud, error) {
	if c, ok := azure.BuiltIn(name); ok {
		return c, nil
	}
	for _, c := range s.Environments {
		if strings.EqualFold(c.Name, name) {
			return c, nil
		}
	}
	return azure.Cloud{}, fmt.Errorf("no environment %q", name)
}

// Clouds are all that there are: the public ones first.
func (s Settings) Clouds() []azure.Cloud {
	return append(azure.PublicClouds(), s.Environments...)
}

// Settings reads the settings of the user's directory.
func (d Dir) Settings() (Settings, error) {
	s := Settings{Version: version}
	err := d.ReadDocument(&s)
	return s, err
}

// ReadSettings reads the settings as they were before the change.
func (tx *Tx) ReadSettings(s *Settings) error {
	_, err := tx.dir.readDocument(s)
	return err
}

// Settings changes the settings of the user's directory.
func (tx *Tx) Settings(change func(*Settings)) error {
	s := Settings{Version: version}
	return tx.Document(&s, func() { change(&s) })
}
