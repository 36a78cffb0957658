/* SPDX-License-Identifier: MIT */
/* pgalloc.h - page tables: made, entered in the table above, and freed. */
#ifndef MMUN_LINUX_PGALLOC_H
#define MMUN_LINUX_PGALLOC_H

#include "mmun/linux/pgtable.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Allocate a leaf table for the entries around addr, which no walk reaches yet (NULL: no
 * frame is left); and free one at once, without waiting for walks.
 *
 * Source: mm/pgtable-generic.c and include/asm-generic/pgalloc.h; the argument addr of
 * pte_alloc_one() is not Linux's.
 */
KERNEL_INLINE_ struct page *kernel_pte_alloc_one_(const struct kernel_at_ *at,
						  struct mm_struct *mm, unsigned long addr)
{
	return kernel_table_(mm, addr, &at->site);
}

KERNEL_INLINE_ void kernel_pte_free_(const struct kernel_at_ *at, struct mm_struct *mm,
				     struct page *table)
{
	kernel_table_free_(mm, table, &at->site);
}

/* Makes the entry name a leaf table, which is a page from pte_alloc_one(). The argument addr is
 * not Linux's. */
KERNEL_INLINE_ void kernel_pmd_populate_(const struct kernel_at_ *at, struct mm_struct *mm,
					 unsigned long addr, pmd_t *pmdp, struct page *table)
{
	kernel_set_pmd_at_(at, mm, addr, pmdp, __pmd((uint64_t)page_to_pfn(table) <<
		KERNEL_PTE_PFN_SHIFT_ | KERNEL_PTE_P_ | KERNEL_PTE_RW_ | KERNEL_PTE_A_ |
		KERNEL_PTE_D_ | KERNEL_PTE_SOFT_DIRTY_));
}

KERNEL_PASSED_(struct page *, pte_alloc_one, (struct mm_struct *mm, unsigned long addr), (mm, addr))
KERNEL_PASSED_VOID_(pte_free, (struct mm_struct *mm, struct page *table), (mm, table))
KERNEL_PASSED_VOID_(pmd_populate, (struct mm_struct *mm, unsigned long addr, pmd_t *pmdp,
				   struct page *table), (mm, addr, pmdp, table))

#define pte_alloc_one(mm, addr) \
	KERNEL_2_(pte_alloc_one, NULL, struct mm_struct *, mm, unsigned long, addr)
#define pte_free(mm, table) KERNEL_2_(pte_free, NULL, struct mm_struct *, mm, struct page *, table)
#define pmd_populate(mm, addr, pmdp, table) KERNEL_4_(pmd_populate, NULL, \
	struct mm_struct *, mm, unsigned long, addr, pmd_t *, pmdp, struct page *, table)

#ifdef __cplusplus
}
#endif

#endif
