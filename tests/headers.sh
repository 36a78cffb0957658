#!/bin/sh
# SPDX-License-Identifier: MIT
# headers.sh SOURCE-DIR - each header compiles alone, and twice: the public ones
# as pedantic C99 and C++11, the others as the tree is built, in both builds.
set -u
cd "$1" || exit 1
ret=0 tried=0

# alone HEADER LANGUAGE COMPILER [FLAG...]
alone() {
	header=$1 language=$2 compiler=$3
	shift 3
	command -v "$compiler" >/dev/null || return 0
	tried=$((tried + 1))
	if ! printf '#include "%s"\n#include "%s"\nextern int not_empty;\n' "$header" "$header" |
		"$compiler" -Wall -Wextra -Werror -Iinclude "$@" -fsyntax-only -x "$language" -; then
		echo "$header:1: error: does not compile alone with $compiler $*"
		ret=1
	fi
}

for f in include/mmun/*.h include/mmun/*/*.h; do
	h=${f#include/}
	for c in gcc clang; do
		alone "$h" c "$c" -std=c99 -pedantic -Wstrict-prototypes
	done
	for c in g++ clang++; do
		alone "$h" c++ "$c" -std=c++11 -pedantic
		alone "$h" c++ "$c" -std=c++20 -pedantic
	done
done 2>&1

for f in $(find src -name '*.h'); do
	h=${f#src/}
	case $h in
	# Halves of sync.h, which says so and includes them where they belong.
	sync/sync_native.h | sync/sync_checked.h) continue ;;
	esac
	alone "$h" c gcc -std=gnu11 -Isrc -DMMUN_CHECKED
	case $h in
	# These exist in the checked build only.
	explore/*/*.h | litmus/run/world.h | checks/names/*.h) ;;
	*) alone "$h" c gcc -std=gnu11 -Isrc ;;
	esac
done 2>&1

echo "$tried compilations"
[ "$tried" != 0 ] || exit 77
exit $ret
