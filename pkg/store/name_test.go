package store

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/az-ctx/az-ctx/pkg/azure"
)

// The files of names are part of what is on users' disks: they don't change.
func TestFileName(t *testing.T) {
	for name, want := range map[string]string{
		"prod":       "prod.json",
		"Prod":       "prod.json",
		"a b":        "a%20b.json",
		"a/b":        "a%2Fb.json",
		`a\b`:        "a%5Cb.json",
		"a%2Fb":      "a%252fb.json",
		"a:b*?<>|\"": "a%3Ab%2A%3F%3C%3E%7C%22.json",
		".":          "%2E.json",
		"..":         "%2E..json",
		".hidden":    "%2Ehidden.json",
		"../x":       "%2E.%2Fx.json",
		"dot.":       "dot..json",
		"con":        "%63on.json",
		"CON.txt":    "%63on.txt.json",
		"com1":       "%63om1.json",
		"com10":      "com10.json",
		"console":    "console.json",
		"lpt9.x.y":   "%6Cpt9.x.y.json",
		"nul ":       "nul%20.json",
		"-rf":        "-rf.json",
		"~":          "%7E.json",
		"\x00\n\x1b": "%00%0A%1B.json",
		"ß":          "%C3%9F.json",
		"ΣΣ":         "%CE%A3%CE%A3.json",
		"σς":         "%CE%A3%CE%A3.json",
		"𐐨":          "%F0%90%90%80.json",
		"$(touch x)": "%24%28touch%20x%29.json",
		"İ":          "%C4%B0.json",
	} {
		if got := fileName(name); got != want {
			t.Errorf("%q: %s, wanted %s", name, got, want)
		}
	}
}

func TestFileNameIsLegal(t *testing.T) {
	long := strings.Repeat("x", 300)
	for _, name := range []string{long, long + "y", strings.Repeat("🧪", 300), strings.Repeat("9", 300), strings.Repeat("AB%", 100), strings.Repeat("é", 61) + "x", "com" + long} {
		f := fileName(name)
		if len(f) > longest+len(suffix) || !filepath.IsLocal(f) || strings.ContainsAny(f, "/\\:*?\"<>|") || !utf8.ValidString(f) {
			t.Errorf("%.20q: %s", name, f)
		}
		stem := strings.TrimSuffix(f, suffix)
		for i := 0; i < len(stem); i++ {
			if stem[i] == '%' && (i+2 >= len(stem) || !strings.ContainsRune("0123456789ABCDEF", rune(stem[i+1])) || !strings.ContainsRune("0123456789ABCDEF", rune(stem[i+2]))) {
				t.Errorf("%.20q: %s ends within an escape", name, f)
			}
		}
	}
	if fileName(long) == fileName(long+"y") || fileName(long+"y") != fileName(long+"Y") {
		t.Error("long names are told apart by their ends, ignoring case")
	}
}

func FuzzFileName(f *testing.F) {
	f.Add("a", "A")
	f.Add("CON", "con.")
	f.Add(strings.Repeat("中", 100), strings.Repeat("中", 101))
	f.Fuzz(func(t *testing.T, a, b string) {
		if !utf8.ValidString(a) || !utf8.ValidString(b) || a == "" || b == "" {
			return
		}
		if (fileName(a) == fileName(b)) != (azure.Fold(a) == azure.Fold(b)) {
			t.Errorf("%q and %q: %s and %s", a, b, fileName(a), fileName(b))
		}
		if !slices.ContainsFunc(filePrefixes(a), func(p string) bool { return strings.HasPrefix(fileName(a+b), p) }) {
			t.Errorf("the file of %q is %s, which does not begin with any of %q", a+b, fileName(a+b), filePrefixes(a))
		}
	})
}

// A name is found by each of its beginnings: devices, long names, other scripts.
func TestListPrefix(t *testing.T) {
	d := Config(filepath.Join(t.TempDir(), "az-ctx"))
	names := []string{"con", "COM1", "com10", "nul.txt", "prod", "PROD 2", ".x", strings.Repeat("中", 100), strings.Repeat("1", 300), "ΣΊΣΥΦΟΣ", "%", "x/y"}
	put(t, d, names...)
	for _, name := range names {
		runes := []rune(name)
		for n := range len(runes) + 1 {
			got, broken, err := d.ListPrefix(string(runes[:n]))
			if err != nil || len(broken) > 0 {
				t.Fatal(err, broken)
			}
			found := false
			for _, e := range got {
				found = found || e.Name == name
				if !strings.HasPrefix(azure.Fold(e.Name), azure.Fold(string(runes[:n]))) {
					t.Errorf("%q begins with %q", e.Name, string(runes[:n]))
				}
			}
			if !found {
				t.Errorf("%.20q is not found by its first %d", name, n)
			}
		}
	}
}

// Completion opens no file that can't match.
func TestListPrefixOpensNoOther(t *testing.T) {
	d := Config(filepath.Join(t.TempDir(), "az-ctx"))
	put(t, d, "prod", "dev")
	if err := os.WriteFile(d.contextPath("dev.json"), []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, broken, err := d.ListPrefix("PR"); err != nil || len(broken) != 0 || len(got) != 1 {
		t.Error(got, broken, err)
	}
}

func put(t testing.TB, d Dir, names ...string) {
	t.Helper()
	err := d.Update(func(tx *Tx) error {
		for _, n := range names {
			if err := tx.Put(entry(n)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func entry(name string) Entry {
	return Entry{Context: azure.Context{
		Name: name, Account: azure.Account{ID: "alice@contoso.com", Type: azure.User}, Environment: "AzureCloud",
		Tenant: azure.Tenant{ID: "t"}, Subscription: &azure.Subscription{ID: fmt.Sprintf("s-%x", name), Name: "S"},
	}}
}
