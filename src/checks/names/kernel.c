/* SPDX-License-Identifier: MIT */
/*
 * kernel.c - what stands behind mmun/kernel.h: the door's operations, for code that uses
 * Linux's types. Each function is one visible operation and a note for the picture,
 * unless it says otherwise.
 *
 * The public header cannot show the door's header, since the door's names are Linux's with
 * other arguments. So the two meet only here, and lock words have the door's layout.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "checks/names/names.h"

_Static_assert(offsetof(struct rw_semaphore, readers) == offsetof(rwsem_t, readers) &&
	       offsetof(struct rw_semaphore, owner) == offsetof(rwsem_t, owner) &&
	       offsetof(struct rw_semaphore, writers) == offsetof(rwsem_t, writers) &&
	       sizeof(struct rw_semaphore) == sizeof(rwsem_t) &&
	       sizeof(spinlock_t) == sizeof(spin_t) && sizeof(struct mutex) == sizeof(mutex_t),
	       "the explorer looks into locks");

/* --- places --------------------------------------------------------------- */

enum { CALLERS = 1024 };

struct caller { const void *code; struct kernel_at_ at; };

static struct caller *caller[CALLERS];

UNWATCHED static bool is_free_or_caller(const void *code, size_t slot)
{
	return !caller[slot] || caller[slot]->code == code;
}

/* The callers of functions by their addresses: once known, one stays. */
UNWATCHED const struct kernel_at_ *kernel_caller_(const void *code)
{
	static const struct kernel_at_ too_many = { { "?", "?", 0 }, NULL, false };
	static size_t count;
	size_t i = hash_slot(CALLERS, hash_number((uintptr_t)code) >> 40, is_free_or_caller, code);

	struct caller *c = caller[i];

	if (c)
		return &c->at;
	c = count < CALLERS / 2 ? calloc(1, sizeof(*c)) : NULL;
	if (!c)
		return &too_many;
	*c = (struct caller){ code, { *sync_called_from_(code), NULL, false } };
	caller[i] = c;
	count++;
	return &c->at;
}

/* --- the picture ---------------------------------------------------------- */

void kernel_note_(const struct sync_site *site, const char *fmt, ...)
{
	char text[96];
	va_list args;

	if (!sync_recording)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	for (char *p = text; *p; p++)
		if (*p == '\n')
			*p = p[1] ? ' ' : 0;
	sync_event_at(site, NOTE, (uintptr_t)text);
}

/* "@text = @value". */
static void say_value(const struct sync_site *site, const char *text, int64_t value)
{
	char address[64];

	if (!sync_recording)
		return;
	if (sync_address_text((uint64_t)value, address, sizeof(address)))
		sync_event_at(site, VALUE_NAMED, (uintptr_t)text, (uintptr_t)address);
	else
		sync_event_at(site, VALUE, (uintptr_t)text, (uint64_t)value);
}

/* As it is written there, or with @name if it was called by its address. */
static void say(const struct kernel_at_ *at, const char *name, int64_t value)
{
	say_value(&at->site, at->text ? at->text : name, value);
}

/* --- words ---------------------------------------------------------------- */

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "the headers take values from the first bytes of what they are given");

static const uint8_t order_of[] = {
	[KERNEL_RELAXED_] = SYNC_RELAXED, [KERNEL_ACQUIRE_] = SYNC_ACQUIRE,
	[KERNEL_RELEASE_] = SYNC_RELEASE, [KERNEL_ACQ_REL_] = SYNC_ACQ_REL,
	[KERNEL_FULL_] = SYNC_FULL, [KERNEL_READS_] = SYNC_READS, [KERNEL_WRITES_] = SYNC_WRITES,
};

/* The door's, and what it is called if it is not written. */
static const struct { uint8_t door; const char *name; } updates[] = {
	[KERNEL_SET_TO_] = { SYNC_SET, "exchange" },
	[KERNEL_SET_IF_] = { SYNC_SET_IF, "compare and exchange" },
	[KERNEL_ADD_TO_] = { SYNC_ADD_TO, "add" },
	[KERNEL_ADD_UNLESS_] = { SYNC_ADD_UNLESS, "add unless" },
	[KERNEL_AND_] = { SYNC_AND, "and" }, [KERNEL_OR_] = { SYNC_OR, "or" },
	[KERNEL_XOR_] = { SYNC_XOR, "exclusive or" },
};

