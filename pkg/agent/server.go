package agent

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"sync"
	"time"

	"github.com/gofrs/flock"
	"golang.org/x/net/netutil"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/process"
	"github.com/az-ctx/az-ctx/pkg/token"
	"github.com/az-ctx/az-ctx/pkg/vault"
)

const (
	tick        = 30 * time.Second // between looks at which sessions have ended
	idleLife    = 5 * time.Minute  // after the last activation, of an agent that nobody talks to
	lockWait    = 3 * time.Second  // for an agent before us to end
	silence     = time.Minute      // after which a connection that asks nothing is closed
	longestLine = 1 << 20
	collectAt   = 50 // percent of growth between two garbage collections: it lives long and does little
)

// Alive reports whether an activation is still to be served. ref is as it was
// registered, session the process whose end ends it.
type Alive = func(ref string, session process.ID) bool

// Sessions is what the agent has to know of the user's sessions.
type Sessions interface {
	Carried() func(ref string, session process.ID) bool // one look at who lives
	Live() bool                                         // whether there is any
}

// Run is the agent itself: it serves dir until it is stopped, told to end by a
// signal, or not needed for five minutes. On standard output it says "ready", or
// why it can't, and lets go of it.
//
// signIns redeems the sign-ins that are ours; nil: there are none.
func Run(dir string, sessions Sessions, signIns *vault.Vault) error {
	if !filepath.IsAbs(dir) {
		return fmt.Errorf("the agent's directory %q is not absolute", dir)
	}
	harden()
	closeInherited()
	debug.SetGCPercent(collectAt)
	ctx, stop := signal.NotifyContext(context.Background(), ends...)
	defer stop()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	err := run(ctx, dir, options{sessions: sessions, signIns: signIns, ticks: ticker.C, ready: func() {
		io.WriteString(os.Stdout, ready)
		letGo()
	}})
	if err != nil {
		fmt.Fprintln(os.Stdout, err)
	}
	return err
}

// options are what tests put in the place of the real ones.
type options struct {
	sessions Sessions
	signIns  *vault.Vault
	own      token.Getter // in the place of signIns
	ticks    <-chan time.Time
	now      func() time.Time
	limit    time.Duration // of a token request
	ready    func()
}

type server struct {
	generation Generation
	started    time.Time
	options
	registry *registry
	source   *token.Source
	endpoint *endpoint
	watcher  *process.Watcher // nil where the system tells of no process's end
	stop     context.CancelFunc
	over     <-chan struct{}

	mu      sync.Mutex
	conns   map[net.Conn]bool
	lastUse time.Time
	ending  bool
}

func run(ctx context.Context, dir string, o options) error {
	if o.now == nil {
		o.now = time.Now
	}
	over := make(chan struct{})
	defer close(over) // last of all, when the next agent may have the lock
	lock := flock.New(filepath.Join(dir, lockName), flock.SetPermissions(0o600))
	defer lock.Close()
	waiting, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	if ok, err := lock.TryLockContext(waiting, startPoll); waiting.Err() != nil {
		return errors.New("another agent of az-ctx's serves this directory")
	} else if err != nil || !ok {
		return fmt.Errorf("locking the agent's directory: %w", err)
	}

	generation, tcp, err := newGeneration(dir)
	if err != nil {
		return err
	}
	defer tcp.Close()
	unix, remove, err := listenUnix(dir)
	if err != nil {
		return err
	}
	defer remove()
	defer unix.Close()
	if err := generation.write(dir); err != nil {
		return err
	}

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s := &server{
		generation: generation, started: o.now(), options: o, stop: stop,
		registry: newRegistry(), source: &token.Source{Now: o.now, Limit: o.limit},
		conns: map[net.Conn]bool{}, lastUse: o.now(), over: over,
	}
	if o.signIns != nil {
		s.source.Own, s.source.Gone = o.signIns, gone
	}
	if o.own != nil {
		s.source.Own = o.own
	}
	var ended <-chan []process.ID
	if s.watcher, err = process.NewWatcher(); err == nil {
		defer s.watcher.Close()
		ended = s.watcher.Ended()
	}
	s.endpoint = newEndpoint(generation.Port, s.registry, s.source, o.now)
	web := s.endpoint.server()
	defer web.Close()
	go web.Serve(netutil.LimitListener(tcp, mostConnections))
	go s.accept(unix)
	if o.ready != nil {
		o.ready()
	}
	for {
		select {
		case <-ctx.Done():
			s.end()
			return nil
		case sessions := <-ended:
			s.ended(sessions...)
		case <-o.ticks:
			if s.sweep() {
				return nil
			}
		}
	}
}

