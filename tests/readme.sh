#!/bin/sh
# SPDX-License-Identifier: MIT
# readme.sh MMUN SOURCE-DIR - README.md and docs/trace.md show what the tool prints: the
# picture, the test of one's own with its figures, the program, the order; and commands that
# work. A block of theirs is what is indented by four columns.
set -u
tool=$1 top=$2
case $tool in
/*) ;;
*) tool=$PWD/$tool ;;
esac
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$top" || exit 1
ret=0

fail() {
	echo "readme: $*" >&2
	ret=1
}

# block FILE FIRST-LINE: the block that begins with this line, without its indentation.
block() {
	awk -v first="    $2" '
		$0 == first { on = 1 }
		on && $0 != "" && !/^    / { exit }
		on { sub(/^    /, ""); print }' "$1" | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}'
}

# same WHAT FILE FILE
same() {
	[ -s "$2" ] || fail "$1: not found"
	diff "$2" "$3" || fail "$1 is not what README or docs/trace.md show"
}

# The picture: all columns, but the indentation of the page.
"$tool" check litmus/cow+deferred.litmus | sed -n '/^     P0/,$p' >"$dir/tool"
sed -n '/^         P0  /,/^$/p' README.md | sed 's/^    //' >"$dir/readme"
same "the picture" "$dir/readme" "$dir/tool"

"$tool" check litmus/cow+clear.litmus | grep -q '^Verified: all 140 inequivalent executions' ||
	fail "cow+clear is not verified by 140 executions"
for test in cow+set ksm+deferred; do
	"$tool" check -q "litmus/$test.litmus" >/dev/null || fail "$test is not as it says"
done
[ "$("$tool" check --matrix --print | grep -c '^VM ')" = \
	"$(sed -n 's/.* on one page, \([0-9]*\) tests$/\1/p' README.md)" ] ||
	fail "the matrix has another number of tests"

# The checks, and the corpus.
[ "$("$tool" corpus --list | grep -c .)" = "$(sed -n 's/.* corpus  *# \([0-9]*\) bugs.*/\1/p' README.md)" ] ||
	fail "the corpus has another number of entries"
"$tool" corpus --list | grep -q '^15  .*fork' || fail "entry 15 is another one"
sed -n 's/^    build\/mmun \(\(check --\|when --superfluous\)[^#>]*c\) .*/\1/p' README.md >"$dir/commands"
[ "$(grep -c . "$dir/commands")" = 3 ] || fail "other commands for checks in C"
while read -r command; do
	"$tool" $command >"$dir/out" 2>&1 || fail "mmun $command: $(cat "$dir/out")"
done <"$dir/commands"

# The test of one's own; too late, which is a violation if nothing is expected.
block README.md 'VM my-test' >"$dir/my-test.litmus"
"$tool" check "$dir/my-test.litmus" >/dev/null || fail "my-test is not as it says"
sed 's/= clear;/= end; /' "$dir/my-test.litmus" >"$dir/late.litmus"
"$tool" check "$dir/late.litmus" | grep -q '^Positive: 8 Negative: 644$' ||
	fail "my-test, at the end: not 8 of 652 executions"
sed -e '/^exists/d' -e '/Result:/d' "$dir/late.litmus" >"$dir/open.litmus"
"$tool" check "$dir/open.litmus" | grep -q '^Verdict violation: flat' ||
	fail "my-test, at the end and asking nothing: nothing was found"

block README.md '#include <mmun/mmun.h>' | sed '/^}$/q' >"$dir/readme"
sed '1,/^ \*\/$/d' examples/device.c >"$dir/device"
same "the program" "$dir/readme" "$dir/device"

block docs/trace.md "\$ build/mmun trace cow_fork_write" | sed 1d >"$dir/readme"
"$tool" trace cow_fork_write >"$dir/tool"
same "the order" "$dir/readme" "$dir/tool"

# Tests and checks that docs/vm.md names exist.
tr -c 'a-z0-9+-' '\n' <docs/vm.md | grep -x '[a-z][a-z-]*\(+[a-z-]*[a-z]\)\{1,\}' | sort -u |
	while read -r name; do
		[ -f "litmus/$name.litmus" ] || grep -q "\"[^\"]*$name[^\"]*\"" tests/*.c ||
			echo "$name"
	done >"$dir/missing"
grep -o '"[^"]*"' docs/vm.md | tr -d '"' | sort -u | while read -r name; do
	grep -qF "\"$name" tests/*.c || echo "$name"
done >>"$dir/missing"
[ ! -s "$dir/missing" ] || fail "docs/vm.md names what is not there: $(cat "$dir/missing")"
exit $ret