/* A wild pointer is to fault here, not in the explorer. The access itself is yet to come. */
UNWATCHED static void touch(const volatile void *word, size_t size)
{
	(void)*(const volatile char *)word;
	(void)*((const volatile char *)word + size - 1);
}

static struct sync_access access_of(const volatile void *word, enum sync_kind kind, size_t size,
				    enum kernel_order_ order, uint8_t update)
{
	ASSERT(size == 1 || size == 2 || size == 4 || size == 8);
	touch(word, size);
	return (struct sync_access){ (uint8_t)kind, (uint8_t)size, order_of[order], update };
}

/* The lowest bytes of a number, and these as a number with a sign. */
static uint64_t cut(uint64_t value, size_t size)
{
	return size == sizeof(value) ? value : value & (((uint64_t)1 << 8 * size) - 1);
}

static int64_t with_sign(uint64_t value, size_t size)
{
	unsigned shift = (unsigned)(8 * (sizeof(value) - size));

	return (int64_t)(value << shift) >> shift;
}

static int64_t shown(const struct kernel_at_ *at, uint64_t value, size_t size)
{
	return at->is_unsigned ? (int64_t)cut(value, size) : with_sign(value, size);
}

uint64_t kernel_read_(const struct kernel_at_ *at, const volatile void *word, size_t size,
		      enum kernel_order_ order)
{
	uint64_t value = sync_read_((const void *)(uintptr_t)word,
				    access_of(word, SYNC_LOAD, size, order, SYNC_KEEP), &at->site);

	say(at, "read", shown(at, value, size));
	return value;
}

void kernel_write_(const struct kernel_at_ *at, volatile void *word, size_t size, uint64_t value,
		   enum kernel_order_ order)
{
	sync_write_((void *)(uintptr_t)word,
		    access_of(word, SYNC_STORE, size, order, SYNC_SET), value, &at->site);
	say(at, "write", shown(at, value, size));
}

/* What the word was. */
static uint64_t change(const struct kernel_at_ *at, volatile void *word, size_t size,
		       enum kernel_order_ order, enum kernel_update_ update, uint64_t a,
		       uint64_t b)
{
	return sync_update_((void *)(uintptr_t)word,
			    access_of(word, SYNC_RMW, size, order, updates[update].door), a, b,
			    &at->site);
}

/* What an update has made of it. */
static uint64_t changed(enum kernel_update_ update, uint64_t old, uint64_t a, uint64_t b,
			size_t size)
{
	a = cut(a, size);
	b = cut(b, size);
	switch (updates[update].door) {
#define X(e, value) case e: return cut(value, size);
	SYNC_UPDATES(X)
#undef X
	}
	return old;
}

static uint64_t result_of(enum kernel_result_ result, uint64_t old, uint64_t new, uint64_t bits,
			  size_t size)
{
	switch (result) {
	case KERNEL_OLD_:
	case KERNEL_TRIED_:
		return old;
	case KERNEL_NEW_:
		return new;
	case KERNEL_CHANGED_:
		return old != new;
	case KERNEL_ZERO_:
		return new == 0;
	case KERNEL_NEGATIVE_:
		return with_sign(new, size) < 0;
	case KERNEL_BITS_:
		return (old & bits) != 0;
	}
	return old;
}

uint64_t kernel_update_(const struct kernel_at_ *at, volatile void *word, size_t size,
			enum kernel_order_ order, enum kernel_update_ update, uint64_t a,
			uint64_t b, enum kernel_result_ result)
{
	uint64_t old = cut(change(at, word, size, order, update, a, b), size);
	uint64_t value = result_of(result, old, changed(update, old, a, b, size), b, size);

	if (result == KERNEL_TRIED_)
		say(at, updates[update].name, old == cut(a, size));
	else
		say(at, updates[update].name, shown(at, value, size));
	return value;
}

void kernel_fence_(const struct kernel_at_ *at, enum kernel_order_ order)
{
	sync_fence_(order_of[order], &at->site);
}

void kernel_cpu_relax_(const struct kernel_at_ *at) { sync_relax_(&at->site); }

/* --- counts of references ------------------------------------------------- */

/* Updates the count, which must be @least or more, or the execution ends. Returns what it was.
 * Taking a reference orders nothing; dropping one comes after all that was done with it, and the
 * last one before all that follows. */
