/* SPDX-License-Identifier: MIT */
/*
 * collapse.c - small pages become a huge one, as collapse_huge_page in mm/khugepaged.c.
 * Called for MADV_COLLAPSE, with mmap_lock for writing and the area write-locked.
 * Invariant: what is copied is what every access so far has stored: the leaf table is
 * taken out of the tree first, and whoever can still write is seen by its reference.
 *
 *      collapse                            gup_fast
 *                                          entry: frame 3
 *      level 1 entry: table -> none
 *      flush, range_end
 *                                          reference + 1
 *                                          table still there? [no: undo]
 *      grace period: waits for it
 *      freezes the count of frame 3
 *        [1: nobody else]
 *      copies frame 3
 *
 * Had gup_fast come before the first step, then the count of frame 3 would be 2, and the
 * table be put back. After the grace period nobody is in the table, and nobody comes:
 * hardware was flushed, faults wait for the locks, gup_fast finds none, and who comes by
 * rmap has a reference to the page first. That is why neither the page locks nor rmap_sem
 * are needed here, whose likes Linux takes. The end of the range may come so early because
 * nobody can map anything there until the huge entry is in place.
 * Run by tests/explore_huge.c.
 */
#include <errno.h>

#include "vm/ops/ops.h"

struct collapse {
	struct mmun_mm *mm;
	uint64_t addr;
	struct ptep pmd;
	pte_t old;                     /* what named the table */
	struct ptep pte;               /* the first entry of the table */
	pfn_t head;                    /* the huge page */
	pfn_t page[TABLE_ENTRIES];     /* small ones */
};

/* A small anonymous page that is nobody else's. Under the ptl. */
static bool collapsible(const struct collapse *c, pte_t e)
{
	return pte_present(e) && pte_exclusive(e) && !pte_uffd_wp(e) &&
	       frame_of(c->mm->machine, pte_pfn(e))->flags == FRAME_ANON;
}

/* All there? Without a notification; what it finds may change until it is isolated. */
static bool scan(struct collapse *c)
{
	struct ptep p = c->pte;
	bool ok = true;

	(void)pte_lock(&c->pte, c->addr);
	for (uint32_t i = 0; i < TABLE_ENTRIES && ok; i++, p = ptep_next(p))
		ok = collapsible(c, pte_get(p.entry));
	pte_unlock(&c->pte);
	return ok;
}

static void pmdp_collapse_flush(struct collapse *c)
{
	uint64_t start = c->addr;
	struct flush f = flush_table(start, 1);
	bool told = !mm_mutated(c->mm, MM_OP_COLLAPSE, MUTATION_RANGE); /* f268f6cf875f */
	struct mmu_notifier_range range;

	range_init(&range, c->mm, MMU_NOTIFY_CLEAR, f.start, f.end);
	if (told)
		invalidate_range_start(&range);
	spin_lock(c->pmd.ptl);
	c->old = ptep_get_and_clear(c->pmd.entry, start);
	flush_tlb_range(c->mm, f);
	pass_flush_point(c->mm, MM_OP_COLLAPSE, FLUSH_POINT_CLEAR, f);
	spin_unlock(c->pmd.ptl);
	pass_flush_point(c->mm, MM_OP_COLLAPSE, FLUSH_POINT_UNLOCK, f);
	if (told)
		invalidate_range_end(&range, MM_OP_COLLAPSE);
}

/* The table as it was. */
static void reattach(struct collapse *c)
{
	spin_lock(c->pmd.ptl);
	store_release(c->pmd.entry, c->old.v);
	spin_unlock(c->pmd.ptl);
	sync_event(TABLE_PUT_BACK, c->addr);
}

static bool isolate_page(struct collapse *c, uint32_t i, pte_t e)
{
	c->page[i] = pte_pfn(e);
	return collapsible(c, e) && frame_freeze(c->mm->machine, c->page[i], 1);
}

