#!/bin/sh
# SPDX-License-Identifier: MIT
# coverage.sh MMUN LIBRARY SOURCE-DIR COMPILER plain|sanitized - lines of checks in C that no
# execution reached, with each compiler there is, and the source places of code addresses.
set -u
LC_ALL=C
export LC_ALL
mmun=$(realpath "$1") library=$(realpath "$2") top=$(realpath "$3") cc=$4 kind=$5
MMUN_INCLUDE=$top/include
export MMUN_INCLUDE
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failures=0
cd "$dir" || exit 1
mkdir tmp sub
TMPDIR=$dir/tmp
export TMPDIR

fail() {
	echo "FAILED: $*"
	failures=$((failures + 1))
}

contains() { grep -qF -- "$1" "$2" || fail "$CC: no '$1' in: $(cat "$2")"; }

# run STATUS ARGUMENT...
run() {
	wanted=$1
	shift
	"$mmun" "$@" >out 2>err </dev/null
	status=$?
	[ "$status" = "$wanted" ] || fail "$CC: mmun $*: status $status, not $wanted: $(cat err)"
}

# --- files -------------------------------------------------------------------------------

# Lines that say "never" are never reached, by neither compiler; all others with code are.
cat >sub/some.c <<'END'
#include <assert.h>
#include <stdlib.h>
#include <mmun/explore.h>
#include <mmun/kernel.h>
#include "beside.h"
#include "../above.h"
struct s { int a, b; };
static volatile int out;
static int value(int c)
{
	if (c)
		return 1;
	out++;                                  /* never */
	return 2;                               /* never */
}
static void nothing(int c)
{
	if (c)
		return;
	out++;                                  /* never */
}
static int jumps(int c)
{
	for (int i = 0; i < 3; i++) {
		if (c == i + 100)
			break;                  /* never */
		if (c == i + 200)
			continue;               /* never */
		if (c == 300)
			goto late;              /* never */
		if (i == 1)
			break;
	}
	switch (c) {
	case 7:
		break;                          /* never */
	case 8:
		out++;                          /* never */
		break;                          /* never */
	case 9:
		return 4;                       /* never */
	default:
		out += 0;
	}
	while (out > 100 && c)
		out--;                          /* never */
	if (0)
		out = 1;
	return c && out ? 1 :
	       c ? 2 : 3;
late:   out = 5;                                /* never */
	return out;                             /* never */
}
void nobody(void) { out++; }                    /* never */
static void setup(void *v, void *arg)
{
	struct s *s = v;

	(void)arg;
	s->b = 2;
}
static void run(void *v, unsigned t, void *arg)
{
	struct s *s = v;

	(void)arg;
	nothing(value(1) + jumps(2));
	WRITE_ONCE(s->a, (int)t);
	if (READ_ONCE(s->b) == 2) { out = 1; } else { out = 0; }
	assert(s->b == 2);
	if (READ_ONCE(s->a) != (int)t)
		out = 2;
	if (READ_ONCE(s->b) == 3)
		abort();                        /* never */
	beside(t);
	above(t);
}
EXPLORE_CHECK(run, .threads = 2, .state_size = sizeof(struct s), .setup = setup, .thread = run)
END
cat >sub/beside.h <<'END'
static inline unsigned beside(unsigned t)
{
	if (t > 3)
		return 4;                       /* never */
	return t;
}
END
sed 's/beside/above/; s/ 3/ 0/; s/never/yes/' sub/beside.h >above.h

# A check ends the process, another crashes: both have reached what they have reached.
cat >dies.c <<'END'
#include <signal.h>
#include <unistd.h>
#include <mmun/explore.h>
#include <mmun/kernel.h>
static void kill_it(void *v, unsigned t, void *arg)
{
	(void)arg;
	WRITE_ONCE(*(int *)v, 1);
	if (t && READ_ONCE(*(int *)v)) {
		kill(getpid(), SIGKILL);
		WRITE_ONCE(*(int *)v, 1);
	}
}
EXPLORE_CHECK(kill_it, .threads = 2, .state_size = 64, .thread = kill_it)
static void crash(void *v, unsigned t, void *arg)
{
	(void)arg;
	if (t && READ_ONCE(*(int *)v))
		**(volatile int **)arg = 1;
	WRITE_ONCE(*(int *)v, 1);
	if (READ_ONCE(*(int *)v) == 2)
		WRITE_ONCE(*(int *)v, 3);       /* never */
}
EXPLORE_CHECK(crash, .threads = 2, .state_size = 64, .thread = crash)
END
printf 'int nothing;\n' >none.c
printf 'int f(void) { return undeclared; }\n' >syntax.c

# --- --coverage --------------------------------------------------------------------------