static int change_count(const struct kernel_at_ *at, const char *text, refcount_t *r, int least,
			enum kernel_order_ order, enum kernel_update_ update, int a, int b)
{
	int old = (int)change(at, &r->refs.counter, sizeof(r->refs.counter), order, update,
			      (uint64_t)a, (uint64_t)b);
	char wrong[128];

	if (old >= least)
		return old;
	snprintf(wrong, sizeof(wrong), "%s, of a count that was %d", text, old);
	explore_assert_failed(wrong, at->site.file, at->site.line);
}

static const char *text_of(const struct kernel_at_ *at, const char *name)
{
	return at->text ? at->text : name;
}

unsigned kernel_refcount_read_(const struct kernel_at_ *at, const refcount_t *r)
{
	return (unsigned)kernel_read_(at, &r->refs.counter, sizeof(r->refs.counter),
				      KERNEL_RELAXED_);
}

void kernel_refcount_set_(const struct kernel_at_ *at, refcount_t *r, int n)
{
	kernel_write_(at, &r->refs.counter, sizeof(r->refs.counter), (uint64_t)n,
		      KERNEL_RELAXED_);
}

static void add(const struct kernel_at_ *at, const char *name, int i, refcount_t *r)
{
	name = text_of(at, name);
	say_value(&at->site, name, change_count(at, name, r, 1, KERNEL_RELAXED_, KERNEL_ADD_TO_,
						i, 0) + i);
}

void kernel_refcount_inc_(const struct kernel_at_ *at, refcount_t *r)
{
	add(at, "refcount_inc", 1, r);
}

void kernel_refcount_add_(const struct kernel_at_ *at, int i, refcount_t *r)
{
	add(at, "refcount_add", i, r);
}

static bool add_not_zero(const struct kernel_at_ *at, const char *name, int i, refcount_t *r)
{
	bool added;

	name = text_of(at, name);
	added = change_count(at, name, r, 0, KERNEL_RELAXED_, KERNEL_ADD_UNLESS_, i, 0);
	say_value(&at->site, name, added);
	return added;
}

bool kernel_refcount_inc_not_zero_(const struct kernel_at_ *at, refcount_t *r)
{
	return add_not_zero(at, "refcount_inc_not_zero", 1, r);
}

bool kernel_refcount_add_not_zero_(const struct kernel_at_ *at, int i, refcount_t *r)
{
	return add_not_zero(at, "refcount_add_not_zero", i, r);
}

/* Whoever puts the last one asks for it. */
void kernel_refcount_dec_(const struct kernel_at_ *at, refcount_t *r)
{
	const char *name = text_of(at, "refcount_dec");

	say_value(&at->site, name, change_count(at, name, r, 2, KERNEL_RELEASE_, KERNEL_ADD_TO_,
						-1, 0) - 1);
}

static bool sub_and_test(const struct kernel_at_ *at, const char *name, int i, refcount_t *r)
{
	bool last = change_count(at, name, r, i, KERNEL_ACQ_REL_, KERNEL_ADD_TO_, -i, 0) == i;

	say_value(&at->site, name, last);
	return last;
}

bool kernel_refcount_dec_and_test_(const struct kernel_at_ *at, refcount_t *r)
{
	return sub_and_test(at, text_of(at, "refcount_dec_and_test"), 1, r);
}

bool kernel_refcount_sub_and_test_(const struct kernel_at_ *at, int i, refcount_t *r)
{
	return sub_and_test(at, text_of(at, "refcount_sub_and_test"), i, r);
}

bool kernel_refcount_dec_if_one_(const struct kernel_at_ *at, refcount_t *r)
{
	const char *name = text_of(at, "refcount_dec_if_one");
	bool last = change_count(at, name, r, 0, KERNEL_RELEASE_, KERNEL_SET_IF_, 1, 0) == 1;

	say_value(&at->site, name, last);
	return last;
}

static bool dec_not_one(const struct kernel_at_ *at, const char *name, refcount_t *r)
{
	bool done = change_count(at, name, r, 1, KERNEL_RELEASE_, KERNEL_ADD_UNLESS_, -1, 1) != 1;

	say_value(&at->site, name, done);
	return done;
}

bool kernel_refcount_dec_not_one_(const struct kernel_at_ *at, refcount_t *r)
{
	return dec_not_one(at, text_of(at, "refcount_dec_not_one"), r);
}

