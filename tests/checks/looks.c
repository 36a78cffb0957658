/* SPDX-License-Identifier: MIT */
/*
 * looks.c - what a word looks at, and another thread changes: both orders are tried. And the
 * locks that words demand. Each has a broken twin.
 */
#include <mmun/kernel_mm.h>
#include "scene.h"

struct s {
	struct mm_world w;
	unsigned long a, b;      /* two areas, each with a page */
	unsigned long to;        /* beside a's table, where there is none */
	unsigned long empty;     /* an area whose table is empty */
	unsigned long seen;
	struct page *page;       /* of a */
};

static void setup(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	mm_world_init(&s->w, MMUN_MODERN, 0, false);
	s->a = mm_world_page(&s->w, 0, 0, 7);
	s->b = mm_world_page(&s->w, 2, 0, 8);
	s->to = s->a + PMD_SIZE;
	s->empty = mm_world_page(&s->w, 4, 0, 9);
	EXPLORE_ASSERT(!mmun_madvise(s->w.mm, s->empty, PAGE_SIZE, MMUN_MADV_DONTNEED));
	EXPLORE_ASSERT(!mmun_mmap(s->w.mm, s->to, PAGE_SIZE, MMUN_PROT_READ | MMUN_PROT_WRITE,
				  MMUN_MAP_PRIVATE | MMUN_MAP_ANONYMOUS | MMUN_MAP_FIXED,
				  &(uint64_t){ 0 }));
	EXPLORE_ASSERT(pmd_alloc_off(s->w.mm, s->to));
	s->page = pte_page(ptep_get(pte_offset_map(s->w.mm, pmd_off(s->w.mm, s->a), s->a)));
}

static void finish(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	mm_world_fini(&s->w);
}

#define SCENE(name, ...) SCENE_OF(name, setup, 2, __VA_ARGS__)

static void begin(struct s *s, struct mmu_notifier_range *range, unsigned long addr)
{
	mmu_notifier_range_init(range, MMU_NOTIFY_CLEAR, 0, s->w.mm, addr, addr + PMD_SIZE);
	mmu_notifier_invalidate_range_start(range);
}

/* --- tables that are moved --------------------------------------------------- */

/* As move_normal_pmd(). */
static void move_table(struct s *s)
{
	pmd_t *from = pmd_off(s->w.mm, s->a), *to = pmd_off(s->w.mm, s->to), pmd;
	struct mmu_notifier_range range;
	spinlock_t *old, *new;

	begin(s, &range, s->a);
	old = pmd_lock(s->w.mm, from);
	new = pmd_lockptr(s->w.mm, to);
	if (new != old)
		spin_lock(new);
	pmd = pmdp_get(from);
	pmd_clear(s->w.mm, s->a, from);
	pmd_populate(s->w.mm, s->to, to, pmd_page(pmd));
	if (new != old)
		spin_unlock(new);
	spin_unlock(old);
	mmu_notifier_invalidate_range_end(&range);
}

static bool note_address(struct folio *folio, struct vm_area_struct *vma, unsigned long addr,
			 void *arg)
{
	(void)folio;
	(void)vma;
	*(unsigned long *)arg = addr;
	return false;
}

static void walk(struct s *s)
{
	struct rmap_walk_control rwc = { .arg = &s->seen, .rmap_one = note_address };

	lock_page(s->page);
	rmap_walk(s->page, &rwc);
	unlock_page(s->page);
}

/* A walk of the reverse map comes by the one address, or by the other one. */
SCENE(walk_before_move, .expect = "assertion")
{
	if (!t) {
		move_table(s);
		return;
	}
	walk(s);
	EXPLORE_ASSERT(s->seen == s->to || (!broken && s->seen == s->a));
}

SCENE(walk_after_move, .expect = "assertion")
{
	if (t) {
		move_table(s);
		return;
	}
	walk(s);
	EXPLORE_ASSERT(s->seen == s->a || (!broken && s->seen == s->to));
}

