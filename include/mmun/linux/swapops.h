/* SPDX-License-Identifier: MIT */
/* swapops.h - entries that are not present: pages in swap, pages on the move, pages that a device
 * has to itself. */
#ifndef MMUN_LINUX_SWAPOPS_H
#define MMUN_LINUX_SWAPOPS_H

#include "mmun/linux/pgtable.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What an entry that is not present says. The type and the number are the library's. */
typedef struct { uint64_t val; } swp_entry_t;

static inline swp_entry_t kernel_swp_entry_(uint64_t v)
{
	swp_entry_t e = { v };

	return e;
}

static inline uint64_t kernel_swp_type_(swp_entry_t e) { return e.val & KERNEL_PTE_TYPE_; }

/* From an entry of a page table, and back. soft-dirty and uffd-wp are not part of it. */
static inline swp_entry_t pte_to_swp_entry(pte_t pte)
{
	return kernel_swp_entry_(pte_val(pte) &
				 ~(uint64_t)(KERNEL_PTE_SOFT_DIRTY_ | KERNEL_PTE_UFFD_WP_));
}

static inline pte_t swp_entry_to_pte(swp_entry_t entry) { return __pte(entry.val); }
static inline swp_entry_t pmd_to_swp_entry(pmd_t pmd) { return pte_to_swp_entry(__pte(pmd.pmd)); }
static inline pmd_t swp_entry_to_pmd(swp_entry_t entry) { return __pmd(entry.val); }

/* The number of the slot of swap space, or of the frame. */
static inline unsigned long swp_offset(swp_entry_t e) { return e.val >> KERNEL_PTE_PFN_SHIFT_; }
static inline unsigned long swp_offset_pfn(swp_entry_t e) { return swp_offset(e); }

/* Is it no page in swap, but one of the others? */
static inline int non_swap_entry(swp_entry_t e) { return kernel_swp_type_(e) != KERNEL_PTE_SWAP_; }

/* A page on the move: where the entry was, and is to be again with the page's new frame. */
static inline int is_migration_entry(swp_entry_t e)
{
	return kernel_swp_type_(e) == KERNEL_PTE_MIGRATION_ ||
	       kernel_swp_type_(e) == KERNEL_PTE_MIGRATION_PROTNONE_;
}

static inline int is_writable_migration_entry(swp_entry_t e)
{
	return is_migration_entry(e) && (e.val & KERNEL_PTE_RW_);
}

static inline int is_readable_exclusive_migration_entry(swp_entry_t e)
{
	return is_migration_entry(e) && !(e.val & KERNEL_PTE_RW_) && (e.val & KERNEL_PTE_EXCL_);
}

static inline int is_readable_migration_entry(swp_entry_t e)
{
	return is_migration_entry(e) && !(e.val & (KERNEL_PTE_RW_ | KERNEL_PTE_EXCL_));
}

/* A page that mmun_make_exclusive() has given to a device. */
static inline bool is_device_exclusive_entry(swp_entry_t e)
{
	return kernel_swp_type_(e) == KERNEL_PTE_EXCLUSIVE_;
}

/* A page in a device's memory: there is none here. */
static inline bool is_device_private_entry(swp_entry_t e)
{
	(void)e;
	return false;
}

/* Does it name a frame? */
static inline bool is_pfn_swap_entry(swp_entry_t e)
{
	return is_migration_entry(e) || is_device_exclusive_entry(e);
}

static inline int is_pmd_migration_entry(pmd_t pmd)
{
	return !pmd_present(pmd) && is_migration_entry(pmd_to_swp_entry(pmd));
}

/* Entries for the page of this frame while it is on the move. It must be locked meanwhile: whoever
 * faults waits for the page lock. */
static inline swp_entry_t make_readable_migration_entry(unsigned long offset)
{
	return kernel_swp_entry_((uint64_t)offset << KERNEL_PTE_PFN_SHIFT_ |
				 KERNEL_PTE_MIGRATION_);
}

static inline swp_entry_t make_readable_exclusive_migration_entry(unsigned long offset)
{
	return kernel_swp_entry_(make_readable_migration_entry(offset).val | KERNEL_PTE_EXCL_);
}

static inline swp_entry_t make_writable_migration_entry(unsigned long offset)
{
	return kernel_swp_entry_(make_readable_migration_entry(offset).val | KERNEL_PTE_RW_ |
				 KERNEL_PTE_EXCL_);
}

