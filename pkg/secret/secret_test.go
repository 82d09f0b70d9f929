package secret

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// keychains are all that have to behave alike; the real one is in
// keyring_linux_test.go.
func keychains(t *testing.T) map[string]Keychain {
	return map[string]Keychain{
		"memory":         Memory(),
		"system":         over(t, newFake(), 0),
		"system, split":  over(t, newFake(), 128),
		"files, split":   over(t, shelf(t.TempDir()), 128),
		"system, 2,560":  over(t, &fake{items: map[string]string{}, size: 2560}, 2560),
		"system, prompt": over(t, &fake{items: map[string]string{}, ask: true}, 0),
	}
}

func TestAKeychainKeepsWhatItIsGiven(t *testing.T) {
	for name, k := range keychains(t) {
		t.Run(name, func(t *testing.T) { keepsWhatItIsGiven(t, k) })
	}
}

// values are what a keychain has to give back to the byte.
var values = map[string]string{
	"one byte":                "x",
	"a refresh token":         long(1500, "0.AXoA-_"),
	"lines":                   " first\nsecond\r\n\n",
	"another alphabet":        "пароль 密码 🔑 e\u0301",
	"quotes":                  `'"$(x)\ ` + "`" + `%s`,
	"binary":                  "\x01\xff\xfe\x80\x7f\xc3\x28",
	"what looks like a head":  splitMark + "a:1:x:y",
	"what looks like a value": wholeMark + "x",
	"20 KB":                   long(20<<10, "é"),
	"64 KB":                   long(maxValue, "x"),
}

func keepsWhatItIsGiven(t *testing.T, k Keychain) {
	ctx := t.Context()
	const name = "user.azurecloud.a_40b-c"
	if _, err := k.Get(ctx, name); err != ErrNotFound {
		t.Fatalf("of nothing: %v", err)
	}
	if err := k.Delete(ctx, name); err != nil {
		t.Fatalf("deleting nothing: %v", err)
	}
	if err := k.Set(ctx, "other", "stays"); err != nil {
		t.Fatal(err)
	}
	for what, value := range values {
		if err := k.Set(ctx, name, value); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if got, err := k.Get(ctx, name); err != nil || got != value {
			t.Errorf("%s: got %d bytes of %d, %v", what, len(got), len(value), err)
		}
	}
	if err := k.Delete(ctx, name); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Get(ctx, name); err != ErrNotFound {
		t.Errorf("deleted: %v", err)
	}
	if got, err := k.Get(ctx, "other"); err != nil || got != "stays" {
		t.Errorf("the other is %q, %v", got, err)
	}
}

func TestUpdateReadsChangesAndWrites(t *testing.T) {
	for name, k := range keychains(t) {
		t.Run(name, func(t *testing.T) { updates(t, k) })
	}
}

func updates(t *testing.T, k Keychain) {
	ctx := t.Context()
	var old string
	to := func(value string, err error) func(string) (string, error) {
		return func(was string) (string, error) {
			old = was
			return value, err
		}
	}
	second := long(3000, "second")
	for _, step := range []struct{ from, to string }{{"", "first"}, {"first", second}, {second, second}, {second, ""}, {"", ""}, {"", second}} {
		if err := k.Update(ctx, "name", to(step.to, nil)); err != nil || old != step.from {
			t.Fatalf("from %.20q to %.20q: was %.20q, %v", step.from, step.to, old, err)
		}
		got, err := k.Get(ctx, "name")
		if got != step.to || (step.to == "") != (err == ErrNotFound) {
			t.Fatalf("after %.20q: %.20q, %v", step.to, got, err)
		}
	}
	fault := errors.New("the cloud says no")
	if err := k.Update(ctx, "name", to("x", fault)); err != fault {
		t.Errorf("got %v", err)
	}
	if got, err := k.Get(ctx, "name"); got != second || err != nil {
		t.Errorf("an error changed it to %.20q, %v", got, err)
	}
}

func TestWritersOfOneProcessLoseNothing(t *testing.T) {
	for name, k := range keychains(t) {
		t.Run(name, func(t *testing.T) {
			var all sync.WaitGroup
			for range 20 {
				all.Go(func() {
					if err := k.Update(t.Context(), "count", increment); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			if got, err := k.Get(t.Context(), "count"); err != nil || counted(got) != 20 {
				t.Errorf("counted to %d, %v", counted(got), err)
			}
		})
	}
}

// increment counts in a value that needs several parts, each of another size.
func increment(old string) (string, error) {
	n := counted(old)
	if n < 0 {
		return "", errors.New("a mix of two values")
	}
	return strconv.Itoa(n+1) + "|" + long(500+100*(n%5), strconv.Itoa(n+1)), nil
}

// counted is -1 for what increment never made.
func counted(value string) int {
	if value == "" {
		return 0
	}
	head, rest, _ := strings.Cut(value, "|")
	n, err := strconv.Atoi(head)
	if err != nil || rest != long(len(rest), head) || len(rest) != 500+100*((n-1)%5) {
		return -1
	}
	return n
}

func TestWhatIsNoNameOrValueIsRefused(t *testing.T) {
	for kind, k := range keychains(t) {
		for _, name := range []string{"", "a b", "a/b", `a\b`, "a'b", "a\"b", "a\nb", "é", "-a", "a..b", "..", "a:b", strings.Repeat("a", maxName+1)} {
			_, err := k.Get(t.Context(), name)
			change := func(string) (string, error) { t.Error("a change ran"); return "x", nil }
			if err == nil || err == ErrNotFound || k.Set(t.Context(), name, "x") == nil || k.Delete(t.Context(), name) == nil || k.Update(t.Context(), name, change) == nil {
				t.Errorf("%s: %q is a name", kind, name)
			}
		}
		for what, value := range map[string]string{"empty": "", "with NUL": "a\x00secret", "64 KB and one": long(maxValue+1, "secret")} {
			err := k.Set(t.Context(), "name", value)
			if err == nil || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: %s: %v", kind, what, err)
			}
			if value != "" && k.Update(t.Context(), "name", func(string) (string, error) { return value, nil }) == nil {
				t.Errorf("%s: %s: updated", kind, what)
			}
		}
		if _, err := k.Get(t.Context(), "name"); err != ErrNotFound {
			t.Errorf("%s: %v", kind, err)
		}
		if err := k.Set(t.Context(), strings.Repeat("a", maxName), long(3000, "x")); err != nil {
			t.Errorf("%s: the longest name: %v", kind, err)
		}
	}
}

func TestWhoeverGivesUpGetsItsOwnError(t *testing.T) {
	for kind, k := range keychains(t) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := k.Get(ctx, "name")
		for _, err := range []error{err, k.Set(ctx, "name", "x"), k.Delete(ctx, "name"), k.Update(ctx, "name", nil)} {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", kind, err)
			}
		}
	}
}

func ExampleUnusable() {
	err := error(&Unusable{Reason: "there is no session bus, so there is no Secret Service", Try: "sudo apt-get install dbus-user-session gnome-keyring"})
	fmt.Println(err)
	// Output: the keychain can't be used: there is no session bus, so there is no Secret Service
}
