#!/bin/sh
# SPDX-License-Identifier: MIT
# native_litmus.sh MMUN LITMUS_NATIVE ITERATIONS DIR - what real threads show on
# the native library must lie inside what the explorer has enumerated.
#
# Left out: store buffering (sb*), which hardware shows and the explorer, being
# sequentially consistent, does not; and tests that real threads cannot run, because of
# their planted bug (then litmus_native says why and ends with 77).
set -eu
mmun=$1 native=$2 iterations=$3 dir=$4
[ -x "$mmun" ] || { echo "no explorer at $mmun: run ./check gcc first"; exit 77; }
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
ran=0 cannot=0 status=0
for test in "$dir"/*.litmus; do
	name=$(basename "$test" .litmus)
	case $name in sb* | seed* | none*) continue ;; esac
	grep -qE '^(exists|~exists|forall|locations)' "$test" || continue
	n=$iterations # half a thousand pages are filled for a huge one
	! grep -qE '^\s+[a-z].* (huge|split)\b' "$test" || n=$((iterations / 20))
	native_status=0
	"$native" "$n" "$test" >"$out/seen" 2>"$out/why" || native_status=$?
	case $native_status in
	0) ;;
	77) cannot=$((cannot + 1)) && continue ;;
	*) cat "$out/why" && exit 1 ;;
	esac
	sed 's/ *$//' "$out/seen" | sort -u >"$out/native"
	"$mmun" check --no-picture "$test" >"$out/full" || { cat "$out/full"; exit 1; }
	sed -n '/^States/,/^\(Ok\|No\)$/p' "$out/full" | sed '1d;$d;s/ *$//' | sort -u >"$out/explored"
	ran=$((ran + 1))
	if outside=$(comm -13 "$out/explored" "$out/native") && [ -n "$outside" ]; then
		echo "$name: real threads showed what the explorer did not:"
		echo "$outside"
		status=1
	fi
done
echo "$ran tests, $iterations iterations each; $cannot cannot be run so"
[ "$ran" -ge 40 ] && [ "$cannot" -ge 5 ] || { echo "too few tests were run"; status=1; }
exit $status
