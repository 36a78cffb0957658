/* SPDX-License-Identifier: MIT */
/*
 * sync_native.h - the door in the shipped library: C11 atomics, pthreads, and
 * one epoch for RCU and guard sections. See sync.h for the contract.
 *
 * The epoch. Each thread owns a slot, a cache line with one word: 0 outside a
 * section, else the value of the global epoch when it entered. Entering is an
 * exchange and, where that is not one, a fence: the loads of the section are
 * acquire or relaxed, and C11 lets them overtake an exchange. It pairs with the
 * fence of who waits. Leaving is a release store. Who waits makes a full fence,
 * takes a new epoch, and looks at every slot until it is 0 or newer. No system
 * call, no reporting thread.
 */
#ifndef MMUN_SYNC_NATIVE_H
#define MMUN_SYNC_NATIVE_H

#include <pthread.h>
#include <stdatomic.h>

/* The size of the world: x86-64. */
enum {
	SYNC_PAGE_SHIFT = 12, /* a page is 1 << this many bytes */
	SYNC_TABLE_SHIFT = 9, /* a page table has 1 << this many entries */
	SYNC_CPU_TLB_SHIFT = 6,
	SYNC_SEQ_START = 2,   /* of numbers that count operations; even */
	SYNC_GENERATION_START = 0, /* of the entries of a TLB */
};

typedef struct { _Atomic(uint64_t) v; } atomic_u64;
typedef struct { _Atomic(void *) v; } atomic_ptr;

static inline uint64_t load_relaxed(const atomic_u64 *w)
{
	return atomic_load_explicit(&w->v, memory_order_relaxed);
}

static inline uint64_t load_acquire(const atomic_u64 *w)
{
	return atomic_load_explicit(&w->v, memory_order_acquire);
}

static inline void store_relaxed(atomic_u64 *w, uint64_t v)
{
	atomic_store_explicit(&w->v, v, memory_order_relaxed);
}

static inline void store_release(atomic_u64 *w, uint64_t v)
{
	atomic_store_explicit(&w->v, v, memory_order_release);
}

static inline uint64_t xchg_acq_rel(atomic_u64 *w, uint64_t v)
{
	return atomic_exchange_explicit(&w->v, v, memory_order_acq_rel);
}

static inline uint64_t add_acq_rel(atomic_u64 *w, uint64_t v)
{
	return atomic_fetch_add_explicit(&w->v, v, memory_order_acq_rel);
}

static inline void add_relaxed(atomic_u64 *w, uint64_t v)
{
	atomic_fetch_add_explicit(&w->v, v, memory_order_relaxed);
}

static inline bool cmpxchg_acq_rel(atomic_u64 *w, uint64_t *old, uint64_t v)
{
	return atomic_compare_exchange_strong_explicit(&w->v, old, v,
		memory_order_acq_rel, memory_order_acquire);
}

static inline void *load_ptr_acquire(const atomic_ptr *p)
{
	return atomic_load_explicit(&p->v, memory_order_acquire);
}

static inline void store_ptr_release(atomic_ptr *p, void *q)
{
	atomic_store_explicit(&p->v, q, memory_order_release);
}

#define load_ptr_along(p) load_ptr_acquire(p)
#define store_ptr_along(p, q) store_ptr_release((p), (q))

#define sync_plain_read(p)  ((void)sizeof(*(p)))
#define sync_plain_write(p) ((void)sizeof(*(p)))

/*
 * Locks. A spin lock is a byte-sized test-and-test-and-set; it yields after a
 * while, since user-space holders can be preempted. Ranks are checked when
 * the library is built with MMUN_DEBUG, before waiting: a thread that would wait
 * for itself learns it.
 */
typedef struct { _Atomic(uint32_t) v; uint32_t rank; } spin_t;
typedef struct { pthread_mutex_t m; uint32_t rank; } mutex_t;
/* downgrading: a writer becomes a reader; another writer lets go again and waits. */
typedef struct { pthread_rwlock_t l; uint32_t rank; atomic_u64 downgrading; } rwsem_t;

void sync_spin_slow(spin_t *l);

