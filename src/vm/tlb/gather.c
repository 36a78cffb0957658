/* SPDX-License-Identifier: MIT */
/*
 * gather.c - pages and page tables on their way out, as mmu_gather in
 * mm/mmu_gather.c: entries are cleared first, then every TLB that may hold them
 * is flushed once, then frames are freed. Invariant: what is in a gather is
 * covered by [start, end). Tables are freed after a grace period, since some walk
 * them without a lock that keeps them. Filled by entry/zap.c and entry/unmap.c.
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
#include "vm/tlb/tlb.h"

#define GATHER_TABLE (1u << 31)

static void gather_reset(struct gather *g)
{
	g->start = UINT64_MAX;
	g->end = 0;
}

void gather_init(struct gather *g, struct mmun_mm *mm, enum mm_op op)
{
	g->mm = mm;
	g->op = op;
	g->tables = false;
	g->count = 0;
	g->low = UINT64_MAX;
	g->high = 0;
	gather_reset(g);
	add_relaxed(&mm->gathers, 1); /* before the first ptl */
}

void gather_span(struct gather *g, uint64_t start, uint64_t end)
{
	g->start = min_u64(g->start, start);
	g->end = max_u64(g->end, end);
}

void gather_page(struct gather *g, pfn_t pfn)
{
	ASSERT(!gather_full(g));
	if (!is_zero_page(g->mm->machine, pfn))
		g->item[g->count++] = frame_head(g->mm->machine, pfn).v;
}

void gather_table(struct gather *g, pfn_t pfn)
{
	ASSERT(!gather_full(g));
	g->item[g->count++] = pfn.v | GATHER_TABLE;
	g->tables = true;
}

void gather_flush_tlbs(struct gather *g)
{
	if (g->start >= g->end)
		return;
	flush_tlb_range(g->mm, g->start, g->end);
	secondary_point(g->mm, g->op, FLUSH_POINT_AFTER, g->start, g->end);
	gather_reset(g);
}

void gather_flush(struct gather *g)
{
	struct mmun_machine *m = g->mm->machine;
	uint64_t start = g->start, end = g->end;

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
	if (start < end)
		secondary_point(g->mm, g->op, FLUSH_POINT_FREED, start, end);
	g->tables = false;
	g->count = 0;
}

void gather_finish(struct gather *g)
{
	gather_flush(g);
	if (add_acq_rel(&g->mm->gathers, (uint64_t)-1) == 1 || g->low >= g->high)
		return;
	flush_tlb_range(g->mm, g->low, g->high);
	secondary_point(g->mm, g->op, FLUSH_POINT_AFTER, g->low, g->high);
}
