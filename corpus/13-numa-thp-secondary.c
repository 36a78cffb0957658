/* SPDX-License-Identifier: MIT */
/*
 * 13: a huge page is migrated while a device can still write to it
 *
 * Linux: 7066f0f933a1fd707bb38781866657769cff7efc
 * Class: P->B
 *
 * To find out who uses a page, NUMA balancing takes away the access rights of its entry
 * (change_huge_pmd()), and leaves the flush of the secondary TLBs to range_end: rights that are
 * taken away may be used a little longer. But the next fault there may find that the page is
 * better placed on another node, and move it. do_huge_pmd_numa_page() knew that the processors'
 * flush might be still to come, and did it before it copied; the secondary TLBs' it left to a
 * range_end that came after the copy. A device that shares the page tables wrote to the old page
 * in between: the write was lost, or went to a page that was free by then. The bug was repaired
 * by an mmu_notifier_invalidate_range() before the copy. (The fix also took the pair of start and
 * end out of the migration, where it was of no use; here it stays in both forms. The old page is
 * kept to the end, so that what is seen is the lost write.)
 *
 *	CPU 0, change_prot_numa		CPU 1, NUMA fault	device [TLB: x -> P]
 *	1 start; lock; no access;
 *	  unlock
 *					2 flush the CPUs
 *					  copy P to P'
 *								3 stores to x: P
 *					4 x -> P'
 *	5 end: flush the device
 */
#include <mmun/kernel_mm.h>

#include "entry.h"

static struct mm_world w;
static unsigned long x;                 /* where a huge page begins */
static struct page *old_page, *target;  /* target: allocated on the other node */

static void setup(void)
{
	mm_world_init(&w, MMUN_CLASSIC, 1, true);
	x = 2 * PMD_SIZE;
	EXPLORE_ASSERT(!mmun_mmap(w.mm, x, PMD_SIZE, MMUN_PROT_READ | MMUN_PROT_WRITE,
				  MMUN_MAP_PRIVATE | MMUN_MAP_ANONYMOUS | MMUN_MAP_FIXED,
				  &(uint64_t){ 0 }));
	EXPLORE_ASSERT(!mmun_madvise(w.mm, x, PMD_SIZE, MMUN_MADV_HUGEPAGE));
	EXPLORE_ASSERT(!mmun_ats_store(w.device, x, 1));
	old_page = pmd_page(pmdp_get(pmd_off(w.mm, x)));
	get_page(old_page); /* to the end */
	target = alloc_huge_page(GFP_KERNEL);
	BUG_ON(!target);
}

static void change_huge_pmd(struct vm_area_struct *vma, pmd_t *pmd, unsigned long addr,
			    pgprot_t newprot)
{
	struct mm_struct *mm = vma->vm_mm;
	spinlock_t *ptl = pmd_lock(mm, pmd);
	pmd_t entry = pmdp_get(pmd);

	if (!pmd_protnone(entry))
		set_pmd_at(mm, addr, pmd, pmd_modify(entry, newprot));
	spin_unlock(ptl);
}

static void change_prot_numa(struct vm_area_struct *vma, unsigned long addr, unsigned long end)
{
	struct mm_struct *mm = vma->vm_mm;
	struct mmu_notifier_range range;

	inc_tlb_flush_pending(mm);
	mmu_notifier_range_init(&range, MMU_NOTIFY_PROTECTION_VMA, 0, mm, addr, end);
	mmu_notifier_invalidate_range_start(&range);
	change_huge_pmd(vma, pmd_off(mm, addr), addr, PAGE_NONE);       /* 1 */
	mmu_notifier_invalidate_range_end(&range);                      /* 5 */
	flush_tlb_range(vma, addr, end);
	dec_tlb_flush_pending(mm);
}

static void migrate_misplaced_transhuge_page(struct vm_area_struct *vma, pmd_t *pmd, pmd_t entry,
					     unsigned long haddr, struct page *page)
{
	struct mm_struct *mm = vma->vm_mm;
	struct page *new_page = target;
	struct mmu_notifier_range range;
	spinlock_t *ptl;

	for (unsigned n = 0; n < HPAGE_PMD_NR; n++)
		copy_page_to_page(folio_page(new_page, n), folio_page(page, n)); /* 2 */

	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, mm, haddr, haddr + HPAGE_PMD_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	ptl = pmd_lock(mm, pmd);
	BUG_ON(!pmd_same(pmdp_get(pmd), entry));
	folio_remove_rmap_pte(page, page, vma, haddr);
	entry = pmd_mkwrite(pmd_mkdirty(mk_huge_pmd(new_page, PAGE_SHARED)), vma);
	set_pmd_at(mm, haddr, pmd, entry);                              /* 4 */
	folio_add_new_anon_rmap(new_page, vma, haddr);
	spin_unlock(ptl);
	mmu_notifier_invalidate_range_only_end(&range);
	target = NULL;
	put_page(page); /* the entry's */
}

static void do_huge_pmd_numa_page(struct vm_area_struct *vma, pmd_t *pmd, unsigned long haddr)
{
	struct mm_struct *mm = vma->vm_mm;
	struct page *page;
	spinlock_t *ptl;
	pmd_t entry;

	ptl = pmd_lock(mm, pmd);
	entry = pmdp_get(pmd);
	page = pmd_page(entry);
	if (!pmd_protnone(entry)) {
		spin_unlock(ptl);
		return;
	}
	get_page(page);
	spin_unlock(ptl);
	lock_page(page);

	if (mm_tlb_flush_pending(mm)) {
		flush_tlb_range(vma, haddr, haddr + HPAGE_PMD_SIZE);
		if (fixed)
			mmu_notifier_invalidate_range(mm, haddr, haddr + HPAGE_PMD_SIZE);
	}
	migrate_misplaced_transhuge_page(vma, pmd, entry, haddr, page);
	unlock_page(page);
	put_page(page);
}

static void thread(unsigned thread)
{
	struct vm_area_struct vma;

	switch (thread) {
	case 0:
		mmap_read_lock(w.mm);
		vma = vma_of(w.mm, x);
		change_prot_numa(&vma, x, x + HPAGE_PMD_SIZE);
		mmap_read_unlock(w.mm);
		break;
	case 1:
		mmap_read_lock(w.mm);
		vma = vma_of(w.mm, x);
		do_huge_pmd_numa_page(&vma, pmd_off(w.mm, x), x);
		mmap_read_unlock(w.mm);
		break;
	case 2:
		device_try_store(w.device, x, 2);                       /* 3 */
		break;
	}
}

static void watch(void)
{
	mm_world_watch(&w, x, "x");
}

static void finish(void)
{
	put_page(old_page);
	if (target)
		put_page(target);
	mm_world_fini(&w);
}

static const char *const names[] = { "change_prot_numa", "NUMA fault", "device" };

CORPUS_CALLS(watch)
CORPUS_CALLS(finish)
CORPUS_ENTRY("lost-write", .watch = call_watch, .finish = call_finish)