#ifdef MMUN_DEBUG
void sync_rank_take(const void *lock, uint32_t rank);
void sync_rank_drop(const void *lock);
void sync_rank_assert(const void *lock);
#else
static inline void sync_rank_take(const void *lock, uint32_t rank)
{
	(void)lock, (void)rank;
}
static inline void sync_rank_drop(const void *lock) { (void)lock; }
static inline void sync_rank_assert(const void *lock) { (void)lock; }
#endif

static inline void spin_init(spin_t *l, enum sync_rank rank)
{
	atomic_init(&l->v, 0);
	l->rank = rank;
}

static inline void spin_lock(spin_t *l)
{
	sync_rank_take(l, l->rank);
	if (atomic_exchange_explicit(&l->v, 1, memory_order_acquire))
		sync_spin_slow(l);
}

static inline void spin_unlock(spin_t *l)
{
	sync_rank_drop(l);
	atomic_store_explicit(&l->v, 0, memory_order_release);
}

static inline void mutex_init(mutex_t *m, enum sync_rank rank)
{
	pthread_mutex_init(&m->m, NULL);
	m->rank = rank;
}

static inline void mutex_lock(mutex_t *m)
{
	sync_rank_take(m, m->rank);
	pthread_mutex_lock(&m->m);
}

static inline bool mutex_trylock(mutex_t *m)
{
	if (pthread_mutex_trylock(&m->m))
		return false;
	sync_rank_take(m, m->rank);
	return true;
}

static inline void mutex_unlock(mutex_t *m)
{
	sync_rank_drop(m);
	pthread_mutex_unlock(&m->m);
}

void rwsem_init(rwsem_t *s, enum sync_rank rank);
void downgrade_write(rwsem_t *s);
void sync_let_pass(rwsem_t *s);

static inline void down_read(rwsem_t *s)
{
	sync_rank_take(s, s->rank);
	pthread_rwlock_rdlock(&s->l);
}

static inline void up_read(rwsem_t *s)
{
	sync_rank_drop(s);
	pthread_rwlock_unlock(&s->l);
}

static inline void down_write(rwsem_t *s)
{
	sync_rank_take(s, s->rank);
	pthread_rwlock_wrlock(&s->l);
	if (load_relaxed(&s->downgrading))
		sync_let_pass(s);
}

static inline void up_write(rwsem_t *s)
{
	sync_rank_drop(s);
	pthread_rwlock_unlock(&s->l);
}

#define sync_assert_held(l) sync_rank_assert(l)
#define sync_write_held(sem) ((void)(sem), true)

static inline void sync_might_sleep(void) { }
static inline void sync_nonblock_begin(void) { }
static inline void sync_nonblock_end(void) { }
#define sync_callback(name, is) ((void)sizeof(name), (void)sizeof(is))
#define sync_user_calls(not_if) ((void)sizeof(not_if))
static inline uint64_t sync_self(void) { return (uint64_t)(uintptr_t)pthread_self(); }

#define sync_range_begin(mm, start, end, told) \
	((void)(mm), (void)(start), (void)(end), (void)(told))
#define sync_range_end(mm, start, end) ((void)(mm), (void)(start), (void)(end), true)

#ifdef MMUN_DEBUG
#define sync_contract(expr, wrong) ASSERT(expr)
#else
#define sync_contract(expr, wrong) ((void)sizeof(!(expr)))
#endif

#define sync_rule(expr, wrong) ((void)sizeof(!(expr)))

/* Read sections: RCU and guards share the thread's slot. */
struct sync_slot {
	_Atomic(uint64_t) epoch; /* 0: in no section */
	uint32_t nesting;        /* the owner's alone */
	struct sync_slot *next;  /* constant once published */
	_Atomic(bool) owned;     /* a living thread uses it */
	_Atomic(uint64_t) sleeping_epoch; /* of sections that may sleep: SRCU's */
	uint32_t sleeping_nesting;
} __attribute__((aligned(64)));

extern _Thread_local struct sync_slot *sync_slot_mine;
extern _Atomic(uint64_t) sync_epoch;

struct sync_slot *sync_slot_register(void);
void sync_epoch_wait(void);
void sync_sleepers_wait(void);

