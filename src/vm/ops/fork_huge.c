/* SPDX-License-Identifier: MIT */
/*
 * fork_huge.c - fork's part about huge entries: copy_huge_pmd() in mm/huge_memory.c. A page
 * that is pinned is not shared; its entry is split, and small pages are copied.
 */
#include <errno.h>

#include "vm/ops/ops.h"

static const uint64_t share_bits = PTE_RW | PTE_EXCL;

static void wrprotect_huge(struct mmun_mm *mm, const struct ptep *p, uint64_t addr, pte_t *e)
{
	if (mm_flush_points(mm, MM_OP_FORK) & FLUSH_POINT_CLEAR) {
		*e = pmdp_invalidate(p, addr, *e);
		pass_flush_point(mm, MM_OP_FORK, FLUSH_POINT_CLEAR, flush_entry(addr, p->level));
		set_pte(p->entry, addr, pte_clear_bits(*e, share_bits));
	} else {
		*e = ptep_clear_bits(p->entry, addr, *e, share_bits);
	}
	pass_flush_point(mm, MM_OP_FORK, FLUSH_POINT_SET, flush_entry(addr, p->level));
}

/* share_entry() in fork.c, for a huge page. False: pinned, and left as it was. */
static bool share_huge(struct mmun_mm *mm, const struct ptep *p, uint64_t addr, pte_t *e)
{
	struct frame *f = frame_of(mm->machine, pte_pfn(*e));

	if (!(e->v & share_bits))
		return true;
	wrprotect_huge(mm, p, addr, e);
	if (!pte_mapped(*e) || !pte_exclusive(*e) || add_acq_rel(&f->pins, 0) == 0)
		return true;
	set_pte(p->entry, addr, *e);
	return false;
}

/* The empty table that fork has made for the child is deposited. Both pmd locks. */
static void copy_huge(struct mmun_mm *child, struct mmun_machine *m, const struct ptep *to, pte_t e)
{
	pte_t table = pte_get(to->entry);

	ASSERT(!pte_none(table) && !pte_huge(table));
	pgtable_deposit(child->machine, to, pte_pfn(table));
	if (pte_mapped(e))
		frame_get(m, pte_pfn(e), 1);
	rmap_add(m, pte_pfn(e), to);
	/* What userfaultfd protects, it protects in the parent alone. */
	store_release(to->entry, pte_clear_bits(e, share_bits | PTE_UFFD_WP).v);
}

int huge_copy_entry(struct mmun_mm *child, struct mmun_mm *mm, uint64_t addr)
{
	uint64_t start = huge_down(addr);
	struct ptep from, to;
	bool huge, shared = false;
	pte_t e;

	(void)pgtable_walk_pmd(&mm->pt, start, false, &from);
	(void)pgtable_walk_pmd(&child->pt, start, false, &to);
	ASSERT(from.entry && to.entry);
	pte_lock_two(&from, &to);
	e = pte_get(from.entry);
	huge = pte_huge(e);
	if (huge)
		shared = share_huge(mm, &from, start, &e);
	if (shared)
		copy_huge(child, mm->machine, &to, e);
	pte_unlock_two(&from, &to);
	if (huge && !shared)
		huge_split_entry(mm, start);
	return shared ? 0 : -EAGAIN;
}
