/* SPDX-License-Identifier: MIT */
/*
 * endless.c - says of an execution that takes too many steps which thread goes round, and what it
 * repeats. Such a thread would be met in many executions, so the search ends with it. But first it
 * is begun again with every loop watched, since this one may only wait.
 */
#include "explore/door/door.h"

#include <stdio.h>

enum { PERIOD_MAX = 64, TIMES = 3, MOST = TIMES * PERIOD_MAX, SAID_MAX = 6 };

/* The thread that has done the most. */
static unsigned busiest(void)
{
	unsigned most = 0;

	for (unsigned t = 1; t < x.threads; t++)
		if (x.thread[t].idx > x.thread[most].idx)
			most = t;
	return most;
}

static bool alike(const struct step *a, const struct step *b)
{
	return a->kind == b->kind && a->addr == b->addr && site_same(a->site, b->site);
}

/* Of the thread's latest steps, the latest one first: after how many do they repeat? 0: they do
 * not. */
static int period_of(const int *step, int count)
{
	for (int period = 1; period <= PERIOD_MAX && TIMES * period <= count; period++) {
		int n = period;

		while (n < TIMES * period && alike(&x.step[step[n]], &x.step[step[n - period]]))
			n++;
		if (n == TIMES * period)
			return period;
	}
	return 0;
}

void endless_report(void)
{
	int step[MOST], count = 0, period;
	unsigned thread = busiest();
	char text[200] = "", name[8];
	size_t at = 0;

	if (!x.schedule && !(x.assumes & EVERY_LOOP_IS_WATCHED)) {
		x.needs |= EVERY_LOOP_IS_WATCHED;
		return;
	}
	for (int k = x.thread[thread].last; k >= 0 && count < MOST; k = x.step[k].prev)
		step[count++] = k;
	period = period_of(step, count);
	for (int n = period ? period : count; n-- > 0 && at < sizeof(text);) {
		const struct step *s = &x.step[step[n]];

		if ((period ? period : count) - n > SAID_MAX) {
			snprintf(text + at, sizeof(text) - at, ", ...");
			break;
		}
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s in %s:%d",
				       at ? ", " : "", engine_operations[s->kind].name,
				       s->site->function, s->site->line);
	}
	engine_fail(ORACLE_STEPS, -1, -1, -1, "an execution takes more than %u steps: %s %s %s",
		    x.steps_max, engine_thread_name(thread, name),
		    period ? "repeats" : "goes on with", text);
	explore_fail_is_about(thread);
	x.stuck = true;
}
