/* SPDX-License-Identifier: MIT */
/* rules.c - Linux's names in mmun/kernel_mm.h: what they do on the page tables, and the
 * rules that they are held to, each with a broken twin. */
#include <mmun/kernel_mm.h>
#include "scene.h"

struct s {
	struct mm_world w;
	unsigned long a, b;
	uint64_t seen;
};

static void setup_of(struct s *s, enum mmun_semantics era)
{
	mm_world_init(&s->w, era, 2, true);
	s->a = mm_world_page(&s->w, 0, 0, 7);
	s->b = mm_world_page(&s->w, 0, 1, 8);
	mm_world_cached(&s->w, 0, s->a, true);
	mm_world_device_cached(&s->w, s->a, false);
}

static void setup(void *state, void *arg) { (void)arg; setup_of(state, MMUN_MODERN); }
static void setup_classic(void *state, void *arg) { (void)arg; setup_of(state, MMUN_CLASSIC); }

static void finish(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	mm_world_fini(&s->w);
}

#define SCENE(name, ...) SCENE_OF(name, setup, 2, __VA_ARGS__)

struct at { struct vm_area_struct vma; pmd_t *pmd; pte_t *pte; spinlock_t *ptl; };

static void lock_entry(struct s *s, unsigned long addr, struct at *at)
{
	at->vma = vma_of(s->w.mm, addr);
	at->pmd = pmd_off(s->w.mm, addr);
	at->pte = pte_offset_map_lock(s->w.mm, at->pmd, addr, &at->ptl);
	BUG_ON(!at->pte);
}

static void begin(struct s *s, struct mmu_notifier_range *range, unsigned long addr)
{
	mmu_notifier_range_init(range, MMU_NOTIFY_CLEAR, 0, s->w.mm, addr, addr + PAGE_SIZE);
	mmu_notifier_invalidate_range_start(range);
}

/* Takes the page of a away: the zap of one entry. */
SCENE(zap, .expect = "lifetime")
{
	struct mmu_notifier_range range;
	struct mmu_gather tlb;
	struct page *page;
	struct at at;

	if (t) {
		(void)cpu_try_load(s->w.cpu[0], s->a, &s->seen);
		return;
	}
	mmap_read_lock(s->w.mm);
	begin(s, &range, s->a);
	tlb_gather_mmu(&tlb, s->w.mm);
	lock_entry(s, s->a, &at);
	page = pte_page(ptep_get_and_clear(s->w.mm, s->a, at.pte));
	if (!broken)
		tlb_remove_tlb_entry(&tlb, at.pte, s->a);
	folio_remove_rmap_pte(page, page, &at.vma, s->a);
	tlb_remove_page(&tlb, page);
	pte_unmap_unlock(at.pte, at.ptl);
	mmu_notifier_invalidate_range_end(&range);
	tlb_finish_mmu(&tlb);
	mmap_read_unlock(s->w.mm);
}

SCENE(locks_entries, .expect = "protocol")
{
	struct mmu_notifier_range range;
	pte_t *pte;
	struct at at;

	if (t)
		return;
	begin(s, &range, s->a);
	lock_entry(s, s->a, &at);
	if (broken)
		pte_unmap_unlock(at.pte, at.ptl);
	pte = at.pte;
	ptep_set_wrprotect(s->w.mm, s->a, pte);
	if (!broken)
		pte_unmap_unlock(pte, at.ptl);
	flush_tlb_page(&at.vma, s->a);
	mmu_notifier_invalidate_range_end(&range);
}

SCENE(tells_first, .expect = "protocol")
{
	struct mmu_notifier_range range;
	struct at at;

	if (t)
		return;
	if (!broken)
		begin(s, &range, s->a);
	else
		begin(s, &range, s->b);
	lock_entry(s, s->a, &at);
	ptep_set_wrprotect(s->w.mm, s->a, at.pte);
	pte_unmap_unlock(at.pte, at.ptl);
	flush_tlb_page(&at.vma, s->a);
	mmu_notifier_invalidate_range_end(&range);
}

/* An entry that no longer lets anybody through has been taken away too. */
SCENE(tells_of_none, .expect = "protocol")
{
	struct mmu_notifier_range range;
	struct at at;

	if (t)
		return;
	if (!broken)
		begin(s, &range, s->a);
	lock_entry(s, s->a, &at);
	set_pte_at(s->w.mm, s->a, at.pte, pte_modify(ptep_get(at.pte), PAGE_NONE));
	pte_unmap_unlock(at.pte, at.ptl);
	flush_tlb_page(&at.vma, s->a);
	if (!broken)
		mmu_notifier_invalidate_range_end(&range);
}

/* The address that is told is the one that the entry maps. */
SCENE(names_its_address, .expect = "protocol")
{
	struct mmu_notifier_range range;
	struct at at;

	if (t)
		return;
	begin(s, &range, s->a);
	lock_entry(s, s->a, &at);
	ptep_set_wrprotect(s->w.mm, broken ? s->b : s->a, at.pte);
	pte_unmap_unlock(at.pte, at.ptl);
	flush_tlb_page(&at.vma, s->a);
	mmu_notifier_invalidate_range_end(&range);
}

SCENE(ends_once, .expect = "protocol")
{
	struct mmu_notifier_range range;

	if (t)
		return;
	begin(s, &range, s->a);
	mmu_notifier_invalidate_range_end(&range);
	if (broken)
		mmu_notifier_invalidate_range_end(&range);
}

SCENE(ends_at_all, .expect = "protocol")
{
	struct mmu_notifier_range range;

	if (t)
		return;
	begin(s, &range, s->a);
	if (!broken)
		mmu_notifier_invalidate_range_end(&range);
}

