/* SPDX-License-Identifier: MIT */
/*
 * clock.c - owns happens-before: the objects of an execution, who touched them last, the vector
 * clock of each step, and the races that end in it. door/sched.c calls it for each step. This file
 * decides on what a step depends, and what it merely follows.
 */
#include "explore/model/model.h"
#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

/* --- objects ------------------------------------------------------------- */

void objects_forget(void)
{
	x.objects = 0;
	if (++x.stamp == 0) {
		memset(x.slot, 0, (x.slots_mask + 1) * sizeof(*x.slot));
		x.stamp = 1;
	}
}

static uint32_t slot_of(const void *addr)
{
	return (uint32_t)(hash_number((uintptr_t)addr >> 2) >> 40);
}

static void objects_grow(void)
{
	uint32_t capacity = x.objects_capacity * 2, mask = capacity * 4 - 1;
	struct object *object = realloc(x.object, capacity * sizeof(*object));
	void *slot = calloc(mask + 1, sizeof(*x.slot));

	if (object)
		x.object = object;
	if (!object || !slot) {
		free(slot);
		x.out_of_memory = true;
		engine_give_up();
	}
	free(x.slot);
	x.slot = slot;
	x.slots_mask = mask;
	x.objects_capacity = capacity;
	for (uint32_t i = 0; i < x.objects; i++) {
		uint32_t s = slot_of(x.object[i].addr) & mask;

		while (x.slot[s].stamp == x.stamp)
			s = (s + 1) & mask;
		x.slot[s].stamp = x.stamp;
		x.slot[s].index = i;
	}
}

/* The slot that holds the object, or is free for it. */
static inline uint32_t slot_find(const void *addr)
{
	uint32_t s = slot_of(addr) & x.slots_mask;

	while (x.slot[s].stamp == x.stamp && x.object[x.slot[s].index].addr != addr)
		s = (s + 1) & x.slots_mask;
	return s;
}

struct object *object_of(const void *addr)
{
	uint32_t s = slot_find(addr);
	struct object *o;

	if (x.slot[s].stamp == x.stamp)
		return &x.object[x.slot[s].index];
	ASSERT(x.objects < OBJECTS_LIMIT);
	if (x.objects == x.objects_capacity) {
		objects_grow();
		return object_of(addr);
	}
	x.slot[s].stamp = x.stamp;
	x.slot[s].index = x.objects;
	o = &x.object[x.objects++];
	o->addr = addr;
	o->last_write = o->last_change = o->last_lock = -1;
	o->readers = o->adders = o->holders = 0;
	o->has = 0;
	return o;
}

static int16_t key_of(const struct object *o, uint8_t cls)
{
	return (int16_t)(4 * (o - x.object) + cls);
}

int16_t object_key(const void *addr, uint8_t cls)
{
	uint32_t s = slot_find(addr);

	return x.slot[s].stamp == x.stamp ? key_of(&x.object[x.slot[s].index], cls) : SYNC_NONE;
}

/* --- clocks -------------------------------------------------------------- */

/* A clock, and the number of its epochs. */
struct stamp { struct clk *clk; size_t epochs; };

int clock_watch(void)
{
	x.epochs = calloc(EPOCHS_OF_STEPS + x.steps_max + 2, sizeof(*x.epochs));
	return x.epochs ? 0 : -1;
}

void clock_unwatch(void)
{
	free(x.epochs);
	x.epochs = NULL;
}

static struct stamp of_thread(unsigned t) { return (struct stamp){ &x.thread[t].clk, t }; }

static struct stamp of_wait(unsigned t, enum wait_for what)
{
	return (struct stamp){ &x.thread[t].wait[what].ends,
			       EPOCHS_OF_WAITS + WAIT_COUNT * t + what };
}

static struct stamp of_object(struct object *o, enum object_clock which)
{
	return (struct stamp){ &o->clk[which],
			       EPOCHS_OF_OBJECTS + OBJECT_CLOCKS * (size_t)(o - x.object) + which };
}

static struct stamp of_step(int j)
{
	return (struct stamp){ &x.step[j].clk, EPOCHS_OF_STEPS + (size_t)j };
}

/* The result is built apart, so that the compiler need not fear that a and b overlap. */
static inline void join_numbers(int16_t *a, const int16_t *b)
{
	int16_t r[T_MAX];

	for (int t = 0; t < T_MAX; t++)
		r[t] = a[t] > b[t] ? a[t] : b[t];
	memcpy(a, r, sizeof(r));
}

