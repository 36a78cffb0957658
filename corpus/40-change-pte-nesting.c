/* SPDX-License-Identifier: MIT */
/*
 * 40: change_pte() between the start and the end of somebody else's invalidation
 *
 * Linux: 6bdb913f0a70
 * Class: N
 *
 * change_pte() told a secondary MMU, under the page table lock, which page an entry is about
 * to point to, so that it need not fault for it. When such calls were put between a start and
 * an end of their own, an implementer got a rule: it must do nothing if more starts than this
 * one are outstanding. Between a start and its end the secondary MMU may not get new entries
 * in the range, since the invalidation has zapped it and will not do so again: what change_pte()
 * enters then outlives it. Here copy-on-write gives the page a new frame while MADV_DONTNEED
 * is between its start and its page table lock; DONTNEED frees the new frame, and the guest
 * writes to it. (KVM was safe by accident: it changes only entries that it has, and the start
 * of the same operation has removed them. So change_pte() did nothing, and was deleted in 6.10.)
 *
 *	CPU 0, COW			CPU 1, MADV_DONTNEED		CPU 2, guest
 *					1 start: zap x, count = 1
 *	2 start: count = 2
 *	  lock; clear x
 *	3 change_pte: map x -> P'
 *	  set x -> P'; unlock; end
 *					4 lock; clear x; unlock
 *					  free P'; end
 *									5 write P' [freed]
 */
#include <mmun/explore.h>
#include <mmun/kernel.h>

#include "entry.h"

struct page { int data; };

/* mmap_lock is held for reading by both operations, so it excludes nothing here. */
static spinlock_t ptl;
static struct page *pte;                /* [ptl] the one entry, x */

static struct {
	spinlock_t mmu_lock;            /* also held for an access: the zap waits for it */
	int mmu_notifier_count;         /* [mmu_lock] starts that are outstanding */
	struct page *spte;              /* [mmu_lock] */
} kvm;

static void invalidate_range_start(void)
{
	spin_lock(&kvm.mmu_lock);
	kvm.mmu_notifier_count++;
	pr_info("start: %d outstanding%s", kvm.mmu_notifier_count, kvm.spte ? ", zap x" : "");
	kvm.spte = NULL;
	spin_unlock(&kvm.mmu_lock);
}

static void invalidate_range_end(void)
{
	spin_lock(&kvm.mmu_lock);
	kvm.mmu_notifier_count--;
	pr_info("end");
	spin_unlock(&kvm.mmu_lock);
}

static void change_pte(struct page *new)
{
	spin_lock(&kvm.mmu_lock);
	if (fixed && kvm.mmu_notifier_count > 1) {
		pr_info("change_pte: somebody else is invalidating");
	} else {
		kvm.spte = new;
		pr_info("change_pte: the secondary MMU has x -> P'");
	}
	spin_unlock(&kvm.mmu_lock);
}

static void wp_page_copy(void)
{
	struct page *old, *new = kmalloc(sizeof(*new), GFP_KERNEL);

	spin_lock(&ptl); /* the fault has seen the old page */
	old = pte;
	spin_unlock(&ptl);

	invalidate_range_start();                       /* 2 */
	spin_lock(&ptl);
	if (pte && pte == old) {
		pte = NULL;                             /* ptep_clear_flush() */
		change_pte(new);                        /* 3: set_pte_at_notify() */
		pte = new;
		new = NULL;
		pr_info("x -> P'");
	} else {
		old = NULL;
	}
	spin_unlock(&ptl);
	invalidate_range_end();
	if (old)
		kfree(old);
	if (new)
		kfree(new);
}

static void zap_page_range(void)
{
	struct page *page;

	invalidate_range_start();                       /* 1 */
	spin_lock(&ptl);
	page = pte;                                     /* 4 */
	pte = NULL;
	pr_info("x is cleared");
	spin_unlock(&ptl);
	kfree(page);                                    /* tlb_finish_mmu() */
	pr_info("its page is freed");
	invalidate_range_end();
}

static void guest_write(void)
{
	spin_lock(&kvm.mmu_lock);
	if (kvm.spte)
		WRITE_ONCE(kvm.spte->data, 1);          /* 5 */
	spin_unlock(&kvm.mmu_lock);
}

static void setup(void)
{
	pte = kmalloc(sizeof(*pte), GFP_KERNEL);
	kvm.spte = pte;
}

static void thread(unsigned thread)
{
	switch (thread) {
	case 0:
		wp_page_copy();
		break;
	case 1:
		zap_page_range();
		break;
	case 2:
		guest_write();
		break;
	}
}

static void finish(void)
{
	EXPLORE_ASSERT(!kvm.mmu_notifier_count);
	if (pte)
		kfree(pte);
}

static const char *const names[] = { "cow", "dontneed", "guest" };

CORPUS_CALLS(finish)
CORPUS_ENTRY("lifetime", .finish = call_finish)
