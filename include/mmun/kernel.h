/* SPDX-License-Identifier: MIT */
/*
 * kernel.h - Linux's names for checks in C: locks, atomics, RCU, waiting, memory, lists.
 *
 * What stands here does what Linux's does, and is a point where the explorer may let
 * another thread run and judges what is done there. Whatever is not here (plain loads
 * and stores, list operations) runs together with the operation before it, and
 * races in it are not seen: see docs/checks.md. Accesses to one variable are all of
 * its own type and size.
 *
 * Locks may be taken in any order: an order that deadlocks is found by deadlocking.
 * Zeroed locks, queues and counters are initialized. Set-up and end may call
 * everything that does not have to wait.
 */
#ifndef MMUN_KERNEL_H
#define MMUN_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mmun/explore.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifndef MMUN_SYNC_SITE
#define MMUN_SYNC_SITE
struct sync_site { const char *file, *function; int line; };
#endif

/* Used by the macros below: where they stand, and what they do. */
#define KERNEL_SITE_ __extension__({ \
	static const struct sync_site site_ = { __FILE__, __func__, __LINE__ }; \
	&site_; })

enum kernel_access_kind { KERNEL_READ_, KERNEL_WRITE_, KERNEL_UPDATE_ };

void kernel_access_(enum kernel_access_kind kind, const volatile void *word, size_t size,
		    const struct sync_site *site);
/* For the picture: @text, and "= @value" if it has one. */
void kernel_say_(const struct sync_site *site, const char *text, int64_t value);
void kernel_note_(const struct sync_site *site, const char *fmt, ...)
	EXPLORE_PRINTF_LIKE(2, 3);

/* --- words: 1, 2, 4 or 8 bytes -------------------------------------------- */

#define KERNEL_READ_AS_(name, x) __extension__({ \
	__typeof__(x) *at_ = &(x); \
	kernel_access_(KERNEL_READ_, at_, sizeof(*at_), KERNEL_SITE_); \
	__typeof__(*at_) got_ = *(volatile __typeof__(*at_) *)at_; \
	kernel_say_(KERNEL_SITE_, name "(" #x ")", (int64_t)(intptr_t)got_); \
	got_; })
#define KERNEL_WRITE_AS_(name, x, v) __extension__({ \
	__typeof__(x) *to_ = &(x), new_ = (v); \
	kernel_access_(KERNEL_WRITE_, to_, sizeof(*to_), KERNEL_SITE_); \
	*(volatile __typeof__(*to_) *)to_ = new_; \
	kernel_say_(KERNEL_SITE_, name "(" #x ")", (int64_t)(intptr_t)new_); })
/* @update of *at_ from old_; the value is @result. */
#define KERNEL_UPDATE_AS_(name, kind, p, update, result) __extension__({ \
	__typeof__(p) at_ = (p); \
	kernel_access_(kind, at_, sizeof(*at_), KERNEL_SITE_); \
	__typeof__(*at_) old_ = *at_; \
	update; \
	kernel_say_(KERNEL_SITE_, name, (int64_t)(intptr_t)(result)); \
	(result); })

#define READ_ONCE(x) KERNEL_READ_AS_("READ_ONCE", x)
#define WRITE_ONCE(x, v) KERNEL_WRITE_AS_("WRITE_ONCE", x, v)
#define smp_load_acquire(p) KERNEL_READ_AS_("smp_load_acquire", *(p))
#define smp_store_release(p, v) KERNEL_WRITE_AS_("smp_store_release", *(p), v)
#define rcu_dereference(p) KERNEL_READ_AS_("rcu_dereference", p)
#define rcu_assign_pointer(p, v) KERNEL_WRITE_AS_("rcu_assign_pointer", p, v)

/* The old value. */
#define xchg(p, v) __extension__({ \
	__typeof__(*(p)) put_ = (v); \
	KERNEL_UPDATE_AS_("xchg(" #p ", " #v ")", KERNEL_UPDATE_, p, *at_ = put_, old_); })
#define cmpxchg(p, o, n) __extension__({ \
	__typeof__(*(p)) want_ = (o), put_ = (n); \
	KERNEL_UPDATE_AS_("cmpxchg(" #p ", " #o ", " #n ")", KERNEL_UPDATE_, p, \
			  if (old_ == want_) *at_ = put_, old_); })
/* true if it was *o and is n; else *o is what it is. */
#define try_cmpxchg(p, o, n) __extension__({ \
	__typeof__(*(p)) *want_ = (o), put_ = (n); \
	KERNEL_UPDATE_AS_("try_cmpxchg(" #p ", " #n ")", KERNEL_UPDATE_, p, \
			  bool same_ = old_ == *want_; \
			  if (same_) *at_ = put_; else *want_ = old_, same_); })