static void join_epochs(size_t a, size_t b)
{
	join_numbers(x.epochs[a].e, x.epochs[b].e);
}

static inline void join(struct stamp a, struct stamp b)
{
	join_numbers(a.clk->c, b.clk->c);
	if (x.epochs)
		join_epochs(a.epochs, b.epochs);
}

static inline void copy(struct stamp to, struct stamp from)
{
	*to.clk = *from.clk;
	if (x.epochs)
		x.epochs[to.epochs] = x.epochs[from.epochs];
}

static void clear(struct stamp s)
{
	memset(s.clk, 0, sizeof(*s.clk));
	if (x.epochs)
		memset(&x.epochs[s.epochs], 0, sizeof(*x.epochs));
}

static inline void next_epoch(unsigned thread)
{
	if (!x.epochs)
		return;
	ASSERT(x.epochs[thread].e[thread] < INT16_MAX);
	x.epochs[thread].e[thread]++;
}

void clock_next_epoch(void) { next_epoch((unsigned)x.cur); }

void clock_start(unsigned thread)
{
	clear(of_thread(thread));
	memset(x.thread[thread].wait, 0, sizeof(x.thread[thread].wait));
	for (enum wait_for what = 0; what < WAIT_COUNT && x.epochs; what++)
		clear(of_wait(thread, what));
	next_epoch(thread); /* what it does from here on, nobody has followed */
}

void clock_started(unsigned thread)
{
	copy(of_thread(thread), of_thread((unsigned)x.cur));
	next_epoch(thread);
	clock_next_epoch();
}

void epochs_restore(unsigned thread, int j)
{
	x.epochs[thread] = x.epochs[EPOCHS_OF_STEPS + j];
	next_epoch(thread);
}

/* Join the running thread's clock into one of an object's. */
static void publish(struct object *o, enum object_clock which)
{
	if (o->has >> which & 1)
		join(of_object(o, which), of_thread((unsigned)x.cur));
	else
		copy(of_object(o, which), of_thread((unsigned)x.cur));
	o->has |= (uint8_t)(1u << which);
}

void clock_released(const void *lock, bool reader)
{
	struct object *o = object_of(lock);

	if (!reader) {
		copy(of_object(o, RELEASE), of_thread((unsigned)x.cur));
		o->has |= 1u << RELEASE;
	} else {
		publish(o, READ_RELEASE);
		if (o->holders >> x.cur & 1)
			x.step[o->last_hold[x.cur]].release = (int16_t)x.depth;
	}
	clock_next_epoch();
}

void clock_left(const void *domain) { publish(object_of(domain), SECTION_END); }

void clock_awaits(unsigned waiter, enum wait_for what, const void *domain)
{
	struct object *o = object_of(domain);

	if (o->has >> SECTION_END & 1)
		join(of_wait(waiter, what), of_object(o, SECTION_END));
}

void clock_awaited(unsigned waiter, enum wait_for what, unsigned thread)
{
	join(of_wait(waiter, what), of_thread(thread));
}

void clock_awaits_nobody(enum wait_for what) { clear(of_wait((unsigned)x.cur, what)); }

/* --- races --------------------------------------------------------------- */

struct access {
	const struct object *o;
	int cand[3 * T_MAX + 1], cands;  /* latest steps that this one depends on */
	int edge[T_MAX + 1], edges;      /* steps that it follows but does not race with */
};

/* Of a rwsem: the steps after which some thread has it for reading. */
static bool takes_for_reading(const struct step *s)
{
	return s->kind == SYNC_RLOCK || s->kind == SYNC_DOWNGRADE ||
	       (s->kind == SYNC_TRY_RLOCK && s->found);
}

/* ... or some thread has the lock alone. */
static bool takes_alone(const struct step *s)
{
	return s->kind == SYNC_LOCK || s->kind == SYNC_WLOCK ||
	       ((s->kind == SYNC_TRYLOCK || s->kind == SYNC_TRY_WLOCK) && s->found & FOUND_FREE);
}

/*
 * What waits for a lock races with the steps that took it, before which it could have come, and
 * with those that tried it or asked, and would have let it in. It only follows those that let the
 * lock go, and those that found it taken.
 */
