package azure

import "os"

// Reach says by which way a client gets to a server.
type Reach string

// The two ways. The second needs no privilege, but proves less: az then signs
// in to a cloud that was registered, under 127.0.0.1 and not the real names.
const (
	ByNamespace     Reach = "real host names in a mount and network namespace"
	ByCloudRegister Reach = "az cloud register, for no namespace could be had"
)

const (
	namespaceAddr = "127.0.0.1:443"
	namespaceVar  = "AZ_CTX_TEST_NAMESPACE" // "enter": set up what is around; "inside": done
)

// Inside tells whether this process is in the namespace, so that the real host
// names lead to 127.0.0.1:443.
func Inside() bool { return os.Getenv(namespaceVar) == "inside" }
