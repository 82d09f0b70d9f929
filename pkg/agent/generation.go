package agent

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
)

// Generation tells one agent's life from another's. It stays on disk after the
// agent, so that the next one takes the same port.
type Generation struct {
	ID   string `json:"id"` // random
	PID  int    `json:"pid"`
	Port int    `json:"port"`
}

// ReadGeneration reads the one line of dir's generation file, `ID PID PORT`,
// which shells read with `read -r`. It is fs.ErrNotExist where no agent ever ran.
func ReadGeneration(dir string) (Generation, error) {
	raw, err := os.ReadFile(filepath.Join(dir, generationName))
	if err != nil {
		return Generation{}, fmt.Errorf("reading the agent's generation: %w", err)
	}
	var g Generation
	if n, err := fmt.Sscanf(string(raw), "%s %d %d\n", &g.ID, &g.PID, &g.Port); n != 3 || err != nil {
		return Generation{}, errors.New("reading the agent's generation: not a generation")
	}
	return g, nil
}

// write writes the file whole. It needs no fsync: it means nothing after the
// boot that a crash ends.
func (g Generation) write(dir string) error {
	path := filepath.Join(dir, generationName)
	if err := os.WriteFile(path+".new", fmt.Appendf(nil, "%s %d %d\n", g.ID, g.PID, g.Port), 0o600); err != nil {
		return fmt.Errorf("writing the agent's generation: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("writing the agent's generation: %w", err)
	}
	return nil
}

// newGeneration listens on the endpoint's port, which is the one of the agent
// before where that is free: tools that still run then reach us, and not
// whoever else took it.
func newGeneration(dir string) (Generation, net.Listener, error) {
	before, _ := ReadGeneration(dir)
	l, err := listen(before.Port)
	for try := 0; err != nil && try < 100; try++ {
		l, err = listen(drawPort(ephemeral()))
	}
	if err != nil {
		return Generation{}, nil, fmt.Errorf("finding a port on 127.0.0.1: %w", err)
	}
	id := make([]byte, 8)
	rand.Read(id)
	return Generation{ID: hex.EncodeToString(id), PID: os.Getpid(), Port: l.Addr().(*net.TCPAddr).Port}, l, nil
}

func listen(port int) (net.Listener, error) {
	if port <= 0 {
		return nil, errors.New("no port")
	}
	config := net.ListenConfig{Control: exclusive}
	return config.Listen(context.Background(), "tcp4", "127.0.0.1:"+strconv.Itoa(port))
}

// portRange is inclusive.
type portRange struct{ low, high int }

// usable are the ports that no privilege is needed for and few servers sit on.
var usable = portRange{15000, 65535}

// drawPort draws a port at random out of those that the system gives to no
// outgoing connection, so that no program comes by it by chance after us.
func drawPort(ephemeral portRange) int {
	below := max(0, min(ephemeral.low, usable.high+1)-usable.low)
	above := max(0, usable.high-max(ephemeral.high, usable.low-1))
	if below+above == 0 { // a host on which every port is ephemeral
		return usable.low + random(usable.high-usable.low+1)
	}
	n := random(below + above)
	if n < below {
		return usable.low + n
	}
	return usable.high - (n - below)
}

func random(n int) int {
	i, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
	if err != nil {
		panic(err) // crypto/rand's reader never fails
	}
	return int(i.Int64())
}

// ephemeral is the range that the system takes the ports of outgoing
// connections from (ip(7)); elsewhere than on Linux that of RFC 6335, which
// macOS and Windows keep to.
func ephemeral() portRange {
	r := portRange{49152, 65535}
	if raw, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range"); err == nil {
		var told portRange
		if n, _ := fmt.Sscan(string(raw), &told.low, &told.high); n == 2 {
			r = told
		}
	}
	return r
}
