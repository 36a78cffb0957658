/* SPDX-License-Identifier: MIT */
/*
 * kernel.c - what stands behind mmun/kernel.h: the door's operations, for code that uses
 * Linux's types. Each function is one visible operation and a note for the picture.
 *
 * The public header cannot show the door's header, since the door's names are Linux's with
 * other arguments. So the two meet only here, and lock words have the door's layout.
 */
#include <stdarg.h>
#include <stdio.h>

#include "checks/names/names.h"

_Static_assert(offsetof(struct rw_semaphore, readers) == offsetof(rwsem_t, readers) &&
	       offsetof(struct rw_semaphore, owner) == offsetof(rwsem_t, owner) &&
	       sizeof(spinlock_t) == sizeof(spin_t) && sizeof(struct mutex) == sizeof(mutex_t),
	       "the explorer looks into locks");

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "the macros of kernel.h take values from the first bytes of what they are given");

/* --- words --------------------------------------------------------------- */

static const uint8_t order_of[] = {
	[KERNEL_RELAXED_] = SYNC_RELAXED, [KERNEL_ACQUIRE_] = SYNC_ACQUIRE,
	[KERNEL_RELEASE_] = SYNC_RELEASE, [KERNEL_ACQ_REL_] = SYNC_ACQ_REL,
	[KERNEL_FULL_] = SYNC_FULL, [KERNEL_READS_] = SYNC_READS, [KERNEL_WRITES_] = SYNC_WRITES,
};

static const uint8_t update_of[] = {
	[KERNEL_SET_TO_] = SYNC_SET, [KERNEL_SET_IF_] = SYNC_SET_IF, [KERNEL_ADD_TO_] = SYNC_ADD_TO,
	[KERNEL_ADD_UNLESS_] = SYNC_ADD_UNLESS, [KERNEL_AND_] = SYNC_AND, [KERNEL_OR_] = SYNC_OR,
};

static struct sync_access access_of(const volatile void *word, enum sync_kind kind, size_t size,
				    enum kernel_order_ order, uint8_t update)
{
	ASSERT(size == 1 || size == 2 || size == 4 || size == 8);
	/* A wild pointer is to fault here, not in the explorer. */
	(void)*(const volatile char *)word;
	(void)*((const volatile char *)word + size - 1);
	return (struct sync_access){ (uint8_t)kind, (uint8_t)size, order_of[order], update };
}

uint64_t kernel_load_(const volatile void *word, size_t size, enum kernel_order_ order,
		      const struct sync_site *site)
{
	return sync_read_((const void *)(uintptr_t)word,
			  access_of(word, SYNC_LOAD, size, order, SYNC_KEEP), site);
}

void kernel_store_(volatile void *word, size_t size, uint64_t value, enum kernel_order_ order,
		   const struct sync_site *site)
{
	sync_write_((void *)(uintptr_t)word,
		    access_of(word, SYNC_STORE, size, order, SYNC_SET), value, site);
}

uint64_t kernel_update_(volatile void *word, size_t size, enum kernel_update_ update, uint64_t a,
			uint64_t b, enum kernel_order_ order, const struct sync_site *site)
{
	return sync_update_((void *)(uintptr_t)word,
			    access_of(word, SYNC_RMW, size, order, update_of[update]), a, b, site);
}

void kernel_fence_(enum kernel_order_ order, const struct sync_site *site)
{
	sync_fence_(order_of[order], site);
}

void kernel_relax_(const struct sync_site *site) { sync_relax_(site); }

void kernel_say_(const struct sync_site *site, const char *text, int64_t value)
{
	char address[64];

	if (!sync_recording)
		return;
	if (sync_address_text((uint64_t)value, address, sizeof(address)))
		sync_event_at(site, VALUE_NAMED, (uintptr_t)text, (uintptr_t)address);
	else
		sync_event_at(site, VALUE, (uintptr_t)text, (uint64_t)value);
}

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

/* --- locks --------------------------------------------------------------- */

/* An event with the word NAME: the argument as it was written, what it is the address of. */
#define say(site, kind, name) sync_event_at(site, kind, (uintptr_t)((name) + (*(name) == '&')))

void kernel_lock_(uint32_t *owner, bool spins, const char *name, const struct sync_site *site)
{
	(void)*(volatile uint32_t *)owner;
	sync_lock_(owner, SYNC_UNRANKED, spins ? SYNC_SPINS : SYNC_SLEEPS, site);
	say(site, LOCK, name);
}

bool kernel_trylock_(uint32_t *owner, const char *name, const struct sync_site *site)
{
	bool taken;

	(void)*(volatile uint32_t *)owner;
	taken = sync_trylock_(owner, SYNC_UNRANKED, site);
	if (taken)
		say(site, LOCK, name);
	else
		say(site, TRYLOCK_FAIL, name);
	return taken;
}

void kernel_unlock_(uint32_t *owner, bool spins, const char *name, const struct sync_site *site)
{
	sync_unlock_(owner, spins ? SYNC_SPINS : SYNC_SLEEPS, site);
	say(site, UNLOCK, name);
}

