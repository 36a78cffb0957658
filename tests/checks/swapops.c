/* SPDX-License-Identifier: MIT */
/* swapops.c - entries that are not present, of checks and of the library's own operations: each
 * rule with a broken twin. */
#include <mmun/kernel_mm.h>
#include "scene.h"

struct s {
	struct mm_world w;
	struct page *page;
	unsigned long a;
	uint64_t seen;
	int owner;
	bool stored, gone, moved;
};

static void setup(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	mm_world_init(&s->w, MMUN_MODERN, 2, false);
	s->a = mm_world_page(&s->w, 0, 0, 7);
	mm_world_cached(&s->w, 0, s->a, true);
}

static void finish(void *state, void *arg)
{
	struct s *s = state;
	uint64_t value;

	(void)arg;
	if (!s->gone)
		EXPLORE_ASSERT(!mmun_cpu_load(s->w.cpu[1], s->a, &value) &&
			       value == (s->stored ? 9 : 7));
	mm_world_fini(&s->w);
}

#define SCENE(name, ...) SCENE_OF(name, setup, 2, __VA_ARGS__)

static pte_t *lock_entry(struct s *s, spinlock_t **ptl)
{
	return pte_offset_map_lock(s->w.mm, pmd_off(s->w.mm, s->a), s->a, ptl);
}

/* try_to_migrate_one(): the entry is on the move. The page is locked, and the caller has it. */
static void begin_move(struct s *s, struct vm_area_struct *vma, struct page *page)
{
	struct mmu_notifier_range range;
	swp_entry_t entry;
	spinlock_t *ptl;
	pte_t *ptep, pte;

	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, s->w.mm, s->a, s->a + PAGE_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	ptep = lock_entry(s, &ptl);
	if (ptep && pte_present(ptep_get(ptep)) && pte_page(ptep_get(ptep)) == page) {
		pte = ptep_clear_flush(vma, s->a, ptep);
		entry = pte_write(pte) ? make_writable_migration_entry(page_to_pfn(page)) :
					 make_readable_migration_entry(page_to_pfn(page));
		set_pte_at(s->w.mm, s->a, ptep, swp_entry_to_pte(entry));
		folio_remove_rmap_pte(page, page, vma, s->a);
		put_page(page);
	}
	if (ptep)
		pte_unmap_unlock(ptep, ptl);
	mmu_notifier_invalidate_range_end(&range);
}

/* remove_migration_pte() */
static void end_move(struct s *s, struct vm_area_struct *vma, struct page *new, bool blind)
{
	swp_entry_t entry;
	spinlock_t *ptl;
	pte_t *ptep = lock_entry(s, &ptl), pte;

	if (!ptep)
		return;
	pte = ptep_get(ptep);
	entry = pte_to_swp_entry(pte);
	if (blind || (is_swap_pte(pte) && is_migration_entry(entry))) {
		get_page(new);
		pte = mk_pte(new, is_writable_migration_entry(entry) ? PAGE_SHARED : PAGE_READONLY);
		folio_add_anon_rmap_pte(new, new, vma, s->a);
		set_pte_at(s->w.mm, s->a, ptep, pte);
	}
	pte_unmap_unlock(ptep, ptl);
}

/* The page that a maps, locked and with a reference. */
static struct page *isolate(struct s *s)
{
	struct page *page = NULL;
	spinlock_t *ptl;
	pte_t *ptep = lock_entry(s, &ptl), pte;

	if (!ptep)
		return NULL;
	pte = ptep_get(ptep);
	if (pte_present(pte)) {
		page = pte_page(pte);
		if (trylock_page(page))
			get_page(page);
		else
			page = NULL;
	}
	pte_unmap_unlock(ptep, ptl);
	return page;
}

enum wrong { NONE, COPIES_EARLY, LOOKS_NOT, UNLOCKS_EARLY };

static void migrate(struct s *s, enum wrong wrong)
{
	struct vm_area_struct vma;
	struct page *page, *new;

	mmap_read_lock(s->w.mm);
	page = isolate(s);
	if (page) {
		vma = vma_of(s->w.mm, s->a);
		new = alloc_page(GFP_KERNEL);
		if (wrong == COPIES_EARLY)
			copy_highpage(new, page);
		begin_move(s, &vma, page);
		if (wrong == UNLOCKS_EARLY)
			unlock_page(page);
		if (wrong != COPIES_EARLY)
			copy_highpage(new, page);
		end_move(s, &vma, new, wrong == LOOKS_NOT);
		if (wrong != UNLOCKS_EARLY)
			unlock_page(page);
		put_page(page);
		put_page(new);
	}
	mmap_read_unlock(s->w.mm);
}

/* What a processor stores meanwhile is in the new page. */
SCENE(moves, .expect = "lost-write, assertion")
{
	if (t) {
		s->stored = true;
		EXPLORE_ASSERT(!mmun_cpu_store(s->w.cpu[0], s->a, 9));
		return;
	}
	migrate(s, broken ? COPIES_EARLY : NONE);
}

/* The library takes an entry away that is on the move, or copies it. */
static void setup_unmapped(void *state, void *arg)
{
	struct s *s = state;

	setup(state, arg);
	s->gone = true;
}

SCENE_OF(unmapped, setup_unmapped, 2, .expect = "assertion")
{
	spinlock_t *ptl;
	pte_t *ptep;

	if (t) { /* as MADV_DONTNEED, and the area stays */
		EXPLORE_ASSERT(!mmun_madvise(s->w.mm, s->a, PAGE_SIZE, MMUN_MADV_DONTNEED));
		ptep = lock_entry(s, &ptl);
		if (ptep) {
			EXPLORE_ASSERT(pte_none(ptep_get(ptep)));
			pte_unmap_unlock(ptep, ptl);
		}
		return;
	}
	migrate(s, broken ? LOOKS_NOT : NONE);
}

