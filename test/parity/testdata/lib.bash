# What the scripts of bash begin with: `. "$LIB"`. A shell with az-ctx's
# function, and a few ways to say what is expected.
set -euo pipefail
eval "$(az-ctx init bash)"

fail() {
	printf 'FAIL line %s: %s\n' "${BASH_LINENO[*]:1}" "$*" >&2
	exit 99
}
# is GOT WANTED
is() { [[ $1 == "$2" ]] || fail "got '$1', wanted '$2'"; }
# has TEXT PART
has() { [[ $1 == *"$2"* ]] || fail "'$2' is not in '$1'"; }
hasnt() { [[ $1 != *"$2"* ]] || fail "'$2' is in '$1'"; }
# gives STATUS COMMAND… runs the command in this shell; its standard error is in
# the file err, its standard output in the file out.
gives() {
	local want=$1 got=0
	shift
	"$@" >"$WORK/out" 2>"$WORK/err" || got=$?
	[[ $got == "$want" ]] || fail "'$*' gave $got, wanted $want: $(cat "$WORK/err")"
}
err() { cat "$WORK/err"; }
out() { cat "$WORK/out"; }
# unchanged COMMAND… runs the command and fails where a variable that is
# exported has changed.
unchanged() {
	local before after
	before=$(export -p)
	"$@"
	after=$(export -p)
	[[ $before == "$after" ]] || fail "'$*' changed the environment: $(diff <(printf '%s\n' "$before") <(printf '%s\n' "$after"))"
}
saved() { cat "$HOME"/.config/az-ctx/contexts/*.json "$HOME/.config/az-ctx/config.json" 2>/dev/null || :; }
# keeps COMMAND… runs the command and fails where anything saved has changed.
keeps() {
	local before
	before=$(saved)
	"$@"
	[[ $before == "$(saved)" ]] || fail "'$*' changed what is saved: $(diff <(printf '%s\n' "$before") <(saved))"
}
# shellcheck disable=SC2034 # for the scripts that read this file
prod='Contoso Prod 1 (00000001-0000-4000-8000-000000000000)'
# shellcheck disable=SC2034
dev='Fabrikam Dev (00900001-0000-4000-8000-000000000000)'
