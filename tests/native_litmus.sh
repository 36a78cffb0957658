#!/bin/sh
# SPDX-License-Identifier: MIT
# native_litmus.sh MMUN LITMUS_NATIVE ITERATIONS DIR - what real threads show on
# the native library must lie inside what the explorer has enumerated.
#
# Left out: store buffering (sb*), which hardware shows and the explorer, being
# sequentially consistent, does not; and tests whose planted bug has the native
# library touch what was freed, which may be anything by then.
set -eu
mmun=$1 native=$2 iterations=$3 dir=$4
[ -x "$mmun" ] || { echo "no explorer at $mmun: run ./check gcc first"; exit 77; }
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
ran=0 status=0
for test in "$dir"/*.litmus; do
	name=$(basename "$test" .litmus)
	case $name in sb* | munmap+end) continue ;; seed* | none*) continue ;; esac
	! grep -qE 'Finding: (lifetime|liveness)' "$test" || continue
	grep -qE '^(exists|~exists|forall|locations)' "$test" || continue
	"$mmun" check --no-picture "$test" >"$out/full" || { cat "$out/full"; exit 1; }
	sed -n '/^States/,/^\(Ok\|No\)$/p' "$out/full" | sed '1d;$d;s/ *$//' | sort -u >"$out/explored"
	n=$iterations # half a thousand pages are filled for a huge one
	! grep -qE '^\s+[a-z].* (huge|split)\b' "$test" || n=$((iterations / 20))
	"$native" "$n" "$test" | sed 's/ *$//' | sort -u >"$out/native"
	ran=$((ran + 1))
	if outside=$(comm -13 "$out/explored" "$out/native") && [ -n "$outside" ]; then
		echo "$name: real threads showed what the explorer did not:"
		echo "$outside"
		status=1
	fi
done
echo "$ran tests, $iterations iterations each"
[ "$ran" -ge 40 ] || { echo "too few tests were run"; status=1; }
exit $status
