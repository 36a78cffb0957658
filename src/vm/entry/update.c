/* SPDX-License-Identifier: MIT */
/*
 * update.c - one present entry gets a new value under notification: what COW,
 * the write fault on the zero page, KSM and replace_page have in common, and the
 * place that this project is about. Called with mmap_lock and no ptl.
 *
 * Why the secondary TLBs are flushed between clear and set (FLUSH_POINT_CLEAR). With
 * the flush left to range_end, a device that holds a -> old sees b's new value
 * and then a's old one:
 *
 *      P0, COW of a        P1                  device (holds a -> old frame)
 *      clear, set -> new
 *                          a = 1 [new frame]
 *                          b = 1
 *                                              r0 = b  [1]
 *                                              r1 = a  [old frame: 0]
 *      flush, range_end
 *
 * After set but under the lock is too late as well: P1 takes no lock to walk.
 * Litmus: seed+deferred, seed+set, cow+deferred, cow+set; seed+notify holds.
 */
#include "vm/entry/entry.h"

static void move_rmap(struct mmun_machine *m, const struct ptep *p, pte_t old, pte_t new,
		      bool new_page)
{
	if (pte_pfn(old).v == pte_pfn(new).v)
		return;
	rmap_remove(m, pte_pfn(old), p);
	if (new_page)
		rmap_add_new(m, pte_pfn(new), p);
	else
		rmap_add(m, pte_pfn(new), p);
}

/*
 * old and new may be equal: a mere recheck. Where the old entry could be used by
 * nobody nothing is flushed. The old page leaves the rmap after the flush, so that
 * whoever counts on its not being mapped knows that nobody uses it.
 */
bool update_pte(struct mmun_mm *mm, enum mm_op op, const struct ptep *p, uint64_t addr,
		pte_t old, pte_t new, bool new_page)
{
	struct flush f = flush_page(addr);
	struct mmu_notifier_range range;
	bool same;

	range_init(&range, mm, MMU_NOTIFY_CLEAR, f.start, f.end);
	invalidate_range_start(&range);
	same = pte_lock(p, addr);
	ASSERT(same);
	same = pte_same(pte_get(p->entry), old);
	if (same && !pte_same(old, new)) {
		old = ptep_clear_flush(mm, p, addr);
		if (pte_pfn(old).v == pte_pfn(new).v) /* what was written until now */
			new.v |= old.v & (PTE_D | PTE_SOFT_DIRTY);
		pass_flush_point(mm, op, FLUSH_POINT_CLEAR, f);
		notify_change_pte(&mm->domain, addr, new);
		move_rmap(mm->machine, p, old, new, new_page);
		set_pte(p->entry, addr, new);
		pass_flush_point(mm, op, FLUSH_POINT_SET, f);
		if (mm_mutated(mm, op, MUTATION_REFERENCE)) /* KSM: as if nobody else had one */
			frame_put(mm->machine, pte_pfn(old), 2);
	}
	pte_unlock(p);
	pass_flush_point(mm, op, FLUSH_POINT_UNLOCK, f);
	invalidate_range_end(&range, op);
	pass_flush_point(mm, op, FLUSH_POINT_AFTER, f);
	return same;
}
