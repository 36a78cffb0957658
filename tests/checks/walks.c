/* SPDX-License-Identifier: MIT */
/* walks.c - walks to the entries that map a page, and pages that leave the reverse map only after
 * a flush: each with a broken twin. */
#include <mmun/kernel_mm.h>
#include "scene.h"

struct s {
	struct mm_world w;
	struct mmun_object *file;
	struct mm_struct *child;
	struct page *page;      /* the file's */
	unsigned long a, x, h;  /* x: of the file; h: a huge page */
	uint64_t disk;
	unsigned found;
};

static void setup(void *state, void *arg)
{
	struct s *s = state;
	uint64_t addr;

	(void)arg;
	mm_world_init(&s->w, MMUN_MODERN, 1, false);
	s->a = mm_world_page(&s->w, 0, 0, 7);
	s->x = mm_world_page(&s->w, 1, 0, 0) + PAGE_SIZE;
	EXPLORE_ASSERT(!mmun_object_create(s->w.machine, PAGE_SIZE, &s->file));
	EXPLORE_ASSERT(!mmun_mmap_object(s->w.mm, s->x, PAGE_SIZE, MMUN_PROT_READ | MMUN_PROT_WRITE,
					 MMUN_MAP_SHARED | MMUN_MAP_FIXED_NOREPLACE, s->file, 0,
					 &addr));
	mm_world_cached(&s->w, 0, s->x, true);
	s->page = pte_page(ptep_get(pte_offset_map(s->w.mm, pmd_off(s->w.mm, s->x), s->x)));
}

static void writeback(struct s *s)
{
	uint64_t dirty;

	EXPLORE_ASSERT(!mmun_object_clean(s->file, 0, PAGE_SIZE, &dirty));
	if (dirty)
		s->disk = READ_ONCE(page_address(s->page)[0]);
}

static void finish(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	writeback(s);
	EXPLORE_ASSERT(s->disk == READ_ONCE(page_address(s->page)[0]));
	EXPLORE_ASSERT(!mmun_mm_destroy(s->child));
	mmun_object_destroy(s->file);
	mm_world_fini(&s->w);
}

#define SCENE(name, threads, ...) SCENE_OF(name, setup, threads, __VA_ARGS__)

/* A dirty page is in the reverse map until no processor writes to it: else it is called clean
 * while one does. */
static void zap(struct s *s, bool delay)
{
	struct mmu_notifier_range range;
	struct vm_area_struct vma;
	struct mmu_gather tlb;
	bool delayed = false;
	struct page *page;
	spinlock_t *ptl;
	pte_t *ptep, pte;

	mmap_read_lock(s->w.mm);
	vma = vma_of(s->w.mm, s->x);
	tlb_gather_mmu(&tlb, s->w.mm);
	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, s->w.mm, s->x, s->x + PAGE_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	ptep = pte_offset_map_lock(s->w.mm, pmd_off(s->w.mm, s->x), s->x, &ptl);
	BUG_ON(!ptep);
	pte = ptep_get_and_clear(s->w.mm, s->x, ptep);
	tlb_remove_tlb_entry(&tlb, ptep, s->x);
	page = pte_page(pte);
	if (pte_dirty(pte)) {
		set_page_dirty(page);
		delayed = delay && tlb_delay_rmap(&tlb);
	}
	if (!delayed)
		folio_remove_rmap_pte(page, page, &vma, s->x);
	(void)__tlb_remove_page(&tlb, page, delayed);
	tlb_flush_mmu_tlbonly(&tlb);
	tlb_flush_rmaps(&tlb, &vma);
	pte_unmap_unlock(ptep, ptl);
	mmu_notifier_invalidate_range_end(&range);
	tlb_finish_mmu(&tlb);
	mmap_read_unlock(s->w.mm);
}

SCENE(delays, 3, .expect = "lost-write, assertion")
{
	if (t == 0)
		zap(s, !broken);
	else if (t == 1)
		writeback(s);
	else
		(void)cpu_try_store(s->w.cpu[0], s->x, 1);
}