static inline void rcu_read_lock(void)
{
	struct sync_slot *s = sync_slot_mine;

	if (__builtin_expect(!s, 0))
		s = sync_slot_register();
	if (s->nesting++ == 0) {
		atomic_exchange_explicit(&s->epoch,
			atomic_load_explicit(&sync_epoch, memory_order_relaxed),
			memory_order_seq_cst);
#if !defined(__x86_64__) /* there the exchange is a fence */
		atomic_thread_fence(memory_order_seq_cst);
#endif
	}
}

static inline void rcu_read_unlock(void)
{
	struct sync_slot *s = sync_slot_mine;

	if (--s->nesting == 0)
		atomic_store_explicit(&s->epoch, 0, memory_order_release);
}

static inline void synchronize_rcu(void) { sync_epoch_wait(); }

static inline void srcu_read_lock(const atomic_u64 *domain)
{
	struct sync_slot *s = sync_slot_mine;

	(void)domain;
	if (__builtin_expect(!s, 0))
		s = sync_slot_register();
	if (s->sleeping_nesting++ == 0) {
		atomic_exchange_explicit(&s->sleeping_epoch,
			atomic_load_explicit(&sync_epoch, memory_order_relaxed),
			memory_order_seq_cst);
#if !defined(__x86_64__)
		atomic_thread_fence(memory_order_seq_cst);
#endif
	}
}

static inline void srcu_read_unlock(const atomic_u64 *domain)
{
	struct sync_slot *s = sync_slot_mine;

	(void)domain;
	if (--s->sleeping_nesting == 0)
		atomic_store_explicit(&s->sleeping_epoch, 0, memory_order_release);
}

static inline void synchronize_srcu(const atomic_u64 *domain)
{
	(void)domain;
	sync_sleepers_wait();
}

/* In sync_native.c. */
void sync_call_later_(void (*code)(void *arg), void *arg);
void sync_calls_wait_(void);

#define sync_call_later(code, arg, domain) ((void)(domain), sync_call_later_((code), (arg)))
#define sync_calls_wait(domain) ((void)(domain), sync_calls_wait_())

static inline void guard_enter(void) { rcu_read_lock(); }
static inline void guard_leave(void) { rcu_read_unlock(); }
static inline uint64_t guard_load(const atomic_u64 *w) { return load_acquire(w); }
static inline void guard_mark(const atomic_u64 *w) { (void)w; }
static inline void guard_wait(void) { sync_epoch_wait(); }

/* Waiting and memory: in sync_native.c. */
void spin_while(const atomic_u64 *w, uint64_t v);
void wait_until(atomic_u64 *w, bool (*pred)(uint64_t v, uint64_t arg), uint64_t arg);
void wake_all(atomic_u64 *w);

void *sync_alloc(size_t size);
void sync_free(void *p);
uint64_t sync_alloc_live(void);
void sync_alloc_fail_at(uint64_t n); /* the n-th allocation from now fails; 0: none */
bool sync_alloc_fail_clear(void);    /* true if it did; and back to none */

typedef struct {
	spin_t lock;
	uint32_t *next;  /* [lock] list of free numbers */
	uint32_t head;   /* [lock] first free number, size: none */
	uint32_t size;   /* constant */
} pool_t;

int pool_init(pool_t *p, uint32_t size);
void pool_fini(pool_t *p);
int pool_take(pool_t *p);
void pool_put(pool_t *p, uint32_t i);

void sync_range_dead(void *p, size_t size);
static inline void sync_range_live(void *p, size_t size) { (void)p, (void)size; }
#define sync_assert_alive(expr, p) ASSERT(expr)
#define sync_kept(p, as) ((void)sizeof(as))
#define sync_is_kept(p) false
#define sync_not_kept(p) ((void)0)
#define sync_leaked(p, what) ((void)(what), ASSERT(!(p)))

static inline bool sync_optional(const char *what) { return (void)what, true; }

#define sync_walked() 0u
#define sync_tlb_fill(tlb, page, walked) ((void)(walked))
#define sync_tlb_use(tlb, space, page, addr, pfn, write) ((void)0)
#define sync_copied(from, to, word) ((void)0)
#define sync_cleaned(machine, pfn, dirty, is) ((void)(is))
#define sync_taken_away(name, space, start, end, loads) ((void)sizeof(name))

#define sync_operation(name) ((void)sizeof(name))
#define sync_event(kind, ...) ((void)sizeof((uint64_t[]){ 0, __VA_ARGS__ }))

#endif
