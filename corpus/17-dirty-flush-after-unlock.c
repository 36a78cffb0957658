/* SPDX-License-Identifier: MIT */
/*
 * 17: a dirty page of a file is flushed after the page table lock was dropped
 *
 * Linux: 1cf35d47712d
 * Class: P
 *
 * zap_pte_range() moved the dirty bit of a cleared entry to the page, and left the flush to the
 * end of the gather, after the page table lock. Writeback in between finds a dirty page that
 * nobody maps: there is nothing to write-protect, so it calls the page clean and writes it out,
 * while another thread still writes to it by a translation that is writable and needs no walk, so
 * no dirty bit is set. The page is clean, the disk has older contents, and the write is lost when
 * the page is dropped. The bug was repaired by splitting the gather's flush in two: when a dirty
 * page of a file was zapped, TLBs are flushed under the lock, and pages are freed later. The
 * entry must also leave the reverse map after that flush only, or writeback, which takes no page
 * table lock if nobody maps the page, comes in between; Linux saw to that years later
 * (5df397dec7c4), and the repaired form here does both.
 *
 *	CPU 0, munmap			CPU 1, writeback	CPU 2 [TLB: x -> P]
 *	1 lock; clear x; P is dirty
 *	  unlock
 *					2 P: nobody maps it
 *					  P is clean; writes
 *					  it to the disk
 *								3 stores to x
 *	4 flush; put P
 */
#include <mmun/kernel_mm.h>

#include "entry.h"

static struct mm_world w;
static struct mmun_object *file;        /* of one page */
static unsigned long x;
static struct page *P;                  /* of the file's cache */
static uint64_t disk;                   /* the first word of the page there */

static void setup(void)
{
	mm_world_init(&w, MMUN_MODERN, 1, false);
	x = mm_world_page(&w, 0, 1, 0) + PAGE_SIZE;     /* beside a page that keeps the table */
	EXPLORE_ASSERT(!mmun_object_create(w.machine, PAGE_SIZE, &file));
	EXPLORE_ASSERT(!mmun_mmap_object(w.mm, x, PAGE_SIZE, MMUN_PROT_READ | MMUN_PROT_WRITE,
					 MMUN_MAP_SHARED | MMUN_MAP_FIXED_NOREPLACE, file, 0,
					 &(uint64_t){ 0 }));
	mm_world_cached(&w, 0, x, true);
	P = pte_page(ptep_get(pte_offset_map(w.mm, pmd_off(w.mm, x), x)));
}

static void zap_pte_range(struct mmu_gather *tlb, struct vm_area_struct *vma, unsigned long addr)
{
	struct mm_struct *mm = vma->vm_mm;
	bool force_flush = false;
	struct page *page;
	pte_t *pte, ptent;
	spinlock_t *ptl;

	pte = pte_offset_map_lock(mm, pmd_off(mm, addr), addr, &ptl);
	BUG_ON(!pte);
	ptent = ptep_get_and_clear(mm, addr, pte);              /* 1 */
	tlb_remove_tlb_entry(tlb, pte, addr);
	page = pte_page(ptent);
	if (pte_dirty(ptent)) {
		if (fixed)
			force_flush = true;
		set_page_dirty(page);
	}
	if (force_flush)
		tlb_flush_mmu_tlbonly(tlb);
	folio_remove_rmap_pte(page, page, vma, addr);
	tlb_remove_page(tlb, page);
	pte_unmap_unlock(pte, ptl);
}

static void unmap_region(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct mmu_notifier_range range;
	struct vm_area_struct vma;
	struct mmu_gather tlb;

	mmap_write_lock(mm);
	vma = vma_of(mm, start);
	vma_start_write(&vma);
	tlb_gather_mmu(&tlb, mm);
	mmu_notifier_range_init(&range, MMU_NOTIFY_UNMAP, 0, mm, start, end);
	mmu_notifier_invalidate_range_start(&range);
	zap_pte_range(&tlb, &vma, start);
	mmu_notifier_invalidate_range_end(&range);
	tlb_finish_mmu(&tlb);                                   /* 4 */
	mmap_write_unlock(mm);
}

static void writeback(void)
{
	uint64_t dirty;

	EXPLORE_ASSERT(!mmun_object_clean(file, 0, PAGE_SIZE, &dirty)); /* 2 */
	if (!dirty)
		return;
	pr_info("the page was dirty and is clean now");
	disk = READ_ONCE(page_address(P)[0]);
	pr_info("written to the disk: %lu", (unsigned long)disk);
}

static void thread(unsigned thread)
{
	switch (thread) {
	case 0:
		unmap_region(w.mm, x, x + PAGE_SIZE);
		break;
	case 1:
		writeback();
		break;
	case 2:
		(void)cpu_try_store(w.cpu[0], x, 1);         /* 3 */
		break;
	}
}

static void watch(void)
{
	mm_world_watch(&w, x, "x");
	explore_watch("disk", "%lu", (unsigned long)disk);
}

static void finish(void)
{
	writeback();
	mmun_object_destroy(file);
	mm_world_fini(&w);
}

static const char *const names[] = { "munmap", "writeback", "CPU" };

CORPUS_CALLS(watch)
CORPUS_CALLS(finish)
CORPUS_ENTRY("lost-write", .watch = call_watch, .finish = call_finish)