/*
 * In a loop that asks until something has changed: goes on when the word that the thread
 * has loaded last (READ_ONCE() and so on), or updated just now, is another one than then.
 * If it never is, the thread tries again for ever, which is a finding. Without it a loop
 * that waits for another thread has no last round, and ends at the bound on steps.
 */
#define cpu_relax() kernel_relax_(KERNEL_SITE_)
void kernel_relax_(const struct sync_site *site);

/* Sequential consistency needs none. */
#define barrier() __asm__ volatile("" ::: "memory")
#define smp_mb() barrier()
#define smp_rmb() barrier()
#define smp_wmb() barrier()
#define smp_mb__before_atomic() barrier()
#define smp_mb__after_atomic() barrier()

typedef struct { int counter; } atomic_t;
typedef struct { int64_t counter; } atomic64_t;
#define ATOMIC_INIT(i) { (i) }

#define KERNEL_ADD_AS_(name, v, i) ((void)KERNEL_UPDATE_AS_(name "(" #v ")", KERNEL_UPDATE_, \
	&(v)->counter, *at_ = old_ + (i), *at_))
#define KERNEL_RETURN_AS_(name, v, i, result) KERNEL_UPDATE_AS_(name "(" #v ")", \
	KERNEL_UPDATE_, &(v)->counter, *at_ = old_ + (i), result)

#define atomic_read(v) KERNEL_READ_AS_("atomic_read", (v)->counter)
#define atomic_set(v, i) ((void)KERNEL_WRITE_AS_("atomic_set", (v)->counter, i))
#define atomic_inc(v) KERNEL_ADD_AS_("atomic_inc", v, 1)
#define atomic_dec(v) KERNEL_ADD_AS_("atomic_dec", v, -1)
#define atomic_add(i, v) KERNEL_ADD_AS_("atomic_add", v, i)
#define atomic_sub(i, v) KERNEL_ADD_AS_("atomic_sub", v, -(i))
#define atomic_inc_return(v) KERNEL_RETURN_AS_("atomic_inc_return", v, 1, *at_)
#define atomic_dec_return(v) KERNEL_RETURN_AS_("atomic_dec_return", v, -1, *at_)
#define atomic_add_return(i, v) KERNEL_RETURN_AS_("atomic_add_return", v, i, *at_)
#define atomic_fetch_add(i, v) KERNEL_RETURN_AS_("atomic_fetch_add", v, i, old_)
#define atomic_dec_and_test(v) KERNEL_RETURN_AS_("atomic_dec_and_test", v, -1, *at_ == 0)
#define atomic_inc_not_zero(v) KERNEL_RETURN_AS_("atomic_inc_not_zero", v, old_ != 0, old_ != 0)
#define atomic_xchg(v, n) xchg(&(v)->counter, n)
#define atomic_cmpxchg(v, o, n) cmpxchg(&(v)->counter, o, n)
#define atomic_try_cmpxchg(v, o, n) try_cmpxchg(&(v)->counter, o, n)
#define atomic64_read atomic_read
#define atomic64_set atomic_set
#define atomic64_inc atomic_inc
#define atomic64_dec atomic_dec
#define atomic64_add atomic_add
#define atomic64_inc_return atomic_inc_return
#define atomic64_dec_and_test atomic_dec_and_test

/* A count that came back from 0, or went below, is a finding. */
typedef struct { int counter; } refcount_t;
#define REFCOUNT_INIT(n) { (n) }
#define refcount_read(r) KERNEL_READ_AS_("refcount_read", (r)->counter)
#define refcount_set(r, n) ((void)KERNEL_WRITE_AS_("refcount_set", (r)->counter, n))
#define refcount_inc(r) ((void)KERNEL_UPDATE_AS_("refcount_inc(" #r ")", KERNEL_UPDATE_, \
	&(r)->counter, EXPLORE_ASSERT(old_ > 0 && "refcount"); *at_ = old_ + 1, *at_))
#define refcount_inc_not_zero(r) KERNEL_RETURN_AS_("refcount_inc_not_zero", r, old_ != 0, \
	old_ != 0)
#define refcount_dec_and_test(r) KERNEL_UPDATE_AS_("refcount_dec_and_test(" #r ")", \
	KERNEL_UPDATE_, &(r)->counter, EXPLORE_ASSERT(old_ > 0 && "refcount"); \
	*at_ = old_ - 1, *at_ == 0)

