# Completion of az-ctx for fish: az-ctx itself names the candidates, from files
# alone.
function __az_ctx_complete
    set -l words (commandline -opc) (commandline -ct | string unescape)
    set -l bin az-ctx
    set -q __az_ctx_bin; and test -n "$__az_ctx_bin"; and set bin $__az_ctx_bin
    command $bin --wrapper=fish,$fish_pid,$fish_pid,-,direct, complete -- $words[2..] 2>/dev/null
end
complete -c az-ctx -f -a '(__az_ctx_complete)'
