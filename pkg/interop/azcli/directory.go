package azcli

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"github.com/az-ctx/az-ctx/pkg/azure"
)

// Directory is what an activation's own directory for az is made of.
type Directory struct {
	From    string               // the user's own az directory; it may be absent
	Context *azure.Context       // nil: signed out
	Cloud   azure.Cloud          // the context's
	Known   []azure.Subscription // what else the account has in the context's tenant
}

// Written is the time that WriteDirectory gives to what it writes. A shell
// compares it with a mark of its own to see what az changed since: whole
// seconds, as some shells and file systems know no others.
var Written = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

// Watched are the files that az writes when it signs in or out, or changes
// subscription, cloud or settings (tried with az 2.45 and 2.91).
var Watched = append([]string{profileFile, configFile, cloudsFile}, secretFiles...)

// secretFiles are those where az keeps tokens and secrets; .bin are encrypted.
var secretFiles = []string{
	"msal_token_cache.json", "msal_token_cache.bin", "service_principal_entries.json", "service_principal_entries.bin",
}

// printsFile holds the settings' fingerprints, for Changes to compare with.
const printsFile = "az-ctx.json"

// cloudPrefix begins the fingerprints of clouds.config.
const cloudPrefix = "cloud "

// WriteDirectory makes dst, an activation's own .azure: its profile with the
// context as the default and the account's other known subscriptions in that
// tenant beside it, all served by the endpoint, and the user's own settings as
// copies with the context's cloud in them. There is no token in it. Each file
// is whole at any instant; none is synced, as no run directory outlives the
// boot.
func WriteDirectory(dst string, d Directory) error {
	if err := writeDirectory(dst, d); err != nil {
		return fmt.Errorf("making a directory for az: %w", err)
	}
	return nil
}

func writeDirectory(dst string, d Directory) error {
	if err := os.MkdirAll(dst, 0o700); err != nil {
		return err
	}
	if err := os.Chmod(dst, 0o700); err != nil { // az remakes a directory that vanished for all to read
		return err
	}
	if err := distinct(dst, d.From); err != nil {
		return err
	}
	settings, err := d.config(configFile)
	if err != nil {
		return err
	}
	clouds, err := d.config(cloudsFile)
	if err != nil {
		return err
	}
	p := profile{InstallationID: installationID(d.From), Subscriptions: d.entries()}
	if err := d.adaptSettings(&settings, &clouds); err != nil {
		return err
	}
	rawProfile, err := encode(p)
	if err != nil {
		return err
	}
	prints, err := encode(fingerprints(settings, clouds))
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		raw  []byte
	}{
		{configFile, []byte(settings.String())},
		{cloudsFile, []byte(clouds.String())},
		{profileFile, append([]byte(bom), rawProfile...)},
		{printsFile, prints},
	} {
		if err := writeFile(filepath.Join(dst, f.name), f.raw); err != nil {
			return err
		}
	}
	return share(dst, d.From, "commandIndex.json")
}

// distinct keeps the user's own directory from being written over.
func distinct(dst, from string) error {
	a, err := os.Stat(dst)
	if err != nil {
		return err
	}
	if b, err := os.Stat(from); err == nil && os.SameFile(a, b) {
		return fmt.Errorf("%s is the user's own", dst)
	}
	return nil
}

func (d Directory) config(name string) (config, error) {
	if d.From == "" {
		return config{}, nil
	}
	return readConfig(filepath.Join(d.From, name))
}

// adaptSettings makes the context's cloud az's own: the active one, and
// defined where az has no definition built in.
func (d Directory) adaptSettings(settings, clouds *config) error {
	name := d.Cloud.Name
	if name == "" {
		return nil
	}
	var set [][2]string
	if _, public := azure.BuiltIn(name); !public {
		set = [][2]string{
			{"endpoint_resource_manager", d.Cloud.ResourceManager},
			{"endpoint_active_directory", d.Cloud.Authority},
			{"endpoint_active_directory_resource_id", d.Cloud.Audience},
		}
		if _, ok := clouds.get(name, "endpoint_management"); !ok {
			set = append(set, [2]string{"endpoint_management", d.Cloud.Audience})
		}
	}
	if d.Context != nil {
		// What az would have written; it counts after a cloud set there and back.
		set = append(set, [2]string{"subscription", entryID(*d.Context)})
	}
	if name == "DEFAULT" || !writable(name) {
		return fmt.Errorf("az's settings can't hold a cloud of the name %q", name)
	}
	settings.set("cloud", "name", name)
	for _, s := range set {
		if !writable(s[1]) {
			return fmt.Errorf("az's settings can't hold %q, the %s of the cloud %s", s[1], s[0], name)
		}
		clouds.set(name, s[0], s[1])
	}
	return nil
}

