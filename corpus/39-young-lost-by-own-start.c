/* SPDX-License-Identifier: MIT */
/*
 * 39: reclaim asks whether a page was used after its own start has wiped out the answer
 *
 * Linux: 013339df116c2ee0d796dd8bfb8f293a2030c063, since 369ea8242c0f
 * Class: N
 *
 * Whether a guest has used a page is a bit in KVM's page table entry, and clear_flush_young()
 * asks for it. try_to_unmap_one() asked for it once more before it took the page away, unless
 * told not to. When it got a start and an end around all that it does, the start came before the
 * question, and KVM's start zaps the entry: the answer was always "not used", however busy the
 * guest, and the page was swapped out. The bug was repaired by not asking there: the walk that
 * only asks, page_referenced(), has no start, and reclaim has called it before. (A use between
 * that walk and the unmapping is then not noticed, which the commit accepts. The check's
 * condition is that no answer is wrong. A guest's use of a page is under mmu_lock here, as the
 * processor sets the bit while it walks.)
 *
 *	CPU 0, reclaim				guest
 *	1 page_referenced: not used
 *						2 use the page: accessed bit
 *	3 start: zap the entry, and the bit
 *	4 clear_flush_young: not used
 *	5 swap out
 */
#include <mmun/explore.h>
#include <mmun/kernel.h>

#include "entry.h"

static spinlock_t ptl;
static bool pte_present = true;         /* [ptl] */

static struct {
	spinlock_t mmu_lock;
	int mmu_notifier_count;         /* [mmu_lock] */
	bool spte, accessed;            /* [mmu_lock] */
} kvm = { .spte = true };

static bool used;                       /* [mmu_lock] since it was last asked: the truth */

static bool kvm_mmu_notifier_clear_flush_young(void)
{
	bool young;

	spin_lock(&kvm.mmu_lock);
	young = kvm.spte && kvm.accessed;
	kvm.accessed = false;
	pr_info("clear_flush_young: %s", young ? "used" : "not used");
	if (young != used)
		explore_fail(ORACLE_CONDITION,
			     "a page that the guest has used is said not to be used");
	used = false;
	spin_unlock(&kvm.mmu_lock);
	return young;
}

static void kvm_mmu_notifier_invalidate_range_start(void)
{
	spin_lock(&kvm.mmu_lock);
	kvm.mmu_notifier_count++;
	kvm.spte = false;                                       /* 3 */
	pr_info("start: zap");
	spin_unlock(&kvm.mmu_lock);
}

static void kvm_mmu_notifier_invalidate_range_end(void)
{
	spin_lock(&kvm.mmu_lock);
	kvm.mmu_notifier_count--;
	spin_unlock(&kvm.mmu_lock);
}

/* The walk that only asks. */
static bool page_referenced(void)
{
	bool young;

	spin_lock(&ptl);
	young = kvm_mmu_notifier_clear_flush_young();           /* 1 */
	spin_unlock(&ptl);
	return young;
}

static bool try_to_unmap_one(void)
{
	bool unmapped = true;

	kvm_mmu_notifier_invalidate_range_start();
	spin_lock(&ptl);
	if (!fixed && kvm_mmu_notifier_clear_flush_young())     /* 4: !TTU_IGNORE_ACCESS */
		unmapped = false;
	else
		pte_present = false;
	spin_unlock(&ptl);
	kvm_mmu_notifier_invalidate_range_end();
	return unmapped;
}

static void shrink_page_list(void)
{
	if (page_referenced()) {
		pr_info("keep the page");
		return;
	}
	if (try_to_unmap_one())
		pr_info("swap the page out");                   /* 5 */
}

static void guest_use(void)
{
	spin_lock(&kvm.mmu_lock);
	if (kvm.spte) {
		kvm.accessed = used = true;                     /* 2 */
		pr_info("the guest uses the page");
	} else {
		pr_info("the guest faults");
	}
	spin_unlock(&kvm.mmu_lock);
}

static void setup(void)
{
}

static void thread(unsigned thread)
{
	switch (thread) {
	case 0:
		shrink_page_list();
		break;
	case 1:
		guest_use();
		guest_use();
		break;
	}
}

static void finish(void)
{
	EXPLORE_ASSERT(!kvm.mmu_notifier_count && pte_present == kvm.spte);
}

static const char *const names[] = { "reclaim", "guest" };

CORPUS_CALLS(finish)
CORPUS_ENTRY("condition", .finish = call_finish)
