#!/bin/sh
# Builds az-ctx from this tree with Go and installs it; ./install.sh --help.
set -eu

usage() {
	cat <<'TEXT'
usage: ./install.sh [--prefix DIR]              build and install, into ~/.local where no DIR is said
       ./install.sh --uninstall [--prefix DIR]  take away what was installed, and its lines in start files
       ./install.sh --demo                      show it on a sample sign-in, in a scratch directory

Installs DIR/bin/az-ctx and completions below DIR/share, and the PowerShell module
among your own data. A shell's start file is
changed only after a yes on the terminal; otherwise the line to add is printed.
Contexts are left alone by all three.
TEXT
}

opening='# >>> az-ctx, from its install.sh >>>'
closing='# <<< az-ctx <<<'

say() { printf '%s\n' "$*" >&2; }
die() {
	say "install.sh: $*"
	exit 1
}
wrong() {
	say "install.sh: $*; see ./install.sh --help"
	exit 2
}

tree=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
scratch=
half= # a file that is not in its place yet
demo_agent=
cleanup() {
	[ -z "$half" ] || rm -f "$half"
	if [ -n "$demo_agent" ]; then
		in_scratch "$demo_agent" agent stop --force >/dev/null 2>&1 || :
		demo_agent=
	fi
	[ -z "$scratch" ] || rm -rf "$scratch"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 129' HUP
trap 'exit 143' TERM

# quote TEXT as one word of a POSIX shell.
quote() { printf "'%s'" "$(printf %s "$1" | sed "s/'/'\\\\''/g")"; }
quote_fish() { printf "'%s'" "$(printf %s "$1" | sed "s/[\\\\']/\\\\&/g")"; }
quote_pwsh() { printf "'%s'" "$(printf %s "$1" | sed "s/'/''/g")"; }

# tilde PATH is PATH as a person would write it.
tilde() {
	case $1 in
	"${HOME:-/nowhere}"/*) printf '%s' "~${1#"$HOME"}" ;;
	*) printf %s "$1" ;;
	esac
}

# ---- building

need_go() {
	command -v go >/dev/null 2>&1 ||
		die 'go is not on PATH; Go 1.26 or later builds az-ctx, from https://go.dev/dl or your packages'
}

# build PACKAGE FILE
build() {
	(cd "$tree" && CGO_ENABLED=0 go build -trimpath -buildvcs=false -tags urfave_cli_no_docs \
		-ldflags "-s -w -X github.com/az-ctx/az-ctx/pkg/cli.Version=$(version)" -o "$2" "$1" </dev/null) ||
		die 'go build failed, nothing was installed'
}

version() {
	git -C "$tree" describe --tags --always --dirty 2>/dev/null || echo dev
}

# ---- installing

# folder DIR makes it, or ends with one line that says why not.
folder() {
	if ! why=$(mkdir -p -- "$1" 2>&1); then
		die "can't make $1: ${why##*: }"
	fi
	[ -w "$1" ] || die "can't write into $1; choose another place with --prefix DIR"
}

completion_bash() { printf %s "$prefix/share/bash-completion/completions/az-ctx"; }
completion_zsh() { printf %s "$prefix/share/zsh/site-functions/_az-ctx"; }
completion_fish() { printf %s "$prefix/share/fish/vendor_completions.d/az-ctx.fish"; }

# put FILE gets standard input whole or not at all.
put() {
	half=$1.new.$$
	cat >"$half"
	mv -f -- "$half" "$1"
	half=
}

install_completions() {
	for shell in bash zsh fish; do
		file=$(completion_$shell)
		folder "$(dirname -- "$file")"
		text=$("$program" completion $shell) || die "$program completion $shell failed"
		case $shell in
		# As a file of fpath it is run at the first completion, and has to complete then too.
		zsh) printf '#compdef az-ctx\n%s\n__az_ctx_complete "$@"\n' "$text" ;;
		*) printf '%s\n' "$text" ;;
		esac | put "$file"
	done
}

# modules is where az-ctx looks for its PowerShell module, whatever the prefix.
modules() {
	data=$HOME/.local/share
	[ "$(uname -s)" != Darwin ] || data="$HOME/Library/Application Support"
	case ${XDG_DATA_HOME-} in /*) data=$XDG_DATA_HOME ;; esac
	printf %s "$data/az-ctx/pwsh"
}

# install_module has the program write the module; without it `init` does.
install_module() {
	[ -z "${HOME-}" ] || "$program" init pwsh >/dev/null
}

install() {
	need_go
	bin=$prefix/bin
	folder "$bin"
	half=$bin/.az-ctx.new.$$
	build ./cmd/az-ctx "$half"
	mv -f -- "$half" "$program"
	half=
	install_completions
}

# ---- start files

# start_file SHELL is what an interactive SHELL reads.
start_file() {
	case $1 in
	bash) if [ "$(uname -s)" = Darwin ]; then printf %s "$HOME/.bash_profile"; else printf %s "$HOME/.bashrc"; fi ;;
	zsh) printf %s "${ZDOTDIR:-$HOME}/.zshrc" ;;
	fish) printf %s "${XDG_CONFIG_HOME:-$HOME/.config}/fish/config.fish" ;;
	pwsh) printf %s "${XDG_CONFIG_HOME:-$HOME/.config}/powershell/Microsoft.PowerShell_profile.ps1" ;;
	esac
}

# init_line SHELL [path]: the line that a start file needs. It calls az-ctx by its
# name where that finds this very program, and by its path otherwise and on request.
# shellcheck disable=SC2016
init_line() {
	called=
	if [ $# = 1 ] && [ "$(command -v az-ctx 2>/dev/null || :)" = "$program" ]; then
		called=az-ctx
	fi
	case $1 in
	fish) printf '%s init fish | source' "${called:-$(quote_fish "$program")}" ;;
	pwsh) printf '%s init pwsh | Out-String | Invoke-Expression' "${called:-& $(quote_pwsh "$program")}" ;;
	*) printf 'eval "$(%s init %s)"' "${called:-$(quote "$program")}" "$1" ;;
	esac
}

# block SHELL: what is added. It is quiet where the program has gone.
block() {
	say_line=$(init_line "$1" path)
	printf '%s\n' "$opening"
	case $1 in
	fish) printf 'test -x %s; and %s\n' "$(quote_fish "$program")" "$say_line" ;;
	pwsh) printf 'if (Test-Path -LiteralPath %s) { %s }\n' "$(quote_pwsh "$program")" "$say_line" ;;
	*) printf 'if [ -x %s ]; then %s; fi\n' "$(quote "$program")" "$say_line" ;;
	esac
	printf '%s\n' "$closing"
}

# our_block FILE prints the marked lines that FILE has; nothing where the closing
# mark is missing.
our_block() {
	LC_ALL=C awk -v opening="$opening" -v closing="$closing" '
		$0 == opening { text = ""; inside = 1 }
		inside { text = text $0 "\n" }
		inside && $0 == closing { printf "%s", text; exit }' "$1"
}

# without_block FILE prints FILE without them.
without_block() {
	LC_ALL=C awk -v opening="$opening" -v closing="$closing" '
		!done && $0 == opening { printf "%s", text; text = ""; inside = 1 }
		inside { text = text $0 "\n" }
		!inside { print }
		inside && $0 == closing { text = ""; inside = 0; done = 1 }
		END { printf "%s", text }' "$1"
}

# with_block SHELL FILE OLD prints FILE with the lines that it is to have.
with_block() {
	if [ -n "$3" ]; then
		without_block "$2" || return
	elif [ -f "$2" ]; then
		cat "$2" || return
		# a last line without its end would take ours along
		[ -z "$(tail -c 1 "$2")" ] || echo
	fi
	block "$1"
}

# change FILE CMD… gives FILE what CMD prints, through a link and with its mode.
# FILE is touched once all of that is on the disk beside it.
change() {
	to=$1
	shift
	half=$to.az-ctx.$$
	(umask 077 && "$@" >"$half") || die "can't write beside $to; it was not changed"
	if ! cat "$half" >"$to"; then
		kept=$half
		half=
		die "can't write $to; what it is to hold is in $kept"
	fi
	rm -f -- "$half"
	half=
}

# ask QUESTION: yes alone is yes. Without a terminal nothing is asked.
ask() {
	if ! [ -t 0 ] || ! [ -t 2 ]; then return 1; fi
	printf '%s [y/N] ' "$1" >&2
	answer=
	read -r answer || echo >&2
	case $answer in [Yy] | [Yy][Ee][Ss]) return 0 ;; *) return 1 ;; esac
}

# has_line FILE: somebody wrote the line by hand.
has_line() { grep -q '^[^#]*az-ctx.* init ' "$1" 2>/dev/null; }

# offer SHELL adds the line to its start file, if that is wanted.
offer() {
	file=$(start_file "$1")
	shown=$(tilde "$file")
	old=
	[ ! -f "$file" ] || old=$(our_block "$file")
	if [ "$old" = "$(block "$1")" ]; then
		say "$shown has az-ctx's lines"
		return
	fi
	if [ -z "$old" ] && has_line "$file"; then
		say "$shown runs az-ctx init already, left as it is"
		return
	fi
	what="add az-ctx to $shown?"
	[ -z "$old" ] || what="lead az-ctx's lines in $shown to $(tilde "$program")?"
	if ! ask "$what"; then
		say "for $1, add to $shown:"
		say "  $(init_line "$1")"
		return
	fi
	folder "$(dirname -- "$file")"
	change "$file" with_block "$1" "$file" "$old"
	say "added to $shown; open a new terminal, or here: $(init_line "$1")"
}

offer_all() {
	if [ -z "${HOME-}" ]; then
		say 'HOME is not set, so no start file was looked at'
		return
	fi
	for shell in bash zsh fish pwsh; do
		case ${SHELL-} in
		*/$shell) offer $shell ;;
		*) [ ! -f "$(start_file $shell)" ] || offer $shell ;;
		esac
	done
}

# ---- the rest

uninstall() {
	gone=0
	for file in "$program" "$(completion_bash)" "$(completion_zsh)" "$(completion_fish)"; do
		if [ -e "$file" ] || [ -L "$file" ]; then
			why=$(rm -f -- "$file" 2>&1) || die "can't remove $file: ${why##*: }"
			gone=$((gone + 1))
			dir=$(dirname -- "$file")
			while [ "$dir" != "$prefix/bin" ] && [ "$dir" != "$prefix" ] && rmdir -- "$dir" 2>/dev/null; do
				dir=$(dirname -- "$dir")
			done
		fi
	done
	if [ -n "${HOME-}" ]; then
		dir=$(modules)
		if [ $gone != 0 ] && [ -d "$dir" ]; then
			rm -rf -- "$dir" || die "can't remove $dir"
			rmdir -- "$(dirname -- "$dir")" 2>/dev/null || :
		fi
		for shell in bash zsh fish pwsh; do
			file=$(start_file $shell)
			[ -f "$file" ] || continue
			old=$(our_block "$file")
			# Lines of another prefix stay.
			if [ -n "$old" ] && [ "$old" = "$(block $shell)" ]; then
				change "$file" without_block "$file"
				say "took az-ctx's lines out of $(tilde "$file")"
				gone=$((gone + 1))
			elif has_line "$file"; then
				say "$(tilde "$file") still runs az-ctx init, not by a line of this install"
			fi
		done
	fi
	if [ $gone = 0 ]; then
		say "az-ctx is not installed in $(tilde "$prefix")"
	else
		say "az-ctx is gone from $(tilde "$prefix"); contexts are left in $(tilde "${XDG_CONFIG_HOME:-${HOME-}/.config}/az-ctx")"
	fi
}

# in_scratch CMD… runs it as somebody else, so to speak: nothing of the user's
# environment reaches it.
in_scratch() {
	env -i HOME="$scratch/home" PATH="$scratch/prefix/bin:$PATH" TERM="${TERM-dumb}" LANG="${LANG-C.UTF-8}" ${NO_COLOR+NO_COLOR="$NO_COLOR"} "$@"
}

demo() {
	need_go
	command -v bash >/dev/null 2>&1 || die 'bash is not on PATH, and the demo is two of it'
	scratch=$(mktemp -d "${TMPDIR:-/tmp}/az-ctx-demo.XXXXXX")
	prefix=$scratch/prefix
	program=$prefix/bin/az-ctx
	mkdir "$scratch/home"
	say "building az-ctx into $scratch"
	install
	build ./test/demo "$scratch/demo"
	demo_agent=$program
	status=0
	in_scratch "$scratch/demo" || status=$?
	exit "$status"
}

prefix=
verb=install
while [ $# -gt 0 ]; do
	case $1 in
	--prefix)
		[ $# -gt 1 ] || wrong '--prefix wants a directory'
		prefix=$2
		shift
		;;
	--prefix=*) prefix=${1#*=} ;;
	--uninstall) verb=uninstall ;;
	--demo) verb=demo ;;
	-h | --help)
		usage
		exit 0
		;;
	*) wrong "no option $1" ;;
	esac
	[ "$1" = --uninstall ] || [ "$1" = --demo ] || [ -n "$prefix" ] || wrong '--prefix wants a directory'
	shift
done

if [ $verb = demo ]; then
	[ -z "$prefix" ] || wrong '--demo makes a prefix of its own'
	demo
fi
if [ -z "$prefix" ]; then
	[ -n "${HOME-}" ] || die 'HOME is not set; say where to with --prefix DIR'
	prefix=$HOME/.local
fi
case $prefix in
*'
'*) wrong 'a prefix with a line break in it is not possible' ;;
[~]/*) prefix=$HOME${prefix#?} ;; # of --prefix=~/x, which no shell expands
/*) ;;
*) prefix=$PWD/$prefix ;;
esac
[ "$prefix" = / ] || prefix=${prefix%/}
program=$prefix/bin/az-ctx

case $verb in
uninstall) uninstall ;;
install)
	install
	install_module
	say "installed $("$program" --version 2>/dev/null || echo az-ctx) as $(tilde "$program")"
	offer_all
	;;
esac
