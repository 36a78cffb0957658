/* SPDX-License-Identifier: MIT */
/*
 * alone.c - tries, after the search, each place that has waited in cpu_relax() once more, alone
 * and without waiting. If the thread leaves its loop there without anybody's help, the search has
 * left out executions, and the result says so. door/spin.c explains why.
 */
#include "explore/run/run.h"

#include <stdio.h>

#include "explore/door/door.h"

static bool leaves(const struct waited *w)
{
	spin_try(w);
	run_schedule(&w->schedule);
	return spin_tried();
}

const char *alone_gives_up(void)
{
	static char text[160];
	uint64_t steps = x.result->steps;
	const struct waited *w;
	bool left = false;

	for (unsigned n = 0; !left && (w = spin_waited(n)); n++) {
		left = leaves(w);
		snprintf(text, sizeof(text),
			 "a loop with cpu_relax() in %s:%d gives up by itself: leave it out there",
			 w->site->function, w->site->line);
	}
	x.result->steps = steps;
	return left ? text : NULL;
}
