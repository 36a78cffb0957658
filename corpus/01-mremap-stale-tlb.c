/* SPDX-License-Identifier: MIT */
/*
 * 1: mremap drops the page table locks before it flushes the old address
 *
 * Linux: CVE-2018-18281, eb66ae030829605d61fbef1909ce310e29f78821
 * Class: C/A
 *
 * mremap() moves entries from the old address to the new one under both page table locks, and
 * flushed the old range once, after the locks were dropped; only dirty entries were flushed
 * earlier. From the moment the locks are free the page belongs to whoever comes by its new
 * address: an ftruncate() of the file finds it there, clears the entry, flushes the new address,
 * which no processor has in its TLB, and frees the page. A third thread still reads it through
 * the old translation, and may by then read the page of another process. Other operations keep
 * what they unmap in a gather until the flush is done; one that moves a page does not decide how
 * long it lives, so it must flush before it lets the page go. The bug was repaired by flushing
 * each present entry before either of the locks is dropped. Here the entry is clean, and the
 * stale translation is used for reading.
 *
 *	CPU 0, mremap			CPU 1, ftruncate	CPU 2 [TLB: old -> P]
 *	1 lock both; clear old;
 *	  new -> P; unlock both
 *					2 clear new; flush new
 *					  free P
 *								3 reads old: P [freed]
 *	4 flush old
 */
#include <mmun/kernel_mm.h>

#include "entry.h"

static struct mm_world w;
static struct mmun_object *file;        /* of one page */
static unsigned long old, new;          /* areas that map it; copy_vma() has made the new one */

static void setup(void)
{
	uint64_t addr;

	mm_world_init(&w, MMUN_MODERN, 1, false);
	old = mm_world_page(&w, 0, 1, 0) + PAGE_SIZE;   /* beside a page that keeps the table */
	new = mm_world_page(&w, 1, 1, 0) + PAGE_SIZE;
	EXPLORE_ASSERT(!mmun_object_create(w.machine, PAGE_SIZE, &file));
	for (int n = 0; n < 2; n++)
		EXPLORE_ASSERT(!mmun_mmap_object(w.mm, n ? new : old, PAGE_SIZE,
						 MMUN_PROT_READ | MMUN_PROT_WRITE,
						 MMUN_MAP_SHARED | MMUN_MAP_FIXED_NOREPLACE, file,
						 0, &addr));
	mm_world_cached(&w, 0, old, false);
}

static bool move_ptes(struct vm_area_struct *vma, pmd_t *old_pmd, unsigned long old_addr,
		      unsigned long old_end, struct vm_area_struct *new_vma, pmd_t *new_pmd,
		      unsigned long new_addr)
{
	struct mm_struct *mm = vma->vm_mm;
	bool force_flush = false, need_flush = false;
	unsigned long len = old_end - old_addr;
	spinlock_t *old_ptl, *new_ptl;
	pte_t *old_pte, *new_pte, pte;
	struct page *page;

	old_pte = pte_offset_map_lock(mm, old_pmd, old_addr, &old_ptl);
	BUG_ON(!old_pte);
	new_pte = pte_offset_map(mm, new_pmd, new_addr);
	new_ptl = pte_lockptr(mm, new_pte);
	if (new_ptl != old_ptl)
		spin_lock(new_ptl);

	for (; old_addr < old_end; old_pte++, old_addr += PAGE_SIZE,
				   new_pte++, new_addr += PAGE_SIZE) {
		if (pte_none(ptep_get(old_pte)))
			continue;
		pte = ptep_get_and_clear(mm, old_addr, old_pte);
		if (pte_present(pte) && (fixed || pte_dirty(pte)))
			force_flush = true;
		else if (pte_present(pte))
			need_flush = true;
		page = pte_page(pte);
		folio_add_file_rmap_pte(page, page, new_vma, new_addr);
		folio_remove_rmap_pte(page, page, vma, old_addr);
		set_pte_at(mm, new_addr, new_pte, pte);                 /* 1 */
	}

	if (fixed && force_flush)
		flush_tlb_range(vma, old_end - len, old_end);
	if (new_ptl != old_ptl)
		spin_unlock(new_ptl);
	if (!fixed && force_flush)
		flush_tlb_range(vma, old_end - len, old_end);
	pte_unmap_unlock(old_pte, old_ptl);
	return need_flush;
}

static void move_page_tables(struct vm_area_struct *vma, struct vm_area_struct *new_vma)
{
	struct mm_struct *mm = vma->vm_mm;
	struct mmu_notifier_range range;
	bool need_flush;

	mmu_notifier_range_init(&range, MMU_NOTIFY_UNMAP, 0, mm, old, old + PAGE_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	need_flush = move_ptes(vma, pmd_off(mm, old), old, old + PAGE_SIZE, new_vma,
			       pmd_off(mm, new), new);
	if (need_flush)
		flush_tlb_range(vma, old, old + PAGE_SIZE);             /* 4 */
	mmu_notifier_invalidate_range_end(&range);
}

static void thread(unsigned thread)
{
	struct vm_area_struct vma, new_vma;
	uint64_t value;

	switch (thread) {
	case 0:
		mmap_write_lock(w.mm);
		vma = vma_of(w.mm, old);
		new_vma = vma_of(w.mm, new);
		move_page_tables(&vma, &new_vma);
		mmap_write_unlock(w.mm);
		break;
	case 1:
		EXPLORE_ASSERT(!mmun_object_truncate(file, 0));         /* 2 */
		break;
	case 2:
		(void)cpu_try_load(w.cpu[0], old, &value);              /* 3 */
		break;
	}
}

static void watch(void)
{
	mm_world_watch(&w, old, "old");
	mm_world_watch(&w, new, "new");
}

static void finish(void)
{
	mmun_object_destroy(file);
	mm_world_fini(&w);
}

static const char *const names[] = { "mremap", "ftruncate", "CPU" };

CORPUS_CALLS(watch)
CORPUS_CALLS(finish)
CORPUS_ENTRY("lifetime", .watch = call_watch, .finish = call_finish)
