/* SPDX-License-Identifier: MIT */
/*
 * engine.c - the state of the exploration that is under way, and how what goes
 * wrong in an execution is noted. Everything else in the layer stands on it.
 */
#include "explore/engine/engine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct engine x;

const char *const engine_kind_name[] = {
#define X(e, cls, block, name) name,
	SYNC_KINDS(X)
#undef X
};

void schedule_free(struct schedule *schedule)
{
	free(schedule->thread);
	free(schedule->choice);
	*schedule = (struct schedule){ .alone = -1 };
}

/* --- failing ------------------------------------------------------------- */

const char *engine_thread_name(unsigned thread, char buf[8])
{
	if (thread >= x.threads)
		return "set-up";
	if (x.check->thread_name)
		return x.check->thread_name[thread];
	snprintf(buf, 8, "T%u", thread % 100);
	return buf;
}

static void fail_v(enum explore_oracle oracle, int first, int then, int target,
		   const char *fmt, va_list args)
{
	struct fail *f = &x.fail[x.fails];

	if (x.fails == FAILS_MAX) {
		x.fails_dropped++;
		return;
	}
	*f = (struct fail){ .oracle = oracle, .first = (int16_t)first, .then = (int16_t)then,
			    .target = (int16_t)target };
	vsnprintf(f->text, sizeof(f->text), fmt, args);
	for (unsigned i = 0; i < x.fails; i++)
		if (x.fail[i].oracle == oracle && !strcmp(x.fail[i].text, f->text))
			return;
	x.fails++;
}

void engine_fail(enum explore_oracle oracle, int first, int then, int target,
		 const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fail_v(oracle, first, then, target, fmt, args);
	va_end(args);
}

void explore_fail(enum explore_oracle oracle, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fail_v(oracle, -1, -1, -1, fmt, args);
	va_end(args);
}

void explore_fail_if_reordered(enum explore_oracle oracle, unsigned first, unsigned then,
			       const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fail_v(oracle, (int)first, (int)then, (int)then, fmt, args);
	va_end(args);
}

/* The execution cannot go on. */
_Noreturn void engine_give_up(void)
{
	x.aborted = true;
	if (x.cur >= 0) {
		fiber_switch(&x.fiber[x.cur], &x.main);
		abort(); /* nobody switches back to a given-up fiber */
	}
	longjmp(*x.bail, 1);
}