/* --- locks ---------------------------------------------------------------- */

typedef struct { uint32_t owner, unused; } spinlock_t;
struct mutex { uint32_t owner, unused; };
struct rw_semaphore { uint32_t owner, unused; int32_t readers; };
typedef struct { struct rw_semaphore sem; } rwlock_t;

#define DEFINE_SPINLOCK(l) spinlock_t l
#define DEFINE_MUTEX(l) struct mutex l
#define DECLARE_RWSEM(s) struct rw_semaphore s
#define DEFINE_RWLOCK(l) rwlock_t l

void kernel_lock_(uint32_t *owner, bool spins, const char *name, const struct sync_site *site);
bool kernel_trylock_(uint32_t *owner, const char *name, const struct sync_site *site);
void kernel_unlock_(uint32_t *owner, bool spins, const char *name, const struct sync_site *site);
void kernel_down_(struct rw_semaphore *sem, bool read, bool spins, const char *name,
		  const struct sync_site *site);
void kernel_up_(struct rw_semaphore *sem, bool read, const char *name,
		const struct sync_site *site);
void kernel_assert_held_(const void *lock, const struct sync_site *site);
void kernel_might_sleep_(const struct sync_site *site);
void kernel_atomic_(bool begin);

/* There is no spin_trylock(): see docs/checks.md. */
#define spin_lock_init(l) ((void)(*(l) = (spinlock_t){ 0, 0 }))
#define spin_lock(l) kernel_lock_(&(l)->owner, true, #l, KERNEL_SITE_)
#define spin_unlock(l) kernel_unlock_(&(l)->owner, true, #l, KERNEL_SITE_)
#define spin_lock_irq spin_lock
#define spin_unlock_irq spin_unlock
#define spin_lock_irqsave(l, flags) ((void)((flags) = 0), spin_lock(l))
#define spin_unlock_irqrestore(l, flags) ((void)(flags), spin_unlock(l))

#define mutex_init(l) ((void)(*(l) = (struct mutex){ 0, 0 }))
#define mutex_lock(l) kernel_lock_(&(l)->owner, false, #l, KERNEL_SITE_)
#define mutex_trylock(l) kernel_trylock_(&(l)->owner, #l, KERNEL_SITE_)
#define mutex_unlock(l) kernel_unlock_(&(l)->owner, false, #l, KERNEL_SITE_)

#define init_rwsem(s) ((void)(*(s) = (struct rw_semaphore){ 0, 0, 0 }))
#define down_read(s) kernel_down_((s), true, false, #s, KERNEL_SITE_)
#define up_read(s) kernel_up_((s), true, #s, KERNEL_SITE_)
#define down_write(s) kernel_down_((s), false, false, #s, KERNEL_SITE_)
#define up_write(s) kernel_up_((s), false, #s, KERNEL_SITE_)

#define rwlock_init(l) init_rwsem(&(l)->sem)
#define read_lock(l) kernel_down_(&(l)->sem, true, true, #l, KERNEL_SITE_)
#define read_unlock(l) kernel_up_(&(l)->sem, true, #l, KERNEL_SITE_)
#define write_lock(l) kernel_down_(&(l)->sem, false, true, #l, KERNEL_SITE_)
#define write_unlock(l) kernel_up_(&(l)->sem, false, #l, KERNEL_SITE_)

#define lockdep_assert_held(l) kernel_assert_held_((l), KERNEL_SITE_)
#define might_sleep() kernel_might_sleep_(KERNEL_SITE_)
#define cond_resched() might_sleep()
#define preempt_disable() kernel_atomic_(true)
#define preempt_enable() kernel_atomic_(false)

/* --- RCU ------------------------------------------------------------------ */

void kernel_rcu_lock_(const struct sync_site *site);
void kernel_rcu_unlock_(const struct sync_site *site);
void kernel_synchronize_rcu_(const struct sync_site *site);

#define rcu_read_lock() kernel_rcu_lock_(KERNEL_SITE_)
#define rcu_read_unlock() kernel_rcu_unlock_(KERNEL_SITE_)
#define synchronize_rcu() kernel_synchronize_rcu_(KERNEL_SITE_)

/* --- waiting -------------------------------------------------------------- */

typedef struct wait_queue_head { uint64_t wakeups; } wait_queue_head_t;
struct completion { uint64_t done; };

#define DECLARE_WAIT_QUEUE_HEAD(q) wait_queue_head_t q
#define DECLARE_COMPLETION(c) struct completion c

