/* SPDX-License-Identifier: MIT */
/*
 * door.c - the checked door (sync_checked.h): operations are announced and then
 * performed when run.c says so; locks and read sections are watched as they
 * are used, and what is done wrong with them is reported.
 */
#include "explore/door/door.h"
#include "explore/model/model.h"

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
	announce(&x.pend[x.cur], kind == SYNC_INC && x.ordered_adds ? SYNC_RMW : kind, object,
		 bytes, site);
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

void sync_spin_while_bytes_(const void *w, uint8_t bytes, uint64_t v,
			    const struct sync_site *site)
{
	await(SYNC_RELAX, w, bytes, differs, v, site);
}

uint32_t sync_self(void) { return (uint32_t)(x.cur >= 0 ? x.cur : SETUP) + 1; }

/* --- locks --------------------------------------------------------------- */

/* For messages: the place in a check that the library was called from, if it says so. */
static const char *site_name(const struct sync_site *site)
{
	const struct sync_site *at = x.cur >= 0 ? x.thread[x.cur].noted_at : NULL;

	return (at ? at : site)->function;
}

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

bool sync_holds_(const void *lock)
{
	const struct thread *t = &x.thread[x.cur < 0 ? 0 : x.cur];

	for (unsigned i = 0; i < t->held_count; i++)
		if (t->held[i].lock == lock)
			return true;
	return x.cur < 0;
}

/* --- what notifiers are told --------------------------------------------- */

void sync_range_begin_(const void *mm, uint64_t start, uint64_t end, bool told,
		       const struct sync_site *site)
{
	struct thread *t = &x.thread[x.cur < 0 ? 0 : x.cur];

	if (x.cur < 0)
		return;
	if (t->range_count == RANGES_MAX) {
		engine_fail(ORACLE_PROTOCOL, -1, -1, x.depth, "more invalidations are begun in %s and not ended than can be followed",
			    site_name(site));
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
		    engine_thread_name((unsigned)x.cur, name), site_name(site));
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

void sync_lock_released(void *lock, bool reader)
{
	if (x.cur >= 0)
		clock_released(lock, reader);
}

void sync_assert_held_(const void *lock, const struct sync_site *site)
{
	char name[8];

	if (!sync_holds_(lock))
		engine_fail(ORACLE_LOCK_ORDER, -1, -1, x.depth, "%s is in %s without the lock",
			    engine_thread_name((unsigned)x.cur, name), site_name(site));
}

/* --- read sections ------------------------------------------------------- */

/* RCU is the domain that may not sleep; every other one is an srcu_struct. */
static const char rcu_domain;

/* The running thread has left a section: whoever waited for it is ordered after it. */
static void section_left(unsigned waiter, enum wait_for what)
{
	struct wait_set *w = &x.thread[waiter].wait[what];

	if (!(w->open >> x.cur & 1))
		return;
	w->open &= (uint16_t)~(1u << x.cur);
	clock_awaited(waiter, what);
}

static struct section *section_of(struct thread *t, const void *domain)
{
	for (unsigned i = 0; i < t->section_count; i++)
		if (t->section[i].domain == domain)
			return &t->section[i];
	return NULL;
}

static void section_enter(const void *domain, const struct sync_site *site)
{
	struct thread *t = &x.thread[x.cur];
	struct section *in = section_of(t, domain);

	if (in) {
		in->nesting++;
		return;
	}
	sync_visible(SYNC_RCU_BEGIN, domain, site);
	ASSERT(t->section_count < SECTIONS_MAX);
	t->section[t->section_count++] = (struct section){ domain, 1 };
}

static void section_leave(const void *domain, const struct sync_site *site)
{
	struct thread *t = &x.thread[x.cur];
	struct section *in = section_of(t, domain);
	char name[8];

	if (!in) {
		engine_fail(ORACLE_LOCK_ORDER, -1, -1, x.depth, "%s leaves in %s a read section that it is not in",
			    engine_thread_name((unsigned)x.cur, name), site_name(site));
		engine_give_up();
	}
	if (--in->nesting)
		return;
	*in = t->section[--t->section_count];
	for (unsigned q = 0; q < x.threads; q++)
		if (x.thread[q].wait[WAIT_RCU].domain == domain)
			section_left(q, WAIT_RCU);
	clock_left(domain);
	clock_next_epoch();
}

/* Who is in a section of the domain himself waits for ever. */
static void section_wait(const void *domain, const struct sync_site *site)
{
	struct wait_set *w = &x.thread[x.cur].wait[WAIT_RCU];

	sync_visible(SYNC_RCU_SYNC, domain, site);
	w->domain = domain;
	w->open = 0;
	for (unsigned q = 0; q < x.threads; q++)
		if (section_of(&x.thread[q], domain))
			w->open |= (uint16_t)(1u << q);
	clock_awaits_nobody(WAIT_RCU);
	clock_awaits(WAIT_RCU, domain);
	sync_visible(SYNC_RCU_WAIT, domain, site);
}

void sync_rcu_lock_(const struct sync_site *site)
{
	if (x.cur < 0)
		return;
	section_enter(&rcu_domain, site);
	x.thread[x.cur].rcu++;
}

void sync_rcu_unlock_(const struct sync_site *site)
{
	if (x.cur < 0)
		return;
	section_leave(&rcu_domain, site);
	x.thread[x.cur].rcu--;
}

void sync_rcu_synchronize_(const struct sync_site *site)
{
	sync_might_sleep_(site);
	if (x.cur >= 0 && !x.thread[x.cur].rcu) /* else that was said */
		section_wait(&rcu_domain, site);
}

void sync_srcu_lock_(const void *domain, const struct sync_site *site)
{
	if (x.cur >= 0)
		section_enter(domain, site);
}

void sync_srcu_unlock_(const void *domain, const struct sync_site *site)
{
	if (x.cur >= 0)
		section_leave(domain, site);
}

void sync_srcu_synchronize_(const void *domain, const struct sync_site *site)
{
	sync_might_sleep_(site);
	if (x.cur >= 0)
		section_wait(domain, site);
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
	for (unsigned q = 0; q < x.threads; q++)
		section_left(q, WAIT_GUARDS);
	for (unsigned i = 0; i < t->guard_words; i++)
		clock_left(t->guard_word[i]);
	clock_next_epoch();
}

void sync_guard_mark_(const atomic_u64 *w)
{
	struct thread *t;

	if (x.cur < 0)
		return;
	t = &x.thread[x.cur];
	ASSERT(!t->guard);
	for (unsigned q = 0; q < x.threads; q++)
		for (unsigned i = 0; x.thread[q].guard && i < x.thread[q].guard_words; i++)
			if (x.thread[q].guard_word[i] == w)
				t->wait[WAIT_GUARDS].open |= (uint16_t)(1u << q);
	clock_awaits(WAIT_GUARDS, w);
}

void sync_guard_wait_(const struct sync_site *site)
{
	if (x.cur < 0)
		return;
	sync_visible(SYNC_GUARD_WAIT, NULL, site);
	x.thread[x.cur].wait[WAIT_GUARDS].open = 0;
	clock_awaits_nobody(WAIT_GUARDS);
}
