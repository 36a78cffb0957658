/* SPDX-License-Identifier: MIT */
/*
 * tlb.h - the gather: a list of pages and page tables that are given up once the TLBs have been
 * flushed. If it is fullmm, nothing is flushed before they are freed, because the address space
 * has no user any more.
 *
 * Context: tlb_finish_mmu() and tlb_flush_mmu() flush and free, so they are called without a
 * page table lock, and as flush_tlb_range() otherwise.
 * Source: include/asm-generic/tlb.h, mm/mmu_gather.c.
 */
#ifndef MMUN_LINUX_TLB_H
#define MMUN_LINUX_TLB_H

#include "mmun/linux/pgalloc.h"
#include "mmun/linux/tlbflush.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { MMU_GATHER_MAX = 16 };

struct mmu_gather {
	struct mm_struct *mm;
	unsigned long start, end; /* what is to be flushed; start >= end: nothing */
	bool fullmm, freed_tables;
	unsigned nr;
	struct page *pages[MMU_GATHER_MAX];
	unsigned tables;          /* bit n: pages[n] is a page table */
	unsigned delayed;         /* bit n: pages[n] is in the reverse map still, by addr[n] */
	bool delayed_rmap;        /* there is such a page */
	unsigned long last;       /* the entry that was cleared last */
	unsigned long addr[MMU_GATHER_MAX];
};

KERNEL_INLINE_ void kernel_gather_reset_(struct mmu_gather *tlb)
{
	tlb->start = TASK_SIZE;
	tlb->end = 0;
}

KERNEL_INLINE_ void kernel_gather_span_(struct mmu_gather *tlb, unsigned long start,
					unsigned long end)
{
	tlb->start = start < tlb->start ? start : tlb->start;
	tlb->end = end > tlb->end ? end : tlb->end;
}

KERNEL_INLINE_ void kernel_gather_page_(struct mmu_gather *tlb, struct page *page, bool table)
{
	EXPLORE_ASSERT(tlb->nr < MMU_GATHER_MAX);
	tlb->tables |= (unsigned)table << tlb->nr;
	tlb->freed_tables |= table;
	tlb->addr[tlb->nr] = tlb->last;
	tlb->pages[tlb->nr++] = page;
}

/* Begin a gather, and note that a flush is pending. */
KERNEL_INLINE_ void kernel_tlb_gather_mmu_(const struct kernel_at_ *at, struct mmu_gather *tlb,
					   struct mm_struct *mm)
{
	tlb->mm = mm;
	tlb->fullmm = tlb->freed_tables = false;
	tlb->nr = tlb->tables = tlb->delayed = 0;
	tlb->delayed_rmap = false;
	kernel_gather_reset_(tlb);
	kernel_inc_tlb_flush_pending_(at, mm);
	(void)kernel_pending_(mm, KERNEL_GATHER_INC_, &at->site);
}

KERNEL_INLINE_ void kernel_tlb_gather_mmu_fullmm_(const struct kernel_at_ *at,
						  struct mmu_gather *tlb, struct mm_struct *mm)
{
	kernel_tlb_gather_mmu_(at, tlb, mm);
	tlb->fullmm = true;
}

/* Notes that the entry of addr was cleared, and has to be flushed. */
static inline void tlb_remove_tlb_entry(struct mmu_gather *tlb, pte_t *ptep, unsigned long addr)
{
	(void)ptep;
	tlb->last = addr & PAGE_MASK;
	kernel_gather_span_(tlb, addr & PAGE_MASK, (addr & PAGE_MASK) + PAGE_SIZE);
}

/* Put a page, or a leaf table that was unlinked, on the list. It is an assertion that there are at
 * most MMU_GATHER_MAX. */
static inline void tlb_remove_page(struct mmu_gather *tlb, struct page *page)
{
	kernel_gather_page_(tlb, page, false);
}

