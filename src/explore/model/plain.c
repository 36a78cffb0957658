/* SPDX-License-Identifier: MIT */
/*
 * plain.c - accesses that are no operations of the door: plain loads and stores of a
 * check's code, of which the compiler tells (door/tsan.c). They are no scheduling points. Two
 * that conflict, of which neither happens before the other, are a race; and one that
 * meets freed memory is a touch of it. An operation on a word counts as an access that is
 * marked: it races with plain ones only. Taking a lock and letting it go are such accesses of
 * the lock's memory.
 *
 * Happens-before is that of the search: what is not ordered in it stands side by side in
 * some equivalent execution. A thread's plain accesses are numbered by epochs, and its
 * clock says up to which epoch of each thread it has followed. The epoch is counted up
 * after each step, and after each release that is no step, so that
 *
 *      spin_lock(l); x = 1; spin_unlock(l); y = 1;
 *
 * orders the first access before the thread that takes the lock next, and not the second.
 *
 * The memory is cut into granules of 8 bytes; each remembers the accesses that may still
 * race. One execution at a time: a stamp makes the others' entries void.
 */
#include "explore/model/model.h"
#include "base/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GRANULE = 8, SLOTS_MIN = 1024, PAIRS_MAX = 64 };

/* The latest access of this kind by a thread, at this place. */
struct cell {
	const struct sync_site *site; /* of an operation, or of a plain access */
	uint32_t next;                /* index + 1 of another cell of the granule; 0: none */
	int16_t epoch;
	int16_t step;                 /* in which it was done; -1: before the thread's first */
	uint8_t thread, mask;         /* bit n: byte n of the granule */
	uint8_t bytes;                /* of the word of an operation; 0: it is none */
	bool write, marked;
	bool let_go;                  /* a lock in it was dropped, which is no step */
};

struct granule { uintptr_t number; uint32_t stamp, cells; };

struct pair { struct cell a, b; char text[240]; };

/* Of the exploration; NULL in x.plain if no code tells of its accesses. */
struct plain {
	struct granule *granule;
	uint32_t granules, mask, stamp;
	struct cell *cell;
	uint32_t cells, cells_capacity;
	struct pair pair[PAIRS_MAX];  /* that were seen to race */
	uint32_t pairs;
};

bool plain_told; /* some code of this process was compiled to tell */

int plain_open(void)
{
	struct plain *p;

	if (!plain_told)
		return 0;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -1;
	x.plain = p;
	p->mask = SLOTS_MIN - 1;
	p->cells_capacity = SLOTS_MIN;
	p->granule = calloc(SLOTS_MIN, sizeof(*p->granule));
	p->cell = malloc(SLOTS_MIN * sizeof(*p->cell));
	return p->granule && p->cell && !shadow_open() ? clock_watch() : -1;
}

void plain_close(void)
{
	if (!x.plain)
		return;
	clock_unwatch();
	shadow_close();
	free(x.plain->granule);
	free(x.plain->cell);
	free(x.plain);
	x.plain = NULL;
}

void plain_forget(void)
{
	struct plain *p = x.plain;

	if (!p)
		return;
	p->granules = p->cells = 0;
	if (++p->stamp == 0) {
		memset(p->granule, 0, (p->mask + 1) * sizeof(*p->granule));
		p->stamp = 1;
	}
}

/* --- granules ------------------------------------------------------------ */

static void no_memory(void)
{
	x.out_of_memory = true;
	engine_give_up();
}

static struct granule *slot_for(struct granule *slots, uint32_t mask, uint32_t stamp,
				uintptr_t number)
{
	uint32_t i = (uint32_t)(hash_number(number) >> 32) & mask;

	while (slots[i].stamp == stamp && slots[i].number != number)
		i = (i + 1) & mask;
	return &slots[i];
}

static void granules_grow(struct plain *p)
{
	uint32_t mask = 2 * p->mask + 1;
	struct granule *grown = calloc(mask + 1, sizeof(*grown));

	if (!grown)
		no_memory();
	for (uint32_t i = 0; i <= p->mask; i++)
		if (p->granule[i].stamp == p->stamp)
			*slot_for(grown, mask, p->stamp, p->granule[i].number) = p->granule[i];
	free(p->granule);
	p->granule = grown;
	p->mask = mask;
}

