package secret

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zalando/go-keyring"
)

// backend is the system's keychain, with calls that may hang.
type backend interface {
	// look reports, before each call and within ctx, why the keychain can't be
	// used (an *Unusable), or whether the call may have to wait for the user.
	look(ctx context.Context) (prompt bool, err error)
	get(item string) (string, error)
	set(item, value string) error
	delete(item string) error
	// abandon makes a call that hangs end early, where the system has a way to. It
	// may itself hang as long as that call does.
	abandon()
	// explain turns the error of a call into ErrNotFound or an *Unusable.
	explain(err error) error
}

// errBroke is all that is said where the cause is unknown or may tell too much.
var errBroke = &Unusable{Reason: "the connection to it broke"}

type limits struct{ short, prompt time.Duration }

// call gives the backend's calls their time limits. It serves one operation.
type call struct {
	backend
	limits
	readBack bool          // a write that went well may not have been one
	hangs    chan struct{} // closed when the call that was given up ends; nil: there is none
}

// turn is held by the one call that is under way: go-keyring has one connection
// a process and mixes up the answers to two prompts on it. So a call that hangs
// also leaves no more than one goroutine behind.
var turn = make(chan struct{}, 1)

func (c *call) get(ctx context.Context, item string) (value string, err error) {
	// The value comes through a channel, for the call may end after we are gone.
	got := make(chan string, 1)
	err = c.do(ctx, func() error {
		v, err := c.backend.get(item)
		got <- v
		return err
	})
	if err != nil {
		return "", err
	}
	return <-got, nil
}

func (c *call) set(ctx context.Context, item, value string) error {
	err := c.do(ctx, func() error { return c.backend.set(item, value) })
	if err != nil || !c.readBack {
		return err
	}
	kept, err := c.get(ctx, item)
	if err == nil && kept == value {
		return nil
	}
	if err == nil || errors.Is(err, ErrNotFound) {
		return &Unusable{Reason: "it said that it kept a value, and did not"}
	}
	return err
}

func (c *call) delete(ctx context.Context, item string) error {
	return c.do(ctx, func() error { return c.backend.delete(item) })
}

func (c *call) do(ctx context.Context, work func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	prompt, err := c.look(ctx)
	if err != nil {
		return err
	}
	limit := c.short
	if prompt {
		limit = c.prompt
	}
	timed, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	select {
	case turn <- struct{}{}:
	case <-timed.Done():
		return c.late(ctx, prompt, limit)
	}
	if timed.Err() != nil {
		<-turn
		return c.late(ctx, prompt, limit)
	}
	result := make(chan error, 1)
	returned := make(chan struct{}) // the call has
	settled := make(chan struct{})  // nobody touches the backend for its sake any more
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer func() { <-turn }()
		result <- shielded(work)
		close(returned)
		<-settled
	}()
	select {
	case err := <-result:
		close(settled)
		return c.say(err)
	case <-timed.Done():
		c.hangs = ended
		go func() {
			defer close(settled)
			c.abandonUntil(returned)
		}()
		return c.late(ctx, prompt, limit)
	}
}

// abandonUntil tries again until the call has returned: when it was given up it
// may not yet have had what it then hangs on.
func (c *call) abandonUntil(returned <-chan struct{}) {
	for wait := 50 * time.Millisecond; ; wait *= 2 {
		c.abandon()
		select {
		case <-returned:
			return
		case <-time.After(wait):
		}
	}
}

// shielded is for go-keyring, which panics when the bus goes away while it waits
// for a prompt, and on answers of the wrong type.
func shielded(work func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = errBroke
		}
	}()
	return work()
}

// look has the short limit, too.
func (c *call) look(ctx context.Context) (prompt bool, err error) {
	timed, cancel := context.WithTimeout(ctx, c.short)
	defer cancel()
	prompt, err = c.backend.look(timed)
	if err != nil && timed.Err() != nil {
		return false, c.late(ctx, false, c.short)
	}
	return prompt, err
}

// late is the error of a call that was given up: the caller's own where that is
// why, else that of the limit.
func (c *call) late(ctx context.Context, prompt bool, limit time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if prompt {
		return &Unusable{
			Reason: fmt.Sprintf("it was not unlocked within %s", limit),
			Try:    "unlock it in the window that the system shows, and try again",
		}
	}
	return &Unusable{Reason: fmt.Sprintf("it did not answer within %s", limit), Try: stalledTry}
}

func (c *call) say(err error) error {
	var unusable *Unusable
	switch {
	case err == nil:
		return nil
	case errors.As(err, &unusable):
		return err
	case errors.Is(err, keyring.ErrNotFound):
		return ErrNotFound
	case errors.Is(err, keyring.ErrSetDataTooBig):
		return &Unusable{Reason: "it takes no value of that size"}
	}
	return c.explain(err)
}

// afterwards runs f now or, where a call was given up, when that has ended.
func (c *call) afterwards(f func()) {
	if c.hangs == nil {
		f()
		return
	}
	go func() {
		<-c.hangs
		f()
	}()
}

// goKeyring are the calls themselves.
type goKeyring struct{}

func (goKeyring) get(item string) (string, error) { return keyring.Get(service, item) }
func (goKeyring) set(item, value string) error    { return keyring.Set(service, item, value) }
func (goKeyring) delete(item string) error        { return keyring.Delete(service, item) }
