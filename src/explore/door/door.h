/* SPDX-License-Identifier: MIT */
/*
 * door.h - declares the checked door for the rooms above. The core and the checks see the door as
 * sync/sync_checked.h. An operation is announced by its thread and performed by sched.c in the
 * moment in which it is chosen. Its thread then goes on with the value.
 *
 *   sched.c      a step: whose turn it is
 *   word.c       operations, and words
 *   lock.c       locks
 *   lock_order.c the order in which they are taken
 *   queue.c      readers that wait behind writers
 *   section.c    read sections
 *   thread.c     threads: how they begin and end
 *   range.c      what notifiers are told
 *   callback.c   callbacks of users, and what they call
 *   memory.c     allocating and freeing
 *   lifetime.c   memory that was freed, and uses of memory
 *   spin.c       threads that ask again and again
 *   endless.c    executions without end
 *   stale.c      what is used after a call has taken it away
 *   lost.c       what is stored where nobody looks any more
 *   optional.c   steps that can be left out
 *   code.c       where in the source a code address is
 *   tsan.c       what the compiler tells of plain accesses
 *   library.c    what functions of the C library access
 *   heap.c       malloc() and its kin
 *   local.c      variables that each thread has for itself
 */
#ifndef MMUN_DOOR_H
#define MMUN_DOOR_H

#include "explore/engine/engine.h"
#include "explore/engine/flat.h"
#include "explore/model/model.h"

/* --- sched.c ------------------------------------------------------------- */
bool sched_can_go(const struct pending *p, const struct thread *t);
/* How a step that tries a lock, or asks about it, would find the lock now: enum found. */
uint8_t sched_finds(const struct step *s);
bool sched_begin(void);          /* choose the first step; false: there is none */
bool sched_next(void);           /* the running one ends: as above */
/* Perform an operation on a lock for the thread with this sync_self(); false: it is taken. */
uint64_t sched_take(const struct pending *p, uint32_t self);
/* The running thread has announced an operation. Returns, once it was chosen, its value. */
uint64_t sched_give_way(void);

/* --- announcing ---------------------------------------------------------- */

static const uint8_t door_class[] = {
#define X(e, cls, ...) cls,
	SYNC_KINDS(X)
#undef X
};
static const bool door_blocks[] = {
#define X(e, cls, block, ...) block,
	SYNC_KINDS(X)
#undef X
};

/* Announce the running thread's operation, filled in but for this, and wait until it is chosen
 * and performed; its value. Inline, since the kind is known: a few stores of constants. */
static inline uint64_t door_announce(struct pending *p, enum sync_kind kind, const void *object,
				 const struct sync_site *site)
{
	unsigned bit = 1u << x.cur;

	p->addr = (void *)(uintptr_t)object;
	p->site = site;
	p->kind = (uint8_t)kind;
	p->cls = door_class[kind];
	if (door_blocks[kind])
		x.blockable |= (uint16_t)bit;
	else
		x.blockable &= (uint16_t)~bit;
	return sched_give_way();
}

/* Outside of the threads nothing may wait. */
uint64_t door_outside(enum sync_kind kind, const void *object, const struct sync_site *site);

enum {
	LOCK_BYTES = sizeof(uint32_t),  /* the owner: a lock's rank never changes */
	DOMAIN_BYTES = 1,               /* of SRCU */
};

/* How many bytes of the object, which is no word, the operation needs. */
static inline uint8_t door_bytes(enum sync_kind kind)
{
	switch (kind) {
	case SYNC_LOCK:
	case SYNC_TRYLOCK:
	case SYNC_UNLOCK:
	case SYNC_IS_LOCKED:
	case SYNC_RLOCK:
	case SYNC_WLOCK:
	case SYNC_TRY_RLOCK:
	case SYNC_TRY_WLOCK:
	case SYNC_RUNLOCK:
	case SYNC_WUNLOCK:
	case SYNC_DOWNGRADE:
	case SYNC_IS_RWLOCKED:
		return LOCK_BYTES;
	case SYNC_RCU_BEGIN:
	case SYNC_RCU_SYNC:
	case SYNC_RCU_WAIT:
		return DOMAIN_BYTES;
	default:
		return 0;
	}
}

/* An operation on what is no word. */
static inline uint64_t door_visible(enum sync_kind kind, const void *object, enum sync_order order,
				const struct sync_site *site)
{
	struct pending *p;

	if (__builtin_expect(x.cur < 0, 0))
		return door_outside(kind, object, site);
	p = &x.pend[x.cur];
	p->choices = 1;
	p->bytes = door_bytes(kind);
	p->order = (uint8_t)order;
	return door_announce(p, kind, object, site);
}

/* --- lock_order.c -------------------------------------------------------- */
void lock_order_forget(void);          /* what was seen in a search */
/* The running thread is about to wait for a lock; for something else; to try a rwsem for reading.
 * Of a lock that is no rwsem, neither @read nor @write. */
void lock_order_wants(const struct thread *t, const void *lock, bool read, bool write);
void lock_order_waits(const struct thread *t);
void lock_order_tries(const void *lock);

