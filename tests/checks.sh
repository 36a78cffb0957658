#!/bin/sh
# SPDX-License-Identifier: MIT
# checks.sh MMUN SOURCE-DIR COMPILER plain|sanitized - the checks in tests/checks, the corpus
# of real bugs, and which steps are not needed. Each check that expects a finding has a twin
# that must verify; docs/corpus.md has the table that the corpus gives.
set -u
LC_ALL=C
export LC_ALL
mmun=$(realpath "$1") top=$(realpath "$2") CC=$3 kind=$4
MMUN_INCLUDE=$top/include MMUN_CORPUS=$top/corpus
export MMUN_INCLUDE MMUN_CORPUS CC
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
failures=0

fail() {
	echo "FAILED: $*"
	failures=$((failures + 1))
}

contains() { grep -qF -- "$1" "$2" || fail "no '$1' in: $(cat "$2")"; }

# run STATUS ARGUMENT...
run() {
	wanted=$1
	shift
	"$mmun" "$@" >out 2>err </dev/null
	status=$?
	[ "$status" = "$wanted" ] || fail "mmun $*: status $status, not $wanted: $(cat out err)"
}

# --- words and rules -----------------------------------------------------------------------

for file in races memory words rules callbacks notifiers lock_memory lock_tries loops looks young \
		stale lifetime queue mmap users gup swapops walks hmm fence fence_notifier \
		trees; do
	run 0 check -q "$top/tests/checks/$file.c"
	[ -s err ] && fail "$file: $(cat err)"
	# A twin that is not expected to fail is found out all the same.
	sed 's/, \.expect = "[a-z, -]*"//' "$top/tests/checks/$file.c" >"un$file.c"
	cp "$top/tests/checks/scene.h" .
	run 1 check -q "un$file.c"
	wrong=$(grep -c '_wrong  *violation' out)
	right=$(grep -c '_right  *ok' out)
	pairs=$(grep -c '_wrong  *[a-z]' out)
	[ "$wrong" = "$pairs" ] || fail "$file: $wrong of $pairs broken twins are found"
	[ "$right" = "$pairs" ] || fail "$file: $right of $pairs right ones verify"
done
# The same of files in which right and broken ones have names of their own.
for file in later work wait; do
	run 0 check -q "$top/tests/checks/$file.c"
	[ -s err ] && fail "$file: $(cat err)"
	sed 's/, \.expect = "[a-z-]*"//' "$top/tests/checks/$file.c" >"un$file.c"
	run 1 check -q "un$file.c"
	broken=$(grep -c '\.expect = "' "$top/tests/checks/$file.c")
	found=$(grep -c ' violation ' out)
	[ "$found" = "$broken" ] || fail "$file: $found of $broken broken checks are found"
done
# A name that is not there does not compile, and is told what to use instead.
cat >missing.c <<'END'
#include <mmun/kernel.h>
static void run(void *state, unsigned t, void *arg)
{
	(void)state, (void)t, (void)arg;
	msleep(10);
	msleep(20);
	kmem_cache_free(NULL, NULL);
	nobody_knows_this();
}
EXPLORE_CHECK(missing, .threads = 1, .thread = run)
END
run 2 check missing.c
contains 'mmun: msleep is not there: time does not pass here' err
contains 'mmun: kmem_cache_free is not there: use kmalloc() and kfree()' err
contains nobody_knows_this err
contains 'missing.c: does not compile' err
[ "$(grep -c 'is not there' err)" = 2 ] || fail "hints: $(cat err)"
# A name that is there, and is the check's own as well, is the check's; where its definition is not
# seen as one, it is told of.
cat >clash.c <<'END'
#include <mmun/kernel_mm.h>
static bool is_migration_entry(unsigned long e) { return e; }
static void mmget(struct mm_struct *mm, int n) { (void)mm; (void)n; }
static void run(void *state, unsigned t, void *arg) { (void)state, (void)t, (void)arg; }
EXPLORE_CHECK(clash, .threads = 1, .thread = run)
END
run 0 check clash.c
sed 's/^static /\tstatic /' clash.c >hidden.c
run 2 check hidden.c
contains 'mmun: mmget is a name of mmun, as in Linux' err
contains 'mmun: is_migration_entry is a name of mmun, as in Linux' err
# Each of several accesses that race with one is told of.
cat >several.c <<'END'
#include <mmun/kernel.h>
struct s { int x; };
static void run(void *state, unsigned t, void *arg)
{
	struct s *s = state;
	(void)arg;
	if (t) {
		s->x = 3;
		return;
	}
	WRITE_ONCE(s->x, 1);
	WRITE_ONCE(s->x, 2);
}
EXPLORE_CHECK(several, .threads = 2, .state_size = sizeof(struct s), .thread = run)
END
run 1 check several.c
contains "run:8 meets T0's write in run:11" out
contains "run:8 meets T0's write in run:12" out
# Without looking at plain accesses they are not seen.
run 1 check -q --no-races "$top/tests/checks/races.c"
contains 'spin_wrong                   differs' out
run 0 check "$top/tests/checks/races.c"
contains "T0's plain write in after_unlock" out

# Loops that go on by themselves are told from those that wait; mistakes in a check.
cat >loops.c <<'END'
#include <mmun/kernel.h>
struct s { int x; };
#define CHECK(name, ...) EXPLORE_CHECK(name, .threads = 2, .state_size = sizeof(struct s), \
	__VA_ARGS__)
