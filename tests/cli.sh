#!/bin/sh
# SPDX-License-Identifier: MIT
# cli.sh MMUN SOURCE-DIR - the tool as its users meet it: whole outputs against
# tests/golden/, exit statuses, errors, JSON. With UPDATE=1 in the environment
# the goldens are written anew; look at the difference before you commit it.
set -u
LC_ALL=C
export LC_ALL
unset MMUN_LITMUS
mmun=$(realpath "$1") top=$(realpath "$2")
golden=$top/tests/golden
MMUN_KERNEL=$top/tests/kernel
export MMUN_KERNEL
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failures=0

fail() {
	echo "FAILED: $*"
	failures=$((failures + 1))
}

# What differs from run to run, or whenever a line is added to a source file; what is the
# same in each page.
mask() {
	sed -E -e 's/^(Time .*) [0-9]+\.[0-9]+$/\1 0.00/' -e 's/"seconds": [0-9.]+/"seconds": 0/' \
		-e 's/("file": "src[^"]*", "line": )[0-9]+/\10/g' -e 's/(\.[ch]:)[0-9]+/\10/g' \
		-e '/^<style>$/,/^<\/style>$/d' -e '/^<script>$/,/^<\/script>$/d'
}

# golden NAME STATUS ARGUMENT...: both streams of the tool, and how it ends.
golden() {
	name=$1 wanted=$2
	shift 2
	"$mmun" "$@" >"$dir/out" 2>"$dir/err" </dev/null
	status=$?
	{
		echo "\$ mmun $*"
		cat "$dir/out"
		[ ! -s "$dir/err" ] || sed 's/^/2> /' "$dir/err"
	} | mask >"$dir/$name.txt"
	[ "$status" = "$wanted" ] || fail "mmun $*: status $status, not $wanted"
	if [ "${UPDATE-}" = 1 ]; then
		cp "$dir/$name.txt" "$golden/$name.txt"
	elif ! diff -u "$golden/$name.txt" "$dir/$name.txt"; then
		fail "mmun $*: not as in tests/golden/$name.txt"
	fi
}

# says STATUS ERROR ARGUMENT...: one line on standard error, and that it is.
says() {
	wanted=$1 text=$2
	shift 2
	"$mmun" "$@" >"$dir/out" 2>"$dir/err" </dev/null
	status=$?
	[ "$status" = "$wanted" ] || fail "mmun $*: status $status, not $wanted"
	printf '%s\n' "$text" | diff - "$dir/err" || fail "mmun $*: another message"
}

# ends STATUS ARGUMENT...
ends() {
	wanted=$1
	shift
	"$mmun" "$@" >"$dir/out" 2>"$dir/err" </dev/null
	status=$?
	[ "$status" = "$wanted" ] || fail "mmun $*: status $status, not $wanted"
}

contains() { grep -qF -- "$1" "$2" || fail "no '$1' in: $(cat "$2")"; }
lacks() { ! grep -qF -- "$1" "$2" || fail "'$1' in: $(cat "$2")"; }

# --- inputs ----------------------------------------------------------------------------------