/* The lock is taken only for what may be the last reference. */
bool kernel_refcount_dec_and_mutex_lock_(const struct kernel_at_ *at, refcount_t *r,
					 struct mutex *lock)
{
	if (dec_not_one(at, "refcount_dec_not_one", r))
		return false;
	kernel_mutex_lock_(at, lock);
	if (sub_and_test(at, "refcount_dec_and_test", 1, r))
		return true;
	kernel_mutex_unlock_(at, lock);
	return false;
}

bool kernel_refcount_dec_and_lock_(const struct kernel_at_ *at, refcount_t *r, spinlock_t *lock)
{
	if (dec_not_one(at, "refcount_dec_not_one", r))
		return false;
	kernel_spin_lock_(at, lock);
	if (sub_and_test(at, "refcount_dec_and_test", 1, r))
		return true;
	kernel_spin_unlock_(at, lock);
	return false;
}

/* --- locks --------------------------------------------------------------- */

void kernel_spin_lock_(const struct kernel_at_ *at, spinlock_t *lock)
{
	touch(lock, sizeof(*lock));
	sync_lock_(&lock->owner, SYNC_UNRANKED, SYNC_SPINS, &at->site);
	names_lock_used(lock, SYNC_IN_STEP, &at->site);
	names_lock_taken(lock, false, true, &at->site);
	say_object(at, LOCK);
}

static bool tried(const struct kernel_at_ *at, bool taken)
{
	if (taken)
		say_object(at, LOCK);
	else
		say_object(at, TRYLOCK_FAIL);
	return taken;
}

int kernel_spin_trylock_(const struct kernel_at_ *at, spinlock_t *lock)
{
	bool taken;

	touch(lock, sizeof(*lock));
	taken = sync_trylock_(&lock->owner, SYNC_UNRANKED, SYNC_SPINS, &at->site);
	names_lock_used(lock, SYNC_IN_STEP, &at->site);
	if (taken)
		names_lock_taken(lock, false, false, &at->site);
	return tried(at, taken);
}

int kernel_spin_is_locked_(const struct kernel_at_ *at, spinlock_t *lock)
{
	bool locked;

	touch(lock, sizeof(*lock));
	locked = sync_is_locked_(&lock->owner, SYNC_SPINS, &at->site);
	say_value(&at->site, text_of(at, "spin_is_locked"), locked);
	return locked;
}

/* Which lock of a kind it is, lockdep wants to know. */
void kernel_spin_lock_nested_(const struct kernel_at_ *at, spinlock_t *lock, int subclass)
{
	(void)subclass;
	kernel_spin_lock_(at, lock);
}

void kernel_spin_unlock_(const struct kernel_at_ *at, spinlock_t *lock)
{
	names_lock_used(lock, SYNC_AFTER_STEP, &at->site);
	sync_unlock_(&lock->owner, SYNC_SPINS, &at->site);
	say_object(at, UNLOCK);
}

void kernel_mutex_lock_(const struct kernel_at_ *at, struct mutex *lock)
{
	touch(lock, sizeof(*lock));
	sync_lock_(&lock->owner, SYNC_UNRANKED, SYNC_SLEEPS, &at->site);
	say_object(at, LOCK);
}

void kernel_mutex_lock_nested_(const struct kernel_at_ *at, struct mutex *lock, unsigned subclass)
{
	(void)subclass;
	kernel_mutex_lock_(at, lock);
}

int kernel_mutex_trylock_(const struct kernel_at_ *at, struct mutex *lock)
{
	touch(lock, sizeof(*lock));
	return tried(at, sync_trylock_(&lock->owner, SYNC_UNRANKED, SYNC_SLEEPS, &at->site));
}

bool kernel_mutex_is_locked_(const struct kernel_at_ *at, struct mutex *lock)
{
	bool locked;

	touch(lock, sizeof(*lock));
	locked = sync_is_locked_(&lock->owner, SYNC_SLEEPS, &at->site);
	say_value(&at->site, text_of(at, "mutex_is_locked"), locked);
	return locked;
}

void kernel_mutex_unlock_(const struct kernel_at_ *at, struct mutex *lock)
{
	sync_unlock_(&lock->owner, SYNC_SLEEPS, &at->site);
	say_object(at, UNLOCK);
}