/* NULL: nobody has accessed it, and it is not wanted anew. */
static struct granule *granule_of(struct plain *p, uintptr_t number, bool make)
{
	struct granule *g = slot_for(p->granule, p->mask, p->stamp, number);

	if (g->stamp == p->stamp || !make)
		return g->stamp == p->stamp ? g : NULL;
	if (2 * p->granules > p->mask) {
		granules_grow(p);
		g = slot_for(p->granule, p->mask, p->stamp, number);
	}
	p->granules++;
	*g = (struct granule){ .number = number, .stamp = p->stamp };
	return g;
}

/* An earlier one like it is of no more use: what is ordered after this one is ordered after
 * that. */
static void remember(struct plain *p, struct granule *g, const struct cell *like)
{
	for (uint32_t i = g->cells; i; i = p->cell[i - 1].next) {
		struct cell *c = &p->cell[i - 1];

		if (c->thread != like->thread || c->write != like->write ||
		    c->marked != like->marked || c->let_go != like->let_go ||
		    c->mask != like->mask || c->site != like->site)
			continue;
		c->epoch = like->epoch;
		c->step = like->step;
		return;
	}
	if (p->cells == p->cells_capacity) {
		struct cell *grown = realloc(p->cell, 2 * p->cells_capacity * sizeof(*grown));

		if (!grown)
			no_memory();
		p->cell = grown;
		p->cells_capacity *= 2;
	}
	p->cell[p->cells] = *like;
	p->cell[p->cells].next = g->cells;
	g->cells = ++p->cells;
}

/* --- races --------------------------------------------------------------- */

/* Has the thread, by what it has done so far, followed this access? */
static bool followed(const struct cell *c, unsigned thread)
{
	return epoch_followed(thread, c->thread) >= c->epoch;
}

static bool same_access(const struct cell *a, const struct cell *b)
{
	return a->thread == b->thread && site_same(a->site, b->site);
}

/* Two lines that race are one finding, however they do it and in whichever order: in the
 * words of the first time. NULL: there were too many. */
static const struct pair *pair_of(struct plain *p, const struct cell *before,
				  const struct cell *now)
{
	struct pair *pair = p->pair;
	char a[8], b[8];

	for (; pair < p->pair + p->pairs; pair++)
		if ((same_access(&pair->a, before) && same_access(&pair->b, now)) ||
		    (same_access(&pair->a, now) && same_access(&pair->b, before)))
			return pair;
	if (p->pairs == PAIRS_MAX)
		return NULL;
	p->pairs++;
	pair->a = *before;
	pair->b = *now;
	snprintf(pair->text, sizeof(pair->text), "%s's %s%s in %s:%d meets %s's %s%s in %s:%d",
		 engine_thread_name(before->thread, a), before->marked ? "" : "plain ",
		 before->write ? "write" : "read", before->site->function, before->site->line,
		 engine_thread_name(now->thread, b), now->marked ? "" : "plain ",
		 now->write ? "write" : "read", now->site->function, now->site->line);
	return pair;
}

static void race(struct plain *p, const struct cell *before, const struct cell *now)
{
	const struct pair *pair = pair_of(p, before, now);

	engine_fail(ORACLE_RACE, now->step < 0 ? -1 : before->step,
		    before->step < 0 ? -1 : now->step, now->step, "%s",
		    pair ? pair->text : "further races");
	if (!pair)
		return;
	explore_fail_is_about(before->thread);
	engine_fail_is_at(pair->a.site);
	engine_fail_is_at(pair->b.site);
}

/* Two operations are seen to depend on each other only if they are on the same word. */
static bool same_word(const struct cell *a, const struct cell *b)
{
	return !a->bytes || !b->bytes || (a->bytes == b->bytes && a->mask == b->mask);
}

static void mix(const struct cell *before, const struct cell *now)
{
	const struct sync_site *a = before->site, *b = now->site;

	explore_add_unwatched(x.result, "in which order words that overlap are accessed, of %u bytes in %s:%d and of %u bytes in %s:%d",
			      before->bytes, a->function, a->line, now->bytes, b->function,
			      b->line);
}

static void meet(struct plain *p, const struct granule *g, const struct cell *now)
{
	for (uint32_t i = g->cells; i; i = p->cell[i - 1].next) {
		const struct cell *c = &p->cell[i - 1];

		if (c->thread == now->thread || !(c->mask & now->mask) ||
		    !(c->write || now->write) || followed(c, now->thread))
			continue;
		if (!(c->marked && now->marked))
			race(p, c, now);
		else if (!same_word(c, now))
			mix(c, now);
	}
}

