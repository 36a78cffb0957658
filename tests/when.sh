#!/bin/sh
# SPDX-License-Identifier: MIT
# when.sh MMUN SOURCE-DIR - the table of mmun when: docs/when.md is its output (UPDATE=1 in
# the environment writes it anew), cells that are known, and each row's scenes put to the
# test: an operation that tells nobody is the code broken on purpose, and must be found.
set -u
LC_ALL=C
export LC_ALL
mmun=$1 top=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failures=0

fail() {
	echo "FAILED: $*"
	failures=$((failures + 1))
}

"$mmun" when --markdown >"$dir/when.md" 2>"$dir/err" || fail "status $?: $(cat "$dir/err")"
[ ! -s "$dir/err" ] || fail "standard error: $(cat "$dir/err")"
[ "${UPDATE-}" != 1 ] || cp "$dir/when.md" "$top/docs/when.md"
diff -u "$top/docs/when.md" "$dir/when.md" || fail 'docs/when.md is not what mmun when prints'

# SEMANTICS UPDATE PLACE ANSWER ..., all of the table in lines.
"$mmun" when --json --jobs 3 >"$dir/json" || fail 'JSON'
sed -n 's/.*"semantics": "\([^"]*\)", "update": "\([^"]*\)", "place": "\([^"]*\)", "answer": "\([^"]*\)".*/\1 \2 \3 \4/p' \
	"$dir/json" >"$dir/cells"
[ -s "$dir/cells" ] || fail 'no cells'
if command -v python3 >/dev/null; then
	python3 -c 'import json, sys; json.load(sys.stdin)' <"$dir/json" || fail 'not JSON'
fi

# cell UPDATE PLACE ANSWER: in both semantics.
cell() {
	for semantics in modern classic; do
		grep -qx "$semantics $1 $2 $3" "$dir/cells" ||
			fail "$1@$2/$semantics is not $3: $(grep "^$semantics $1 $2 " "$dir/cells")"
	done
}

# Other contents: between clear and set, and nowhere else.
for update in cow cow-huge cow-file zero replace_page; do
	cell $update clear safe
	for place in set unlock end after freed never; do
		cell $update $place flat
	done
done
# Freed: any place before that will do, if whoever gets there late has nothing left to find.
cell munmap clear safe
cell munmap set 'not passed'
cell munmap end safe
cell munmap after safe
cell munmap freed lifetime
cell munmap never lifetime
cell munmap-table end lifetime
cell munmap-table after safe
# Equal contents: late, but before the old page goes.
cell ksm set safe
cell ksm end safe
cell ksm after safe
cell ksm freed lifetime
cell ksm never lifetime
cell mprotect end safe
cell mprotect never after-return
cell collapse end safe
cell collapse after flat
cell uffd_move set safe
cell uffd_move unlock lifetime
for update in first-touch swap-in reuse; do
	cell $update end 'not passed'
	cell $update never safe
done
grep -qx 'modern mremap set safe' "$dir/cells" || fail 'mremap@set'
grep -qx 'modern mremap end lifetime' "$dir/cells" || fail 'mremap@end'
grep -qx 'modern reclaim end flat' "$dir/cells" || fail 'reclaim@end'
grep -qx 'classic reclaim end safe' "$dir/cells" || fail 'reclaim@end, classic'

# broken UPDATE PLACE: in both semantics, by whatever check.
broken() {
	for semantics in modern classic; do
		grep "^$semantics $1 $2 " "$dir/cells" | grep -q ' \(safe\|not .*\)$' &&
			fail "$1@$2/$semantics is not broken"
	done
	grep -q "^modern $1 $2 " "$dir/cells" || fail "$1@$2: no such cell"
}

# Each condition, kept and taken away. With it late is safe:
for update in fork-with-D2 mprotect-none-with-D2 uffd_wp-with-D2 clear_refs-with-D2 \
	numa_hint-with-D2 ksm-with-D1 ksm-with-D2 ksm-with-D3 migrate-with-D3; do
	cell $update clear safe
	cell $update unlock safe
	cell $update end safe
done
# ... and without it, though under the lock still:
for update in fork-without-D2 mprotect-none-without-D2 uffd_wp-without-D2 clear_refs-without-D2 \
	numa_hint-without-D2 ksm-without-D1 ksm-without-D2 ksm-without-D3 migrate-without-D3; do
	cell $update clear safe
	cell $update set safe
	broken $update unlock
	broken $update end
	broken $update after
