/* SPDX-License-Identifier: MIT */
/*
 * range.c - keeps the ranges that each thread has begun to invalidate and has not ended yet.
 * Promises about what notifiers are told are judged by them.
 */
#include "explore/door/door.h"

void sync_range_begin_(const void *mm, uint64_t start, uint64_t end, bool told,
		       const struct sync_site *site)
{
	struct thread *t = &x.thread[x.cur < 0 ? 0 : x.cur];

	if (x.cur < 0)
		return;
	if (t->range_count == RANGES_MAX) {
		engine_fail(ORACLE_PROTOCOL, -1, -1, x.depth, "more invalidations are begun in %s and not ended than can be followed",
			    door_site(site));
		engine_give_up();
	}
	t->range[t->range_count++] = (struct range){
		mm, start, end, t->noted_at ? t->noted_at : site, told };
}

bool sync_range_end_(const void *mm, uint64_t start, uint64_t end,
		     const struct sync_site *site)
{
	struct thread *t = &x.thread[x.cur < 0 ? 0 : x.cur];
	char name[8];
	bool told;

	if (x.cur < 0)
		return true;
	for (unsigned i = t->range_count; i-- > 0;) {
		const struct range *r = &t->range[i];

		if (r->mm != mm || r->start != start || r->end != end)
			continue;
		told = r->told;
		t->range[i] = t->range[--t->range_count];
		return told;
	}
	engine_fail(ORACLE_PROTOCOL, -1, -1, x.depth, "%s ends in %s an invalidation that it has not begun",
		    engine_thread_name((unsigned)x.cur, name), door_site(site));
	return true;
}

bool sync_in_range_(const void *mm, uint64_t addr)
{
	const struct thread *t = &x.thread[x.cur < 0 ? 0 : x.cur];

	for (unsigned i = 0; i < t->range_count; i++)
		if (t->range[i].mm == mm && addr >= t->range[i].start && addr < t->range[i].end)
			return true;
	return x.cur < 0;
}
