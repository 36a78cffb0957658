#!/bin/sh
# SPDX-License-Identifier: MIT
# cfile.sh MMUN LIBRARY SOURCE-DIR COMPILER plain|sanitized - checks in C: the examples against
# tests/golden/, the same files as ordinary programs, and checks that go wrong in every way.
# With UPDATE=1 the goldens are written anew.
set -u
LC_ALL=C
export LC_ALL
mmun=$(realpath "$1") library=$(realpath "$2") top=$(realpath "$3") cc=$4 kind=$5
golden=$top/tests/golden
MMUN_INCLUDE=$top/include
export MMUN_INCLUDE
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failures=0
cd "$dir" || exit 1
ln -s "$top/examples" examples
mkdir tmp
TMPDIR=$dir/tmp
export TMPDIR

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
	[ "$status" = "$wanted" ] || fail "mmun $*: status $status, not $wanted: $(cat err)"
}

# shows ORACLE CHECK TEXT: bad.c's check is a violation that says so.
shows() {
	sed -n "/^Test $2\$/,/^\$/p" bad.txt >one
	contains "Finding $1: " one
	contains "$3" one
}

# --- the examples ------------------------------------------------------------------------

for name in cow driver locks wakeup wp_page_copy; do
	run 0 check "examples/checks/$name.c"
	sed -E 's/^(Time .*) [0-9]+\.[0-9]+$/\1 0.00/' out >"cfile-$name.txt"
	if [ "${UPDATE-}" = 1 ]; then
		cp "cfile-$name.txt" "$golden/"
	elif ! diff -u "$golden/cfile-$name.txt" "cfile-$name.txt"; then
		fail "examples/checks/$name.c: not as in tests/golden"
	fi
	# Each pair is one of which the second is found out.
	sed '/\.expect/s/\.expect = "[a-z]*"/.arg = NULL/' "examples/checks/$name.c" >"un$name.c"
	run 1 check -q "un$name.c"
	contains '2 tests: 1 ok, 0 differ, 1 violation' out
	sed 's/\.expect = "[a-z]*"/.expect = "leak"/' "examples/checks/$name.c" >"un$name.c"
	run 1 check -q "un$name.c"
done

string=$(sed -n 's/.*replay: mmun replay [^ ]* //p' cfile-cow.txt)
run 1 replay examples/checks/cow.c "$string"
contains 'the device saw the flag, then the old page' out
run 2 replay examples/checks/cow.c "${string%?}"
run 2 replay examples/checks/cow.c "none:$string"
run 0 check --json examples/checks/locks.c
[ "$(grep -c '"verdict": "ok"' out)" = 2 ] || fail "JSON: $(cat out)"

# --- ordinary programs -------------------------------------------------------------------

if [ "$kind" = plain ]; then
	for name in cow driver locks wakeup wp_page_copy; do
		"$cc" -I"$top/include" -o "$name" "examples/checks/$name.c" "$library" ||
			{ fail "$name.c does not build"; continue; }
		LD_LIBRARY_PATH=$(dirname "$library") "./$name" -q >out 2>&1 || fail "$name: $(cat out)"
		contains '2 tests: 2 ok' out
	done
	# Plain accesses: in two steps, so that libtsan stays out.
	case $("$cc" --version) in
	*clang*) apart='-mllvm -tsan-distinguish-volatile=1' ;;
	*) apart=--param=tsan-distinguish-volatile=1 ;;
	esac
	wrap=-Wl,--wrap=memcpy,--wrap=memmove,--wrap=memset # as pkg-config has it
	if "$cc" -g -I"$top/include" -fsanitize=thread $apart -c "$top/tests/checks/races.c" &&
	   "$cc" -o races races.o "$library" $wrap; then
		LD_LIBRARY_PATH=$(dirname "$library") ./races >out 2>&1 || fail "races: $(cat out)"
		contains "plain write in after_unlock:" out
		contains '34 tests: 34 ok' out
	else
		fail 'races.c does not build'
	fi
	LD_LIBRARY_PATH=$(dirname "$library") ./cow --replay "$string" >out 2>&1
	[ $? = 1 ] || fail "the program replays"
	contains 'the device saw the flag, then the old page' out
fi

# --- what goes wrong ---------------------------------------------------------------------

