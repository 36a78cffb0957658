#!/bin/sh
# SPDX-License-Identifier: MIT
# tidy.sh SOURCE-DIR - the rules that a reviewer would have to repeat. Prints
# file:line: error: what, and why; fails if there is any.
set -u
cd "$1" || exit 1
found=$(mktemp)
trap 'rm -f "$found"' EXIT

sources() { find src include tests fuzz bench examples corpus -name '*.[ch]' 2>/dev/null | sort; }
scripts() {
	find . -path ./build -prune -o -path ./.git -prune -o \
		\( -name '*.sh' -o -name meson.build -o -name meson_options.txt \) -print | sort
	echo demo
	echo check
}

# Take lines "file:line:text" and say why each is wrong.
wrong() { sed "s|^\([^:]*:[0-9]*\):.*|\1: error: $1|" >>"$found"; }

# ban PATTERN REASON PLACE...: no line there matches the extended expression.
ban() {
	pattern=$1 reason=$2
	shift 2
	grep -rnE --include='*.[ch]' -- "$pattern" "$@" | wrong "$reason"
}

# Like ban, with a list of files that may.
ban_except() {
	except=$1 pattern=$2 reason=$3
	shift 3
	grep -rnE --include='*.[ch]' -- "$pattern" "$@" | grep -vE "^($except):" | wrong "$reason"
}

ban '(^|[^:"])//' 'block comments only' src include
ban '#include "\.\./' 'includes name the layer, so that the build can refuse them' src
# Real threads are what the one file is for.
ban_except 'src/litmus/run/threads\.c' \
	'\b(pthread_|atomic_load|atomic_store|_Atomic)|<(pthread|stdatomic)\.h>' \
	'threads and atomics only through sync/sync.h' src/base src/vm src/iommu src/litmus src/report
ban '\b(malloc|calloc|realloc|free)\(' 'the core allocates through sync_alloc()' src/vm src/iommu
ban '\b(time|clock_gettime|gettimeofday|rand|random|getenv)\(' \
	'the core is deterministic: no time, no randomness, no environment' src/base src/vm src/iommu
ban_except 'src/sync/sync\.h' '\bMMUN_(CHECKED|MUTABLE)\b' \
	'only sync/sync.h knows which build it is in' src include
ban_except 'src/(cli|args|checks/program)/.*|src/jobs/jobs\.c' '(^|[=(;?:,!])[[:space:]]*(printf|puts|putchar|perror|exit|_exit)\(' \
	'only the tool prints and exits' src
# Fatal errors have nobody to be returned to: a broken assertion, natively and in the explorer.
ban_except 'src/(cli|args|checks/program)/.*|src/sync/sync_native\.c|src/explore/(engine/(assert|engine)|door/thread)\.c' '\b(stdout|stderr|abort\()' \
	'only the tool prints and exits' src
ban '\b(TODO|FIXME|XXX)\b' 'finish it, or leave it out' src include tests fuzz

# Columns, with tabs of 8. A message stays in one piece, so that grep finds it.
for f in $(sources); do
	expand "$f" | awk -v f="$f" 'length > 100 && !(match($0, /"[^"]*"/) && RLENGTH > 20) {
		print f ":" FNR ": error: " length " columns, 100 is the limit" }'
done >>"$found"

for f in $(sources); do
	awk -v f="$f" '/^\{$/ { start = FNR }
		/^\}/ && start { if (FNR - start - 1 > 70)
			print f ":" start ": error: a function of " FNR - start - 1 " lines, 70 is the limit"
			start = 0 }' "$f"
done >>"$found"

for f in $(sources) $(scripts); do
	head -n 2 "$f" | grep -q 'SPDX-License-Identifier: MIT' ||
		echo "$f:1: error: no SPDX-License-Identifier: MIT" >>"$found"
done

# Each source file is built.
for f in $(find src -name '*.c'); do
	grep -q "'${f#src/}'" src/meson.build ||
		echo "$f:1: error: not in src/meson.build" >>"$found"
done

# A race that is drawn in a comment names the tests that run it: "Litmus: a+b, c+d."
for f in $(sources); do
	awk -v f="$f" '
		!open && match($0, /[Ll]itmus: /) && /^[ \t]*\/?\*/ {
			open = FNR; text = substr($0, RSTART + RLENGTH)
		}
		open && FNR > open { text = text " " $0 }
		open && (index(text, ".") || /\*\//) {
			sub(/\..*/, "", text); gsub(/[^a-z0-9+-]+/, " ", text)
			n = split(text, word, " ")
			for (i = 1; i <= n; i++)
				if (word[i] ~ /^[a-z0-9]+(\+[a-z0-9-]+)+$/)
					print f ":" open ":" word[i]
			open = 0
		}' "$f"
done | while IFS=: read -r file line name; do
	[ -f "litmus/$name.litmus" ] ||
		echo "$file:$line: error: there is no litmus/$name.litmus" >>"$found"
done

# The catalog's README has a line for each test.
for f in litmus/*.litmus; do
	name=${f#litmus/} name=${name%.litmus}
	grep -qF "$name" litmus/README.md || echo "litmus/README.md:1: error: nothing on $name" >>"$found"
done

cat "$found"
[ ! -s "$found" ]