/* What was delayed is done before the pages go. */
SCENE(delayed_for_ever, 1, .expect = "protocol, lifetime")
{
	struct mmu_notifier_range range;
	struct vm_area_struct vma;
	struct mmu_gather tlb;
	spinlock_t *ptl;
	pte_t *ptep;

	(void)t;
	mmap_read_lock(s->w.mm);
	vma = vma_of(s->w.mm, s->a);
	tlb_gather_mmu(&tlb, s->w.mm);
	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, s->w.mm, s->a, s->a + PAGE_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	ptep = pte_offset_map_lock(s->w.mm, pmd_off(s->w.mm, s->a), s->a, &ptl);
	BUG_ON(!ptep);
	(void)tlb_delay_rmap(&tlb);
	(void)__tlb_remove_page(&tlb, (tlb_remove_tlb_entry(&tlb, ptep, s->a),
				       pte_page(ptep_get_and_clear(s->w.mm, s->a, ptep))), true);
	tlb_flush_mmu_tlbonly(&tlb);
	if (!broken)
		tlb_flush_rmaps(&tlb, &vma);
	pte_unmap_unlock(ptep, ptl);
	mmu_notifier_invalidate_range_end(&range);
	tlb_finish_mmu(&tlb);
	mmap_read_unlock(s->w.mm);
}

/* --- walks of an area -------------------------------------------------------- */

static struct page *page_at(struct s *s, unsigned long addr)
{
	spinlock_t *ptl;
	pte_t *ptep = pte_offset_map_lock(s->w.mm, pmd_off(s->w.mm, addr), addr, &ptl);
	struct page *page = NULL;

	if (!ptep)
		return NULL;
	if (pte_present(ptep_get(ptep))) {
		page = pte_page(ptep_get(ptep));
		get_page(page);
	}
	pte_unmap_unlock(ptep, ptl);
	return page;
}

/* The lock is held while the walk has an entry, and dropped by whoever leaves early. */
SCENE(leaves_early, 2, .expect = "lock-held, deadlock")
{
	struct vm_area_struct vma;
	struct page *page;

	if (t) {
		EXPLORE_ASSERT(!mmun_madvise(s->w.mm, s->a, PAGE_SIZE, MMUN_MADV_DONTNEED));
		return;
	}
	mmap_read_lock(s->w.mm);
	vma = vma_of(s->w.mm, s->a);
	page = page_at(s, s->a);
	if (page) {
		DEFINE_PAGE_VMA_WALK(pvmw, page, &vma, s->a, 0);

		while (page_vma_mapped_walk(&pvmw)) {
			EXPLORE_ASSERT(pte_pfn(ptep_get(pvmw.pte)) == page_to_pfn(page));
			lockdep_assert_held(pvmw.ptl);
			if (!broken)
				page_vma_mapped_walk_done(&pvmw);
			break;
		}
		put_page(page);
	}
	mmap_read_unlock(s->w.mm);
}

/* It ends by itself, and drops the lock. */
SCENE(ends, 2, .expect = "lock-order")
{
	struct vm_area_struct vma;
	struct page *page;

	if (t) {
		EXPLORE_ASSERT(!mmun_madvise(s->w.mm, s->a, PAGE_SIZE, MMUN_MADV_PAGEOUT) || true);
		return;
	}
	mmap_read_lock(s->w.mm);
	vma = vma_of(s->w.mm, s->a);
	page = page_at(s, s->a);
	if (page) {
		DEFINE_FOLIO_VMA_WALK(pvmw, page, &vma, s->a, PVMW_SYNC);
		unsigned found = 0;

		while (page_vma_mapped_walk(&pvmw))
			found++;
		EXPLORE_ASSERT(found <= 1 && !pvmw.ptl);
		if (broken)
			lockdep_assert_held(pte_lockptr(s->w.mm, pte_offset_map(s->w.mm,
						pmd_off(s->w.mm, s->a), s->a)));
		put_page(page);
	}
	mmap_read_unlock(s->w.mm);
}

/* --- walks of the reverse map -------------------------------------------------- */

