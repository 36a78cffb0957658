/* SPDX-License-Identifier: MIT */
/* stale.c - the oracles "after-return" and "lost-write": what a call of the library has taken away
 * is not used through a TLB after the call has returned, and a store does not miss the copy of its
 * page. The first thread changes the entry as writeback and
 * migration do, and its broken twin flushes after the page table lock was dropped; so a call that
 * comes between finds nothing to do. */
#include <mmun/kernel_mm.h>

#include "scene.h"

struct s { bool unused; };

static struct mm_world w;
static unsigned long x;

static void setup(void *state, void *arg)
{
	(void)state, (void)arg;
	mm_world_init(&w, MMUN_MODERN, 1, true);
	x = mm_world_page(&w, 0, 0, 7);
	mm_world_cached(&w, 0, x, true);
	mm_world_device_cached(&w, x, true);
}

static void finish(void *state, void *arg)
{
	(void)state, (void)arg;
	mm_world_fini(&w);
}

static pte_t *lock_entry(spinlock_t **ptl)
{
	pte_t *ptep = pte_offset_map_lock(w.mm, pmd_off(w.mm, x), x, ptl);

	EXPLORE_ASSERT(ptep);
	return ptep;
}

/* page_vma_mkclean_one() */
static void write_protect(bool broken)
{
	struct mmu_notifier_range range;
	spinlock_t *ptl;
	pte_t *ptep;

	mmu_notifier_range_init(&range, MMU_NOTIFY_PROTECTION_PAGE, 0, w.mm, x, x + PAGE_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	ptep = lock_entry(&ptl);
	ptep_set_wrprotect(w.mm, x, ptep);
	if (!broken)
		flush_tlb_mm(w.mm);
	pte_unmap_unlock(ptep, ptl);
	if (broken)
		flush_tlb_mm(w.mm);
	mmu_notifier_invalidate_range_end(&range);
}

/* The page gets a migration entry. NULL: there is none. */
static struct page *isolate(pte_t *ptep)
{
	pte_t pte = ptep_get(ptep);

	if (!pte_present(pte) || !trylock_page(pte_page(pte)))
		return NULL;
	pte = ptep_get_and_clear(w.mm, x, ptep);
	set_pte_at(w.mm, x, ptep, __pte((pte_val(pte) & ~(uint64_t)KERNEL_PTE_P_) |
					KERNEL_PTE_MIGRATION_));
	return pte_page(pte);
}

static void put_back(struct page *page)
{
	spinlock_t *ptl;
	pte_t *ptep = lock_entry(&ptl), pte = ptep_get(ptep);

	if (is_migration_pte(pte)) {
		get_page(page);
		set_pte_at(w.mm, x, ptep, __pte((pte_val(pte) & ~(uint64_t)KERNEL_PTE_MIGRATION_) |
						KERNEL_PTE_P_));
	}
	pte_unmap_unlock(ptep, ptl);
	unlock_page(page);
	put_page(page);
}

/* migrate_vma_setup() of a page that cannot be moved, and migrate_vma_finalize() */
static void migrate(bool broken)
{
	struct mmu_notifier_range range;
	struct page *page;
	spinlock_t *ptl;
	pte_t *ptep;

	mmap_read_lock(w.mm);
	mmu_notifier_range_init(&range, MMU_NOTIFY_MIGRATE, 0, w.mm, x, x + PAGE_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	ptep = lock_entry(&ptl);
	page = isolate(ptep);
	if (!broken)
		flush_tlb_mm(w.mm);
	pte_unmap_unlock(ptep, ptl);
	if (broken)
		flush_tlb_mm(w.mm);
	mmu_notifier_invalidate_range_end(&range);
	if (page)
		put_back(page);
	mmap_read_unlock(w.mm);
}

#define SCENE(name, threads) SCENE_OF(name, setup, threads, .expect = "after-return")

/* The thread that has called accesses. */
SCENE(mprotect_then_store, 2)
{
	(void)s;
	if (!t) {
		write_protect(broken);
		return;
	}
	EXPLORE_ASSERT(!mmun_mprotect(w.mm, x, PAGE_SIZE, MMUN_PROT_READ));
	cpu_try_store(w.cpu[0], x, 9);
}

/* However much it has accessed before. */
static struct completion accessed;

SCENE(mprotect_after_many, 2)
{
	uint64_t v;

	(void)s;
	if (!t) {
		wait_for_completion(&accessed);
		write_protect(broken);
		return;
	}
	for (unsigned n = 0; n < 520; n++)
		(void)cpu_try_load(w.cpu[0], x, &v);
	complete(&accessed);
	EXPLORE_ASSERT(!mmun_mprotect(w.mm, x, PAGE_SIZE, MMUN_PROT_READ));
	(void)cpu_try_store(w.cpu[0], x, 1);
}

/* Nothing says when another one does. */
SCENE(mprotect_beside_device, 3)
{
	uint64_t value;

	(void)s;
	if (t == 0)
		write_protect(broken);
	else if (t == 1)
		EXPLORE_ASSERT(!mmun_mprotect(w.mm, x, PAGE_SIZE, MMUN_PROT_READ));
	else if (device_try_load(w.device, x, &value)) /* reading is allowed still */
		device_try_store(w.device, x, 9);
}

/* Two use what one flush has missed: it is one mistake. */
SCENE(mprotect_beside_two, 4)
{
	(void)s;
	if (t == 0)
		write_protect(broken);
	else if (t == 1)
		EXPLORE_ASSERT(!mmun_mprotect(w.mm, x, PAGE_SIZE, MMUN_PROT_READ));
	else if (t == 2)
		device_try_store(w.device, x, 9);
	else
		cpu_try_store(w.cpu[0], x, 8);
}

SCENE(dontneed_then_load, 2)
{
	uint64_t value;

	(void)s;
	if (!t) {
		migrate(broken);
		return;
	}
	EXPLORE_ASSERT(!mmun_madvise(w.mm, x, PAGE_SIZE, MMUN_MADV_DONTNEED));
	cpu_try_load(w.cpu[0], x, &value);
}

/* A translation of a new page is no old one. */
SCENE(dontneed_beside_both, 3)
{
	uint64_t value;

	(void)s;
	if (t == 0) {
		migrate(broken);
	} else if (t == 1) {
		EXPLORE_ASSERT(!mmun_madvise(w.mm, x, PAGE_SIZE, MMUN_MADV_DONTNEED));
		EXPLORE_ASSERT(!mmun_cpu_load(w.cpu[0], x, &value));
	} else {
		EXPLORE_ASSERT(!mmun_ats_load(w.device, x, &value));
	}
}

/* wp_page_copy(), of a page that somebody keeps, once the entry is read-only */
static void copy_page(bool broken)
{
	struct mmu_notifier_range range;
	struct vm_area_struct vma;
	struct page *old, *new;
	spinlock_t *ptl;
	pte_t *ptep;

	mmap_read_lock(w.mm);
	vma = vma_of(w.mm, x);
	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, w.mm, x, x + PAGE_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	ptep = lock_entry(&ptl);
	old = pte_page(ptep_get(ptep));
	ptep_set_wrprotect(w.mm, x, ptep);
	if (!broken)
		flush_tlb_mm(w.mm);
	pte_unmap_unlock(ptep, ptl);
	new = alloc_page(GFP_KERNEL);
	copy_highpage(new, old);
	ptep = lock_entry(&ptl);
	get_page(old);
	ptep_clear_flush(&vma, x, ptep);
	folio_add_new_anon_rmap(new, &vma, x);
	set_pte_at(w.mm, x, ptep, pte_mkwrite(pte_mkdirty(mk_pte(new, PAGE_SHARED)), &vma));
	folio_remove_rmap_pte(old, old, &vma, x);
	put_page(old); /* the entry's */
	pte_unmap_unlock(ptep, ptl);
	mmu_notifier_invalidate_range_end(&range);
	mmap_read_unlock(w.mm);
	put_page(old); /* ours, after the last flush */
}

/* A store that misses the copy is lost. One to the new page is not, nor one before. */
SCENE_OF(copy_beside_stores, setup, 3, .expect = "lost-write")
{
	(void)s;
	if (t == 0)
		copy_page(broken);
	else if (t == 1)
		cpu_try_store(w.cpu[0], x, 8);
	else
		device_try_store(w.device, x + 8, 9);
}