mkdir -p "$dir/in/none" "$dir/in/some" "$golden"
cd "$dir/in" || exit 1
ln -s "$top/litmus" litmus
: >empty.litmus
printf 'C x\000\001\n' >binary.litmus
head -c 300000 /dev/zero | tr '\0' ' ' >huge.litmus
printf 'VM bad\n{ a = 0 cwo; }\nP0(int *a) { }\n' >bad.litmus
cp litmus/mp.litmus some/b.litmus
cp litmus/corr.litmus some/a.litmus
: >some/c.txt
cp litmus/mp.litmus "odd \"name\"'.litmus"
cp litmus/cow+set.litmus "with space.litmus"
# Expects what does not happen; does not expect what does.
sed 's/Result: Never/Result: Sometimes/' litmus/mp.litmus >differs.litmus
sed -e 's/Result: Sometimes/Result: Never/' -e '/Finding:/d' litmus/cow+set.litmus >violation.litmus
sed '/Result:/d' litmus/mp.litmus >silent.litmus
cat >wide.litmus <<'END'
VM wide
{ a = 0 cow; a2 = 0 with a; b = 0; D0 caches a; notify cow = never; }
P0(int *a2) { WRITE_ONCE(*a2, 1 + 2 * 3 - 4 * 5); }
P1(int *b) { int r0 = READ_ONCE(*b); }
P2(int *b) { int r0 = READ_ONCE(*b); }
P3(int *b) { int r0 = READ_ONCE(*b); }
P4(int *b) { int r0 = READ_ONCE(*b); }
P5(int *b) { int r0 = READ_ONCE(*b); }
P6(int *a, int *b) { WRITE_ONCE(*a, 1); smp_store_release(b, 1); }
D0(int *a, int *b)
{
	int r0 = smp_load_acquire(b);
	int a_rather_long_name_of_a_register = READ_ONCE(*a);
}
exists (D0:r0=1 /\ D0:a_rather_long_name_of_a_register=0)
END
cat >long.litmus <<'END'
VM long
{ a = 0 cow; a2 = 0 with a; b = 0; x = 1; y = 1; z = 1; D0 caches a; notify cow = never; }
P0(int *a, int *a2, int *b, int *x, int *y, int *z)
{
	WRITE_ONCE(*a2, 1);
	WRITE_ONCE(*a, 1);
	mprotect(x, PROT_READ);
	mprotect(y, PROT_READ);
	mprotect(z, PROT_READ);
	mprotect(x, PROT_READ | PROT_WRITE);
	mprotect(y, PROT_READ | PROT_WRITE);
	munmap(x);
	munmap(y);
	munmap(z);
	smp_store_release(b, 1);
}
D0(int *a, int *b) { int r0 = smp_load_acquire(b); int r1 = READ_ONCE(*a); }
exists (D0:r0=1 /\ D0:r1=0)
END
cat >hostile.c <<'END'
#include <mmun/explore.h>
#include <mmun/kernel.h>
struct s { int a; };
static const char *const name[] = { "<i>end</i>", "end; #35; %%{init: 1}%% \"'&" };
static void run(void *state, unsigned thread, void *arg)
{
	(void)arg;
	WRITE_ONCE(((struct s *)state)->a, (int)thread);
	pr_info("</script><!-- & \" ' # ; $$x$$ ]]> \\n<br/>");
	pr_info("\xff\xc3\x28\xed\xa0\x80\xef\xbf\xbf end\nnext\ttab\x01\x7f :wrap: %%%%{x}%%%%");
}
static void watch(void *state, void *arg)
{
	(void)arg;
	explore_watch("<b>&\"': x;#", "</td>&#0; \xfe %d", ((struct s *)state)->a);
}
static void finish(void *state, void *arg)
{
	(void)state, (void)arg;
	explore_fail(ORACLE_CONDITION, "</text></style>%s & \"it's\"; end\xff", "<!--");
}
EXPLORE_CHECK(hostile, .threads = 2, .thread_name = name, .state_size = sizeof(struct s),
	      .thread = run, .finish = finish, .watch = watch)
END
hostile="ho<&>\"'; end \$%%{x.c"
mv hostile.c "$hostile"

# --- whole outputs ---------------------------------------------------------------------------

golden usage 0 --help
golden help-check 0 check --help
golden help-replay 0 help replay
golden help-list 0 list -h
golden check-verified 0 check litmus/ksm+deferred.litmus
golden check-plain 0 check litmus/mp.litmus
golden check-finding 0 check litmus/cow+deferred.litmus
golden check-no-condition 0 check litmus/munmap+after-free.litmus
golden check-verbose 0 check -v litmus/munmap+never.litmus
golden check-several 0 check litmus/cow+set.litmus litmus/mp.litmus
golden check-violation 1 check violation.litmus --no-picture
golden check-wide 1 check --fast wide.litmus
golden check-folded 1 check long.litmus
golden check-unfinished 3 check --max-executions 5 litmus/cow+clear.litmus
golden check-brief 1 check -q some differs.litmus violation.litmus silent.litmus bad.litmus
golden check-no-oracles 0 check --no-oracles litmus/cow+clear.litmus
golden check-fast 0 check --fast --no-picture litmus/cow+set.litmus litmus/mp.litmus
golden json 0 check --json litmus/munmap+after-free.litmus
golden json-error 2 check --json bad.litmus missing.litmus some
golden formats 0 check --format help
golden html 1 check --format html litmus/munmap+never.litmus violation.litmus bad.litmus litmus/mp.litmus
golden svg 1 check --format svg litmus/munmap+never.litmus violation.litmus bad.litmus litmus/mp.litmus
golden mermaid 1 check --format mermaid litmus/munmap+never.litmus violation.litmus bad.litmus \
	litmus/mp.litmus
