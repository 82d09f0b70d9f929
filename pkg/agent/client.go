package agent

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/token"
	"github.com/az-ctx/az-ctx/pkg/vault"
)

// ErrNotRunning says that no agent serves the directory.
var ErrNotRunning = errors.New("az-ctx's agent is not running")

const (
	startLimit = 5 * time.Second      // for an agent to come up
	startPoll  = 2 * time.Millisecond // while another process starts it
)

// Client is a connection to the agent; it is for one goroutine at a time.
type Client struct {
	conn       net.Conn
	lines      *bufio.Reader
	theirs     int // the agent's protocol
	generation Generation
	version    string // the agent's
}

// Dial connects to the agent that serves dir, and starts none: it is
// ErrNotRunning where none runs.
func Dial(ctx context.Context, dir string) (*Client, error) {
	c, err := dial(ctx, dir)
	if err != nil && !errors.Is(err, ErrNotRunning) {
		return nil, fmt.Errorf("reaching az-ctx's agent: %w", err)
	}
	return c, err
}

// Connect connects to the agent that serves dir (…/az-ctx/run/<host>, which is
// there, 0700), and starts one where none runs. However many processes do that
// at once, one agent is started. One of another version is replaced where it
// serves nobody, and left alone where it does.
func Connect(ctx context.Context, dir string) (*Client, error) {
	c, err := connect(ctx, dir)
	if err != nil {
		return nil, fmt.Errorf("reaching az-ctx's agent: %w", err)
	}
	return c, nil
}

func connect(ctx context.Context, dir string) (*Client, error) {
	c, err := dial(ctx, dir)
	if err == nil && c.version != Version && c.retire(ctx) {
		err = ErrNotRunning
	}
	if !errors.Is(err, ErrNotRunning) {
		return c, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, errors.New("it did not come up in time"))
	defer cancel()
	starting := flock.New(filepath.Join(dir, startName), flock.SetPermissions(0o600))
	defer starting.Close()
	if ok, err := starting.TryLockContext(ctx, startPoll); err != nil || !ok {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, err
	}
	// Whoever held the lock has started one, or an agent that was about to end
	// has ended: it is asked for once more, then replaced.
	if c, err := dial(ctx, dir); !errors.Is(err, ErrNotRunning) {
		return c, err
	}
	if err := start(ctx, dir); err != nil {
		return nil, err
	}
	return dial(ctx, dir)
}

func dial(ctx context.Context, dir string) (*Client, error) {
	var conn net.Conn
	err := within(dir, socketName, func(path string) (err error) {
		var d net.Dialer
		conn, err = d.DialContext(ctx, "unix", path)
		return err
	})
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if errors.Is(err, os.ErrPermission) {
			return nil, err
		}
		return nil, ErrNotRunning // no socket, or one that a dead agent left
	}
	if err := checkPeer(conn.(*net.UnixConn)); err != nil {
		conn.Close()
		return nil, err
	}
	c := &Client{conn: conn, lines: bufio.NewReader(conn)}
	var hello greeting
	if err := c.within(ctx, func() error { return c.read(&hello) }); err != nil {
		conn.Close()
		if ctx.Err() != nil {
			return nil, errors.New("it does not answer")
		}
		return nil, ErrNotRunning // it was just ending
	}
	c.theirs, c.generation, c.version = hello.Protocol, hello.Generation, hello.Version
	return c, nil
}

