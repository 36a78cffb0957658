/* SPDX-License-Identifier: MIT */
/*
 * 14: a page is copied while userfaultfd has still to flush its write protection
 *
 * Linux: 6ce64428d62026a10cb5d80138ff2f90cc21d367
 * Class: P->B
 *
 * UFFDIO_WRITEPROTECT takes write access away from entries and flushes the TLBs after the page
 * table lock was dropped. Unlike mprotect() it holds mmap_lock for reading only, so page faults
 * run meanwhile. Taking the protection off does the same to an entry that was not protected: it
 * clears the write bit by mistake. A fault finds the entry read-only, and if the page has another
 * reference do_wp_page() copies it: what a third thread writes after the copy, by a translation
 * that is still writable, stays in the old page and is lost. wp_page_copy() flushes, but only
 * when it sets the new entry. The bug was repaired by a flush before the copy, if the area is of
 * userfaultfd and a flush of the address space is pending.
 *
 *	CPU 0, un-protect		CPU 1, write fault	CPU 2 [TLB: x -> P]
 *	1 lock; x: read-only; unlock
 *	  (flush pending)
 *					2 copies P to P'
 *								3 stores to x: P
 *					4 clear, flush
 *					  x -> P'
 *	5 flush
 */
#include <mmun/kernel_mm.h>

#include "entry.h"

static struct mm_world w;
static unsigned long x;
static struct page *old_page;   /* with a reference that somebody has, a pagevec, say */

static void setup(void)
{
	mm_world_init(&w, MMUN_MODERN, 1, false);
	x = mm_world_page(&w, 0, 0, 0);
	mm_world_cached(&w, 0, x, true);
	old_page = pte_page(ptep_get(pte_offset_map(w.mm, pmd_off(w.mm, x), x)));
	get_page(old_page);
}

static void change_pte_range(struct vm_area_struct *vma, unsigned long addr, pgprot_t newprot)
{
	struct mm_struct *mm = vma->vm_mm;
	pte_t *pte, oldpte, ptent;
	spinlock_t *ptl;

	pte = pte_offset_map_lock(mm, pmd_off(mm, addr), addr, &ptl);
	BUG_ON(!pte);
	oldpte = ptep_modify_prot_start(vma, addr, pte);
	/* vm_page_prot of a private area has no write access. */
	ptent = pte_clear_uffd_wp(pte_modify(oldpte, newprot));
	ptep_modify_prot_commit(vma, addr, pte, oldpte, ptent);         /* 1 */
	pte_unmap_unlock(pte, ptl);
}

/* UFFDIO_WRITEPROTECT without UFFDIO_WRITEPROTECT_MODE_WP. */
static void mwriteprotect_range(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct mmu_notifier_range range;
	struct vm_area_struct vma;

	mmap_read_lock(mm);
	vma = vma_of(mm, start);
	inc_tlb_flush_pending(mm);
	mmu_notifier_range_init(&range, MMU_NOTIFY_PROTECTION_VMA, 0, mm, start, end);
	mmu_notifier_invalidate_range_start(&range);
	change_pte_range(&vma, start, PAGE_READONLY);
	mmu_notifier_invalidate_range_end(&range);
	flush_tlb_range(&vma, start, end);                              /* 5 */
	dec_tlb_flush_pending(mm);
	mmap_read_unlock(mm);
}

static void wp_page_copy(struct vm_area_struct *vma, unsigned long address, struct page *page,
			 pte_t orig_pte)
{
	struct mm_struct *mm = vma->vm_mm;
	struct mmu_notifier_range range;
	struct page *new_page;
	spinlock_t *ptl;
	pte_t *pte;

	new_page = alloc_page(GFP_KERNEL);
	copy_user_highpage(new_page, page, address, vma);               /* 2 */
	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, mm, address, address + PAGE_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	pte = pte_offset_map_lock(mm, pmd_off(mm, address), address, &ptl);
	BUG_ON(!pte || !pte_same(ptep_get(pte), orig_pte));
	ptep_clear_flush(vma, address, pte);                            /* 4 */
	folio_add_new_anon_rmap(new_page, vma, address);
	set_pte_at(mm, address, pte,
		   pte_mkwrite(pte_mkdirty(mk_pte(new_page, PAGE_SHARED)), vma));
	folio_remove_rmap_pte(page, page, vma, address);
	pte_unmap_unlock(pte, ptl);
	mmu_notifier_invalidate_range_end(&range);
	put_page(page); /* the entry's */
	put_page(page); /* ours */
}

static void do_wp_page(struct vm_area_struct *vma, unsigned long address)
{
	struct mm_struct *mm = vma->vm_mm;
	struct page *page;
	spinlock_t *ptl;
	pte_t *pte, orig_pte;

	pte = pte_offset_map_lock(mm, pmd_off(mm, address), address, &ptl);
	BUG_ON(!pte);
	orig_pte = ptep_get(pte);
	if (pte_none(orig_pte) || pte_write(orig_pte)) {
		pte_unmap_unlock(pte, ptl);
		return;
	}
	if (fixed && mm_tlb_flush_pending(mm)) /* and userfaultfd_wp(vma) */
		flush_tlb_page(vma, address);
	page = pte_page(orig_pte);
	BUG_ON(page_count(page) == 1); /* else it would be reused */
	get_page(page);
	pte_unmap_unlock(pte, ptl);
	wp_page_copy(vma, address, page, orig_pte);
}

static void thread(unsigned thread)
{
	struct vm_area_struct vma;

	switch (thread) {
	case 0:
		mwriteprotect_range(w.mm, x, x + PAGE_SIZE);
		break;
	case 1:
		mmap_read_lock(w.mm);
		vma = vma_of(w.mm, x);
		do_wp_page(&vma, x);
		mmap_read_unlock(w.mm);
		break;
	case 2:
		cpu_try_store(w.cpu[0], x, 1);                          /* 3 */
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
	mm_world_fini(&w);
}

static const char *const names[] = { "CPU 0", "CPU 1", "CPU 2" };

CORPUS_CALLS(watch)
CORPUS_CALLS(finish)
CORPUS_ENTRY("lost-write", .watch = call_watch, .finish = call_finish)
