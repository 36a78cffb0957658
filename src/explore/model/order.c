/* SPDX-License-Identifier: MIT */
/*
 * order.c - answers what oracles above the explorer ask about the execution that is under way:
 * which operation is the latest, and which operations come before which in every equivalent
 * execution.
 */
#include "explore/model/model.h"

unsigned explore_step(void)
{
	int step = x.cur >= 0 ? x.thread[x.cur].last : x.depth;

	return step < 0 ? 0 : (unsigned)step;
}

bool explore_ordered(unsigned a, unsigned b)
{
	ASSERT((int)a <= x.depth && (int)b <= x.depth);
	return before(&x.step[a], &x.step[b]);
}

unsigned explore_done(void) { return x.cur >= 0 ? (unsigned)x.thread[x.cur].idx : 0; }

bool explore_follows(unsigned b, unsigned thread, unsigned n)
{
	ASSERT((int)b <= x.depth && thread < x.threads);
	return x.step[b].clk.c[thread] >= (int)n;
}
