/* SPDX-License-Identifier: MIT */
/*
 * sync_native.c - what of the native door does not fit on one line: slots of
 * the epoch, waiting, allocation with a fault to inject, pools.
 *
 * The library keeps no state of its own but this: the list of epoch slots,
 * which lives as long as the process, the number of calls that are not over,
 * and the counters of allocations.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sync/sync.h"

_Noreturn void base_assert_failed(const char *expr, const char *file, int line)
{
	fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, expr);
	abort();
}

/* --- spinning ------------------------------------------------------------ */

enum { SPINS_BEFORE_YIELD = 200 };

static inline void cpu_relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

static void spin_once(unsigned *spins)
{
	if (++*spins < SPINS_BEFORE_YIELD) {
		cpu_relax();
	} else {
		*spins = 0;
		sched_yield();
	}
}

void sync_spin_slow(spin_t *l)
{
	unsigned spins = 0;

	do {
		while (atomic_load_explicit(&l->v, memory_order_relaxed))
			spin_once(&spins);
	} while (atomic_exchange_explicit(&l->v, 1, memory_order_acquire));
}

void rwsem_init(rwsem_t *s, enum sync_rank rank)
{
	pthread_rwlockattr_t attr;

	pthread_rwlockattr_init(&attr);
#ifdef __GLIBC__
	/* Faults must not starve munmap. */
	pthread_rwlockattr_setkind_np(&attr,
		PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
#endif
	pthread_rwlock_init(&s->l, &attr);
	pthread_rwlockattr_destroy(&attr);
	s->rank = rank;
	atomic_init(&s->downgrading.v, 0);
}

/*
 * A pthread_rwlock_t cannot be downgraded. It is let go and taken again for reading; a writer
 * that gets it in between sees the mark, and lets the reader pass.
 */
void downgrade_write(rwsem_t *s)
{
	store_relaxed(&s->downgrading, 1);
	pthread_rwlock_unlock(&s->l);
	pthread_rwlock_rdlock(&s->l);
	store_relaxed(&s->downgrading, 0);
	wake_all(&s->downgrading);
}

static bool is_zero(uint64_t v, uint64_t arg)
{
	(void)arg;
	return v == 0;
}

void sync_let_pass(rwsem_t *s)
{
	do {
		pthread_rwlock_unlock(&s->l);
		wait_until(&s->downgrading, is_zero, 0);
		pthread_rwlock_wrlock(&s->l);
	} while (load_relaxed(&s->downgrading));
}

/* --- lock ranks ---------------------------------------------------------- */

#ifdef MMUN_DEBUG
static _Thread_local struct { const void *lock; uint32_t rank; } held[32];
static _Thread_local unsigned held_count;

void sync_rank_take(const void *lock, uint32_t rank)
{
	for (unsigned i = 0; i < held_count; i++)
		ASSERT(held[i].rank < rank ||
		       (held[i].rank == rank && held[i].lock < lock));
	ASSERT(held_count < ARRAY_SIZE(held));
	held[held_count].lock = lock;
	held[held_count++].rank = rank;
}

void sync_rank_drop(const void *lock)
{
	for (unsigned i = held_count; i-- > 0;) {
		if (held[i].lock == lock) {
			held[i] = held[--held_count];
			return;
		}
	}
	ASSERT(!"a lock is dropped that is not held");
}

void sync_rank_assert(const void *lock)
{
	for (unsigned i = 0; i < held_count; i++)
		if (held[i].lock == lock)
			return;
	ASSERT(!"a lock is not held");
}
#endif

/* --- the epoch ----------------------------------------------------------- */

_Thread_local struct sync_slot *sync_slot_mine;
_Atomic(uint64_t) sync_epoch = 1;

static _Atomic(struct sync_slot *) slots; /* push only */
static pthread_key_t slot_key;
static pthread_once_t slot_once = PTHREAD_ONCE_INIT;

static void slot_release(void *p)
{
	struct sync_slot *s = p;

	ASSERT(s->nesting == 0 && s->sleeping_nesting == 0);
	sync_slot_mine = NULL;
	atomic_store_explicit(&s->owned, false, memory_order_release);
}

/* After fork() only the calling thread lives: the others' sections are over. */
static void slots_after_fork(void)
{
	for (struct sync_slot *s = atomic_load(&slots); s; s = s->next) {
		if (s == sync_slot_mine)
			continue;
		s->nesting = s->sleeping_nesting = 0;
		atomic_store(&s->epoch, 0);
		atomic_store(&s->sleeping_epoch, 0);
		atomic_store(&s->owned, false);
	}
}

static void slot_setup(void)
{
	pthread_key_create(&slot_key, slot_release);
	pthread_atfork(NULL, NULL, slots_after_fork);
}

struct sync_slot *sync_slot_register(void)
{
	struct sync_slot *s;
	bool no = false;

	pthread_once(&slot_once, slot_setup);
	for (s = atomic_load(&slots); s; s = s->next, no = false)
		if (atomic_compare_exchange_strong(&s->owned, &no, true))
			break;
	if (!s) {
		s = aligned_alloc(_Alignof(struct sync_slot), sizeof(*s));
		if (!s) {
			fputs("mmun: no memory for a thread's epoch slot\n", stderr);
			abort();
		}
		memset(s, 0, sizeof(*s));
		atomic_init(&s->owned, true);
		s->next = atomic_load(&slots);
		while (!atomic_compare_exchange_weak(&slots, &s->next, s))
			;
	}
	pthread_setspecific(slot_key, s);
	sync_slot_mine = s;
	return s;
}

static void wait_until_left(const _Atomic(uint64_t) *epoch, uint64_t now)
{
	unsigned spins = 0;
	uint64_t e;

	while ((e = atomic_load_explicit(epoch, memory_order_acquire)) && e < now)
		spin_once(&spins);
}

static uint64_t next_epoch(void)
{
	uint64_t now = atomic_fetch_add_explicit(&sync_epoch, 1, memory_order_seq_cst) + 1;

	atomic_thread_fence(memory_order_seq_cst);
	return now;
}

void sync_epoch_wait(void)
{
	uint64_t now = next_epoch();

	for (struct sync_slot *s = atomic_load_explicit(&slots, memory_order_acquire); s;
	     s = s->next) {
		if (s == sync_slot_mine)
			ASSERT(s->nesting == 0);
		else
			wait_until_left(&s->epoch, now);
	}
}

void sync_sleepers_wait(void)
{
	uint64_t now = next_epoch();

	for (struct sync_slot *s = atomic_load_explicit(&slots, memory_order_acquire); s;
	     s = s->next) {
		if (s == sync_slot_mine)
			ASSERT(s->sleeping_nesting == 0);
		else
			wait_until_left(&s->sleeping_epoch, now);
	}
}

/* --- calls after a grace period ------------------------------------------- */

struct call { void (*code)(void *arg); void *arg; };

static pthread_mutex_t calls_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t calls_over = PTHREAD_COND_INITIALIZER;
static uint64_t calls; /* [calls_lock] that are not over */

static void *call_main(void *p)
{
	const struct call call = *(struct call *)p;

	free(p);
	sync_epoch_wait();
	sync_sleepers_wait();
	call.code(call.arg);
	pthread_mutex_lock(&calls_lock);
	if (--calls == 0)
		pthread_cond_broadcast(&calls_over);
	pthread_mutex_unlock(&calls_lock);
	return NULL;
}

/* A thread for each call: they are rare, and nobody needs to end such a thread. */
void sync_call_later_(void (*code)(void *arg), void *arg)
{
	struct call *call = malloc(sizeof(*call));
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_mutex_lock(&calls_lock);
	calls++;
	pthread_mutex_unlock(&calls_lock);
	if (call)
		*call = (struct call){ code, arg };
	if (!call || pthread_create(&thread, &attr, call_main, call)) {
		fputs("mmun: no memory for a thread that frees\n", stderr);
		abort();
	}
	pthread_attr_destroy(&attr);
}

void sync_calls_wait_(void)
{
	pthread_mutex_lock(&calls_lock);
	while (calls)
		pthread_cond_wait(&calls_over, &calls_lock);
	pthread_mutex_unlock(&calls_lock);
}

/* --- waiting ------------------------------------------------------------- */

static struct parking {
	pthread_mutex_t lock;
	pthread_cond_t changed;
} parkings[16] = {
#define P { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER }
	P, P, P, P, P, P, P, P, P, P, P, P, P, P, P, P
#undef P
};

static struct parking *parking_of(const atomic_u64 *w)
{
	return &parkings[((uintptr_t)w >> 6) % ARRAY_SIZE(parkings)];
}

void spin_while(const atomic_u64 *w, uint64_t v)
{
	while (load_acquire(w) == v)
		sched_yield();
}

void wait_until(atomic_u64 *w, bool (*pred)(uint64_t v, uint64_t arg), uint64_t arg)
{
	struct parking *p = parking_of(w);

	if (pred(load_acquire(w), arg))
		return;
	pthread_mutex_lock(&p->lock);
	while (!pred(load_acquire(w), arg))
		pthread_cond_wait(&p->changed, &p->lock);
	pthread_mutex_unlock(&p->lock);
}

void wake_all(atomic_u64 *w)
{
	struct parking *p = parking_of(w);

	/* Holding the lock orders the change before a waiter's next look. */
	pthread_mutex_lock(&p->lock);
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
}

/* --- memory -------------------------------------------------------------- */

static _Atomic(uint64_t) alloc_live, alloc_countdown;
static _Atomic(bool) alloc_failed;

static bool alloc_must_fail(void)
{
	uint64_t n = atomic_load_explicit(&alloc_countdown, memory_order_relaxed);

	while (n)
		if (atomic_compare_exchange_weak(&alloc_countdown, &n, n - 1))
			break;
	if (n != 1)
		return false;
	atomic_store(&alloc_failed, true);
	return true;
}

void *sync_alloc(size_t size)
{
	void *p;

	if (alloc_must_fail())
		return NULL;
	p = calloc(1, size);
	if (p)
		atomic_fetch_add_explicit(&alloc_live, 1, memory_order_relaxed);
	return p;
}

void sync_free(void *p)
{
	if (!p)
		return;
	atomic_fetch_sub_explicit(&alloc_live, 1, memory_order_relaxed);
	free(p);
}

uint64_t sync_alloc_live(void) { return atomic_load(&alloc_live); }
void sync_alloc_fail_at(uint64_t n) { atomic_store(&alloc_countdown, n); }

bool sync_alloc_fail_clear(void)
{
	atomic_store(&alloc_countdown, 0);
	return atomic_exchange(&alloc_failed, false);
}

int pool_init(pool_t *p, uint32_t size)
{
	p->next = sync_alloc(size * sizeof(*p->next));
	if (!p->next)
		return -ENOMEM;
	for (uint32_t i = 0; i < size; i++)
		p->next[i] = i + 1;
	p->head = 0;
	p->size = size;
	spin_init(&p->lock, RANK_POOL);
	return 0;
}

void pool_fini(pool_t *p)
{
	sync_free(p->next);
	p->next = NULL;
}

int pool_take(pool_t *p)
{
	uint32_t i;

	if (alloc_must_fail())
		return -1;
	spin_lock(&p->lock);
	i = p->head;
	if (i < p->size)
		p->head = p->next[i];
	spin_unlock(&p->lock);
	return i < p->size ? (int)i : -1;
}

void pool_put(pool_t *p, uint32_t i)
{
	ASSERT(i < p->size);
	spin_lock(&p->lock);
	p->next[i] = p->head;
	p->head = i;
	spin_unlock(&p->lock);
}

void sync_range_dead(void *p, size_t size)
{
#ifdef MMUN_DEBUG
	memset(p, 0x6b, size);
#else
	(void)p, (void)size;
#endif
}