/* The page of a, write-protected wherever it is mapped. */
static bool protect_one(struct folio *folio, struct vm_area_struct *vma, unsigned long addr,
			void *arg)
{
	DEFINE_FOLIO_VMA_WALK(pvmw, folio, vma, addr, 0);
	struct mmu_notifier_range range;
	struct s *s = arg;

	mmu_notifier_range_init(&range, MMU_NOTIFY_PROTECTION_PAGE, 0, vma->vm_mm, addr,
				addr + PAGE_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	while (page_vma_mapped_walk(&pvmw)) {
		s->found++;
		ptep_set_wrprotect(vma->vm_mm, pvmw.address, pvmw.pte);
		flush_tlb_page(vma, pvmw.address);
	}
	mmu_notifier_invalidate_range_end(&range);
	return true;
}

static int enough(struct folio *folio) { (void)folio; return 1; }
static bool not_here(struct vm_area_struct *vma, void *arg)
{
	return vma->vm_mm == ((struct s *)arg)->child;
}

static void setup_forked(void *state, void *arg)
{
	struct s *s = state;

	setup(state, arg);
	EXPLORE_ASSERT(!mmun_fork(s->w.mm, &s->child));
}

static unsigned walk(struct s *s, struct page *page, struct rmap_walk_control *rwc)
{
	s->found = 0;
	rwc->rmap_one = protect_one;
	rwc->arg = s;
	lock_page(page);
	rmap_walk(page, rwc);
	unlock_page(page);
	return s->found;
}

SCENE_OF(walks, setup_forked, 1, .expect = "assertion")
{
	struct rmap_walk_control all = { .try_lock = true };
	struct rmap_walk_control one = { .done = enough };
	struct rmap_walk_control here = { .invalid_vma = not_here };
	struct page *page = page_at(s, s->a);

	(void)t;
	EXPLORE_ASSERT(walk(s, page, &all) == 2u - broken);
	EXPLORE_ASSERT(walk(s, page, &one) == 1);
	EXPLORE_ASSERT(walk(s, page, &here) == 1);
	put_page(page);
}

/* A huge page is found by its one entry, and, when that was split, by its small ones. */
static void setup_huge(void *state, void *arg)
{
	struct s *s = state;
	uint64_t addr, huge = mmun_huge_page_size();

	setup(state, arg);
	s->h = 6 * huge;
	EXPLORE_ASSERT(!mmun_mmap(s->w.mm, s->h, huge, MMUN_PROT_READ | MMUN_PROT_WRITE,
				  MMUN_MAP_PRIVATE | MMUN_MAP_ANONYMOUS | MMUN_MAP_FIXED_NOREPLACE,
				  &addr));
	EXPLORE_ASSERT(!mmun_madvise(s->w.mm, s->h, huge, MMUN_MADV_HUGEPAGE));
	EXPLORE_ASSERT(!mmun_cpu_store(s->w.cpu[0], s->h, 1));
}

SCENE_OF(huge, setup_huge, 1, .expect = "assertion")
{
	struct vm_area_struct vma;
	struct page *page;
	unsigned found = 0;

	(void)t;
	mmap_read_lock(s->w.mm);
	vma = vma_of(s->w.mm, s->h);
	page = pmd_page(pmdp_get(pmd_off(s->w.mm, s->h)));
	EXPLORE_ASSERT(folio_nr_pages(page) == HPAGE_PMD_NR);
	get_page(page);
	{
		DEFINE_FOLIO_VMA_WALK(pvmw, page, &vma, s->h, 0);

		while (page_vma_mapped_walk(&pvmw)) {
			EXPLORE_ASSERT(!pvmw.pte && pmd_trans_huge(pmdp_get(pvmw.pmd)));
			found++;
		}
	}
	EXPLORE_ASSERT(found == 1);
	mmap_read_unlock(s->w.mm);
	EXPLORE_ASSERT(!mmun_mprotect(s->w.mm, s->h, PAGE_SIZE, MMUN_PROT_READ));
	mmap_read_lock(s->w.mm);
	vma = vma_of(s->w.mm, s->h + PAGE_SIZE);
	vma.vm_start = s->h;
	found = 0;
	{
		DEFINE_FOLIO_VMA_WALK(pvmw, page, &vma, s->h, broken ? PVMW_MIGRATION : 0);

		while (page_vma_mapped_walk(&pvmw)) {
			EXPLORE_ASSERT(pvmw.pte);
			found++;
		}
	}
	EXPLORE_ASSERT(found == HPAGE_PMD_NR);
	mmap_read_unlock(s->w.mm);
	put_page(page);
}
