/* SPDX-License-Identifier: MIT */
/*
 * clean.c - an object's pages are made clean, as folio_mkclean() in mm/rmap.c does for
 * writeback: every entry becomes read-only, so that the next store is noticed.
 */
#include <errno.h>

#include "vm/ops/ops.h"

/*
 * One entry becomes read-only and clean: page_vma_mkclean_one() in mm/rmap.c. The flush
 * of the secondary TLBs may wait for range_end: the page stays, and only after the walk
 * is it called clean. Litmus: msync+deferred.
 */
static bool clean_entry(struct mmun_mm *mm, const struct ptep *p, uint64_t addr)
{
	struct flush f = flush_page(addr);
	pte_t e = pte_get(p->entry);

	if (!pte_mapped(e) || !(e.v & (PTE_RW | PTE_D)))
		return false;
	e = ptep_clear_flush(mm, p, addr);
	pass_flush_point(mm, MM_OP_CLEAN, FLUSH_POINT_CLEAR, f);
	set_pte(p->entry, addr, pte_clear_bits(e, PTE_RW | PTE_D));
	pass_flush_point(mm, MM_OP_CLEAN, FLUSH_POINT_SET, f);
	return pte_dirty(e);
}

/* When nobody is at work. */
static enum sync_page page_is(void *machine, uint32_t pfn)
{
	struct mmun_machine *m = machine;
	const struct frame *f = frame_of(m, (pfn_t){ pfn });

	if (!(f->flags & FRAME_OBJECT) || !f->object)
		return SYNC_PAGE_GONE;
	return load_relaxed(&f->dirty) || rmap_has_dirty(m, (pfn_t){ pfn }) ? SYNC_PAGE_DIRTY :
		SYNC_PAGE_CLEAN;
}

/* Page lock held. True: it had been written since it was last cleaned. */
static bool clean_page(struct mmun_machine *m, pfn_t pfn)
{
	struct rmap_walk w = { .head = pfn };
	bool dirty = false;

	while (rmap_next(m, &w)) {
		struct flush f = rmap_flush(&w);
		struct mmu_notifier_range range;
		struct ptep p;

		range_init(&range, w.mm, MMU_NOTIFY_PROTECTION_PAGE, f.start, f.end);
		invalidate_range_start(&range);
		if (rmap_lock_entry(m, &w, &p)) {
			dirty |= clean_entry(w.mm, &p, w.addr);
			pte_unlock(&p);
		}
		pass_flush_point(w.mm, MM_OP_CLEAN, FLUSH_POINT_UNLOCK, f);
		invalidate_range_end(&range, MM_OP_CLEAN);
		pass_flush_point(w.mm, MM_OP_CLEAN, FLUSH_POINT_AFTER, f);
	}
	/* Last: an entry that went away meanwhile has left its dirty bit here. */
	dirty |= xchg_acq_rel(&frame_of(m, pfn)->dirty, 0);
	sync_cleaned(m, pfn.v, dirty, page_is);
	return dirty;
}

int mmun_object_clean(struct mmun_object *object, uint64_t offset, uint64_t len,
		      uint64_t *ret_dirty)
{
	uint64_t first, end, dirty = 0;
	pfn_t pfn;
	sync_operation("CLEAN");

	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!object || !ret_dirty || !object_range_of(offset, len, &first, &end))
		return -EINVAL;
	mutex_lock(&object->size_lock);
	for (; object_next_page(object, &first, end, &pfn); first++) {
		dirty += clean_page(object->machine, pfn);
		object_unlock_put(object, pfn);
	}
	mutex_unlock(&object->size_lock);
	*ret_dirty = dirty;
	return 0;
}
