package secret

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/windows"
)

// itemLimit is that of a credential's blob, CRED_MAX_CREDENTIAL_BLOB_SIZE.
const itemLimit = 2560

const readBack = false

const stalledTry = "restart the Credential Manager service (VaultSvc), or sign in to Windows again"

// native is the Credential Manager.
type native struct{ goKeyring }

// look: the Credential Manager asks nothing, and is there in every full sign-in.
func (native) look(context.Context) (prompt bool, err error) { return false, nil }

func (native) abandon() {}

func (native) explain(err error) error {
	var code windows.Errno
	if !errors.As(err, &code) {
		return &Unusable{Reason: "the Credential Manager failed"}
	}
	switch code {
	case windows.ERROR_NO_SUCH_LOGON_SESSION:
		return &Unusable{Reason: "this sign-in to Windows has no Credential Manager", Try: "run az-ctx in a desktop session, or over ssh with a password in place of a key"}
	case windows.ERROR_ACCESS_DENIED:
		return &Unusable{Reason: "the Credential Manager refused it"}
	}
	return &Unusable{Reason: fmt.Sprintf("the Credential Manager failed with error %d", uint32(code))}
}