static void lock_find(struct access *a, const struct pending *p, const struct object *o)
{
	uint8_t free = p->kind == SYNC_RLOCK ? FOUND_NO_WRITER : FOUND_FREE;

	if (o->last_write != o->last_lock && x.step[o->last_write].found & free)
		a->cand[a->cands++] = o->last_write;
	else if (o->last_write != o->last_lock)
		a->edge[a->edges++] = o->last_write;
	if (o->last_lock >= 0)
		a->cand[a->cands++] = o->last_lock;
	if (p->kind == SYNC_RLOCK)
		return;
	for (unsigned m = o->holders; m; m &= m - 1) {
		int step = o->last_hold[__builtin_ctz(m)];

		if (x.step[step].kind != SYNC_DOWNGRADE) /* that had it alone before */
			a->cand[a->cands++] = step;
	}
	for (unsigned m = o->readers; m; m &= m - 1) {
		unsigned t = (unsigned)__builtin_ctz(m);
		int step = o->last_read[t];

		if ((o->holders >> t & 1) && step == o->last_hold[t])
			continue;
		if (kind_is_word(x.step[step].kind)) /* somebody looks at the lock's word */
			a->cand[a->cands++] = step;
		else
			a->edge[a->edges++] = step;
	}
}

static void access_find(struct access *a, const struct pending *p, const struct object *o)
{
	int last = o->last_write;

	a->o = o;
	a->cands = a->edges = 0;
	if (p->kind == SYNC_LOCK || p->kind == SYNC_RLOCK || p->kind == SYNC_WLOCK) {
		lock_find(a, p, o);
		return;
	}
	if (last >= 0)
		a->cand[a->cands++] = last;
	if (p->cls != SYNC_READ)
		for (unsigned m = o->readers; m; m &= m - 1)
			a->cand[a->cands++] = o->last_read[__builtin_ctz(m)];
	if (p->cls != SYNC_ADD)
		for (unsigned m = o->adders; m; m &= m - 1)
			a->cand[a->cands++] = o->last_add[__builtin_ctz(m)];
}

static void race_add(int i, int j)
{
	if (x.races == x.races_capacity) {
		uint32_t capacity = x.races_capacity * 2;
		struct race *race = realloc(x.race, capacity * sizeof(*race));

		if (!race) {
			x.out_of_memory = true;
			return;
		}
		x.race = race;
		x.races_capacity = capacity;
	}
	x.race[x.races++] = (struct race){ (int16_t)i, (int16_t)j, false };
}

/* A wait races with the latest change before which it could have gone on. */
static void race_of_await(int j, const struct access *a, const struct clk *clk,
			  unsigned thread, const struct pending *p)
{
	for (int i = a->o->last_change; i >= 0; i = x.step[i].prev_change) {
		const struct step *s = &x.step[i];

		if (s->thread == thread || clk->c[s->thread] >= s->idx)
			return;
		if (p->pred(x.step_old[i], p->a)) {
			race_add(i, j);
			return;
		}
	}
}

/* Races end in j if nothing but the conflict itself orders the two steps. */
static void races_find(int j, const struct access *a, const struct clk *clk,
		       unsigned thread, const struct pending *p)
{
	if (kind_awaits(p->kind)) {
		if (a->o->adders) { /* which of them it would follow is not known: see explore() */
			x.needs |= ADDS_ARE_ORDERED;
			return;
		}
		race_of_await(j, a, clk, thread, p);
		return;
	}
	for (int n = 0; n < a->cands; n++) {
		const struct step *s = &x.step[a->cand[n]];
		bool via = s->thread == thread || clk->c[s->thread] >= s->idx;

		for (int m = 0; m < a->cands && !via; m++)
			via = m != n && a->cand[m] > a->cand[n] &&
			      before(s, &x.step[a->cand[m]]);
		if (!via)
			race_add(a->cand[n], j);
	}
}

/* Step j is one of a lock: who has it now. */
static void lock_touch(struct object *o, int j, const struct step *s)
{
	if (takes_alone(s)) {
		o->last_lock = (int16_t)j;
		o->holders = 0;
	} else if (takes_for_reading(s)) {
		o->last_hold[s->thread] = (int16_t)j;
		o->holders |= (uint16_t)(1u << s->thread);
	}
}