/* A table that is moved keeps its lock, so an entry that was locked before is another one's. */
SCENE(change_of_moved, .expect = "protocol")
{
	struct mmu_notifier_range range;
	spinlock_t *ptl = NULL;
	pte_t *pte;

	if (!t) {
		mmap_write_lock(s->w.mm);
		move_table(s);
		mmap_write_unlock(s->w.mm);
		return;
	}
	if (!broken)
		mmap_read_lock(s->w.mm);
	begin(s, &range, s->a);
	pte = pte_offset_map_lock(s->w.mm, pmd_off(s->w.mm, s->a), s->a, &ptl);
	if (pte) {
		set_pte_at(s->w.mm, s->a, pte, pte_wrprotect(ptep_get(pte)));
		pte_unmap_unlock(pte, ptl);
	}
	mmu_notifier_invalidate_range_end(&range);
	if (!broken)
		mmap_read_unlock(s->w.mm);
}

/* The same by the library's own mremap. */
static void setup_remap(void *state, void *arg)
{
	struct s *s = state;
	struct mmun_cpu *cpu;

	(void)arg;
	mm_world_init(&s->w, MMUN_MODERN, 0, false);
	s->a = 2 * PMD_SIZE;
	s->to = 3 * PMD_SIZE;
	EXPLORE_ASSERT(!mmun_mmap(s->w.mm, s->a, PMD_SIZE, MMUN_PROT_READ | MMUN_PROT_WRITE,
				  MMUN_MAP_PRIVATE | MMUN_MAP_ANONYMOUS | MMUN_MAP_FIXED,
				  &(uint64_t){ 0 }));
	EXPLORE_ASSERT(!mmun_cpu_create(s->w.mm, &cpu) && !mmun_cpu_store(cpu, s->a, 1));
	mmun_cpu_destroy(cpu);
}

SCENE_OF(change_of_remapped, setup_remap, 2, .expect = "protocol")
{
	struct mmu_notifier_range range;
	spinlock_t *ptl = NULL;
	uint64_t at;
	pte_t *pte;

	if (!t) {
		EXPLORE_ASSERT(!mmun_mremap(s->w.mm, s->a, PMD_SIZE, PMD_SIZE,
					    MMUN_MREMAP_MAYMOVE | MMUN_MREMAP_FIXED, s->to, &at));
		return;
	}
	mmap_read_lock(s->w.mm);
	begin(s, &range, s->a);
	pte = pte_offset_map_lock(s->w.mm, pmd_off(s->w.mm, s->a), s->a, &ptl);
	if (pte && broken) {
		pte_unmap_unlock(pte, ptl);
		mmap_read_unlock(s->w.mm);
		mmap_read_lock(s->w.mm);
		spin_lock(ptl);
	}
	if (pte) {
		set_pte_at(s->w.mm, s->a, pte, pte_wrprotect(ptep_get(pte)));
		pte_unmap_unlock(pte, ptl);
	}
	mmu_notifier_invalidate_range_end(&range);
	mmap_read_unlock(s->w.mm);
}

/* A table goes outside of a range if nothing is mapped there; here something may be. */
SCENE(not_empty, .expect = "protocol")
{
	pmd_t *pmd = pmd_off(s->w.mm, s->empty);
	spinlock_t *ptl = NULL, *pml;
	struct page *table;
	pte_t *pte;

	if (!t) {
		pml = pmd_lock(s->w.mm, pmd);
		table = pmd_page(pmdp_get(pmd));
		pmd_clear(s->w.mm, s->empty, pmd);
		pmd_populate(s->w.mm, s->empty, pmd, table);
		spin_unlock(pml);
		return;
	}
	pte = pte_offset_map_lock(s->w.mm, pmd, s->empty, &ptl);
	if (!pte)
		return;
	if (broken)
		set_pte_at(s->w.mm, s->empty, pte, mk_pte(ZERO_PAGE(0), PAGE_READONLY));
	pte_unmap_unlock(pte, ptl);
}

