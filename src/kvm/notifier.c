/* SPDX-License-Identifier: MIT */
/*
 * notifier.c - what an address space says to a guest that mirrors it; see
 * kvm_mmu_notifier_invalidate_range_start() in virt/kvm/kvm_main.c. Starts and ends are counted,
 * and a fault that has looked a page up asks under the lock whether it may map it:
 *
 *      fault of the guest                  update
 *      seq
 *                                          start: lock; in progress 1; zaps; unlock
 *      looks up frame 3
 *                                          clear, flush, set: frame 7
 *      lock; in progress? [yes: again]
 *                                          end: lock; seq + 1; in progress 0; unlock
 *      lock; seq as before? [no: again]
 *
 * Neither question suffices alone: the lookup may lie within the pair, and so may the question.
 * tests/explore_kvm.c.
 */
#include "kvm/inside.h"

/* The guest pages of a range of addresses. False: there is none. */
static bool gfns_of(const struct mmun_kvm *kvm, uint64_t start, uint64_t end, uint64_t *ret_first,
		    uint64_t *ret_end)
{
	uint64_t last = kvm->start + kvm->pages * PAGE_BYTES;

	start = start > kvm->start ? start : kvm->start;
	end = end < last ? end : last;
	if (start >= end)
		return false;
	*ret_first = (start - kvm->start) / PAGE_BYTES;
	*ret_end = (end - kvm->start + PAGE_BYTES - 1) / PAGE_BYTES;
	return true;
}

bool kvm_retry_locked(const struct mmun_kvm *kvm, uint64_t seq, uint64_t gfn)
{
	if (kvm_mutated(kvm, KVM_NEVER_RETRIES))
		return false;
	if (load_acquire(&kvm->in_progress) && gfn >= kvm->range_start && gfn < kvm->range_end &&
	    !kvm_mutated(kvm, KVM_IGNORES_PROGRESS))
		return true;
	return load_acquire(&kvm->seq) != seq;
}

static void zap(struct mmun_kvm *kvm, uint64_t first, uint64_t end)
{
	for (uint64_t gfn = first; gfn < end; gfn++)
		kvm->spte[gfn] = (struct spte){ .mapped = false };
}

static int on_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct mmun_kvm *kvm = container_of(mn, struct mmun_kvm, mn);
	uint64_t first, end;

	if (!gfns_of(kvm, range->start, range->end, &first, &end))
		return 0;
	spin_lock(&kvm->lock);
	if (!add_acq_rel(&kvm->in_progress, 1)) {
		kvm->range_start = first;
		kvm->range_end = end;
	} else {
		kvm->range_start = first < kvm->range_start ? first : kvm->range_start;
		kvm->range_end = end > kvm->range_end ? end : kvm->range_end;
	}
	if (!kvm_mutated(kvm, KVM_ZAPS_NOTHING))
		zap(kvm, first, end);
	spin_unlock(&kvm->lock);
	return 0;
}

static void on_end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct mmun_kvm *kvm = container_of(mn, struct mmun_kvm, mn);
	uint64_t first, end;

	if (!gfns_of(kvm, range->start, range->end, &first, &end))
		return;
	spin_lock(&kvm->lock);
	add_acq_rel(&kvm->seq, 1);
	add_acq_rel(&kvm->in_progress, (uint64_t)-1);
	spin_unlock(&kvm->lock);
	wake_all(&kvm->in_progress);
}

/* Nothing is told any more before pages are freed: so nothing is mapped any more, either. */
static void on_release(struct mmu_notifier *mn, struct mmun_mm *mm)
{
	struct mmun_kvm *kvm = container_of(mn, struct mmun_kvm, mn);

	(void)mm;
	spin_lock(&kvm->lock);
	kvm->released = true;
	zap(kvm, 0, kvm->pages);
	spin_unlock(&kvm->lock);
}

static bool young(struct mmun_kvm *kvm, uint64_t start, uint64_t stop, bool clear)
{
	uint64_t first, end;
	bool any = false;

	if (!gfns_of(kvm, start, stop, &first, &end))
		return false;
	spin_lock(&kvm->lock);
	for (uint64_t gfn = first; gfn < end; gfn++) {
		any |= kvm->spte[gfn].accessed;
		if (clear)
			kvm->spte[gfn].accessed = false;
	}
	spin_unlock(&kvm->lock);
	return any;
}

/* The same for both: the guest has no TLB that could hide its accesses. */
static bool on_clear_young(struct mmu_notifier *mn, struct mmun_mm *mm, uint64_t start,
			   uint64_t end)
{
	(void)mm;
	return young(container_of(mn, struct mmun_kvm, mn), start, end, true);
}

static bool on_test_young(struct mmu_notifier *mn, struct mmun_mm *mm, uint64_t addr)
{
	(void)mm;
	return young(container_of(mn, struct mmun_kvm, mn), addr, addr + PAGE_BYTES, false);
}

const struct mmu_notifier_ops kvm_notifier_ops = {
	.release = on_release, .invalidate_range_start = on_start, .invalidate_range_end = on_end,
	.clear_flush_young = on_clear_young, .clear_young = on_clear_young,
	.test_young = on_test_young,
};

/* --- for shadows of the user's own ------------------------------------------- */

uint64_t mmun_kvm_invalidate_seq(struct mmun_kvm *kvm)
{
	return kvm ? load_acquire(&kvm->seq) : 0;
}

bool mmun_kvm_invalidate_retry_gfn(struct mmun_kvm *kvm, uint64_t seq, uint64_t gfn)
{
	bool retry;

	if (!kvm)
		return true;
	spin_lock(&kvm->lock);
	retry = kvm_retry_locked(kvm, seq, gfn);
	spin_unlock(&kvm->lock);
	return retry;
}
