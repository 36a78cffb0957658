/* SPDX-License-Identifier: MIT */
/*
 * 19: a gather that meets another one forgets that it frees page tables
 *
 * Linux: 7a30df49f63ad92318ddf1f7498d1129a77dd4bd
 * Class: W/R
 *
 * A gather remembers how much it has to flush: the range, and whether page tables were freed. On
 * arm64 a flush of entries of the last level leaves the caches of the levels above alone, so
 * tlb_flush() asks for more only if tables were freed. tlb_finish_mmu(), when it found another
 * gather under way in the address space, reset the gather to flush the whole range again, and
 * reset what it knew of tables with it: the flush was of the last level only, the tables were
 * freed, and a processor walked on from a table by its cached upper entry. It needs a munmap(),
 * which holds mmap_lock for reading by the time it frees tables, and a MADV_DONTNEED elsewhere.
 * The bug was repaired by flushing the whole address space, tables included, in that case. The
 * hardware is a model here: see mm.h.
 *
 *	CPU 0, munmap			CPU 1, DONTNEED		CPU 2 [cache: table]
 *					1 gather: pending = 1
 *	2 pending = 2; pmd = none;
 *	  freed_tables = true
 *	3 nested: reset; flush of
 *	  the last level; free table
 *								4 walks from the table
 *								  [freed]
 */
#include "entry.h"
#include "mm.h"

static struct mm_world w;
static unsigned long x;                 /* nothing is mapped in its table any more */
static struct walk_cache cpu2;

static void setup(void)
{
	mm_world_init(&w, MMUN_MODERN, 0, false);
	x = mm_world_page(&w, 0, 0, 0);
	(void)walk_page_table(&cpu2, w.mm, x);
	EXPLORE_ASSERT(!mmun_madvise(w.mm, x, PAGE_SIZE, MMUN_MADV_DONTNEED));
}

static void __flush_tlb_range(struct mm_struct *mm, unsigned long start, unsigned long end,
			      bool last_level)
{
	flush_tlb_cpus(mm, start, end);
	if (!last_level)
		flush_walk_cache(&cpu2);
}

static void tlb_flush(struct mmu_gather *tlb)
{
	bool last_level = !tlb->freed_tables;

	if (tlb->fullmm) {
		if (!last_level)
			__flush_tlb_range(tlb->mm, 0, TASK_SIZE, false);
		return;
	}
	if (tlb->start < tlb->end)
		__flush_tlb_range(tlb->mm, tlb->start, tlb->end, last_level);
}

static void __tlb_reset_range(struct mmu_gather *tlb)
{
	tlb->start = TASK_SIZE;
	tlb->end = 0;
	tlb->freed_tables = false;
}

static void arch_tlb_finish_mmu(struct mmu_gather *tlb, unsigned long start, unsigned long end)
{
	if (mm_tlb_flush_nested(tlb->mm)) {                     /* 3 */
		__tlb_reset_range(tlb);
		if (fixed) {
			tlb->fullmm = true;
			tlb->freed_tables = true;
		} else {
			tlb->start = start;
			tlb->end = end;
		}
	}
	tlb_flush(tlb);
	tlb_flush_mmu_free(tlb);
	dec_tlb_flush_pending(tlb->mm);
}

/* The area has gone, and mmap_lock was downgraded. */
static void unmap_region(struct mm_struct *mm)
{
	pmd_t *pmd = pmd_off(mm, x);
	struct mmu_gather tlb;
	struct page *token;
	spinlock_t *pml;

	mmap_read_lock(mm);
	tlb_gather_mmu(&tlb, mm);
	token = pmd_page(pmdp_get(pmd));                        /* free_pte_range() */
	pml = pmd_lock(mm, pmd);
	pmd_clear(mm, x, pmd);
	spin_unlock(pml);
	pte_free_tlb(&tlb, token, x);                           /* 2 */
	arch_tlb_finish_mmu(&tlb, x, x + PMD_SIZE);
	mmap_read_unlock(mm);
}

/* Of a place where nothing is mapped. */
static void zap_page_range(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct mmu_gather tlb;

	mmap_read_lock(mm);
	tlb_gather_mmu(&tlb, mm);                               /* 1 */
	arch_tlb_finish_mmu(&tlb, start, end);
	mmap_read_unlock(mm);
}

static void thread(unsigned thread)
{
	switch (thread) {
	case 0:
		unmap_region(w.mm);
		break;
	case 1:
		zap_page_range(w.mm, x + PMD_SIZE, x + 2 * PMD_SIZE);
		break;
	case 2:
		(void)walk_page_table(&cpu2, w.mm, x);          /* 4 */
		break;
	}
}

static void watch(void)
{
	watch_walk_cache(&cpu2);
}

static void finish(void)
{
	mm_world_fini(&w);
}

static const char *const names[] = { "munmap", "DONTNEED", "CPU" };

CORPUS_CALLS(watch)
CORPUS_CALLS(finish)
CORPUS_ENTRY("lifetime", .watch = call_watch, .finish = call_finish)