static void down(const struct kernel_at_ *at, struct rw_semaphore *sem, bool read,
		 enum sync_hold hold)
{
	touch(sem, sizeof(*sem));
	sync_down_((rwsem_t *)(void *)sem, read, SYNC_UNRANKED, hold, &at->site);
	if (hold == SYNC_SPINS)
		names_lock_taken(sem, read, true, &at->site);
	if (read)
		say_object(at, LOCK_READ);
	else
		say_object(at, LOCK_WRITE);
}

static bool try_down(const struct kernel_at_ *at, struct rw_semaphore *sem, bool read,
		     enum sync_hold hold)
{
	bool taken;

	touch(sem, sizeof(*sem));
	taken = sync_try_down_((rwsem_t *)(void *)sem, read, SYNC_UNRANKED, hold, &at->site);
	if (taken && hold == SYNC_SPINS)
		names_lock_taken(sem, read, false, &at->site);
	if (!taken)
		say_object(at, TRYLOCK_FAIL);
	else if (read)
		say_object(at, LOCK_READ);
	else
		say_object(at, LOCK_WRITE);
	return taken;
}

static void up(const struct kernel_at_ *at, struct rw_semaphore *sem, bool read)
{
	sync_up_((rwsem_t *)(void *)sem, read, &at->site);
	say_object(at, UNLOCK);
}

void kernel_down_read_(const struct kernel_at_ *at, struct rw_semaphore *sem)
{
	down(at, sem, true, SYNC_SLEEPS);
}

void kernel_up_read_(const struct kernel_at_ *at, struct rw_semaphore *sem) { up(at, sem, true); }

void kernel_down_write_(const struct kernel_at_ *at, struct rw_semaphore *sem)
{
	down(at, sem, false, SYNC_SLEEPS);
}

void kernel_up_write_(const struct kernel_at_ *at, struct rw_semaphore *sem) { up(at, sem, false); }

int kernel_down_read_trylock_(const struct kernel_at_ *at, struct rw_semaphore *sem)
{
	return try_down(at, sem, true, SYNC_SLEEPS);
}

int kernel_down_write_trylock_(const struct kernel_at_ *at, struct rw_semaphore *sem)
{
	return try_down(at, sem, false, SYNC_SLEEPS);
}

void kernel_downgrade_write_(const struct kernel_at_ *at, struct rw_semaphore *sem)
{
	sync_downgrade_((rwsem_t *)(void *)sem, &at->site);
	say_object(at, DOWNGRADE);
}

int kernel_rwsem_is_locked_(const struct kernel_at_ *at, struct rw_semaphore *sem)
{
	bool locked;

	touch(sem, sizeof(*sem));
	locked = sync_is_rwlocked_((rwsem_t *)(void *)sem, &at->site);
	say_value(&at->site, text_of(at, "rwsem_is_locked"), locked);
	return locked;
}

int kernel_read_trylock_(const struct kernel_at_ *at, rwlock_t *lock)
{
	return try_down(at, &lock->sem, true, SYNC_SPINS);
}

int kernel_write_trylock_(const struct kernel_at_ *at, rwlock_t *lock)
{
	return try_down(at, &lock->sem, false, SYNC_SPINS);
}

void kernel_read_lock_(const struct kernel_at_ *at, rwlock_t *lock)
{
	down(at, &lock->sem, true, SYNC_SPINS);
}

void kernel_read_unlock_(const struct kernel_at_ *at, rwlock_t *lock) { up(at, &lock->sem, true); }

void kernel_write_lock_(const struct kernel_at_ *at, rwlock_t *lock)
{
	down(at, &lock->sem, false, SYNC_SPINS);
}

void kernel_write_unlock_(const struct kernel_at_ *at, rwlock_t *lock)
{
	up(at, &lock->sem, false);
}

void kernel_assert_held_(const struct kernel_at_ *at, const void *lock)
{
	sync_assert_held_(lock, &at->site);
}

void kernel_assert_held_as_(const struct kernel_at_ *at, const void *lock, bool write)
{
	sync_assert_held_as_(lock, write, &at->site);
}

bool kernel_is_held_(const void *lock) { return sync_holds_(lock); }

void kernel_might_sleep_(const struct kernel_at_ *at) { sync_might_sleep_(&at->site); }

/* Since Linux 5.0 a grace period waits for what runs with preemption disabled, too. */
void kernel_preempt_disable_(const struct kernel_at_ *at) { sync_rcu_lock_(&at->site); }
void kernel_preempt_enable_(const struct kernel_at_ *at) { sync_rcu_unlock_(&at->site); }

