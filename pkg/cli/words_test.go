package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/az-ctx/az-ctx/pkg/azure"
)

// P29
func TestNear(t *testing.T) {
	names := []string{"prod", "pre-prod", "dev", "Contoso Prod 1 (00000001-0000-4000-8000-000000000000)", "straße", "x"}
	for typed, want := range map[string][]string{
		"prd":           {"prod", "pre-prod", names[3]},
		"PROD":          {"prod", "pre-prod", names[3]},
		"pord":          {"prod"},
		"devv":          {"dev"},
		"contoso":       {names[3]},
		"nothing alike": nil,
		"STRAßE":        {"straße"},
	} {
		if got := near(typed, names); !slices.Equal(got, want) {
			t.Errorf("%q: %q, wanted %q", typed, got, want)
		}
	}
	if got := near("anything", nil); got != nil {
		t.Errorf("%q", got)
	}
	if got := nearText([]string{"a\x1b[31m", "b\u202e"}); got != "; near: a\ufffd[31m, b\ufffd" {
		t.Errorf("%q", got)
	}
}

func TestDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0}, {"abc", "acb", 2}, {"kitten", "sitting", 3}, {"日本", "日木", 1}} {
		if got := distance(test.a, test.b); got != test.want || distance(test.b, test.a) != got {
			t.Errorf("%q, %q: %d", test.a, test.b, got)
		}
	}
}

func TestIsProduction(t *testing.T) {
	for _, test := range []struct {
		name, sub string
		want      bool
	}{
		{"prod", "", true}, {"PROD", "", true}, {"my-prod-1", "", true}, {"prod1", "", true}, {"x", "Contoso Prod 1", true}, {"Production", "", true}, {"prd_eu", "", true},
		{"dev", "", false}, {"product", "", false}, {"reproduction", "", false}, {"nonprod", "", false}, {"pre-prod", "", false}, {"non-prod", "", false}, {"not prod", "", false}, {"x", "Pre Production", false},
		{"pre", "Prod 1", true}, {"non", "prod", true}, // two names, not two words of one
		{"pre-prod", "Contoso Prod", true}, {"", "", false},
	} {
		c := azure.Context{Name: test.name}
		if test.sub != "" {
			c.Subscription = &azure.Subscription{Name: test.sub}
		}
		if got := isProduction(c); got != test.want {
			t.Errorf("%q, %q: %v", test.name, test.sub, got)
		}
	}
}

func TestLabelAndLine(t *testing.T) {
	c := azure.Context{Name: "Prod (1)", Account: azure.Account{ID: "alice\x1b"}, Tenant: azure.Tenant{ID: "t", Domain: "contoso.com"}, Subscription: &azure.Subscription{ID: "1", Name: "Prod"}}
	if got := line(c); got != "Prod · contoso.com · alice\ufffd" {
		t.Error(got)
	}
	c.Name = "mine"
	if got := label(c); got != "mine" {
		t.Error(got)
	}
	c.Tenant.Domain, c.Subscription = "", nil
	if got := line(c); !strings.HasPrefix(got, "mine · t · ") {
		t.Error(got)
	}
}
