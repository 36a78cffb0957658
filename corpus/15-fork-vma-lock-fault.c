/* SPDX-License-Identifier: MIT */
/*
 * 15: fork does not keep out page faults that take the area's lock only
 *
 * Linux: fb49c455323ff8319a123dd312be9082c49a23a5
 * Class: P->B
 *
 * fork() makes the parent's entries read-only, so that the pages can be shared, and flushes the
 * parent's TLBs once, at its end. That was right while it held mmap_lock for writing, which kept
 * page faults out until the flush. When faults were made to take the lock of their area instead
 * (0bff0aaea03e), dup_mmap() did not take those locks. A fault of the parent then found its entry
 * read-only and copied the page, while a third thread still wrote to the old one, by a
 * translation that was writable: the write was lost to the parent and went to the child instead.
 * Go's builds failed with corrupted memory. The bug was repaired by vma_start_write() for each
 * area before its pages are shared: a fault waits there until mmap_lock is dropped.
 *
 *	CPU 0, fork			CPU 1, write fault	CPU 2 [TLB: x -> P]
 *	1 lock mmap_lock; share P;
 *	  x: read-only
 *					2 locks the area
 *					  copies P to P'
 *								3 stores to x: P, now
 *								  the child's
 *					4 clear, flush
 *					  x -> P'
 *	5 flush
 */
#include <mmun/kernel_mm.h>

#include "entry.h"

static struct mm_world w;
static struct mm_struct *child;
static unsigned long x;

static void setup(void)
{
	mm_world_init(&w, MMUN_MODERN, 1, false);
	x = mm_world_page(&w, 0, 1, 0);
	/* Where the child has its areas and tables already. */
	EXPLORE_ASSERT(!mmun_fork(w.mm, &child));
	EXPLORE_ASSERT(!mmun_madvise(child, x, PAGE_SIZE, MMUN_MADV_DONTNEED));
	mm_world_cached(&w, 0, x, true);
}

static void copy_present_pte(struct vm_area_struct *dst_vma, struct vm_area_struct *src_vma,
			     pte_t *dst_pte, pte_t *src_pte, unsigned long addr)
{
	struct page *page = pte_page(ptep_get(src_pte));

	get_page(page);
	ptep_set_wrprotect(src_vma->vm_mm, addr, src_pte);              /* 1 */
	folio_add_anon_rmap_pte(page, page, dst_vma, addr);
	set_pte_at(dst_vma->vm_mm, addr, dst_pte, pte_mkdirty(mk_pte(page, PAGE_READONLY)));
}

static void copy_page_range(struct vm_area_struct *dst_vma, struct vm_area_struct *src_vma,
			    unsigned long addr)
{
	struct mm_struct *dst_mm = dst_vma->vm_mm, *src_mm = src_vma->vm_mm;
	struct mmu_notifier_range range;
	spinlock_t *dst_ptl, *src_ptl;
	pte_t *dst_pte, *src_pte;

	mmu_notifier_range_init(&range, MMU_NOTIFY_PROTECTION_PAGE, 0, src_mm, addr,
				addr + PAGE_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	dst_pte = pte_offset_map_lock(dst_mm, pmd_off(dst_mm, addr), addr, &dst_ptl);
	BUG_ON(!dst_pte);
	src_pte = pte_offset_map(src_mm, pmd_off(src_mm, addr), addr);
	src_ptl = pte_lockptr(src_mm, src_pte);
	spin_lock(src_ptl);
	copy_present_pte(dst_vma, src_vma, dst_pte, src_pte, addr);
	spin_unlock(src_ptl);
	pte_unmap_unlock(dst_pte, dst_ptl);
	mmu_notifier_invalidate_range_end(&range);
}

static void dup_mmap(struct mm_struct *mm, struct mm_struct *oldmm)
{
	struct vm_area_struct mpnt, tmp;

	mmap_write_lock(oldmm);
	mpnt = vma_of(oldmm, x);
	tmp = vma_of(mm, x);
	if (fixed)
		vma_start_write(&mpnt);
	copy_page_range(&tmp, &mpnt, x);
	flush_tlb_range(&mpnt, x, x + PAGE_SIZE);                       /* 5, of the whole mm */
	mmap_write_unlock(oldmm);
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

/* With the area's lock and without mmap_lock: FAULT_FLAG_VMA_LOCK. */
static void do_wp_page(struct vm_area_struct *vma, unsigned long address)
{
	struct mm_struct *mm = vma->vm_mm;
	struct page *page;
	spinlock_t *ptl;
	pte_t *pte, orig_pte;

	pte = pte_offset_map_lock(mm, pmd_off(mm, address), address, &ptl);
	BUG_ON(!pte);
	orig_pte = ptep_get(pte);
	page = pte_page(orig_pte);
	if (pte_write(orig_pte)) {
		pte_unmap_unlock(pte, ptl);
		return;
	}
	get_page(page);
	pte_unmap_unlock(pte, ptl);
	wp_page_copy(vma, address, page, orig_pte);
}

static void thread(unsigned thread)
{
	struct vm_area_struct vma;

	switch (thread) {
	case 0:
		dup_mmap(child, w.mm);
		break;
	case 1:
		vma = vma_of(w.mm, x);
		vma_start_read(&vma);
		do_wp_page(&vma, x);
		vma_end_read(&vma);
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
	EXPLORE_ASSERT(!mmun_mm_destroy(child));
	mm_world_fini(&w);
}

static const char *const names[] = { "fork", "fault", "CPU" };

CORPUS_CALLS(watch)
CORPUS_CALLS(finish)
CORPUS_ENTRY("lost-write", .watch = call_watch, .finish = call_finish)
