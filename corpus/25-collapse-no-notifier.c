/* SPDX-License-Identifier: MIT */
/*
 * 25: khugepaged collapses pages of a file and tells no notifier
 *
 * Linux: CVE-2022-48991, f268f6cf875f3220afc77bdd0bf1bb136eb54db9
 * Class: N/A
 *
 * When pages of a file have become a huge page, collapse_pte_mapped_thp() takes away the page
 * tables that still map it page by page, so that the next fault can map it as a whole: it takes
 * the entries out of the reverse map, clears the upper entry, and frees the table. It did so
 * without start and end of the MMU notifiers, so a KVM guest kept its own entry (SPTE) for the
 * page, without a reference. A truncation of the file frees the page later, and cannot tell KVM
 * either, as it finds no entry in the process any more; the guest goes on writing to the page.
 * The bug was repaired by a pair of start and end around the removal of the table. What is found
 * here is the removal itself; the page lives on.
 *
 *	CPU 0, collapse				CPU 1, vCPU [SPTE: x -> P]
 *	1 no start; pmd = none; flush
 *	  free the table
 *						2 the guest writes to P
 *	later: truncate; no entry of P,
 *	  so no start either; free P
 */
#include <mmun/kernel_mm.h>

#include "entry.h"

static struct mm_world w;
static unsigned long x;
static struct page *P;                  /* of the file's cache, which has a reference */

static struct {
	struct mmu_notifier mmu_notifier;
	spinlock_t mmu_lock;
	struct page *spte;              /* [mmu_lock] what the guest maps, NULL: nothing */
} kvm;

static int kvm_mmu_notifier_invalidate_range_start(struct mmu_notifier *mn,
						   const struct mmu_notifier_range *range)
{
	(void)mn;
	if (x < range->start || x >= range->end)
		return 0;
	spin_lock(&kvm.mmu_lock);
	kvm.spte = NULL;
	spin_unlock(&kvm.mmu_lock);
	pr_info("KVM drops its entry");
	return 0;
}

static const struct mmu_notifier_ops kvm_mmu_notifier_ops = {
	.invalidate_range_start = kvm_mmu_notifier_invalidate_range_start,
};

static void setup(void)
{
	mm_world_init(&w, MMUN_MODERN, 0, false);
	x = mm_world_page(&w, 0, 0, 0);
	P = pte_page(ptep_get(pte_offset_map(w.mm, pmd_off(w.mm, x), x)));
	get_page(P);
	kvm.mmu_notifier.ops = &kvm_mmu_notifier_ops;
	EXPLORE_ASSERT(!mmu_notifier_register(&kvm.mmu_notifier, w.mm));
	kvm.spte = P;
}

static void collapse_and_free_pmd(struct mm_struct *mm, struct vm_area_struct *vma,
				  unsigned long addr, pmd_t *pmdp)
{
	struct mmu_notifier_range range;
	spinlock_t *pml;
	pmd_t pmd;

	if (fixed) {
		mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, mm, addr,
					addr + HPAGE_PMD_SIZE);
		mmu_notifier_invalidate_range_start(&range);
	}
	pml = pmd_lock(mm, pmdp);
	pmd = pmdp_collapse_flush(vma, addr, pmdp);             /* 1 */
	spin_unlock(pml);
	if (fixed)
		mmu_notifier_invalidate_range_end(&range);
	synchronize_rcu();                                      /* GUP-fast: see 26 */
	pte_free(mm, pmd_page(pmd));
}

static void collapse_pte_mapped_thp(struct mm_struct *mm, unsigned long haddr)
{
	struct vm_area_struct vma;
	spinlock_t *ptl;
	pmd_t *pmd;
	pte_t *pte;

	mmap_write_lock(mm);
	vma = vma_of(mm, haddr);
	vma_start_write(&vma);
	pmd = pmd_off(mm, haddr);
	pte = pte_offset_map_lock(mm, pmd, haddr, &ptl);
	BUG_ON(!pte || pte_page(ptep_get(pte)) != P);
	folio_remove_rmap_pte(P, P, &vma, haddr);
	pte_unmap_unlock(pte, ptl);
	put_page(P);
	collapse_and_free_pmd(mm, &vma, haddr, pmd);
	mmap_write_unlock(mm);
}

static void guest_write(void)
{
	spin_lock(&kvm.mmu_lock);
	if (kvm.spte)
		WRITE_ONCE(page_address(kvm.spte)[0], 1);       /* 2 */
	spin_unlock(&kvm.mmu_lock);
}

static void thread(unsigned thread)
{
	switch (thread) {
	case 0:
		collapse_pte_mapped_thp(w.mm, x);
		break;
	case 1:
		guest_write();
		break;
	}
}

static void watch(void)
{
	mm_world_watch(&w, x, "x");
	if (kvm.spte)
		explore_watch("SPTE of x", "frame %lu", page_to_pfn(kvm.spte));
	else
		explore_watch_nothing("SPTE of x", "none");
}

static void finish(void)
{
	EXPLORE_ASSERT(!fixed == !!kvm.spte);
	put_page(P);
	mmu_notifier_unregister(&kvm.mmu_notifier, w.mm);
	mm_world_fini(&w);
}

static const char *const names[] = { "collapse", "vCPU" };

CORPUS_CALLS(watch)
CORPUS_CALLS(finish)
CORPUS_ENTRY("protocol", .watch = call_watch, .finish = call_finish)