void kernel_down_(struct rw_semaphore *sem, bool read, bool spins, const char *name,
		  const struct sync_site *site)
{
	(void)*(volatile uint32_t *)&sem->owner;
	sync_down_((rwsem_t *)(void *)sem, read, SYNC_UNRANKED, spins ? SYNC_SPINS : SYNC_SLEEPS,
		   site);
	if (read)
		say(site, LOCK_READ, name);
	else
		say(site, LOCK_WRITE, name);
}

void kernel_up_(struct rw_semaphore *sem, bool read, const char *name,
		const struct sync_site *site)
{
	sync_up_((rwsem_t *)(void *)sem, read, site);
	say(site, UNLOCK, name);
}

void kernel_assert_held_(const void *lock, const struct sync_site *site)
{
	sync_assert_held_(lock, site);
}

void kernel_might_sleep_(const struct sync_site *site) { sync_might_sleep_(site); }

void kernel_atomic_(bool begin)
{
	if (begin)
		sync_nonblock_begin();
	else
		sync_nonblock_end();
}

/* --- RCU ----------------------------------------------------------------- */

void kernel_rcu_lock_(const struct sync_site *site)
{
	sync_rcu_lock_(site);
	sync_event_at(site, RCU_LOCK);
}

void kernel_rcu_unlock_(const struct sync_site *site)
{
	sync_rcu_unlock_(site);
	sync_event_at(site, RCU_UNLOCK);
}

void kernel_synchronize_rcu_(const struct sync_site *site)
{
	sync_rcu_synchronize_(site);
	sync_event_at(site, RCU_SYNCHRONIZE);
}

int kernel_srcu_lock_(struct srcu_struct *srcu, const char *name, const struct sync_site *site)
{
	(void)*(volatile uint64_t *)&srcu->unused;
	sync_srcu_lock_(srcu, site);
	say(site, SRCU_LOCK, name);
	return 0;
}

void kernel_srcu_unlock_(struct srcu_struct *srcu, const char *name, const struct sync_site *site)
{
	sync_srcu_unlock_(srcu, site);
	say(site, SRCU_UNLOCK, name);
}

void kernel_synchronize_srcu_(struct srcu_struct *srcu, const char *name,
			      const struct sync_site *site)
{
	sync_srcu_synchronize_(srcu, site);
	say(site, SRCU_SYNCHRONIZE, name);
}

/* --- waiting ------------------------------------------------------------- */

static bool differs(uint64_t word, uint64_t seen) { return word != seen; }

/* A queue is the number of its wake-ups: who sleeps waits for the next one. */
uint64_t kernel_enqueue_(wait_queue_head_t *queue, const struct sync_site *site)
{
	return kernel_load_(&queue->wakeups, sizeof(queue->wakeups), KERNEL_ACQUIRE_, site);
}

void kernel_sleep_(wait_queue_head_t *queue, uint64_t seen, const char *name,
		   const struct sync_site *site)
{
	sync_await_((const atomic_u64 *)(const void *)&queue->wakeups, differs, seen, site);
	say(site, WOKEN, name);
}

void kernel_wake_(wait_queue_head_t *queue, const char *name, const struct sync_site *site)
{
	kernel_update_(&queue->wakeups, sizeof(queue->wakeups), KERNEL_ADD_TO_, 1, 0, KERNEL_FULL_,
		       site);
	say(site, WAKE, name);
}

/* complete_all() counts as so many that they never run out. */
enum { COMPLETE_ALL = 1 << 30 };

void kernel_complete_(struct completion *c, bool all, const char *name,
		      const struct sync_site *site)
{
	if (all)
		kernel_update_(&c->done, sizeof(c->done), KERNEL_SET_TO_, COMPLETE_ALL, 0,
			       KERNEL_RELEASE_, site);
	else
		kernel_update_(&c->done, sizeof(c->done), KERNEL_ADD_UNLESS_, 1, COMPLETE_ALL,
			       KERNEL_RELEASE_, site);
	if (all)
		say(site, COMPLETE_ALL, name);
	else
		say(site, COMPLETE, name);
}

void kernel_wait_for_(struct completion *c, const char *name, const struct sync_site *site)
{
	const struct sync_access take = { SYNC_RMW, sizeof(c->done), SYNC_ACQUIRE, SYNC_TAKE };

	do /* another waiter may be faster */
		sync_await_((const atomic_u64 *)(const void *)&c->done, differs, 0, site);
	while (!sync_update_(&c->done, take, 0, COMPLETE_ALL, site));
	say(site, COMPLETED, name);
}

/* --- memory -------------------------------------------------------------- */

void *kernel_alloc_(size_t size, gfp_t gfp, const struct sync_site *site)
{
	void *p;

	if (gfp == GFP_KERNEL)
		sync_might_sleep_(site);
	p = sync_alloc_(size, site);
	sync_event_at(site, KMALLOC, size, !p);
	return p;
}

void kernel_free_(const void *p, const struct sync_site *site)
{
	sync_event_at(site, KFREE);
	sync_free_((void *)(uintptr_t)p, site);
}

/* --- assert() of the C library ------------------------------------------- */

_Noreturn void __assert_fail(const char *expr, const char *file, unsigned line,
			     const char *function);

_Noreturn void __assert_fail(const char *expr, const char *file, unsigned line,
			     const char *function)
{
	(void)function;
	base_assert_failed(expr, file, (int)line);
}
