/* SPDX-License-Identifier: MIT */
/*
 * sync.h - THE DOOR: the only way in which the core meets other threads.
 *
 * The core is compiled twice from the same files. Both builds see the names
 * below and nothing else: no <pthread.h>, no <stdatomic.h>, no malloc(). In
 * the native build a name is a static inline over C11 atomics, pthreads and an
 * epoch. In the checked build it is a point where the explorer may let another
 * thread run, and the explorer judges what is done there.
 *
 * Words. atomic_u64 and atomic_ptr; the memory order is in the name.
 *   load_relaxed(w) load_acquire(w) store_relaxed(w, v) store_release(w, v)
 *   xchg_acq_rel(w, v)              the old value
 *   add_acq_rel(w, v)               fetch-and-add, the old value; add
 *                                   (uint64_t)-1 to subtract one
 *   add_relaxed(w, v)               no result: two of them commute; not for a
 *                                   word that somebody waits for
 *   cmpxchg_acq_rel(w, &old, v)     strong; true if stored, else old is reloaded
 *   load_ptr_acquire(p) store_ptr_release(p, q)
 *   load_ptr_along(p) store_ptr_along(p, q)  the same right after an operation on another
 *                                   word, on which all operations with p depend: in the
 *                                   checked build they are no steps of their own
 *
 * Plain accesses. sync_plain_read(p) and sync_plain_write(p) say that the caller has accessed
 * *p plainly, where somebody whom the library's locks do not keep out may do so as well: the
 * owner of a notifier, or a check that looks at an area. The explorer watches them for races,
 * as it does those of a check. Natively they are nothing.
 *
 * Locks. Each is given a rank; a thread takes locks in increasing rank only,
 * and two of one rank in increasing address. Taking a mutex or rwsem may sleep
 * and is therefore forbidden under a spin lock, in a guard section and in an
 * RCU read section.
 *   spin_init(l, rank) spin_lock(l) spin_unlock(l)
 *   mutex_init(m, rank) mutex_lock(m) mutex_trylock(m) mutex_unlock(m)
 *   rwsem_init(s, rank) down_read(s) up_read(s) down_write(s) up_write(s)
 *   downgrade_write(s)              held for writing before, for reading after; no other
 *                                   writer has had it in between
 *   sync_assert_held(l)             the first line of every _locked function;
 *                                   for a rwsem: held by somebody for writing
 *                                   or by the caller for reading
 *   sync_might_sleep()              at the head of whatever may block
 *   sync_nonblock_begin() sync_nonblock_end()  around callbacks that must not
 *                                   block, though no lock says so; nest
 *
 * RCU. Read sections nest and never block; a grace period ends when each read
 * section that was open at its start has been left.
 *   rcu_read_lock() rcu_read_unlock() synchronize_rcu() (may sleep)
 *
 *   srcu_read_lock(domain) srcu_read_unlock(domain) synchronize_srcu(domain) (may sleep)
 *                                   the same with sections that may sleep; the domain is a
 *                                   word, on which the beginning is an operation. Natively
 *                                   all domains are one.
 *
 *   sync_call_later(f, arg, domain) f(arg) is called by a thread of its own, which must not
 *                                   sleep, when all read sections of the domain (NULL: of
 *                                   RCU) have been left that are open now. Returns at once,
 *                                   and may be called in a section. Natively all domains are
 *                                   one.
 *   sync_calls_wait(domain)         until all that was called later so far is over
 *
 * Guard sections: hazard-style protection of what a word led to. A section is
 * short, takes no lock and does not nest. guard_wait() returns when every
 * section that had loaded a word before the caller marked it has been left.
 * It spins, so it may be called under a spin lock, but not in a section.
 *   guard_enter() guard_load(w) guard_leave()
 *   guard_mark(w)                   right after the caller changed *w
 *   guard_wait()                    for all words marked since the last wait
 *
 * Waiting. wait_until(w, pred, arg) sleeps until pred(*w, arg); who changes a
 * word that may be waited for calls wake_all(w) afterwards. pred reads nothing
 * but its arguments.
 *
 * spin_while(w, v) spins until *w is another value than v; in any context.
 *
 * Memory. sync_alloc(size) gives zeroed memory or NULL; sync_free(p), p may be
 * NULL; sync_alloc_live() counts what is allocated. A pool hands out the
 * numbers 0..n-1: pool_init(p, n) 0 or -ENOMEM, pool_fini(p), pool_take(p) a
 * number or -1, pool_put(p, i). Neither is a scheduling point: in the checked
 * build what a thread gets does not depend on the other threads, and nothing
 * that was given back is handed out again in the same execution.
 *   sync_range_dead(p, size)        whoever touches it from now on is wrong
 *   sync_range_live(p, size)        ... and from here on right again
 *   sync_assert_alive(expr, p)      an ASSERT of what holds while p is not dead: if it is, that
 *                                   is what is found
 *   sync_kept(p, as)                *p, a user's, is kept as something ("a notifier that is
 *                                   registered") and must not be freed
 *   sync_is_kept(p)                 is it? Natively false: for contracts
 *   sync_not_kept(p)                 ... and now it is the user's alone again
 *   sync_leaked(p, what)            what sync_range_live() gave was not given back
 *
 * The calling thread. sync_self() is a number that no other thread has.
 *
 * Contracts. sync_contract(expr, wrong) is what a user of the library promised: a finding in
 * the checked build, in which wrong says what is wrong if it does not hold; an ASSERT natively
 * with MMUN_DEBUG, else not evaluated.
 *   sync_rule(expr, wrong)          the same of what the library survives: natively it
 *                                   goes on, and does nothing
 *   sync_range_begin(mm, start, end, told) sync_range_end(mm, start, end)  around what
 *                                   notifiers are told of: each thread ends what it
 *                                   begins, and learns whether they were told. Natively
 *                                   they always are.
 *   sync_callback(name, is)         a declaration: the rest of its block is a callback of
 *                                   the user, of which all this is true: SYNC_CALLED, and
 *                                   SYNC_CALLED_LOCKED: under locks that other functions
 *                                   of the library wait for; SYNC_CALLED_RECLAIMING: by
 *                                   whoever allocates; SYNC_CALLED_ATOMIC: must not block
 *   sync_user_calls(not_if)         the head of a public function that a callback of one
 *                                   of these kinds must not call; contracts that break
 *                                   name it
 *
 * Events. sync_event(kind, words...) says what the calling thread has just done, or begins to
 * do: for pictures, and for whoever listens (src/orders). The kinds and their words are in
 * sync/events.h. Natively it is compiled away, and its words are not evaluated.
 *   sync_operation(name)            a declaration: names the operation that the rest of its
 *                                   block carries out; what is said there is numbered as
 *                                   its steps. name lasts.
 *
 * For the oracles "after-return" and "lost-write" of checks in C. Natively compiled away.
 *   sync_walked()                   the step in which the thread has read an entry
 *   sync_tlb_fill(tlb, page, walked)  what was read in that step is in the TLB now
 *   sync_tlb_use(tlb, space, page, addr, pfn, write)  it was used, for an address of this
 *                                   space, to access this frame
 *   sync_copied(from, to, word)     the word of the one frame was read for the other one
 *   sync_cleaned(machine, pfn, dirty, is)  in this step a file's page was made clean; dirty: it was
 *                                   not, before. is(machine, pfn) says what it is at the end
 *   sync_taken_away(name, space, start, end, loads)  the call of this name, whose operation was
 *                                   declared, has succeeded: stores, and loads too if it is
 *                                   said, must not use what TLBs had
 *
 * For who asks whether a step is needed: if (sync_optional(what)) before a flush or a
 * notification. It happens, but when the explorer runs without it; natively always.
 *
 * For who plants mistakes: SYNC_MUTABLE is 1 where an address space can be told to make
 * them, else 0. It is 1 in the checked build, and natively with MMUN_MUTABLE, which is for
 * tests; in the library that ships nothing may be left of it.
 */