/* --- areas --------------------------------------------------------------------- */

/* Without a lock an area may change at once. */
SCENE(area_changes, .expect = "race")
{
	if (t) {
		EXPLORE_ASSERT(!mmun_mprotect(s->w.mm, s->b, PAGE_SIZE, MMUN_PROT_READ));
		return;
	}
	if (!broken)
		mmap_read_lock(s->w.mm);
	(void)vma_of(s->w.mm, s->b);
	if (!broken)
		mmap_read_unlock(s->w.mm);
}

/* The area's lock keeps it: it can be looked up again and again. */
SCENE(area_stays, .expect = "race")
{
	struct vm_area_struct vma;

	if (t) {
		EXPLORE_ASSERT(!mmun_mprotect(s->w.mm, s->b, PAGE_SIZE, MMUN_PROT_READ));
		return;
	}
	mmap_read_lock(s->w.mm);
	vma = vma_of(s->w.mm, s->b);
	mmap_read_unlock(s->w.mm);
	vma_start_read(&vma);
	if (!broken)
		(void)vma_of(s->w.mm, s->b);
	vma_end_read(&vma);
	if (broken)
		(void)vma_of(s->w.mm, s->b);
}

/* --- locks that are demanded ------------------------------------------------------ */

SCENE_OF(area_for_writing, setup, 1, .expect = "protocol")
{
	struct vm_area_struct vma;

	(void)t;
	mmap_write_lock(s->w.mm);
	vma = vma_of(s->w.mm, s->a);
	if (broken)
		mmap_write_unlock(s->w.mm);
	vma_start_write(&vma);
	mmap_write_unlock(s->w.mm);
}

SCENE_OF(rmap_locked, setup, 1, .expect = "protocol")
{
	struct mmu_notifier_range range;
	struct vm_area_struct vma;
	spinlock_t *ptl = NULL;
	pte_t *pte;

	(void)t;
	mmap_read_lock(s->w.mm);
	vma = vma_of(s->w.mm, s->a);
	begin(s, &range, s->a);
	pte = pte_offset_map_lock(s->w.mm, pmd_off(s->w.mm, s->a), s->a, &ptl);
	(void)ptep_clear_flush(&vma, s->a, pte);
	if (broken)
		pte_unmap_unlock(pte, ptl);
	folio_remove_rmap_pte(s->page, s->page, &vma, s->a);
	if (!broken)
		pte_unmap_unlock(pte, ptl);
	mmu_notifier_invalidate_range_end(&range);
	put_page(s->page);
	mmap_read_unlock(s->w.mm);
}

/* A page of a file. */
static void setup_file(void *state, void *arg)
{
	struct s *s = state;
	struct mmun_object *file;
	struct mmun_cpu *cpu;
	uint64_t at;

	(void)arg;
	mm_world_init(&s->w, MMUN_MODERN, 0, false);
	EXPLORE_ASSERT(!mmun_object_create(s->w.machine, PAGE_SIZE, &file));
	EXPLORE_ASSERT(!mmun_mmap_object(s->w.mm, 0, PAGE_SIZE,
					 MMUN_PROT_READ | MMUN_PROT_WRITE, MMUN_MAP_SHARED, file,
					 0, &at));
	mmun_object_destroy(file);
	EXPLORE_ASSERT(!mmun_cpu_create(s->w.mm, &cpu) && !mmun_cpu_store(cpu, at, 1));
	mmun_cpu_destroy(cpu);
	s->a = at;
	s->page = pte_page(ptep_get(pte_offset_map(s->w.mm, pmd_off(s->w.mm, at), at)));
}

SCENE_OF(file_walk, setup_file, 1, .expect = "protocol")
{
	struct rmap_walk_control rwc = { .arg = &s->seen, .rmap_one = note_address };

	(void)t;
	if (!broken)
		lock_page(s->page);
	rmap_walk(s->page, &rwc);
	if (!broken)
		unlock_page(s->page);
	EXPLORE_ASSERT(s->seen == s->a);
}
