/* SPDX-License-Identifier: MIT */
/*
 * wp_page_copy.c - breaking copy-on-write as mm/memory.c does it, on the page tables of
 * libmmun. wp_right flushes between clear and set. wp_late flushes after the lock was
 * dropped. A processor writes to the new page, and then to another one. A device reads
 * the two in the other order, and must not see the second write without the first.
 */
#include <mmun/kernel_mm.h>

struct world {
	struct mm_world w;
	struct mm_struct *child; /* shares the page with its parent */
	unsigned long a, b;
};

static void setup(void *state, void *arg)
{
	struct world *s = state;

	(void)arg;
	mm_world_init(&s->w, MMUN_MODERN, 2, true);
	s->a = mm_world_page(&s->w, 0, 0, 0);
	s->b = mm_world_page(&s->w, 1, 0, 0);
	EXPLORE_ASSERT(!mmun_fork(s->w.mm, &s->child));
	mm_world_device_cached(&s->w, s->a, false);
}

/* A write fault at an entry that is present and read-only. */
static void wp_page_copy(struct vm_area_struct *vma, unsigned long address, bool late)
{
	struct mm_struct *mm = vma->vm_mm;
	pmd_t *pmd = pmd_off(mm, address);
	struct mmu_notifier_range range;
	struct folio *old_folio, *new_folio;
	spinlock_t *ptl;
	pte_t *pte, entry;

	pte = pte_offset_map_lock(mm, pmd, address, &ptl);
	if (!pte)
		return;
	old_folio = page_folio(pte_page(ptep_get(pte)));
	folio_get(old_folio);
	pte_unmap_unlock(pte, ptl);

	new_folio = folio_alloc(GFP_KERNEL, 0);
	copy_user_highpage(&new_folio->page, &old_folio->page, address, vma);
	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, mm, address, address + PAGE_SIZE);
	mmu_notifier_invalidate_range_start(&range);

	pte = pte_offset_map_lock(mm, pmd, address, &ptl);
	BUG_ON(!pte);
	entry = pte_mkwrite(pte_mkdirty(mk_pte(&new_folio->page, PAGE_SHARED)), vma);
	if (late)
		ptep_get_and_clear(mm, address, pte);
	else
		ptep_clear_flush(vma, address, pte);
	folio_add_new_anon_rmap(new_folio, vma, address);
	set_pte_at(mm, address, pte, entry);
	folio_remove_rmap_pte(old_folio, &old_folio->page, vma, address);
	pte_unmap_unlock(pte, ptl);
	if (late)
		flush_tlb_page(vma, address);

	mmu_notifier_invalidate_range_end(&range);
	folio_put(old_folio); /* the entry's */
	folio_put(old_folio); /* ours */
}

static void thread(struct world *s, unsigned thread, bool late)
{
	struct vm_area_struct vma;
	uint64_t a, b;

	switch (thread) {
	case 0:
		vma = vma_of(s->w.mm, s->a);
		vma_start_read(&vma);
		wp_page_copy(&vma, s->a, late);
		vma_end_read(&vma);
		break;
	case 1:
		/* Not before the copy: then there is nothing to see. */
		if (cpu_try_store(s->w.cpu[1], s->a, 1))
			EXPLORE_ASSERT(!mmun_cpu_store(s->w.cpu[1], s->b, 1));
		break;
	case 2:
		if (!mmun_ats_load(s->w.device, s->b, &b) && b == 1 &&
		    !mmun_ats_load(s->w.device, s->a, &a) && a == 0)
			explore_fail(ORACLE_CONDITION, "the device reads the new b, then the old a");
		break;
	}
}

static void right(void *state, unsigned t, void *arg) { (void)arg; thread(state, t, false); }
static void wrong(void *state, unsigned t, void *arg) { (void)arg; thread(state, t, true); }

static void watch(void *state, void *arg)
{
	struct world *s = state;

	(void)arg;
	mm_world_watch(&s->w, s->a, "a");
}

static void finish(void *state, void *arg)
{
	struct world *s = state;

	(void)arg;
	EXPLORE_ASSERT(!mmun_mm_destroy(s->child));
	mm_world_fini(&s->w);
}

static const char *const names[] = { "fault", "cpu", "device" };

EXPLORE_CHECK(wp_right, .threads = 3, .thread_name = names, .state_size = sizeof(struct world),
	      .setup = setup, .thread = right, .watch = watch, .finish = finish)
EXPLORE_CHECK(wp_late, .threads = 3, .thread_name = names, .state_size = sizeof(struct world),
	      .setup = setup, .thread = wrong, .watch = watch, .finish = finish,
	      .expect = "condition", .repair = "wp_right")