uint64_t kernel_enqueue_(wait_queue_head_t *queue, const struct sync_site *site);
void kernel_sleep_(wait_queue_head_t *queue, uint64_t seen, const char *name,
		   const struct sync_site *site);
void kernel_wake_(wait_queue_head_t *queue, const char *name, const struct sync_site *site);
void kernel_complete_(struct completion *c, bool all, const char *name,
		      const struct sync_site *site);
void kernel_wait_for_(struct completion *c, const char *name, const struct sync_site *site);

#define init_waitqueue_head(q) ((void)((q)->wakeups = 0))
/* Asks @condition, which READ_ONCE()s what others change; sleeps until woken; again. */
#define wait_event(q, condition) do { \
	for (;;) { \
		uint64_t seen_ = kernel_enqueue_(&(q), KERNEL_SITE_); \
		if (condition) \
			break; \
		kernel_sleep_(&(q), seen_, #q, KERNEL_SITE_); \
	} \
} while (0)
/* Sleeps until the next wake_up(), which may have gone by: Linux has thrown it out. */
#define sleep_on(q) kernel_sleep_((q), kernel_enqueue_((q), KERNEL_SITE_), #q, KERNEL_SITE_)
#define wake_up(q) kernel_wake_((q), #q, KERNEL_SITE_)
#define wake_up_all wake_up

#define init_completion(c) ((void)((c)->done = 0))
#define complete(c) kernel_complete_((c), false, #c, KERNEL_SITE_)
#define complete_all(c) kernel_complete_((c), true, #c, KERNEL_SITE_)
#define wait_for_completion(c) kernel_wait_for_((c), #c, KERNEL_SITE_)

/* --- memory: freed once, not touched afterwards, all of it freed at the end -- */

typedef enum { GFP_ATOMIC, GFP_KERNEL } gfp_t;

void *kernel_alloc_(size_t size, gfp_t gfp, const struct sync_site *site);
void kernel_free_(const void *p, const struct sync_site *site);

#define kmalloc(size, gfp) kernel_alloc_((size), (gfp), KERNEL_SITE_)
#define kzalloc(size, gfp) kernel_alloc_((size), (gfp), KERNEL_SITE_)
#define kfree(p) kernel_free_((p), KERNEL_SITE_)

/* --- saying and asserting ------------------------------------------------- */

/* A line of the picture. */
#define pr_info(...) kernel_note_(KERNEL_SITE_, __VA_ARGS__)
#define BUG_ON(condition) EXPLORE_ASSERT(!(condition))
#define WARN_ON(condition) __extension__({ \
	bool warn_ = (condition); \
	if (warn_) \
		explore_fail(ORACLE_ASSERTION, "%s:%d: WARN_ON(%s)", __FILE__, __LINE__, \
			     #condition); \
	warn_; })
#define WARN_ON_ONCE WARN_ON

/* --- lists, under the user's lock ----------------------------------------- */

#ifndef container_of
#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))
#endif

struct list_head { struct list_head *next, *prev; };

#define LIST_HEAD_INIT(head) { &(head), &(head) }
#define LIST_HEAD(head) struct list_head head = LIST_HEAD_INIT(head)

static inline void INIT_LIST_HEAD(struct list_head *head) { head->next = head->prev = head; }
static inline bool list_empty(const struct list_head *head) { return head->next == head; }

static inline void list_add_tail(struct list_head *entry, struct list_head *head)
{
	entry->prev = head->prev;
	entry->next = head;
	head->prev->next = entry;
	head->prev = entry;
}

static inline void list_add(struct list_head *entry, struct list_head *head)
{
	list_add_tail(entry, head->next);
}

/* entry may be deleted again only after it was added again. */
static inline void list_del(struct list_head *entry)
{
	entry->prev->next = entry->next;
	entry->next->prev = entry->prev;
	entry->next = entry->prev = NULL;
}

static inline void list_del_init(struct list_head *entry)
{
	list_del(entry);
	INIT_LIST_HEAD(entry);
}

#define list_entry container_of
#define list_first_entry(head, type, member) list_entry((head)->next, type, member)
#define list_for_each_entry(at, head, member) \
	for (at = list_first_entry((head), __typeof__(*at), member); &at->member != (head); \
	     at = list_entry(at->member.next, __typeof__(*at), member))
/* at may be deleted. */
#define list_for_each_entry_safe(at, after, head, member) \
	for (at = list_first_entry((head), __typeof__(*at), member), \
	     after = list_entry(at->member.next, __typeof__(*at), member); \
	     &at->member != (head); \
	     at = after, after = list_entry(at->member.next, __typeof__(*at), member))

#ifdef __cplusplus
}
#endif

#endif