/* --- RCU ----------------------------------------------------------------- */

void kernel_rcu_read_lock_(const struct kernel_at_ *at)
{
	sync_rcu_lock_(&at->site);
	sync_event_at(&at->site, RCU_LOCK);
}

void kernel_rcu_read_unlock_(const struct kernel_at_ *at)
{
	sync_rcu_unlock_(&at->site);
	sync_event_at(&at->site, RCU_UNLOCK);
}

void kernel_synchronize_rcu_(const struct kernel_at_ *at)
{
	sync_rcu_synchronize_(&at->site);
	sync_event_at(&at->site, RCU_SYNCHRONIZE);
}

int kernel_srcu_read_lock_(const struct kernel_at_ *at, struct srcu_struct *srcu)
{
	touch(srcu, sizeof(*srcu));
	sync_srcu_lock_(srcu, &at->site);
	say_object(at, SRCU_LOCK);
	return 0;
}

void kernel_srcu_read_unlock_(const struct kernel_at_ *at, struct srcu_struct *srcu, int index)
{
	(void)index;
	sync_srcu_unlock_(srcu, &at->site);
	say_object(at, SRCU_UNLOCK);
}

void kernel_synchronize_srcu_(const struct kernel_at_ *at, struct srcu_struct *srcu)
{
	sync_srcu_synchronize_(srcu, &at->site);
	say_object(at, SRCU_SYNCHRONIZE);
}

/* --- waiting ------------------------------------------------------------- */

static bool differs(uint64_t word, uint64_t seen) { return word != seen; }

/* A queue is the number of its wake-ups: who sleeps waits for the next one. */
uint64_t kernel_enqueue_(const struct kernel_at_ *at, wait_queue_head_t *queue)
{
	return sync_read_(&queue->wakeups, access_of(&queue->wakeups, SYNC_LOAD,
						     sizeof(queue->wakeups), KERNEL_ACQUIRE_,
						     SYNC_KEEP), &at->site);
}

void kernel_sleep_(const struct kernel_at_ *at, wait_queue_head_t *queue, uint64_t seen)
{
	sync_await_((const atomic_u64 *)(const void *)&queue->wakeups, differs, seen, &at->site);
	say_object(at, WOKEN);
}

void kernel_wake_up_(const struct kernel_at_ *at, wait_queue_head_t *queue)
{
	change(at, &queue->wakeups, sizeof(queue->wakeups), KERNEL_FULL_, KERNEL_ADD_TO_, 1, 0);
	sync_uses_(queue, sizeof(*queue), SYNC_AFTER_STEP, &at->site); /* its lock is let go */
	say_object(at, WAKE);
}

/* complete_all() counts as so many that they never run out. */
enum { COMPLETE_ALL = 1 << 30 };

static void done(const struct kernel_at_ *at, struct completion *c, bool all)
{
	if (all)
		change(at, &c->done, sizeof(c->done), KERNEL_RELEASE_, KERNEL_SET_TO_,
		       COMPLETE_ALL, 0);
	else
		change(at, &c->done, sizeof(c->done), KERNEL_RELEASE_, KERNEL_ADD_UNLESS_, 1,
		       COMPLETE_ALL);
	if (all)
		say_object(at, COMPLETE_ALL);
	else
		say_object(at, COMPLETE);
}

void kernel_complete_(const struct kernel_at_ *at, struct completion *c) { done(at, c, false); }
void kernel_complete_all_(const struct kernel_at_ *at, struct completion *c) { done(at, c, true); }

void kernel_wait_for_completion_(const struct kernel_at_ *at, struct completion *c)
{
	const struct sync_access take = { SYNC_RMW, sizeof(c->done), SYNC_ACQUIRE, SYNC_TAKE };

	do /* another waiter may be faster */
		sync_await_((const atomic_u64 *)(const void *)&c->done, differs, 0, &at->site);
	while (!sync_update_(&c->done, take, 0, COMPLETE_ALL, &at->site));
	say_object(at, COMPLETED);
}

/* --- memory -------------------------------------------------------------- */

/* Reclaim may come to the callbacks of notifiers: see fs_reclaim_acquire() in mm/page_alloc.c. */
void kernel_allocates_(const struct kernel_at_ *at, gfp_t gfp)
{
	if (gfp != GFP_KERNEL)
		return;
	sync_might_sleep_(&at->site);
	sync_callback_calls_(at->text ? at->text : "an allocator", SYNC_CALLED_RECLAIMING,
			     &at->site);
}