/*
 * The same of a page whose reverse map is left as it is (delay_rmap), until tlb_flush_rmaps(); it
 * is the page whose entry tlb_remove_tlb_entry() was called for last. True: the list is full.
 */
static inline bool __tlb_remove_page(struct mmu_gather *tlb, struct page *page, bool delay_rmap)
{
	tlb->delayed |= (unsigned)delay_rmap << tlb->nr;
	kernel_gather_page_(tlb, page, false);
	return tlb->nr == MMU_GATHER_MAX;
}

/* Begins to delay: the page of an entry that was dirty must be found by whoever cleans it until
 * the TLBs have been flushed. Always true. */
static inline bool tlb_delay_rmap(struct mmu_gather *tlb)
{
	tlb->delayed_rmap = true;
	return true;
}

/*
 * Removes from the reverse map what was left in it. Context: with the page table lock of the
 * entries that were cleared held since then, and after a flush, as tlb_flush_mmu_tlbonly(). The
 * list must not be freed before ("protocol").
 */
KERNEL_INLINE_ void kernel_tlb_flush_rmaps_(const struct kernel_at_ *at, struct mmu_gather *tlb,
					    struct vm_area_struct *vma)
{
	if (!tlb->delayed_rmap)
		return;
	for (unsigned n = 0; n < tlb->nr; n++)
		if (tlb->delayed >> n & 1)
			kernel_rmap_(tlb->pages[n], vma, tlb->addr[n], KERNEL_RMAP_REMOVE_,
				     &at->site);
	tlb->delayed = 0;
	tlb->delayed_rmap = false;
}

static inline void pte_free_tlb(struct mmu_gather *tlb, struct page *table, unsigned long addr)
{
	kernel_gather_span_(tlb, addr & PMD_MASK, (addr & PMD_MASK) + PMD_SIZE);
	kernel_gather_page_(tlb, table, true);
}

/* Do nothing here. */
static inline void tlb_start_vma(struct mmu_gather *tlb, struct vm_area_struct *vma)
{
	(void)tlb;
	(void)vma;
}

static inline void tlb_end_vma(struct mmu_gather *tlb, struct vm_area_struct *vma)
{
	(void)tlb;
	(void)vma;
}

/* Flush what has to be flushed; free what is on the list; do both. */
KERNEL_INLINE_ void kernel_tlb_flush_mmu_tlbonly_(const struct kernel_at_ *at,
						  struct mmu_gather *tlb)
{
	if (tlb->start >= tlb->end || tlb->fullmm)
		return;
	kernel_flush_(tlb->mm, tlb->start, tlb->end, KERNEL_FLUSH_CPUS_ | KERNEL_FLUSH_SECONDARY_,
		      "tlb_flush", &at->site);
	kernel_gather_reset_(tlb);
}

KERNEL_INLINE_ void kernel_tlb_flush_mmu_free_(const struct kernel_at_ *at, struct mmu_gather *tlb)
{
	if (tlb->delayed)
		explore_fail(ORACLE_PROTOCOL, "%s:%d frees pages that tlb_flush_rmaps() has not "
			     "taken out of the reverse map", at->site.function, at->site.line);
	for (unsigned n = 0; n < tlb->nr; n++) {
		if (tlb->tables >> n & 1)
			kernel_pte_free_(at, tlb->mm, tlb->pages[n]);
		else
			kernel_put_page_(at, tlb->pages[n]);
	}
	tlb->nr = tlb->tables = tlb->delayed = 0;
}

KERNEL_INLINE_ void kernel_tlb_flush_mmu_(const struct kernel_at_ *at, struct mmu_gather *tlb)
{
	kernel_tlb_flush_mmu_tlbonly_(at, tlb);
	kernel_tlb_flush_mmu_free_(at, tlb);
}

/*
 * Ends a gather: flushes and frees. If there is another gather in the mm, it flushes the whole
 * mm, because the other one has cleared entries that are not flushed yet.
 */
