/* SPDX-License-Identifier: MIT */
/*
 * young.c - reclaim asks a secondary MMU with page tables of its own, such as KVM, whether its
 * guest has used a page (clear_flush_young), each rule with a broken twin. Linux asks in
 * MADV_PAGEOUT before 6.9, and in a reclaim that is written with its names always.
 */
#include <mmun/kernel_mm.h>
#include "scene.h"

struct s {
	struct mm_world w;
	unsigned long a;
	struct mmu_notifier mn;
	spinlock_t lock;
	struct mutex mutex;
	bool mapped, accessed;    /* the guest's own entry of a */
	enum { RIGHT, SAYS_NO, REMEMBERS, SLEEPS } how;
	unsigned asked;
};

static int start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct s *s = container_of(mn, struct s, mn);

	(void)range;
	spin_lock(&s->lock);
	s->mapped = false;
	spin_unlock(&s->lock);
	return 0;
}

static bool clear_flush_young(struct mmu_notifier *mn, struct mmun_mm *mm, uint64_t from,
			      uint64_t to)
{
	struct s *s = container_of(mn, struct s, mn);
	bool young;

	(void)mm, (void)from, (void)to;
	if (s->how == SLEEPS) {
		mutex_lock(&s->mutex);
		mutex_unlock(&s->mutex);
	}
	spin_lock(&s->lock);
	young = s->mapped && s->accessed;
	if (s->how != REMEMBERS)
		s->accessed = false;
	s->asked++;
	spin_unlock(&s->lock);
	return young && s->how != SAYS_NO;
}

static const struct mmu_notifier_ops ops = {
	.invalidate_range_start = start, .clear_flush_young = clear_flush_young,
};

static void setup_of(struct s *s, enum mmun_semantics era)
{
	mm_world_init(&s->w, era, 1, false);
	s->a = mm_world_page(&s->w, 0, 0, 7);
	s->mapped = s->accessed = true;
	s->mn.ops = &ops;
	EXPLORE_ASSERT(!mmu_notifier_register(&s->mn, s->w.mm));
}

static void setup_6_1(void *state, void *arg) { (void)arg; setup_of(state, MMUN_LINUX_6_1); }
static void setup_6_12(void *state, void *arg) { (void)arg; setup_of(state, MMUN_LINUX_6_12); }

static void finish(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	mmu_notifier_unregister(&s->mn, s->w.mm);
	mm_world_fini(&s->w);
}

static bool present(struct s *s)
{
	unsigned bits = 0;

	EXPLORE_ASSERT(!mmun_pagemap(s->w.mm, s->a, &bits));
	return bits & MMUN_PAGE_PRESENT;
}

static void page_out(struct s *s)
{
	EXPLORE_ASSERT(!mmun_madvise(s->w.mm, s->a, PAGE_SIZE, MMUN_MADV_PAGEOUT));
}

/* A page that the guest uses stays; one that it has not used since it was asked goes. */
SCENE_OF(kept, setup_6_1, 1, .expect = "condition")
{
	(void)t;
	s->how = broken ? SAYS_NO : RIGHT;
	page_out(s);
	if (!present(s) || !s->mapped)
		explore_fail(ORACLE_CONDITION, "the guest's page has gone");
}

SCENE_OF(kept_once, setup_6_1, 1, .expect = "condition")
{
	(void)t;
	s->how = broken ? REMEMBERS : RIGHT;
	page_out(s);
	page_out(s);
	if (present(s) || s->mapped)
		explore_fail(ORACLE_CONDITION, "a page that nobody uses stays forever");
}

/* It is asked under the page table lock. */
SCENE_OF(atomic, setup_6_1, 1, .expect = "atomic-sleep")
{
	(void)t;
	s->how = broken ? SLEEPS : RIGHT;
	page_out(s);
}

/* ... while the guest runs, which sets the bit under the lock. */
SCENE_OF(meanwhile, setup_6_1, 2, .expect = "race")
{
	if (t == 0) {
		page_out(s);
		return;
	}
	if (!broken)
		spin_lock(&s->lock);
	if (s->mapped)
		s->accessed = true;
	if (!broken)
		spin_unlock(&s->lock);
}

/* Since 6.9 MADV_PAGEOUT takes the page whatever the guest says: who relies on that is wrong. */
SCENE_OF(not_asked, setup_6_12, 1, .expect = "condition")
{
	(void)t;
	page_out(s);
	BUG_ON(s->asked);
	if (broken ? !present(s) : s->mapped)
		explore_fail(ORACLE_CONDITION, "the guest's page has gone");
}

/* ... but the kernel's own reclaim asks. The first time the page is young by its entry. */
SCENE_OF(by_itself, setup_6_12, 1, .expect = "condition")
{
	(void)t;
	s->how = broken ? REMEMBERS : RIGHT;
	BUG_ON(!mmun_reclaim(s->w.mm, s->a) || s->asked != 1 || !s->mapped);
	if (mmun_reclaim(s->w.mm, s->a) || s->mapped)
		explore_fail(ORACLE_CONDITION, "a page that nobody uses stays forever");
}

/* folio_referenced_one(), in any era. */
SCENE_OF(asks, setup_6_12, 1, .expect = "condition")
{
	struct vm_area_struct vma;
	spinlock_t *ptl;
	pte_t *pte;
	int young;

	(void)t;
	mmap_read_lock(s->w.mm);
	vma = vma_of(s->w.mm, s->a);
	pte = pte_offset_map_lock(s->w.mm, pmd_off(s->w.mm, s->a), s->a, &ptl);
	BUG_ON(!pte || !pte_young(ptep_get(pte)));
	young = ptep_test_and_clear_young(&vma, s->a, pte); /* the processors' */
	BUG_ON(!young || pte_young(ptep_get(pte)));
	young = broken ? ptep_clear_flush_young(&vma, s->a, pte) :
			 ptep_clear_flush_young_notify(&vma, s->a, pte);
	pte_unmap_unlock(pte, ptl);
	mmap_read_unlock(s->w.mm);
	if (!young)
		explore_fail(ORACLE_CONDITION, "the guest's page is taken for old");
}
