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
	escaped := escape(folded, isDevice(folded))
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

// escape keeps what means nothing to any file system. Of a device the first
// letter is escaped too, and then it is none.
func escape(folded string, device bool) string {
	var b strings.Builder
	for i := range len(folded) {
		c := folded[i]
		plain := c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.' && i > 0
		if plain && !(i == 0 && device) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
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

// filePrefixes are what the file of every name that begins with prefix begins
// with, the one or the other, so that completion opens only files that can match.
func filePrefixes(prefix string) []string {
	folded := azure.Fold(prefix)
	plain := escape(folded, false)
	if folded == "" || len(plain) > longest/4 { // a long name's end is a hash
		return []string{""}
	}
	return []string{plain, escape(folded, true)}
}
