/* SPDX-License-Identifier: MIT */
/*
 * door.c - the checked door (sync_checked.h): operations are announced and then
 * performed when run.c says so; locks and read sections are watched as they
 * are used, and what is done wrong with them is reported.
 */
#include "explore/engine.h"

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

static void visible_outside(const struct pending *p)
{
	static const struct thread nobody;

	if (engine_can_go(p, &nobody))
		return;
	engine_fail(ORACLE_DEADLOCK, -1, -1, -1, "%s would wait for ever outside the threads",
		    p->site->function);
	engine_give_up();
}

/* Announce x.pend[x.cur], filled but for the kind, and wait to be chosen. */
static inline void announce(struct pending *p, enum sync_kind kind, const void *object,
			    uint8_t bytes, const struct sync_site *site)
{
	unsigned bit = 1u << x.cur;

	p->addr = object;
	p->bytes = bytes;
	p->site = site;
	p->kind = (uint8_t)kind;
	p->cls = class_of[kind];
	if (may_block[kind])
		x.blockable |= (uint16_t)bit;
	else
		x.blockable &= (uint16_t)~bit;
	engine_yield();
}

static inline void visible(enum sync_kind kind, const void *object, uint8_t bytes,
			   const struct sync_site *site)
{
	if (x.cur < 0) {
		const struct pending p = { .addr = object, .site = site, .kind = (uint8_t)kind };

		if (may_block[kind])
			visible_outside(&p);
		return;
	}
	x.pend[x.cur].choices = 1;
	announce(&x.pend[x.cur], kind, object, bytes, site);
}

void sync_visible(enum sync_kind kind, const void *object, const struct sync_site *site)
{
	visible(kind, object, sizeof(uint64_t), site);
}

void sync_visible_bytes(enum sync_kind kind, const void *object, uint8_t bytes,
			const struct sync_site *site)
{
	visible(kind, object, bytes, site);
}

unsigned sync_choose_(unsigned n, const struct sync_site *site)
{
	if (x.cur < 0 || n < 2)
		return 0;
	ASSERT(n <= 255);
	x.pend[x.cur].choices = (uint8_t)n;
	announce(&x.pend[x.cur], SYNC_CHOOSE, NULL, 0, site);
	return x.step[x.depth].choice;
}

static void await(enum sync_kind kind, const void *w, uint8_t bytes,
		  bool (*pred)(uint64_t, uint64_t), uint64_t arg, const struct sync_site *site)
{
	struct pending outside = { .addr = w, .site = site, .kind = (uint8_t)kind,
				   .bytes = bytes };
	struct pending *p = x.cur < 0 ? &outside : &x.pend[x.cur];

	p->pred = pred;
	p->arg = arg;
	p->choices = 1;
	if (x.cur < 0)
		visible_outside(p);
	else
		announce(p, kind, w, bytes, site);
}

void sync_await_(const atomic_u64 *w, bool (*pred)(uint64_t, uint64_t), uint64_t arg,
		 const struct sync_site *site)
{
	sync_might_sleep_(site);
	await(SYNC_AWAIT, w, sizeof(*w), pred, arg, site);
}

static bool differs(uint64_t word, uint64_t seen) { return word != seen; }

void sync_relax_(const struct sync_site *site)
{
	int last = x.cur < 0 ? -1 : x.thread[x.cur].last, at = last;

	while (at >= 0 && x.step[at].kind != SYNC_LOAD &&
	       (at != last || x.step[at].kind != SYNC_RMW))
		at = x.step[at].prev;
	if (at < 0)
		return;
	/* Nobody has run since the last operation. */
	await(SYNC_RELAX, x.step[at].addr, x.step[at].bytes, differs,
	      x.step[at].kind == SYNC_LOAD ? x.step[at].old :
	      engine_word(x.step[at].addr, x.step[at].bytes), site);
}

uint32_t sync_self(void) { return (uint32_t)(x.cur >= 0 ? x.cur : SETUP) + 1; }

/* --- locks --------------------------------------------------------------- */

static const char *site_name(const struct sync_site *site) { return site->function; }

void sync_might_sleep_(const struct sync_site *site)
{
	const struct thread *t = &x.thread[x.cur < 0 ? 0 : x.cur];
	char name[8];

	if (x.cur < 0 || (!t->spins && !t->guard && !t->rcu && !t->nonblock))
		return;
	engine_fail(ORACLE_ATOMIC, -1, -1, x.depth, "%s may sleep in %s %s",
		    engine_thread_name((unsigned)x.cur, name), site_name(site),
		    t->spins ? "with a spin lock held" :
		    t->nonblock ? "in a callback that must not" : "inside a read section");
}

void sync_nonblock_begin(void)
{
	if (x.cur >= 0)
		x.thread[x.cur].nonblock++;
}

void sync_nonblock_end(void)
{
	if (x.cur >= 0)
		x.thread[x.cur].nonblock--;
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
		if (h->lock != lock && (rank == SYNC_UNRANKED || h->rank == SYNC_UNRANKED))
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
	engine_give_up();
}

/* Join clk into a clock of an object's, which is valid only if *has. */
static void gather(struct clk *into, bool *has, const struct clk *clk)
{
	if (*has)
		clk_join(into, clk);
	else
		*into = *clk;
	*has = true;
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
	o = engine_object(lock);
	if (!reader) {
		o->release = t->clk;
		o->has_release = true;
		return;
	}
	gather(&o->read_release, &o->has_read_release, &t->clk);
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
	o = engine_object(&rcu_domain);
	gather(&o->guard_end, &o->has_guard_end, &t->clk);
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
	o = engine_object(&rcu_domain);
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
		struct object *o = engine_object(t->guard_word[i]);

		gather(&o->guard_end, &o->has_guard_end, &t->clk);
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
	o = engine_object(w);
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
