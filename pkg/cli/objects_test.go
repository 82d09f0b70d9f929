package cli

import "testing"

// A hint is in the module's words where it has some for all of it, and a name in
// it is never taken for one.
func TestCmdletFor(t *testing.T) {
	for try, want := range map[string]string{
		"az-ctx connect --tenant 'a --force b' --environment Lab":    "Connect-AzCtxAccount -Tenant 'a --force b' -Environment Lab",
		"az-ctx connect --device-code":                               "Connect-AzCtxAccount -UseDeviceAuthentication",
		"az-ctx connect --service-principal --client-id x":           "Connect-AzCtxAccount -ServicePrincipal -ApplicationId x",
		"az-ctx connect --service-principal --federated-token-stdin": "az-ctx connect --service-principal --federated-token-stdin",
		`az-ctx set --tenant "it's"`:                                 `Set-AzCtx -Tenant "it's"`,
		"az-ctx autosave enable    # brings back 3 saved contexts":   "Enable-AzCtxAutosave # brings back 3 saved contexts",
		"az-ctx import --from az":                                    "az-ctx import --from az",
		"the same with --force":                                      "the same with -Force",
		"az login --tenant x":                                        "az login --tenant x",
		"az-ctx":                                                     "az-ctx",
		"":                                                           "",
	} {
		if got := cmdletFor(try); got != want {
			t.Errorf("%q is said as %q, wanted %q", try, got, want)
		}
	}
}

// In what is said a flag is a parameter, but in a name and in a command of ours.
func TestParametersIn(t *testing.T) {
	for text, want := range map[string]string{
		"a service principal needs --client-id and --tenant": "a service principal needs -ApplicationId and -Tenant",
		`no context "a --tenant b"`:                          `no context "a --tenant b"`,
		"run: az-ctx connect --tenant x":                     "run: az-ctx connect --tenant x",
		"--frobnicate is none":                               "--frobnicate is none",
	} {
		if got := parametersIn(text); got != want {
			t.Errorf("%q is said as %q, wanted %q", text, got, want)
		}
	}
}
