/* SPDX-License-Identifier: MIT */
/*
 * 20: clear_refs forgets to flush what it has write-protected
 *
 * Linux: 912efa17e5121693dfbadae29768f4144a3f9e62
 * Class: P
 *
 * Writing 4 to /proc/PID/clear_refs makes entries read-only and not soft-dirty, so that the next
 * write to a page faults and marks it. clear_refs_write() left the flush to a gather that had
 * nothing in it: tlb_finish_mmu() flushed the range it was given. When gathers learned to flush
 * only what had been cleared (0758cd830494), this one flushed nothing. A processor then writes by
 * the writable translation that it has, no fault comes, and the page is not marked: a checkpoint
 * that saves the pages written since the last one (CRIU) misses it. The bug was repaired by a
 * flush_tlb_mm() of its own.
 *
 *	CPU 0, clear_refs			CPU 1 [TLB: x -> P, rw]
 *	1 lock; x: read-only, not
 *	  soft-dirty; unlock
 *	2 no flush; returns
 *						3 stores to x: no fault
 *						4 x is not soft-dirty
 */
#include <mmun/kernel_mm.h>

#include "entry.h"

static struct mm_world w;
static unsigned long x;
static bool returned;                   /* clear_refs_write() has */

static void setup(void)
{
	mm_world_init(&w, MMUN_MODERN, 1, false);
	x = mm_world_page(&w, 0, 0, 0);
	mm_world_cached(&w, 0, x, true);
}

static void clear_soft_dirty(struct vm_area_struct *vma, unsigned long addr, pte_t *pte)
{
	pte_t old_pte, ptent;

	old_pte = ptep_modify_prot_start(vma, addr, pte);
	ptent = pte_clear_soft_dirty(pte_wrprotect(old_pte));
	ptep_modify_prot_commit(vma, addr, pte, old_pte, ptent);        /* 1 */
}

static void clear_refs_pte_range(struct vm_area_struct *vma, unsigned long addr)
{
	spinlock_t *ptl;
	pte_t *pte;

	pte = pte_offset_map_lock(vma->vm_mm, pmd_off(vma->vm_mm, addr), addr, &ptl);
	BUG_ON(!pte);
	clear_soft_dirty(vma, addr, pte);
	pte_unmap_unlock(pte, ptl);
}

/* CLEAR_REFS_SOFT_DIRTY. */
static void clear_refs_write(struct mm_struct *mm)
{
	struct mmu_notifier_range range;
	struct vm_area_struct vma;
	struct mmu_gather tlb;

	mmap_write_lock(mm);
	vma = vma_of(mm, x); /* of all areas this one */
	vma_start_write(&vma);
	tlb_gather_mmu(&tlb, mm);
	mmu_notifier_range_init(&range, MMU_NOTIFY_SOFT_DIRTY, 0, mm, 0, TASK_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	clear_refs_pte_range(&vma, x);
	mmu_notifier_invalidate_range_end(&range);
	if (fixed)
		flush_tlb_mm(mm);
	tlb_finish_mmu(&tlb);                                           /* 2 */
	mmap_write_unlock(mm);
}

static void thread(unsigned thread)
{
	switch (thread) {
	case 0:
		clear_refs_write(w.mm);
		WRITE_ONCE(returned, true);
		break;
	case 1:
		if (!READ_ONCE(returned))
			break;
		EXPLORE_ASSERT(!mmun_cpu_store(w.cpu[0], x, 1));        /* 3 */
		if (!pte_soft_dirty(ptep_get(pte_offset_map(w.mm, pmd_off(w.mm, x), x)))) /* 4 */
			explore_fail(ORACLE_CONDITION, "written since, and not soft-dirty");
		break;
	}
}

static void watch(void)
{
	mm_world_watch(&w, x, "x");
}

static void finish(void)
{
	mm_world_fini(&w);
}

static const char *const names[] = { "clear_refs", "CPU" };

CORPUS_CALLS(watch)
CORPUS_CALLS(finish)
CORPUS_ENTRY("condition", .watch = call_watch, .finish = call_finish)