SCENE(forked, .expect = "assertion")
{
	struct mm_struct *child;

	if (t) {
		EXPLORE_ASSERT(!mmun_fork(s->w.mm, &child));
		EXPLORE_ASSERT(!mmun_mm_destroy(child));
		return;
	}
	migrate(s, NONE);
	if (broken)
		s->stored = true;
}

/* Whoever finds a page on the move waits for it, and not with the page table lock. */
SCENE(waits, .expect = "lock-order, atomic-sleep, deadlock")
{
	spinlock_t *ptl;
	pte_t *ptep, pte;
	pmd_t *pmd;

	if (!t) {
		migrate(s, NONE);
		return;
	}
	mmap_read_lock(s->w.mm);
	pmd = pmd_off(s->w.mm, s->a);
	for (;;) {
		ptep = lock_entry(s, &ptl);
		pte = ptep_get(ptep);
		if (!is_swap_pte(pte) || !is_migration_entry(pte_to_swp_entry(pte)))
			break;
		if (!broken)
			pte_unmap_unlock(ptep, ptl);
		migration_entry_wait(s->w.mm, pmd, s->a);
		if (broken)
			pte_unmap_unlock(ptep, ptl);
	}
	EXPLORE_ASSERT(pte_present(pte));
	pte_unmap_unlock(ptep, ptl);
	mmap_read_unlock(s->w.mm);
}

/* The page of a migration entry is locked for as long as the entry is there. */
SCENE(page_of_entry, .expect = "protocol, assertion")
{
	spinlock_t *ptl;
	pte_t *ptep, pte;

	if (!t) {
		migrate(s, broken ? UNLOCKS_EARLY : NONE);
		return;
	}
	ptep = lock_entry(s, &ptl);
	pte = ptep_get(ptep);
	if (is_swap_pte(pte) && is_pfn_swap_entry(pte_to_swp_entry(pte)))
		EXPLORE_ASSERT(PageLocked(pfn_swap_entry_to_page(pte_to_swp_entry(pte))));
	pte_unmap_unlock(ptep, ptl);
}

/* A swapped page has a slot, and no frame. */
SCENE(page_of_slot, .expect = "protocol")
{
	spinlock_t *ptl;
	pte_t *ptep, pte;

	if (t)
		return;
	EXPLORE_ASSERT(!mmun_madvise(s->w.mm, s->a, PAGE_SIZE, MMUN_MADV_PAGEOUT));
	ptep = lock_entry(s, &ptl);
	pte = ptep_get(ptep);
	EXPLORE_ASSERT(is_swap_pte(pte) && !non_swap_entry(pte_to_swp_entry(pte)));
	if (broken || pte_present(pte))
		s->page = pte_page(pte);
	pte_unmap_unlock(ptep, ptl);
}

SCENE(page_of_none, .expect = "protocol")
{
	if (t)
		return;
	if (broken)
		s->page = pte_page(__pte(0));
}

SCENE(page_of_swap_entry, .expect = "protocol")
{
	swp_entry_t entry = pte_to_swp_entry(__pte(KERNEL_PTE_SWAP_ | 3 << KERNEL_PTE_PFN_SHIFT_));

	if (t)
		return;
	EXPLORE_ASSERT(!is_pfn_swap_entry(entry) && swp_offset(entry) == 3);
	if (broken)
		s->page = pfn_swap_entry_to_page(entry);
}

/* A page that a device has to itself is not present. */
SCENE(exclusive, .expect = "assertion")
{
	spinlock_t *ptl;
	pte_t *ptep, pte;

	if (t)
		return;
	EXPLORE_ASSERT(!mmun_make_exclusive(s->w.mm, s->a, &s->owner));
	ptep = lock_entry(s, &ptl);
	pte = ptep_get(ptep);
	pte_unmap_unlock(ptep, ptl);
	if (broken)
		EXPLORE_ASSERT(pte_present(pte) || pte_none(pte));
	EXPLORE_ASSERT(is_swap_pte(pte) && !pte_protnone(pte));
	EXPLORE_ASSERT(is_device_exclusive_entry(pte_to_swp_entry(pte)));
	EXPLORE_ASSERT(pte_same(swp_entry_to_pte(pte_to_swp_entry(pte)),
				pte_swp_clear_soft_dirty(pte)));
}

/* What entries say. */
SCENE(kinds, .expect = "assertion")
{
	swp_entry_t r = make_readable_migration_entry(5), w = make_writable_migration_entry(5);
	swp_entry_t x = make_readable_exclusive_migration_entry(5);

	(void)t;
	EXPLORE_ASSERT(is_readable_migration_entry(r) && !is_writable_migration_entry(r));
	EXPLORE_ASSERT(is_writable_migration_entry(w) && !is_readable_migration_entry(w));
	EXPLORE_ASSERT(is_readable_exclusive_migration_entry(x) && !is_readable_migration_entry(x));
	EXPLORE_ASSERT(is_migration_entry_young(make_migration_entry_young(r)) &&
		       !is_migration_entry_dirty(r));
	EXPLORE_ASSERT(!pte_present(swp_entry_to_pte(r)) && swp_offset_pfn(w) == 5);
	EXPLORE_ASSERT(!is_device_private_entry(broken ? r : x) && non_swap_entry(x) != broken);
}
