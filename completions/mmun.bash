# SPDX-License-Identifier: MIT
# mmun.bash - completes commands, options, tests and names from the catalogue.

_mmun() {
	local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local commands='check replay list help version'
	local options='--help' names=

	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		mapfile -t COMPREPLY < <(compgen -W "$commands --help --version" -- "$word")
		return
	fi
	case $previous in
	--format)
		mapfile -t COMPREPLY < <(compgen -W 'herd brief json help' -- "$word")
		return
		;;
	--max-executions | --max-seconds)
		return
		;;
	esac
	case ${COMP_WORDS[1]} in
	check)
		options+=' --max-executions --max-seconds --fast --format --json --quiet'
		options+=' --verbose --picture --no-picture --no-oracles'
		;;
	replay)
		options+=' --verbose'
		;;
	help)
		mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$word")
		return
		;;
	esac
	if [[ $word == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
		return
	fi
	case ${COMP_WORDS[1]} in
	check | replay | list)
		mapfile -t COMPREPLY < <(compgen -d -S / -- "$word"
			compgen -f -X '!*.litmus' -- "$word")
		[[ $word == */* || ${COMP_WORDS[1]} == list ]] ||
			names=$("${COMP_WORDS[0]}" list 2>/dev/null | cut -d ' ' -f 1)
		mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$names" -- "$word")
		compopt -o nospace 2>/dev/null
		[[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} != */ ]] && compopt +o nospace 2>/dev/null
		;;
	esac
	return 0
}

complete -F _mmun mmun