SCENE(starts_may_sleep, .expect = "atomic-sleep")
{
	struct mmu_notifier_range range;
	struct at at;

	if (t)
		return;
	if (broken)
		lock_entry(s, s->a, &at);
	begin(s, &range, s->a);
	mmu_notifier_invalidate_range_end(&range);
	if (broken)
		pte_unmap_unlock(at.pte, at.ptl);
}

/* Write-protects a; a store through the TLB of a processor must not go through afterwards. */
static void protect(struct s *s, bool flush_cpus)
{
	struct mmu_notifier_range range;
	struct at at;

	begin(s, &range, s->a);
	lock_entry(s, s->a, &at);
	ptep_set_wrprotect(s->w.mm, s->a, at.pte);
	pte_unmap_unlock(at.pte, at.ptl);
	if (flush_cpus)
		flush_tlb_cpus(s->w.mm, s->a, s->a + PAGE_SIZE);
	else
		flush_tlb_cpu(s->w.cpu[1], s->a, s->a + PAGE_SIZE);
	mmu_notifier_invalidate_range_end(&range);
}

SCENE_OF(every_cpu, setup, 1, .expect = "after-return")
{
	(void)t;
	protect(s, !broken);
	if (cpu_try_store(s->w.cpu[0], s->a, 1))
		explore_fail(ORACLE_RETURN, "a store through a stale entry");
}

/* In the classic era the CPUs' flush tells nobody; range_end does, only_end does not. */
SCENE_OF(classic_end, setup_classic, 1, .expect = "condition")
{
	struct mmu_notifier_range range;
	struct page *page, *old;
	uint64_t value = 0;
	struct at at;

	(void)t;
	page = alloc_zeroed_page(GFP_KERNEL);
	begin(s, &range, s->a);
	lock_entry(s, s->a, &at);
	old = pte_page(ptep_clear_flush(&at.vma, s->a, at.pte));
	EXPLORE_ASSERT(device_try_load(s->w.device, s->a, &value) && value == 7);
	folio_add_new_anon_rmap(page, &at.vma, s->a);
	set_pte_at_notify(s->w.mm, s->a, at.pte, mk_pte(page, PAGE_SHARED));
	folio_remove_rmap_pte(old, old, &at.vma, s->a);
	pte_unmap_unlock(at.pte, at.ptl);
	if (broken)
		mmu_notifier_invalidate_range_only_end(&range);
	else
		mmu_notifier_invalidate_range_end(&range);
	if (!device_try_load(s->w.device, s->a, &value) || value != 0)
		explore_fail(ORACLE_CONDITION, "the device reads the old page");
	put_page(old);
}

/* ... and ptep_clear_flush_notify() at once. */
SCENE_OF(classic_notify, setup_classic, 1, .expect = "condition")
{
	struct mmu_notifier_range range;
	uint64_t value = 0;
	struct at at;
	pte_t old;

	(void)t;
	begin(s, &range, s->a);
	lock_entry(s, s->a, &at);
	old = broken ? ptep_clear_flush(&at.vma, s->a, at.pte) :
		       ptep_clear_flush_notify(&at.vma, s->a, at.pte);
	if (device_try_load(s->w.device, s->a, &value))
		explore_fail(ORACLE_CONDITION, "the device still has it");
	set_pte_at(s->w.mm, s->a, at.pte, old);
	pte_unmap_unlock(at.pte, at.ptl);
	mmu_notifier_invalidate_range_only_end(&range);
}

/* References, the page lock, freezing. */
SCENE(pages, .expect = "lifetime")
{
	struct page *page;
	struct at at;

	if (t) {
		lock_entry(s, s->b, &at);
		page = pte_page(ptep_get(at.pte));
		get_page(page);
		pte_unmap_unlock(at.pte, at.ptl);
		lock_page(page);
		EXPLORE_ASSERT(page_count(page) == 2 && page_mapcount(page) == 1);
		EXPLORE_ASSERT(!page_ref_freeze(page, 1));
		unlock_page(page);
		put_page(page);
		return;
	}
	page = alloc_zeroed_page(GFP_KERNEL);
	EXPLORE_ASSERT(page_count(page) == 1 && !page_mapped(page) && trylock_page(page));
	EXPLORE_ASSERT(page_ref_freeze(page, 1) && !try_get_page(page));
	page_ref_unfreeze(page, 1);
	unlock_page(page);
	put_page(page);
	if (broken)
		WRITE_ONCE(page_address(page)[0], 1);
}

static bool count_one(struct folio *folio, struct vm_area_struct *vma, unsigned long addr,
		      void *arg)
{
	unsigned long *found = arg;

	EXPLORE_ASSERT(vma->vm_mm && folio_mapped(folio));
	*found = addr;
	return true;
}

/* Who maps it: the walk finds the address. */
SCENE_OF(rmap, setup, 1, .expect = "assertion")
{
	unsigned long found = 0;
	struct rmap_walk_control rwc = { .arg = &found, .rmap_one = count_one };
	struct page *page;
	struct at at;

	(void)t;
	lock_entry(s, s->b, &at);
	page = pte_page(ptep_get(at.pte));
	get_page(page);
	pte_unmap_unlock(at.pte, at.ptl);
	lock_page(page);
	rmap_walk(page, &rwc);
	unlock_page(page);
	put_page(page);
	EXPLORE_ASSERT(found == (broken ? s->a : s->b));
}

/* A page table is freed under the feet of who walks it. */
SCENE(tables, .expect = "lifetime")
{
	struct page *table;

	if (t)
		return;
	table = pte_alloc_one(s->w.mm, s->a);
	EXPLORE_ASSERT(table);
	pte_free(s->w.mm, table);
	if (broken)
		(void)READ_ONCE(page_address(table)[1]);
}
