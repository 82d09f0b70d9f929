# az-ctx for bash 3.2 and later. Put this into ~/.bashrc:
#
#   eval "$(az-ctx init bash)"
#
# `az-ctx` is a function then: the verbs that change this shell print what to
# change, and it is run here. The prompt hook costs no process until something
# that it watches has changed.

# The program is called by the path that PATH finds it at, links unresolved, so
# that an upgrade is picked up; an absolute path no other function can shadow.
__az_ctx_find() {
	local __az_ctx_at __az_ctx_rest="${PATH-}:"
	__az_ctx_bin='@PROGRAM@'
	while [[ -n $__az_ctx_rest ]]; do
		__az_ctx_at=${__az_ctx_rest%%:*}
		__az_ctx_rest=${__az_ctx_rest#*:}
		if [[ $__az_ctx_at == /* && -f $__az_ctx_at/az-ctx && -x $__az_ctx_at/az-ctx ]]; then
			__az_ctx_bin=$__az_ctx_at/az-ctx
			return 0
		fi
	done
	return 0
}
__az_ctx_find

# What the program told the hook to watch: its run directory, the activation's.
__az_ctx_run=${__az_ctx_run-}
__az_ctx_dir=${__az_ctx_dir-}

# This shell's process id, as the system knows it: Git Bash has numbers of its own.
__az_ctx_pid=$$
if [[ -r /proc/$$/winpid ]]; then
	IFS= read -r __az_ctx_pid </proc/$$/winpid || __az_ctx_pid=$$
fi

# __az_ctx_who MODE [READONLY] tells the program who calls: the shell, the
# process that runs this (another one in a subshell; bash 3.2 can't tell, and
# the program takes its parent), the shell's options, and what is to become of
# the output.
__az_ctx_who() {
	local __az_ctx_self=${BASHPID-}
	if [[ $__az_ctx_pid != "$$" && $__az_ctx_self == "$$" ]]; then
		__az_ctx_self=$__az_ctx_pid
	fi
	__az_ctx_wrapper=--wrapper=bash,$__az_ctx_pid,$__az_ctx_self,$-,$1,${2-}
}

# __az_ctx_eval runs a verb that may change this shell, and the change: on
# success alone. A variable that is read-only would leave the change half done,
# so it is looked for first, in a subshell that may unset them all.
__az_ctx_eval() {
	local __az_ctx_out __az_ctx_status=0 __az_ctx_readonly __az_ctx_wrapper
	__az_ctx_readonly=$(
		exec 2>/dev/null
		__az_ctx_v=
		trap 'printf %s "$__az_ctx_v"' EXIT
		# shellcheck disable=SC2043 # it is many names, once init prints this
		for __az_ctx_v in @VARIABLES@; do
			unset -v "$__az_ctx_v" || exit 0
		done
		__az_ctx_v=
	) || :
	__az_ctx_who eval "$__az_ctx_readonly"
	# exec: without it a shell that has traps forks once more, and the program's
	# parent would be neither the shell nor its subshell.
	__az_ctx_out=$(exec "$__az_ctx_bin" "$__az_ctx_wrapper" "$@") || __az_ctx_status=$?
	if [[ $__az_ctx_status == 0 && -n $__az_ctx_out ]]; then
		eval "$__az_ctx_out"
		__az_ctx_state
		__az_ctx_seen=$__az_ctx_now
	fi
	return "$__az_ctx_status"
}

# __az_ctx_options puts options back, where `local -` can't (before bash 4.4).
__az_ctx_options() {
	case $1 in *a*) set -a ;; esac
	case $1 in *T*) set -T ;; esac
	case $1 in *v*) set -v ;; esac
	case $1 in *E*) set -E ;; esac
	case $1 in *x*) set -x ;; esac
}

__az_ctx() {
	# Nothing of this is for a trace, keys would be in it; nor for the user's traps,
	# whose output would be taken for the program's; nor are the hook's variables
	# for the environment. `local -` brings the options back, also after Ctrl-C.
	{
		local __az_ctx_done=0 __az_ctx_kept=$-
		local - && __az_ctx_kept=
		set +avxET
	} 2>/dev/null
	if [[ ! -x $__az_ctx_bin ]]; then
		__az_ctx_find
	fi
	if [[ ! -x $__az_ctx_bin ]]; then
		printf '%s\n' 'az-ctx: the program is not on PATH' >&2
		__az_ctx_done=127
	else
		case ${1-} in
		select | set | connect | login | import | deselect | rename | remove | rm | disconnect | logout | clear | autosave)
			__az_ctx_eval "$@" || __az_ctx_done=$?
			;;
		*)
			local __az_ctx_wrapper
			__az_ctx_who direct
			"$__az_ctx_bin" "$__az_ctx_wrapper" "$@" || __az_ctx_done=$?
			;;
		esac
	fi
	{
		__az_ctx_options "$__az_ctx_kept"
		return "$__az_ctx_done"
	} 2>/dev/null
}

# __az_ctx_state sums up, with builtins alone, what the prompt watches: the ids
# that tools go by, the agent that serves them, what az wrote into its directory.
__az_ctx_state() {
	local __az_ctx_gen='' __az_ctx_rest __az_ctx_file
	__az_ctx_now="${AZ_CTX_SESSION-}|${AZURE_SUBSCRIPTION_ID-}|${AZURE_TENANT_ID-}|${ARM_SUBSCRIPTION_ID-}|${ARM_TENANT_ID-}|${AZURE_CLOUD_NAME-}|${ARM_ENVIRONMENT-}|${AZURE_CONFIG_DIR-}|"
	if [[ -z $__az_ctx_dir ]]; then
		return 0
	fi
	if [[ -r $__az_ctx_run/agent.generation ]]; then
		IFS= read -r __az_ctx_gen <"$__az_ctx_run/agent.generation" || :
	fi
	__az_ctx_now+=$__az_ctx_gen
	__az_ctx_rest=${__az_ctx_gen#* }
	__az_ctx_rest=${__az_ctx_rest%% *}
	if [[ -d /proc/self ]]; then
		# A dead one that nobody has waited for, as in a container without an init,
		# is there still, in state Z.
		IFS=' ' read -r __az_ctx_gen __az_ctx_gen __az_ctx_gen __az_ctx_file 2>/dev/null <"/proc/${__az_ctx_rest:-none}/stat" || __az_ctx_gen=Z
		[[ $__az_ctx_gen != Z ]] || __az_ctx_now+='|no agent'
	else
		kill -0 "$__az_ctx_rest" 2>/dev/null || __az_ctx_now+='|no agent'
	fi
	[[ -d $__az_ctx_dir/.azure ]] || __az_ctx_now+='|no directory'
	for __az_ctx_file in azureProfile.json config clouds.config msal_token_cache.json service_principal_entries.json; do
		[[ ! $__az_ctx_dir/.azure/$__az_ctx_file -nt $__az_ctx_dir/mark ]] || __az_ctx_now+="|$__az_ctx_file"
	done
	return 0
}

__az_ctx_hook() {
	{
		local __az_ctx_last=$? __az_ctx_kept=$-
		local - && __az_ctx_kept=
		set +avxET
	} 2>/dev/null
	if [[ ! -x $__az_ctx_bin ]]; then
		: # it was taken away; __az_ctx says so where somebody asks for it
	elif [[ ${__az_ctx_begun-} != "$__az_ctx_pid" ]]; then
		__az_ctx_begun=$__az_ctx_pid
		__az_ctx_eval hook first || :
	elif [[ -n $__az_ctx_dir ]]; then
		local __az_ctx_now
		__az_ctx_state
		if [[ $__az_ctx_now != "${__az_ctx_seen-}" ]]; then
			__az_ctx_seen=$__az_ctx_now
			__az_ctx_eval hook check || :
		fi
	fi
	{
		__az_ctx_options "$__az_ctx_kept"
		[[ ! -o errexit ]] || return 0 # else it would end the shell
		return "$__az_ctx_last"
	} 2>/dev/null
}

# A function named az-ctx is fatal in posix mode; an alias is not. An alias of
# that name would make the definition a parse error, so it goes first.
unalias "az-ctx" 2>/dev/null || :
if [[ :${SHELLOPTS-}: == *:posix:* ]]; then
	alias az-ctx=__az_ctx
else
	# Without the return -E runs an ERR trap twice.
	eval 'function az-ctx { __az_ctx "$@" || { return; } 2>/dev/null; }'
fi

# First in line, so that the user's own prompt command finds the variables of
# this prompt. Where PROMPT_COMMAND is an array this is its first element, the one
# that a bash before 5.1 runs.
if [[ $- == *i* ]]; then
	case "${PROMPT_COMMAND[*]-}" in
	*__az_ctx_hook*) ;;
	*)
		PROMPT_COMMAND="__az_ctx_hook${PROMPT_COMMAND:+
$PROMPT_COMMAND}"
		;;
	esac
fi
