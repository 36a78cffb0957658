/* SPDX-License-Identifier: MIT */
/*
 * run.c - one execution of a check: restores the state that set-up left, runs
 * the threads as fibers along the schedule that search.c dictates and beyond
 * it, and keeps, for each step, its vector clock and the races that end in it.
 * The checked door (sync_checked.h) is implemented here.
 *
 * Steps that an earlier execution has run already (all but the last of the
 * dictated ones) keep their clocks and races: only the objects' last accesses
 * are brought up to date for them.
 */
#define _GNU_SOURCE
#include "explore/engine.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct engine x;
bool sync_recording;

static const uint8_t class_of[] = {
#define X(e, cls, ...) cls,
	SYNC_KINDS(X)
#undef X
};
static const bool may_block[] = {
#define X(e, cls, block, ...) block,
	SYNC_KINDS(X)
#undef X
};
static const char *const kind_name[] = {
#define X(e, cls, block, name) name,
	SYNC_KINDS(X)
#undef X
};

/* --- failing ------------------------------------------------------------- */

const char *engine_thread_name(unsigned thread, char buf[8])
{
	if (thread >= x.threads)
		return "set-up";
	if (x.check->thread_name)
		return x.check->thread_name[thread];
	snprintf(buf, 8, "T%u", thread % 100);
	return buf;
}

static void fail_v(enum explore_oracle oracle, int first, int then, int target,
		   const char *fmt, va_list args)
{
	struct fail *f = &x.fail[x.fails];

	if (x.fails == FAILS_MAX) {
		x.fails_dropped++;
		return;
	}
	*f = (struct fail){ .oracle = oracle, .first = (int16_t)first, .then = (int16_t)then,
			    .target = (int16_t)target };
	vsnprintf(f->text, sizeof(f->text), fmt, args);
	for (unsigned i = 0; i < x.fails; i++)
		if (x.fail[i].oracle == oracle && !strcmp(x.fail[i].text, f->text))
			return;
	x.fails++;
}

void engine_fail(enum explore_oracle oracle, int first, int then, int target,
		 const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fail_v(oracle, first, then, target, fmt, args);
	va_end(args);
}

void explore_fail(enum explore_oracle oracle, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fail_v(oracle, -1, -1, -1, fmt, args);
	va_end(args);
}

void explore_fail_if_reordered(enum explore_oracle oracle, unsigned first, unsigned then,
			       const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fail_v(oracle, (int)first, (int)then, (int)then, fmt, args);
	va_end(args);
}

/* The execution cannot go on. */
static _Noreturn void give_up(void)
{
	x.aborted = true;
	if (x.cur >= 0) {
		fiber_switch(&x.fiber[x.cur], &x.main);
		abort(); /* nobody switches back to a given-up fiber */
	}
	longjmp(*x.bail, 1);
}

_Noreturn void base_assert_failed(const char *expr, const char *file, int line)
{
	const char *base = strrchr(file, '/');

	if (!x.bail) {
		fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, expr);
		abort();
	}
	engine_fail(ORACLE_ASSERTION, -1, -1, x.cur >= 0 ? x.depth : -1, "%s:%d: %s",
		    base ? base + 1 : file, line, expr);
	give_up();
}

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

/* --- objects ------------------------------------------------------------- */

static void objects_forget(void)
{
	x.objects = 0;
	if (++x.stamp == 0) {
		memset(x.slot, 0, (x.slots_mask + 1) * sizeof(*x.slot));
		x.stamp = 1;
	}
}