// within runs a read or write on the connection that ends when ctx does.
func (c *Client) within(ctx context.Context, f func() error) error {
	stop := context.AfterFunc(ctx, func() { c.conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	return f()
}

func (c *Client) read(into any) error {
	line, err := c.lines.ReadBytes('\n')
	if err != nil {
		return err
	}
	return json.Unmarshal(line, into)
}

// call makes one request. Of an agent of another protocol only its end can be
// asked for.
func (c *Client) call(ctx context.Context, doing string, r request) (response, error) {
	if c.theirs != protocol && r.Op != opStop && r.Op != opRetire {
		return response{}, fmt.Errorf("%s: %w", doing, versionError(c.theirs, protocol))
	}
	r.Protocol = protocol
	line, err := json.Marshal(r)
	if err != nil {
		return response{}, fmt.Errorf("%s: %w", doing, err)
	}
	var answer response
	err = c.within(ctx, func() error {
		if _, err := c.conn.Write(append(line, '\n')); err != nil {
			return err
		}
		return c.read(&answer)
	})
	if err != nil {
		c.conn.Close() // an answer that comes late must not be taken for the next one's
		if ctx.Err() != nil {
			return response{}, fmt.Errorf("%s: az-ctx's agent did not answer: %w", doing, context.Cause(ctx))
		}
		return response{}, fmt.Errorf("%s: az-ctx's agent went away: %w", doing, err)
	}
	if answer.Error != nil {
		return response{}, answer.Error.err()
	}
	return answer, nil
}

// Close ends the connection; the agent goes on.
func (c *Client) Close() error { return c.conn.Close() }

// Version is of the az-ctx that the agent is of.
func (c *Client) Version() string { return c.version }

// Generation is the agent's that is connected to.
func (c *Client) Generation() Generation { return c.generation }

// Register gives an activation its keys. One that has keys already gets new
// ones, and the old ones end: so a shell heals after the agent was restarted.
func (c *Client) Register(ctx context.Context, r Registration) (Endpoint, error) {
	answer, err := c.call(ctx, "registering the activation", request{Op: opRegister, Registration: &r})
	if err != nil || answer.Endpoint == nil {
		return Endpoint{}, orUnknown(err)
	}
	return *answer.Endpoint, nil
}

// Token gives a token. The error is a token.SignInNeeded where only the user
// can help. It takes up to 20 s, az's own time.
func (c *Client) Token(ctx context.Context, r TokenRequest) (token.Token, error) {
	answer, err := c.call(ctx, "getting a token", request{Op: opToken, Token: &r})
	if err != nil || answer.Token == nil {
		return token.Token{}, orUnknown(err)
	}
	return *answer.Token, nil
}

// Release ends activations and their keys at once: the one that ref names, or
// with number 0 ("<host>/<pid>-<start>/0") all of that session's. It returns how
// many there were.
func (c *Client) Release(ctx context.Context, ref string) (int, error) {
	answer, err := c.call(ctx, "ending the activation", request{Op: opRelease, Ref: ref})
	return answer.Count, err
}

// Forget drops the tokens of an account, and returns how many there were.
// Activations stay: they are answered with what the account's sign-in says then.
func (c *Client) Forget(ctx context.Context, a azure.Account) (int, error) {
	answer, err := c.call(ctx, "forgetting the account's tokens", request{Op: opForget, Account: &a})
	return answer.Count, err
}

// Keep has the agent hold a sign-in's secret in its memory.
func (c *Client) Keep(ctx context.Context, h vault.Held) error {
	_, err := c.call(ctx, "handing the sign-in over", request{Op: opKeep, Held: &h})
	return err
}

// Drop has the agent take a sign-in's secret out of its holder's memory.
func (c *Client) Drop(ctx context.Context, holder, name string) error {
	_, err := c.call(ctx, "taking the sign-in out of memory", request{Op: opDrop, Held: &vault.Held{Holder: holder, Name: name}})
	return err
}

// Save has the agent keep a session's own sign-in for every session, and returns
// who holds it then: see vault.Vault.Save.
func (c *Client) Save(ctx context.Context, holder, name string) (string, error) {
	answer, err := c.call(ctx, "saving the sign-in", request{Op: opSave, Held: &vault.Held{Holder: holder, Name: name}})
	return answer.Holder, err
}

// Status asks the agent what it does.
func (c *Client) Status(ctx context.Context) (Status, error) {
	answer, err := c.call(ctx, "asking for the status", request{Op: opStatus})
	if err != nil || answer.Status == nil {
		return Status{}, orUnknown(err)
	}
	return *answer.Status, nil
}

// Stop ends the agent, of whatever version it is, and returns when it is gone.
// Its tokens and the keys of every activation go with it.
func (c *Client) Stop(ctx context.Context) error { return c.end(ctx, opStop) }

// retire ends an agent that serves nobody, and reports whether it is gone.
func (c *Client) retire(ctx context.Context) bool {
	if c.end(ctx, opRetire) != nil {
		return false
	}
	c.conn.Close()
	return true
}

func (c *Client) end(ctx context.Context, how operation) error {
	if _, err := c.call(ctx, "stopping", request{Op: how}); err != nil {
		return err
	}
	err := c.within(ctx, func() error { return c.read(&response{}) })
	if ctx.Err() != nil {
		return fmt.Errorf("stopping: az-ctx's agent did not end: %w", errors.Join(context.Cause(ctx), err))
	}
	return nil
}

func orUnknown(err error) error {
	if err == nil {
		err = errors.New("az-ctx's agent gave an answer that is not understood")
	}
	return err
}
