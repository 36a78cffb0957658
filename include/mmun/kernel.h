/* SPDX-License-Identifier: MIT */
/*
 * kernel.h - Linux's names for checks in C: locks, atomics, RCU, waiting, memory, lists.
 *
 * What stands here does what Linux's does, and is a point where the explorer may let
 * another thread run and judges what is done there. Whatever is not here (plain loads
 * and stores, list operations) runs together with the operation before it, and is
 * watched for races: see docs/checks.md. Marked accesses to one variable are all of its
 * own type and size.
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

/* Does the step that this is the condition of happen? Yes, unless it is being left out to see
 * whether it is needed: "mmun when --superfluous". what: the step in a few words, lasts. */
#define explore_optional(what) explore_optional_((what), KERNEL_SITE_)
bool explore_optional_(const char *what, const struct sync_site *site);

/* --- words: 1, 2, 4 or 8 bytes -------------------------------------------- */

#define KERNEL_READ_AS_(name, x) __extension__({ \
	__typeof__(x) *at_ = &(x); \
	kernel_access_(KERNEL_READ_, at_, sizeof(*at_), KERNEL_SITE_); \
	__typeof__(*at_) got_ = *(volatile __typeof__(*at_) *)at_; \
	kernel_say_(KERNEL_SITE_, (name), (int64_t)(intptr_t)got_); \
	got_; })
#define KERNEL_WRITE_AS_(name, x, v) __extension__({ \
	__typeof__(x) *to_ = &(x), new_ = (v); \
	kernel_access_(KERNEL_WRITE_, to_, sizeof(*to_), KERNEL_SITE_); \
	*(volatile __typeof__(*to_) *)to_ = new_; \
	kernel_say_(KERNEL_SITE_, (name), (int64_t)(intptr_t)new_); })
/* @update of *at_ from old_; the value is @result. */
#define KERNEL_UPDATE_AS_(name, kind, p, update, result) __extension__({ \
	volatile __typeof__(*(p)) *at_ = (p); \
	kernel_access_(kind, at_, sizeof(*at_), KERNEL_SITE_); \
	__typeof__(*(p)) old_ = *at_; \
	update; \
	kernel_say_(KERNEL_SITE_, name, (int64_t)(intptr_t)(result)); \
	(result); })

#define READ_ONCE(x) KERNEL_READ_AS_("READ_ONCE(" #x ")", x)
#define WRITE_ONCE(x, v) KERNEL_WRITE_AS_("WRITE_ONCE(" #x ")", x, v)
#define smp_load_acquire(p) KERNEL_READ_AS_("smp_load_acquire(" #p ")", *(p))
#define smp_store_release(p, v) KERNEL_WRITE_AS_("smp_store_release(" #p ")", *(p), v)
#define rcu_dereference(p) KERNEL_READ_AS_("rcu_dereference(" #p ")", p)
#define rcu_assign_pointer(p, v) KERNEL_WRITE_AS_("rcu_assign_pointer(" #p ")", p, v)

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
 * In a loop that asks until another thread has changed something: after a round that has
 * written nothing, and seen in at most four words what the round before saw, it waits
 * until one of them is another one. If that never comes the thread tries again for ever,
 * which is a finding. Without it a loop that waits for another thread has no last round,
 * and ends at the bound on steps. Leave it out of loops that give up by themselves: with
 * it their later rounds are not run, and the search says that it was not complete.
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

#define KERNEL_ADD_AS_(name, v, i) ((void)KERNEL_UPDATE_AS_(name, KERNEL_UPDATE_, \
	&(v)->counter, *at_ = old_ + (i), *at_))
#define KERNEL_RETURN_AS_(name, v, i, result) KERNEL_UPDATE_AS_(name, \
	KERNEL_UPDATE_, &(v)->counter, *at_ = old_ + (i), result)

