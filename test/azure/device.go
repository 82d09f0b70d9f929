package azure

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// deviceFlow is a sign-in that waits for the person at another device.
type deviceFlow struct {
	userCode   string
	deviceCode string
	scopes     string
	resource   string
	expires    time.Time
	user       string // who approved
	denied     bool
	redeemed   bool
}

const deviceCodeLifetime = 15 * time.Minute

// deviceCode begins a flow.
func (e *exchange) deviceCode(t Tenant) {
	form := e.r.PostForm
	e.log.Client, e.log.Grant = form.Get("client_id"), "devicecode"
	resource, ok := e.scopeResource(form.Get("scope"))
	if !ok {
		return
	}
	f := &deviceFlow{
		userCode: rand.Text()[:9], deviceCode: "test-device-" + noise(48),
		scopes: form.Get("scope"), resource: resource, expires: e.now().Add(deviceCodeLifetime), user: e.autoUser,
	}
	e.record(Token{
		Kind: DeviceCode, Value: f.deviceCode, Tenant: t.ID, Resource: resource,
		Client: form.Get("client_id"), Expires: f.expires,
	})
	e.flows = append(e.flows, f)
	close(e.newFlow)
	e.newFlow = make(chan struct{})
	const page = "https://microsoft.com/devicelogin"
	e.reply(http.StatusOK, map[string]any{
		"user_code":        f.userCode,
		"device_code":      f.deviceCode,
		"verification_uri": page,
		"expires_in":       int(deviceCodeLifetime / time.Second),
		"interval":         1, // Entra says 5
		"message":          "To sign in, use a web browser to open the page " + page + " and enter the code " + f.userCode + " to authenticate.",
	})
}

// redeemDeviceCode is one poll of the client. It names no scope: what the flow
// began with is what it gets.
func (e *exchange) redeemDeviceCode(code string, g *grant) bool {
	f, ok := find(e.flows, func(f *deviceFlow) bool { return f.deviceCode == code })
	switch {
	case !ok:
		e.refuse(http.StatusBadRequest, "bad_verification_code", 70018, "Invalid verification code.")
	case f.redeemed:
		e.refuse(http.StatusBadRequest, "invalid_grant", 70000, "The device code was redeemed already.")
	case f.denied:
		e.refuse(http.StatusBadRequest, "authorization_declined", 70017, "End-user declined the authorization request.")
	case e.now().After(f.expires):
		e.refuse(http.StatusBadRequest, "expired_token", 70020, "The provided value for the input parameter 'device_code' is not valid. This device code has expired.")
	case f.user == "":
		e.refuse(http.StatusBadRequest, "authorization_pending", 70016, "OAuth 2.0 device flow error. Authorization is pending. Continue polling.")
	default:
		f.redeemed = true
		g.scopes, g.resource = f.scopes, f.resource
		e.log.Resource = f.resource
		if g.account, ok = e.world.account(f.user); ok {
			return true
		}
		e.refuse(http.StatusBadRequest, "invalid_grant", 50034, "The user account %s does not exist.", f.user)
	}
	return false
}

// AutoApprove makes the person sign in as user at each device code from now on,
// at once; "" ends that.
func (s *Server) AutoApprove(user string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if user != "" {
		if err := s.person(user); err != nil {
			return err
		}
	}
	s.autoUser = user
	return nil
}

// Approve makes the person enter a user code and sign in as user.
func (s *Server) Approve(userCode, user string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, err := s.pending(userCode)
	if err != nil {
		return err
	}
	if err := s.person(user); err != nil {
		return err
	}
	f.user = user
	return nil
}

// Deny makes the person enter a user code and decline.
func (s *Server) Deny(userCode string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, err := s.pending(userCode)
	if err != nil {
		return err
	}
	f.denied = true
	return nil
}

// UserCode waits for a sign-in that nobody has answered yet.
func (s *Server) UserCode(ctx context.Context) (string, error) {
	for {
		s.mu.Lock()
		f, ok := find(s.flows, func(f *deviceFlow) bool { return f.user == "" && !f.denied && !s.now().After(f.expires) })
		next := s.newFlow
		s.mu.Unlock()
		if ok {
			return f.userCode, nil
		}
		select {
		case <-next:
		case <-ctx.Done():
			return "", fmt.Errorf("no device code was asked for: %w", ctx.Err())
		}
	}
}

func (s *Server) pending(userCode string) (*deviceFlow, error) {
	f, ok := find(s.flows, func(f *deviceFlow) bool { return strings.EqualFold(f.userCode, userCode) })
	if !ok || f.user != "" || f.denied || s.now().After(f.expires) {
		return nil, fmt.Errorf("no sign-in waits for the code %q", userCode)
	}
	return f, nil
}

func (s *Server) person(user string) error {
	if a, ok := s.world.account(user); !ok || a.ClientID != "" {
		return fmt.Errorf("no such user in the world: %q", user)
	}
	return nil
}