/* The running thread is about to wait for something else than a lock. */
static inline void door_waits(void)
{
	if (x.plain && x.cur >= 0 && x.thread[x.cur].held_count)
		lock_order_waits(&x.thread[x.cur]);
}

/* Something is let go: together with the operation before, unless the model has it otherwise. */
static inline void door_let_go(const void *object, const struct sync_site *site)
{
	if (x.cur >= 0 && x.model->letting_go_is_a_step)
		door_visible(SYNC_LET_GO, object, SYNC_RELEASE, site);
}

/* What the running thread does lasts, and no round of a loop takes it back. */
static inline void door_lasts(void)
{
	if (x.cur >= 0)
		x.thread[x.cur].lasting++;
}

/* --- lock.c -------------------------------------------------------------- */
/* For messages: the place in a check that the library was called from, if it says so. */
const char *door_site(const struct sync_site *site);

/* --- word.c -------------------------------------------------------------- */
/* Wait until the word is as @pred wants. */
void door_await(enum sync_kind kind, const void *word, uint8_t bytes,
		bool (*pred)(uint64_t word, uint64_t arg), uint64_t arg,
		const struct sync_site *site);

/* --- queue.c ------------------------------------------------------------- */
/* Around taking a rwsem: wait behind the writers, or be one that waits; and no more. */
void queue_enter(rwsem_t *sem, bool read, const struct sync_site *site);
void queue_leave(rwsem_t *sem, bool read, const struct sync_site *site);
/* False: a writer waits, so that trying fails. */
bool queue_lets_try(rwsem_t *sem, bool read, const struct sync_site *site);

/* --- section.c ----------------------------------------------------------- */
uint16_t section_open(const void *domain); /* the threads that are in one */

/* --- thread.c ------------------------------------------------------------ */
bool thread_would_time_out(void);      /* at a deadlock: a thread that waits there would */
void thread_start_all(void);           /* of an execution: those of the check, and of set-up */

/* --- memory.c ------------------------------------------------------------ */
/* The running thread calls a function, which will return to this address; and returns from it,
 * with its stack pointer there or below, from this code; and ends: is anything kept where its
 * stack was? */
void lifetime_call(const void *from, const char *frame);
void lifetime_return(const char *stack, const void *code);
/* A thread accesses what may lie on another one's stack; plainly: it is code of the check. */
void lifetime_of_stack(const struct touch *t, int16_t epoch, const void *addr, size_t size,
		       bool plainly);
void lifetime_thread_ends(void);
void local_ends(void);                    /* the running thread has ended */
void local_forget(void);                  /* what the execution before had */
void memory_leaks_report(void);
void *memory_aligned(size_t size, size_t align, const struct sync_site *site); /* or NULL */
/* Of the running thread, or of set-up or the end; never freed. NULL: there is no room. */
void *memory_for_variables(size_t size, size_t align, const struct sync_site *site);
bool memory_has(const void *p);           /* is it in the arena? */
size_t memory_size(const void *p);        /* as it was asked for; 0: no block begins there */
/* A word was to be exchanged if it is @wanted, and is @found. */
void memory_compared(uint64_t wanted, uint64_t found, const struct sync_site *site);

/* --- plain accesses ------------------------------------------------------ */

static inline bool door_is_on_stacks(const void *addr)
{
	return (const char *)addr >= x.stacks_low && (const char *)addr < x.stacks_high && x.epochs;
}

/* One is about to be done. */
static inline void door_tell(const void *addr, size_t size, bool write,
			     const struct sync_site *site)
{
	if (x.cur < 0) {
		if (x.outside)
			plain_outside(addr, size, write, site);
		return;
	}
	if (__builtin_expect(x.watching, 0))
		trail_plain(addr, size);
	plain_access(addr, size, write, site);
	if (door_is_on_stacks(addr))
		lifetime_of_stack(&(struct touch){ { site, NULL }, x.thread[x.cur].last,
						   (unsigned)x.cur, false },
				  epoch_of((unsigned)x.cur), addr, size, true);
	if (__builtin_expect(x.watching, 0))
		fiber_wipe_running(&x.fiber[x.cur]);
}

/* --- spin.c -------------------------------------------------------------- */
void spin_forget(void);          /* the execution before */
/* The running thread has called cpu_relax(). False: it waits for good. */
bool spin_goes_on(void);
void spin_block_ends(void);      /* it has done all up to its next step */
bool spin_could_go_on(void);     /* at a deadlock: a thread would now do something else */

/* --- lost.c -------------------------------------------------------------- */
void lost_forget(void);          /* the execution before */
void lost_unlocked(void);        /* the running thread has dropped a spin lock */
void lost_end(void);             /* the threads have ended, and the end has not begun */

/* --- endless.c ----------------------------------------------------------- */
void endless_report(void);       /* the execution is too long: who goes round */

/* --- optional.c ---------------------------------------------------------- */
void optionals_forget(void);
/* Behind mmun/kernel.h's macro. */
bool explore_optional_(const char *what, const struct sync_site *site);

#endif