static inline swp_entry_t make_migration_entry_young(swp_entry_t e)
{
	return kernel_swp_entry_(e.val | KERNEL_PTE_A_);
}

static inline swp_entry_t make_migration_entry_dirty(swp_entry_t e)
{
	return kernel_swp_entry_(e.val | KERNEL_PTE_D_);
}

static inline bool is_migration_entry_young(swp_entry_t e) { return e.val & KERNEL_PTE_A_; }
static inline bool is_migration_entry_dirty(swp_entry_t e) { return e.val & KERNEL_PTE_D_; }

/* soft-dirty and uffd-wp of an entry that is not present. */
static inline int pte_swp_soft_dirty(pte_t e) { return pte_soft_dirty(e); }
static inline pte_t pte_swp_mksoft_dirty(pte_t e)
{
	return __pte(pte_val(e) | KERNEL_PTE_SOFT_DIRTY_);
}

static inline pte_t pte_swp_clear_soft_dirty(pte_t e) { return pte_clear_soft_dirty(e); }
static inline int pte_swp_uffd_wp(pte_t e) { return pte_uffd_wp(e); }
static inline pte_t pte_swp_mkuffd_wp(pte_t e) { return __pte(pte_val(e) | KERNEL_PTE_UFFD_WP_); }
static inline pte_t pte_swp_clear_uffd_wp(pte_t e) { return pte_clear_uffd_wp(e); }

/*
 * The page of an entry that names a frame. It is a finding of "protocol" if it names none, or if
 * the page is on the move and nobody has locked it (in Linux: BUG_ON).
 */
KERNEL_INLINE_ struct page *kernel_pfn_swap_entry_to_page_(const struct kernel_at_ *at,
							  swp_entry_t entry)
{
	struct page *page;

	if (!is_pfn_swap_entry(entry))
		kernel_maps_a_page_(0, "takes the page", &at->site);
	page = pfn_to_page(swp_offset(entry));
	if (is_migration_entry(entry) && !kernel_page_is_locked_(page, &at->site))
		explore_fail(ORACLE_PROTOCOL, "%s:%d takes the page of a migration entry, which "
			     "is not locked", at->site.function, at->site.line);
	return page;
}

KERNEL_INLINE_ struct folio *kernel_pfn_swap_entry_folio_(const struct kernel_at_ *at,
							 swp_entry_t entry)
{
	return page_folio(kernel_pfn_swap_entry_to_page_(at, entry));
}

/*
 * Waits until the page of addr, whose entry was a migration entry, has been moved. Returns at once
 * if the entry is none any more.
 *
 * Context: may sleep; with no page table lock held.
 * Source: mm/migrate.c.
 */
KERNEL_INLINE_ void kernel_migration_entry_wait_(const struct kernel_at_ *at,
						 struct mm_struct *mm, pmd_t *pmd,
						 unsigned long address)
{
	spinlock_t *ptl;
	pte_t *ptep = kernel_pte_offset_map_lock_(at, mm, pmd, address, &ptl), pte;

	if (!ptep)
		return;
	pte = kernel_ptep_get_(at, ptep);
	kernel_pte_unmap_unlock_(at, ptep, ptl);
	if (is_swap_pte(pte) && is_migration_entry(pte_to_swp_entry(pte)))
		kernel_migration_wait_(mm, pte_val(pte), &at->site);
}

KERNEL_PASSED_(struct page *, pfn_swap_entry_to_page, (swp_entry_t entry), (entry))
KERNEL_PASSED_(struct folio *, pfn_swap_entry_folio, (swp_entry_t entry), (entry))
KERNEL_PASSED_VOID_(migration_entry_wait, (struct mm_struct *mm, pmd_t *pmd,
					   unsigned long address), (mm, pmd, address))

#define pfn_swap_entry_to_page(entry) KERNEL_1_(pfn_swap_entry_to_page, NULL, entry)
#define pfn_swap_entry_folio(entry) KERNEL_1_(pfn_swap_entry_folio, NULL, entry)
#define migration_entry_wait(mm, pmd, address) KERNEL_3_(migration_entry_wait, "page table", \
	struct mm_struct *, mm, pmd_t *, pmd, unsigned long, address)

#ifdef __cplusplus
}
#endif

#endif
