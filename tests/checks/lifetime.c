/* SPDX-License-Identifier: MIT */
/* lifetime.c - how long pages, page tables and notifiers live: each rule with a broken twin. That
 * every name uses what it is given is tests/lifetimes.py's. */
#include <mmun/kernel_mm.h>
#include "scene.h"

struct kept { struct mmu_notifier mn; struct mmu_interval_notifier sub; wait_queue_head_t queue; };

struct s {
	struct mm_world w;
	unsigned long a;
	struct page *page;
	struct kept *kept;
	int done;
	bool page_gone, kept_gone;
};

static void released(struct mmu_notifier *mn, struct mm_struct *mm)
{
	(void)mn;
	(void)mm;
}

static bool invalidated(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range,
			uint64_t seq)
{
	(void)range;
	mmu_interval_set_seq(sub, seq);
	return true;
}

static const struct mmu_notifier_ops ops = { .release = released };
static const struct mmu_interval_notifier_ops interval_ops = { .invalidate = invalidated };

static void setup(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	mm_world_init(&s->w, MMUN_MODERN, 1, false);
	s->a = mm_world_page(&s->w, 0, 0, 7);
	s->page = alloc_page(GFP_KERNEL);
	s->kept = kzalloc(sizeof(*s->kept), GFP_KERNEL);
	s->kept->mn.ops = &ops;
}

static void finish(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	if (!s->page_gone)
		put_page(s->page);
	if (!s->kept_gone)
		kfree(s->kept);
	mm_world_fini(&s->w);
}

#define SCENE(name, ...) SCENE_OF(name, setup, 2, __VA_ARGS__)

/* --- references ------------------------------------------------------------------------ */

/* Whoever has no reference may try to get one, and must not just take it. */
SCENE(revives, .expect = "lifetime")
{
	struct page *page = s->page;

	if (!t) {
		s->page_gone = true;
		put_page(page);
	} else if (broken) {
		get_page(page);
		put_page(page);
	} else if (try_get_page(page)) {
		put_page(page);
	}
}

/* Each reference is given up once. */
SCENE(gives_up_twice, .expect = "lifetime")
{
	if (!t)
		return;
	get_page(s->page);
	put_page(s->page);
	if (broken)
		put_page(s->page);
}

/* A reference that nobody gives up keeps the page for ever. */
SCENE(never_gives_up, .expect = "leak")
{
	if (!t)
		return;
	get_page(s->page);
	if (!broken)
		put_page(s->page);
}

/* The count is frozen: nobody may take a reference. */
SCENE(frozen, .expect = "lifetime")
{
	if (t && broken) {
		get_page(s->page);
		put_page(s->page);
	} else if (t) {
		if (try_get_page(s->page))
			put_page(s->page);
	} else if (page_ref_freeze(s->page, 1)) {
		page_ref_unfreeze(s->page, 1);
	}
}

/* --- entries --------------------------------------------------------------------------- */

/* The entry of a gets the page, and for it a reference. */
SCENE(entered, .expect = "lifetime")
{
	struct vm_area_struct vma = vma_of(s->w.mm, s->a);
	struct mmu_notifier_range range;
	struct page *old;
	spinlock_t *ptl;
	pte_t *pte;

	if (t)
		return;
	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, s->w.mm, s->a, s->a + PAGE_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	pte = pte_offset_map_lock(s->w.mm, pmd_off(s->w.mm, s->a), s->a, &ptl);
	BUG_ON(!pte);
	old = pte_page(ptep_clear_flush(&vma, s->a, pte));
	folio_add_new_anon_rmap(s->page, &vma, s->a);
	set_pte_at(s->w.mm, s->a, pte, mk_pte(s->page, PAGE_SHARED));
	if (!broken)
		get_page(s->page);
	pte_unmap_unlock(pte, ptl);
	mmu_notifier_invalidate_range_end(&range);
	put_page(old);
}

/* And it is entered in the reverse map. */
SCENE(in_reverse_map, .expect = "protocol")
{
	struct vm_area_struct vma = vma_of(s->w.mm, s->a);
	struct mmu_notifier_range range;
	struct page *old;
	spinlock_t *ptl;
	pte_t *pte;

	if (t)
		return;
	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, s->w.mm, s->a, s->a + PAGE_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	pte = pte_offset_map_lock(s->w.mm, pmd_off(s->w.mm, s->a), s->a, &ptl);
	BUG_ON(!pte);
	old = pte_page(ptep_clear_flush(&vma, s->a, pte));
	folio_remove_rmap_pte(page_folio(old), old, &vma, s->a);
	if (!broken)
		folio_add_new_anon_rmap(s->page, &vma, s->a);
	set_pte_at(s->w.mm, s->a, pte, mk_pte(s->page, PAGE_SHARED));
	get_page(s->page);
	pte_unmap_unlock(pte, ptl);
	mmu_notifier_invalidate_range_end(&range);
	put_page(old);
}

