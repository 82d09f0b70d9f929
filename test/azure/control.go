package azure

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// Control is the person and the onlooker for those who can't call Go: plain
// HTTP, to be served on loopback.
//
//	GET  /user-code                         waits for a sign-in, prints its code
//	POST /approve?user_code=CODE&user=USER  signs in as USER there
//	POST /deny?user_code=CODE               declines
//	POST /auto-approve?user=USER            does so at once from now on; no user: ends it
//	GET  /requests  /tokens  /secrets       the records, as JSON
func (s *Server) Control() http.Handler {
	mux := http.NewServeMux()
	do := func(pattern string, f func(*http.Request) error) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := f(r); err != nil {
				http.Error(w, err.Error(), http.StatusNotFound)
			}
		})
	}
	do("POST /approve", func(r *http.Request) error { return s.Approve(r.FormValue("user_code"), r.FormValue("user")) })
	do("POST /deny", func(r *http.Request) error { return s.Deny(r.FormValue("user_code")) })
	do("POST /auto-approve", func(r *http.Request) error { return s.AutoApprove(r.FormValue("user")) })

	mux.HandleFunc("GET /user-code", func(w http.ResponseWriter, r *http.Request) {
		if code, err := s.UserCode(r.Context()); err == nil {
			fmt.Fprintln(w, code) // the client has gone
		}
	})
	show := func(pattern string, f func() any) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			json.NewEncoder(w).Encode(f()) // the client has gone
		})
	}
	show("GET /requests", func() any { return s.Requests() })
	show("GET /tokens", func() any { return s.Tokens() })
	show("GET /secrets", func() any { return s.Secrets() })
	return mux
}