golden html-verbose 0 check -v --format html litmus/munmap+never.litmus
golden svg-folded 1 check --format svg long.litmus
golden refused 2 check none missing.litmus empty.litmus binary.litmus huge.litmus bad.litmus \
	some/a.litmus
golden matrix-print 0 check --matrix --print munmap+fork+cow+device mremap_to+part+huge+cpu \
	ksm_merge+uffd_move
golden list 0 list litmus/mp.litmus litmus/cow+set.litmus litmus/munmap+after-free.litmus

replay=$("$mmun" check --no-picture litmus/cow+set.litmus | sed -n 's/.*replay: mmun replay [^ ]* //p')
golden replay 1 replay litmus/cow+set.litmus "$replay"
golden replay-mermaid 1 replay --format mermaid litmus/cow+set.litmus "$replay"

golden help-when 0 help when
golden when-list 0 when --list
golden when-row 0 when --modern munmap
golden when-place 0 when cow@end/classic ksm@end/modern cow@freed/classic first-touch@set
golden help-trace 0 help trace
golden trace-list 0 trace
golden trace-all 0 trace all
golden trace-classic 0 trace --classic all
# A semantics is a version of Linux: the first modern one is 6.6.
for version in 4.15 6.1 6.5; do
	"$mmun" trace --linux $version all >"$dir/version.out" 2>&1
	"$mmun" trace --classic all 2>&1 | cmp -s - "$dir/version.out" ||
		fail "trace --linux $version is not trace --classic"
done
"$mmun" trace --linux 6.12 all >"$dir/version.out" 2>&1
"$mmun" trace all 2>&1 | cmp -s - "$dir/version.out" || fail "trace --linux 6.12 is not trace"
ends 2 trace --linux 4.14 munmap
ends 2 when --linux six
golden trace-kernel 0 trace --kernel cow_fork_write thp_split_folio htlb_munmap

# --- statuses --------------------------------------------------------------------------------

ends 2
contains 'usage: mmun COMMAND' "$dir/err"
ends 0 --version
"$mmun" version | grep -qE '^mmun [0-9]+\.[0-9]+\.[0-9]+$' || fail 'version'
ends 0 check -q litmus/mp.litmus
ends 1 check -q differs.litmus
ends 2 check -q differs.litmus --max-executions none
# A wrong verdict before an unreadable file, and that before an unfinished search.
ends 1 check -q differs.litmus missing.litmus
ends 2 check -q --max-executions 5 litmus/cow+clear.litmus missing.litmus
ends 1 check -q --max-executions 5 litmus/cow+clear.litmus violation.litmus differs.litmus
ends 3 check -q --max-seconds 0.000001 litmus/seed+clear.litmus
ends 2 list litmus/mp.litmus missing.litmus
ends 0 check -q -- litmus/mp.litmus
"$mmun" check -q - <litmus/mp.litmus >"$dir/out" || fail 'standard input'
contains 'mp ' "$dir/out"

# A condition that is met by harmless results does not excuse a result that flat memory
# cannot have; one that speaks of just that result does.
sed -e '/Finding:/d' litmus/cow+set.litmus >asked.litmus
sed -e '/Finding:/d' -e 's/r1=0)/r1=1)/' litmus/cow+set.litmus >harmless.litmus
ends 0 check -q asked.litmus
ends 1 check -q harmless.litmus

