/* SPDX-License-Identifier: MIT */
/* page_vma_mapped.h - finding and locking the entries of an area that map a page. In Linux it is
 * part of rmap.h. */
#ifndef MMUN_LINUX_PAGE_VMA_MAPPED_H
#define MMUN_LINUX_PAGE_VMA_MAPPED_H

#include "mmun/linux/swapops.h"

#ifdef __cplusplus
extern "C" {
#endif

/* PVMW_SYNC: lock each entry before looking at it. PVMW_MIGRATION: look for migration entries. */
enum { PVMW_SYNC = 1, PVMW_MIGRATION = 2 };

struct page_vma_mapped_walk {
	unsigned long pfn, nr_pages;
	struct vm_area_struct *vma;
	unsigned long address;  /* of the entry that was found */
	pmd_t *pmd;
	pte_t *pte;             /* NULL: *pmd maps the page, which is huge */
	spinlock_t *ptl;        /* held while page_vma_mapped_walk() returns true */
	unsigned flags;
	unsigned long first;    /* where the walk began */
};

KERNEL_INLINE_ struct page_vma_mapped_walk kernel_pvmw_(unsigned long pfn, unsigned long nr_pages,
							struct vm_area_struct *vma,
							unsigned long address, unsigned flags)
{
	struct page_vma_mapped_walk w = { pfn, nr_pages, vma, address, NULL, NULL, NULL, flags,
					  address };

	return w;
}

#define DEFINE_PAGE_VMA_WALK(name, page, vma, address, flags) \
	struct page_vma_mapped_walk name = \
		kernel_pvmw_(page_to_pfn(page), 1, (vma), (address), (flags))
#define DEFINE_FOLIO_VMA_WALK(name, folio, vma, address, flags) \
	struct page_vma_mapped_walk name = \
		kernel_pvmw_(folio_pfn(folio), (unsigned long)folio_nr_pages(folio), (vma), \
			     (address), (flags))

/* Drops the lock, if it is held. */
KERNEL_INLINE_ void kernel_page_vma_mapped_walk_done_(const struct kernel_at_ *at,
						      struct page_vma_mapped_walk *pvmw)
{
	if (pvmw->ptl)
		kernel_spin_unlock_(at, pvmw->ptl);
	pvmw->ptl = NULL;
}

KERNEL_INLINE_ bool kernel_pvmw_is_(const struct page_vma_mapped_walk *pvmw, unsigned long pfn)
{
	return pfn - pvmw->pfn < pvmw->nr_pages;
}

/* Does the entry map the page, or does a migration entry stand for it, as it was asked for? */
KERNEL_INLINE_ bool kernel_pvmw_maps_(const struct page_vma_mapped_walk *pvmw, pte_t pte)
{
	swp_entry_t entry = pte_to_swp_entry(pte);

	if (pvmw->flags & PVMW_MIGRATION)
		return is_swap_pte(pte) && is_migration_entry(entry) &&
		       kernel_pvmw_is_(pvmw, swp_offset(entry));
	if (is_swap_pte(pte))
		return is_device_exclusive_entry(entry) && kernel_pvmw_is_(pvmw, swp_offset(entry));
	return pte_present(pte) && kernel_pvmw_is_(pvmw, pte_pfn(pte));
}

/* A huge entry, or the migration entry of one: true if it is the one, and its lock is held. */
KERNEL_INLINE_ bool kernel_pvmw_huge_(const struct kernel_at_ *at,
				      struct page_vma_mapped_walk *pvmw)
{
	pmd_t pmd;

	pvmw->ptl = kernel_pmd_lock_(at, pvmw->vma->vm_mm, pvmw->pmd);
	pmd = kernel_pmdp_get_(at, pvmw->pmd);
	if ((pmd_trans_huge(pmd) || is_pmd_migration_entry(pmd)) &&
	    kernel_pvmw_maps_(pvmw, __pte(pmd_val(pmd))))
		return true;
	kernel_page_vma_mapped_walk_done_(at, pvmw);
	return false;
}

/* The entry of this address. */
KERNEL_INLINE_ bool kernel_pvmw_small_(const struct kernel_at_ *at,
				       struct page_vma_mapped_walk *pvmw)
{
	struct mm_struct *mm = pvmw->vma->vm_mm;

	if (!(pvmw->flags & PVMW_SYNC)) {
		pte_t *pte = kernel_pte_offset_map_(at, mm, pvmw->pmd, pvmw->address);

		if (!pte || !kernel_pvmw_maps_(pvmw, kernel_ptep_get_(at, pte)))
			return false;
	}
	pvmw->pte = kernel_pte_offset_map_lock_(at, mm, pvmw->pmd, pvmw->address, &pvmw->ptl);
	if (!pvmw->pte) {
		pvmw->ptl = NULL;
		return false;
	}
	if (kernel_pvmw_maps_(pvmw, kernel_ptep_get_(at, pvmw->pte)))
		return true;
	kernel_page_vma_mapped_walk_done_(at, pvmw);
	return false;
}

/*
 * Finds the first entry of the area that maps the page, or the next one. True: there is one, and
 * its lock is held. It is let go by the next call, or by page_vma_mapped_walk_done() if there is
 * none. Without PVMW_SYNC an entry is first looked at without its lock, and passed over if it
 * does not map the page then.
 *
 * Context: with no page table lock held; with a reference to the page.
 * Source: mm/page_vma_mapped.c.
 */
static __attribute__((unused)) bool kernel_page_vma_mapped_walk_(
	const struct kernel_at_ *at, struct page_vma_mapped_walk *pvmw)
{
	unsigned long end = pvmw->first + pvmw->nr_pages * PAGE_SIZE;
	bool again = pvmw->ptl, huge = again && !pvmw->pte;

	kernel_page_vma_mapped_walk_done_(at, pvmw);
	if (end > pvmw->vma->vm_end)
		end = pvmw->vma->vm_end;
	if (again)
		pvmw->address += PAGE_SIZE;
	for (; !huge && pvmw->address < end; pvmw->address += PAGE_SIZE) {
		pmd_t pmd;

		pvmw->pte = NULL;
		pvmw->pmd = (pmd_off)(pvmw->vma->vm_mm, pvmw->address);
		if (!pvmw->pmd)
			return false;
		pmd = kernel_pmdp_get_(at, pvmw->pmd);
		if ((pmd_trans_huge(pmd) || is_pmd_migration_entry(pmd)) &&
		    kernel_pvmw_huge_(at, pvmw))
			return true;
		if (kernel_pvmw_small_(at, pvmw))
			return true;
	}
	return false;
}

KERNEL_PASSED_VOID_(page_vma_mapped_walk_done, (struct page_vma_mapped_walk *pvmw), (pvmw))
KERNEL_PASSED_(bool, page_vma_mapped_walk, (struct page_vma_mapped_walk *pvmw), (pvmw))

#define page_vma_mapped_walk(pvmw) KERNEL_1_(page_vma_mapped_walk, "page table", pvmw)
#define page_vma_mapped_walk_done(pvmw) KERNEL_1_(page_vma_mapped_walk_done, "page table", pvmw)

#ifdef __cplusplus
}
#endif

#endif
