/* SPDX-License-Identifier: MIT */
/*
 * 9: mprotect returns while reclaim has still to flush what it cleared
 *
 * Linux: 3ea277194daa
 * Class: P
 *
 * Reclaim clears the entries of many pages and flushes the TLBs once for all of them, after the
 * page table locks were dropped; the pages are not freed before, so nothing goes wrong for them.
 * But an mprotect() of such an address finds an entry that is gone, changes nothing, therefore
 * flushes nothing, and returns, while another thread still has a writable translation: it writes
 * to memory that was made read-only, after mprotect(PROT_READ) has returned. munmap(), mremap()
 * and madvise() had the same hole. The bug was repaired by flush_tlb_batched_pending(): whoever
 * has locked a page table of an address space in which a batch is pending flushes all of it
 * first. Here the swap entry is left out: the cleared entry stays empty.
 *
 *	CPU 0, reclaim			CPU 1, mprotect		CPU 2 [TLB: x -> P]
 *	1 lock; clear x; unlock
 *	  (flush pending)
 *					2 lock; x: none, so
 *					  no flush; unlock
 *					  returns
 *								3 stores to x
 *	4 flush; free P
 */
#include <mmun/kernel_mm.h>

#include "entry.h"

static struct mm_world w;
static unsigned long x;
static struct page *P;                  /* isolated from the LRU: reclaim has a reference */
static bool tlb_flush_batched;          /* [page table lock] of the mm */
static bool returned;                   /* mprotect has */

static void setup(void)
{
	mm_world_init(&w, MMUN_MODERN, 1, false);
	x = mm_world_page(&w, 0, 0, 0);
	mm_world_cached(&w, 0, x, true);
	P = pte_page(ptep_get(pte_offset_map(w.mm, pmd_off(w.mm, x), x)));
	get_page(P);
}

static bool try_to_unmap_one(struct folio *folio, struct vm_area_struct *vma,
			     unsigned long address, void *arg)
{
	struct mm_struct *mm = vma->vm_mm;
	struct mmu_notifier_range range;
	spinlock_t *ptl;
	pte_t *pte;

	(void)arg;
	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, mm, address, address + PAGE_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	pte = pte_offset_map_lock(mm, pmd_off(mm, address), address, &ptl);
	BUG_ON(!pte);
	ptep_get_and_clear(mm, address, pte);                   /* 1 */
	tlb_flush_batched = true;                               /* set_tlb_ubc_flush_pending() */
	folio_remove_rmap_pte(folio, &folio->page, vma, address);
	pte_unmap_unlock(pte, ptl);
	mmu_notifier_invalidate_range_end(&range);
	folio_put(folio);
	return true;
}

static void shrink_folio_list(struct page *page)
{
	struct rmap_walk_control rwc = { NULL, try_to_unmap_one };

	lock_page(page);
	rmap_walk(page, &rwc);                                  /* try_to_unmap() */
	flush_tlb_cpus(w.mm, x, x + PAGE_SIZE);                 /* 4 try_to_unmap_flush() */
	unlock_page(page);
	put_page(page);
}

/* Under the page table lock. */
static void flush_tlb_batched_pending(struct mm_struct *mm)
{
	if (tlb_flush_batched) {
		flush_tlb_mm(mm);
		tlb_flush_batched = false;
	}
}

/* Has something changed that was present? */
static bool change_pte_range(struct vm_area_struct *vma, unsigned long addr, pgprot_t newprot)
{
	struct mm_struct *mm = vma->vm_mm;
	pte_t *pte, oldpte;
	spinlock_t *ptl;

	pte = pte_offset_map_lock(mm, pmd_off(mm, addr), addr, &ptl);
	BUG_ON(!pte);
	if (fixed)
		flush_tlb_batched_pending(mm);
	oldpte = ptep_get(pte);                                 /* 2 */
	if (pte_present(oldpte)) {
		oldpte = ptep_modify_prot_start(vma, addr, pte);
		ptep_modify_prot_commit(vma, addr, pte, oldpte, pte_modify(oldpte, newprot));
	}
	pte_unmap_unlock(pte, ptl);
	return pte_present(oldpte);
}

static void mprotect_fixup(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct mmu_notifier_range range;
	struct vm_area_struct vma;
	bool changed;

	mmap_write_lock(mm);
	vma = vma_of(mm, start);
	vma_start_write(&vma);
	mmu_notifier_range_init(&range, MMU_NOTIFY_PROTECTION_VMA, 0, mm, start, end);
	mmu_notifier_invalidate_range_start(&range);
	changed = change_pte_range(&vma, start, PAGE_READONLY);
	mmu_notifier_invalidate_range_end(&range);
	if (changed)
		flush_tlb_range(&vma, start, end);
	mmap_write_unlock(mm);
}

static void thread(unsigned thread)
{
	bool after;

	switch (thread) {
	case 0:
		shrink_folio_list(P);
		break;
	case 1:
		mprotect_fixup(w.mm, x, x + PAGE_SIZE);
		WRITE_ONCE(returned, true);
		break;
	case 2:
		after = READ_ONCE(returned);
		if (cpu_try_store(w.cpu[0], x, 1) && after)             /* 3 */
			explore_fail(ORACLE_RETURN, "a store after mprotect(PROT_READ)");
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

static const char *const names[] = { "reclaim", "mprotect", "CPU" };

CORPUS_CALLS(watch)
CORPUS_CALLS(finish)
CORPUS_ENTRY("after-return", .watch = call_watch, .finish = call_finish)
