# Completion of az-ctx for bash: az-ctx itself names the candidates, from files
# alone.
__az_ctx_complete() {
	local words=('') word rest=$COMP_LINE line quote='' skip i
	# bash breaks words at = and : too. What no blank parts is put together again.
	for ((i = 0; i <= COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ $rest == [[:blank:]]* || -z $word ]]; then
			words+=('')
			rest=${rest#"${rest%%[![:blank:]]*}"}
		fi
		rest=${rest#"$word"}
		words[${#words[@]} - 1]+=$word
	done
	# What was typed may be quoted; the program gets it as the shell would read it.
	case $word in [\"\']*) quote=${word:0:1} ;; esac
	for i in "${!words[@]}"; do
		words[i]=${words[i]//\\/}
		words[i]=${words[i]//[\"\']/}
	done
	word=${word//\\/}
	word=${word//[\"\']/}
	skip=$((${#words[i]} - ${#word})) # bash replaces what follows the last = or : alone

	COMPREPLY=()
	# No process substitution: posix mode has none before bash 5.1.
	while IFS= read -r line; do
		[[ -n $line ]] || continue
		line=${line:skip}
		case $quote in
		\') line=${line//\'/\'\\\'\'} ;;
		\") line=$(__az_ctx_double "$line") ;;
		*) line=$(printf %q "$line") ;;
		esac
		COMPREPLY+=("$line")
	done <<<"$("${__az_ctx_bin:-az-ctx}" "--wrapper=bash,$$,$$,-,direct," complete -- "${words[@]:1}" 2>/dev/null)"
}

# __az_ctx_double makes text safe between double quotes; for ! they have to end.
__az_ctx_double() {
	local text=$1 c bang="\"'!'\""
	for c in \\ \" '$' '`'; do
		text=${text//"$c"/\\"$c"}
	done
	printf %s "${text//!/$bang}"
}
complete -F __az_ctx_complete az-ctx
