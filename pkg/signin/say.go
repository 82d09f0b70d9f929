package signin

import (
	"regexp"
	"strings"
	"sync"

	"github.com/az-ctx/az-ctx/pkg/plain"
)

var long = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[A-Za-z0-9_~+/=.-]{80,}`) })

// Scrub makes one short line of what somebody else said: nothing that acts on a
// terminal, nothing that looks like a token, none of the secrets.
func Scrub(s string, secrets ...string) string {
	for _, secret := range secrets {
		if len(secret) >= 4 {
			s = strings.ReplaceAll(s, secret, "…")
		}
	}
	s = long().ReplaceAllString(s, "…")
	s = plain.Line(strings.Join(strings.Fields(s), " "))
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "") + "…"
	}
	return s
}