# A recording that mmun does not agree with, and files that are none.
mkdir kernel bad-kernel
printf 'recording mine modern\n\nfork\n\tp0=none\n' >kernel/mine.txt
printf 'recording mine modern\n\n\tp0=none\n' >bad-kernel/mine.txt
MMUN_KERNEL=$dir/in/kernel
ends 1 trace --kernel fork
contains 'WRONG: not expected: Linux: p0=none; mmun: p0=[P RW A D #A] ; p1=' "$dir/out"
ends 0 trace --kernel munmap
contains 'not recorded' "$dir/out"
MMUN_KERNEL=$dir/in/bad-kernel
ends 2 trace --kernel fork
contains 'bad-kernel/mine.txt:3: an event before the first operation' "$dir/err"
MMUN_KERNEL=none
says 2 'mmun: none: no *.txt in this directory' trace --kernel fork
MMUN_KERNEL=missing
says 2 'mmun: missing: No such file or directory' trace --kernel fork
MMUN_KERNEL=$top/tests/kernel

# Never a claim where something was left out.
for options in '--max-executions 5' '--no-oracles' '--max-seconds 0.000001'; do
	# shellcheck disable=SC2086 # two words
	"$mmun" check $options litmus/seed+clear.litmus --max-executions 100 >"$dir/out" 2>&1
	lacks Verified "$dir/out"
done

# The matrix: verified, stopped, one of its tests as a file, and shown in another format.
ends 0 check --matrix 'munmap+munmap*'
contains 'a munmap' "$dir/out"
contains ' verified, 0 not finished, 0 with a finding' "$dir/out"
ends 3 check --matrix --max-executions 2 munmap+mprotect+cpu munmap+munmap+device
contains '0 verified, 2 not finished, 0 with a finding' "$dir/out"
ends 0 check -q matrix:munmap+munmap
contains 'munmap+munmap ' "$dir/out"
ends 0 list 'matrix:munmap+munmap*'

# --- messages --------------------------------------------------------------------------------

says 2 'mmun: unknown command chekc, did you mean check?' chekc x
says 2 'mmun: unknown command frobnicate, see mmun --help' frobnicate
says 2 'mmun: unknown command chekc, did you mean check?' help chekc
says 2 'mmun: check: which test? Give files or directories, see mmun check --help' check
says 2 'mmun: check: unknown option --jsn, did you mean --json?' check --jsn x
says 2 'mmun: check: unknown option --something, see mmun check --help' check --something
says 2 'mmun: check: unknown option -x, see mmun check --help' check -x
says 2 'mmun: check: --json=1 takes no argument' check --json=1
says 2 'mmun: check: --max-seconds needs an argument, S' check --max-seconds
says 2 'mmun: check: --max-executions wants a number from 1, not 0' check --max-executions 0 x
says 2 'mmun: check: --max-executions wants a number from 1, not -1' check --max-executions -1 x
says 2 'mmun: check: --max-seconds wants a number above 0, not nan' check --max-seconds nan x
says 2 'mmun: check: unknown format jsno, did you mean json?' check --format jsno x
says 2 'mmun: replay: unknown format htm, did you mean html?' replay --format htm x y
says 2 'mmun: trace: unknown operation fok, did you mean fork?' trace fok
says 2 'mmun: trace: unknown option --clasic, did you mean --classic?' trace --clasic fork
says 2 'mmun: replay: wants a file and a string, see mmun replay --help' replay litmus/mp.litmus
says 2 'mmun: litmus/mp.litmus: the replay string is not of this test' replay litmus/mp.litmus "$replay"
for string in '' x 0 : zzzz: "$replay!" "$replay"9999999999999999999999 "${replay}z"; do
	says 2 'mmun: litmus/cow+set.litmus: the replay string is not of this test' \
		replay litmus/cow+set.litmus "$string"
done
says 2 'mmun: matrix:foo: no test of the matrix has such a name' check --matrix foo
says 2 'mmun: matrix:foo*: no test of the matrix has such a name' check 'matrix:foo*'
says 2 'mmun: missing.litmus: No such file or directory' replay missing.litmus "$replay"
says 2 'mmun: none: no *.litmus in this directory' replay none "$replay"
if [ -c /dev/full ]; then
	"$mmun" check litmus/mp.litmus 2>"$dir/err" >/dev/full
	[ $? = 2 ] || fail 'a full disk is an error'
	contains 'cannot write the output' "$dir/err"
fi

# --- what is printed can be used -------------------------------------------------------------