/* Freezes all pages, or none. */
static bool isolate(struct collapse *c)
{
	struct ptep p = c->pte;
	uint32_t i;

	(void)pte_lock(&c->pte, c->addr);
	for (i = 0; i < TABLE_ENTRIES; i++, p = ptep_next(p))
		if (!isolate_page(c, i, pte_get(p.entry)))
			break;
	pte_unlock(&c->pte);
	if (i == TABLE_ENTRIES)
		return true;
	while (i-- > 0)
		frame_unfreeze(c->mm->machine, c->page[i], 1);
	return false;
}

static void copy_pages(struct collapse *c)
{
	for (uint32_t i = 0; i < TABLE_ENTRIES; i++)
		frame_copy(c->mm->machine, (pfn_t){ c->head.v + i }, c->page[i]);
}

static void clear_table(struct collapse *c)
{
	struct ptep p = c->pte;

	(void)pte_lock(&c->pte, c->addr);
	for (uint32_t i = 0; i < TABLE_ENTRIES; i++, p = ptep_next(p)) {
		store_relaxed(p.entry, 0);
		rmap_remove(c->mm->machine, c->page[i], &p);
	}
	pte_unlock(&c->pte);
}

static void map_huge(struct collapse *c, const struct vma *v)
{
	uint64_t bits = PTE_WRITABLE | PTE_EXCL | PTE_PS;

	if (!(v->prot & MMUN_PROT_WRITE))
		bits &= ~(uint64_t)PTE_RW;
	spin_lock(c->pmd.ptl);
	pgtable_deposit(c->mm->machine, &c->pmd, c->pte.table);
	rmap_add_new(c->mm->machine, c->head, &c->pmd);
	set_pte(c->pmd.entry, c->addr, pte_make(c->head, bits));
	pass_flush_point(c->mm, MM_OP_COLLAPSE, FLUSH_POINT_SET, flush_table(c->addr, 1));
	spin_unlock(c->pmd.ptl);
}

static void free_pages(struct collapse *c)
{
	pass_flush_point(c->mm, MM_OP_COLLAPSE, FLUSH_POINT_AFTER, flush_table(c->addr, 1));
	for (uint32_t i = 0; i < TABLE_ENTRIES; i++)
		frame_free(c->mm->machine, c->page[i]);
	pass_flush_point(c->mm, MM_OP_COLLAPSE, FLUSH_POINT_FREED, flush_table(c->addr, 1));
}

/* Takes the table out and isolates the pages, or puts it back. */
static bool detach(struct collapse *c)
{
	bool isolated;

	pmdp_collapse_flush(c);
	/* Pairs with rcu_read_lock() in gup_fast: nobody is in the table after it. */
	synchronize_rcu();
	isolated = isolate(c);
	if (!isolated)
		reattach(c);
	return isolated;
}

static int collapse(struct collapse *c, const struct vma *v)
{
	if (!scan(c))
		return -EAGAIN;
	if (!frame_alloc_huge(c->mm->machine, false, &c->head))
		return -ENOMEM;
	if (!detach(c)) {
		frame_free(c->mm->machine, c->head);
		return -EAGAIN;
	}
	copy_pages(c);
	clear_table(c);
	map_huge(c, v);
	free_pages(c);
	return 0;
}

int huge_collapse(struct mmun_mm *mm, struct vma *v, uint64_t addr)
{
	struct collapse c = { .mm = mm, .addr = huge_down(addr) };
	pte_t e;

	sync_assert_held(&mm->mmap_lock);
	if (!vma_anonymous(v) || vma_shared(v) || !huge_range_in(v, addr))
		return -EINVAL;
	(void)pgtable_walk_pmd(&mm->pt, c.addr, false, &c.pmd);
	if (!c.pmd.entry)
		return -EAGAIN;
	e = pte_get(c.pmd.entry);
	if (pte_huge(e))
		return 0;
	if (pte_none(e))
		return -EAGAIN;
	c.pte = ptep_in(mm->machine, pte_pfn(e), c.addr, 0);
	return collapse(&c, v);
}
