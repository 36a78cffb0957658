/* SPDX-License-Identifier: MIT */
/*
 * lock.c - owns the locks of the checked door. Taking a lock is an operation of the door, and so
 * is letting go a mutex. The file keeps which thread holds which lock since where, so that it can
 * report a lock that is taken against its rank, taken twice or dropped unheld, and a call that may
 * sleep in atomic context.
 *
 * A lock's word in memory says whether the lock can be taken. It is no word of the memory model:
 * sched.c writes it in the moment in which the operation is chosen.
 */
#include "explore/door/door.h"
#include "explore/model/model.h"

/* --- what is held -------------------------------------------------------- */

const char *door_site(const struct sync_site *site)
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
		    engine_thread_name((unsigned)x.cur, name), door_site(site),
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

/* The latest hold of the lock, NULL: the thread does not have it. */
static inline struct held *held_find(struct thread *t, const void *lock)
{
	for (unsigned i = t->held_count; i-- > 0;)
		if (t->held[i].lock == lock)
			return &t->held[i];
	return NULL;
}

/* A spinning reader nests: it reads again what it has for reading, and no writer comes between. */
static bool reads(struct thread *t, const void *lock)
{
	const struct held *has = held_find(t, lock);

	return has && has->reads && has->spins;
}

static void hold_too_many(const struct sync_site *site)
{
	char name[8];

	engine_fail(ORACLE_LOCK_ORDER, -1, -1, x.depth, "%s holds %u locks, and takes one more in %s",
		    engine_thread_name((unsigned)x.cur, name), (unsigned)HELD_MAX, door_site(site));
	engine_give_up();
}

static inline void hold(struct thread *t, const void *lock, bool read, uint32_t rank, bool spins,
			const struct sync_site *site)
{
	if (t->held_count == HELD_MAX)
		hold_too_many(site);
	t->held[t->held_count++] = (struct held){ lock, site, rank, spins, read };
	t->spins += spins;
}

/* The thread is about to wait for the lock. */
static void locked(const void *lock, bool read, bool write, uint32_t rank, enum sync_hold how,
		   const struct sync_site *site)
{
	struct thread *t = &x.thread[x.cur < 0 ? 0 : x.cur];
	char name[8];

	if (x.cur < 0)
		return;
	if (how == SYNC_SLEEPS)
		sync_might_sleep_(site);
	for (unsigned i = 0; i < t->held_count; i++) {
		const struct held *h = &t->held[i];

		if (how == SYNC_TRIED || h->rank < rank || (h->rank == rank && h->lock < lock))
			continue;
		if (h->lock != lock && (rank == SYNC_UNRANKED || h->rank == SYNC_UNRANKED))
			continue;
		engine_fail(ORACLE_LOCK_ORDER, -1, -1, x.depth, "%s takes %s lock in %s that it holds from %s",
			    engine_thread_name((unsigned)x.cur, name),
			    h->lock == lock ? "again the" : "out of order a", door_site(site),
			    door_site(h->site));
	}
	if (x.plain)
		lock_order_wants(t, lock, read, write);
	hold(t, lock, read, rank, how == SYNC_SPINS, site);
}

static void unlocked(const void *lock, const struct sync_site *site)
{
	struct thread *t = &x.thread[x.cur < 0 ? 0 : x.cur];
	struct held *has;
	char name[8];

	if (x.cur < 0)
		return;
	has = held_find(t, lock);
	if (!has) {
		engine_fail(ORACLE_LOCK_ORDER, -1, -1, x.depth, "%s drops in %s a lock that it does not hold",
			    engine_thread_name((unsigned)x.cur, name), door_site(site));
		engine_give_up();
	}
	t->spins -= has->spins;
	if (has->spins)
		lost_unlocked();
	*has = t->held[--t->held_count];
}

bool sync_holds_(const void *lock)
{
	const struct thread *t = &x.thread[x.cur < 0 ? 0 : x.cur];

	for (unsigned i = 0; i < t->held_count; i++)
		if (t->held[i].lock == lock)
			return true;
	return x.cur < 0;
}

