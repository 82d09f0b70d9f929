//go:build !linux

package azure

import "errors"

// EnterNamespace needs Linux's namespaces.
func EnterNamespace() (Reach, error) {
	return ByProxy, errors.New("namespaces are Linux's")
}
