/* SPDX-License-Identifier: MIT */
/*
 * lifetime.c - owns what is known of the lifetime of memory: which ranges were freed, by whom;
 * where a frame was allocated; and uses of memory that are no operations on a word in it. A page
 * is used by whoever calls get_page() or lock_page(), though the count and the lock stand
 * elsewhere. Each such use is noted, and is judged as an access is: it must not come after the
 * free, and it must be ordered before it, since otherwise it could come after it as well.
 *
 * Invariant: the tables are those of one execution; restoring set-up's state restores them.
 */
#include "explore/door/door.h"
#include "explore/model/model.h"

#include <stdlib.h>

static void *grown(void *table, size_t count, size_t *capacity, size_t size)
{
	size_t more = *capacity ? 2 * *capacity : 64;
	void *p;

	if (count < *capacity)
		return table;
	p = realloc(table, more * size);
	if (!p) {
		x.out_of_memory = true;
		engine_give_up();
	}
	*capacity = more;
	return p;
}

static struct whence whence(const struct sync_site *site)
{
	const struct thread *t = x.cur < 0 ? NULL : &x.thread[x.cur];

	return (struct whence){ t && t->noted_at ? t->noted_at : site,
				t && !t->noted_at ? t->operation.name : NULL };
}

static uint8_t thread_now(void) { return (uint8_t)(x.cur < 0 ? SETUP : x.cur); }
static int16_t step_now(void) { return x.cur < 0 ? -1 : x.thread[x.cur].last; }

/* --- uses ---------------------------------------------------------------- */

static int16_t epoch_now(enum sync_use when)
{
	int16_t step = step_now();

	if (!x.epochs)
		return 0;
	return when == SYNC_IN_STEP && step >= 0 ? epoch_of_step(step) :
		epoch_of((unsigned)x.cur);
}

bool sync_uses_(const void *p, size_t size, enum sync_use when, const struct sync_site *site)
{
	const struct touch t = { whence(site), step_now(), thread_now() };
	const struct dead *d = x.dead_count ? dead_at(p, size) : NULL;

	if (x.aborted)
		return true;
	if (d) {
		touch_after(&t, d);
		return false;
	}
	if (x.cur < 0 || when == SYNC_BEFORE_STEP)
		return true;
	x.use = grown(x.use, x.uses, &x.uses_capacity, sizeof(*x.use));
	x.use[x.uses++] = (struct use){ p, (const char *)p + size, t, epoch_now(when) };
	return true;
}

_Noreturn void sync_misuses_(const char *what, const struct sync_site *site)
{
	const struct whence here = whence(site);
	char name[8], place[PLACE_LENGTH];

	engine_fail(ORACLE_LIFETIME, -1, -1, step_now(), "%s %s (%s)",
		    engine_thread_name(thread_now(), name), what, engine_place(here, place));
	engine_fail_is_of(here);
	engine_fail_is_at(here.site);
	engine_give_up();
}

_Noreturn void sync_give_up(void) { engine_give_up(); }

_Noreturn void sync_not_alive_(const char *expr, const void *p, const struct sync_site *site)
{
	if (sync_uses_(p, 1, SYNC_IN_STEP, site))
		base_assert_failed(expr, site->file, site->line);
	engine_give_up();
}

/* Has the running thread followed this use, or could it have freed the memory before? */
static bool followed(const struct use *u)
{
	if (x.epochs)
		return epoch_followed((unsigned)x.cur, u->touch.thread) >= u->epoch;
	return u->touch.step < 0 || before(&x.step[u->touch.step], &x.step[x.depth]);
}

/* A thread that has used the range, or a word in it, without being ordered before this moment
 * could as well do so later. */
static void used_before(const struct dead *d)
{
	for (size_t n = 0; n < x.uses; n++) {
		const struct use *u = &x.use[n];

		if (u->lo < d->hi && u->hi > d->lo && u->touch.thread != d->thread && !followed(u))
			touch_before(&u->touch, d);
	}
}

static void touched_before(const struct dead *d)
{
	for (int j = 0; j < x.depth; j++) {
		const struct step *s = &x.step[j];
		const char *p = s->addr;

		if (p < d->lo || p >= d->hi || !s->cls || s->thread == d->thread ||
		    before(s, &x.step[x.depth]))
			continue;
		touch_before(&(struct touch){ { s->site, NULL }, j, s->thread }, d);
	}
}

/* --- ranges that die and live -------------------------------------------- */

void sync_range_dead_(void *p, size_t size, const struct sync_site *site)
{
	const struct dead *d;

	door_lasts();
	x.dead = grown(x.dead, x.dead_count, &x.dead_capacity, sizeof(*x.dead));
	x.dead[x.dead_count] = (struct dead){ (char *)p, (char *)p + size, step_now(),
					      thread_now(), whence(site) };
	d = &x.dead[x.dead_count++];
	if (x.cur < 0)
		return;
	plain_freed(d);
	if (x.depth < x.known)
		return;
	touched_before(d);
	used_before(d);
}

void sync_range_live_(void *p, size_t size, const struct sync_site *site)
{
	const char *lo = p, *hi = lo + size;
	size_t kept = 0;

	door_lasts();
	for (size_t i = 0; i < x.dead_count; i++)
		if (x.dead[i].hi <= lo || x.dead[i].lo >= hi)
			x.dead[kept++] = x.dead[i];
	x.dead_count = kept;
	x.born = grown(x.born, x.borns, &x.borns_capacity, sizeof(*x.born));
	x.born[x.borns++] = (struct born){ lo, whence(site), thread_now() };
}

void sync_leaked_(const void *p, const char *what, const struct sync_site *site)
{
	char name[8], place[PLACE_LENGTH];
	size_t n = x.borns;

	while (n && x.born[n - 1].lo != p)
		n--;
	if (!n)
		base_assert_failed("what is leaked was allocated", site->file, site->line);
	engine_fail(ORACLE_LEAK, -1, -1, -1, "%s that %s allocated (%s) is never freed", what,
		    engine_thread_name(x.born[n - 1].thread, name),
		    engine_place(x.born[n - 1].whence, place));
}