bool sync_holds_as_(const void *lock, bool write)
{
	const struct held *has = x.cur < 0 ? NULL : held_find(&x.thread[x.cur], lock);

	return x.cur < 0 || (has && has->reads != write);
}

void sync_assert_held_as_(const void *lock, bool write, const struct sync_site *site)
{
	char name[8];

	if (sync_holds_(lock) && !sync_holds_as_(lock, write))
		engine_fail(ORACLE_LOCK_ORDER, -1, -1, x.depth, "%s is in %s without the lock for %s",
			    engine_thread_name((unsigned)x.cur, name), door_site(site),
			    write ? "writing" : "reading");
	else
		sync_assert_held_(lock, site);
}

void sync_assert_held_(const void *lock, const struct sync_site *site)
{
	char name[8];

	if (!sync_holds_(lock))
		engine_fail(ORACLE_LOCK_ORDER, -1, -1, x.depth, "%s is in %s without the lock",
			    engine_thread_name((unsigned)x.cur, name), door_site(site));
}

/* --- taking and letting go ----------------------------------------------- */

void sync_lock_(uint32_t *owner, uint32_t rank, enum sync_hold how,
		const struct sync_site *site)
{
	locked(owner, false, false, rank, how, site);
	door_visible(SYNC_LOCK, owner, SYNC_ACQUIRE, site);
}

/*
 * A lock of which somebody sees whether it is free: from then on all unlocks are steps. A mutex's
 * always is one. Outside of the threads nobody else is there to see.
 */
static void is_seen(void)
{
	if (x.cur >= 0)
		x.needs |= UNLOCKS_ARE_STEPS;
}

static inline bool unlock_is_step(void)
{
	return x.cur < 0 || x.assumes & UNLOCKS_ARE_STEPS;
}

/* Of a reader: it reads again what it has for reading, and need not wait. */
static bool nests(const void *sem, bool read, enum sync_hold how)
{
	return read && how == SYNC_SPINS && x.cur >= 0 && reads(&x.thread[x.cur], sem);
}

static void taken(const void *lock, bool read, uint32_t rank, enum sync_hold how,
		  const struct sync_site *site)
{
	if (x.cur >= 0)
		hold(&x.thread[x.cur], lock, read, rank, how == SYNC_SPINS, site);
}

bool sync_trylock_(uint32_t *owner, uint32_t rank, enum sync_hold how,
		   const struct sync_site *site)
{
	if (how == SYNC_SPINS)
		is_seen();
	if (!door_visible(SYNC_TRYLOCK, owner, SYNC_ACQUIRE, site))
		return false;
	taken(owner, false, rank, how, site);
	return true;
}

bool sync_is_locked_(uint32_t *owner, enum sync_hold how, const struct sync_site *site)
{
	if (how == SYNC_SPINS)
		is_seen();
	return door_visible(SYNC_IS_LOCKED, owner, SYNC_RELAXED, site);
}

/*
 * Letting go needs the lock's memory. A spin lock is let go in one access, and so are the core's
 * locks, which are those of the C library natively. Linux's mutexes and rwsems linger: the thread
 * wakes who waits after another one can have taken the lock.
 */
static bool lingers(const void *lock)
{
	const struct held *has = x.plain && x.cur >= 0 ? held_find(&x.thread[x.cur], lock) : NULL;

	return has && !has->spins && has->rank == SYNC_UNRANKED;
}

void sync_unlock_(uint32_t *owner, enum sync_hold how, const struct sync_site *site)
{
	bool needs = how != SYNC_SPINS && lingers(owner);

	unlocked(owner, site);
	if (how != SYNC_SPINS || unlock_is_step()) {
		door_visible(SYNC_UNLOCK, owner, SYNC_RELEASE, site);
		if (needs)
			plain_needs(owner, LOCK_BYTES, site);
		return;
	}
	door_let_go(owner, site);
	plain_let_go(owner, LOCK_BYTES, site);
	*owner = 0;
	clock_released(owner, false);
}

