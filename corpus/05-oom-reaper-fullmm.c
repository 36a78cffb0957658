/* SPDX-License-Identifier: MIT */
/*
 * 5: the OOM reaper pretends that its victim runs no more
 *
 * Linux: CVE-2017-18202, 687cb0884a714ff484d038e9190edc874edcf146
 * Class: A/R
 *
 * The OOM reaper unmapped all areas of its victim with one gather, for which it gave the range 0
 * to -1. To tlb_gather_mmu() that meant exit: the whole address space goes, nobody runs in it, so
 * an architecture need not flush before pages are freed, as arm64 did not; it drops the address
 * space's number in the end. But the reaper works while other threads of the victim still run,
 * and one of them stored to a page that was free. The bug was repaired by a gather of its own for
 * each area, with the area's bounds.
 *
 *	CPU 0, OOM reaper			CPU 1, the victim [TLB: x -> P]
 *	1 gather(fullmm); clear x
 *	  no flush; free P
 *						2 stores to x: P [freed]
 */
#include <mmun/kernel_mm.h>

#include "entry.h"

static struct mm_world w;
static unsigned long x;

static void setup(void)
{
	mm_world_init(&w, MMUN_MODERN, 1, false);
	x = mm_world_page(&w, 0, 0, 0);
	mm_world_cached(&w, 0, x, true);
}

static void unmap_page_range(struct mmu_gather *tlb, struct vm_area_struct *vma)
{
	struct mm_struct *mm = vma->vm_mm;
	struct mmu_notifier_range range;
	struct page *page;
	spinlock_t *ptl;
	pte_t *pte, ptent;

	mmu_notifier_range_init(&range, MMU_NOTIFY_UNMAP, 0, mm, vma->vm_start, vma->vm_end);
	if (mmu_notifier_invalidate_range_start_nonblock(&range))
		return;
	pte = pte_offset_map_lock(mm, pmd_off(mm, x), x, &ptl);
	BUG_ON(!pte);
	ptent = ptep_get_and_clear(mm, x, pte);
	tlb_remove_tlb_entry(tlb, pte, x);
	page = pte_page(ptent);
	folio_remove_rmap_pte(page, page, vma, x);
	tlb_remove_page(tlb, page);
	pte_unmap_unlock(pte, ptl);
	mmu_notifier_invalidate_range_end(&range);
}

static void __oom_reap_task_mm(struct mm_struct *mm)
{
	struct vm_area_struct vma;
	struct mmu_gather tlb;

	mmap_read_lock(mm);
	vma = vma_of(mm, x); /* of the victim's areas this one */
	if (fixed)
		tlb_gather_mmu(&tlb, mm);
	else
		tlb_gather_mmu_fullmm(&tlb, mm);        /* 1 */
	unmap_page_range(&tlb, &vma);
	tlb_finish_mmu(&tlb);
	mmap_read_unlock(mm);
}

static void thread(unsigned thread)
{
	switch (thread) {
	case 0:
		__oom_reap_task_mm(w.mm);
		break;
	case 1:
		(void)cpu_try_store(w.cpu[0], x, 1);    /* 2 */
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

static const char *const names[] = { "OOM reaper", "victim" };

CORPUS_CALLS(watch)
CORPUS_CALLS(finish)
CORPUS_ENTRY("lifetime", .watch = call_watch, .finish = call_finish)