static void access_range(const void *addr, size_t size, struct cell *now)
{
	uintptr_t from = (uintptr_t)addr, end = from + size;
	struct plain *p = x.plain;

	for (uintptr_t at = from; at < end;) {
		uintptr_t number = at / GRANULE, next = (number + 1) * GRANULE;
		uintptr_t to = next < end ? next : end;
		struct granule *g = granule_of(p, number, true);

		now->mask = (uint8_t)(((1u << (to - at)) - 1) << (at % GRANULE));
		meet(p, g, now);
		remember(p, g, now);
		at = to;
	}
}

static struct touch touch_of(const struct cell *c)
{
	return (struct touch){ { c->site, NULL }, c->step, c->thread, false };
}

/* Freed memory that the running thread touches without an operation. */
static void touch_dead(const void *addr, size_t size, const struct cell *now)
{
	const struct dead *d = dead_at(addr, size);
	const struct touch t = touch_of(now);

	if (d)
		touch_after(&t, d);
}

/* What it says of memory that no block has, or that nobody has written. */
static void ask_shadow(const void *addr, size_t size, bool reads, const struct cell *now)
{
	const struct sync_site *site = now->site;
	const char *what = now->marked ? "" : "plain ";
	char name[8], where[80];

	switch (shadow_access(addr, size, reads, now->write)) {
	case SHADOW_FINE:
		return;
	case SHADOW_OUTSIDE:
		shadow_text(addr, size, where, sizeof(where));
		engine_fail(ORACLE_OVERRUN, -1, -1, now->step, "%s's %s%s of %zu bytes in %s:%d is outside of every block, %s",
			    engine_thread_name(now->thread, name), what,
			    now->write ? "write" : "read", size, site->function, site->line,
			    where);
		break;
	case SHADOW_UNWRITTEN:
		engine_fail(ORACLE_UNWRITTEN, -1, -1, now->step, "%s's %sread of %zu bytes in %s:%d is of memory that nobody has written",
			    engine_thread_name(now->thread, name), what, size, site->function,
			    site->line);
		break;
	}
	engine_fail_is_at(site);
}

/* Nobody else looks there, as a rule. */
static bool on_own_stack(const void *addr)
{
	const struct fiber *f = &x.fiber[x.cur];
	const char *p = addr;

	return p >= f->stack && p < f->stack + f->stack_size;
}

/* The trace has the accesses that the finding is about, and no others. */
static void say_if_told(const struct sync_site *site, size_t size, bool write)
{
	for (unsigned i = 0; x.drawn && i < x.drawn->places; i++) {
		const struct explore_place *told = &x.drawn->place[i];

		if (told->line != site->line ||
		    strcmp(told->function, site->function))
			continue;
		if (write)
			sync_event_at(site, PLAIN_WRITE, size, (uintptr_t)site->function,
				      (uint64_t)site->line);
		else
			sync_event_at(site, PLAIN_READ, size, (uintptr_t)site->function,
				      (uint64_t)site->line);
		return;
	}
}

void plain_access(const void *addr, size_t size, bool write, const struct sync_site *site)
{
	struct cell now = { .site = site, .thread = (uint8_t)x.cur, .write = write };

	if (!x.plain || x.opt.no_races || x.cur < 0 || x.aborted || !size)
		return;
	now.epoch = epoch_of((unsigned)x.cur);
	now.step = x.starting ? -1 : x.thread[x.cur].last;
	if (x.dead_count)
		touch_dead(addr, size, &now);
	ask_shadow(addr, size, !write, &now);
	access_range(addr, size, &now);
	if (sync_recording && !on_own_stack(addr))
		say_if_told(site, size, write);
}

void plain_outside(const void *addr, size_t size, bool write, const struct sync_site *site)
{
	const struct cell now = { .site = site, .thread = SETUP, .step = -1, .write = write };

	if (x.shadow)
		ask_shadow(addr, size, !write, &now);
}

