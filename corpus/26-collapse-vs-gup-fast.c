/* SPDX-License-Identifier: MIT */
/*
 * 26: khugepaged frees a page table in which GUP-fast is looking
 *
 * Linux: 2ba99c5e08812494bc57f319fb562f527d9bacd8, 8d3c106e19e8, 70cbc3cc78a9
 * Class: W
 *
 * GUP-fast walks page tables with no lock, only interrupts are off. On x86 that keeps a table
 * from being freed, as the flush that comes first interrupts each processor and waits. On
 * architectures that broadcast invalidations in hardware, such as arm64, nobody is interrupted,
 * and whoever frees a table must see to it otherwise, as munmap() does. khugepaged did not: it
 * cleared the upper entry, flushed, and freed the table, in which a GUP-fast that had read the
 * entry before was still looking. That GUP-fast looks at the upper entry again when it has taken
 * its reference (70cbc3cc78a9) does not help, since it has read the freed table by then. The bug
 * was repaired by tlb_remove_table_sync_one(), an interrupt to all, for which it waits. Here a
 * section with interrupts off is an RCU section, and to interrupt all processors is to wait for
 * those.
 *
 *	CPU 0, GUP-fast				CPU 1, collapse
 *	1 interrupts off; pmd -> table
 *						2 clear the entries; pmd = none
 *						  flush (no interrupt)
 *						3 free the table
 *	4 reads an entry of the table [freed]
 */
#include <mmun/kernel_mm.h>

#include "entry.h"

#define local_irq_disable() rcu_read_lock()
#define local_irq_enable() rcu_read_unlock()
#define tlb_remove_table_sync_one() do { \
	if (explore_optional("interrupt to all")) \
		synchronize_rcu(); \
} while (0)

static struct mm_world w;
static unsigned long x;

static void setup(void)
{
	mm_world_init(&w, MMUN_MODERN, 0, false);
	x = mm_world_page(&w, 0, 0, 0);
}

static struct page *gup_pte_range(pmd_t pmd, pmd_t *pmdp, unsigned long addr)
{
	pte_t *ptep = pte_offset_map(w.mm, &pmd, addr);
	pte_t pte = ptep_get_lockless(ptep);                    /* 4 */
	struct page *page;

	if (!pte_present(pte))
		return NULL;
	page = pte_page(pte);
	if (!try_get_page(page))
		return NULL;
	if (pmd_val(pmd) != pmd_val(pmdp_get(pmdp)) || pte_val(pte) != pte_val(ptep_get(ptep))) {
		put_page(page);
		return NULL;
	}
	return page;
}

static struct page *get_user_page_fast_only(unsigned long addr)
{
	struct page *page = NULL;
	pmd_t *pmdp, pmd;

	local_irq_disable();
	pmdp = pmd_off(w.mm, addr);
	pmd = pmdp_get_lockless(pmdp);                          /* 1 */
	if (pmd_present(pmd))
		page = gup_pte_range(pmd, pmdp, addr);
	local_irq_enable();
	return page;
}

static void collapse_and_free_pmd(struct mm_struct *mm, struct vm_area_struct *vma,
				  unsigned long addr, pmd_t *pmdp)
{
	spinlock_t *pml = pmd_lock(mm, pmdp);
	pmd_t pmd = pmdp_collapse_flush(vma, addr, pmdp);

	spin_unlock(pml);
	if (fixed)
		tlb_remove_table_sync_one();
	pte_free(mm, pmd_page(pmd));                            /* 3 */
}

static void collapse_pte_mapped_thp(struct mm_struct *mm, unsigned long haddr)
{
	struct mmu_notifier_range range;
	struct vm_area_struct vma;
	struct page *page;
	spinlock_t *ptl;
	pmd_t *pmd;
	pte_t *pte;

	mmap_write_lock(mm);
	vma = vma_of(mm, haddr);
	vma_start_write(&vma);
	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, mm, haddr, haddr + HPAGE_PMD_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	pmd = pmd_off(mm, haddr);
	pte = pte_offset_map_lock(mm, pmd, haddr, &ptl);
	BUG_ON(!pte);
	page = pte_page(ptep_get_and_clear(mm, haddr, pte));    /* 2 */
	folio_remove_rmap_pte(page, page, &vma, haddr);
	pte_unmap_unlock(pte, ptl);
	collapse_and_free_pmd(mm, &vma, haddr, pmd);
	mmu_notifier_invalidate_range_end(&range);
	put_page(page);
	mmap_write_unlock(mm);
}

static void thread(unsigned thread)
{
	struct page *page;

	switch (thread) {
	case 0:
		page = get_user_page_fast_only(x);
		if (page)
			put_page(page);
		break;
	case 1:
		collapse_pte_mapped_thp(w.mm, x);
		break;
	}
}

static void watch(void)
{
	pmd_t pmd = *pmd_off(w.mm, x);

	if (pmd_none(pmd))
		explore_watch_nothing("pmd", "none");
	else
		explore_watch("pmd", "table in frame %lu", pmd_pfn(pmd));
}

static void finish(void)
{
	mm_world_fini(&w);
}

static const char *const names[] = { "GUP-fast", "collapse" };

CORPUS_CALLS(watch)
CORPUS_CALLS(finish)
CORPUS_ENTRY("lifetime", .watch = call_watch, .finish = call_finish)
