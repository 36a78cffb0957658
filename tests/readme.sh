#!/bin/sh
# SPDX-License-Identifier: MIT
# readme.sh MMUN SOURCE-DIR - README.md and docs/*.md show what the tool prints, and the commands
# that they print work. A block of theirs stands between two lines of three backquotes.
set -u
tool=$(realpath "$1") top=$(realpath "$2")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$top" || exit 1
tutorial=docs/tutorial.md
ret=0

fail() {
	echo "readme: $*" >&2
	ret=1
}

# block FILE FIRST-LINE: the block that begins with this line.
block() {
	FIRST=$2 awk '
		on && /^```/ { exit }
		last ~ /^```/ && $0 == ENVIRON["FIRST"] { on = 1 }
		on { print }
		{ last = $0 }' "$1"
}

# same WHAT FILE FILE
same() {
	[ -s "$2" ] || fail "$1: not found"
	diff "$2" "$3" || fail "$1 is not what the documents show"
}

# number FILE EXPRESSION: what the expression's group matches, once.
number() { tr '\n' ' ' <"$1" | sed -n "s/.*$2.*/\1/p"; }

# --- what the tool prints ---------------------------------------------------------------------

"$tool" check litmus/cow+deferred.litmus | sed -n '/^     P0/,$p' | sed '$d' >"$dir/tool"
block README.md "$(head -n 1 "$dir/tool")" >"$dir/shown"
same "the picture" "$dir/shown" "$dir/tool"

"$tool" check litmus/cow+clear.litmus | sed 's/^\(Time .*\) [0-9.]*$/\1 0.00/' | sed '$d' >"$dir/tool"
block $tutorial 'Test cow+clear Allowed' >"$dir/shown"
same "the output of a test that is verified" "$dir/shown" "$dir/tool"
grep -q "$(sed -n 's/^Verified: all \([0-9]*\) inequivalent.*/Verified: all \1/p' "$dir/tool")" README.md ||
	fail "cow+clear is verified in another number of executions"

# The example of mmun-litmus(5) is a test of the catalog.
sed -n '/^\.Bd -literal$/,/^\.Ed$/p' man/mmun-litmus.5 | sed -e '1d;$d' -e 's/\\e/\\/g' >"$dir/shown"
same "the example of mmun-litmus(5)" "$dir/shown" litmus/cow+deferred.litmus

block docs/trace.md "\$ build/mmun trace cow_fork_write" | sed 1d >"$dir/shown"
"$tool" trace cow_fork_write >"$dir/tool"
same "the order" "$dir/shown" "$dir/tool"

"$tool" check examples/checks/wakeup.c | sed -n '/^Finding deadlock/,/^Repaired/p' |
	sed '$d' >"$dir/tool"
block docs/checks.md "$(head -n 1 "$dir/tool")" >"$dir/shown"
same "the finding of a check in C" "$dir/shown" "$dir/tool"

block docs/porting.md 'pte = pte_offset_map_lock(mm, pmd, address, &ptl);' >"$dir/shown"
sed 's/^[ \t]*//' examples/checks/wp_page_copy.c >"$dir/lines"
while read -r line; do
	grep -qxF "$line" "$dir/lines" || fail "not in wp_page_copy.c: $line"
done <"$dir/shown"

block docs/library.md '#include <mmun/mmun.h>' >"$dir/shown"
sed '1,/^ \*\/$/d' examples/device.c >"$dir/device"
same "the program" "$dir/shown" "$dir/device"

# The rows that the tutorial has of the table, without the column "default" and the notes, whatever
# the columns' widths.
squeezed() { sed -e 's/\[[0-9]*\]//' -e 's/  */ /g' -e 's/ $//'; }
block $tutorial "$(grep '^  *clear  *set  *unlock' $tutorial)" | sed 1d | squeezed >"$dir/shown"
"$tool" when --modern | sed '/^[A-E] /!d' >"$dir/when"
while read -r kind row rest; do
	grep "^$kind $row " "$dir/when" | head -n 1 | awk '{ NF = 9; print }'
done <"$dir/shown" >"$dir/tool"
same "the table's rows" "$dir/shown" "$dir/tool"

