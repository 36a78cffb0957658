/* SPDX-License-Identifier: MIT */
/*
 * touch.c - tells of touches of memory that was freed. Whoever finds one calls here: the clock of
 * an operation on a word, a plain access, a use that is neither, and the free that comes too early.
 */
#include "explore/model/model.h"

const struct dead *dead_at(const void *addr, size_t size)
{
	const char *lo = addr, *hi = lo + size;

	for (size_t n = x.dead_count; n-- > 0;)
		if (lo < x.dead[n].hi && hi > x.dead[n].lo)
			return &x.dead[n];
	return NULL;
}

static void tell(const struct touch *t, const struct dead *d, int first, int then, int target)
{
	char a[8], b[8], at[PLACE_LENGTH], freed[PLACE_LENGTH];

	engine_fail(ORACLE_LIFETIME, first, then, target, "%s %s (%s) what %s has freed (%s)",
		    engine_thread_name(t->thread, a), t->frees ? "frees" : "touches",
		    engine_place(t->whence, at), engine_thread_name(d->thread, b),
		    engine_place(d->whence, freed));
	explore_fail_is_about(t->thread);
	explore_fail_is_about(d->thread);
	if (engine_is_of_library(t->whence.site) && engine_is_of_library(d->whence.site))
		return;
	engine_fail_is_of(d->whence, t->frees ? &t->whence : NULL);
	if (!engine_is_of_library(t->whence.site))
		engine_fail_is_at(t->whence.site);
	if (t->frees && !engine_is_of_library(d->whence.site))
		engine_fail_is_at(d->whence.site);
}

void touch_after(const struct touch *t, const struct dead *d)
{
	tell(t, d, t->step < 0 ? -1 : d->step, d->step < 0 ? -1 : t->step, t->step);
}

/* In the picture it comes after, if it can: then it is caught in the act. */
void touch_before(const struct touch *t, const struct dead *d)
{
	bool late = t->step >= 0 && !before(&x.step[t->step], &x.step[x.depth]);

	if (late)
		tell(t, d, x.depth, t->step, t->step);
	else
		tell(t, d, -1, -1, x.depth);
}
