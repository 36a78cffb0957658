#!/bin/sh
# SPDX-License-Identifier: MIT
# symbols.sh LIBRARY SOURCE-DIR - what libmmun.so exports is what mmun.h
# declares, and what the version script names; nothing more and nothing less.
set -eu
library=$1 top=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
LC_ALL=C
export LC_ALL

nm -D --defined-only "$library" | awk '$2 != "A" { print $3 }' |
	sed -n 's/@@MMUN_0\.1$//p' | sort >"$dir/exported"
nm -D --defined-only "$library" | awk '$2 != "A" { print $3 }' | grep -v '@@MMUN_' |
	grep -vE '^(__asan_|__ubsan_|__odr_asan|_init|_fini)' >"$dir/unversioned" || :
# MMUN_API type name(...
tr '\n' ' ' <"$top/include/mmun/mmun.h" | sed 's/MMUN_API/\n&/g' |
	sed -n 's/^MMUN_API [^(;]*[ *]\([a-z_0-9]*\)(.*/\1/p' | sort >"$dir/declared"

[ -s "$dir/declared" ]
ret=0
if [ -s "$dir/unversioned" ]; then
	sed 's/^/exported without a version: /' "$dir/unversioned"
	ret=1
fi
if ! diff -u "$dir/declared" "$dir/exported"; then
	echo "mmun.h (-) and libmmun.so (+) differ"
	ret=1
fi
# Each pattern of the map is there for something, and each symbol has one.
sed -n '/global:/,/local:/s/^[ 	]*\([a-z_*]*\);.*/\1/p' "$top/src/libmmun.map" >"$dir/patterns"
[ -s "$dir/patterns" ]
while read -r pattern; do
	expr=$(printf '%s\n' "$pattern" | sed 's/\*/.*/g')
	if ! grep -qx "$expr" "$dir/exported"; then
		echo "libmmun.map: nothing matches $pattern"
		ret=1
	fi
	echo "$expr" >>"$dir/exprs"
done <"$dir/patterns"
if grep -vxf "$dir/exprs" "$dir/exported"; then
	echo "libmmun.map has no pattern for these"
	ret=1
fi
echo "$(wc -l <"$dir/exported") symbols"
exit $ret
