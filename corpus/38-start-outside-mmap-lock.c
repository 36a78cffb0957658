/* SPDX-License-Identifier: MIT */
/*
 * 38: an invalidation that begins before mmap_lock is taken
 *
 * Linux: CVE-2024-26617, 4cccb6221cae6d020270606b9e52b1678fc8b71a
 * Class: L/N
 *
 * The PAGEMAP_SCAN ioctl can write-protect what it reports. It told the notifiers the start
 * before it took mmap_lock for reading, and the end after it had dropped it, once for the whole
 * range, though the walk in between may drop the lock and go on elsewhere. But mmap_lock is what
 * keeps mmu_notifier_register() from adding a notifier between a start and its end: a KVM that
 * was registered while PAGEMAP_SCAN waited for the lock saw an end without its start. The bug was
 * repaired by telling both while the lock is held, for each part of the walk. (The commit speaks
 * of races with other components, and of a warning of KVM that was seen, and draws none; this is
 * one that the old order allows.)
 *
 *	CPU 0, PAGEMAP_SCAN			CPU 1, KVM_CREATE_VM
 *	1 start: no notifier
 *						2 mmap_write_lock; register; unlock
 *	3 mmap_read_lock; walk; unlock
 *	4 end: notifier, count = -1
 */
#include <mmun/explore.h>
#include <mmun/kernel.h>

#include "entry.h"

struct kvm {
	spinlock_t mn_invalidate_lock;
	int mn_active_invalidate_count;         /* [mn_invalidate_lock] */
};

static struct {
	struct rw_semaphore mmap_lock;
	struct kvm *notifier_subscriptions;     /* RCU; written with mmap_lock */
} mm;

static spinlock_t ptl;
static bool pte_writable = true;                /* [ptl] */
static struct kvm *kvm;                         /* the one that is being created */

static void mmu_notifier_invalidate_range_start(void)
{
	struct kvm *subscription = rcu_dereference(mm.notifier_subscriptions);

	if (!subscription) {
		pr_info("start: there is no notifier");
		return;
	}
	spin_lock(&subscription->mn_invalidate_lock);
	subscription->mn_active_invalidate_count++;
	pr_info("start: count = %d", subscription->mn_active_invalidate_count);
	spin_unlock(&subscription->mn_invalidate_lock);
}

static void mmu_notifier_invalidate_range_end(void)
{
	struct kvm *subscription = rcu_dereference(mm.notifier_subscriptions);

	if (!subscription)
		return;
	spin_lock(&subscription->mn_invalidate_lock);
	subscription->mn_active_invalidate_count--;
	pr_info("end: count = %d", subscription->mn_active_invalidate_count);
	if (subscription->mn_active_invalidate_count < 0)
		explore_fail(ORACLE_PROTOCOL,
			     "a notifier is told the end of an invalidation it has not seen begin");
	spin_unlock(&subscription->mn_invalidate_lock);
}

static void do_pagemap_scan(void)
{
	if (!fixed)
		mmu_notifier_invalidate_range_start();          /* 1 */

	down_read(&mm.mmap_lock);                               /* 3 */
	if (fixed)
		mmu_notifier_invalidate_range_start();
	spin_lock(&ptl);                                        /* walk_page_range() */
	pte_writable = false;
	pr_info("the page is write-protected");
	spin_unlock(&ptl);
	if (fixed)
		mmu_notifier_invalidate_range_end();
	up_read(&mm.mmap_lock);

	if (!fixed)
		mmu_notifier_invalidate_range_end();            /* 4 */
}

static void mmu_notifier_register(struct kvm *subscription)
{
	down_write(&mm.mmap_lock);
	rcu_assign_pointer(mm.notifier_subscriptions, subscription);    /* 2 */
	pr_info("KVM is registered");
	up_write(&mm.mmap_lock);
}

static void setup(void)
{
	kvm = kzalloc(sizeof(*kvm), GFP_KERNEL);
}

static void thread(unsigned thread)
{
	switch (thread) {
	case 0:
		do_pagemap_scan();
		break;
	case 1:
		mmu_notifier_register(kvm);
		break;
	}
}

static void finish(void)
{
	EXPLORE_ASSERT(!pte_writable);
	kfree(kvm);
}

static const char *const names[] = { "pagemap_scan", "kvm_create" };

CORPUS_CALLS(finish)
CORPUS_ENTRY("protocol", .finish = call_finish)