/* Locks are written by whoever takes them, even for reading. */
void plain_operation(const struct step *s)
{
	struct cell now = { .site = s->site, .thread = s->thread, .marked = true,
			    .epoch = epoch_of_step(x.depth), .step = (int16_t)x.depth,
			    .write = s->cls != SYNC_READ || !kind_is_word(s->kind),
			    .bytes = kind_is_word(s->kind) ? s->bytes : 0 };

	ask_shadow(s->addr, s->bytes, s->kind != SYNC_STORE, &now);
	access_range(s->addr, s->bytes, &now);
}

bool plain_met(const void *addr, size_t size, int step)
{
	uintptr_t from = (uintptr_t)addr, end = from + size;

	for (uintptr_t number = from / GRANULE; x.plain && number * GRANULE < end; number++) {
		const struct granule *g = granule_of(x.plain, number, false);

		for (uint32_t i = g ? g->cells : 0; i; i = x.plain->cell[i - 1].next) {
			const struct cell *c = &x.plain->cell[i - 1];

			if (c->thread != x.cur && !c->marked && c->step > step)
				return true;
		}
	}
	return false;
}

static struct cell let_go_by(const struct sync_site *site)
{
	return (struct cell){ .site = site, .thread = (uint8_t)x.cur, .marked = true,
			      .write = true, .let_go = true, .step = x.thread[x.cur].last };
}

void plain_touches(const void *object, size_t size, const struct sync_site *site)
{
	struct cell now = let_go_by(site);

	if (!x.aborted)
		touch_dead(object, size, &now);
}

/* It is to be ordered before whoever frees the memory. */
void plain_needs(const void *object, size_t size, const struct sync_site *site)
{
	struct cell now;

	if (!x.plain || x.cur < 0 || x.aborted)
		return;
	now = let_go_by(site);
	now.epoch = epoch_of((unsigned)x.cur);
	access_range(object, size, &now);
}

/* Is the step in which it was done of the same memory? Then it is told of as a step. */
static bool is_of_step(const struct cell *c, const struct dead *d)
{
	const char *p = c->step < 0 ? NULL : x.step[c->step].addr;

	return p >= d->lo && p < d->hi && !before(&x.step[c->step], &x.step[x.depth]);
}

/* A thread that accessed it plainly, or let a lock in it go, without being ordered before this
 * moment could as well do so later. */
void plain_freed(const struct dead *d)
{
	uintptr_t from = (uintptr_t)d->lo, end = (uintptr_t)d->hi;
	struct plain *p = x.plain;

	if (!p || x.cur < 0)
		return;
	for (uintptr_t number = from / GRANULE; number * GRANULE < end; number++) {
		const struct granule *g = granule_of(p, number, false);

		for (uint32_t i = g ? g->cells : 0; i; i = p->cell[i - 1].next) {
			const struct cell *c = &p->cell[i - 1];
			struct touch t;

			if (c->thread == x.cur || (c->marked && !c->let_go) ||
			    followed(c, (unsigned)x.cur))
				continue;
			if (c->let_go && is_of_step(c, d))
				continue;
			t = touch_of(c);
			touch_before(&t, d);
		}
	}
}

/* --- in records ---------------------------------------------------------- */

/* Only by what they are known again, and in which words they were told. */
void plain_save(struct flat *f)
{
	const struct plain *p = x.plain;

	flat_put_number(f, p ? p->pairs : 0);
	for (uint32_t n = 0; p && n < p->pairs; n++) {
		flat_put_number(f, p->pair[n].a.thread);
		flat_put_site(f, p->pair[n].a.site);
		flat_put_number(f, p->pair[n].b.thread);
		flat_put_site(f, p->pair[n].b.site);
		flat_put(f, p->pair[n].text, sizeof(p->pair[n].text));
	}
}

bool plain_load(struct flat_reader *r)
{
	size_t count = flat_get_number(r, x.plain ? PAIRS_MAX : 0);

	for (size_t n = 0; n < count; n++) {
		struct pair *pair = &x.plain->pair[n];

		pair->a = (struct cell){ .thread = (uint8_t)flat_get_number(r, x.threads - 1) };
		pair->a.site = flat_get_site(r);
		pair->b = (struct cell){ .thread = (uint8_t)flat_get_number(r, x.threads - 1) };
		pair->b.site = flat_get_site(r);
		flat_get(r, pair->text, sizeof(pair->text));
		pair->text[sizeof(pair->text) - 1] = '\0';
		if (!pair->a.site || !pair->b.site)
			return false;
		x.plain->pairs++;
	}
	return !r->wrong;
}
