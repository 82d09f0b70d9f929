package agent

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"slices"
	"strings"
	"sync"

	"github.com/az-ctx/az-ctx/pkg/process"
)

// activation is one that is served. It never changes; new keys make a new one.
type activation struct {
	Registration
	header, path hash
	given        counter // tokens, by dialect
}

// hash is a key's SHA-256. Keys are found by it, so how long a look-up takes
// tells nothing of a key, and the keys themselves are not kept.
type hash [sha256.Size]byte

// registry holds the activations by their reference and by each of their keys.
type registry struct {
	mu     sync.Mutex
	byRef  map[string]*activation
	header map[hash]*activation
	path   map[hash]*activation
	ended  map[hash]bool // keys of activations that have ended, for the count of them alone
}

// mostEnded is how many of those are remembered.
const mostEnded = 10000

func newRegistry() *registry {
	return &registry{byRef: map[string]*activation{}, header: map[hash]*activation{}, path: map[hash]*activation{}, ended: map[hash]bool{}}
}

// register gives the activation its keys; those that it had end.
func (g *registry) register(r Registration) (header, path string) {
	header, path = newKey(), newKey()
	a := &activation{Registration: r, header: sha256.Sum256([]byte(header)), path: sha256.Sum256([]byte(path))}
	g.mu.Lock()
	defer g.mu.Unlock()
	if before, ok := g.byRef[r.Ref]; ok {
		g.drop(before)
	}
	g.byRef[r.Ref], g.header[a.header], g.path[a.path] = a, a, a
	return header, path
}

// newKey is 32 random bytes in a form that means nothing to any shell, URL or
// header.
func newKey() string {
	key := make([]byte, 32)
	rand.Read(key)
	return hex.EncodeToString(key)
}

func (g *registry) byHeader(key string) *activation {
	h := hash(sha256.Sum256([]byte(key)))
	g.mu.Lock()
	defer g.mu.Unlock()
	if a, ok := g.header[h]; ok && subtle.ConstantTimeCompare(a.header[:], h[:]) == 1 {
		return a
	}
	return nil
}

func (g *registry) byPath(key string) *activation {
	h := hash(sha256.Sum256([]byte(key)))
	g.mu.Lock()
	defer g.mu.Unlock()
	if a, ok := g.path[h]; ok && subtle.ConstantTimeCompare(a.path[:], h[:]) == 1 {
		return a
	}
	return nil
}

// hasEnded reports whether a key was an activation's once.
func (g *registry) hasEnded(key string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.ended[sha256.Sum256([]byte(key))]
}

// drop ends an activation. g.mu is held.
func (g *registry) drop(a *activation) {
	if g.byRef[a.Ref] == a {
		delete(g.byRef, a.Ref)
	}
	delete(g.header, a.header)
	delete(g.path, a.path)
	if len(g.ended) >= mostEnded {
		clear(g.ended)
	}
	g.ended[a.header], g.ended[a.path] = true, true
}

// release ends the activation of that reference, or with number 0 all of the
// session's, and counts them.
func (g *registry) release(ref string) int {
	session, all := strings.CutSuffix(ref, "/0")
	g.mu.Lock()
	defer g.mu.Unlock()
	n := 0
	for _, a := range g.byRef {
		if a.Ref == ref || all && strings.HasPrefix(a.Ref, session+"/") {
			g.drop(a)
			n++
		}
	}
	return n
}

// sweep ends the activations that are no longer alive, of those sessions or of
// all where none is named. alive may take its time, for it looks at processes.
func (g *registry) sweep(alive Alive, sessions ...process.ID) {
	for _, a := range g.list() {
		if (len(sessions) == 0 || slices.Contains(sessions, a.Session)) && !alive(a.Ref, a.Session) {
			g.mu.Lock()
			g.drop(a)
			g.mu.Unlock()
		}
	}
}

// size counts the activations.
func (g *registry) size() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.byRef)
}

// list gives the activations, sorted by reference.
func (g *registry) list() []*activation {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := make([]*activation, 0, len(g.byRef))
	for _, a := range g.byRef {
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b *activation) int { return strings.Compare(a.Ref, b.Ref) })
	return all
}
