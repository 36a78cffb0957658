/* SPDX-License-Identifier: MIT */
/*
 * 0: copy-on-write tells a device's TLB only after the page table lock was dropped
 *
 * Linux: 0f10851ea475e08896ee5d9a2036d1bb46a8f3a4
 * Class: B
 *
 * This is the scenario of Linux's note on MMU notifiers, which says when a secondary TLB has to
 * be told with the page table lock held. A device that walks the page tables itself has A in its
 * TLB. A thread breaks copy-on-write of A: it clears the entry, flushes the processors and lets
 * the entry name the copy; and is preempted after the lock was dropped, before
 * mmu_notifier_invalidate_range_end(), which is the first to empty the device's TLB. Another
 * thread meanwhile writes A, to the new page, and then B. The device reads the new B and then the
 * old A, an order of writes that no memory model allows. The bug was repaired by
 * ptep_clear_flush_notify(): the device is told between clear and set, when nobody can have
 * written the new page.
 *
 *	CPU 0				CPU 1			device [TLB: A -> old]
 *	1 start; lock; clear; flush
 *	  the CPUs; A -> new; unlock
 *	  [preempted]
 *					2 A = 1 (new page)
 *					3 B = 1
 *								4 reads B: 1
 *								5 reads A: 0 (old page)
 *	6 range_end: the device's
 *	  TLB is flushed
 */
#include <mmun/kernel_mm.h>

#include "entry.h"

static struct mm_world w;
static struct mm_struct *child;         /* shares A with its parent */
static unsigned long a, b;

static void setup(void)
{
	mm_world_init(&w, MMUN_CLASSIC, 2, true);
	a = mm_world_page(&w, 0, 0, 0);
	EXPLORE_ASSERT(!mmun_fork(w.mm, &child));
	b = mm_world_page(&w, 1, 0, 0);
	mm_world_device_cached(&w, a, false);
}

/* A write fault at an entry that is present and read-only; its page has other users. */
static void wp_page_copy(struct vm_area_struct *vma, unsigned long address)
{
	struct mm_struct *mm = vma->vm_mm;
	pmd_t *pmd = pmd_off(mm, address);
	struct page *old_page, *new_page;
	struct mmu_notifier_range range;
	spinlock_t *ptl;
	pte_t *pte, orig_pte;

	pte = pte_offset_map_lock(mm, pmd, address, &ptl);
	BUG_ON(!pte);
	orig_pte = ptep_get(pte);
	old_page = pte_page(orig_pte);
	get_page(old_page);
	pte_unmap_unlock(pte, ptl);

	new_page = alloc_page(GFP_KERNEL);
	copy_user_highpage(new_page, old_page, address, vma);
	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, mm, address, address + PAGE_SIZE);
	mmu_notifier_invalidate_range_start(&range);

	pte = pte_offset_map_lock(mm, pmd, address, &ptl);
	BUG_ON(!pte || !pte_same(ptep_get(pte), orig_pte));
	if (fixed)
		ptep_clear_flush_notify(vma, address, pte);
	else
		ptep_clear_flush(vma, address, pte);            /* 1 */
	folio_add_new_anon_rmap(new_page, vma, address);
	set_pte_at_notify(mm, address, pte,
			  pte_mkwrite(pte_mkdirty(mk_pte(new_page, PAGE_SHARED)), vma));
	folio_remove_rmap_pte(old_page, old_page, vma, address);
	pte_unmap_unlock(pte, ptl);

	mmu_notifier_invalidate_range_end(&range);              /* 6 */
	put_page(old_page);
	put_page(old_page);
}

static void thread(unsigned thread)
{
	struct vm_area_struct vma;
	uint64_t value;

	switch (thread) {
	case 0:
		mmap_read_lock(w.mm);
		vma = vma_of(w.mm, a);
		wp_page_copy(&vma, a);
		mmap_read_unlock(w.mm);
		break;
	case 1:
		if (cpu_try_store(w.cpu[1], a, 1))              /* 2 */
			BUG_ON(!cpu_try_store(w.cpu[1], b, 1)); /* 3 */
		break;
	case 2:
		BUG_ON(!device_try_load(w.device, b, &value));  /* 4 */
		if (value == 1 && device_try_load(w.device, a, &value) && value == 0) /* 5 */
			explore_fail(ORACLE_CONDITION, "the device reads new B, then old A");
		break;
	}
}

static void watch(void)
{
	mm_world_watch(&w, a, "A");
}

static void finish(void)
{
	EXPLORE_ASSERT(!mmun_mm_destroy(child));
	mm_world_fini(&w);
}

static const char *const names[] = { "CPU 0", "CPU 1", "device" };

CORPUS_CALLS(watch)
CORPUS_CALLS(finish)
CORPUS_ENTRY("condition", .watch = call_watch, .finish = call_finish)
