/* SPDX-License-Identifier: MIT */
/*
 * 29f: mremap takes a huge page of DAX for a page table
 *
 * Linux: CVE-2020-10757, 5bfea2d9b17f1034a68147a8b03b9789af5700f9
 * Class: G
 *
 * move_page_tables() moves a huge entry as a whole, or splits it; anything else it takes for the
 * name of a page table, whose entries it moves one by one. It asked pmd_trans_huge(), which on
 * x86 says no to a huge entry of DAX, that is of a file's own memory: for that there is
 * pmd_devmap(). So move_ptes() went through the file's contents as if they were page table
 * entries: it cleared the words there, and put them into the page table of the new address.
 * Whoever had written them could so map any physical page. The bug was repaired by asking
 * pmd_devmap() as well. No race is needed. All of it is moved here, as before Linux moved whole
 * tables by their upper entries (HAVE_MOVE_PMD); since then it took a smaller move. The entry of
 * an ordinary huge page plays that of DAX here, and its first word is 1: an entry that is present
 * and names physical page 0.
 */
#include <mmun/kernel_mm.h>

#include "entry.h"

static struct mm_world w;
static unsigned long old, new;

static void setup(void)
{
	mm_world_init(&w, MMUN_MODERN, 1, false);
	old = 2 * PMD_SIZE;
	new = old + PMD_SIZE;
	EXPLORE_ASSERT(!mmun_mmap(w.mm, old, 2 * PMD_SIZE, MMUN_PROT_READ | MMUN_PROT_WRITE,
				  MMUN_MAP_PRIVATE | MMUN_MAP_ANONYMOUS | MMUN_MAP_FIXED,
				  &(uint64_t){ 0 }));
	EXPLORE_ASSERT(!mmun_madvise(w.mm, old, PMD_SIZE, MMUN_MADV_HUGEPAGE));
	EXPLORE_ASSERT(!mmun_cpu_store(w.cpu[0], old, 1));
}

static bool pmd_devmap(pmd_t pmd) { return pmd_leaf(pmd); }     /* all huge ones are DAX's here */
static bool x86_pmd_trans_huge(pmd_t pmd) { return pmd_leaf(pmd) && !pmd_devmap(pmd); }

static void move_huge_pmd(struct vm_area_struct *vma, struct vm_area_struct *new_vma,
			  pmd_t *old_pmd, pmd_t *new_pmd)
{
	struct mm_struct *mm = vma->vm_mm;
	spinlock_t *old_ptl = pmd_lock(mm, old_pmd); /* of both */
	struct page *page = pmd_page(pmdp_get(old_pmd));
	pmd_t pmd;

	folio_remove_rmap_pte(page, page, vma, old);
	pmd = pmdp_huge_get_and_clear(mm, old, old_pmd);
	flush_tlb_range(vma, old, old + PMD_SIZE);
	set_pmd_at(mm, new, new_pmd, pmd);
	folio_add_anon_rmap_pte(page, page, new_vma, new);
	spin_unlock(old_ptl);
}

static void pte_alloc(struct mm_struct *mm, pmd_t *pmd, unsigned long addr)
{
	struct page *table = pte_alloc_one(mm, addr);
	spinlock_t *ptl = pmd_lock(mm, pmd);

	pmd_populate(mm, addr, pmd, table);
	spin_unlock(ptl);
}

/* Does not look what the upper entry is: its caller has. */
static pte_t *pte_offset(pmd_t *pmd, unsigned long addr)
{
	pte_t *table = (pte_t *)page_address(pmd_page(pmdp_get(pmd)));

	return &table[(addr & ~PMD_MASK) / PAGE_SIZE];
}

static void move_ptes(struct vm_area_struct *vma, pmd_t *old_pmd, pmd_t *new_pmd)
{
	struct mm_struct *mm = vma->vm_mm;
	unsigned long old_addr = old, new_addr = new, old_end = old + PMD_SIZE;
	pte_t *old_pte = pte_offset(old_pmd, old_addr);
	pte_t *new_pte = pte_offset(new_pmd, new_addr), pte;
	spinlock_t *old_ptl = pte_lockptr(mm, old_pte), *new_ptl = pte_lockptr(mm, new_pte);

	spin_lock(old_ptl);
	spin_lock(new_ptl);
	for (; old_addr < old_end; old_pte++, old_addr += PAGE_SIZE,
				   new_pte++, new_addr += PAGE_SIZE) {
		if (pte_none(ptep_get(old_pte)))
			continue;
		pte = ptep_get_and_clear(mm, old_addr, old_pte);
		set_pte_at(mm, new_addr, new_pte, pte);
	}
	flush_tlb_range(vma, old, old_end);
	spin_unlock(new_ptl);
	spin_unlock(old_ptl);
}

static void move_page_tables(struct vm_area_struct *vma, struct vm_area_struct *new_vma)
{
	struct mm_struct *mm = vma->vm_mm;
	struct mmu_notifier_range range;
	pmd_t *old_pmd, *new_pmd, pmd;

	mmu_notifier_range_init(&range, MMU_NOTIFY_UNMAP, 0, mm, old, old + PMD_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	old_pmd = pmd_off(mm, old);
	new_pmd = pmd_alloc_off(mm, new);
	pmd = pmdp_get(old_pmd);
	if (x86_pmd_trans_huge(pmd) || (fixed && pmd_devmap(pmd))) {
		move_huge_pmd(vma, new_vma, old_pmd, new_pmd);
	} else {
		pte_alloc(mm, new_pmd, new);
		move_ptes(vma, old_pmd, new_pmd);
	}
	mmu_notifier_invalidate_range_end(&range);
}

static void thread(unsigned thread)
{
	struct vm_area_struct vma, new_vma;

	(void)thread;
	mmap_write_lock(w.mm);
	vma = vma_of(w.mm, old);
	new_vma = vma_of(w.mm, new);
	move_page_tables(&vma, &new_vma);
	mmap_write_unlock(w.mm);
}

static void watch(void)
{
	mm_world_watch(&w, old, "old");
	mm_world_watch(&w, new, "new");
}

static void finish(void)
{
	uint64_t value;

	if (fixed) {
		EXPLORE_ASSERT(cpu_try_load(w.cpu[0], new, &value) && value == 1);
		EXPLORE_ASSERT(!cpu_try_load(w.cpu[0], old, &value));
	}
	mm_world_fini(&w);
}

static const char *const names[] = { "mremap" };

CORPUS_CALLS(watch)
CORPUS_CALLS(finish)
CORPUS_ENTRY("protocol", .watch = call_watch, .finish = call_finish)
