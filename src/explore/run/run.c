/* SPDX-License-Identifier: MIT */
/*
 * run.c - runs one execution of a check. It restores the state that set-up has left, runs the
 * threads as fibers until door/sched.c finds no next step, and then lets the check look at the end.
 */
#include "explore/run/run.h"
#include "explore/door/door.h"
#include "explore/model/model.h"
#include "explore/search/search.h"

#include <string.h>

static void restore(void)
{
	memcpy(x.arena, x.snapshot, x.snapshot_used);
	if (x.data_after)
		memcpy(x.check->data, x.data_after, x.check->data_size);
	shadow_forget();
	x.arena_used = x.snapshot_used;
	x.alloc_live = x.snapshot_live;
	x.dead_count = x.snapshot_dead;
	x.borns = x.snapshot_borns;
	x.kepts = x.snapshot_kepts;
	x.uses = 0;
	local_forget();
	x.noted_outside = NULL;
	objects_forget();
	plain_forget();
	x.watching = x.assumes & (LOOPS_ARE_WATCHED | EVERY_LOOP_IS_WATCHED);
	if (x.watching)
		trail_forget();
	spin_forget();
	lost_forget();
	x.fails = 0;
	x.aborted = false;
	x.depth = 0;
	if (!x.schedule)
		search_begin();
	if (x.model->begin)
		x.model->begin();
	thread_start_all();
}

/* What was lost may have had memory of its own. */
static bool leak_is_known(void)
{
	bool known = false;

	for (unsigned i = 0; i < x.fails; i++)
		known |= x.fail[i].oracle == ORACLE_LEAK;
	return known;
}

static void finish(void)
{
	jmp_buf bail;

	if (x.model->end)
		x.model->end();
	x.bail = &bail;
	x.depth--; /* explore_step() is the last step */
	x.outside = true;
	if (!setjmp(bail)) {
		lost_end();
		if (x.check->finish) {
			x.check->finish(x.arena, x.check->arg);
			if (x.alloc_live && !leak_is_known())
				memory_leaks_report();
		}
	} else {
		x.aborted = false; /* the threads have run to their end */
	}
	x.outside = false;
	x.depth++;
}

/* The thread goes on, with this value, until it, or one that it has given way to, comes back. */
static void run_on(unsigned thread, uint64_t value)
{
	x.on_main = false;
	fiber_switch(&x.main, &x.fiber[thread], value);
	x.on_main = true;
}

/* Up to its first operation. */
static void start(unsigned thread)
{
	x.cur = (int)thread;
	do {
		run_on(thread, 0);
	} while (x.relaxes && spin_goes_on());
	if (x.watching)
		trail_block_ends();
}

/* The thread that is to run does, from its step on up to its next one. While loops are watched
 * the next step is chosen here; else where the thread gives way. Then this returns at the end of
 * the run. False: it is over. */
static bool run_step(void)
{
	if (x.watching) {
		trail_step();
		fiber_wipe(&x.fiber[x.cur]);
	}
	run_on((unsigned)x.cur, x.value);
	while (x.relaxes && !x.aborted && spin_goes_on())
		run_on((unsigned)x.cur, 0);
	if (!x.watching || x.aborted)
		return false;
	spin_block_ends();
	return sched_next();
}

static void run_steps(void)
{
	bool goes_on = sched_begin();

	while (goes_on)
		goes_on = run_step();
}

/* Threads that may wait forever are left in a complete execution, too. */
static bool nobody_goes_on(enum run_end end)
{
	return !x.aborted && (end == RUN_COMPLETE || end == RUN_DEADLOCK);
}

enum run_end run_execution(void)
{
	enum run_end end;
	jmp_buf bail;

	x.bail = &bail;
	x.on_main = true;
	if (setjmp(bail)) { /* on the explorer's own stack: see engine_give_up() */
		x.depth += !x.starting; /* the step that was begun counts */
		x.starting = false;
		x.cur = -1;
		return RUN_ABORTED;
	}
	x.starting = x.aside = true;
	restore();
	for (unsigned t = 0; t < x.check->threads && !x.aborted; t++)
		start(t);
	x.starting = false;
	x.aside = x.watching;
	x.cur = -1;
	end = RUN_ABORTED;
	if (!x.aborted) {
		engine_watch();
		run_steps();
		x.cur = -1;
		x.depth += x.aborted; /* the step in which it happened counts */
		end = x.end;
	}
	x.result->steps += (uint64_t)x.depth;
	if (x.alive && nobody_goes_on(end) && (spin_could_go_on() || thread_would_time_out()))
		end = RUN_ASLEEP; /* in another execution it does */
	else if (end == RUN_COMPLETE && !x.aborted)
		finish();
	else if (end == RUN_DEADLOCK)
		deadlock_report();
	return x.aborted ? RUN_ABORTED : end;
}

enum run_end run_schedule(const struct schedule *schedule)
{
	enum run_end end;

	x.known = 0;
	x.races = 0;
	x.schedule = schedule;
	end = run_execution();
	x.schedule = NULL;
	return end;
}
