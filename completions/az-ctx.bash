# Completion of az-ctx for bash: az-ctx itself names the candidates, from files
# alone.
__az_ctx_complete() {
	local IFS=$'\n' word=${COMP_WORDS[COMP_CWORD]} words=("${COMP_WORDS[@]:1:COMP_CWORD}") line i
	COMPREPLY=()
	# What was typed may be quoted; the program gets it as the shell would read it.
	for i in "${!words[@]}"; do
		words[i]=${words[i]//\\/}
		words[i]=${words[i]//[\"\']/}
	done
	# No process substitution: posix mode has none before bash 5.1.
	while read -r line; do
		if [[ -z $line || $word == [\"\']* ]]; then
			COMPREPLY+=(${line:+"$line"})
		else
			COMPREPLY+=("$(printf %q "$line")")
		fi
	done <<<"$("${__az_ctx_bin:-az-ctx}" "--wrapper=bash,$$,$$,-,direct," complete -- "${words[@]}" 2>/dev/null)"
}
complete -F __az_ctx_complete az-ctx
