#!/bin/sh
# SPDX-License-Identifier: MIT
# symbols.sh LIBRARY ARCHIVE SOURCE-DIR CC - what libmmun.so and libmmun.a export is
# what mmun.h, mmun/hmm.h, iommu.h and kvm.h declare, and what the version script names; nothing
# more and nothing less. And no mistake can be planted in the library as it ships.
set -eu
library=$1 archive=$2 top=$3 cc=$4
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
LC_ALL=C
export LC_ALL

nm -D --defined-only "$library" | awk '$2 != "A" { print $3 }' |
	sed -n 's/@@MMUN_0\.1$//p' | sort >"$dir/exported"
# What a sanitizer, the compiler or the linker adds is nobody's.
others='^(__asan_|__ubsan_|__tsan_|__odr_asan|__start_|__stop_|_init|_fini)'
nm -D --defined-only "$library" | awk '$2 != "A" { print $3 }' | grep -v '@@MMUN_' |
	grep -vE "$others" >"$dir/unversioned" || :
nm -g --defined-only "$archive" | awk 'NF == 3 { print $3 }' | grep -vE "$others" |
	sort >"$dir/archived"
# MMUN_API type name(...
cat "$top/include/mmun/mmun.h" "$top/include/mmun/hmm.h" "$top/include/mmun/iommu.h" "$top/include/mmun/kvm.h" | tr '\n' ' ' | sed 's/MMUN_API/\n&/g' |
	sed -n 's/^MMUN_API [^(;]*[ *]\([a-z_0-9]*\)(.*/\1/p' | sort >"$dir/declared"

[ -s "$dir/declared" ]
ret=0
if [ -s "$dir/unversioned" ]; then
	sed 's/^/exported without a version: /' "$dir/unversioned"
	ret=1
fi
if ! diff -u "$dir/declared" "$dir/exported"; then
	echo "the headers (-) and libmmun.so (+) differ"
	ret=1
fi
if ! diff -u "$dir/declared" "$dir/archived"; then
	echo "the headers (-) and libmmun.a (+) differ"
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
# What moves flush points and makes mutations does not exist, but where tests say so.
cat >"$dir/mutate.c" <<'END'
#include "vm/mm/mm.h"
void mutate(struct mmun_mm *mm);
void mutate(struct mmun_mm *mm)
{
	mm_set_flush_points(mm, MM_OP_COW, 0);
	mm_mutate(mm, MM_OP_COW, MUTATION_REUSE);
}
END
compile() {
	"$cc" -std=gnu11 -Werror=implicit-function-declaration -I"$top/src" -I"$top/include" \
		-c -o "$dir/mutate.o" "$@" "$dir/mutate.c" 2>"$dir/said"
}
if ! compile -DMMUN_MUTABLE; then
	cat "$dir/said"
	ret=1
fi
if compile; then
	echo "the library that ships has a way to plant mistakes"
	ret=1
fi
for name in mm_set_flush_points mm_mutate; do
	if ! grep -q "$name" "$dir/said"; then
		echo "$name: nothing is said of it"
		cat "$dir/said"
		ret=1
	fi
done
# What the explorer calls the flush points is text that only it needs.
if strings "$library" | grep 'secondary TLBs, '; then
	echo "the library that ships has text of the explorer"
	ret=1
fi
echo "$(wc -l <"$dir/exported") symbols"
exit $ret
