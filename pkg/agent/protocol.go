// Package agent is the background process, one a user and host, that holds
// access tokens in memory and serves each activation on a loopback endpoint, in
// the dialect of each tool.
//
// The life of a token request: the guard (endpoint.go) -> the dialect -> the key
// -> the activation (registry.go) -> token.Source -> the dialect's reply.
//
// az-ctx itself talks to the agent over a unix socket in the run directory, one
// JSON object a line. See docs/security.md for what is defended.
package agent

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/process"
	"github.com/az-ctx/az-ctx/pkg/token"
	"github.com/az-ctx/az-ctx/pkg/vault"
)

// Version is az-ctx's. Whoever runs or reaches an agent sets it first.
var Version string

// protocol is the version of what is said over the socket. The greeting and the
// operations "stop" and "retire" are the same in all versions, so that any
// az-ctx can end an agent of another.
const protocol = 1

const (
	socketName     = "agent.sock"
	lockName       = "agent.lock"       // held by the agent for its life, never deleted
	startName      = "agent.start.lock" // held by whoever starts one, never deleted
	generationName = "agent.generation"
)

// Origin is what the user's own environment was: for running az on their
// behalf.
type Origin = token.Origin

// OriginNames are the variables that an Origin may carry; the agent drops any
// other.
var OriginNames = token.OriginNames

// Registration is an activation that is to be served.
type Registration struct {
	Ref     string         `json:"ref"`     // as AZ_CTX_SESSION has it: "<host>/<pid>-<start>/<n>"
	Session process.ID     `json:"session"` // whose end ends it
	Context *azure.Context `json:"context"` // nil: signed out, every request is answered so
	Cloud   azure.Cloud    `json:"cloud"`
	Origin  Origin         `json:"origin"`
}

// TokenRequest asks for a token without an activation.
type TokenRequest = token.Request

// Endpoint is where an activation is served. Header and Path are its keys: that
// of the dialects that have a header for it, and that of those that don't.
type Endpoint struct {
	Generation string `json:"generation"` // of the agent that gave the keys
	Port       int    `json:"port"`
	Header     string `json:"header"`
	Path       string `json:"path"`
}

// SecretNames are the variables of an Endpoint that hold a key.
var SecretNames = []string{"IDENTITY_HEADER", "MSI_ENDPOINT", "ARM_MSI_ENDPOINT", "AZD_AUTH_KEY"}

// Variables are those by which each tool finds the endpoint.
func (e Endpoint) Variables() map[string]string {
	base := "http://127.0.0.1:" + strconv.Itoa(e.Port)
	return map[string]string{
		"IDENTITY_ENDPOINT":       base + appServicePath,
		"IDENTITY_HEADER":         e.Header,
		"MSI_ENDPOINT":            base + "/" + e.Path + oldMSIPath,
		"ARM_USE_MSI":             "true",
		"ARM_MSI_ENDPOINT":        base + "/" + e.Path + terraformPath,
		"AZD_AUTH_ENDPOINT":       base + azdPath,
		"AZD_AUTH_KEY":            e.Header,
		"AZURE_TOKEN_CREDENTIALS": "prod",
	}
}

// Status is what an agent tells of itself. It holds no secret.
type Status struct {
	Generation
	Version     string         `json:"version"` // of az-ctx
	Started     time.Time      `json:"started"`
	Activations []Served       `json:"activations"` // by Ref
	Held        int            `json:"held"`        // tokens in memory
	SignIns     int            `json:"signIns"`     // of how many holders it holds some, see vault.Held
	Tokens      map[string]int `json:"tokens"`      // given since it started, by dialect
	Refused     map[string]int `json:"refused"`     // requests, by reason
}

// Sessions counts those that are served.
func (s Status) Sessions() int {
	of := map[process.ID]bool{}
	for _, a := range s.Activations {
		of[a.Session] = true
	}
	return len(of)
}

// Served is an activation that is served.
type Served struct {
	Ref     string         `json:"ref"`
	Session process.ID     `json:"session"`
	Context string         `json:"context"` // its name, "" where it is signed out
	Tokens  map[string]int `json:"tokens"`  // given since it has its keys, by dialect
}

// greeting is what the agent says first on a connection.
type greeting struct {
	Protocol   int        `json:"protocol"`
	Generation Generation `json:"generation"`
	Version    string     `json:"version"`
}

type operation string

const (
	opRegister operation = "register"
	opToken    operation = "token"
	opRelease  operation = "release"
	opForget   operation = "forget"
	opKeep     operation = "keep"
	opDrop     operation = "drop"
	opSave     operation = "save"
	opStatus   operation = "status"
	opStop     operation = "stop"
	opRetire   operation = "retire" // stop, if nobody would miss anything
)

type request struct {
	Protocol     int            `json:"protocol"`
	Op           operation      `json:"op"`
	Registration *Registration  `json:"registration,omitempty"`
	Token        *TokenRequest  `json:"token,omitempty"`
	Ref          string         `json:"ref,omitempty"`
	Account      *azure.Account `json:"account,omitempty"`
	Held         *vault.Held    `json:"held,omitempty"`
}

type response struct {
	Protocol int          `json:"protocol"`
	Error    *wireError   `json:"error,omitempty"`
	Endpoint *Endpoint    `json:"endpoint,omitempty"`
	Token    *token.Token `json:"token,omitempty"`
	Count    int          `json:"count,omitempty"`
	Status   *Status      `json:"status,omitempty"`
	Holder   string       `json:"holder,omitempty"`
}

// wireError carries an error over the socket, a token.SignInNeeded as what it is.
type wireError struct {
	Message string `json:"message"`
	SignIn  bool   `json:"signIn,omitempty"`
	Try     string `json:"try,omitempty"`
}

func toWire(err error) *wireError {
	if needed, ok := token.AsSignInNeeded(err); ok {
		return &wireError{Message: err.Error(), SignIn: true, Try: needed.Try}
	}
	return &wireError{Message: err.Error()}
}

func (w *wireError) err() error {
	if w.SignIn {
		return &token.SignInNeeded{Reason: w.Message, Try: w.Try}
	}
	return errors.New(w.Message)
}

// ErrVersion says that the agent that runs is of another version of az-ctx.
// Stop alone works with it.
var ErrVersion = errors.New("az-ctx's agent that runs is of another version and serves sessions still; it is replaced when they have ended, or by az-ctx agent stop")

func versionError(agents, clients int) error {
	return fmt.Errorf("%w (its protocol is %d, this one's %d)", ErrVersion, agents, clients)
}
