/* SPDX-License-Identifier: MIT */
/*
 * 3: mremap moves a page table that khugepaged has taken away
 *
 * Linux: CVE-2024-50066, 6fa1066fc5d00cb9f1b0e83b7ff6ef98d26ba2aa
 * Class: W
 *
 * mremap() moves a whole page table if it can. move_page_tables() looks at the old entry, sees a
 * table, and calls move_pgt_entry(), which takes the locks of the reverse map and may sleep for
 * them; move_normal_pmd() then moves the entry. What keeps page tables where they are is
 * mmap_lock, but since 1d65b771bc08 retract_page_tables(), called when some other process
 * collapses pages of the file, takes empty tables away with only the locks of the reverse map and
 * of the page table. In between, the entry can become none, and none, understood as the name of a
 * table, is physical page 0: this page's contents are the page table of the new address from then
 * on. The bug was repaired by looking at the entry again under its lock.
 *
 *	CPU 0, mremap				CPU 1, MADV_COLLAPSE of another process
 *	1 old_pmd is a table
 *						2 lock i_mmap, pmd; old_pmd = none
 *						  unlock; free the table
 *	3 lock i_mmap, pmd
 *	  new_pmd = frame of none = 0
 */
#include <mmun/kernel_mm.h>

#include "entry.h"

static struct mm_world w;
static unsigned long old, new;          /* of areas that a page table's entries fill */
static struct rw_semaphore i_mmap_rwsem;

static void setup(void)
{
	mm_world_init(&w, MMUN_MODERN, 0, false);
	old = mm_world_page(&w, 0, 0, 0);
	new = old + PMD_SIZE;
	for (int n = 0; n < 2; n++)
		EXPLORE_ASSERT(!mmun_mmap(w.mm, n ? new : old, PMD_SIZE,
					  MMUN_PROT_READ | MMUN_PROT_WRITE,
					  MMUN_MAP_PRIVATE | MMUN_MAP_ANONYMOUS | MMUN_MAP_FIXED,
					  &(uint64_t){ 0 }));
	/* Whose pages have been unmapped: an empty table is left. */
	EXPLORE_ASSERT(!mmun_mm_fault(w.mm, old, false));
	EXPLORE_ASSERT(!mmun_madvise(w.mm, old, PMD_SIZE, MMUN_MADV_DONTNEED));
}

static bool move_normal_pmd(struct vm_area_struct *vma, unsigned long old_addr,
			    unsigned long new_addr, pmd_t *old_pmd, pmd_t *new_pmd)
{
	struct mm_struct *mm = vma->vm_mm;
	spinlock_t *old_ptl, *new_ptl;
	bool res = false;
	pmd_t pmd;

	if (WARN_ON_ONCE(!pmd_none(pmdp_get(new_pmd))))
		return false;

	old_ptl = pmd_lock(mm, old_pmd);
	new_ptl = pmd_lockptr(mm, new_pmd);
	if (new_ptl != old_ptl)
		spin_lock(new_ptl);

	pmd = pmdp_get(old_pmd);                                        /* 3 */
	if (fixed && (!pmd_present(pmd) || pmd_leaf(pmd)))
		goto out_unlock;
	pmd_clear(mm, old_addr, old_pmd);
	res = true;
	pmd_populate(mm, new_addr, new_pmd, pmd_page(pmd));
	flush_tlb_range(vma, old_addr, old_addr + PMD_SIZE);
out_unlock:
	if (new_ptl != old_ptl)
		spin_unlock(new_ptl);
	spin_unlock(old_ptl);
	return res;
}

static bool move_pgt_entry(struct vm_area_struct *vma, pmd_t *old_pmd, pmd_t *new_pmd)
{
	bool moved;

	down_write(&i_mmap_rwsem);                                      /* take_rmap_locks() */
	moved = move_normal_pmd(vma, old, new, old_pmd, new_pmd);
	up_write(&i_mmap_rwsem);
	return moved;
}

static void move_page_tables(struct vm_area_struct *vma)
{
	struct mm_struct *mm = vma->vm_mm;
	struct mmu_notifier_range range;
	pmd_t *old_pmd, *new_pmd;

	mmu_notifier_range_init(&range, MMU_NOTIFY_UNMAP, 0, mm, old, old + PMD_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	old_pmd = pmd_off(mm, old);
	new_pmd = pmd_alloc_off(mm, new);
	if (!pmd_none(pmdp_get(old_pmd))) {                             /* 1 */
		if (move_pgt_entry(vma, old_pmd, new_pmd))
			pr_info("moved the table");
		else
			pr_info("move_ptes(): there is no table any more");
	}
	mmu_notifier_invalidate_range_end(&range);
}

/* Of the file's other areas this one, in an address space whose mmap_lock is not held. */
static void retract_page_tables(void)
{
	struct mm_struct *mm = w.mm;
	struct mmu_notifier_range range;
	struct vm_area_struct vma;
	pmd_t *pmd, pgt_pmd = __pmd(0);
	spinlock_t *pml;

	down_read(&i_mmap_rwsem);
	vma = vma_of(mm, old);
	pmd = pmd_off(mm, old);
	if (pmd_present(pmdp_get(pmd))) {                       /* find_pmd_or_thp_or_none() */
		mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, mm, old, old + PMD_SIZE);
		mmu_notifier_invalidate_range_start(&range);
		pml = pmd_lock(mm, pmd);
		if (pmd_present(pmdp_get(pmd)))
			pgt_pmd = pmdp_collapse_flush(&vma, old, pmd);  /* 2 */
		spin_unlock(pml);
		mmu_notifier_invalidate_range_end(&range);
	}
	up_read(&i_mmap_rwsem);
	if (!pmd_none(pgt_pmd)) {                                       /* pte_free_defer() */
		synchronize_rcu();
		pte_free(mm, pmd_page(pgt_pmd));
	}
}

static void thread(unsigned thread)
{
	struct vm_area_struct vma;

	switch (thread) {
	case 0:
		mmap_write_lock(w.mm);
		vma = vma_of(w.mm, old);
		move_page_tables(&vma);
		mmap_write_unlock(w.mm);
		break;
	case 1:
		retract_page_tables();
		break;
	}
}

static void watch_pmd(unsigned long addr, const char *name)
{
	pmd_t pmd = *pmd_off(w.mm, addr);

	if (pmd_none(pmd))
		explore_watch_nothing(name, "none");
	else
		explore_watch(name, "table in frame %lu", pmd_pfn(pmd));
}

static void watch(void)
{
	watch_pmd(old, "old_pmd");
	watch_pmd(new, "new_pmd");
}

static void finish(void)
{
	pmd_t *new_pmd = pmd_off(w.mm, new);

	if (pmd_present(*new_pmd) && !pmd_pfn(*new_pmd))
		*new_pmd = __pmd(0); /* exit would free physical page 0 */
	mm_world_fini(&w);
}

static const char *const names[] = { "mremap", "MADV_COLLAPSE" };

CORPUS_CALLS(watch)
CORPUS_CALLS(finish)
CORPUS_ENTRY("protocol", .watch = call_watch, .finish = call_finish)
