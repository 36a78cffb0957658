#!/bin/sh
# SPDX-License-Identifier: MIT
# unwatched.sh MMUN SOURCE-DIR COMPILER plain|sanitized - what checks do that the compiler's hooks
# do not tell of. Each is found, or stands on the line of the verdict; and what is beside it in the
# file, or in another function, is verified without reserve.
set -u
LC_ALL=C
export LC_ALL
mmun=$(realpath "$1") top=$(realpath "$2") CC=$3
MMUN_INCLUDE=$top/include
export MMUN_INCLUDE CC
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
failures=0

fail() {
	echo "FAILED: $*"
	failures=$((failures + 1))
}

cp "$top/tests/checks/unwatched.c" .
checks=0
# "says: TEXT" before a check: it is found, or the verdict says TEXT; "-": it is verified.
sed -n 's|^/\* says: \(.*\) \*/$|\1|p' unwatched.c >texts
sed -n 's/^CHECK(\([a-z_]*\).*/\1/p' unwatched.c >names
[ "$(wc -l <texts)" = "$(wc -l <names)" ] || fail "each check has a line"
judge() {
	sed -n "/^Test $1\$/,/^\$/p" out >one
	checks=$((checks + 1))
	if [ "$2" = - ]; then
		grep -q '^Verified: all ' one || fail "$1 is not verified: $(cat one)"
	elif ! grep -q '^Finding' one && ! grep -q "^Verified, but not watched: .*$2" one; then
		fail "$1: neither found nor '$2': $(cat one)"
	fi
}
# Optimized, and not.
for how in --no-picture --coverage; do
	"$mmun" check "$how" unwatched.c >out 2>err </dev/null
	status=$?
	[ "$status" = 0 ] || [ "$status" = 1 ] || fail "status $status: $(cat err)"
	while read -r name <&3 && read -r text <&4; do
		judge "$name" "$text"
	done 3<names 4<texts
done
[ "$checks" -ge 40 ] || fail "only $checks checks"

# The other formats.
"$mmun" check --json unwatched.c >json 2>/dev/null
grep -q '"name": "inline_assembly".*"unwatched": \["inline assembly in ' json || fail "json"
grep -q '"name": "plain_structure".*"unwatched": \[\]' json || fail "json: nothing"
"$mmun" check -q unwatched.c >brief 2>/dev/null
grep -q '^inline_assembly .* ok .*, not all watched$' brief || fail "brief: $(cat brief)"
"$mmun" check --format html unwatched.c >page 2>/dev/null
grep -q '<p class="verified">Verified, but not watched: inline assembly in' page || fail "html"

[ "$failures" = 0 ] || exit 1
echo "$checks checks: each is found, or said with the verdict"
