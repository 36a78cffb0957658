/* SPDX-License-Identifier: MIT */
/*
 * 22: lazy processors are not told that a page table goes
 *
 * Linux: CVE-2025-22045, 3ef938c3503563bfc2ac15083557f880d29c2e64
 * Class: W
 *
 * A processor that runs a kernel thread keeps the page tables of the process before loaded, and
 * is lazy: it accesses no user memory, so x86 spares it the interrupt of a flush, and it flushes
 * when it comes back. Its speculative walks, however, go on, and use what is cached of upper
 * entries. So flush_tlb_mm_range() is told whether page tables are freed, and then interrupts the
 * lazy ones as well. But flush_tlb_range() always said that none were, and it is what
 * pmdp_collapse_flush() uses when khugepaged takes a page table away: a lazy processor walked on
 * in the freed page. The bug was repaired by having flush_tlb_range() say yes, as on arm64. The
 * hardware is a model here: see mm.h.
 *
 *	CPU 0, collapse				CPU 1, lazy [cache: pmd -> table]
 *	1 pmd = none
 *	2 flush: CPU 1 is lazy
 *	3 free the table
 *						4 walks from the table [freed]
 */
#include "entry.h"
#include "mm.h"

static struct mm_world w;
static unsigned long x;                 /* nothing is mapped in its table any more */
static struct walk_cache cpu1;
static bool is_lazy = true;             /* CPU 1; all the time */

static void setup(void)
{
	mm_world_init(&w, MMUN_MODERN, 0, false);
	x = mm_world_page(&w, 0, 0, 0);
	(void)walk_page_table(&cpu1, w.mm, x);
	EXPLORE_ASSERT(!mmun_madvise(w.mm, x, PAGE_SIZE, MMUN_MADV_DONTNEED));
}

/* x86. */
static void flush_tlb_mm_range(struct mm_struct *mm, unsigned long start, unsigned long end,
			       bool freed_tables)
{
	flush_tlb_cpus(mm, start, end);
	if (freed_tables || !is_lazy)           /* native_flush_tlb_multi() */
		flush_walk_cache(&cpu1);
	else
		pr_info("CPU 1 is lazy: no interrupt");
}

static pmd_t collapse_flush(struct vm_area_struct *vma, unsigned long address, pmd_t *pmdp)
{
	pmd_t pmd = pmdp_huge_get_and_clear(vma->vm_mm, address, pmdp); /* 1 */

	/* flush_tlb_range() */
	flush_tlb_mm_range(vma->vm_mm, address, address + HPAGE_PMD_SIZE, fixed); /* 2 */
	return pmd;
}

static void collapse_pte_mapped_thp(struct mm_struct *mm, unsigned long haddr)
{
	struct mmu_notifier_range range;
	struct vm_area_struct vma;
	spinlock_t *pml;
	pmd_t *pmd, pgt_pmd;

	mmap_write_lock(mm);
	vma = vma_of(mm, haddr);
	vma_start_write(&vma);
	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, mm, haddr, haddr + HPAGE_PMD_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	pmd = pmd_off(mm, haddr);
	pml = pmd_lock(mm, pmd);
	pgt_pmd = collapse_flush(&vma, haddr, pmd);
	spin_unlock(pml);
	mmu_notifier_invalidate_range_end(&range);
	mmap_write_unlock(mm);
	synchronize_rcu();                      /* pte_free_defer() */
	pte_free(mm, pmd_page(pgt_pmd));        /* 3 */
}

static void thread(unsigned thread)
{
	switch (thread) {
	case 0:
		collapse_pte_mapped_thp(w.mm, x);
		break;
	case 1:
		(void)walk_page_table(&cpu1, w.mm, x);  /* 4 */
		break;
	}
}

static void watch(void)
{
	watch_walk_cache(&cpu1);
}

static void finish(void)
{
	mm_world_fini(&w);
}

static const char *const names[] = { "collapse", "lazy CPU" };

CORPUS_CALLS(watch)
CORPUS_CALLS(finish)
CORPUS_ENTRY("lifetime", .watch = call_watch, .finish = call_finish)