/* The entry maps a page until it is cleared. */
SCENE(mapped, .expect = "lifetime")
{
	struct page *page;

	if (t)
		return;
	page = pte_page(ptep_get(pte_offset_map(s->w.mm, pmd_off(s->w.mm, s->a), s->a)));
	get_page(page);
	put_page(page);
	if (broken)
		put_page(page);
}

/* --- page tables ----------------------------------------------------------------------- */

SCENE(table_freed_once, .expect = "lifetime")
{
	struct page *table;

	if (t)
		return;
	table = pte_alloc_one(s->w.mm, s->a);
	pte_free(s->w.mm, table);
	if (broken)
		pte_free(s->w.mm, table);
}

SCENE(table_freed_at_all, .expect = "leak")
{
	struct page *table;

	if (t)
		return;
	table = pte_alloc_one(s->w.mm, s->a);
	if (!broken)
		pte_free(s->w.mm, table);
}

SCENE(table_is_one, .expect = "protocol")
{
	struct page *page = s->page;

	if (t)
		return;
	s->page_gone = true;
	if (broken)
		pte_free(s->w.mm, page);
	else
		put_page(page);
}

/* Its lock goes with it. */
SCENE(table_locked, .expect = "lifetime")
{
	struct page *table;
	spinlock_t *ptl;

	if (t)
		return;
	table = pte_alloc_one(s->w.mm, s->a);
	ptl = pte_lockptr(s->w.mm, page_address(table));
	spin_lock(ptl);
	if (!broken)
		spin_unlock(ptl);
	pte_free(s->w.mm, table);
	if (broken)
		spin_unlock(ptl);
}

/* --- notifiers ------------------------------------------------------------------------- */

SCENE(registered, .expect = "lifetime")
{
	struct kept *kept = s->kept;

	if (t) {
		mmun_munmap(s->w.mm, s->a, PAGE_SIZE);
		return;
	}
	EXPLORE_ASSERT(!mmu_notifier_register(&kept->mn, s->w.mm));
	if (!broken)
		mmu_notifier_unregister(&kept->mn, s->w.mm);
	s->kept_gone = true;
	kfree(kept);
}

SCENE(inserted, .expect = "lifetime")
{
	struct kept *kept = s->kept;

	if (t) {
		mmun_munmap(s->w.mm, s->a, PAGE_SIZE);
		return;
	}
	EXPLORE_ASSERT(!mmu_interval_notifier_insert(&kept->sub, s->w.mm, s->a, PAGE_SIZE,
						     &interval_ops));
	if (!broken)
		mmu_interval_notifier_remove(&kept->sub);
	s->kept_gone = true;
	kfree(kept);
}

static void on_the_stack(struct s *s, bool broken)
{
	struct mmu_interval_notifier sub;

	EXPLORE_ASSERT(!mmu_interval_notifier_insert(&sub, s->w.mm, s->a, PAGE_SIZE,
						     &interval_ops));
	if (!broken)
		mmu_interval_notifier_remove(&sub);
}

SCENE(on_its_stack, .expect = "lifetime")
{
	if (t)
		mmun_munmap(s->w.mm, s->a, PAGE_SIZE);
	else
		on_the_stack(s, broken);
}

SCENE(function_returns, .expect = "lifetime")
{
	void (*volatile call)(struct s *s, bool broken) = on_the_stack;

	if (t)
		return;
	call(s, broken);
	mmun_munmap(s->w.mm, s->a, PAGE_SIZE);
}

/* --- waiting --------------------------------------------------------------------------- */

/* Whoever wakes another has the queue's lock still when the other one goes on. */
SCENE(wakes, .expect = "lifetime")
{
	struct kept *kept = s->kept;

	if (!t) {
		rcu_read_lock();
		WRITE_ONCE(s->done, 1);
		wake_up(&kept->queue);
		rcu_read_unlock();
		return;
	}
	wait_event(kept->queue, READ_ONCE(s->done));
	if (!broken)
		synchronize_rcu();
	s->kept_gone = true;
	kfree(kept);
}