#define atomic_read(v) KERNEL_READ_AS_("atomic_read(" #v ")", (v)->counter)
#define atomic_set(v, i) ((void)KERNEL_WRITE_AS_("atomic_set(" #v ")", (v)->counter, i))
#define atomic_inc(v) KERNEL_ADD_AS_("atomic_inc(" #v ")", v, 1)
#define atomic_dec(v) KERNEL_ADD_AS_("atomic_dec(" #v ")", v, -1)
#define atomic_add(i, v) KERNEL_ADD_AS_("atomic_add(" #v ")", v, i)
#define atomic_sub(i, v) KERNEL_ADD_AS_("atomic_sub(" #v ")", v, -(i))
#define atomic_inc_return(v) KERNEL_RETURN_AS_("atomic_inc_return(" #v ")", v, 1, *at_)
#define atomic_dec_return(v) KERNEL_RETURN_AS_("atomic_dec_return(" #v ")", v, -1, *at_)
#define atomic_add_return(i, v) KERNEL_RETURN_AS_("atomic_add_return(" #v ")", v, i, *at_)
#define atomic_fetch_add(i, v) KERNEL_RETURN_AS_("atomic_fetch_add(" #v ")", v, i, old_)
#define atomic_dec_and_test(v) KERNEL_RETURN_AS_("atomic_dec_and_test(" #v ")", v, -1, *at_ == 0)
#define atomic_inc_not_zero(v) KERNEL_RETURN_AS_("atomic_inc_not_zero(" #v ")", v, old_ != 0, \
	old_ != 0)
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
#define refcount_read(r) KERNEL_READ_AS_("refcount_read(" #r ")", (r)->counter)
#define refcount_set(r, n) ((void)KERNEL_WRITE_AS_("refcount_set(" #r ")", (r)->counter, n))
#define refcount_inc(r) ((void)KERNEL_UPDATE_AS_("refcount_inc(" #r ")", KERNEL_UPDATE_, \
	&(r)->counter, EXPLORE_ASSERT(old_ > 0 && "refcount"); *at_ = old_ + 1, *at_))
#define refcount_inc_not_zero(r) KERNEL_RETURN_AS_("refcount_inc_not_zero(" #r ")", r, old_ != 0, \
	old_ != 0)
#define refcount_dec_and_test(r) KERNEL_UPDATE_AS_("refcount_dec_and_test(" #r ")", \
	KERNEL_UPDATE_, &(r)->counter, EXPLORE_ASSERT(old_ > 0 && "refcount"); \
	*at_ = old_ - 1, *at_ == 0)

struct kref { refcount_t refcount; };
#define kref_init(k) refcount_set(&(k)->refcount, 1)
#define kref_read(k) refcount_read(&(k)->refcount)
#define kref_get(k) refcount_inc(&(k)->refcount)
#define kref_get_unless_zero(k) refcount_inc_not_zero(&(k)->refcount)
/* true if it was the last reference, and release(k) has been called. */
#define kref_put(k, release) __extension__({ \
	struct kref *kref_ = (k); \
	bool last_ = refcount_dec_and_test(&kref_->refcount); \
	if (last_) \
		(release)(kref_); \
	last_; })

/* Bits of an array of unsigned long. */
#define KERNEL_LONG_BITS_ (8 * sizeof(unsigned long))
#define KERNEL_BIT_OF_(nr) (1ul << ((nr) % KERNEL_LONG_BITS_))
#define KERNEL_BIT_AS_(name, nr, addr, new) KERNEL_UPDATE_AS_(name "(" #nr ")", \
	KERNEL_UPDATE_, &(addr)[(nr) / KERNEL_LONG_BITS_], *at_ = (new), \
	(old_ & KERNEL_BIT_OF_(nr)) != 0)
#define set_bit(nr, addr) ((void)KERNEL_BIT_AS_("set_bit", nr, addr, old_ | KERNEL_BIT_OF_(nr)))
#define clear_bit(nr, addr) ((void)KERNEL_BIT_AS_("clear_bit", nr, addr, \
	old_ & ~KERNEL_BIT_OF_(nr)))
#define test_and_set_bit(nr, addr) KERNEL_BIT_AS_("test_and_set_bit", nr, addr, \
	old_ | KERNEL_BIT_OF_(nr))
