/* SPDX-License-Identifier: MIT */
/*
 * 44: the memslots change between the start and the end of an invalidation
 *
 * Linux: 52ac8b358b0cb7e91c966225fca61be5d1c984bc
 * Class: N
 *
 * KVM need not take mmu_lock, and count, for an invalidation of memory that is in no memslot of
 * the guest. But the start and the end of one invalidation must decide alike, and they look into
 * the memslots one after the other: if a slot that covers the range is added between the two, the
 * start did not count and the end counts back, below zero (BUG_ON); if it is removed between the
 * two, the count stays, and all faults in the range are tried again forever. So before the lock
 * could be left out, memslots had to be held still from start to end: both announce themselves in
 * mn_active_invalidate_count, and an installation of memslots waits until it is zero, and
 * publishes them before the next start can begin. (The commit prepares for the other: no release
 * had the broken form.)
 *
 *	CPU 0, invalidation			CPU 1, KVM_SET_USER_MEMORY_REGION
 *	1 start: the range is in no slot
 *						2 install a slot with the range
 *	3 end: the range is in a slot:
 *	  count = 0 - 1
 */
#include <mmun/explore.h>
#include <mmun/kernel.h>

#include "entry.h"

struct kvm_memslots { bool has_range; };

static struct {
	spinlock_t mmu_lock;
	int mmu_notifier_count;                 /* [mmu_lock] */
	struct kvm_memslots *memslots;          /* RCU */
	spinlock_t mn_invalidate_lock;
	int mn_active_invalidate_count;         /* [mn_invalidate_lock] */
	wait_queue_head_t mn_memslots_update_wq;
} kvm;

/* Is the range in a memslot? Then with mmu_lock held, and counted. */
static bool kvm_handle_hva_range(int delta)
{
	struct kvm_memslots *slots;
	bool hit;

	rcu_read_lock(); /* srcu_read_lock(&kvm->srcu) */
	slots = rcu_dereference(kvm.memslots);
	hit = READ_ONCE(slots->has_range);
	if (hit) {
		spin_lock(&kvm.mmu_lock);
		kvm.mmu_notifier_count += delta;
		pr_info("mmu_notifier_count = %d", kvm.mmu_notifier_count);
		if (kvm.mmu_notifier_count < 0)
			explore_fail(ORACLE_PROTOCOL,
				     "the end of an invalidation counts back what its start "
				     "did not count");
		spin_unlock(&kvm.mmu_lock);
	}
	rcu_read_unlock();
	return hit;
}

static void kvm_mmu_notifier_invalidate_range_start(void)
{
	spin_lock(&kvm.mn_invalidate_lock);
	kvm.mn_active_invalidate_count++;
	spin_unlock(&kvm.mn_invalidate_lock);

	if (!kvm_handle_hva_range(1))                           /* 1 */
		pr_info("start: no memslot");
}

static void kvm_mmu_notifier_invalidate_range_end(void)
{
	bool wake;

	if (!kvm_handle_hva_range(-1))                          /* 3 */
		pr_info("end: no memslot");

	spin_lock(&kvm.mn_invalidate_lock);
	wake = !--kvm.mn_active_invalidate_count;
	spin_unlock(&kvm.mn_invalidate_lock);
	if (wake)
		wake_up(&kvm.mn_memslots_update_wq);
}

/* Takes mn_invalidate_lock, if no invalidation is active. */
static bool no_invalidation_active(void)
{
	spin_lock(&kvm.mn_invalidate_lock);
	if (!kvm.mn_active_invalidate_count)
		return true;
	spin_unlock(&kvm.mn_invalidate_lock);
	return false;
}

static void install_new_memslots(struct kvm_memslots *slots)
{
	struct kvm_memslots *old = kvm.memslots;

	if (fixed)
		wait_event(kvm.mn_memslots_update_wq, no_invalidation_active());
	rcu_assign_pointer(kvm.memslots, slots);                /* 2 */
	pr_info(slots->has_range ? "the range is in a memslot" : "the range is in no memslot");
	if (fixed)
		spin_unlock(&kvm.mn_invalidate_lock);
	synchronize_rcu();
	kfree(old);
}

static void setup(void)
{
	kvm.memslots = kzalloc(sizeof(*kvm.memslots), GFP_KERNEL);
}

static void thread(unsigned thread)
{
	struct kvm_memslots *slots;

	switch (thread) {
	case 0:
		kvm_mmu_notifier_invalidate_range_start();
		pr_info("the page tables are changed");
		kvm_mmu_notifier_invalidate_range_end();
		break;
	case 1:
		slots = kzalloc(sizeof(*slots), GFP_KERNEL);
		slots->has_range = true;
		install_new_memslots(slots);
		break;
	}
}

static void finish(void)
{
	if (kvm.mmu_notifier_count > 0)
		explore_fail(ORACLE_PROTOCOL, "a start was counted and its end was not");
	kfree(kvm.memslots);
}

static const char *const names[] = { "invalidation", "memslots" };

CORPUS_CALLS(finish)
CORPUS_ENTRY("protocol", .finish = call_finish)
