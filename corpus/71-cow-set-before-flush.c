/* SPDX-License-Identifier: MIT */
/*
 * 71: copy-on-write installs the new page before the TLBs have forgotten the old one
 *
 * FreeBSD: r329254, r336294
 * Class: B
 *
 * A write fault copies a page, and pmap_enter() put the new page into the entry and invalidated
 * the TLBs of other processors afterwards. In between some have the old page and some the new
 * one. CPU 1, whose TLB is empty, takes a mutex, writes a word to the new page, and drops the
 * mutex. CPU 2 takes it and reads the word from the old page; then the invalidation comes, and it
 * reads the same word again from the new page: what is written only under a mutex has changed
 * while CPU 2 owned it. First repaired by entering the new page read-only and making it
 * writable by a second fault (r329254), then by invalidating the old mapping before the new page
 * is entered (r336294), as here. Linux's wp_page_copy() has the same order, clear, flush, set,
 * and a comment that says why.
 *
 *	CPU 0, copy-on-write		CPU 1			CPU 2 [TLB: x -> old]
 *	1 lock; x -> new
 *					2 lock m; x = 1 (new)
 *					  unlock m
 *								3 lock m; reads x: 0
 *	4 flush; unlock
 *								5 reads x: 1; unlock m
 */
#include <mmun/kernel_mm.h>

#include "entry.h"

static struct mm_world w;
static struct mm_struct *child;         /* shares the page of x with its parent */
static unsigned long x;                 /* read and written under m only */
static struct mutex m;
static bool written;                    /* [m] */

static void setup(void)
{
	mm_world_init(&w, MMUN_MODERN, 2, false);
	x = mm_world_page(&w, 0, 0, 0);
	EXPLORE_ASSERT(!mmun_fork(w.mm, &child));
	mm_world_cached(&w, 1, x, false);
}

/* The new page instead of the old one, which both have the same contents. */
static void pmap_enter(struct vm_area_struct *vma, unsigned long va, struct page *new_page)
{
	struct mm_struct *mm = vma->vm_mm;
	struct mmu_notifier_range range;
	struct page *old_page;
	spinlock_t *ptl;
	pte_t *pte, newpte = pte_mkwrite(pte_mkdirty(mk_pte(new_page, PAGE_SHARED)), vma);

	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, mm, va, va + PAGE_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	pte = pte_offset_map_lock(mm, pmd_off(mm, va), va, &ptl);
	BUG_ON(!pte);
	old_page = pte_page(ptep_get(pte));
	if (fixed) {
		ptep_get_and_clear(mm, va, pte);
		flush_tlb_page(vma, va);
		folio_add_new_anon_rmap(new_page, vma, va);
		set_pte_at(mm, va, pte, newpte);
	} else {
		folio_add_new_anon_rmap(new_page, vma, va);
		set_pte_at(mm, va, pte, newpte);        /* 1 */
		flush_tlb_page(vma, va);                /* 4 */
	}
	pte_unmap_unlock(pte, ptl);
	mmu_notifier_invalidate_range_end(&range);
	put_page(old_page);
}

static void vm_fault(struct mm_struct *mm, unsigned long va)
{
	struct page *old_page, *new_page;
	struct vm_area_struct vma;

	mmap_read_lock(mm);
	vma = vma_of(mm, va);
	old_page = pte_page(ptep_get(pte_offset_map(mm, pmd_off(mm, va), va)));
	new_page = alloc_page(GFP_KERNEL);
	copy_user_highpage(new_page, old_page, va, &vma);
	pmap_enter(&vma, va, new_page);
	mmap_read_unlock(mm);
}

static void thread(unsigned thread)
{
	uint64_t first, second;

	switch (thread) {
	case 0:
		vm_fault(w.mm, x);
		break;
	case 1:
		mutex_lock(&m);
		written = cpu_try_store(w.cpu[0], x, 1);                /* 2 */
		mutex_unlock(&m);
		break;
	case 2:
		mutex_lock(&m);
		if (cpu_try_load(w.cpu[1], x, &first) &&                /* 3 */
		    cpu_try_load(w.cpu[1], x, &second) && first != second) /* 5 */
			explore_fail(ORACLE_CONDITION,
				     "x has changed while the owner of its mutex looked on");
		mutex_unlock(&m);
		break;
	}
}

static void watch(void)
{
	mm_world_watch(&w, x, "x");
}

static void finish(void)
{
	uint64_t value;

	EXPLORE_ASSERT(cpu_try_load(w.cpu[1], x, &value) && value == written);
	EXPLORE_ASSERT(!mmun_mm_destroy(child));
	mm_world_fini(&w);
}

static const char *const names[] = { "CPU 0", "CPU 1", "CPU 2" };

CORPUS_CALLS(watch)
CORPUS_CALLS(finish)
CORPUS_ENTRY("condition", .watch = call_watch, .finish = call_finish)