coverage() {
	# Each line that says so, and nothing else; labels of cases have no code.
	run 0 check -q --coverage sub/some.c
	sed -n '/^Coverage/s/[0-9]* \(of [0-9]* \)\{0,1\}lines/lines/p' out >one
	diff -u - one <<'END' || fail "$CC: $(cat out)"
Coverage of sub/some.c: lines with code reached; not reached: 13-14, 20, 26, 28, 30, 36-41, 46, 51-52, 54, 74
Coverage of sub/../above.h: all lines with code reached
Coverage of sub/beside.h: lines with code reached; not reached: 4
END

	# For people, and for programs.
	run 0 check --coverage sub/some.c
	contains "      13-14 | 	out++;                                  /* never */ ..." out
	contains "         30 | 			goto late;              /* never */" out
	run 0 check --json --coverage sub/some.c
	contains '{"coverage": {"file": "sub/beside.h", "lines": 5, "reached": 4, "exhaustive": true,' out
	contains '"not_reached": [{"from": 4, "to": 4}]}}' out
	contains '"not_reached": []}}' out
	contains '[{"from": 13, "to": 14}, {"from": 20, "to": 20}, ' out

	# Several files, all of it, and a search that was not finished.
	run 0 check -q --coverage "$top/examples/checks/locks.c" "$top/examples/checks/driver.c"
	[ "$(grep -c '^Coverage of .*: all [0-9]* lines with code reached$' out)" = 2 ] ||
		fail "$CC: not all: $(cat out)"
	run 3 check --coverage --max-executions 1 "$top/examples/checks/driver.c"
	contains 'lines with code reached in the executions that were run; not reached:' out
	contains '|' out

	# A process that ends; files that are no checks.
	run 1 check -q --coverage none.c syntax.c dies.c
	contains 'none.c: has no check' err
	contains 'syntax.c: does not compile' err
	contains 'lines with code reached in the executions that were run; not reached: 22' out
	[ "$(grep -c '^Coverage of' out)" = 1 ] || fail "$CC: coverage of none: $(cat out)"
}

compilers=$cc
for CC in gcc clang; do
	command -v "$CC" >/dev/null && [ "$CC" != "$cc" ] && compilers="$compilers $CC"
done
for CC in $compilers; do
	export CC
	coverage
done
CC=$cc

run 2 check --coverage sub/some.c "$top/litmus/clean+default.litmus"
contains "mmun's own code, whose lines are not counted" err
[ -s out ] && fail "it ran: $(cat out)"
run 2 check --coverage --matrix 'munmap+munmap*'
contains "mmun's own code, whose lines are not counted" err
[ -z "$(ls "$TMPDIR")" ] || fail "left behind: $(ls "$TMPDIR")"

# A program of such objects runs, and notes nothing.
if [ "$kind" = plain ]; then
	"$cc" -fsanitize-coverage=trace-pc -I"$top/include" -o wakeup "$top/examples/checks/wakeup.c" \
		"$library" &&
		LD_LIBRARY_PATH=$(dirname "$library") ./wakeup -q >out 2>&1
	contains '2 tests: 2 ok' out
fi

# --- places ------------------------------------------------------------------------------

cat >lib.c <<'END'
extern void *here(void);
static inline __attribute__((always_inline)) void *inner(void)
{
	void *p = here();
	__asm__ volatile ("" ::: "memory");
	return p;
}
void *plain(void);
void *plain(void)
{
	void *p = here();

	__asm__ volatile ("" ::: "memory");
	return p;
}
void *inlined(void);
void *inlined(void) { void *p = inner(); __asm__ volatile ("nop" ::: "memory"); return p; }
END
cat >main.c <<'END'
#include <dlfcn.h>
#include <stdio.h>
#include "checks/run/places.h"
void *here(void);
__attribute__((noinline)) void *here(void) { return __builtin_return_address(0); }
static __attribute__((noinline)) void *mine(void)
{
	void *p = here();

	__asm__ volatile ("" ::: "memory");
	return p;
}
static void say(const void *inside, const void *pc)
{
	struct places *p = places_of(inside);
	char buf[200];

	places_say(p, pc, buf, sizeof(buf));
	printf("%s%s\n", p ? "" : "no places: ", buf);
	places_close(p);
}
int main(int argc, char **argv)
{
	void *lib = dlopen(argv[1], RTLD_NOW);
	void *(*plain)(void) = (void *(*)(void))dlsym(lib, "plain");
	void *(*inlined)(void) = (void *(*)(void))dlsym(lib, "inlined");

	say((void *)main, mine());
	say((void *)plain, plain());
	say((void *)plain, inlined());
	say((void *)main, &argc);
	return 0;
}
END
# The file's name alone is said, wherever it is.
for CC in $compilers; do
	for flags in -O0 -O2 -gdwarf-4 -gz; do
		if ! "$CC" -std=gnu11 -g $flags -fPIC -shared -o lib.so "$dir/lib.c" ||
		   ! "$CC" -std=gnu11 -g $flags -rdynamic -I"$top/src" -o places main.c \
				"$top/src/checks/run/places.c" -ldw -lelf; then
			fail "$CC $flags: does not build"
			continue
		fi
		./places ./lib.so >out 2>&1 || fail "$CC $flags: $(cat out)"
		printf '%s\n' 'mine in main.c:8' 'plain in lib.c:11' 'inner in lib.c:4' \
			'code of no object' >wanted
		diff -u wanted out || fail "$CC $flags: places"
	done
	"$CC" -std=gnu11 -g0 -fPIC -shared -o lib.so lib.c && ./places ./lib.so >out 2>&1
	contains 'no places: plain+0x' out
	[ "$(grep -c 'no places' out)" = 2 ] || fail "$CC: without -g: $(cat out)"
done

[ "$failures" = 0 ] || echo "$failures failures"
[ "$failures" = 0 ]