KERNEL_INLINE_ void kernel_tlb_finish_mmu_(const struct kernel_at_ *at, struct mmu_gather *tlb)
{
	if (kernel_mm_tlb_flush_nested_(at, tlb->mm)) {
		tlb->fullmm = false;
		kernel_gather_span_(tlb, 0, TASK_SIZE);
	}
	kernel_tlb_flush_mmu_(at, tlb);
	(void)kernel_pending_(tlb->mm, KERNEL_GATHER_DEC_, &at->site);
	kernel_dec_tlb_flush_pending_(at, tlb->mm);
}

KERNEL_PASSED_VOID_(tlb_gather_mmu, (struct mmu_gather *tlb, struct mm_struct *mm), (tlb, mm))
KERNEL_PASSED_VOID_(tlb_gather_mmu_fullmm, (struct mmu_gather *tlb, struct mm_struct *mm),
		    (tlb, mm))
KERNEL_PASSED_VOID_(tlb_flush_mmu_tlbonly, (struct mmu_gather *tlb), (tlb))
KERNEL_PASSED_VOID_(tlb_flush_mmu_free, (struct mmu_gather *tlb), (tlb))
KERNEL_PASSED_VOID_(tlb_flush_rmaps, (struct mmu_gather *tlb, struct vm_area_struct *vma),
		    (tlb, vma))
KERNEL_PASSED_VOID_(tlb_flush_mmu, (struct mmu_gather *tlb), (tlb))
KERNEL_PASSED_VOID_(tlb_finish_mmu, (struct mmu_gather *tlb), (tlb))

#define tlb_gather_mmu(tlb, mm) \
	KERNEL_2_(tlb_gather_mmu, NULL, struct mmu_gather *, tlb, struct mm_struct *, mm)
#define tlb_gather_mmu_fullmm(tlb, mm) \
	KERNEL_2_(tlb_gather_mmu_fullmm, NULL, struct mmu_gather *, tlb, struct mm_struct *, mm)
#define tlb_remove_tlb_entry(tlb, ptep, addr) KERNEL_CALL_3_(tlb_remove_tlb_entry, \
	struct mmu_gather *, tlb, pte_t *, ptep, unsigned long, addr)
#define tlb_remove_page(tlb, p) KERNEL_CALL_2_(tlb_remove_page, \
	struct mmu_gather *, tlb, struct page *, KERNEL_PAGE_(p))
#define __tlb_remove_page(tlb, p, delay) KERNEL_CALL_3_(__tlb_remove_page, \
	struct mmu_gather *, tlb, struct page *, KERNEL_PAGE_(p), bool, delay)
#define tlb_flush_rmaps(tlb, vma) KERNEL_2_(tlb_flush_rmaps, NULL, \
	struct mmu_gather *, tlb, struct vm_area_struct *, vma)
#define pte_free_tlb(tlb, table, addr) KERNEL_CALL_3_(pte_free_tlb, \
	struct mmu_gather *, tlb, struct page *, table, unsigned long, addr)
#define tlb_start_vma(tlb, vma) \
	KERNEL_CALL_2_(tlb_start_vma, struct mmu_gather *, tlb, struct vm_area_struct *, vma)
#define tlb_end_vma(tlb, vma) \
	KERNEL_CALL_2_(tlb_end_vma, struct mmu_gather *, tlb, struct vm_area_struct *, vma)
#define tlb_flush_mmu_tlbonly(tlb) KERNEL_1_(tlb_flush_mmu_tlbonly, NULL, tlb)
#define tlb_flush_mmu_free(tlb) KERNEL_1_(tlb_flush_mmu_free, NULL, tlb)
#define tlb_flush_mmu(tlb) KERNEL_1_(tlb_flush_mmu, NULL, tlb)
#define tlb_finish_mmu(tlb) KERNEL_1_(tlb_finish_mmu, NULL, tlb)

#ifdef __cplusplus
}
#endif

#endif