# --- figures ----------------------------------------------------------------------------------

[ "$("$tool" check --matrix --print | grep -c '^VM ')" = \
	"$(number $tutorial '[^0-9]\([0-9]*\) generated  *tests')" ] ||
	fail "the matrix has another number of tests"
entries=$("$tool" corpus --list | grep -c .)
[ "$entries" = "$(number $tutorial 'runs  *\([0-9]*\)  *bugs')" ] &&
	[ "$entries" = "$(number docs/porting.md 'corpus.`  *has  *\([0-9]*\)')" ] ||
	fail "the corpus has another number of entries"
"$tool" corpus --list | grep -q '^15  .*fork' || fail "entry 15 is another one"

# The test of one's own; too late, which is a violation if nothing is expected.
block $tutorial 'VM my-test' >"$dir/my-test.litmus"
"$tool" check "$dir/my-test.litmus" >/dev/null || fail "my-test is not as it says"
sed 's/= clear;/= end; /' "$dir/my-test.litmus" >"$dir/late.litmus"
"$tool" check "$dir/late.litmus" | grep -q '^Positive: 8 Negative: 644$' &&
	grep -q '8 of 652 executions' $tutorial || fail "my-test, at the end: not 8 of 652 executions"
sed -e '/^exists/d' -e '/Result:/d' "$dir/late.litmus" >"$dir/open.litmus"
"$tool" check "$dir/open.litmus" | grep -q '^Verdict violation: flat' ||
	fail "my-test, at the end and asking nothing: nothing was found"

# --- commands ---------------------------------------------------------------------------------

# They are run as they are printed, in a directory that looks like the tree. Left out are those
# with a word for something else (FILE, STRING), those on a file of the reader's, and those that
# take long and are tests of their own.
mkdir -p "$dir/tree/build"
for part in "$top"/*; do
	[ "${part##*/}" = build ] || ln -s "$part" "$dir/tree"
done
ln -s "$tool" "$dir/tree/build/mmun"
cp "$dir/my-test.litmus" "$dir/tree"
grep -ohE '(^|`)build/mmun [^`#]*' README.md docs/*.md |
	sed -e 's/^`//' -e 's/ *$//' -e '/[ .(][A-Z][A-Z]/d' -e '/ my\.c/d' -e '/ big\.c/d' |
	grep -vxE 'build/mmun (when|corpus|check litmus|check --matrix.*)' |
	sort -u >"$dir/commands"
[ "$(grep -c . "$dir/commands")" -ge 12 ] || fail "hardly any commands: $(cat "$dir/commands")"
while read -r command; do
	(cd "$dir/tree" && sh -c "$command") >"$dir/out" 2>&1 </dev/null ||
		fail "$command: $(tail -n 5 "$dir/out")"
done <"$dir/commands"

# --- names ------------------------------------------------------------------------------------

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

# docs/design.md has a row for each room of src/rooms.txt, and no other.
sed -n 's/^| `\([a-z/]*\)` | .*/\1/p' docs/design.md | grep -v '/$' | sort >"$dir/shown"
sed -n 's/^\([a-z/]*\):.*/\1/p' src/rooms.txt | sort >"$dir/rooms"
same "the rooms of docs/design.md" "$dir/shown" "$dir/rooms"

# Files that the documents name, or link to, exist.
grep -ohE '`(src|tests|fuzz|bench|include|examples|docs)/[a-z_/]*\.[a-z]*`' docs/*.md README.md |
	tr -d '`' | sort -u | while read -r file; do
	[ -e "$file" ] || echo "$file"
done >"$dir/missing"
[ ! -s "$dir/missing" ] || fail "documents name what is not there: $(cat "$dir/missing")"

for file in README.md docs/*.md litmus/README.md; do
	grep -oE '\]\([^)#:]*\)|^\[[a-z]*\]: .*' "$file" | sed -e 's/^](//' -e 's/)$//' -e 's/^.*\]: //' |
		while read -r link; do
			[ -e "${file%"${file##*/}"}$link" ] || echo "$file: $link"
		done
done >"$dir/missing"
[ ! -s "$dir/missing" ] || fail "links to nothing: $(cat "$dir/missing")"
exit $ret