done
for update in uffd_wp numa_hint; do
	cell $update-with-D3 after safe
	cell $update-without-D3 after unnoticed
done
cell munmap-with-D3 after safe
cell munmap-without-D3 after unnoticed
for update in mremap mremap-table uffd_move; do
	cell $update end lifetime
done

# Nobody flushes devices that have page tables of their own, and processors not here.
for device in cpu mirror shadow; do
	for semantics in modern classic; do
		grep "^$semantics [^ ]* $device " "$dir/cells" | grep -v -e -without- |
			grep -v ' \(safe\|not asked\)$' && fail "$device, $semantics"
		[ "$(grep -c "^$semantics [^ ]* $device safe" "$dir/cells")" -ge 33 ] ||
			fail "$device, $semantics: too few are safe"
	done
done

# A TLB that caches permissions changes nothing where others are told.
for place in default permissions; do
	sed -n "s/ $place / /p" "$dir/cells" | grep -v ' not asked$' >"$dir/$place"
done
grep -vxf "$dir/default" "$dir/permissions" && fail 'permissions is not as default'
[ "$(grep -c safe "$dir/permissions")" -ge 60 ] || fail 'permissions: too few are safe'

# What the semantics do is safe, and each row notices when nobody is told; these need not be.
# But before 6.6 mremap told the device too late, if the page was migrated at that moment, and
# who gave rights told nobody: where a TLB keeps rights its device comes again forever.
grep ' default ' "$dir/cells" | grep -v -e -without- -e ' safe$' >"$dir/unsafe"
cat >"$dir/wanted" <<'END'
classic mremap default lifetime
classic mremap-table default lifetime
classic upgrade default liveness
END
diff "$dir/wanted" "$dir/unsafe" || fail 'what the semantics do'
grep ' never safe$' "$dir/cells" | grep -v -e -with | sort >"$dir/blind"
sort >"$dir/wanted" <<'END'
modern split never safe
modern first-touch never safe
modern swap-in never safe
modern reuse never safe
modern mprotect-write never safe
classic split never safe
classic first-touch never safe
classic swap-in never safe
classic reuse never safe
classic mprotect-write never safe
END
diff "$dir/wanted" "$dir/blind" || fail 'rows that do not notice when nobody is told'

# The one who asks for a cell gets the same answer as the table.
"$mmun" when ksm@end/modern >"$dir/out" || fail 'ksm@end'
grep -q '^ksm@end/modern: safe (' "$dir/out" || fail 'ksm@end'
"$mmun" when cow@end/classic >"$dir/out" || fail 'cow@end'
grep -q '^cow@end/classic: flat (' "$dir/out" || fail 'cow@end'
# ... and its test, saved, shows it too.
sed -n '/^VM /,/^flat: /p' "$dir/out" | sed '$d' >"$dir/cow.litmus"
"$mmun" check -q "$dir/cow.litmus" >/dev/null
[ $? = 1 ] || fail 'the test of cow@end, saved'

# A condition that is taken away is drawn, and its test, saved, shows it too.
"$mmun" when fork-without-D2@after/modern >"$dir/out" || fail 'fork-without-D2@after'
grep -q '^fork-without-D2@after/modern: flat (' "$dir/out" || fail 'fork-without-D2@after'
sed -n '/^VM /,/^flat: /p' "$dir/out" | sed '$d' >"$dir/fork.litmus"
grep -q 'fork forgets areas;' "$dir/fork.litmus" || fail 'what fork forgets'
"$mmun" check -q "$dir/fork.litmus" >/dev/null
[ $? = 1 ] || fail 'the test of fork-without-D2@after, saved'

# Words that are none.
says() {
	text=$1
	shift
	"$mmun" when "$@" >/dev/null 2>"$dir/err"
	[ $? = 2 ] || fail "mmun when $*: status"
	grep -qF -- "$text" "$dir/err" || fail "mmun when $*: $(cat "$dir/err")"
}
says 'cow' cwo
says 'end' cow@edn
says 'classic' cow@end/clasic
says '--jobs wants' --jobs 0
says 'whole table' --json cow

[ "$failures" = 0 ]