// gone reports whether an account's sign-in was a session's that has ended.
func gone(a azure.Account) bool { return a.SignIn != nil && holderGone(a.SignIn.Holder) }

func holderGone(holder string) bool {
	if !vault.EndsWithSession(holder) {
		return false
	}
	session, err := process.ParseID(holder)
	return err == nil && !session.Alive()
}

// listenUnix makes the socket in the place of a dead agent's, for the lock is
// ours. remove takes it away, unless the directory was made anew meanwhile and
// the socket in it is another agent's.
func listenUnix(dir string) (l *net.UnixListener, remove func(), err error) {
	path := filepath.Join(dir, socketName)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("taking a dead agent's socket away: %w", err)
	}
	err = within(dir, socketName, func(path string) (err error) {
		l, err = net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("making the agent's socket: %w", err)
	}
	l.SetUnlinkOnClose(false) // its name may lead through a descriptor that is closed
	ours, err := os.Lstat(path)
	if err == nil {
		err = os.Chmod(path, 0o600)
	}
	if err != nil {
		l.Close()
		return nil, nil, fmt.Errorf("making the agent's socket: %w", err)
	}
	return l, func() {
		if now, err := os.Lstat(path); err == nil && os.SameFile(ours, now) {
			os.Remove(path)
		}
	}, nil
}

// watch has the end of a session noticed when it happens. Where the system can't
// tell, or of no more processes, the next tick sees it.
func (s *server) watch(session process.ID) {
	if s.watcher != nil && errors.Is(s.watcher.Add(session), process.ErrGone) {
		go s.ended(session)
	}
}

// ended drops what ends with these sessions' shells: first what is secret, then
// the activations that no other process carries.
func (s *server) ended(sessions ...process.ID) {
	was := map[string]bool{}
	for _, id := range sessions {
		was[id.String()] = true
	}
	s.dropSignIns(func(holder string) bool { return was[holder] })
	s.registry.sweep(s.sessions.Carried(), sessions...)
}

func (s *server) dropSignIns(ended func(holder string) bool) (holders int) {
	s.source.End(ended)
	if s.signIns != nil {
		holders = s.signIns.Sweep(ended)
	}
	return holders
}

// sweep ends what is over, and reports whether the agent is.
func (s *server) sweep() (over bool) {
	s.registry.sweep(s.sessions.Carried())
	s.source.Sweep()
	holders := s.dropSignIns(holderGone)
	if s.signIns != nil {
		s.signIns.Rest()
	}
	// A sign-in that is kept here for want of a keychain is for every session.
	needed := holders > 0 && s.sessions.Live()
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if s.registry.size() > 0 || needed || len(s.conns) > 0 {
		s.lastUse = now
	}
	s.ending = s.ending || now.Sub(s.lastUse) >= idleLife
	return s.ending
}

// retire is for another version's agent to take this one's place: it ends, if
// nobody would miss anything.
func (s *server) retire() error {
	holders := s.dropSignIns(holderGone)
	s.registry.sweep(s.sessions.Carried())
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.registry.size() > 0 || holders > 0 || len(s.conns) > 1 {
		return errors.New("az-ctx's agent is in use")
	}
	s.ending = true
	return nil
}

// end takes no more connections. Those that are there see the end of the
// process, which is how Stop knows of it.
func (s *server) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ending = true
}

func (s *server) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // out of descriptors: some end soon
			time.Sleep(10 * time.Millisecond)
			continue
		}
		go s.talk(conn)
	}
}