static void asks(void *state, unsigned t, void *arg)
{
	struct s *s = state;
	(void)arg;
	if (t) {
		WRITE_ONCE(s->x, 1);
		return;
	}
	while (!READ_ONCE(s->x))
		cpu_relax();
}
static void gives_up(void *state, unsigned t, void *arg)
{
	struct s *s = state;
	(void)arg;
	if (t) {
		WRITE_ONCE(s->x, 1);
		return;
	}
	for (int n = 0; n < 3 && !READ_ONCE(s->x); n++)
		cpu_relax();
}
static void counts(void *state, unsigned t, void *arg)
{
	struct s *s = state;
	unsigned long n = 0;
	(void)arg;
	if (t) {
		WRITE_ONCE(s->x, 1);
		return;
	}
	while (!READ_ONCE(s->x)) {
		n++;
		cpu_relax();
	}
	pr_info("%lu rounds\n", n);
}
static void stumbles(void *state, void *arg) { (void)state; (void)arg; EXPLORE_ASSERT(0); }
CHECK(waits, .thread = asks)
CHECK(bounded, .thread = gives_up)
CHECK(counting, .thread = counts)
CHECK(stumbling, .thread = asks, .setup = stumbles, .expect = "assertion")
CHECK(unknown, .thread = asks, .expect = "asertion")
CHECK(lost, .thread = asks, .repair = "nobody")
CHECK(idle, .expect = "race")
END
run 1 check -q loops.c
contains 'waits                        ok' out
contains 'bounded                      ok' out
contains 'counting                     violation' out
contains 'stumbling                    violation' out
run 1 check loops.c
contains 'takes more than 8000 steps: T0 repeats load in counts:36' out
contains 'Executions 1, not exhaustive: a thread ran on without end' out
contains "loops.c: unknown: .expect: no oracle is called 'asertion'" err
contains "loops.c: lost: .repair: the file has no other check 'nobody'" err
contains 'loops.c: idle: has no .thread' err

# --- the corpus ----------------------------------------------------------------------------

run 0 corpus
contains ' found and, repaired, verified; 0 not' out
run 0 corpus --markdown
if [ "${UPDATE-}" = 1 ]; then
	{ sed '/^| entry/,$d' "$top/docs/corpus.md"; cat out
	  sed '1,/^| entry/d' "$top/docs/corpus.md" | sed '/^|/d'; } >new
	cp new "$top/docs/corpus.md"
fi
sed -n '/^|/p' "$top/docs/corpus.md" >table
diff -u table out || fail "docs/corpus.md: not what 'mmun corpus --markdown' says"
# Each class of bug, and each number once.
for class in A B C P W N L G R; do
	cut -d'|' -f3 table | grep -q "$class" || fail "no entry of class $class"
done
[ "$(grep -c '^| \[' table)" -ge 30 ] || fail "fewer than 30 entries"
run 0 corpus --json
[ "$(grep -c '^{"entry": .*"broken": {"verdict": "ok".*"repaired": {"verdict": "ok".*}}*$' out)" = \
	"$(grep -c '^| \[' table)" ] || fail "corpus --json: $(cat out)"
run 0 corpus --list
contains '31   L      an interval' out
run 0 corpus 31
contains 'Finding lifetime: ' out
contains 'Origin: 319561669a59' out
run 0 corpus interval-remove
contains '31: an interval' out
run 2 corpus 99
contains "no entry '99'" err
# What is no entry is said, with its place.
mkdir bad
printf '/* SPDX */\n/*\n * no number\n */\n' >bad/1-x.c
MMUN_CORPUS=$dir/bad
run 2 corpus
contains 'bad/1-x.c:2: expected' err
printf '/* SPDX */\n/*\n * 1: broken where it should not be\n *\n * Class: A\n */\n' >bad/1-x.c
sed 's/, \.expect = "[a-z]*"//; s/cow_right/repaired/; s/cow_wrong/broken/' \
	"$top/examples/checks/cow.c" | sed '1,6d' >>bad/1-x.c
run 1 corpus
contains 'NOT FOUND' out
contains '0 found and, repaired, verified; 1 not' out
: >bad/1-x.c
run 2 corpus
printf '/*\n' >bad/1-x.c
run 2 corpus
MMUN_CORPUS=$dir/none
run 2 corpus
contains 'none: No such file' err
MMUN_CORPUS=$top/corpus

# --- what is not needed --------------------------------------------------------------------

run 0 when --superfluous "$top/examples/checks/wp_page_copy.c" "$top/litmus/munmap+classic.litmus"
contains 'needed       secondary TLBs, after the entry is cleared, wp_page_copy' out
contains "superfluous  MUNMAP: secondary TLBs, in range_end" out
contains "needed       MUNMAP: secondary TLBs, with the CPUs'" out
contains 'wp_late: expects condition: nothing to ask' out
run 0 when --superfluous --json "$top/litmus/munmap+classic.litmus"
contains '"answer": "superfluous"' out
# The steps of one test are not those of the next.
run 0 when --superfluous "$top/litmus/munmap+classic.litmus" "$top/litmus/cow+clear.litmus"
sed -n '/cow+clear:/,$p' out >last
grep -q MUNMAP last && fail "cow+clear has steps of munmap: $(cat last)"
run 1 when --superfluous "$top/litmus/cow+deferred.litmus"
contains 'nothing to ask' out
run 2 when --superfluous
contains 'wants a test or a check' err
run 3 when --superfluous --max-executions 3 "$top/litmus/ksm+deferred.litmus"

[ "$kind" = plain ] || echo "(sanitized)"
echo "$failures failures"
[ "$failures" = 0 ]
