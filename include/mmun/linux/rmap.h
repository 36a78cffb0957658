/* SPDX-License-Identifier: MIT */
/* rmap.h - the reverse map: which entries map a page. */
#ifndef MMUN_LINUX_RMAP_H
#define MMUN_LINUX_RMAP_H

#include "mmun/linux/mm.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Enter the entry of addr in vma into the reverse map of the page, or remove it. In
 * folio_add_new_anon_rmap() nobody else knows the page yet. The caller takes care of the
 * references. An entry is in the reverse map of one page at most: adding it to the new page
 * removes it from the old one. A migration entry is in the reverse map, and counts in
 * page_mapcount(), until it is replaced: removing it has no effect before that.
 *
 * Context: with the page table lock held.
 * Source: mm/rmap.c. Linux's first two have flags besides, and its last two have no addr: a
 * page of a file is where its index says.
 */
KERNEL_INLINE_ void kernel_folio_add_new_anon_rmap_(const struct kernel_at_ *at,
						    struct folio *folio,
						    struct vm_area_struct *vma,
						    unsigned long addr)
{
	kernel_rmap_(&folio->page, vma, addr, KERNEL_RMAP_NEW_, &at->site);
}

#define KERNEL_RMAP_OF_(name, op) \
	KERNEL_INLINE_ void kernel_##name##_(const struct kernel_at_ *at, struct folio *folio, \
					     struct page *page, struct vm_area_struct *vma, \
					     unsigned long addr) \
	{ \
		(void)page; \
		kernel_rmap_(&folio->page, vma, addr, op, &at->site); \
	} \
	KERNEL_PASSED_VOID_(name, (struct folio *folio, struct page *page, \
				   struct vm_area_struct *vma, unsigned long addr), \
			    (folio, page, vma, addr))

KERNEL_PASSED_VOID_(folio_add_new_anon_rmap, (struct folio *folio, struct vm_area_struct *vma,
					      unsigned long addr), (folio, vma, addr))
KERNEL_RMAP_OF_(folio_add_anon_rmap_pte, KERNEL_RMAP_ADD_)
KERNEL_RMAP_OF_(folio_add_file_rmap_pte, KERNEL_RMAP_ADD_)
KERNEL_RMAP_OF_(folio_remove_rmap_pte, KERNEL_RMAP_REMOVE_)

#define folio_add_new_anon_rmap(f, vma, addr) KERNEL_3_(folio_add_new_anon_rmap, NULL, \
	struct folio *, KERNEL_FOLIO_(f), struct vm_area_struct *, vma, unsigned long, addr)
#define KERNEL_RMAP_CALL_(name, f, p, vma, addr) KERNEL_4_(name, NULL, \
	struct folio *, KERNEL_FOLIO_(f), struct page *, KERNEL_PAGE_(p), \
	struct vm_area_struct *, vma, unsigned long, addr)
#define folio_add_anon_rmap_pte(folio, page, vma, addr) \
	KERNEL_RMAP_CALL_(folio_add_anon_rmap_pte, folio, page, vma, addr)
#define folio_add_file_rmap_pte(folio, page, vma, addr) \
	KERNEL_RMAP_CALL_(folio_add_file_rmap_pte, folio, page, vma, addr)
#define folio_remove_rmap_pte(folio, page, vma, addr) \
	KERNEL_RMAP_CALL_(folio_remove_rmap_pte, folio, page, vma, addr)

/* See struct rmap_walk_control. A page of a file must be locked ("protocol"). */
#define rmap_walk(f, rwc) KERNEL_2_(rmap_walk, NULL, \
	struct folio *, KERNEL_FOLIO_(f), struct rmap_walk_control *, rwc)

#ifdef __cplusplus
}
#endif

#endif
