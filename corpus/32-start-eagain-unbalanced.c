/* SPDX-License-Identifier: MIT */
/*
 * 32: a start that fails leaves the other notifiers without their end
 *
 * Linux: c2655835fd8cabdfe7dab737253de3ffb88da126
 * Class: N
 *
 * The OOM reaper may not block, so it calls the starts of an mm's notifiers in the mode in which
 * they may answer -EAGAIN; then it leaves the area alone. mn_hlist_invalidate_range_start()
 * called all the starts, and when one of them had failed it returned the error, and nobody called
 * the ends of those that had succeeded. KVM counts in its start and counts back in its end, and
 * while the count is not zero its page faults are all tried again: after one -EAGAIN of another
 * driver of the same process, whose lock happened to be taken, each guest fault is repeated
 * forever. The repair: when a start has failed, the core calls the end of every notifier that has
 * one, and a notifier whose start may fail must not have an end.
 *
 *	CPU 0, OOM reaper		CPU 1, GPU driver	CPU 2, vCPU
 *					1 mutex_lock
 *	2 KVM's start: count = 1
 *	3 driver's start: trylock
 *	  fails: -EAGAIN
 *	  no end, no unmapping
 *								4 fault: count != 0,
 *								  again, forever
 */
#include <mmun/explore.h>
#include <mmun/kernel.h>

#include <errno.h>

#include "entry.h"

struct mmu_notifier {
	int (*invalidate_range_start)(bool blockable);
	void (*invalidate_range_end)(void);
};

static struct {
	spinlock_t mmu_lock;
	int mmu_invalidate_in_progress; /* [mmu_lock] */
	int mmu_invalidate_seq;         /* [mmu_lock] */
	bool spte;                      /* [mmu_lock] the page is mapped */
} kvm;

static struct mutex driver_lock;

static int kvm_mmu_notifier_invalidate_range_start(bool blockable)
{
	(void)blockable;
	spin_lock(&kvm.mmu_lock);
	WRITE_ONCE(kvm.mmu_invalidate_in_progress, READ_ONCE(kvm.mmu_invalidate_in_progress) + 1);
	kvm.spte = false;
	spin_unlock(&kvm.mmu_lock);
	return 0;
}

static void kvm_mmu_notifier_invalidate_range_end(void)
{
	spin_lock(&kvm.mmu_lock);
	WRITE_ONCE(kvm.mmu_invalidate_seq, READ_ONCE(kvm.mmu_invalidate_seq) + 1);
	WRITE_ONCE(kvm.mmu_invalidate_in_progress, READ_ONCE(kvm.mmu_invalidate_in_progress) - 1);
	spin_unlock(&kvm.mmu_lock);
}

static int driver_invalidate_range_start(bool blockable)
{
	if (blockable)
		mutex_lock(&driver_lock);
	else if (!mutex_trylock(&driver_lock))
		return -EAGAIN; /* 3 */
	pr_info("the driver unmaps");
	mutex_unlock(&driver_lock);
	return 0;
}

static const struct mmu_notifier subscriptions[] = {
	{ kvm_mmu_notifier_invalidate_range_start, kvm_mmu_notifier_invalidate_range_end },
	{ driver_invalidate_range_start, NULL },
};

#define for_each_subscription(s) for (s = subscriptions; s < subscriptions + 2; s++)

static int mn_hlist_invalidate_range_start(bool blockable)
{
	const struct mmu_notifier *s;
	int ret = 0;

	for_each_subscription(s) {
		int _ret = s->invalidate_range_start(blockable);

		if (_ret) {
			WARN_ON(blockable || _ret != -EAGAIN);
			WARN_ON(s->invalidate_range_end);
			ret = _ret;
		}
	}

	/* The caller of a start that has failed does not call the end. */
	if (ret && fixed)
		for_each_subscription(s)
			if (s->invalidate_range_end)
				s->invalidate_range_end();
	return ret;
}

static void mn_hlist_invalidate_end(void)
{
	const struct mmu_notifier *s;

	for_each_subscription(s)
		if (s->invalidate_range_end)
			s->invalidate_range_end();
}

static void oom_reap_task_mm(void)
{
	if (mn_hlist_invalidate_range_start(false)) {
		pr_info("-EAGAIN: the area is left alone");
		return;
	}
	pr_info("unmap_page_range()");
	mn_hlist_invalidate_end();
}

static void kvm_tdp_page_fault(void)
{
	for (;;) {
		int seq = READ_ONCE(kvm.mmu_invalidate_seq);
		int in_progress;

		/* gfn_to_pfn() */
		spin_lock(&kvm.mmu_lock);
		in_progress = READ_ONCE(kvm.mmu_invalidate_in_progress);
		if (!in_progress && READ_ONCE(kvm.mmu_invalidate_seq) == seq)
			break;
		spin_unlock(&kvm.mmu_lock);
		pr_info("back to the guest, which faults again");
		if (in_progress)
			cpu_relax(); /* 4 */
	}
	kvm.spte = true;
	pr_info("the page is mapped");
	spin_unlock(&kvm.mmu_lock);
}

static void setup(void)
{
	kvm.spte = true;
}

static void thread(unsigned thread)
{
	switch (thread) {
	case 0:
		oom_reap_task_mm();
		break;
	case 1:
		mutex_lock(&driver_lock); /* 1 */
		mutex_unlock(&driver_lock);
		break;
	case 2:
		kvm_tdp_page_fault();
		break;
	}
}

static const char *const names[] = { "oom_reaper", "gpu driver", "vcpu" };

CORPUS_ENTRY("liveness")
