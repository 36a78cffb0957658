/* SPDX-License-Identifier: MIT */
/*
 * 10: MADV_DONTNEED does not flush what another one has cleared
 *
 * Linux: 99baac21e4585f4258f919502c6e23f1e5edc98c
 * Class: P/A
 *
 * MADV_DONTNEED holds mmap_lock for reading only, so two of them may work on one range. A gather
 * flushes the range in which it has cleared something, after the page table lock was dropped. The
 * second of two finds the entry gone, has nothing to flush, and returns before the first one's
 * flush: its thread, which expects a page of zeros, reads the old contents through a translation
 * that is still in the TLB. MADV_FREE had the same hole, and there data could be lost: the second
 * one leaves without a flush what the first made clean, and a write that needs no walk does not
 * mark the page dirty. The bug was repaired by counting those who have cleared and not flushed
 * (inc_tlb_flush_pending()): a gather that at its end is not alone flushes the whole range,
 * whatever it has changed.
 *
 *	CPU 0, DONTNEED				CPU 1, DONTNEED [TLB: x -> P]
 *	1 lock; clear x; unlock
 *						2 lock; x: none, so no flush
 *						  returns
 *						3 reads x: the old P
 *	4 flush; free P
 */
#include <mmun/kernel_mm.h>

#include "entry.h"

static struct mm_world w;
static unsigned long x;

static void setup(void)
{
	mm_world_init(&w, MMUN_MODERN, 2, false);
	x = mm_world_page(&w, 0, 0, 7);
	mm_world_cached(&w, 0, x, true);
	mm_world_cached(&w, 1, x, true);
}

static void zap_pte_range(struct mmu_gather *tlb, struct vm_area_struct *vma, unsigned long addr)
{
	struct mm_struct *mm = vma->vm_mm;
	struct page *page;
	spinlock_t *ptl;
	pte_t *pte, ptent;

	pte = pte_offset_map_lock(mm, pmd_off(mm, addr), addr, &ptl);
	BUG_ON(!pte);
	ptent = ptep_get(pte);                                  /* 2 */
	if (pte_present(ptent)) {
		ptent = ptep_get_and_clear(mm, addr, pte);      /* 1 */
		tlb_remove_tlb_entry(tlb, pte, addr);
		page = pte_page(ptent);
		folio_remove_rmap_pte(page, page, vma, addr);
		tlb_remove_page(tlb, page);
	}
	pte_unmap_unlock(pte, ptl);
}

static void zap_page_range_single(struct vm_area_struct *vma, unsigned long start,
				  unsigned long end)
{
	struct mm_struct *mm = vma->vm_mm;
	struct mmu_notifier_range range;
	struct mmu_gather tlb;

	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, mm, start, end);
	tlb_gather_mmu(&tlb, mm);
	mmu_notifier_invalidate_range_start(&range);
	zap_pte_range(&tlb, vma, start);
	mmu_notifier_invalidate_range_end(&range);
	/* tlb_finish_mmu(), in which the repair is: */
	if (fixed && mm_tlb_flush_nested(mm)) {
		tlb.start = start;
		tlb.end = end;
	}
	tlb_flush_mmu(&tlb);                                    /* 4 */
	dec_tlb_flush_pending(mm);
}

static void thread(unsigned thread)
{
	struct vm_area_struct vma;
	uint64_t value;

	mmap_read_lock(w.mm);
	vma = vma_of(w.mm, x);
	zap_page_range_single(&vma, x, x + PAGE_SIZE);
	mmap_read_unlock(w.mm);
	if (thread == 1 && cpu_try_load(w.cpu[1], x, &value))   /* 3 */
		explore_fail(ORACLE_RETURN, "the old page is read after MADV_DONTNEED");
}

static void watch(void)
{
	mm_world_watch(&w, x, "x");
}

static void finish(void)
{
	mm_world_fini(&w);
}

static const char *const names[] = { "CPU 0", "CPU 1" };

CORPUS_CALLS(watch)
CORPUS_CALLS(finish)
CORPUS_ENTRY("after-return", .watch = call_watch, .finish = call_finish)