/* The latest accesses of the object now include step j. */
void clock_touch(struct object *o, int j, const struct step *s)
{
	unsigned bit = 1u << s->thread;

	switch (s->cls) {
	case SYNC_READ:
		o->last_read[s->thread] = (int16_t)j;
		o->readers |= bit;
		break;
	case SYNC_ADD:
		o->last_add[s->thread] = (int16_t)j;
		o->adders |= bit;
		o->last_change = (int16_t)j;
		break;
	case SYNC_WRITE:
		o->last_write = o->last_change = (int16_t)j;
		o->readers = o->adders = 0;
		break;
	}
	if (kind_is_of_lock(s->kind))
		lock_touch(o, j, s);
}

/* Join what comes with acquiring: a release, the end of awaited sections. */
static void join_acquired(unsigned thread, struct object *o)
{
	const uint8_t kind = x.pend[thread].kind;

	if (kind_takes(kind)) {
		if (o->has >> RELEASE & 1)
			join(of_thread(thread), of_object(o, RELEASE));
		if ((kind == SYNC_WLOCK || kind == SYNC_TRY_WLOCK) && (o->has >> READ_RELEASE & 1))
			join(of_thread(thread), of_object(o, READ_RELEASE));
		return;
	}
	if (kind == SYNC_GUARD_WAIT)
		join(of_thread(thread), of_wait(thread, WAIT_GUARDS));
	if (kind == SYNC_RCU_WAIT || kind == SYNC_BEGIN)
		join(of_thread(thread), of_wait(thread, WAIT_RCU));
	if (kind == SYNC_BEGIN || kind == SYNC_ENDS)
		join(of_thread(thread), of_wait(thread, WAIT_ENDS));
}

static void dead_touch(int j, const struct step *s)
{
	const struct sync_site *noted = x.thread[s->thread].noted_at;
	const struct dead *d = dead_at(s->addr, s->bytes ? s->bytes : 1);

	if (d)
		touch_after(&(struct touch){ { noted ? noted : s->site, NULL }, j, s->thread,
					     false }, d);
}

/* Keep what the search scans. */
static void step_index(int j, const struct step *s, const struct object *o)
{
	x.step_thread[j] = s->thread;
	x.step_key[j] = o ? key_of(o, s->cls) : SYNC_NONE;
	for (unsigned t = 0; t < x.threads; t++)
		x.step_clk[t][j] = s->clk.c[t];
}

/* A step that no execution before had: clock and races. */
void clock_step(int j, struct step *s, unsigned thread, struct object *o)
{
	const struct pending *p = &x.pend[thread];
	struct thread *t = &x.thread[thread];
	struct access a;

	s->addr = p->addr;
	s->site = p->site;
	s->kind = p->kind;
	s->cls = p->cls;
	s->bytes = p->bytes;
	s->choices = p->choices;
	s->idx = (int16_t)(t->idx + 1);
	s->prev = t->last;
	s->prev_change = -1;
	if (p->cls) {
		access_find(&a, p, o);
		s->prev_change = o->last_change;
		races_find(j, &a, &t->clk, thread, p);
		for (int n = 0; n < a.cands; n++)
			join(of_thread(thread), of_step(a.cand[n]));
		for (int n = 0; n < a.edges; n++)
			join(of_thread(thread), of_step(a.edge[n]));
	}
	join_acquired(thread, o);
	copy(of_step(j), of_thread(thread));
	s->clk.c[thread] = t->clk.c[thread] = s->idx; /* last: a load that spans it would stall */
	next_epoch(thread);
	step_index(j, s, o);
	if (x.dead_count && p->cls)
		dead_touch(j, s);
}

/* The races of a blocked thread's pending operation, as step x.depth. */
void clock_pending(unsigned thread)
{
	const struct pending *p = &x.pend[thread];
	const struct thread *t = &x.thread[thread];
	struct step *s = &x.step[x.depth];
	const struct object *o;
	struct access a;

	*s = (struct step){ .thread = (uint8_t)thread, .kind = p->kind, .cls = p->cls,
			    .addr = p->addr, .site = p->site, .choices = 1, .release = -1,
			    .idx = (int16_t)(t->idx + 1), .prev = t->last };
	if (!p->cls)
		return;
	o = object_of(p->addr);
	step_index(x.depth, s, o);
	access_find(&a, p, o);
	races_find(x.depth, &a, &t->clk, thread, p);
}
