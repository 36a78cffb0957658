#!/bin/sh
# SPDX-License-Identifier: MIT
# sentences.sh TOOL OTHER-TOOL SOURCE-DIR - nobody takes a sentence apart: a tool whose events
# read otherwise finds the same, draws the same rows and orders operations in the same way.
set -u
tool=$1 other=$2 top=$3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
MMUN_KERNEL=$top/tests/kernel
export MMUN_KERNEL
failures=0

# What may differ: the sentences, and how long it took.
json() {
	"$1" check --fast --picture --max-executions 300 --json "$top"/litmus/*.litmus 2>/dev/null |
		sed -E 's/"text": "([^"\\]|\\.)*", "kind"/"kind"/g; s/"seconds": [0-9.]*//'
}

# Of the rows all but the sentences: numbers, threads, where they are indented, what changed.
rows() {
	"$1" check --fast --picture --max-executions 300 --format html "$top"/litmus/*.litmus \
		2>/dev/null | sed -E 's/<span class="text">(.*)<\/span>/<span>/'
}

orders() { "$1" trace --kernel all; }

for what in json rows orders; do
	"$what" "$tool" >"$dir/a"
	"$what" "$other" >"$dir/b"
	[ "$(wc -l <"$dir/a")" -gt 100 ] || failures=$((failures + 1))
	if ! diff "$dir/a" "$dir/b" >"$dir/diff"; then
		echo "FAILED: $what:"
		head -5 "$dir/diff"
		failures=$((failures + 1))
	fi
done
# They are other sentences indeed.
"$other" check --picture "$top/litmus/cow+set.litmus" | grep -q 'unlock D0: entry-set' ||
	failures=$((failures + 1))
echo "$failures failures"
[ "$failures" = 0 ]