// entryID is the id of a context's entry: without a subscription, az takes the
// tenant's.
func entryID(c azure.Context) string {
	if c.Subscription == nil {
		return c.Tenant.ID
	}
	return c.Subscription.ID
}

// writable reports whether an INI file gives the text back as it is.
func writable(text string) bool {
	return text != "" && strings.TrimSpace(text) == text && !strings.ContainsFunc(text, unicode.IsControl)
}

// entries are the profile's: the context's first, and as the only default.
func (d Directory) entries() []entry {
	entries := []entry{}
	c := d.Context
	if c == nil {
		return entries
	}
	blank := entry{
		State: "Enabled", TenantID: c.Tenant.ID, EnvironmentName: d.Cloud.Name,
		TenantDomain: c.Tenant.Domain, TenantName: c.Tenant.Name,
		// az chooses the managed identity, and so the endpoint, by that name.
		User: user{Name: systemIdentity, Type: "servicePrincipal", AssignedIdentityInfo: "MSI"},
	}
	add := func(s azure.Subscription) {
		e := blank
		e.ID, e.Name, e.HomeTenantID, e.ManagedByTenants = s.ID, s.Name, s.HomeTenantID, json.RawMessage("[]")
		if s.State != "" {
			e.State = s.State
		}
		entries = append(entries, e)
	}
	if c.Subscription != nil {
		add(*c.Subscription)
	} else {
		e := blank
		e.ID, e.Name = entryID(*c), tenantLevel
		entries = append(entries, e)
	}
	entries[0].IsDefault = true
	seen := map[string]bool{strings.ToLower(entries[0].ID): true}
	for _, s := range d.Known {
		// Another tenant's would be given this tenant's token.
		elsewhere := s.TenantID != "" && !strings.EqualFold(s.TenantID, c.Tenant.ID)
		if key := strings.ToLower(s.ID); !seen[key] && !elsewhere {
			seen[key] = true
			add(s)
		}
	}
	return entries
}

// installationID is the user's own, under which az reports its use if the user
// lets it; without one, a fixed one for this user and machine.
func installationID(from string) string {
	if from != "" {
		if raw, err := os.ReadFile(filepath.Join(from, profileFile)); err == nil {
			if id := findInstallationID(raw); id != "" {
				return id
			}
		}
	}
	host, _ := os.Hostname()
	sum := sha256.Sum256([]byte("az-ctx\x00" + host + "\x00" + from))
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// findInstallationID looks for the key without decoding a file that may hold
// thousands of subscriptions: inside a string its quotes would be escaped.
func findInstallationID(raw []byte) string {
	_, rest, ok := bytes.Cut(raw, []byte(`"installationId"`))
	if !ok {
		return ""
	}
	rest = bytes.TrimLeft(rest, " \t\r\n:")
	if len(rest) < 38 || rest[0] != '"' || rest[37] != '"' {
		return ""
	}
	id := string(rest[1:37])
	for i, r := range id {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (r == '-') || !dash && !strings.ContainsRune("0123456789abcdefABCDEF", r) {
			return ""
		}
	}
	return id
}

// fingerprints tell the settings apart without holding their values: config's
// by "section.option", and each cloud's as a whole by "cloud NAME". The active
// cloud and the clouds' subscriptions are no settings.
func fingerprints(settings, clouds config) map[string]string {
	prints := map[string]string{}
	add := func(name, text string) {
		h := fnv.New64a()
		h.Write([]byte(prints[name] + text))
		prints[name] = fmt.Sprintf("%x", h.Sum64())
	}
	for _, o := range settings.options {
		if o.section != "cloud" || o.key != "name" {
			add(o.section+"."+o.key, o.text())
		}
	}
	for _, o := range clouds.options {
		if o.key != "subscription" {
			add(cloudPrefix+o.section, o.key+"\x00"+o.text())
		}
	}
	return prints
}

// share gives dst a file of the user's that az only keeps to be faster: a copy,
// for az ends with a traceback where a link leads nowhere (tried, 2.91), and
// writes through one that leads somewhere.
func share(dst, from, name string) error {
	if from == "" {
		return nil
	}
	raw, err := os.ReadFile(filepath.Join(from, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dst, name), raw)
}

func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// writeFile writes by rename: a file that az finds half written it replaces by
// an empty one.
func writeFile(path string, raw []byte) error {
	part := path + ".new"
	if err := os.WriteFile(part, raw, 0o600); err != nil {
		return err
	}
	if err := os.Chtimes(part, Written, Written); err != nil {
		return err
	}
	return os.Rename(part, path)
}
