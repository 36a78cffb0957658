/* SPDX-License-Identifier: MIT */
/*
 * gather.c - pages and page tables on their way out, as mmu_gather in
 * mm/mmu_gather.c: entries are cleared first, then every TLB that may hold them
 * is flushed once, then frames are freed. Invariant: what is in a gather is
 * covered by its flush. Tables are freed after a grace period, since some walk
 * them without a lock that keeps them. Filled by entry/zap.c and
 * entry/unmap.c.
 *
 *      munmap                              device
 *      clear pte of a -> frame 3
 *                                          hit a: frame 3 [not yet freed]
 *      range_end
 *      flush CPU TLBs, device TLBs
 *        [waits for who uses frame 3]
 *                                          miss, walk: nothing
 *      free frame 3
 *
 * Two of them may meet in one range, with mmap_lock held for reading: who finds the
 * entries gone must not return before the other one's flush, and does not know when
 * that is. So it flushes too (mm_tlb_flush_nested in Linux):
 *
 *      DONTNEED a                          DONTNEED a
 *      gathers + 1; clear a
 *                                          gathers + 1; a is none
 *                                          gathers [2]: flush
 *                                          returns: nobody uses a's old page
 *      flush; gathers - 1
 *
 * Litmus: munmap+before-free, and munmap+after-free for the other order.
 */
#include "vm/flush/flush.h"

#define GATHER_TABLE (1u << 31)

void gather_init(struct gather *g, struct mmun_mm *mm, enum mm_op op)
{
	g->mm = mm;
	g->op = op;
	g->tables = false;
	g->count = 0;
	g->flush = g->seen = flush_nothing();
	add_relaxed(&mm->gathers, 1); /* before the first ptl */
}

void gather_seen(struct gather *g, uint64_t start, uint64_t end)
{
	flush_join(&g->seen, flush_range(start, end));
}

void gather_entry(struct gather *g, uint64_t addr, unsigned level)
{
	flush_join(&g->flush, flush_entry(addr, level));
}

void gather_page(struct gather *g, pfn_t pfn)
{
	ASSERT(!gather_full(g));
	if (!is_zero_page(g->mm->machine, pfn))
		g->item[g->count++] = frame_head(g->mm->machine, pfn).v;
}

void gather_table(struct gather *g, pfn_t pfn, uint64_t addr, unsigned level)
{
	ASSERT(!gather_full(g));
	flush_join(&g->flush, flush_table(addr, level));
	g->item[g->count++] = pfn.v | GATHER_TABLE;
	g->tables = true;
}

void gather_flush_tlbs(struct gather *g)
{
	if (flush_is_empty(&g->flush))
		return;
	flush_tlb_range(g->mm, g->flush);
	pass_flush_point(g->mm, g->op, FLUSH_POINT_AFTER, g->flush);
	g->flush = flush_nothing();
}

void gather_flush(struct gather *g)
{
	struct mmun_machine *m = g->mm->machine;
	struct flush f = g->flush;

	gather_flush_tlbs(g);
	if (g->tables) /* who comes by rmap, and gup_fast */
		synchronize_rcu();
	for (uint32_t i = 0; i < g->count; i++) {
		pfn_t pfn = { g->item[i] & ~GATHER_TABLE };

		if (g->item[i] & GATHER_TABLE)
			table_free(m, pfn);
		else
			frame_put(m, pfn, 1);
	}
	if (!flush_is_empty(&f))
		pass_flush_point(g->mm, g->op, FLUSH_POINT_FREED, f);
	g->tables = false;
	g->count = 0;
}

void gather_finish(struct gather *g)
{
	gather_flush(g);
	if (add_acq_rel(&g->mm->gathers, (uint64_t)-1) == 1 || flush_is_empty(&g->seen))
		return;
	g->seen.freed_tables = true; /* the other one's */
	flush_tlb_range(g->mm, g->seen);
	pass_flush_point(g->mm, g->op, FLUSH_POINT_AFTER, g->seen);
}
