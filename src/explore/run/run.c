/* SPDX-License-Identifier: MIT */
/*
 * run.c - runs one execution of a check. It restores the state that set-up has left, runs the
 * threads as fibers until door/sched.c finds no next step, and then lets the check look at the end.
 */
#include "explore/run/run.h"
#include "explore/door/door.h"
#include "explore/model/model.h"
#include "explore/search/search.h"

#include <stdlib.h>
#include <string.h>

static void restore(void)
{
	memcpy(x.arena, x.snapshot, x.snapshot_used);
	if (x.data_after)
		memcpy(x.check->data, x.data_after, x.check->data_size);
	x.arena_used = x.snapshot_used;
	x.alloc_live = x.snapshot_live;
	x.dead_count = x.snapshot_dead;
	x.borns = x.snapshot_borns;
	x.uses = 0;
	objects_forget();
	plain_forget();
	x.fails = 0;
	x.aborted = false;
	x.depth = 0;
	if (!x.schedule)
		search_begin();
	if (x.model->begin)
		x.model->begin();
	thread_start_all();
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
		if (x.check->finish) {
			x.check->finish(x.arena, x.check->arg);
			if (x.alloc_live)
				memory_leaks_report();
		}
	} else {
		x.aborted = false; /* the threads have run to their end */
	}
	x.outside = false;
	x.depth++;
}

enum run_end run_execution(void)
{
	enum run_end end;
	jmp_buf bail;
	bool begins;

	restore();
	x.bail = &bail;
	if (setjmp(bail)) {
		x.depth += x.on_main; /* the first step counts */
		x.on_main = false;
		x.cur = -1;
		return RUN_ABORTED;
	}
	x.starting = true;
	for (unsigned t = 0; t < x.check->threads && !x.aborted; t++) {
		x.cur = (int)t; /* as far as its first operation */
		fiber_switch(&x.main, &x.fiber[t], 0);
	}
	x.starting = false;
	x.cur = -1;
	end = RUN_ABORTED;
	if (!x.aborted) {
		engine_watch();
		x.on_main = true;
		begins = sched_begin();
		x.on_main = false;
		if (begins)
			fiber_switch(&x.main, &x.fiber[x.cur], x.value);
		x.cur = -1;
		x.depth += x.aborted; /* the step in which it happened counts */
		end = x.end;
	}
	x.result->steps += (uint64_t)x.depth;
	if (end == RUN_COMPLETE && !x.aborted)
		finish();
	else if (end == RUN_DEADLOCK && spin_guessed_wrong())
		end = RUN_ASLEEP; /* another execution has the right guess */
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
