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

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	const struct sync_site *noted = t ? t->noted_at : x.noted_outside;

	return (struct whence){ noted ? noted : site, t && !noted ? t->operation.name : NULL };
}

static uint8_t thread_now(void)
{
	return (uint8_t)(x.cur >= 0 ? x.cur : x.snapshot ? ENDING : SETUP);
}

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

static bool used(const void *p, size_t size, enum sync_use when, bool frees,
		 const struct sync_site *site)
{
	const struct touch t = { whence(site), step_now(), thread_now(), frees };
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

bool sync_uses_(const void *p, size_t size, enum sync_use when, const struct sync_site *site)
{
	return used(p, size, when, false, site);
}

bool sync_frees_(const void *p, size_t size, enum sync_use when, const struct sync_site *site)
{
	return used(p, size, when, true, site);
}

_Noreturn void sync_misuses_(const char *what, const struct sync_site *site)
{
	const struct whence here = whence(site);
	char name[8], place[PLACE_LENGTH];

	engine_fail(ORACLE_LIFETIME, -1, -1, step_now(), "%s %s (%s)",
		    engine_thread_name(thread_now(), name), what, engine_place(here, place));
	engine_fail_is_of(here, NULL);
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

		if (!s->cls || p >= d->hi || p + (s->bytes ? s->bytes : 1) <= d->lo ||
		    s->thread == d->thread || before(s, &x.step[x.depth]))
			continue;
		touch_before(&(struct touch){ { s->site, NULL }, j, s->thread, false }, d);
	}
}

/* --- memory that is kept ------------------------------------------------- */

static void keep(const void *p, size_t size, const char *as, const struct sync_site *site)
{
	x.kept = grown(x.kept, x.kepts, &x.kepts_capacity, sizeof(*x.kept));
	x.kept[x.kepts++] = (struct kept){ p, (const char *)p + size, as };
	sync_uses_(p, size, SYNC_AFTER_STEP, site);
}

void sync_kept_(const void *p, size_t size, const char *as, const struct sync_site *site)
{
	keep(p, size, as, site);
}

void sync_not_kept_(const void *p, size_t size, const struct sync_site *site)
{
	keep(p, size, NULL, site);
}

/* Something in this memory that is kept; NULL: nothing. */
static const struct kept *kept_in(const char *lo, const char *hi)
{
	for (size_t n = x.kepts; n-- > 0;) {
		const struct kept *k = &x.kept[n];
		size_t later = n + 1;

		if (!k->as || k->lo >= hi || k->hi <= lo)
			continue;
		while (later < x.kepts && x.kept[later].lo != k->lo)
			later++;
		if (later == x.kepts)
			return k;
	}
	return NULL;
}

bool sync_is_kept_(const void *p, size_t size) { return kept_in(p, (const char *)p + size); }

/* What is kept there would be used by whoever comes to it: so the execution ends. */
static void judge_kept(const struct dead *d)
{
	const struct kept *k = x.kepts ? kept_in(d->lo, d->hi) : NULL;
	char name[8], place[PLACE_LENGTH];

	if (!k)
		return;
	engine_fail(ORACLE_LIFETIME, -1, -1, step_now(), "%s frees (%s) %s",
		    engine_thread_name(d->thread, name), engine_place(d->whence, place), k->as);
	engine_fail_is_of(d->whence, NULL);
	if (!engine_is_of_library(d->whence.site))
		engine_fail_is_at(d->whence.site);
	engine_give_up();
}

/* --- what is kept on a stack --------------------------------------------- */

static void judge_stack(const char *lo, const char *hi, const char *what)
{
	const struct kept *k = kept_in(lo, hi);
	char name[8];

	if (!k)
		return;
	engine_fail(ORACLE_LIFETIME, -1, -1, step_now(), "%s %s, and on its stack was %s",
		    engine_thread_name(thread_now(), name), what, k->as);
	engine_give_up();
}