static void *allocate(const struct kernel_at_ *at, size_t size, gfp_t gfp)
{
	void *p;

	kernel_allocates_(at, gfp);
	p = sync_alloc_(size, &at->site);
	sync_event_at(&at->site, KMALLOC, size, !p);
	return p;
}

void *kernel_kmalloc_(const struct kernel_at_ *at, size_t size, gfp_t gfp)
{
	void *p = allocate(at, size, gfp);

	if (p)
		sync_unwritten_(p, size);
	return p;
}

void *kernel_kzalloc_(const struct kernel_at_ *at, size_t size, gfp_t gfp)
{
	return allocate(at, size, gfp);
}

void *kernel_kmalloc_array_(const struct kernel_at_ *at, size_t n, size_t size, gfp_t gfp)
{
	size_t bytes;

	return __builtin_mul_overflow(n, size, &bytes) ? NULL : kernel_kmalloc_(at, bytes, gfp);
}

void *kernel_kcalloc_(const struct kernel_at_ *at, size_t n, size_t size, gfp_t gfp)
{
	size_t bytes;

	return __builtin_mul_overflow(n, size, &bytes) ? NULL : kernel_kzalloc_(at, bytes, gfp);
}

void kernel_kfree_(const struct kernel_at_ *at, const void *p)
{
	sync_event_at(&at->site, KFREE);
	sync_free_((void *)(uintptr_t)p, &at->site);
}

/* --- arrays by index ------------------------------------------------------- */

static void **slot_of(const struct kernel_at_ *at, struct xarray *xa, unsigned long index)
{
	if (index >= XARRAY_MAX)
		explore_assert_failed("an index of an xarray is less than XARRAY_MAX",
				      at->site.file, at->site.line);
	return &xa->slot[index];
}

void *kernel_xa_load_(const struct kernel_at_ *at, struct xarray *xa, unsigned long index)
{
	return kernel_read_pointer_(at, slot_of(at, xa, index), KERNEL_ACQUIRE_);
}

void *kernel___xa_store_(const struct kernel_at_ *at, struct xarray *xa, unsigned long index,
			 void *entry, gfp_t gfp)
{
	void **slot = slot_of(at, xa, index), *was;

	(void)gfp;
	sync_assert_held_(&xa->xa_lock, &at->site);
	was = (void *)(uintptr_t)sync_write_(
		slot, access_of(slot, SYNC_STORE, sizeof(*slot), KERNEL_RELEASE_, SYNC_SET),
		(uintptr_t)entry, &at->site);
	say(at, "store", (int64_t)(uintptr_t)entry);
	return was;
}

void *kernel___xa_erase_(const struct kernel_at_ *at, struct xarray *xa, unsigned long index)
{
	return kernel___xa_store_(at, xa, index, NULL, GFP_ATOMIC);
}

void *kernel_xa_store_(const struct kernel_at_ *at, struct xarray *xa, unsigned long index,
		       void *entry, gfp_t gfp)
{
	void *was;

	kernel_allocates_(at, gfp);
	touch(xa, sizeof(*xa));
	sync_lock_(&xa->xa_lock.owner, SYNC_UNRANKED, SYNC_SPINS, &at->site);
	was = kernel___xa_store_(at, xa, index, entry, gfp);
	sync_unlock_(&xa->xa_lock.owner, SYNC_SPINS, &at->site);
	return was;
}

void *kernel_xa_erase_(const struct kernel_at_ *at, struct xarray *xa, unsigned long index)
{
	return kernel_xa_store_(at, xa, index, NULL, GFP_ATOMIC);
}

/* --- asserting ------------------------------------------------------------- */

bool kernel_warn_(const struct kernel_at_ *at)
{
	const char *base = strrchr(at->site.file, '/');

	explore_fail(ORACLE_ASSERTION, "%s:%d: %s", base ? base + 1 : at->site.file, at->site.line,
		     at->text);
	return true;
}

/* assert() of the C library. */
_Noreturn void __assert_fail(const char *expr, const char *file, unsigned line,
			     const char *function);

_Noreturn void __assert_fail(const char *expr, const char *file, unsigned line,
			     const char *function)
{
	(void)function;
	base_assert_failed(expr, file, (int)line);
}
