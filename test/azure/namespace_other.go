//go:build !linux

package azure

import "errors"

// EnterNamespace needs Linux's namespaces.
func EnterNamespace() (Reach, error) {
	return ByCloudRegister, errors.New("namespaces are Linux's")
}
