/* SPDX-License-Identifier: MIT */
/*
 * zap.c - taking entries away, as zap_pte_range() in mm/memory.c: for munmap, exit,
 * madvise(DONTNEED), truncation and the OOM reaper. Entries are cleared under their
 * ptl; pages go into a gather, which flushes before it frees.
 *
 * A dirty page of an object is flushed before the ptl is dropped, and leaves the
 * rmap only then. Else somebody who cleans it for writeback would not find the entry,
 * while a processor still writes:
 *
 *      munmap                  writeback                  processor
 *      clear pte, dirty                                   [TLB: writable]
 *      leaves the rmap, unlock
 *                              rmap: nobody maps it
 *                              page is clean, written out
 *                                                         store: lost
 *      flush
 *
 * Litmus: munmap+msync.
 */
#include "vm/entry/entry.h"

/* What one pass over a leaf table has found. */
struct zap_table {
	struct gather *g;
	enum zap_which which;
	bool cleared;
	bool dirty;                   /* some page waits to leave the rmap: */
	uint32_t late[TABLE_ENTRIES]; /* frame number of that entry, 0: none */
};

static bool to_zap(const struct zap_table *z, pte_t e)
{
	struct mmun_machine *m = z->g->mm->machine;

	if (z->which == ZAP_ALL)
		return !pte_none(e);
	return pte_in_ring(e) && (frame_of(m, pte_pfn(e))->flags & FRAME_OBJECT);
}

static void zap_mapped(struct zap_table *z, const struct ptep *p, uint64_t addr)
{
	struct mmun_machine *m = z->g->mm->machine;
	pte_t e = ptep_get_and_clear(p->entry, addr);
	struct frame *f = frame_of(m, pte_pfn(e));
	bool late = false;

	gather_page(z->g, pte_pfn(e));
	gather_entry(z->g, addr, 0);
	z->cleared = true;
	if (pte_dirty(e) && (f->flags & FRAME_OBJECT)) {
		store_relaxed(&f->dirty, 1);
		late = !mm_mutated(z->g->mm, z->g->op, MUTATION_DIRTY); /* 1cf35d47712d */
	}
	if (late) {
		z->late[entry_index(addr, 0)] = pte_pfn(e).v;
		z->dirty = true;
		return;
	}
	rmap_remove(m, pte_pfn(e), p);
}

static void zap_entry(struct zap_table *z, const struct ptep *p, uint64_t addr)
{
	struct mmun_machine *m = z->g->mm->machine;
	pte_t e = pte_get(p->entry);

	if (!to_zap(z, e))
		return;
	if (pte_mapped(e)) {
		zap_mapped(z, p, addr);
		return;
	}
	set_pte(p->entry, addr, (pte_t){ 0 });
	if (softleaf_is_swap(e))
		swap_free(m, softleaf_to_slot(e));
	else if (pte_in_ring(e))
		rmap_remove(m, pte_pfn(e), p);
}

static void flush_dirty(struct zap_table *z, struct ptep p, uint64_t first, uint64_t end)
{
	struct mmun_mm *mm = z->g->mm;

	gather_flush_tlbs(z->g);
	for (uint64_t addr = first; addr < end; addr += PAGE_BYTES, p = ptep_next(p))
		if (z->late[entry_index(addr, 0)])
			rmap_remove(mm->machine, (pfn_t){ z->late[entry_index(addr, 0)] }, &p);
}

/* One leaf table's entries of [addr, end). Returns how far it came. */
static uint64_t zap_table(struct gather *g, enum zap_which which, const struct ptep *first,
			  uint64_t addr, uint64_t end)
{
	struct zap_table z = { .g = g, .which = which };
	struct ptep p = *first;
	uint64_t start = addr;

	(void)pte_lock(&p, addr);
	flush_tlb_batched_pending(g->mm);
	for (; addr < end && !gather_full(g); addr += PAGE_BYTES, p = ptep_next(p))
		zap_entry(&z, &p, addr);
	if (z.cleared)
		pass_flush_point(g->mm, g->op, FLUSH_POINT_CLEAR, flush_entries(start, addr, 0));
	if (z.dirty)
		flush_dirty(&z, *first, start, addr);
	pte_unlock(first);
	return addr;
}

/* All of a huge entry. False: it is not one any more. */
static bool zap_huge(struct gather *g, const struct ptep *p, uint64_t addr)
{
	struct mmun_machine *m = g->mm->machine;
	pfn_t deposit;
	pte_t e;

	if (!pte_lock(p, addr))
		return false;
	flush_tlb_batched_pending(g->mm);
	e = ptep_get_and_clear(p->entry, addr);
	rmap_remove(m, pte_pfn(e), p);
	if (pte_mapped(e)) {
		gather_page(g, pte_pfn(e));
		gather_entry(g, addr, p->level);
		pass_flush_point(g->mm, g->op, FLUSH_POINT_CLEAR, flush_entry(addr, p->level));
	}
	deposit = pgtable_withdraw(g->mm->machine, p, addr);
	pte_unlock(p);
	table_free(m, deposit);
	return true;
}

void zap_entries(struct gather *g, enum zap_which which, uint64_t start, uint64_t end)
{
	struct ptep p;

	gather_seen(g, start, end);
	while (pgtable_next(&g->mm->pt, &start, end, &p)) {
		uint64_t next = table_end(start, end);

		if (p.level == 0) {
			start = zap_table(g, which, &p, start, next);
		} else if (which != ZAP_ALL) {
			start = next; /* huge pages are private */
		} else if (next - start < HUGE_BYTES) {
			huge_split_entry(g->mm, start);
		} else if (zap_huge(g, &p, start)) {
			start = next; /* what faults bring back from now on stays */
		}
		if (gather_full(g))
			gather_flush(g);
	}
}

void zap_range(struct gather *g, enum mmu_notifier_event event, enum zap_which which,
	       uint64_t start, uint64_t end)
{
	struct mmu_notifier_range range;

	range_init(&range, g->mm, event, start, end);
	invalidate_range_start(&range);
	zap_entries(g, which, start, end);
	pass_flush_point(g->mm, g->op, FLUSH_POINT_UNLOCK, flush_range(start, end));
	invalidate_range_end(&range, g->op);
}
