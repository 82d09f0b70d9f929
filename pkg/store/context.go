package store

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/az-ctx/az-ctx/pkg/azure"
)

// version is that of the files we write. A file with a higher one is left alone.
const version = 1

// ErrNewer is returned for a file that a later az-ctx wrote in a form that
// this one does not know.
var ErrNewer = errors.New("was written by a newer az-ctx; update az-ctx to use it")

// Entry is a context as it is kept.
type Entry struct {
	azure.Context
	// Unsaved says why a process context is not saved: "scope" (it was asked
	// for) or "autosave" (autosave was off, so enabling it saves this one); "" for
	// a saved context.
	Unsaved string

	raw []byte // the file as it was, for fields that we don't know
}

// file is the form on disk.
type file struct {
	Version int    `json:"version"`
	Unsaved string `json:"unsaved"`
	azure.Context
}

func decodeEntry(raw []byte) (Entry, error) {
	var f file
	if err := decodeVersioned(raw, &f); err != nil {
		return Entry{}, err
	}
	if f.Name == "" || f.Account.Type == "" || f.Environment == "" {
		return Entry{}, errors.New("name, account or environment is missing")
	}
	return Entry{Context: f.Context, Unsaved: f.Unsaved, raw: raw}, nil
}

func (e Entry) encode() ([]byte, error) {
	return encodeOver(e.raw, file{Version: version, Unsaved: e.Unsaved, Context: e.Context})
}

// decodeVersioned refuses a newer version before it looks at anything else,
// for the rest may have changed its meaning.
func decodeVersioned(raw []byte, into any) error {
	var head struct{ Version int }
	if err := json.Unmarshal(raw, &head); err != nil {
		return fmt.Errorf("is not valid: %w", err)
	}
	if head.Version > version {
		return fmt.Errorf("version %d %w", head.Version, ErrNewer)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("is not valid: %w", err)
	}
	return nil
}

// encodeOver writes known over what was there, and keeps the fields in it that
// known does not have: another version of az-ctx may have put them there.
func encodeOver(was []byte, known any) ([]byte, error) {
	now, err := json.Marshal(known)
	if err != nil {
		return nil, err
	}
	if was != nil {
		now = overlay(was, now)
	}
	out, err := json.MarshalIndent(json.RawMessage(now), "", "  ")
	return append(out, '\n'), err
}

// overlay merges two JSON objects field by field, and two lists of objects with
// names by these; anything else is top's.
func overlay(below, top json.RawMessage) json.RawMessage {
	var b, t map[string]json.RawMessage
	var list []json.RawMessage
	if json.Unmarshal(top, &list) == nil && list != nil {
		return overlayList(below, list, top)
	}
	if json.Unmarshal(below, &b) != nil || json.Unmarshal(top, &t) != nil || b == nil || t == nil {
		return top
	}
	for name, value := range t {
		b[name] = overlay(b[name], value)
	}
	merged, err := json.Marshal(b)
	if err != nil {
		return top
	}
	return merged
}

func overlayList(below json.RawMessage, list []json.RawMessage, top json.RawMessage) json.RawMessage {
	var was []json.RawMessage
	if json.Unmarshal(below, &was) != nil {
		return top
	}
	named := map[string]json.RawMessage{}
	for _, raw := range was {
		if name := nameOf(raw); name != "" {
			named[azure.Fold(name)] = raw
		}
	}
	for i, raw := range list {
		if name := nameOf(raw); name != "" {
			list[i] = overlay(named[azure.Fold(name)], raw)
		}
	}
	merged, err := json.Marshal(list)
	if err != nil {
		return top
	}
	return merged
}

func nameOf(raw json.RawMessage) string {
	var o struct{ Name string }
	if json.Unmarshal(raw, &o) != nil {
		return ""
	}
	return o.Name
}
