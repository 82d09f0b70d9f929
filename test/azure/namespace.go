package azure

import "os"

// Reach says by which way a client gets to a server.
type Reach string

// The two ways, both under the real host names. The second needs no privilege
// and works on every system, but reaches only clients that heed HTTPS_PROXY.
const (
	ByNamespace Reach = "a mount and network namespace"
	ByProxy     Reach = "HTTPS_PROXY, for no namespace could be had"
)

const (
	namespaceAddr = "127.0.0.1:443"
	namespaceVar  = "AZ_CTX_TEST_NAMESPACE" // "enter": set up what is around; "inside": done
)

// Inside tells whether this process is in the namespace, so that the real host
// names lead to 127.0.0.1:443.
func Inside() bool { return os.Getenv(namespaceVar) == "inside" }