cat >bad.c <<'END'
#include <assert.h>
#include <stdlib.h>
#include <mmun/explore.h>
#include <mmun/kernel.h>
struct s { int a, b; int *p; uint8_t small; };
#define THREAD(name) static void name(struct s *s, unsigned t); \
	static void name##_(void *v, unsigned t, void *arg) { (void)arg; name(v, t); } \
	EXPLORE_CHECK(name, .threads = 2, .state_size = sizeof(struct s), .thread = name##_) \
	static void name(struct s *s, unsigned t)
static void add(struct s *s) { WRITE_ONCE(s->a, READ_ONCE(s->a) + 1); }
static int deep(volatile int n)
{
	volatile char c[512];

	c[0] = 1;
	return n ? deep(n - 1) + c[0] : 0;
}
THREAD(null)
{
	add(s);
	if (t == 0 && READ_ONCE(s->b))
		*(volatile int *)s->p = 1;
	WRITE_ONCE(s->b, 1);
}
THREAD(wild) { (void)t; add(s); (void)READ_ONCE(*s->p); }
THREAD(readonly)
{
	static const int fixed = 1;

	if (t)
		add(s);
	WRITE_ONCE(*(int *)&fixed, 2);
}
THREAD(endless)
{
	add(s);
	while (t == 0 && s->a == 2)
		barrier();
	(void)READ_ONCE(s->b);
}
THREAD(overflow) { add(s); if (t) deep(100000); }
THREAD(spin) { (void)t; while (!READ_ONCE(s->b)) ; }
THREAD(rounds) { for (unsigned long n = 0; !READ_ONCE(s->b) || n < t; n++) ; }
THREAD(aborts) { add(s); if (t) abort(); }
THREAD(quits) { add(s); if (t) exit(0); }
THREAD(asserts) { (void)t; add(s); assert(s->a != 2); }
THREAD(unstable) { (void)t; add(s); if (rand() % 2) add(s); else WRITE_ONCE(s->b, 1); }
THREAD(twice) { void *p = kmalloc(8, GFP_KERNEL); (void)s; (void)t; kfree(p); kfree(p); }
THREAD(sleeps)
{
	static DEFINE_SPINLOCK(lock);

	(void)t;
	spin_lock(&lock);
	kfree(kmalloc(8, GFP_KERNEL));
	add(s);
	spin_unlock(&lock);
}
THREAD(counts)
{
	static refcount_t r = REFCOUNT_INIT(1);

	(void)s;
	if (t == 0)
		(void)refcount_dec_and_test(&r);
	else
		refcount_inc(&r);
}
#define is_two(x) ((x) == 2)
THREAD(bugs) { (void)t; add(s); BUG_ON(is_two(READ_ONCE(s->a))); }
static void (*free_it)(const void *p) = kfree;
THREAD(by_address)
{
	void *p = kmalloc(8, GFP_KERNEL);

	(void)s;
	(void)t;
	free_it(p);
	free_it(p);
}
struct named { struct kref ref; struct list_head list; };
THREAD(released)
{
	static struct named n;

	add(s);
	if (t == 0)
		return;
	kref_init(&n.ref);
	kref_put(&n.ref, (void (*)(struct kref *))kfree);
}
THREAD(listed)
{
	static LIST_HEAD(head);
	static struct list_head entry[2];

	(void)s;
	list_add(&entry[t], &head);
}
THREAD(fine)
{
	static atomic_t n;
	uint8_t old = xchg(&s->small, (uint8_t)(t + 1));

	atomic_inc(&n);
	EXPLORE_ASSERT(old != t + 1 && atomic_read(&n) >= 1 && atomic_read(&n) <= 2);
}
END
printf 'int f(void) { return undeclared; }\n' >syntax.c
printf '%s\n' '#include <pthread.h>' '#include <mmun/explore.h>' \
	'static void f(void *s, unsigned t, void *a) { (void)t; (void)a; pthread_mutex_lock(s); }' \
	'EXPLORE_CHECK(p, .threads = 1, .state_size = 64, .thread = f)' >threads.c
printf 'int nothing;\n' >none.c
printf '\177ELF\0\1' >binary.c
run 1 check --no-picture syntax.c threads.c binary.c none.c missing.c bad.c examples/checks/wakeup.c
cp out bad.txt
contains 'undeclared' err
contains 'mmun: syntax.c: does not compile' err
contains 'mmun: threads.c:3: calls pthread_mutex_lock(), which the explorer does not see: use mutex_lock()' err
contains 'mmun: binary.c: is no text' err
contains 'mmun: none.c: has no check' err
contains 'mmun: missing.c: No such file or directory' err
contains '26 tests: 3 ok, 0 differ, 18 violations, 0 unfinished, 5 errors' out
shows crash null 'T0 follows a NULL pointer, after its load in null:'
shows crash null 'replay: mmun replay bad.c null:'
# The address sanitizer looks at its shadow of the address first, which is no memory either.
if [ "$kind" = plain ]; then
	shows crash wild 'follows a NULL pointer'
else
	shows crash wild ''
fi
shows crash readonly 'T0 touches what is no memory (SIGSEGV)'
shows endless endless 'runs on without an operation that others see'
shows liveness spin 'T0 tries again forever'
shows endless rounds 'more than 8000 steps: T0 repeats load in rounds:'
shows crash overflow 'T1 overflows its stack of 64 KiB, after its store in add:'
shows crash aborts 'T1 aborts, after its'
shows crash quits 'the check called exit('
shows assertion asserts 's->a != 2'
shows determinism unstable 'in an equal run'
shows lifetime twice 'T0 frees (twice:'
shows atomic-sleep sleeps 'with a spin lock held'
shows assertion counts 'refcount'
shows assertion bugs 'BUG_ON(is_two(READ_ONCE(s->a)))'
# The place of a name that was passed on is the call of it, also out of the name of another one;
# and what a name does plainly stands where the name does.
shows lifetime by_address 'frees (by_address:'
shows lifetime released 'released frees what was not allocated'
line=$(sed -n '/list_add(&entry/=' bad.c)
shows race listed "write in listed:$line meets T1's plain write in listed:$line"
string=$(sed -n 's/.*replay: mmun replay bad.c \(null:[^ ]*\)$/\1/p' bad.txt)
run 1 replay bad.c "$string"
contains 'T0 follows a NULL pointer' out

# Statements that are bounded say so, and nothing is left behind, by what is interrupted either.
cat >long.c <<'END'
#include <mmun/kernel.h>
static void f(void *s, unsigned t, void *arg)
{
	(void)t;
	(void)arg;
	for (int n = 0; n < 20; n++)
		WRITE_ONCE(*(int *)s, n);
}
EXPLORE_CHECK(lasts, .threads = 8, .state_size = sizeof(int), .thread = f)
END
run 3 check -q --max-executions 1 examples/checks/driver.c
CC='no-such-compiler' run 2 check examples/checks/cow.c
timeout 1 "$mmun" check -q long.c >/dev/null 2>&1
[ $? = 124 ] || fail 'long.c: not interrupted'
[ -z "$(ls "$TMPDIR")" ] || fail "left behind: $(ls "$TMPDIR")"

[ "$failures" = 0 ] || echo "$failures failures"
[ "$failures" = 0 ]