#ifndef MMUN_SYNC_H
#define MMUN_SYNC_H

#include "base/base.h"
#include "sync/events.h"

/* A page of a file; gone: it is none any more. */
enum sync_page { SYNC_PAGE_GONE, SYNC_PAGE_CLEAN, SYNC_PAGE_DIRTY };
typedef enum sync_page sync_page_is(void *machine, uint32_t pfn);

/*
 * The order of locks: a thread that holds one may take only those of greater ranks. Each rank
 * says of which lock it is; docs/vm.md has the same table with what each is held for, and
 * tests/locks.py holds both to the code.
 */
enum sync_rank {
	RANK_IOMMU,         /* mmun_iommu.lock */
	RANK_MMAP,          /* mmun_mm.mmap_lock */
	RANK_SIZE,          /* mmun_object.size_lock */
	RANK_AREAS,         /* mmun_mm.areas_sem */
	RANK_VMA,           /* vma.lock */
	RANK_FRAME,         /* frame.page_lock */
	RANK_MAPPINGS,      /* mmun_object.mappings_sem */
	RANK_RMAP,          /* mmun_mm.rmap_sem */
	RANK_SUBSCRIPTIONS, /* notify_domain.subscriptions_lock */
	RANK_DRIVER,        /* mirror.lock, and those of other users of notifiers */
	RANK_INTERVALS,     /* interval_subscriptions.lock */
	RANK_PMD,           /* ptdesc.pmd_lock */
	RANK_PTL,           /* ptdesc.ptl */
	RANK_OBJECT,        /* mmun_object.lock */
	RANK_SWAP,          /* swap_slot.lock */
	RANK_PAGE_RMAP,     /* frame.rmap_lock */
	RANK_KVM,           /* mmun_kvm.lock */
	RANK_POOL,          /* pool_t.lock */
	RANK_EVENTS,        /* events.lock */
	RANK_TEST,          /* whatever a test wants */
	RANK_MAX,
};

/* What is true of a callback: bits. */
enum sync_called {
	SYNC_CALLED = 1 << 0,
	SYNC_CALLED_LOCKED = 1 << 1,
	SYNC_CALLED_RECLAIMING = 1 << 2,
	SYNC_CALLED_ATOMIC = 1 << 3,
};

#if defined(MMUN_CHECKED) || defined(MMUN_MUTABLE)
#define SYNC_MUTABLE 1
#else
#define SYNC_MUTABLE 0
#endif

#ifdef MMUN_CHECKED
#include "sync/sync_checked.h"
#else
#include "sync/sync_native.h"
#endif

#endif
