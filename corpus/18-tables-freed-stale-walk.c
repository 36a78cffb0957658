/* SPDX-License-Identifier: MIT */
/*
 * 18: page tables are freed while a walk cache still names them
 *
 * Linux: d86564a2f085, a46cc7a90fd8
 * Class: W
 *
 * Page tables that munmap() takes away are collected, in batches, and freed after a flush and
 * after all those have gone who walk page tables in software. If there is no memory for a batch,
 * tlb_remove_table() frees a table at once: it sends an interrupt to all processors and waits,
 * which is enough for the walks in software. But the hardware caches upper entries, and nothing
 * had told it that the entry is gone: a walk that begins at the cached entry takes what is in the
 * freed page for page table entries. The bug was repaired by tlb_table_invalidate(), a flush
 * before any table is freed. (The first id is x86's repair; the second one is what opened the
 * same hole in POWER's radix page tables, which was mended later, in mmu_gather.) The hardware is
 * a model here: see mm.h.
 *
 *	CPU 0, munmap				CPU 1 [cache: pmd -> table]
 *	1 pmd = none
 *	2 no batch: interrupt all,
 *	  no flush; free the table
 *						3 walks from the table [freed]
 */
#include "entry.h"
#include "mm.h"

static struct mm_world w;
static unsigned long x;                 /* nothing is mapped in its table any more */
static struct walk_cache cpu1;

static void setup(void)
{
	mm_world_init(&w, MMUN_MODERN, 0, false);
	x = mm_world_page(&w, 0, 0, 0);
	(void)walk_page_table(&cpu1, w.mm, x);
	EXPLORE_ASSERT(!mmun_madvise(w.mm, x, PAGE_SIZE, MMUN_MADV_DONTNEED));
}

static void tlb_table_invalidate(struct mmu_gather *tlb)
{
	tlb_flush_mmu_tlbonly(tlb);
	flush_walk_cache(&cpu1);
}

static void tlb_remove_table_one(struct mmu_gather *tlb, struct page *table)
{
	synchronize_rcu(); /* tlb_remove_table_sync_one(): nobody has interrupts off */
	pte_free(tlb->mm, table);
}

/* The batch would have been __get_free_page(GFP_NOWAIT), which failed. */
static void tlb_remove_table(struct mmu_gather *tlb, struct page *table)
{
	if (fixed)
		tlb_table_invalidate(tlb);
	tlb_remove_table_one(tlb, table);                       /* 2 */
}

static void free_pte_range(struct mmu_gather *tlb, pmd_t *pmd, unsigned long addr)
{
	struct page *token = pmd_page(pmdp_get(pmd));
	spinlock_t *pml = pmd_lock(tlb->mm, pmd);

	pmd_clear(tlb->mm, addr, pmd);                          /* 1 */
	spin_unlock(pml);
	tlb->start = addr & PMD_MASK;                           /* pte_free_tlb() */
	tlb->end = tlb->start + PMD_SIZE;
	tlb->freed_tables = true;
	tlb_remove_table(tlb, token);
}

static void unmap_region(struct mm_struct *mm)
{
	struct vm_area_struct vma;
	struct mmu_gather tlb;

	mmap_write_lock(mm);
	vma = vma_of(mm, x);
	vma_start_write(&vma);
	tlb_gather_mmu(&tlb, mm);
	free_pte_range(&tlb, pmd_off(mm, x), x);                /* in free_pgtables() */
	tlb_finish_mmu(&tlb);
	flush_walk_cache(&cpu1);
	mmap_write_unlock(mm);
}

static void thread(unsigned thread)
{
	switch (thread) {
	case 0:
		unmap_region(w.mm);
		break;
	case 1:
		(void)walk_page_table(&cpu1, w.mm, x);          /* 3 */
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

static const char *const names[] = { "munmap", "CPU" };

CORPUS_CALLS(watch)
CORPUS_CALLS(finish)
CORPUS_ENTRY("lifetime", .watch = call_watch, .finish = call_finish)
