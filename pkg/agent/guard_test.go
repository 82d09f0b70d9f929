//go:build unix

package agent

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/managedidentity"

	"github.com/az-ctx/az-ctx/pkg/azure"
	"github.com/az-ctx/az-ctx/pkg/process"
)

// Whoever opens connections and says nothing, or half a request, is cut off; the
// user's tools then get their turn, though all connections were taken.
func TestSlowClientsTakeNobodysTurnForLong(t *testing.T) {
	c := connectTo(t, runDir(t))
	azDir, origin := stubAz(t, "alice@contoso.com")
	r := registration(t, 1)
	r.Context, r.Origin = alice(azDir), origin
	keys := mustRegister(t, c, r)
	for n := range mostConnections + 50 {
		conn, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", keys.Port))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if n%2 == 0 {
			io.WriteString(conn, "GET "+appServicePath+" HTTP/1.1\r\nHost: ")
		}
	}
	s := served{t: t, port: keys.Port}
	for name, asking := range asks {
		if status, body, _ := s.do(asking(t, keys.Variables(), arm)); status != 200 || body["status"] == "error" {
			t.Errorf("%s: %d %v", name, status, body)
		}
	}
}

// A connection is kept for a tool alone: a stranger's ends with the answer.
func TestAStrangersConnectionIsNotKept(t *testing.T) {
	s := serve(t)
	host := fmt.Sprintf("Host: 127.0.0.1:%d\r\n", s.port)
	for name, c := range map[string]struct {
		headers string
		keeps   bool
	}{
		"a tool's":              {host + "X-IDENTITY-HEADER: " + s.keys.Header + "\r\n", true},
		"an unknown key's":      {host + "X-IDENTITY-HEADER: " + newKey() + "\r\n", false},
		"no key's":              {host, false},
		"a refused request's":   {host + "Origin: null\r\n", false},
		"one of another's host": {"Host: evil.example\r\n", false},
	} {
		conn, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", s.port))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(20 * time.Second))
		in := bufio.NewReader(conn)
		keeps := true
		for range 2 {
			fmt.Fprintf(conn, "GET %s?resource=%s HTTP/1.1\r\n%s\r\n", appServicePath, arm, c.headers)
			res, err := http.ReadResponse(in, nil)
			if err != nil {
				keeps = false
				break
			}
			io.Copy(io.Discard, res.Body)
		}
		if keeps != c.keeps {
			t.Errorf("%s connection is kept: %v", name, keeps)
		}
	}
}

// MSAL itself, as azidentity and others use it, gets the token and shows a person
// our words where there is none.
func TestMSALGetsTheTokenAndShowsWhatToType(t *testing.T) {
	s := serve(t)
	dir, origin := stubAz(t, "bob@contoso.com")
	other := s.register(Registration{Ref: "h/1-1/2", Session: process.ID{PID: 1, Start: 1}, Context: alice(dir), Cloud: azure.Public, Origin: origin})
	ask := func(keys Endpoint, resource string) (managedidentity.AuthResult, error) {
		t.Setenv("IDENTITY_ENDPOINT", keys.Variables()["IDENTITY_ENDPOINT"])
		t.Setenv("IDENTITY_HEADER", keys.Variables()["IDENTITY_HEADER"])
		client, err := managedidentity.New(managedidentity.SystemAssigned())
		if err != nil {
			t.Fatal(err)
		}
		return client.AcquireToken(t.Context(), resource)
	}
	// MSAL keeps tokens by resource in a table of the process.
	if got, err := ask(s.keys, arm); err != nil || got.AccessToken != "alice@contoso.com for "+arm || !got.ExpiresOn.Equal(tokenEnds) {
		t.Errorf("got %q until %v, %v", got.AccessToken, got.ExpiresOn, err)
	}
	for want, keys := range map[string]Endpoint{
		"run: env AZURE_CONFIG_DIR=" + dir + " az login --tenant " + tenantID: other,
		"or run: az-ctx select NAME":                                          {Port: s.port, Header: newKey()},
	} {
		_, err := ask(keys, "https://vault.azure.net")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %+v", err)
		}
	}
}
