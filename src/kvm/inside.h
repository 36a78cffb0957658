/* SPDX-License-Identifier: MIT */
/*
 * inside.h - a guest, its lock, and what the files of this room do for each other: guest.c owns
 * its life, accesses and faults; notifier.c what the notifier says; log.c the dirty log.
 *
 * Letters: [C] constant once published; [K] kvm->lock; [A] atomic, written under kvm->lock.
 *
 * The lock is KVM's mmu_lock. Callbacks take it, some of them under the lock of an entry, so no
 * lock of an address space is taken under it. Invariant: what a guest maps was looked up since the
 * last end of an invalidation that covers it, and none that covers it is under way. Accesses of
 * the guest are made under the lock, so nobody uses a page once the start has returned.
 */
#ifndef MMUN_KVM_INSIDE_H
#define MMUN_KVM_INSIDE_H

#include "mmun/kvm.h"
#include "vm/ops/ops.h"

/* A page of the guest: an entry of its shadow page table. */
struct spte {
	pfn_t pfn;
	bool mapped, write, accessed;
};

/* Mistakes that a test plants where operations are mutable (vm/mm/mutation.h). */
enum kvm_mutation {
	KVM_NEVER_RETRIES = 1,    /* a fault maps what it has found whatever happened meanwhile */
	KVM_IGNORES_PROGRESS = 2, /* it asks for what has ended, and not for what is under way */
	KVM_ZAPS_NOTHING = 4,     /* a start leaves what the guest maps */
	KVM_LOG_STAYS_WRITABLE = 8, /* clearing the log does not write-protect */
	KVM_LOGS_NOTHING = 16,    /* a fault for writing does not set the page's bit */
	KVM_MAPS_WRITABLE = 32,   /* a fault for reading maps the page writable */
};

struct mmun_kvm {
	struct mmun_mm *mm;          /* [C] */
	uint64_t start, pages;       /* [C] address, and how many */
	struct mmu_notifier mn;
	spin_t lock;
	bool released;               /* [K] the address space is over */
	atomic_u64 seq;              /* [A] mmu_invalidate_seq: invalidations that have ended */
	atomic_u64 in_progress;      /* [A] mmu_invalidate_in_progress: those under way */
	uint64_t range_start, range_end; /* [K] gfns, exclusive: all that are under way */
	bool logs;                   /* [K] there is a dirty log */
	uint64_t *dirty;             /* [C] its bits [K] */
#if SYNC_MUTABLE
	unsigned mutations;          /* [C] enum kvm_mutation bits */
#endif
	struct spte spte[];          /* [K] */
};

#if SYNC_MUTABLE
static inline bool kvm_mutated(const struct mmun_kvm *kvm, unsigned what)
{
	return kvm->mutations & what;
}
#else
static inline bool kvm_mutated(const struct mmun_kvm *kvm, unsigned what)
{
	(void)kvm, (void)what;
	return false;
}
#endif

static inline uint64_t kvm_words(const struct mmun_kvm *kvm) { return (kvm->pages + 63) / 64; }

/* Under the lock: notifier.c. */
bool kvm_retry_locked(const struct mmun_kvm *kvm, uint64_t seq, uint64_t gfn);
extern const struct mmu_notifier_ops kvm_notifier_ops;

/* Under the lock: the guest writes this page, log.c. */
void kvm_mark_dirty(struct mmun_kvm *kvm, uint64_t gfn);

#endif