#define test_and_clear_bit(nr, addr) KERNEL_BIT_AS_("test_and_clear_bit", nr, addr, \
	old_ & ~KERNEL_BIT_OF_(nr))
#define test_bit(nr, addr) ((KERNEL_READ_AS_("test_bit(" #nr ")", \
	(addr)[(nr) / KERNEL_LONG_BITS_]) & KERNEL_BIT_OF_(nr)) != 0)

/* Counts that a reader compares: writers exclude each other by a lock of their own. A
 * reader that meets an odd one waits for the writer. */
typedef struct { unsigned sequence; } seqcount_t;
#define seqcount_init(s) ((void)((s)->sequence = 0))
#define read_seqcount_begin(s) __extension__({ \
	unsigned seen_; \
	while ((seen_ = KERNEL_READ_AS_("read_seqcount_begin(" #s ")", (s)->sequence)) & 1) \
		cpu_relax(); \
	seen_; })
#define raw_read_seqcount(s) KERNEL_READ_AS_("raw_read_seqcount(" #s ")", (s)->sequence)
#define read_seqcount_retry(s, start) \
	(KERNEL_READ_AS_("read_seqcount_retry(" #s ")", (s)->sequence) != (start))
#define write_seqcount_begin(s) ((void)KERNEL_UPDATE_AS_("write_seqcount_begin(" #s ")", \
	KERNEL_UPDATE_, &(s)->sequence, *at_ = old_ + 1, *at_))
#define write_seqcount_end(s) ((void)KERNEL_UPDATE_AS_("write_seqcount_end(" #s ")", \
	KERNEL_UPDATE_, &(s)->sequence, *at_ = old_ + 1, *at_))

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

#define lockdep_assert_held_read lockdep_assert_held
#define lockdep_assert_held_write lockdep_assert_held
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

/* Sections that may sleep; a grace period waits for those of its own srcu_struct. */
struct srcu_struct { uint64_t unused; };
#define DEFINE_SRCU(s) struct srcu_struct s
#define DEFINE_STATIC_SRCU(s) static struct srcu_struct s

int kernel_srcu_lock_(struct srcu_struct *srcu, const char *name, const struct sync_site *site);
void kernel_srcu_unlock_(struct srcu_struct *srcu, const char *name,
			 const struct sync_site *site);
void kernel_synchronize_srcu_(struct srcu_struct *srcu, const char *name,
			      const struct sync_site *site);

#define init_srcu_struct(s) ((s)->unused = 0, 0)
#define cleanup_srcu_struct(s) ((void)(s))
#define srcu_read_lock(s) kernel_srcu_lock_((s), #s, KERNEL_SITE_)
#define srcu_read_unlock(s, index) ((void)(index), kernel_srcu_unlock_((s), #s, KERNEL_SITE_))
#define synchronize_srcu(s) kernel_synchronize_srcu_((s), #s, KERNEL_SITE_)

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
#define VM_BUG_ON BUG_ON
#define VM_WARN_ON WARN_ON
#define pr_warn pr_info
#define pr_err pr_info

/* --- words of every kernel file ------------------------------------------- */

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#ifndef ARRAY_SIZE
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#endif

/* Errors in pointers, down to -4095. */
static inline void *ERR_PTR(long error) { return (void *)(intptr_t)error; }
static inline long PTR_ERR(const void *p) { return (long)(intptr_t)p; }
static inline bool IS_ERR(const void *p) { return (uintptr_t)p >= (uintptr_t)-4095; }
static inline bool IS_ERR_OR_NULL(const void *p) { return !p || IS_ERR(p); }

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

struct hlist_head { struct hlist_node *first; };
struct hlist_node { struct hlist_node *next, **pprev; };

#define HLIST_HEAD_INIT { NULL }
#define HLIST_HEAD(head) struct hlist_head head = HLIST_HEAD_INIT
#define INIT_HLIST_HEAD(head) ((void)((head)->first = NULL))

static inline void INIT_HLIST_NODE(struct hlist_node *n)
{
	n->next = NULL;
	n->pprev = NULL;
}

