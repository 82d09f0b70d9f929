package export

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// after runs a plan's changes as a shell does, from top to bottom, each seeing
// what the ones before it did.
func after(start []string, changes []Change) map[string]string {
	env := map[string]string{}
	for _, e := range start {
		name, text, _ := strings.Cut(e, "=")
		env[name] = text
	}
	for _, c := range changes {
		switch {
		case c.Unset:
			delete(env, c.Name)
		case c.From != "":
			env[c.Name] = env[c.From]
		default:
			env[c.Name] = c.Value
		}
	}
	return env
}

func environOf(env map[string]string) []string {
	var all []string
	for name, text := range env {
		all = append(all, name+"="+text)
	}
	slices.Sort(all)
	return all
}

func TestPlanChanges(t *testing.T) {
	start := []string{"A=1", "B=2", "C=3", "SAME=x", "=odd", "noequals"}
	for name, c := range map[string]struct {
		do   func(p *Plan)
		want []Change
	}{
		"nothing":          {func(*Plan) {}, nil},
		"the same value":   {func(p *Plan) { p.Set("SAME", "x") }, nil},
		"there and back":   {func(p *Plan) { p.Move("A", "Z"); p.Move("Z", "A") }, nil},
		"unset what isn't": {func(p *Plan) { p.Unset("NONE"); p.Move("NONE", "Y") }, nil},
		"order": {func(p *Plan) { p.Unset("C"); p.Set("N", "new"); p.Move("A", "Z"); p.Set("A", "ours") }, []Change{
			{Name: "Z", From: "A"}, {Name: "A", Value: "ours"}, {Name: "N", Value: "new"}, {Name: "C", Unset: true},
		}},
		"move alone": {func(p *Plan) { p.Move("B", "Y") }, []Change{{Name: "Y", From: "B"}, {Name: "B", Unset: true}}},
	} {
		t.Run(name, func(t *testing.T) {
			p := NewPlan(start)
			c.do(p)
			got := p.Changes()
			if !slices.Equal(got, c.want) {
				t.Errorf("changes %v, want %v", got, c.want)
			}
			ran := after(start[:4], got)
			for name := range ran {
				if text, ok := p.Get(name); !ok || text != ran[name] {
					t.Errorf("%s is %q when run, %q (%v) in the plan", name, ran[name], text, ok)
				}
			}
			if want := environOf(ran); !slices.Equal(p.Environ(), want) {
				t.Errorf("Environ is %q, want %q", p.Environ(), want)
			}
		})
	}
}

