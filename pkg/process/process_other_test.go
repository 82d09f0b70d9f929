//go:build !linux

package process

import "testing"

// awaitZombie: elsewhere a process that has closed its output is on its way out,
// and the test goes on without looking at it as a zombie.
func awaitZombie(t *testing.T, _ int) { t.Skip("zombies are looked at on Linux") }
