package secret

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// itemLimit keeps the line that go-keyring gives to `security -i` below 4,096
// bytes, from which on it is cut, even with the longest name: base64 of the
// value, 60 bytes around, and a part's name.
const itemLimit = 2560

// readBack: `security -i` may end well with nothing written.
const readBack = true

const stalledTry = "look for a window that asks for the keychain's password, or try security unlock-keychain"

// native is the login keychain, through /usr/bin/security: values go to it on
// standard input and come on standard output, never as arguments.
type native struct{ goKeyring }

// look: whether the keychain is locked can't be asked without a window showing
// up, so on a desktop each call may be waiting for the user.
func (native) look(context.Context) (prompt bool, err error) {
	return os.Getenv("SSH_CONNECTION") == "", nil
}

// abandon: go-keyring keeps the process that it runs to itself.
func (native) abandon() {}

// explain reads the exit status of security, which is the last byte of the
// system's error number (Security/SecBase.h).
func (native) explain(err error) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return &Unusable{Reason: "/usr/bin/security can't be run"}
	}
	switch exit.ExitCode() {
	case 36: // errSecInteractionNotAllowed, -25308
		return &Unusable{Reason: "the login keychain is locked", Try: "security unlock-keychain"}
	case 51, 128: // errSecAuthFailed, -25293; errSecUserCanceled, -128
		return &Unusable{Reason: "access to the login keychain was refused", Try: "security unlock-keychain"}
	case 37, 50: // errSecNoDefaultKeychain, -25307; errSecNoSuchKeychain, -25294
		return &Unusable{Reason: "there is no login keychain", Try: "security create-keychain login.keychain-db"}
	}
	return &Unusable{Reason: fmt.Sprintf("/usr/bin/security failed with status %d", exit.ExitCode())}
}