func TestActivateAndDeselect(t *testing.T) {
	secret := func(name string) bool { return name == "IDENTITY_HEADER" }
	dev := map[string]string{Name: "dev", Session: "s/1", "ARM_SUBSCRIPTION_ID": "dev-id", "IDENTITY_HEADER": "key-1", "NO_PROXY": "corp,127.0.0.1", "AZURE_CONFIG_DIR": "/run/1/.azure"}
	prod := map[string]string{Name: "prod", Session: "s/2", "ARM_SUBSCRIPTION_ID": "prod-id", "IDENTITY_HEADER": "key-2", "NO_PROXY": "corp,127.0.0.1", "AZURE_CONFIG_DIR": "/run/2/.azure", "ARM_METADATA_HOSTNAME": "host"}
	user := []string{"ARM_SUBSCRIPTION_ID=mine", "ARM_CLIENT_SECRET=theirs", "NO_PROXY=corp", "IDENTITY_HEADER=", "PATH=/bin"}

	run := func(env map[string]string, do func(p *Plan)) map[string]string {
		start := environOf(env)
		p := NewPlan(start)
		do(p)
		return after(start, p.Changes())
	}
	begin := after(user, nil)

	first := run(begin, func(p *Plan) {
		if names := p.Activate(dev, nil); names != nil {
			t.Errorf("overridden at first: %q", names)
		}
	})
	want := map[string]string{
		"PATH": "/bin", Name: "dev", Session: "s/1", "ARM_SUBSCRIPTION_ID": "dev-id", "IDENTITY_HEADER": "key-1", "NO_PROXY": "corp,127.0.0.1", "AZURE_CONFIG_DIR": "/run/1/.azure",
		Was("ARM_SUBSCRIPTION_ID"): "mine", Was("ARM_CLIENT_SECRET"): "theirs", Was("NO_PROXY"): "corp", Was("IDENTITY_HEADER"): "",
	}
	if !maps.Equal(first, want) {
		t.Errorf("the first switch: %q, want %q", first, want)
	}
	owned := Record(dev, secret)
	if strings.Contains(owned["IDENTITY_HEADER"], "key-1") {
		t.Error("a key is written down")
	}

	t.Run("a second switch keeps what was the user's at first", func(t *testing.T) {
		second := run(first, func(p *Plan) {
			if names := p.Activate(prod, owned); names != nil {
				t.Errorf("overridden: %q", names)
			}
		})
		for name, text := range map[string]string{Was("ARM_SUBSCRIPTION_ID"): "mine", Name: "prod", "ARM_SUBSCRIPTION_ID": "prod-id", "ARM_METADATA_HOSTNAME": "host"} {
			if second[name] != text {
				t.Errorf("%s is %q, want %q", name, second[name], text)
			}
		}
		back := run(second, func(p *Plan) {
			if names := p.Activate(dev, Record(prod, secret)); names != nil {
				t.Errorf("overridden: %q", names)
			}
		})
		if !maps.Equal(back, first) {
			t.Errorf("back again: %q, want %q", back, first)
		}
		end := run(second, func(p *Plan) {
			if names := p.Deselect(Record(prod, secret)); names != nil {
				t.Errorf("left: %q", names)
			}
		})
		if !maps.Equal(end, begin) {
			t.Errorf("deselect: %q, want %q", end, begin)
		}
	})

	t.Run("a variable that was changed since", func(t *testing.T) {
		changed := maps.Clone(first)
		changed["ARM_SUBSCRIPTION_ID"] = "direnv's"
		changed["ARM_CLIENT_SECRET"] = "a new one" // set aside, and set again since
		names := owned.Drifted(func(name string) (string, bool) { text, ok := changed[name]; return text, ok })
		if !slices.Equal(names, []string{"ARM_SUBSCRIPTION_ID"}) {
			t.Errorf("drifted: %q", names)
		}
		end := run(changed, func(p *Plan) {
			left := p.Deselect(owned)
			slices.Sort(left)
			if !slices.Equal(left, []string{"ARM_CLIENT_SECRET", "ARM_SUBSCRIPTION_ID"}) {
				t.Errorf("left: %q", left)
			}
		})
		want := maps.Clone(begin)
		want["ARM_SUBSCRIPTION_ID"], want["ARM_CLIENT_SECRET"] = "direnv's", "a new one"
		if !maps.Equal(end, want) {
			t.Errorf("deselect: %q, want %q", end, want)
		}
		again := run(changed, func(p *Plan) {
			names := p.Activate(prod, owned)
			slices.Sort(names)
			if !slices.Equal(names, []string{"ARM_CLIENT_SECRET", "ARM_SUBSCRIPTION_ID"}) {
				t.Errorf("overridden: %q", names)
			}
		})
		if again["ARM_SUBSCRIPTION_ID"] != "prod-id" || again[Was("ARM_SUBSCRIPTION_ID")] != "mine" {
			t.Errorf("a switch: %q, kept %q", again["ARM_SUBSCRIPTION_ID"], again[Was("ARM_SUBSCRIPTION_ID")])
		}
	})

	t.Run("a variable that was unset since", func(t *testing.T) {
		changed := maps.Clone(first)
		delete(changed, "ARM_SUBSCRIPTION_ID")
		names := owned.Drifted(func(name string) (string, bool) { text, ok := changed[name]; return text, ok })
		if !slices.Equal(names, []string{"ARM_SUBSCRIPTION_ID"}) {
			t.Errorf("drifted: %q", names)
		}
		end := run(changed, func(p *Plan) { p.Deselect(owned) })
		if !maps.Equal(end, begin) {
			t.Errorf("deselect: %q, want %q", end, begin)
		}
	})

	t.Run("signed out", func(t *testing.T) {
		out := map[string]string{Session: "s/3", "IDENTITY_HEADER": "key-3", "AZURE_CONFIG_DIR": "/run/3/.azure"}
		env := run(first, func(p *Plan) { p.Activate(out, owned) })
		for _, name := range []string{Name, "ARM_SUBSCRIPTION_ID", "ARM_CLIENT_SECRET"} {
			if text, ok := env[name]; ok {
				t.Errorf("%s=%q is left", name, text)
			}
		}
		end := run(env, func(p *Plan) { p.Deselect(Record(out, secret)) })
		if !maps.Equal(end, begin) {
			t.Errorf("deselect: %q, want %q", end, begin)
		}
	})
}

func TestLoopback(t *testing.T) {
	for list, want := range map[string]string{
		"":                                 "127.0.0.1,localhost",
		"corp":                             "corp,127.0.0.1,localhost",
		"localhost":                        "localhost,127.0.0.1",
		"a, 127.0.0.1 ,localhost":          "a, 127.0.0.1 ,localhost",
		"127.0.0.10,localhost.localdomain": "127.0.0.10,localhost.localdomain,127.0.0.1,localhost",
		"*":                                "*,127.0.0.1,localhost",
	} {
		got := Loopback(list)
		if got != want {
			t.Errorf("Loopback(%q) = %q, want %q", list, got, want)
		}
		if again := Loopback(got); again != got {
			t.Errorf("Loopback twice: %q, then %q", got, again)
		}
	}
}

func TestPromptSafe(t *testing.T) {
	for name, want := range map[string]string{
		"prod":             "prod",
		"it's (x) \u00fc":  "it's (x) \u00fc",
		"$(touch x)`y`":    "?(touch x)?y?",
		`%n \w !!`:         "?n ?w ??",
		"a\nb\tc\x1b[m":    "a\uFFFDb\uFFFDc\uFFFD[m",
		"\u202Eevil\u2066": "\uFFFDevil\uFFFD",
		"\u009b31m\u2028":  "\uFFFD31m\uFFFD",
	} {
		if got := PromptSafe(name); got != want {
			t.Errorf("PromptSafe(%q) = %q, want %q", name, got, want)
		}
	}
}

// TestNames: a variable is of one kind, and none of the user's is ours.
func TestNames(t *testing.T) {
	all := All()
	seen := map[string]bool{}
	for _, name := range all {
		if seen[name] {
			t.Errorf("%s is listed twice", name)
		}
		seen[name] = true
	}
	for _, name := range Watched {
		if !slices.Contains(Managed(), name) {
			t.Errorf("%s is watched and not managed", name)
		}
	}
}