// talk answers one connection's requests, one after the other. An agent that is
// about to end says nothing, and is replaced by whoever asked.
func (s *server) talk(conn net.Conn) {
	defer conn.Close()
	if checkPeer(conn.(*net.UnixConn)) != nil {
		return
	}
	s.mu.Lock()
	ending := s.ending
	if !ending {
		s.conns[conn] = true
	}
	s.mu.Unlock()
	if ending {
		return
	}
	defer func() {
		s.mu.Lock()
		delete(s.conns, conn)
		s.lastUse = s.now()
		s.mu.Unlock()
	}()
	out := json.NewEncoder(conn)
	if out.Encode(greeting{Protocol: protocol, Generation: s.generation, Version: Version}) != nil {
		return
	}
	lines := bufio.NewScanner(conn)
	lines.Buffer(nil, longestLine)
	for conn.SetReadDeadline(time.Now().Add(silence)) == nil && lines.Scan() {
		var r request
		var answer response
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			answer.Error = &wireError{Message: "a request that is not understood"}
		} else if answer, err = s.answer(r); err != nil {
			answer.Error = toWire(err)
		}
		answer.Protocol = protocol
		if out.Encode(answer) != nil {
			return
		}
		if r.Op == opStop || r.Op == opRetire && answer.Error == nil {
			s.stop()
			<-s.over // the client waits for the connection's end
			return
		}
	}
}

func (s *server) answer(r request) (response, error) {
	if r.Protocol != protocol && r.Op != opStop && r.Op != opRetire {
		return response{}, versionError(protocol, r.Protocol)
	}
	switch {
	case r.Op == opRegister && r.Registration != nil:
		reg := *r.Registration
		if reg.Ref == "" || reg.Session.PID <= 0 {
			return response{}, errors.New("an activation without a name or a session")
		}
		reg.Origin = allowed(reg.Origin)
		header, path := s.registry.register(reg)
		s.watch(reg.Session)
		return response{Endpoint: &Endpoint{Generation: s.generation.ID, Port: s.generation.Port, Header: header, Path: path}}, nil
	case r.Op == opToken && r.Token != nil:
		ask := *r.Token
		ask.Origin = allowed(ask.Origin)
		t, err := s.source.Get(context.Background(), ask)
		if err == nil {
			s.endpoint.given.add("az-ctx")
		}
		return response{Token: &t}, err
	case r.Op == opRelease:
		return response{Count: s.registry.release(r.Ref)}, nil
	case r.Op == opForget && r.Account != nil:
		return response{Count: s.source.Forget(*r.Account)}, nil
	case r.Op == opKeep && r.Held != nil && s.signIns != nil:
		if err := s.signIns.Keep(context.Background(), *r.Held); err != nil {
			return response{}, err
		}
		if session, err := process.ParseID(r.Held.Holder); err == nil {
			s.watch(session)
		}
		return response{}, nil
	case r.Op == opDrop && r.Held != nil && s.signIns != nil:
		return response{}, s.signIns.Remove(context.Background(), r.Held.Holder, r.Held.Name)
	case r.Op == opSave && r.Held != nil && s.signIns != nil:
		holder, err := s.signIns.Save(context.Background(), r.Held.Holder, r.Held.Name)
		return response{Holder: holder}, err
	case r.Op == opStatus:
		return response{Status: s.status()}, nil
	case r.Op == opRetire:
		return response{}, s.retire()
	case r.Op == opStop:
		return response{}, nil
	}
	return response{}, fmt.Errorf("a request that is not understood: %q", r.Op)
}

// allowed drops from an origin what it may not carry.
func allowed(o Origin) Origin {
	env := map[string]string{}
	for _, name := range OriginNames {
		if text, ok := o.Env[name]; ok {
			env[name] = text
		}
	}
	return Origin{Path: o.Path, Env: env}
}

func (s *server) status() *Status {
	st := &Status{
		Generation: s.generation, Version: Version, Started: s.started, Activations: []Served{},
		Held: s.source.Sweep(), SignIns: s.dropSignIns(holderGone), Tokens: s.endpoint.given.counts(), Refused: s.endpoint.refused.counts(),
	}
	for _, a := range s.registry.list() {
		served := Served{Ref: a.Ref, Session: a.Session, Tokens: a.given.counts()}
		if a.Context != nil {
			served.Context = a.Context.Name
		}
		st.Activations = append(st.Activations, served)
	}
	return st
}
