# Completion of az-ctx for zsh: az-ctx itself names the candidates, from files
# alone.
__az_ctx_complete() {
	local -a candidates
	candidates=(${(f)"$("${__az_ctx_bin:-az-ctx}" "--wrapper=zsh,$$,$$,-,direct," complete -- "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)"})
	if (( $#candidates )); then
		compadd -M 'm:{a-zA-Z}={A-Za-z}' -a -- candidates
	else
		_files
	fi
}
if (( ${+functions[compdef]} )); then
	compdef __az_ctx_complete "az-ctx"
fi
