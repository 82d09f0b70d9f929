//go:build unix

package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/process"
	"github.com/az-ctx/az-ctx/pkg/token"
)

// TestMain lets Connect start this very binary as the agent, and tests as many
// processes as they need that connect to it.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) == 4 && os.Args[1] == "agent" && os.Args[2] == "run":
		Version = os.Getenv(versionVariable)
		if Run(os.Args[3], shells, nil) != nil {
			os.Exit(1)
		}
	case len(os.Args) == 3 && os.Args[1] == "connect":
		c, err := Connect(context.Background(), os.Args[2])
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(c.Generation().ID)
	default:
		os.Exit(m.Run())
	}
	os.Exit(0)
}

// versionVariable says of which version an agent is. It is one that an agent's
// environment keeps.
const versionVariable = "XDG_AZ_CTX_TEST_VERSION"

// told are sessions of which the test says who lives.
type told struct {
	alive Alive
	live  func() bool
}

func (t told) Carried() func(string, process.ID) bool { return t.alive }
func (t told) Live() bool                             { return t.live() }

// shells are sessions that live as long as their shell.
var shells = told{
	alive: func(_ string, session process.ID) bool { return session.Alive() },
	live:  func() bool { return false },
}

const (
	tenantID = "aaaaaaaa-0000-4000-8000-000000000001"
	subID    = "00000001-0000-4000-8000-000000000000"
	arm      = "https://management.core.windows.net/"
)

// alice is a context borrowed from az's sign-in in dir.
func alice(dir string) *azure.Context {
	return &azure.Context{
		Name:         "prod",
		Account:      azure.Account{ID: "alice@contoso.com", Type: azure.User, Borrowed: &azure.Borrowed{From: "az", Directory: dir}},
		Tenant:       azure.Tenant{ID: tenantID, Name: "Contoso", Domain: "contoso.com"},
		Subscription: &azure.Subscription{ID: subID, Name: "Contoso Prod 1", State: "Enabled", TenantID: tenantID},
		Environment:  "AzureCloud",
	}
}

func self(t testing.TB) process.ID {
	t.Helper()
	info, err := process.Lookup(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	return info.ID
}

// runDir is a run directory whose agent, if one was started, ends with the test.
func runDir(t testing.TB, name ...string) string {
	t.Helper()
	dir := filepath.Join(append([]string{t.TempDir()}, name...)...)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, dir) })
	return dir
}

func stop(t testing.TB, dir string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, err := Dial(ctx, dir)
	if errors.Is(err, ErrNotRunning) {
		return
	}
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	if err := c.Stop(ctx); err != nil {
		t.Error(err)
	}
}

