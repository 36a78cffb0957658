/* SPDX-License-Identifier: MIT */
/*
 * 7: the flush of one huge page, where a whole shared page table was unmapped
 *
 * Linux: dff11abe280b47c21b804a8ace318e0638bb9a49, 017b1660df89
 * Class: R
 *
 * Processes that map a hugetlbfs file may share a page table of it. An operation that unmaps one
 * huge page of 2 MiB from such a process cannot clear its entry, which is the others' as well:
 * huge_pmd_unshare() takes the table away from the process, and with it all that is mapped in 1
 * GiB. But try_to_unmap_one() flushed, and told the notifiers, the 2 MiB of the one page, so that
 * TLBs kept the neighbors. A neighbor may then be given up by the process that still has the
 * table, whose flush does not reach the first one: its thread writes to a page that is free. The
 * bug was repaired by adjust_range_if_pmd_sharing_possible(), which widens the range of start,
 * flush and end to all that the table can map. Here huge pages are small pages, and the shared
 * table of entries for them is a lowest one.
 *
 *	CPU 0, try_to_unmap x		CPU 1, the other process	CPU 2 [TLB: y -> Q]
 *	1 lock i_mmap; clear the
 *	  entry that names the table
 *	2 flush x; unlock
 *					3 lock i_mmap; clear y
 *					  flush its own TLBs
 *					  free Q
 *								4 stores to y: Q [freed]
 */
#include <mmun/kernel_mm.h>

#include "entry.h"

static struct mm_world w;
static struct mm_struct *other;         /* shares the table of x and y */
static unsigned long x, y;
static struct rw_semaphore i_mmap_rwsem;
static bool shared = true;              /* [i_mmap_rwsem] count of the table > 1 */

static void setup(void)
{
	struct mmun_cpu *cpu;
	spinlock_t *ptl;
	pmd_t *pmd;

	mm_world_init(&w, MMUN_MODERN, 1, false);
	EXPLORE_ASSERT(!mmun_mm_create(w.machine, MMUN_MODERN, &other));
	x = 2 * PMD_SIZE;
	y = x + PAGE_SIZE;
	for (int n = 0; n < 2; n++)
		EXPLORE_ASSERT(!mmun_mmap(n ? other : w.mm, x, PMD_SIZE,
					  MMUN_PROT_READ | MMUN_PROT_WRITE,
					  MMUN_MAP_PRIVATE | MMUN_MAP_ANONYMOUS | MMUN_MAP_FIXED,
					  &(uint64_t){ 0 }));
	EXPLORE_ASSERT(!mmun_cpu_create(other, &cpu) && !mmun_cpu_store(cpu, x, 1) &&
		       !mmun_cpu_store(cpu, y, 1));
	mmun_cpu_destroy(cpu);

	pmd = pmd_alloc_off(w.mm, x);                           /* huge_pmd_share() */
	ptl = pmd_lock(w.mm, pmd);
	pmd_populate(w.mm, x, pmd, pmd_page(pmdp_get(pmd_off(other, x))));
	spin_unlock(ptl);
	mm_world_cached(&w, 0, y, true);
}

static bool huge_pmd_unshare(struct mm_struct *mm, unsigned long addr, pmd_t *pud)
{
	if (!shared)
		return false;
	pmd_clear(mm, addr, pud);                               /* 1 */
	shared = false;
	return true;
}

static void adjust_range_if_pmd_sharing_possible(unsigned long *start, unsigned long *end)
{
	*start &= PMD_MASK;
	*end = *start + PMD_SIZE;
}

static void try_to_unmap_one(struct vm_area_struct *vma, unsigned long address)
{
	unsigned long start = address, end = address + PAGE_SIZE;
	struct mm_struct *mm = vma->vm_mm;
	struct mmu_notifier_range range;
	pmd_t *pud = pmd_off(mm, address);
	spinlock_t *ptl;

	if (fixed)
		adjust_range_if_pmd_sharing_possible(&start, &end);
	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, mm, start, end);
	mmu_notifier_invalidate_range_start(&range);
	ptl = pmd_lock(mm, pud);
	BUG_ON(!huge_pmd_unshare(mm, address, pud));
	flush_tlb_range(vma, range.start, range.end);           /* 2 */
	spin_unlock(ptl);
	mmu_notifier_invalidate_range_end(&range);
}

static void thread(unsigned thread)
{
	struct vm_area_struct vma;

	switch (thread) {
	case 0:
		down_write(&i_mmap_rwsem);
		vma = vma_of(w.mm, x);
		try_to_unmap_one(&vma, x);
		up_write(&i_mmap_rwsem);
		break;
	case 1:
		down_write(&i_mmap_rwsem);
		if (shared)
			pr_info("would take the table away, and free nothing");
		else
			EXPLORE_ASSERT(!mmun_madvise(other, y, PAGE_SIZE,
						     MMUN_MADV_DONTNEED));      /* 3 */
		up_write(&i_mmap_rwsem);
		break;
	case 2:
		(void)cpu_try_store(w.cpu[0], y, 2);                            /* 4 */
		break;
	}
}

static void watch(void)
{
	mm_world_watch(&w, x, "x");
	mm_world_watch(&w, y, "y");
}

static void finish(void)
{
	EXPLORE_ASSERT(!mmun_mm_destroy(other));
	mm_world_fini(&w);
}

static const char *const names[] = { "try_to_unmap", "other process", "CPU" };

CORPUS_CALLS(watch)
CORPUS_CALLS(finish)
CORPUS_ENTRY("lifetime", .watch = call_watch, .finish = call_finish)
