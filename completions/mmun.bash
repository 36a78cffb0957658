# SPDX-License-Identifier: MIT
# mmun.bash - completes commands, options, tests and names from the catalog.

_mmun() {
	local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local commands='check replay when corpus list trace help version'
	local options='--help' names=

	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		mapfile -t COMPREPLY < <(compgen -W "$commands --help --version" -- "$word")
		return
	fi
	case $previous in
	--format)
		mapfile -t COMPREPLY < <(compgen -W 'herd brief json html svg mermaid help' -- "$word")
		return
		;;
	--max-executions | --max-seconds | --jobs)
		return
		;;
	esac
	case ${COMP_WORDS[1]} in
	check)
		options+=' --max-executions --max-seconds --fast --format --json --quiet'
		options+=' --verbose --picture --no-picture --no-oracles --fail-allocations --matrix --print'
		options+=' --coverage --no-races'
		;;
	replay)
		options+=' --verbose --format'
		;;
	when)
		options+=' --modern --classic --linux --json --markdown --jobs --list --superfluous'
		options+=' --max-executions'
		;;
	corpus)
		options+=' --list --json --markdown --verbose'
		;;
	trace)
		options+=' --classic --linux --kernel --list'
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
	when)
		if [[ $word == *@* ]]; then
			names='clear set unlock end after freed never default'
			mapfile -t COMPREPLY < <(compgen -P "${word%%@*}@" -W "$names" -- "${word#*@}")
		else
			names=$("${COMP_WORDS[0]}" when --list 2>/dev/null | cut -d ' ' -f 1)
			mapfile -t COMPREPLY < <(compgen -W "$names" -- "$word")
		fi
		;;
	corpus)
		names=$("${COMP_WORDS[0]}" corpus --list 2>/dev/null | cut -d ' ' -f 1)
		mapfile -t COMPREPLY < <(compgen -W "$names" -- "$word")
		;;
	trace)
		names=$("${COMP_WORDS[0]}" trace --list 2>/dev/null | cut -d ' ' -f 1)
		mapfile -t COMPREPLY < <(compgen -W "$names all" -- "$word")
		;;
	check | replay | list)
		mapfile -t COMPREPLY < <(compgen -d -S / -- "$word"
			compgen -f -X '!*.@(litmus|c)' -- "$word")
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