static uint32_t slot_of(const void *addr)
{
	return (uint32_t)(((uintptr_t)addr >> 2) * 0x9E3779B97F4A7C15u >> 40);
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
		give_up();
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

static struct object *object_of(const void *addr)
{
	uint32_t s = slot_of(addr) & x.slots_mask;
	struct object *o;

	for (; x.slot[s].stamp == x.stamp; s = (s + 1) & x.slots_mask)
		if (x.object[x.slot[s].index].addr == addr)
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
	o->readers = o->adders = 0;
	o->has_release = o->has_read_release = o->has_guard_end = false;
	return o;
}

static int16_t key_of(const struct object *o, uint8_t cls)
{
	return (int16_t)(4 * (o - x.object) + cls);
}

int16_t engine_key(const void *addr, uint8_t cls) { return key_of(object_of(addr), cls); }

/* --- clocks and races ---------------------------------------------------- */

struct access {
	const struct object *o;
	int cand[2 * T_MAX + 1], cands;  /* latest steps that this one depends on */
	int edge;                        /* a step that it follows but does not race with */
};

static void access_find(struct access *a, const struct pending *p, const struct object *o)
{
	int last = o->last_write;

	a->o = o;
	a->cands = 0;
	a->edge = -1;
	if (p->kind == SYNC_LOCK && last != o->last_lock) { /* an unlock, or a vain trylock */
		a->edge = last;
		last = o->last_lock;
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

/* A wait races with the latest change before which it could have gone on. */
static void race_of_await(int j, const struct access *a, const struct clk *clk,
			  unsigned thread, const struct pending *p)
{
	for (int i = a->o->last_change; i >= 0; i = x.step[i].prev_change) {
		const struct step *s = &x.step[i];

		if (s->thread == thread || clk->c[s->thread] >= s->idx)
			return;
		if (p->pred(s->old, p->arg)) {
			search_race_add(i, j);
			return;
		}
	}
}

/* Races end in j if nothing but the conflict itself orders the two steps. */
static void races_find(int j, const struct access *a, const struct clk *clk,
		       unsigned thread, const struct pending *p)
{
	if (p->kind == SYNC_AWAIT) {
		ASSERT(!a->o->adders); /* sync.h: not on a word that may be waited for */
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
			search_race_add(a->cand[n], j);
	}
}

/* The latest accesses of the object now include step j. */
static void object_touch(struct object *o, int j, const struct step *s)
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
		if (s->kind == SYNC_LOCK ||
		    (s->kind == SYNC_TRYLOCK && ((const mutex_t *)s->addr)->owner == 0))
			o->last_lock = (int16_t)j;
		break;
	}
}

/* Join what comes with acquiring: a release, the end of awaited sections. */
static void join_acquired(struct clk *clk, const struct pending *p, const struct thread *t,
			  const struct object *o)
{
	switch (p->kind) {
	case SYNC_LOCK:
	case SYNC_TRYLOCK:
	case SYNC_RLOCK:
	case SYNC_WLOCK:
		if (o->has_release)
			clk_join(clk, &o->release);
		if (p->kind == SYNC_WLOCK && o->has_read_release)
			clk_join(clk, &o->read_release);
		break;
	case SYNC_GUARD_WAIT:
		clk_join(clk, &t->guard_wait.ends);
		break;
	case SYNC_RCU_WAIT:
		clk_join(clk, &t->rcu_wait.ends);
		break;
	default:
		break;
	}
}

static void dead_touch(int j, const struct step *s)
{
	const char *p = s->addr;
	char a[8], b[8];

	for (size_t n = x.dead_count; n-- > 0;) {
		const struct dead *d = &x.dead[n];

		if (p < d->lo || p >= d->hi)
			continue;
		engine_fail(ORACLE_LIFETIME, d->step, j, j, "%s touches (%s) what %s has freed (%s)",
			    engine_thread_name(s->thread, a), s->site->function,
			    engine_thread_name(d->thread, b), d->site->function);
		return;
	}
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
static void step_fresh(int j, struct step *s, unsigned thread, const struct object *o)
{
	const struct pending *p = &x.pend[thread];
	struct thread *t = &x.thread[thread];
	struct access a;

	s->addr = p->addr;
	s->site = p->site;
	s->kind = p->kind;
	s->cls = p->cls;
	s->idx = (int16_t)(t->idx + 1);
	s->prev = t->last;
	s->prev_change = -1;
	s->races = x.races;
	if (p->cls) {
		access_find(&a, p, o);
		s->prev_change = o->last_change;
		races_find(j, &a, &t->clk, thread, p);
		for (int n = 0; n < a.cands; n++)
			clk_join(&t->clk, &x.step[a.cand[n]].clk);
		if (a.edge >= 0)
			clk_join(&t->clk, &x.step[a.edge].clk);
	}
	join_acquired(&t->clk, p, t, o);
	t->clk.c[thread] = s->idx;
	s->clk = t->clk;
	step_index(j, s, o);
	if (x.dead_count && p->cls)
		dead_touch(j, s);
}

/* The races of a blocked thread's pending operation, as step x.depth. */
void engine_pending_races(unsigned thread)
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

/* --- fibers and operations ----------------------------------------------- */

static bool step_begin(void);
static void step_end(void);

/*
 * Give way at a visible operation. The thread that stops does the scheduling,
 * so that going on with the same thread needs no switch, and another thread
 * only one; the explorer's own stack is returned to at the end of the run.
 */
static void yield(void)
{
	struct fiber *me = &x.fiber[x.cur];

	if (x.starting) {
		fiber_switch(me, &x.main);
		return;
	}
	step_end();
	if (!step_begin())
		fiber_switch(me, &x.main);
	else if (&x.fiber[x.cur] != me)
		fiber_switch(me, &x.fiber[x.cur]);
}

static void thread_main(void *arg)
{
	unsigned me = (unsigned)(uintptr_t)arg;
	struct thread *t = &x.thread[me];
	char name[8];

	x.check->thread(x.arena, me, x.check->arg);
	if (t->held_count)
		engine_fail(ORACLE_LOCK_HELD, -1, -1, t->last, "%s ended with the lock held that it took in %s",
			    engine_thread_name(me, name), t->held[0].site->function);
	else if (t->guard || t->rcu)
		engine_fail(ORACLE_LOCK_HELD, -1, -1, t->last, "%s ended inside a read section",
			    engine_thread_name(me, name));
	x.alive &= (uint16_t)~(1u << me);
	yield();
	abort(); /* nobody switches to a thread that has ended */
}

static bool can_go(const struct pending *p, const struct thread *t)
{
	const rwsem_t *sem = p->addr;

	switch (p->kind) {
	case SYNC_LOCK:
		return *(const uint32_t *)p->addr == 0;
	case SYNC_RLOCK:
		return sem->owner == 0;
	case SYNC_WLOCK:
		return sem->owner == 0 && sem->readers == 0;
	case SYNC_RCU_WAIT:
		return t->rcu_wait.open == 0;
	case SYNC_GUARD_WAIT:
		return t->guard_wait.open == 0;
	case SYNC_AWAIT:
		return p->pred(((const atomic_u64 *)p->addr)->v, p->arg);
	default:
		return true;
	}
}

bool engine_enabled(unsigned thread)
{
	return can_go(&x.pend[thread], &x.thread[thread]);
}

static void visible_outside(const struct pending *p)
{
	static const struct thread nobody;

	if (can_go(p, &nobody))
		return;
	engine_fail(ORACLE_DEADLOCK, -1, -1, -1, "%s would wait for ever outside the threads",
		    p->site->function);
	give_up();
}

/* Announce x.pend[x.cur], filled but for the kind, and wait to be chosen. */
static inline void announce(struct pending *p, enum sync_kind kind, const void *object,
			    const struct sync_site *site)
{
	unsigned bit = 1u << x.cur;

	p->addr = object;
	p->site = site;
	p->kind = (uint8_t)kind;
	p->cls = class_of[kind];
	if (may_block[kind])
		x.blockable |= (uint16_t)bit;
	else
		x.blockable &= (uint16_t)~bit;
	yield();
}

void sync_visible(enum sync_kind kind, const void *object, const struct sync_site *site)
{
	if (x.cur < 0) {
		const struct pending p = { .addr = object, .site = site, .kind = (uint8_t)kind };

		if (may_block[kind])
			visible_outside(&p);
		return;
	}
	x.pend[x.cur].choices = 1;
	announce(&x.pend[x.cur], kind, object, site);
}

unsigned sync_choose_(unsigned n, const struct sync_site *site)
{
	if (x.cur < 0 || n < 2)
		return 0;
	ASSERT(n <= 255);
	x.pend[x.cur].choices = (uint8_t)n;
	announce(&x.pend[x.cur], SYNC_CHOOSE, NULL, site);
	return x.step[x.depth].choice;
}

void sync_await_(const atomic_u64 *w, bool (*pred)(uint64_t, uint64_t), uint64_t arg,
		 const struct sync_site *site)
{
	struct pending outside = { .addr = w, .site = site, .kind = SYNC_AWAIT };
	struct pending *p = x.cur < 0 ? &outside : &x.pend[x.cur];

	sync_might_sleep_(site);
	p->pred = pred;
	p->arg = arg;
	p->choices = 1;
	if (x.cur < 0)
		visible_outside(p);
	else
		announce(p, SYNC_AWAIT, w, site);
}

uint32_t sync_self(void) { return (uint32_t)(x.cur >= 0 ? x.cur : SETUP) + 1; }

/* --- locks --------------------------------------------------------------- */

static const char *site_name(const struct sync_site *site) { return site->function; }

void sync_might_sleep_(const struct sync_site *site)
{
	const struct thread *t = &x.thread[x.cur < 0 ? 0 : x.cur];
	char name[8];

	if (x.cur < 0 || (!t->spins && !t->guard && !t->rcu))
		return;
	engine_fail(ORACLE_ATOMIC, -1, -1, x.depth, "%s may sleep in %s %s",
		    engine_thread_name((unsigned)x.cur, name), site_name(site),
		    t->spins ? "with a spin lock held" : "inside a read section");
}

void sync_locked(void *lock, uint32_t rank, enum sync_hold hold, const struct sync_site *site)
{
	struct thread *t = &x.thread[x.cur < 0 ? 0 : x.cur];
	char name[8];

	if (x.cur < 0)
		return;
	if (hold == SYNC_SLEEPS)
		sync_might_sleep_(site);
	for (unsigned i = 0; i < t->held_count; i++) {
		const struct held *h = &t->held[i];

		if (hold == SYNC_TRIED || h->rank < rank || (h->rank == rank && h->lock < lock))
			continue;
		engine_fail(ORACLE_LOCK_ORDER, -1, -1, x.depth, "%s takes %s lock in %s that it holds from %s",
			    engine_thread_name((unsigned)x.cur, name),
			    h->lock == lock ? "again the" : "out of order a", site_name(site),
			    site_name(h->site));
	}
	ASSERT(t->held_count < HELD_MAX);
	t->held[t->held_count++] = (struct held){ lock, site, rank, hold == SYNC_SPINS };
	t->spins += hold == SYNC_SPINS;
}

void sync_unlocked(void *lock, const struct sync_site *site)
{
	struct thread *t = &x.thread[x.cur < 0 ? 0 : x.cur];
	char name[8];

	if (x.cur < 0)
		return;
	for (unsigned i = t->held_count; i-- > 0;) {
		if (t->held[i].lock != lock)
			continue;
		t->spins -= t->held[i].spins;
		t->held[i] = t->held[--t->held_count];
		return;
	}
	engine_fail(ORACLE_LOCK_ORDER, -1, -1, x.depth, "%s drops in %s a lock that it does not hold",
		    engine_thread_name((unsigned)x.cur, name), site_name(site));
	give_up();
}

/* An unlock that is no operation of its own: whoever takes the lock next is
 * ordered after this thread's steps so far. */
void sync_lock_released(void *lock, bool reader)
{
	struct thread *t;
	struct object *o;

	if (x.cur < 0)
		return;
	t = &x.thread[x.cur];
	o = object_of(lock);
	if (!reader) {
		o->release = t->clk;
		o->has_release = true;
		return;
	}
	if (o->has_read_release)
		clk_join(&o->read_release, &t->clk);
	else
		o->read_release = t->clk;
	o->has_read_release = true;
	if (o->readers >> x.cur & 1)
		x.step[o->last_read[x.cur]].release = (int16_t)x.depth;
}

void sync_assert_held_(const void *lock, const struct sync_site *site)
{
	const struct thread *t = &x.thread[x.cur < 0 ? 0 : x.cur];
	char name[8];

	if (x.cur < 0)
		return;
	for (unsigned i = 0; i < t->held_count; i++)
		if (t->held[i].lock == lock)
			return;
	engine_fail(ORACLE_LOCK_ORDER, -1, -1, x.depth, "%s is in %s without the lock",
		    engine_thread_name((unsigned)x.cur, name), site_name(site));
}

/* --- read sections ------------------------------------------------------- */

static const char rcu_domain;

/* @thread has left a section: whoever waited for it is ordered after it. */
static void section_left(struct wait_set *(*of)(struct thread *), unsigned thread)
{
	for (unsigned q = 0; q < x.threads; q++) {
		struct wait_set *w = of(&x.thread[q]);

		if (!(w->open >> thread & 1))
			continue;
		w->open &= (uint16_t)~(1u << thread);
		clk_join(&w->ends, &x.thread[thread].clk);
	}
}

static struct wait_set *guard_wait_of(struct thread *t) { return &t->guard_wait; }
static struct wait_set *rcu_wait_of(struct thread *t) { return &t->rcu_wait; }

void sync_rcu_lock_(const struct sync_site *site)
{
	if (x.cur < 0)
		return;
	if (x.thread[x.cur].rcu == 0)
		sync_visible(SYNC_RCU_BEGIN, &rcu_domain, site);
	x.thread[x.cur].rcu++;
}

void sync_rcu_unlock_(const struct sync_site *site)
{
	struct thread *t;
	struct object *o;

	(void)site;
	if (x.cur < 0)
		return;
	t = &x.thread[x.cur];
	ASSERT(t->rcu > 0);
	if (--t->rcu)
		return;
	section_left(rcu_wait_of, (unsigned)x.cur);
	o = object_of(&rcu_domain);
	if (o->has_guard_end)
		clk_join(&o->guard_end, &t->clk);
	else
		o->guard_end = t->clk;
	o->has_guard_end = true;
}

void sync_rcu_synchronize_(const struct sync_site *site)
{
	struct thread *t;
	const struct object *o;

	sync_might_sleep_(site);
	if (x.cur < 0)
		return;
	sync_visible(SYNC_RCU_SYNC, &rcu_domain, site);
	t = &x.thread[x.cur];
	t->rcu_wait = (struct wait_set){ 0 };
	for (unsigned q = 0; q < x.threads; q++)
		if (x.thread[q].rcu && (int)q != x.cur)
			t->rcu_wait.open |= (uint16_t)(1u << q);
	o = object_of(&rcu_domain);
	if (o->has_guard_end)
		t->rcu_wait.ends = o->guard_end;
	sync_visible(SYNC_RCU_WAIT, &rcu_domain, site);
}

void sync_guard_enter_(const struct sync_site *site)
{
	struct thread *t;

	(void)site;
	if (x.cur < 0)
		return;
	t = &x.thread[x.cur];
	ASSERT(!t->guard);
	t->guard = true;
	t->guard_words = 0;
}

void sync_guard_loaded_(const atomic_u64 *w)
{
	struct thread *t;

	if (x.cur < 0)
		return;
	t = &x.thread[x.cur];
	ASSERT(t->guard);
	for (unsigned i = 0; i < t->guard_words; i++)
		if (t->guard_word[i] == w)
			return;
	ASSERT(t->guard_words < GUARD_WORDS_MAX);
	t->guard_word[t->guard_words++] = w;
}

void sync_guard_leave_(const struct sync_site *site)
{
	struct thread *t;

	(void)site;
	if (x.cur < 0)
		return;
	t = &x.thread[x.cur];
	ASSERT(t->guard);
	t->guard = false;
	section_left(guard_wait_of, (unsigned)x.cur);
	for (unsigned i = 0; i < t->guard_words; i++) {
		struct object *o = object_of(t->guard_word[i]);

		if (o->has_guard_end)
			clk_join(&o->guard_end, &t->clk);
		else
			o->guard_end = t->clk;
		o->has_guard_end = true;
	}
}

void sync_guard_mark_(const atomic_u64 *w)
{
	struct thread *t;
	const struct object *o;

	if (x.cur < 0)
		return;
	t = &x.thread[x.cur];
	ASSERT(!t->guard);
	for (unsigned q = 0; q < x.threads; q++)
		for (unsigned i = 0; x.thread[q].guard && i < x.thread[q].guard_words; i++)
			if (x.thread[q].guard_word[i] == w)
				t->guard_wait.open |= (uint16_t)(1u << q);
	o = object_of(w);
	if (o->has_guard_end)
		clk_join(&t->guard_wait.ends, &o->guard_end);
}

void sync_guard_wait_(const struct sync_site *site)
{
	if (x.cur < 0)
		return;
	sync_visible(SYNC_GUARD_WAIT, NULL, site);
	x.thread[x.cur].guard_wait = (struct wait_set){ 0 };
}

/* --- memory -------------------------------------------------------------- */

enum { BLOCK_LIVE = 0x4c495645, BLOCK_FREED = 0x46524545 };

struct block { size_t size; const struct sync_site *site; uint32_t state, owner, pad[2]; };

static void dead_add(void *p, size_t size, const struct sync_site *site)
{
	if (x.dead_count == x.dead_capacity) {
		size_t capacity = x.dead_capacity ? 2 * x.dead_capacity : 64;
		struct dead *d = realloc(x.dead, capacity * sizeof(*d));

		if (!d) {
			x.out_of_memory = true;
			give_up();
		}
		x.dead = d;
		x.dead_capacity = capacity;
	}
	x.dead[x.dead_count++] = (struct dead){
		(char *)p, (char *)p + size, x.cur < 0 ? (int16_t)-1 : x.thread[x.cur].last,
		(uint8_t)(x.cur < 0 ? SETUP : x.cur), site };
}

/* Who touched the range without being ordered before this moment could as
 * well touch it later. */
static void touched_before(const char *lo, const char *hi, const struct sync_site *site)
{
	char a[8], b[8];

	for (int j = 0; j < x.depth; j++) {
		const struct step *s = &x.step[j];
		const char *p = s->addr;

		if (p < lo || p >= hi || !s->cls || s->thread == x.cur ||
		    before(s, &x.step[x.depth]))
			continue;
		engine_fail(ORACLE_LIFETIME, x.depth, j, j, "%s touches (%s) what %s has freed (%s)",
			    engine_thread_name(s->thread, a), s->site->function,
			    engine_thread_name((unsigned)x.cur, b), site->function);
	}
}

void sync_range_dead_(void *p, size_t size, const struct sync_site *site)
{
	dead_add(p, size, site);
	if (x.cur >= 0 && x.depth >= x.replay - 1)
		touched_before(p, (char *)p + size, site);
}

void sync_range_live_(void *p, size_t size)
{
	const char *lo = p, *hi = lo + size;
	size_t kept = 0;

	for (size_t i = 0; i < x.dead_count; i++)
		if (x.dead[i].hi <= lo || x.dead[i].lo >= hi)
			x.dead[kept++] = x.dead[i];
	x.dead_count = kept;
}

void *sync_alloc_(size_t size, const struct sync_site *site)
{
	char *base = x.arena;
	size_t *used = &x.arena_used, limit = ARENA_SETUP;
	struct block *b;

	if (x.cur >= 0) {
		if (x.opt.failing_allocations && sync_choose_(2, site))
			return NULL;
		used = &x.thread[x.cur].arena_used;
		base += ARENA_SETUP + (size_t)x.cur * ARENA_THREAD;
		limit = ARENA_THREAD;
	}
	size = (size + 31) & ~(size_t)31;
	if (size > limit || *used + size + sizeof(*b) > limit)
		return NULL;
	b = (struct block *)(void *)(base + *used);
	*used += size + sizeof(*b);
	*b = (struct block){ .size = size, .site = site, .state = BLOCK_LIVE };
	memset(b + 1, 0, size);
	x.alloc_live++;
	return b + 1;
}

void sync_free_(void *p, const struct sync_site *site)
{
	struct block *b = p ? (struct block *)p - 1 : NULL;

	if (!b)
		return;
	if (b->state != BLOCK_LIVE) {
		engine_fail(ORACLE_LIFETIME, -1, -1, x.cur >= 0 ? x.depth : -1,
			    b->state == BLOCK_FREED ? "freed twice, the second time in %s" :
			    "%s frees what was not allocated", site->function);
		give_up();
	}
	b->state = BLOCK_FREED;
	x.alloc_live--;
	sync_range_dead_(p, b->size, site);
}

uint64_t sync_alloc_live(void) { return x.alloc_live; }

/* Set-up and end share the first half of a pool's numbers. */
uint32_t sync_pool_slice(uint32_t size, uint32_t *ret_end)
{
	uint32_t half = size / 2, each = (size - half) / (x.threads ? x.threads : 1);

	if (x.cur < 0) {
		*ret_end = half;
		return 0;
	}
	*ret_end = half + each * (uint32_t)(x.cur + 1);
	return half + each * (uint32_t)x.cur;
}

static const struct block *leaked_in(const char *base, size_t used, size_t at)
{
	while (at < used) {
		const struct block *b = (const struct block *)(const void *)(base + at);

		if (b->state == BLOCK_LIVE)
			return b;
		at += sizeof(*b) + b->size;
	}
	return NULL;
}

static void leaks_report(void)
{
	size_t state = (x.check->state_size + 63) & ~(size_t)63;
	const struct block *b = leaked_in(x.arena, x.arena_used, state);

	for (unsigned t = 0; t < x.threads && !b; t++)
		b = leaked_in(x.arena + ARENA_SETUP + t * (size_t)ARENA_THREAD,
			      x.thread[t].arena_used, 0);
	if (b)
		engine_fail(ORACLE_LEAK, -1, -1, -1, "%zu bytes that %s allocated are never freed",
			    b->size, b->site->function);
}

/* --- recording ----------------------------------------------------------- */

static struct explore_event *event_add(void)
{
	struct explore_trace *t = x.trace;

	if (t->count == t->capacity) {
		size_t capacity = t->capacity ? 2 * t->capacity : 128;
		struct explore_event *e = realloc(t->event, capacity * sizeof(*e));

		if (!e) {
			x.out_of_memory = true;
			return NULL;
		}
		t->event = e;
		t->capacity = capacity;
	}
	t->event[t->count] = (struct explore_event){ .step = (unsigned)x.depth };
	return &t->event[t->count++];
}

void sync_note_(const struct sync_site *site, const char *fmt, ...)
{
	struct explore_event *e = x.cur >= 0 ? event_add() : NULL;
	va_list args;

	if (!e)
		return;
	e->thread = (unsigned)x.cur;
	e->note = true;
	e->file = site->file;
	e->function = site->function;
	e->line = site->line;
	va_start(args, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, args);
	va_end(args);
}

static size_t record_step(unsigned thread)
{
	const struct step *s = &x.step[x.depth];
	struct explore_event *e = event_add();

	if (!e)
		return SIZE_MAX;
	e->thread = thread;
	e->kind = kind_name[s->kind];
	e->object = s->addr;
	e->file = s->site->file;
	e->function = s->site->function;
	e->line = s->site->line;
	return x.trace->count - 1;
}

/* --- one execution ------------------------------------------------------- */

static bool is_word(uint8_t kind)
{
	return kind <= SYNC_INC || kind == SYNC_AWAIT;
}

static void restore(void)
{
	memcpy(x.arena, x.snapshot, x.snapshot_used);
	x.arena_used = x.snapshot_used;
	x.alloc_live = x.snapshot_live;
	x.dead_count = x.snapshot_dead;
	objects_forget();
	x.fails = 0;
	x.aborted = false;
	x.depth = 0;
	x.sleep = 0;
	x.alive = (uint16_t)((1u << x.threads) - 1);
	x.blockable = 0;
	for (unsigned t = 0; t < x.threads; t++) {
		struct thread *p = &x.thread[t];

		memset(&p->clk, 0, sizeof(p->clk));
		p->idx = 0;
		p->last = -1;
		p->held_count = p->spins = p->rcu = 0;
		p->guard = false;
		p->guard_wait = p->rcu_wait = (struct wait_set){ 0 };
		p->arena_used = 0;
		fiber_arm(&x.fiber[t], thread_main, (void *)(uintptr_t)t);
	}
}

static uint16_t enabled_threads(void)
{
	uint16_t enabled = x.alive & (uint16_t)~x.blockable;

	for (unsigned m = x.alive & x.blockable; m; m &= m - 1)
		if (engine_enabled((unsigned)__builtin_ctz(m)))
			enabled |= (uint16_t)(1u << __builtin_ctz(m));
	return enabled;
}

/* The thread of a step that nobody has dictated: stay with the last one. */
static int thread_free(uint16_t candidates)
{
	int last = x.depth ? x.step[x.depth - 1].thread : 0;

	return candidates >> last & 1 ? last : __builtin_ctz(candidates);
}

/* Fill step[depth].thread and .choice. Returns -1, or how the run ends. */
static int choose(uint16_t sleep, uint32_t *tree)
{
	struct step *s = &x.step[x.depth];
	uint16_t enabled;

	if (x.depth < x.replay)
		return -1;
	s->sleep = sleep;
	s->choice = s->first_choice = 0;
	s->tree = 0;
	if (*tree) {
		const struct node *n = &x.node[*tree];

		if (engine_enabled(n->thread) && (x.alive >> n->thread & 1)) {
			s->thread = n->thread;
			s->choice = s->first_choice = n->choice;
			s->tree = n->sibling;
			*tree = search_node_take(*tree);
			return -1;
		}
		x.result->abandoned++; /* the plan cannot be followed: go on freely */
		while (*tree) {
			uint32_t next = x.node[*tree].sibling;

			for (uint32_t c = search_node_take(*tree); c; c = search_node_take(c))
				;
			*tree = next;
		}
	}
	enabled = enabled_threads();
	if (!enabled)
		return RUN_DEADLOCK;
	if (x.depth < x.forced_count && x.forced[x.depth]) {
		s->thread = (uint8_t)(x.forced[x.depth] - 1);
		s->choice = x.forced_choice[x.depth];
		return (enabled >> s->thread & 1) && s->choice < x.pend[s->thread].choices ?
			-1 : RUN_ABORTED;
	}
	if (!(enabled & ~sleep))
		return RUN_ASLEEP;
	s->thread = (uint8_t)thread_free(enabled & (uint16_t)~sleep);
	s->enabled = enabled;
	s->done = (uint16_t)(1u << s->thread);
	return -1;
}

static uint16_t still_asleep(uint16_t sleep, const struct step *s)
{
	uint16_t next = 0;

	for (unsigned m = sleep & ~(1u << s->thread); m; m &= m - 1) {
		unsigned q = (unsigned)__builtin_ctz(m);

		if (!dependent(x.pend[q].cls, x.pend[q].addr, s->cls, s->addr))
			next |= (uint16_t)(1u << q);
	}
	return next;
}

/* Step[depth], whose thread is known, is about to run. False: it must not. */
static bool step_account(void)
{
	struct step *s = &x.step[x.depth];
	unsigned thread = s->thread;
	const struct pending *p = &x.pend[thread];
	struct thread *t = &x.thread[thread];
	struct object *o = p->cls ? object_of(p->addr) : NULL;

	ASSERT((x.alive >> thread & 1) && engine_enabled(thread));
	s->choices = p->choices;
	if (x.depth >= x.replay - 1) {
		step_fresh(x.depth, s, thread, o);
	} else {
		if (s->kind != p->kind || s->addr != p->addr) {
			char name[8];

			engine_fail(ORACLE_DETERMINISM, -1, -1, -1, "%s did %s in %s, and %s in %s before",
				    engine_thread_name(thread, name), kind_name[p->kind],
				    p->site->function, kind_name[s->kind], s->site->function);
			return false;
		}
		t->clk = s->clk;
	}
	s->release = -1;
	t->idx = s->idx;
	t->last = (int16_t)x.depth;
	if (o)
		object_touch(o, x.depth, s);
	if (is_word(s->kind))
		s->old = ((const atomic_u64 *)s->addr)->v;
	if (x.trace)
		x.event = record_step(thread);
	return true;
}

/* Choose the next step; x.cur is then to run. False: the run is over, x.end says how. */
static bool step_begin(void)
{
	struct step *s = &x.step[x.depth];
	int end;

	x.end = RUN_COMPLETE;
	if (!x.alive)
		return false;
	x.end = RUN_ABORTED;
	if ((unsigned)x.depth == x.steps_max) {
		engine_fail(ORACLE_STEPS, -1, -1, -1, "an execution takes more than %u steps",
			    x.steps_max);
		return false;
	}
	end = choose(x.sleep, &x.plan);
	if (end >= 0) {
		x.end = (enum run_end)end;
		return false;
	}
	if (x.depth >= x.replay - 1) {
		/* The thread's pending operation is the step's: find who wakes. */
		s->cls = x.pend[s->thread].cls;
		s->addr = x.pend[s->thread].addr;
		x.sleep = still_asleep(s->sleep, s);
	}
	if (!step_account())
		return false;
	x.cur = s->thread;
	return true;
}

static void step_end(void)
{
	const struct step *s = &x.step[x.depth];

	if (x.trace && x.event != SIZE_MAX && is_word(s->kind))
		x.trace->event[x.event].value = ((const atomic_u64 *)s->addr)->v;
	x.depth++;
}

static void deadlock_report(void)
{
	char text[160] = "", name[8];
	size_t n = 0;

	for (unsigned t = 0; t < x.threads; t++) {
		if (!(x.alive >> t & 1) || n >= sizeof(text))
			continue;
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s waits for ever (%s) in %s",
				      n ? ", " : "", engine_thread_name(t, name),
				      kind_name[x.pend[t].kind], x.pend[t].site->function);
	}
	engine_fail(ORACLE_DEADLOCK, -1, -1, -1, "%s", text);
}

static void finish(void)
{
	jmp_buf bail;

	x.bail = &bail;
	x.depth--; /* explore_step() is the last step */
	if (!setjmp(bail)) {
		if (x.check->finish) {
			x.check->finish(x.arena, x.check->arg);
			if (x.alloc_live)
				leaks_report();
		}
	}
	x.depth++;
}

enum run_end engine_run(void)
{
	enum run_end end;
	jmp_buf bail;

	restore();
	x.bail = &bail;
	if (setjmp(bail)) {
		x.cur = -1;
		return RUN_ABORTED;
	}
	x.starting = true;
	for (unsigned t = 0; t < x.threads && !x.aborted; t++) {
		x.cur = (int)t; /* as far as its first operation */
		fiber_switch(&x.main, &x.fiber[t]);
	}
	x.starting = false;
	x.cur = -1;
	end = RUN_ABORTED;
	if (!x.aborted) {
		if (step_begin())
			fiber_switch(&x.main, &x.fiber[x.cur]);
		x.cur = -1;
		x.depth += x.aborted; /* the step in which it happened counts */
		end = x.end;
	}
	x.result->steps += (uint64_t)x.depth;
	if (end == RUN_COMPLETE && !x.aborted)
		finish();
	else if (end == RUN_DEADLOCK)
		deadlock_report();
	return x.aborted ? RUN_ABORTED : end;
}

/* --- opening and closing ------------------------------------------------- */

static int setup(void)
{
	size_t state = (x.check->state_size + 63) & ~(size_t)63;
	jmp_buf bail;

	x.cur = -1;
	x.depth = -1;
	x.bail = &bail;
	x.arena_used = state;
	if (setjmp(bail) == 0) {
		if (x.check->setup)
			x.check->setup(x.arena, x.check->arg);
	} else {
		finding_collect();
		return -ECANCELED;
	}
	x.snapshot_used = x.arena_used;
	x.snapshot_live = x.alloc_live;
	x.snapshot_dead = x.dead_count;
	x.snapshot = malloc(x.snapshot_used + 1);
	if (!x.snapshot)
		return -ENOMEM;
	memcpy(x.snapshot, x.arena, x.snapshot_used);
	return 0;
}

/* The arrays that the search scans, in one block. */
static bool scanned_alloc(size_t n)
{
	char *p = calloc(n, 2 + 2 * T_MAX + 1);

	if (!p)
		return false;
	x.step_key = (int16_t *)(void *)p;
	for (unsigned t = 0; t < T_MAX; t++)
		x.step_clk[t] = x.step_key + (1 + t) * n;
	x.step_thread = (uint8_t *)p + (2 + 2 * T_MAX) * n;
	return true;
}

int engine_open(const struct explore_check *check, const struct explore_options *options,
		struct explore_result *result)
{
	size_t arena = ARENA_SETUP + (size_t)check->threads * ARENA_THREAD;

	memset(&x, 0, sizeof(x));
	x.check = check;
	x.opt = *options;
	x.threads = check->threads;
	x.result = result;
	x.steps_max = options->steps_max ? options->steps_max : STEPS_DEFAULT;
	x.plans_max = options->plans_max ? options->plans_max : PLANS_DEFAULT;
	x.objects_capacity = 256;
	x.slots_mask = 4 * x.objects_capacity - 1;
	x.races_capacity = x.nodes_capacity = 256;
	x.nodes = 1;
	x.step = calloc(x.steps_max + 2, sizeof(*x.step));
	if (!scanned_alloc(x.steps_max + 2))
		return -ENOMEM;
	x.object = malloc(x.objects_capacity * sizeof(*x.object));
	x.slot = calloc(x.slots_mask + 1, sizeof(*x.slot));
	x.race = malloc(x.races_capacity * sizeof(*x.race));
	x.node = malloc(x.nodes_capacity * sizeof(*x.node));
	x.arena = mmap(NULL, arena, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (x.arena == MAP_FAILED)
		x.arena = NULL;
	if (!x.step || !x.object || !x.slot || !x.race || !x.node || !x.arena)
		return -ENOMEM;
	for (unsigned t = 0; t < x.threads; t++)
		if (fiber_create(&x.fiber[t], STACK_BYTES))
			return -ENOMEM;
	objects_forget();
	return setup();
}

void engine_close(void)
{
	for (unsigned t = 0; t < x.threads; t++)
		fiber_destroy(&x.fiber[t]);
	if (x.arena)
		munmap(x.arena, ARENA_SETUP + (size_t)x.threads * ARENA_THREAD);
	free(x.snapshot);
	free(x.step);
	free(x.step_key);
	free(x.object);
	free(x.slot);
	free(x.race);
	free(x.node);
	free(x.dead);
	free(x.class_hash);
	memset(&x, 0, sizeof(x));
}
