//go:build !linux

package agent

import (
	"os"
	"path/filepath"
	"sync"
)

// longestPath is what a socket's address holds on every system, with a margin
// (sun_path has 104 to 108 bytes).
const longestPath = 100

var chdir sync.Mutex

// within calls f with a path of name in dir that is short enough for a
// socket's address: where it has to, from inside dir, for that moment.
func within(dir, name string, f func(path string) error) error {
	path := filepath.Join(dir, name)
	if len(path) <= longestPath {
		return f(path)
	}
	chdir.Lock()
	defer chdir.Unlock()
	back, err := os.Open(".")
	if err != nil {
		return err
	}
	defer back.Close()
	if err := os.Chdir(dir); err != nil {
		return err
	}
	defer goBack(back)
	return f(name)
}