static inline bool hlist_empty(const struct hlist_head *head) { return !head->first; }
static inline bool hlist_unhashed(const struct hlist_node *n) { return !n->pprev; }

/* With _rcu, what readers without the lock look at is written and read as they may. */
#define hlist_add_head_rcu(n, head) do { \
	struct hlist_node *node_ = (n), *first_ = (head)->first; \
	node_->pprev = &(head)->first; \
	WRITE_ONCE(node_->next, first_); \
	if (first_) \
		first_->pprev = &node_->next; \
	rcu_assign_pointer((head)->first, node_); \
} while (0)
#define hlist_del_rcu(n) do { \
	struct hlist_node *node_ = (n), *after_ = node_->next; \
	WRITE_ONCE(*node_->pprev, after_); \
	if (after_) \
		after_->pprev = node_->pprev; \
} while (0)
#define hlist_del_init_rcu(n) do { \
	struct hlist_node *gone_ = (n); \
	if (!hlist_unhashed(gone_)) { \
		hlist_del_rcu(gone_); \
		gone_->pprev = NULL; \
	} \
} while (0)

static inline void hlist_add_head(struct hlist_node *n, struct hlist_head *head)
{
	n->next = head->first;
	n->pprev = &head->first;
	if (n->next)
		n->next->pprev = &n->next;
	head->first = n;
}

static inline void hlist_del(struct hlist_node *n)
{
	*n->pprev = n->next;
	if (n->next)
		n->next->pprev = n->pprev;
	n->next = NULL;
	n->pprev = NULL;
}

#define hlist_entry container_of
#define hlist_entry_safe(node, type, member) __extension__({ \
	struct hlist_node *at_node_ = (node); \
	at_node_ ? hlist_entry(at_node_, type, member) : NULL; })
#define hlist_for_each_entry(at, head, member) \
	for (at = hlist_entry_safe((head)->first, __typeof__(*at), member); at; \
	     at = hlist_entry_safe(at->member.next, __typeof__(*at), member))
#define hlist_for_each_entry_rcu(at, head, member) \
	for (at = hlist_entry_safe(rcu_dereference((head)->first), __typeof__(*at), member); at; \
	     at = hlist_entry_safe(rcu_dereference(at->member.next), __typeof__(*at), member))
#define hlist_for_each_entry_srcu(at, head, member, held) \
	hlist_for_each_entry_rcu(at, head, member)

/* --- an xarray of few indices: loads need no lock, changes take its own ------- */

enum { XARRAY_MAX = 16 };

struct xarray { spinlock_t xa_lock; void *slot[XARRAY_MAX]; };

#define DEFINE_XARRAY(name) struct xarray name
#define xa_init(xa) spin_lock_init(&(xa)->xa_lock)
#define xa_lock(xa) spin_lock(&(xa)->xa_lock)
#define xa_unlock(xa) spin_unlock(&(xa)->xa_lock)
#define xa_load(xa, index) __extension__({ \
	unsigned long at_index_ = (index); \
	EXPLORE_ASSERT(at_index_ < XARRAY_MAX); \
	KERNEL_READ_AS_("xa_load(" #xa ", " #index ")", (xa)->slot[at_index_]); })
/* Under xa_lock; the old entry. */
#define __xa_store(xa, index, entry, gfp) __extension__({ \
	unsigned long at_index_ = (index); \
	(void)(gfp); \
	EXPLORE_ASSERT(at_index_ < XARRAY_MAX); \
	void *was_entry_ = (xa)->slot[at_index_]; \
	KERNEL_WRITE_AS_("xa_store(" #xa ", " #index ")", (xa)->slot[at_index_], entry); \
	was_entry_; })
#define __xa_erase(xa, index) __xa_store((xa), (index), NULL, GFP_ATOMIC)
#define xa_store(xa, index, entry, gfp) __extension__({ \
	xa_lock(xa); \
	void *before_ = __xa_store((xa), (index), (entry), (gfp)); \
	xa_unlock(xa); \
	before_; })
#define xa_erase(xa, index) xa_store((xa), (index), NULL, GFP_KERNEL)

#ifdef __cplusplus
}
#endif

#endif
