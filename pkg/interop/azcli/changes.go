package azcli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/az-ctx/az-ctx/pkg/azure"
)

// Kind says what az changed.
type Kind string

// What az can change in an activation's directory.
const (
	SignedIn   Kind = "signed in"  // What is the account, "" where az keeps it encrypted
	SignedOut  Kind = "signed out" // nothing is left of the context
	Switched   Kind = "switched"   // What is the name of the subscription, ID its id; both "" for none
	CloudSet   Kind = "cloud set"  // What is the cloud's name
	Configured Kind = "configured" // What lists the options, or the clouds that were defined
)

// Change is something that az did. What and ID are data, as az wrote them.
type Change struct {
	Kind     Kind
	What, ID string
}

// Changes is what az itself did after the instant since in dir, a directory
// that WriteDirectory made for the context (nil: signed out); Written asks for
// all of it. A file is looked at where it is newer, and what az wrote as it
// was counts for nothing.
//
// It is fs.ErrNotExist where the directory vanished, or az made an empty one in
// its place, so that nothing is lost when it is made anew.
func Changes(dir string, context *azure.Context, since time.Time) ([]Change, error) {
	p, err := readProfile(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	changes, file := signIns(p, dir)
	foreign := len(changes) > 0
	if !newer(dir, file, since) {
		changes = nil
	}
	prints, printsErr := readFingerprints(dir)
	if err := errors.Join(err, printsErr); err != nil {
		if foreign && errors.Is(err, fs.ErrNotExist) {
			return changes, nil // made anew by az, and with a sign-in to lose
		}
		return nil, err
	}
	if newer(dir, profileFile, since) {
		if c, ok := switched(p, context); ok {
			changes = append(changes, c)
		}
	}
	configNew, cloudsNew := newer(dir, configFile, since), newer(dir, cloudsFile, since)
	if !configNew && !cloudsNew {
		return changes, nil
	}
	config, err := readConfig(filepath.Join(dir, configFile))
	if err != nil {
		return nil, err
	}
	clouds, err := readConfig(filepath.Join(dir, cloudsFile))
	if err != nil {
		return nil, err
	}
	cloud := azure.Public.Name
	if context != nil {
		cloud = context.Environment
	}
	if name := activeCloud(config); configNew && !strings.EqualFold(name, cloud) {
		changes = append(changes, Change{Kind: CloudSet, What: name})
	}
	now := fingerprints(config, clouds)
	both := maps.Clone(now)
	maps.Copy(both, prints)
	maps.DeleteFunc(both, func(name, _ string) bool {
		news := configNew
		if strings.HasPrefix(name, cloudPrefix) {
			news = cloudsNew
		}
		return !news || now[name] == prints[name]
	})
	if len(both) > 0 {
		changes = append(changes, Change{Kind: Configured, What: strings.Join(slices.Sorted(maps.Keys(both)), ", ")})
	}
	return changes, nil
}

// signIns are the accounts in dir that are not ours, and the file that tells of
// them: the profile, else az's tokens, which az also renews by itself.
func signIns(p profile, dir string) (changes []Change, file string) {
	for _, e := range p.Subscriptions {
		c := Change{Kind: SignedIn, What: e.User.Name}
		if e.User.Name != systemIdentity && !slices.Contains(changes, c) {
			changes = append(changes, c)
		}
	}
	if len(changes) > 0 {
		return changes, profileFile
	}
	for _, name := range secretFiles {
		if raw, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
			if who, ok := signedIn(name, raw); ok {
				return []Change{{Kind: SignedIn, What: who}}, name
			}
		}
	}
	return nil, ""
}

// switched compares the profile's default with the context's.
func switched(p profile, context *azure.Context) (Change, bool) {
	was := ""
	if context != nil {
		was = entryID(*context)
	}
	if was != "" && len(p.Subscriptions) == 0 {
		return Change{Kind: SignedOut}, true
	}
	now := entry{}
	if i := slices.IndexFunc(p.Subscriptions, func(e entry) bool { return e.IsDefault }); i >= 0 {
		now = p.Subscriptions[i]
	}
	return Change{Kind: Switched, What: now.Name, ID: now.ID}, !strings.EqualFold(now.ID, was)
}

func newer(dir, name string, since time.Time) bool {
	info, err := os.Stat(filepath.Join(dir, name))
	return err == nil && info.ModTime().After(since)
}

func readFingerprints(dir string) (map[string]string, error) {
	path := filepath.Join(dir, printsFile)
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading what az was given: %w", err)
	}
	var prints map[string]string
	if err := json.Unmarshal(raw, &prints); err != nil {
		return nil, fmt.Errorf("reading what az was given, %s: %w", path, err)
	}
	return prints, nil
}

// signedIn reports whether one of az's files of secrets holds a sign-in, and
// whose where it says so. Signing out leaves empty shells of them behind.
func signedIn(name string, raw []byte) (who string, ok bool) {
	if strings.HasSuffix(name, ".bin") {
		return "", len(raw) > 0 // encrypted
	}
	raw = bytes.TrimPrefix(raw, []byte(bom))
	var principals []struct {
		ClientID string `json:"client_id"`
	}
	if json.Unmarshal(raw, &principals) == nil && len(principals) > 0 {
		return principals[0].ClientID, true
	}
	var cache struct {
		Account map[string]struct {
			Username string `json:"username"`
		}
		RefreshToken map[string]any
	}
	if json.Unmarshal(raw, &cache) != nil || len(cache.RefreshToken) == 0 {
		return "", false
	}
	for _, key := range slices.Sorted(maps.Keys(cache.Account)) {
		who = cache.Account[key].Username
	}
	return who, true
}
