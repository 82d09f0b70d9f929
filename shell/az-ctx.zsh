# az-ctx for zsh. Put this into ~/.zshrc:
#
#   eval "$(az-ctx init zsh)"
#
# `az-ctx` is a function then: the verbs that change this shell print what to
# change, and it is run here. The prompt hook costs no process until something
# that it watches has changed.

# The program is called by the path that PATH finds it at, links unresolved, so
# that an upgrade is picked up; an absolute path no other function can shadow.
__az_ctx_find() {
	emulate -L zsh
	local dir
	typeset -g __az_ctx_bin='@PROGRAM@'
	for dir in ${(s.:.)PATH}; do # sh's emulation has no $path
		if [[ $dir == /* && -f $dir/az-ctx && -x $dir/az-ctx ]]; then
			__az_ctx_bin=$dir/az-ctx
			return 0
		fi
	done
	return 0
}
__az_ctx_find

# What the program told the hook to watch: its run directory, the activation's.
__az_ctx_run=${__az_ctx_run-}
__az_ctx_dir=${__az_ctx_dir-}

# sysparams tells a subshell's own process id.
zmodload zsh/system 2>/dev/null || :

# __az_ctx_eval runs a verb that may change this shell, and the change: on
# success alone. A variable that is read-only would leave the change half done,
# so it is looked for first.
__az_ctx_eval() {
	emulate -L zsh
	setopt no_err_exit no_err_return 2>/dev/null
	# The process is asked for here: in the $( ) below it would be that one's.
	local __az_ctx_self=${sysparams[pid]-} __az_ctx_out __az_ctx_status=0 __az_ctx_readonly= __az_ctx_v
	for __az_ctx_v in @VARIABLES@; do
		if [[ ${(Pt)__az_ctx_v} == *readonly* ]]; then
			__az_ctx_readonly=$__az_ctx_v
			break
		fi
	done
	# exec: without it a shell that has traps forks once more.
	__az_ctx_out=$(exec "$__az_ctx_bin" "--wrapper=zsh,$$,$__az_ctx_self,$__az_ctx_options,eval,$__az_ctx_readonly" "$@") || __az_ctx_status=$?
	if [[ $__az_ctx_status == 0 && -n $__az_ctx_out ]]; then
		eval "$__az_ctx_out"
		__az_ctx_state
		typeset -g __az_ctx_seen=$__az_ctx_now
	fi
	return $__az_ctx_status
}

__az_ctx() {
	# Nothing of this is for a trace, keys would be in it; nor for the user's traps,
	# whose output would be taken for the program's; nor are the hook's variables
	# for the environment. The options are taken before any is changed.
	{ local __az_ctx_options=$-; setopt local_options local_traps no_xtrace no_all_export; trap - DEBUG ZERR; } 2>/dev/null
	if [[ ! -x $__az_ctx_bin ]]; then
		__az_ctx_find
	fi
	if [[ ! -x $__az_ctx_bin ]]; then
		print -ru2 -- 'az-ctx: the program is not on PATH'
		return 127
	fi
	case ${1-} in
	select | set | connect | login | import | deselect | rename | remove | rm | disconnect | logout | clear | autosave)
		__az_ctx_eval "$@"
		;;
	*)
		"$__az_ctx_bin" "--wrapper=zsh,$$,${sysparams[pid]-},$__az_ctx_options,direct," "$@"
		;;
	esac
}

# __az_ctx_state sums up, with builtins alone, what the prompt watches: the ids
# that tools go by, the agent that serves them, what az wrote into its directory.
__az_ctx_state() {
	emulate -L zsh
	local gen= file
	typeset -g __az_ctx_now="${AZ_CTX_SESSION-}|${AZURE_SUBSCRIPTION_ID-}|${AZURE_TENANT_ID-}|${ARM_SUBSCRIPTION_ID-}|${ARM_TENANT_ID-}|${AZURE_CLOUD_NAME-}|${ARM_ENVIRONMENT-}|${AZURE_CONFIG_DIR-}|"
	if [[ -z $__az_ctx_dir ]]; then
		return 0
	fi
	if [[ -r $__az_ctx_run/agent.generation ]]; then
		IFS= read -r gen <$__az_ctx_run/agent.generation || :
	fi
	__az_ctx_now+=$gen
	gen=${${gen#* }%% *}
	if [[ -d /proc/self ]]; then
		# A dead one that nobody has waited for, as in a container without an init,
		# is there still, in state Z.
		{ IFS=' ' read -r gen gen gen file </proc/${gen:-none}/stat; } 2>/dev/null || gen=Z
		[[ $gen != Z ]] || __az_ctx_now+='|no agent'
	else
		kill -0 "$gen" 2>/dev/null || __az_ctx_now+='|no agent'
	fi
	[[ -d $__az_ctx_dir/.azure ]] || __az_ctx_now+='|no directory'
	for file in azureProfile.json config clouds.config msal_token_cache.json service_principal_entries.json; do
		[[ ! $__az_ctx_dir/.azure/$file -nt $__az_ctx_dir/mark ]] || __az_ctx_now+="|$file"
	done
	return 0
}

# __az_ctx_completes waits for compinit, which a start file may well run after us.
__az_ctx_completes() {
	emulate -L zsh
	if (( ${+functions[__az_ctx_complete]} && ${+functions[compdef]} && ${+_comps} && ! ${+_comps[az-ctx]} )); then
		compdef __az_ctx_complete "az-ctx"
	fi
	return 0
}

__az_ctx_hook() {
	local __az_ctx_last=$?
	{ local __az_ctx_options=$-; setopt local_options local_traps no_xtrace no_all_export; trap - DEBUG ZERR; } 2>/dev/null
	__az_ctx_completes
	if [[ ! -x $__az_ctx_bin ]]; then
		: # it was taken away; __az_ctx says so where somebody asks for it
	elif [[ ${__az_ctx_begun-} != $$ ]]; then
		typeset -g __az_ctx_begun=$$
		__az_ctx_eval hook first || :
	elif [[ -n $__az_ctx_dir ]]; then
		__az_ctx_state
		if [[ $__az_ctx_now != ${__az_ctx_seen-} ]]; then
			typeset -g __az_ctx_seen=$__az_ctx_now
			__az_ctx_eval hook check || :
		fi
	fi
	return $__az_ctx_last
}

# An alias of that name would make the definition a parse error, so it goes first;
# in quotes, for a global one acts on its own name here too.
unalias "az-ctx" 2>/dev/null || :
# Without the return a ZERR trap runs twice.
eval 'function az-ctx { __az_ctx "$@" || { return; } 2>/dev/null; }'

# First in line, so that the user's own prompt functions find the variables of
# this prompt.
__az_ctx_install() {
	emulate -L zsh
	typeset -ga precmd_functions
	precmd_functions=(__az_ctx_hook ${precmd_functions:#__az_ctx_hook})
}
if [[ -o interactive ]]; then
	__az_ctx_install
fi
unfunction __az_ctx_install
