package azure

import (
	"io"
	"net"
	"net/http"
	"slices"
)

// serveProxy is the way here without a namespace: an HTTP proxy that leads the
// real host names to the server and knows no other host.
func (s *Server) serveProxy(w http.ResponseWriter, r *http.Request) {
	host, _, err := net.SplitHostPort(r.Host)
	if r.Method != http.MethodConnect || err != nil || !slices.Contains(s.World().Hosts(), host) {
		http.Error(w, "the test proxy does not know "+r.Host, http.StatusBadGateway)
		return
	}
	there, err := net.Dial("tcp", s.Addr())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer there.Close()
	w.WriteHeader(http.StatusOK)
	here, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer here.Close()
	go func() {
		io.Copy(there, buffered) // either end may hang up
		there.(*net.TCPConn).CloseWrite()
	}()
	io.Copy(here, there) // either end may hang up
}