void sync_down_(rwsem_t *sem, bool read, uint32_t rank, enum sync_hold how,
		const struct sync_site *site)
{
	if (nests(sem, read, how)) {
		taken(sem, true, rank, how, site);
		return;
	}
	locked(sem, read, !read, rank, how, site);
	queue_enter(sem, read, site);
	if (read)
		door_visible(SYNC_RLOCK, sem, SYNC_ACQUIRE, site);
	else
		door_visible(SYNC_WLOCK, sem, SYNC_ACQUIRE, site);
	queue_leave(sem, read, site);
}

bool sync_try_down_(rwsem_t *sem, bool read, uint32_t rank, enum sync_hold how,
		    const struct sync_site *site)
{
	is_seen();
	if (read && x.plain && x.cur >= 0)
		lock_order_tries(sem);
	if (!nests(sem, read, how) && !queue_lets_try(sem, read, site))
		return false;
	if (!nests(sem, read, how) &&
	    (read ? !door_visible(SYNC_TRY_RLOCK, sem, SYNC_ACQUIRE, site) :
		    !door_visible(SYNC_TRY_WLOCK, sem, SYNC_ACQUIRE, site)))
		return false;
	taken(sem, read, rank, how, site);
	return true;
}

bool sync_is_rwlocked_(rwsem_t *sem, const struct sync_site *site)
{
	is_seen();
	return door_visible(SYNC_IS_RWLOCKED, sem, SYNC_RELAXED, site);
}

static void let_go(rwsem_t *sem, bool read, const struct sync_site *site)
{
	door_let_go(sem, site);
	plain_let_go(sem, LOCK_BYTES, site);
	if (read)
		sem->readers--;
	else
		sem->owner = 0;
}

/* What was taken for reading is not dropped for writing, nor the other way round. */
static void unlocks_as(const rwsem_t *sem, bool read, const struct sync_site *site)
{
	char name[8];

	if (!sync_holds_(sem) || sync_holds_as_(sem, !read))
		return;
	engine_fail(ORACLE_LOCK_ORDER, -1, -1, x.depth, "%s drops in %s for %s a lock that it has for %s",
		    engine_thread_name((unsigned)x.cur, name), door_site(site),
		    read ? "reading" : "writing", read ? "writing" : "reading");
	engine_give_up();
}

void sync_up_(rwsem_t *sem, bool read, const struct sync_site *site)
{
	bool needs = lingers(sem);

	unlocks_as(sem, read, site);
	unlocked(sem, site);
	if (read && x.cur >= 0 && x.thread[x.cur].spins && reads(&x.thread[x.cur], sem))
		return;
	if (!unlock_is_step())
		let_go(sem, read, site);
	else if (read)
		door_visible(SYNC_RUNLOCK, sem, SYNC_RELEASE, site);
	else
		door_visible(SYNC_WUNLOCK, sem, SYNC_RELEASE, site);
	if (x.cur < 0)
		return;
	clock_released(sem, read);
	if (needs)
		plain_needs(sem, LOCK_BYTES, site);
}

void sync_downgrade_(rwsem_t *sem, const struct sync_site *site)
{
	struct held *has = x.cur < 0 ? NULL : held_find(&x.thread[x.cur], sem);
	char name[8];

	if (x.cur >= 0 && (!has || has->reads)) {
		engine_fail(ORACLE_LOCK_ORDER, -1, -1, x.depth, "%s downgrades in %s a lock that it does not have for writing",
			    engine_thread_name((unsigned)x.cur, name), door_site(site));
		engine_give_up();
	}
	door_visible(SYNC_DOWNGRADE, sem, SYNC_RELEASE, site);
	if (x.cur < 0)
		return;
	has->reads = true;
	clock_released(sem, false);
}