void lifetime_thread_ends(void)
{
	const struct fiber *f = &x.fiber[x.cur];

	if (x.kepts)
		judge_stack(f->stack, f->stack + f->stack_size, "ended");
}

void lifetime_call(const void *from, const char *frame)
{
	struct thread *t = &x.thread[x.cur];

	if (t->calls++ >= CALLS_MAX)
		return;
	t->return_to[t->calls - 1] = from;
	t->frame[t->calls - 1] = frame;
}

/* What is below belongs to no function of the check. After the last one has returned, nothing
 * does; of too deep ones nothing is known. */
static const char *stack_in_use(unsigned thread)
{
	const struct thread *t = &x.thread[thread];
	const struct fiber *f = &x.fiber[thread];

	if (t->calls > CALLS_MAX)
		return f->stack;
	return t->calls ? t->frame[t->calls - 1] : f->stack + f->stack_size;
}

/* Variables of the functions that have returned, the latest of which did so from this code. */
static struct dead dead_stack(unsigned thread, const void *code)
{
	return (struct dead){ x.fiber[thread].stack, stack_in_use(thread), x.thread[thread].last,
			      (uint8_t)thread, { sync_called_from_(code), NULL } };
}

/* A function of the check has itself accessed what is below its frame: an array whose size is not
 * constant. How far its stack reaches is not known, then. */
static void stack_goes_on(unsigned thread, const char *p)
{
	struct thread *t = &x.thread[thread];

	if (p < stack_in_use(thread) && t->calls && t->calls <= CALLS_MAX)
		t->frame[t->calls - 1] = x.fiber[thread].stack;
}

void lifetime_of_stack(const struct touch *t, int16_t epoch, const void *addr, size_t size,
		       bool plainly)
{
	const char *p = addr;
	struct dead d;
	unsigned q = 0;

	while (q < x.threads && (p < x.fiber[q].stack ||
				 p >= x.fiber[q].stack + x.fiber[q].stack_size))
		q++;
	if (q == x.threads || x.aborted)
		return;
	if (q == t->thread) {
		if (plainly)
			stack_goes_on(q, p);
		return;
	}
	x.result->stacks_shared = true;
	if (p < stack_in_use(q) && x.thread[q].returned) {
		d = dead_stack(q, x.thread[q].returned);
		touch_after(t, &d);
		return;
	}
	x.use = grown(x.use, x.uses, &x.uses_capacity, sizeof(*x.use));
	x.use[x.uses++] = (struct use){ p, p + size, *t, epoch };
}

/* The stack of the function that returns ends where its return address is. */
void lifetime_return(const char *stack, const void *code)
{
	struct thread *t = &x.thread[x.cur];
	const struct fiber *f = &x.fiber[x.cur];
	const char *end = f->stack + f->stack_size - sizeof(void *), *at = stack;
	char what[PLACE_LENGTH + 32], place[PLACE_LENGTH];
	const void *from;

	struct dead d;

	t->returned = code;
	if (!t->calls || --t->calls >= CALLS_MAX)
		return;
	if (x.uses && x.result->stacks_shared && x.depth >= x.known && !x.starting) {
		d = dead_stack((unsigned)x.cur, code);
		used_before(&d);
	}
	if (!t->calls || !x.kepts)
		return; /* or it is the thread's own function: lifetime_thread_ends() */
	from = t->return_to[t->calls];
	while (at < end && memcmp(at, &from, sizeof(from)))
		at += sizeof(from);
	snprintf(what, sizeof(what), "returns from what it called (%s)",
		 engine_place((struct whence){ sync_called_from_(from), NULL }, place));
	if (at < end)
		judge_stack(stack, at, what);
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
	if (x.cur >= 0)
		plain_freed(d);
	if (x.cur >= 0 && x.depth >= x.known) {
		touched_before(d);
		used_before(d);
	}
	judge_kept(d);
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
