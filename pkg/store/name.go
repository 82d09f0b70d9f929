package store

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/az-ctx/az-ctx/pkg/azure"
)

// longest is how many bytes an escaped name may have before its end gives way
// to a hash: file systems stop at 255, and a temporary file's suffix and .json
// come on top.
const longest = 180

// fileName gives the file of a context's name: the same for names that differ
// in case alone, a legal and short one on every system, and never a path.
func fileName(name string) string {
	folded := azure.Fold(name)
	var b strings.Builder
	for i := range len(folded) {
		c := folded[i]
		plain := c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.' && i > 0
		if plain && !(i == 0 && isDevice(folded)) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	escaped := b.String()
	if len(escaped) > longest {
		sum := sha256.Sum256([]byte(folded))
		escaped = escaped[:longest-60]
		if i := strings.LastIndexByte(escaped, '%'); i > len(escaped)-3 {
			escaped = escaped[:i] // not within an escape
		}
		escaped += "~" + hex.EncodeToString(sum[:16])
	}
	return escaped + suffix
}

// isDevice reports whether Windows would open a device for the name, whatever
// its extension.
func isDevice(name string) bool {
	stem, _, _ := strings.Cut(name, ".")
	switch stem {
	case "con", "prn", "aux", "nul":
		return true
	}
	if len(stem) == 4 && (strings.HasPrefix(stem, "com") || strings.HasPrefix(stem, "lpt")) {
		return stem[3] >= '0' && stem[3] <= '9'
	}
	return false
}

// beginsDevice reports whether a name that begins with prefix can be a device.
func beginsDevice(prefix string) bool {
	if isDevice(prefix) {
		return true
	}
	for _, stem := range []string{"con", "prn", "aux", "nul", "com", "lpt"} {
		if strings.HasPrefix(stem, prefix) {
			return true
		}
	}
	return false
}

// filePrefix is what the file of every name that begins with prefix begins
// with, so that completion opens only files that can match.
func filePrefix(prefix string) string {
	p := strings.TrimSuffix(fileName(prefix), suffix)
	if beginsDevice(azure.Fold(prefix)) || len(p) > longest/4 {
		// A device's first letter is escaped, that of another name not; and a long
		// name's end is a hash.
		return ""
	}
	return p
}
