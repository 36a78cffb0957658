/* SPDX-License-Identifier: MIT */
/*
 * 4: munmap of a PFN map unlinks the area before it flushes
 *
 * Linux: CVE-2022-39188, b67fbebd4cf980aecbcc750e1462128bffe8ae15
 * Class: A
 *
 * munmap() clears the entries of an area, takes the area off the list of those that map the file
 * (i_mmap), and only then flushes the TLBs, which does for pages that the gather has references
 * to. Pages of a VM_PFNMAP area have none: they are the driver's, which takes them back with
 * unmap_mapping_range() and relies on having found everybody who maps them. When it came between
 * unlinking and flush it found no area, flushed nothing, and freed the page to which a thread
 * still had a writable translation. The bug was repaired by flushing such areas before they leave
 * the list (tlb_end_vma()): the driver either finds the area, or it is flushed.
 *
 *	CPU 0, munmap			CPU 1, driver		CPU 2 [TLB: x -> P]
 *	1 clear x (no flush yet)
 *	  unlink the area
 *					2 walks i_mmap: none
 *					  free P
 *								3 stores to x: P [freed]
 *	4 flush x
 */
#include <mmun/kernel_mm.h>

#include "entry.h"

static struct mm_world w;
static unsigned long x;
static struct page *P;                  /* the driver's: the entry has no reference */
static struct rw_semaphore i_mmap_rwsem;
static struct vm_area_struct mapped;    /* the area of x, which is in i_mmap */
static bool linked = true;              /* [i_mmap_rwsem] it still is */

static void setup(void)
{
	spinlock_t *ptl;
	pte_t *pte;

	mm_world_init(&w, MMUN_MODERN, 1, false);
	x = mm_world_page(&w, 0, 1, 0) + PAGE_SIZE;     /* beside a page that keeps the table */
	EXPLORE_ASSERT(!mmun_mmap(w.mm, x, PAGE_SIZE, MMUN_PROT_READ | MMUN_PROT_WRITE,
				  MMUN_MAP_PRIVATE | MMUN_MAP_ANONYMOUS | MMUN_MAP_FIXED_NOREPLACE,
				  &(uint64_t){ 0 }));
	P = alloc_zeroed_page(GFP_KERNEL);
	mapped = vma_of(w.mm, x);
	pte = pte_offset_map_lock(w.mm, pmd_off(w.mm, x), x, &ptl); /* remap_pfn_range() */
	BUG_ON(!pte);
	set_pte_at(w.mm, x, pte, pte_mkwrite(pte_mkdirty(mk_pte(P, PAGE_SHARED)), &mapped));
	pte_unmap_unlock(pte, ptl);
	mm_world_cached(&w, 0, x, true);
}

/* Of a VM_PFNMAP area: no reverse map, and no page for the gather. */
static void zap_pte_range(struct mmu_gather *tlb, struct vm_area_struct *vma)
{
	struct mm_struct *mm = vma->vm_mm;
	spinlock_t *ptl;
	pte_t *pte;

	pte = pte_offset_map_lock(mm, pmd_off(mm, x), x, &ptl);
	BUG_ON(!pte);
	if (pte_present(ptep_get(pte))) {
		ptep_get_and_clear(mm, x, pte);
		tlb_remove_tlb_entry(tlb, pte, x);
	}
	pte_unmap_unlock(pte, ptl);
}

static void unmap_vmas(struct mmu_gather *tlb, struct vm_area_struct *vma)
{
	struct mmu_notifier_range range;

	mmu_notifier_range_init(&range, MMU_NOTIFY_UNMAP, 0, vma->vm_mm, x, x + PAGE_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	zap_pte_range(tlb, vma);
	if (fixed)
		tlb_flush_mmu_tlbonly(tlb);             /* tlb_end_vma(), tlb->vma_pfn */
	mmu_notifier_invalidate_range_end(&range);
}

static void unlink_file_vma(void)
{
	down_write(&i_mmap_rwsem);
	linked = false;
	up_write(&i_mmap_rwsem);
}

static void unmap_region(void)
{
	struct vm_area_struct vma;
	struct mmu_gather tlb;

	mmap_write_lock(w.mm);
	vma = vma_of(w.mm, x);
	vma_start_write(&vma);
	tlb_gather_mmu(&tlb, w.mm);
	unmap_vmas(&tlb, &vma);                         /* 1 */
	unlink_file_vma();                              /* in free_pgtables() */
	tlb_finish_mmu(&tlb);                           /* 4 */
	mmap_write_unlock(w.mm);
}

static void unmap_mapping_range(void)
{
	struct mmu_gather tlb;

	down_read(&i_mmap_rwsem);
	if (linked) {
		tlb_gather_mmu(&tlb, w.mm);
		unmap_vmas(&tlb, &mapped);
		tlb_finish_mmu(&tlb);
	} else {
		pr_info("nobody maps the page");
	}
	up_read(&i_mmap_rwsem);
}

static void thread(unsigned thread)
{
	switch (thread) {
	case 0:
		unmap_region();
		break;
	case 1:
		unmap_mapping_range();
		__free_page(P);                         /* 2 */
		break;
	case 2:
		(void)cpu_try_store(w.cpu[0], x, 1);    /* 3 */
		break;
	}
}

static void watch(void)
{
	mm_world_watch(&w, x, "x");
	explore_watch("area", "%s", linked ? "in i_mmap" : "unlinked");
}

static void finish(void)
{
	mm_world_fini(&w);
}

static const char *const names[] = { "munmap", "driver", "CPU" };

CORPUS_CALLS(watch)
CORPUS_CALLS(finish)
CORPUS_ENTRY("lifetime", .watch = call_watch, .finish = call_finish)