func connectTo(t testing.TB, dir string) *Client {
	t.Helper()
	c, err := Connect(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func registration(t testing.TB, number int) Registration {
	me := self(t)
	return Registration{Ref: fmt.Sprintf("h/%s/%d", me, number), Session: me, Context: alice("/nowhere"), Cloud: azure.Public}
}

func mustRegister(t testing.TB, c *Client, r Registration) Endpoint {
	t.Helper()
	e, err := c.Register(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func mustStatus(t testing.TB, c *Client) Status {
	t.Helper()
	s, err := c.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ofVersion makes this program, and the agents that it starts, one of that version.
func ofVersion(t testing.TB, version string) {
	t.Setenv(versionVariable, version)
	before := Version
	Version = version
	t.Cleanup(func() { Version = before })
}

// eventually waits for what another process does.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not so within 10 s: %s", what)
		}
	}
}

func TestP71AnAgentServesABorrowedContextToEveryTool(t *testing.T) {
	t.Setenv("AZURE_CLIENT_SECRET", "x")
	t.Setenv("AZURE_CONFIG_DIR", "/elsewhere")
	t.Setenv("ARM_CLIENT_SECRET", "x")
	t.Setenv("AZ_CTX_NAME", "x")
	t.Setenv("GODEBUG", "")
	ofVersion(t, "2.0")
	azDir, origin := stubAz(t, "alice@contoso.com")
	origin.Env = map[string]string{"HTTPS_PROXY": "http://proxy:3128", "LD_PRELOAD": "/evil.so"}
	c := connectTo(t, runDir(t))
	r := registration(t, 1)
	r.Context, r.Origin = alice(azDir), origin
	keys := mustRegister(t, c, r)
	s := served{t: t, port: keys.Port, keys: keys}
	for name, asking := range asks {
		if status, body, _ := s.do(asking(t, keys.Variables(), arm)); status != 200 || body["status"] == "error" {
			t.Errorf("%s: %d %v", name, status, body)
		}
	}
	got, err := c.Token(t.Context(), TokenRequest{Context: *r.Context, Cloud: r.Cloud, Origin: origin, Resource: arm})
	if err != nil || got.Value != "alice@contoso.com for "+arm || !got.ExpiresOn.Equal(tokenEnds) {
		t.Errorf("got %v, %v", got, err)
	}
	status := mustStatus(t, c)
	if a := status.Activations; len(a) != 1 || a[0].Ref != r.Ref || a[0].Context != "prod" || a[0].Tokens["terraform"] != 1 || status.Held != 1 || status.Version != "2.0" ||
		!maps.Equal(status.Tokens, map[string]int{"app service": 1, "old msi": 1, "terraform": 1, "azd": 1, "az-ctx": 1}) || status.Sessions() != 1 {
		t.Errorf("status: %+v", status)
	}
	env, err := os.ReadFile(filepath.Join(azDir, "env"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"AZURE_CLIENT_SECRET=", "ARM_CLIENT_SECRET=", "AZ_CTX_NAME=", "LD_PRELOAD=", "GODEBUG=", "/elsewhere"} {
		if strings.Contains(string(env), name) {
			t.Errorf("az had %s", name)
		}
	}
	if !strings.Contains(string(env), "HTTPS_PROXY=http://proxy:3128\n") {
		t.Error("az did not have the proxy")
	}
	if n, err := c.Forget(t.Context(), r.Context.Account); n != 1 || err != nil {
		t.Errorf("forgot %d, %v", n, err)
	}
}

func TestASignInThatIsNeededIsOneAcrossTheSocketToo(t *testing.T) {
	c := connectTo(t, runDir(t))
	_, err := c.Token(t.Context(), TokenRequest{Context: *alice(t.TempDir()), Cloud: azure.Public, Resource: arm})
	needed, ok := token.AsSignInNeeded(err)
	if !ok || !strings.Contains(needed.Try, "az login --tenant") || !strings.Contains(err.Error(), "signed out") {
		t.Errorf("got %v", err)
	}
	if _, err := c.Token(t.Context(), TokenRequest{Context: *alice(t.TempDir()), Cloud: azure.Public}); err == nil {
		t.Error("a token for nothing")
	} else if _, ok := token.AsSignInNeeded(err); ok {
		t.Errorf("got %v", err)
	}
}

func TestAnAgentThatIsNotThereIsNotStartedByDial(t *testing.T) {
	if _, err := Dial(t.Context(), runDir(t)); !errors.Is(err, ErrNotRunning) {
		t.Errorf("got %v", err)
	}
}

func TestManyAtOnceStartOneAgent(t *testing.T) {
	dir := runDir(t)
	const n = 25
	ids := make([]string, 2*n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { // a process of its own
			out, err := exec.Command(os.Args[0], "connect", dir).CombinedOutput()
			if err != nil {
				t.Errorf("%v: %s", err, out)
			}
			ids[i] = strings.TrimSpace(string(out))
		})
		all.Go(func() { // and one of ours
			c, err := Connect(t.Context(), dir)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			ids[n+i] = c.Generation().ID
		})
	}
	all.Wait()
	if ids = slices.Compact(ids); len(ids) != 1 || ids[0] == "" {
		t.Errorf("they reached %v", ids)
	}
	pids, err := process.All()
	if err != nil {
		t.Skip("this system does not list processes: ", err)
	}
	agents := 0
	for _, pid := range pids {
		if cmd, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); err == nil && strings.HasSuffix(string(cmd), "agent\x00run\x00"+dir+"\x00") {
			agents++
		}
	}
	if agents != 1 {
		t.Errorf("%d agents run", agents)
	}
}

func TestAKilledAgentIsReplacedOnTheSamePort(t *testing.T) {
	dir := runDir(t)
	azDir, origin := stubAz(t, "alice@contoso.com")
	r := registration(t, 1)
	r.Context, r.Origin = alice(azDir), origin
	first := connectTo(t, dir)
	old := mustRegister(t, first, r)
	before := first.Generation()
	if err := syscall.Kill(before.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the agent is dead", func() bool { _, err := process.Lookup(before.PID); return err != nil })
	if _, err := first.Register(t.Context(), r); err == nil || !strings.Contains(err.Error(), "registering the activation: az-ctx's agent went away") {
		t.Errorf("on the old connection: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, socketName)); err != nil {
		t.Fatal("it left no stale socket to replace: ", err)
	}

	second := connectTo(t, dir)
	after := second.Generation()
	if after.ID == before.ID || after.PID == before.PID || after.Port != before.Port {
		t.Errorf("before %+v, after %+v", before, after)
	}
	if onDisk, err := ReadGeneration(dir); err != nil || onDisk != after {
		t.Errorf("the file says %+v, %v", onDisk, err)
	}
	s := served{t: t, port: after.Port}
	for name, asking := range asks {
		denied(t, s, name, asking(t, old.Variables(), arm), "context_ended", "was restarted")
	}
	healed := mustRegister(t, second, r)
	for name, asking := range asks {
		if status, body, _ := s.do(asking(t, healed.Variables(), arm)); status != 200 || body["status"] == "error" {
			t.Errorf("%s: %d %v", name, status, body)
		}
	}
	if got := mustStatus(t, second).Refused["unknown key"]; got != len(asks) {
		t.Errorf("%d old keys were counted", got)
	}
}

func TestATakenPortIsNotWaitedFor(t *testing.T) {
	dir := runDir(t)
	other, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	taken := other.Addr().(*net.TCPAddr).Port
	if err := (Generation{ID: "x", PID: 1, Port: taken}).write(dir); err != nil {
		t.Fatal(err)
	}
	if got := connectTo(t, dir).Generation().Port; got == taken {
		t.Errorf("it is on %d", got)
	}
}

func TestSIGTERMEndsItCleanly(t *testing.T) {
	dir := runDir(t)
	g := connectTo(t, dir).Generation()
	syscall.Kill(g.PID, syscall.SIGTERM)
	eventually(t, "the agent has ended", func() bool { _, err := process.Lookup(g.PID); return err != nil })
	if _, err := os.Stat(filepath.Join(dir, socketName)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, lockName)); err != nil {
		t.Errorf("the lock: %v", err)
	}
	if got, err := ReadGeneration(dir); err != nil || got != g {
		t.Errorf("the generation: %+v, %v", got, err)
	}
}

func TestStopReturnsWhenTheNextMayStart(t *testing.T) {
	dir := runDir(t)
	c := connectTo(t, dir)
	before := c.Generation()
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := Dial(t.Context(), dir); !errors.Is(err, ErrNotRunning) {
		t.Errorf("got %v", err)
	}
	if after := connectTo(t, dir).Generation(); after.ID == before.ID || after.Port != before.Port {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

func TestASecondAgentLeavesTheFirstAlone(t *testing.T) {
	dir := runDir(t)
	g := connectTo(t, dir).Generation()
	out, err := exec.Command(os.Args[0], "agent", "run", dir).Output()
	if err == nil || !strings.Contains(string(out), "another agent") {
		t.Errorf("got %v, %s", err, out)
	}
	if now := connectTo(t, dir).Generation(); now != g {
		t.Errorf("before %+v, now %+v", g, now)
	}
}

func TestFilesAreTheUsersAlone(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	dir := runDir(t)
	connectTo(t, dir)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s is %v", e.Name(), info.Mode())
		}
		names = append(names, e.Name())
	}
	if want := []string{generationName, lockName, socketName, startName}; !slices.Equal(names, want) {
		t.Errorf("it holds %v", names)
	}
	raw, _ := os.ReadFile(filepath.Join(dir, generationName))
	g, err := ReadGeneration(dir)
	if want := fmt.Sprintf("%s %d %d\n", g.ID, g.PID, g.Port); err != nil || string(raw) != want {
		t.Errorf("the generation is %q, %v", raw, err)
	}
}

func TestALongPathIsServedFromInside(t *testing.T) {
	dir := runDir(t, strings.Repeat("x", 60), strings.Repeat("ü", 60))
	before, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	mustRegister(t, connectTo(t, dir), registration(t, 1))
	if after, err := os.Getwd(); after != before {
		t.Errorf("we are in %s, %v", after, err)
	}
}

func TestWhyItCannotStartIsSaid(t *testing.T) {
	dir := runDir(t)
	if err := os.MkdirAll(filepath.Join(dir, generationName+".new", "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := Connect(t.Context(), dir)
	if err == nil || !strings.HasPrefix(err.Error(), "reaching az-ctx's agent: starting it: writing the agent's generation:") {
		t.Errorf("got %v", err)
	}
	_, err = Connect(t.Context(), filepath.Join(dir, "missing"))
	if err == nil || strings.Count(err.Error(), "reaching") != 1 {
		t.Errorf("got %v", err)
	}
}

func TestTheAgentIsNobodysChildAndKeepsNothingOpen(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	inherited, err := syscall.Dup(int(w.Fd())) // which is not closed on exec
	if err != nil {
		t.Fatal(err)
	}
	g := connectTo(t, runDir(t)).Generation()
	w.Close()
	syscall.Close(inherited)
	r.SetReadDeadline(time.Now().Add(10 * time.Second))
	if n, err := r.Read(make([]byte, 1)); n != 0 || err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the agent keeps a pipe of ours open: %v", err)
	}
	info, err := process.Lookup(g.PID)
	if err != nil {
		t.Fatal(err)
	}
	if info.Parent == os.Getpid() {
		t.Error("the agent is our child")
	}
	if sid, err := syscall.Getpgid(g.PID); err != nil || sid == syscall.Getpgrp() {
		t.Errorf("the agent is in our process group, %v", err)
	}
	if cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", g.PID)); err == nil && cwd != "/" {
		t.Errorf("the agent is in %s", cwd)
	}
}

func TestAnAgentOfAnotherVersionCanOnlyBeStopped(t *testing.T) {
	dir := t.TempDir()
	l, err := net.Listen("unix", filepath.Join(dir, socketName))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	asked := make(chan string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprintln(conn, `{"protocol":99,"generation":{"id":"x"}}`)
		line := make([]byte, 1000)
		n, _ := conn.Read(line)
		asked <- string(line[:n])
		fmt.Fprintln(conn, `{"protocol":99}`)
	}()
	c, err := Connect(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Register(t.Context(), registration(t, 1)); !errors.Is(err, ErrVersion) || !strings.Contains(err.Error(), "az-ctx agent stop") {
		t.Errorf("got %v", err)
	}
	if err := c.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if got := <-asked; got != `{"protocol":1,"op":"stop"}`+"\n" {
		t.Errorf("it was asked %s", got)
	}
}

func TestWhatIsNotUnderstoodIsAnErrorAndTheConnectionGoesOn(t *testing.T) {
	c := connectTo(t, runDir(t))
	for line, want := range map[string]string{
		"x": "not understood", "{}": "another version", `{"protocol":2,"op":"register"}`: "another version",
		`{"protocol":1,"op":"register"}`: "not understood", `{"protocol":1,"op":"dance"}`: "not understood",
		`{"protocol":1,"op":"register","registration":{}}`: "without a name",
	} {
		fmt.Fprintln(c.conn, line)
		var answer response
		if err := c.read(&answer); err != nil {
			t.Fatal(err)
		}
		if answer.Error == nil || !strings.Contains(answer.Error.Message, want) {
			t.Errorf("%s: %+v", line, answer.Error)
		}
	}
	mustStatus(t, c)
}

func TestReleaseEndsAnActivationOrASessions(t *testing.T) {
	g := newRegistry()
	for _, ref := range []string{"h/1-1/1", "h/1-1/2", "h/1-11/1", "h/1-1/10", "h/2-2/1"} {
		g.register(Registration{Ref: ref})
	}
	left := func() (refs []string) {
		for _, a := range g.list() {
			refs = append(refs, a.Ref)
		}
		return refs
	}
	if n := g.release("h/1-1/10"); n != 1 {
		t.Errorf("%d ended", n)
	}
	if n := g.release("h/1-1/3"); n != 0 {
		t.Errorf("%d ended", n)
	}
	if n := g.release("h/1-1/0"); n != 2 || !slices.Equal(left(), []string{"h/1-11/1", "h/2-2/1"}) {
		t.Errorf("%d ended, left are %v", n, left())
	}
	if len(g.header) != 2 || len(g.path) != 2 {
		t.Errorf("%d and %d keys are left", len(g.header), len(g.path))
	}
}

// clocked is an agent in this process whose time and looks are the test's.
type clocked struct {
	t     *testing.T
	dir   string
	ticks chan time.Time
	now   atomic.Int64 // seconds
	done  chan error
}

func startClocked(t *testing.T, alive Alive) *clocked {
	t.Helper()
	return startWith(t, options{sessions: told{alive, shells.live}})
}

// startWith starts an agent in this process. What o lacks is the clock and the ticks.
func startWith(t *testing.T, o options) *clocked {
	t.Helper()
	a := &clocked{t: t, dir: runDir(t), ticks: make(chan time.Time), done: make(chan error, 1)}
	up := make(chan bool)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	o.ticks, o.now, o.ready = a.ticks, func() time.Time { return time.Unix(a.now.Load(), 0) }, func() { close(up) }
	go func() { a.done <- run(ctx, a.dir, o) }()
	select {
	case <-up:
	case err := <-a.done:
		t.Fatal(err)
	}
	return a
}

// pass lets time pass and the agent look. When it returns an earlier look has
// been done, and with two of them this one.
func (a *clocked) pass(d time.Duration) {
	a.t.Helper()
	a.now.Add(int64(d / time.Second))
	for range 2 {
		select {
		case a.ticks <- time.Time{}:
		case err := <-a.done:
			a.done <- err
			return
		}
	}
}

func (a *clocked) over() bool {
	select {
	case err := <-a.done:
		if err != nil {
			a.t.Error(err)
		}
		return true
	default:
		return false
	}
}

// with talks to the agent and hangs up.
func (a *clocked) with(do func(*Client)) {
	a.t.Helper()
	c, err := Dial(a.t.Context(), a.dir)
	if err != nil {
		a.t.Fatal(err)
	}
	do(c)
	c.Close()
}

func TestAnActivationEndsWithItsSessionOrItsLastCarrier(t *testing.T) {
	var carried sync.Map
	a := startClocked(t, func(ref string, session process.ID) bool {
		_, ok := carried.Load(fmt.Sprint(ref, session))
		return ok
	})
	dir, origin := stubAz(t, "alice@contoso.com")
	var keys [2]Endpoint
	a.with(func(c *Client) {
		for i := range keys {
			r := Registration{Ref: fmt.Sprintf("h/7-7/%d", i), Session: process.ID{PID: 7, Start: 7}, Context: alice(dir), Cloud: azure.Public, Origin: origin}
			carried.Store(fmt.Sprint(r.Ref, r.Session), true)
			keys[i] = mustRegister(t, c, r)
		}
	})
	a.pass(30 * time.Second)
	carried.Delete(fmt.Sprint("h/7-7/0", process.ID{PID: 7, Start: 7}))
	a.pass(30 * time.Second)
	s := served{t: t}
	for name, asking := range asks {
		denied(t, s, name, asking(t, keys[0].Variables(), arm), "context_ended", "")
		if status, body, _ := s.do(asking(t, keys[1].Variables(), arm)); status != 200 || body["status"] == "error" {
			t.Errorf("%s of the one that is carried: %d %v", name, status, body)
		}
	}
}

func TestASessionIsItsShellsLifeWhereNothingElseIsSaid(t *testing.T) {
	shell := exec.Command("sleep", "600")
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	info, err := process.Lookup(shell.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	a := startClocked(t, shells.alive)
	served := func() (n int) {
		a.with(func(c *Client) { n = len(mustStatus(t, c).Activations) })
		return n
	}
	a.with(func(c *Client) {
		mustRegister(t, c, Registration{Ref: "h/1-1/1", Session: info.ID})
		mustRegister(t, c, Registration{Ref: "h/1-2/1", Session: process.ID{PID: info.PID, Start: info.Start + 1}}) // that pid, at another time
	})
	a.pass(0)
	if n := served(); n != 1 {
		t.Errorf("%d are served", n)
	}
	shell.Process.Kill()
	shell.Wait()
	a.pass(0)
	if n := served(); n != 0 {
		t.Errorf("%d are served", n)
	}
}

func TestAnAgentThatServesNobodyEndsAfterFiveMinutes(t *testing.T) {
	var alive atomic.Bool
	alive.Store(true)
	a := startClocked(t, func(string, process.ID) bool { return alive.Load() })
	a.pass(4 * time.Minute)
	a.with(func(c *Client) { mustRegister(t, c, Registration{Ref: "h/1-1/1", Session: process.ID{PID: 1}}) })
	a.pass(24 * time.Hour)
	alive.Store(false)
	a.pass(0)
	a.pass(idleLife - time.Second)
	if a.over() {
		t.Fatal("it ended early")
	}
	open, err := Dial(t.Context(), a.dir) // somebody talks to it
	if err != nil {
		t.Fatal(err)
	}
	a.pass(24 * time.Hour)
	if a.over() {
		t.Fatal("it ended while somebody talked to it")
	}
	mustStatus(t, open)
	open.Close()
	eventually(t, "it ends", func() bool { a.pass(idleLife); return a.over() })
	if _, err := Dial(t.Context(), a.dir); !errors.Is(err, ErrNotRunning) {
		t.Errorf("got %v", err)
	}
}

func TestAnAgentThatIsJustEndingIsReplaced(t *testing.T) {
	dir := runDir(t)
	// Its socket takes connections, and hangs up on each.
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, socketName), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false) // it will be another's
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	}()
	mustRegister(t, connectTo(t, dir), registration(t, 1))
}

func TestPortsAreDrawnWhereNoneIsGivenOut(t *testing.T) {
	for _, c := range []portRange{{32768, 60999}, {49152, 65535}, {1024, 20000}, {15001, 65535}, {15000, 65534}, {60000, 70000}, {1, 100}} {
		seen := map[bool]bool{}
		for range 2000 {
			p := drawPort(c)
			if p < usable.low || p > usable.high || p >= c.low && p <= c.high {
				t.Fatalf("%v: %d", c, p)
			}
			seen[p < c.low] = true
		}
		if below, above := c.low > usable.low, c.high < usable.high; seen[true] != below || seen[false] != above {
			t.Errorf("%v: below %v, above %v", c, seen[true], seen[false])
		}
	}
	if p := drawPort(portRange{1024, 65535}); p < usable.low || p > usable.high {
		t.Errorf("where all are given out: %d", p)
	}
}

func TestADirectoryThatVanishedIsServedByAnotherAgent(t *testing.T) {
	dir := runDir(t)
	first := connectTo(t, dir)
	old := mustRegister(t, first, registration(t, 1))
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	second := connectTo(t, dir)
	if second.Generation().ID == first.Generation().ID || second.Generation().Port == old.Port {
		t.Errorf("first %+v, second %+v", first.Generation(), second.Generation())
	}
	if n := len(mustStatus(t, first).Activations); n != 1 {
		t.Errorf("the first serves %d", n)
	}
	if err := first.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	mustRegister(t, connectTo(t, dir), registration(t, 1)) // the second's socket is still there
}

func TestAGenerationFileThatIsNoneIsAnError(t *testing.T) {
	dir := t.TempDir()
	if _, err := ReadGeneration(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	for _, text := range []string{"", "x", "x 1", "x y z\n"} {
		if err := os.WriteFile(filepath.Join(dir, generationName), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if g, err := ReadGeneration(dir); err == nil {
			t.Errorf("%q: %+v", text, g)
		}
	}
}

// BenchmarkRegisterCold is the first switch: the agent's start, a connection, a
// registration.
func BenchmarkRegisterCold(b *testing.B) {
	r := registration(b, 1)
	for range b.N {
		b.StopTimer()
		dir := b.TempDir()
		b.StartTimer()
		c, err := Connect(b.Context(), dir)
		if err != nil {
			b.Fatal(err)
		}
		mustRegister(b, c, r)
		b.StopTimer()
		c.Close()
		stop(b, dir)
	}
}

// BenchmarkRegisterWarm is what any other switch pays: a connection of its own,
// one registration.
func BenchmarkRegisterWarm(b *testing.B) {
	dir, r := runDir(b), registration(b, 1)
	connectTo(b, dir)
	for b.Loop() {
		c, err := Connect(b.Context(), dir)
		if err != nil {
			b.Fatal(err)
		}
		mustRegister(b, c, r)
		c.Close()
	}
}

// BenchmarkTokenFromMemory is what a tool pays.
func BenchmarkTokenFromMemory(b *testing.B) {
	azDir, origin := stubAz(b, "alice@contoso.com")
	c := connectTo(b, runDir(b))
	r := registration(b, 1)
	r.Context, r.Origin = alice(azDir), origin
	mustRegister(b, c, r)
	for b.Loop() {
		if _, err := c.Token(b.Context(), TokenRequest{Context: *r.Context, Cloud: r.Cloud, Origin: origin, Resource: arm}); err != nil {
			b.Fatal(err)
		}
	}
}