# The command after "replay:" is one for a shell, whatever the file is called.
"$mmun" check --no-picture 'with space.litmus' >"$dir/out"
command=$(sed -n 's/.*replay: mmun //p' "$dir/out")
eval "\"\$mmun\" $command" >"$dir/out" 2>&1
[ $? = 1 ] || fail "replay: mmun $command"
contains 'Finding flat' "$dir/out"

# The catalog by name.
MMUN_LITMUS=$top/litmus "$mmun" check -q mp cow+clear >"$dir/out" 2>&1 || fail 'names'
contains '2 tests: 2 ok' "$dir/out"
MMUN_LITMUS=$top/litmus "$mmun" list >"$dir/out" 2>&1 || fail 'list'
[ "$(wc -l <"$dir/out")" = "$(find "$top/litmus/" -name '*.litmus' | wc -l)" ] ||
	fail 'list leaves something out'

# JSON is JSON, one object to a line.
if python3 -c '' 2>/dev/null; then
	"$mmun" check --json -v some bad.litmus missing.litmus binary.litmus "odd \"name\"'.litmus" \
		violation.litmus litmus/munmap+never.litmus "$(printf 'no\377utf\t8')" \
		>"$dir/out" 2>/dev/null </dev/null
	while read -r line; do
		printf '%s\n' "$line" | python3 -m json.tool >/dev/null || fail "JSON: $line"
	done <"$dir/out"
	[ "$(wc -l <"$dir/out")" = 9 ] || fail 'JSON: an object per test'
fi

# Documents are documents whatever the strings are; checks in C report from processes of
# their own, and share the document with litmus tests.
MMUN_INCLUDE=$top/include
export MMUN_INCLUDE
for format in html svg mermaid json; do
	ends 1 check --format $format litmus/munmap+never.litmus "$hostile" violation.litmus bad.litmus \
		wide.litmus
	cp "$dir/out" "$dir/in/out.$format"
	iconv -f utf-8 -t utf-8 "$dir/out" >/dev/null 2>&1 || fail "$format: not UTF-8"
done
if command -v xmllint >/dev/null; then
	xmllint --noout out.svg || fail 'SVG'
fi
[ "$(grep -c '<svg' out.svg)$(grep -c '</svg>' out.svg)" = 11 ] || fail 'SVG: one document'
[ "$(grep -c '<html' out.html)$(grep -c '</html>' out.html)" = 11 ] || fail 'HTML: one page'
if python3 -c '' 2>/dev/null; then
	python3 "$top/tests/page.py" out.html || fail 'HTML'
fi
lacks 'http:' out.html
for format in html svg; do
	lacks '<i>end' "out.$format"
	lacks '<b>' "out.$format"
	contains '&#60;i&#62;end&#60;/i&#62;' "out.$format"
done
contains '    participant t0 as #60;i#62;#101;nd#60;/i#62;' out.mermaid
contains "    participant t1 as #101;nd#59; #35;35#59; #37;#37;#123;init: 1#125;#37;#37; #34;'#38;" \
	out.mermaid
lacks '%%{' out.mermaid
ends 1 check --format html "$hostile"
[ "$(grep -c '<script>' "$dir/out")" = 1 ] || fail 'HTML: one script'
ends 0 check --format svg --no-picture litmus/cow+set.litmus
lacks '<path' "$dir/out"

# Each format is in the manual page and in the completion.
for format in $("$mmun" check --format help | cut -d ' ' -f 1); do
	contains "$format" "$top/completions/mmun.bash"
	contains "Cm $format" "$top/man/mmun.1"
done

# Each option is in the manual page and in the completion, each command too.
for option in $({ "$mmun" check --help; "$mmun" trace --help; } | grep -oE -- '--[a-z]+(-[a-z]+)*' | sort -u); do
	[ "$option" = --help ] || contains "-${option#-}" "$top/completions/mmun.bash"
	[ "$option" = --help ] || grep -qE "(Fl|,) -${option#--}( |$)" "$top/man/mmun.1" ||
		fail "$option is not in mmun.1"
done
for command in $("$mmun" --help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
	contains "$command" "$top/completions/mmun.bash"
	contains ".Cm $command" "$top/man/mmun.1"
done

[ "$failures" = 0 ] || echo "$failures failures"
[ "$failures" = 0 ]
