# az-ctx for fish. Put this into ~/.config/fish/config.fish:
#
#   az-ctx init fish | source
#
# `az-ctx` is a function then: the verbs that change this shell print what to
# change, and it is run here. The prompt hook costs no process until something
# that it watches has changed.

# The program is called by the path that PATH finds it at, links unresolved, so
# that an upgrade is picked up.
function __az_ctx_find
    set -g __az_ctx_bin '@PROGRAM@'
    for dir in $PATH
        if string match -q '/*' -- $dir; and test -f $dir/az-ctx -a -x $dir/az-ctx
            set -g __az_ctx_bin $dir/az-ctx
            return 0
        end
    end
    return 0
end
__az_ctx_find

# __az_ctx_who MODE tells the program who calls. In fish a function never runs
# in a process of its own.
function __az_ctx_who
    set -l options -
    status is-interactive; and set options i
    echo --wrapper=fish,$fish_pid,$fish_pid,$options,$argv[1],
end

# __az_ctx_eval runs a verb that may change this shell, and the change: on
# success alone. It is no command substitution, for that one has neither the
# function's standard input nor its standard error where they are redirected.
function __az_ctx_eval
    $__az_ctx_bin (__az_ctx_who eval) $argv | read -lz out
    set -l code $pipestatus[1]
    if test $code -eq 0 -a -n "$out"
        eval $out
        __az_ctx_state
        set -g __az_ctx_seen $__az_ctx_now
    end
    return $code
end

function az-ctx
    set -l fish_trace # keys are nothing for a trace
    test -x "$__az_ctx_bin"; or __az_ctx_find
    if not test -x "$__az_ctx_bin"
        echo 'az-ctx: the program is not on PATH' >&2
        return 127
    end
    switch "$argv[1]"
        case select set connect login import deselect rename remove rm disconnect logout clear autosave
            __az_ctx_eval $argv
        case '*'
            $__az_ctx_bin (__az_ctx_who direct) $argv
    end
end

# __az_ctx_state sums up, with builtins alone, what the prompt watches: the ids
# that tools go by, the agent that serves them, what az wrote into its directory.
function __az_ctx_state
    set -g __az_ctx_now "$AZ_CTX_SESSION|$AZURE_SUBSCRIPTION_ID|$AZURE_TENANT_ID|$ARM_SUBSCRIPTION_ID|$ARM_TENANT_ID|$AZURE_CLOUD_NAME|$ARM_ENVIRONMENT|$AZURE_CONFIG_DIR|"
    test -n "$__az_ctx_dir"; or return 0
    set -l gen
    test -r $__az_ctx_run/agent.generation; and read gen <$__az_ctx_run/agent.generation
    set -a __az_ctx_now $gen
    set -l words (string split ' ' -- $gen)
    # Only Linux tells of a process without a process.
    if test -d /proc/self
        # A dead one that nobody has waited for, as in a container without an
        # init, is there still, in state Z.
        set -l stat
        test -r /proc/$words[2]/stat; and read -d ' ' -a stat </proc/$words[2]/stat
        contains -- "$stat[3]" '' Z; and set -a __az_ctx_now 'no agent'
    end
    test -d $__az_ctx_dir/.azure; or set -a __az_ctx_now 'no directory'
    # fish before 3.5 can't look at a file's time without a process; the next az-ctx
    # command says then what az did.
    builtin -n | string match -q path; or return 0
    set -a __az_ctx_now (path mtime -- $__az_ctx_dir/.azure/{azureProfile.json,config,clouds.config,msal_token_cache.json,service_principal_entries.json})
    return 0
end

function __az_ctx_hook --on-event fish_prompt
    set -l last $status
    set -l fish_trace
    if not test -x "$__az_ctx_bin"
        # It was taken away; az-ctx says so where somebody asks for it.
    else if test "$__az_ctx_begun" != $fish_pid
        set -g __az_ctx_begun $fish_pid
        __az_ctx_eval hook first
    else if test -n "$__az_ctx_dir"
        __az_ctx_state
        if test "$__az_ctx_now" != "$__az_ctx_seen"
            set -g __az_ctx_seen $__az_ctx_now
            __az_ctx_eval hook check
        end
    end
    return $last
end
