/* SPDX-License-Identifier: MIT */
/*
 * gather.c - pages and page tables on their way out, as mmu_gather in
 * mm/mmu_gather.c: entries are cleared first, then every TLB that may hold them
 * is flushed once, then frames are freed. Invariant: what is in a gather is
 * covered by [start, end). munmap and exit fill it.
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
 * Litmus: munmap+before-free, and munmap+after-free for the other order.
 */
#include "vm/vm.h"

#define GATHER_TABLE (1u << 31)

static void gather_reset(struct gather *g)
{
	g->start = UINT64_MAX;
	g->end = 0;
	g->count = 0;
}

void gather_init(struct gather *g, struct mmun_mm *mm, enum mm_op op)
{
	g->mm = mm;
	g->op = op;
	gather_reset(g);
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
		g->item[g->count++] = pfn.v;
}

void gather_table(struct gather *g, pfn_t pfn)
{
	ASSERT(!gather_full(g));
	g->item[g->count++] = pfn.v | GATHER_TABLE;
}

void gather_flush(struct gather *g)
{
	struct mmun_mm *mm = g->mm;

	if (g->start >= g->end)
		return;
	flush_tlb_range(mm, g->start, g->end);
	secondary_point(mm, g->op, NOTIFY_AFTER, g->start, g->end);
	for (uint32_t i = 0; i < g->count; i++) {
		pfn_t pfn = { g->item[i] & ~GATHER_TABLE };

		if (g->item[i] & GATHER_TABLE)
			frame_free(mm->machine, pfn);
		else
			frame_put(mm->machine, pfn, 1);
	}
	secondary_point(mm, g->op, NOTIFY_FREED, g->start, g->end);
	gather_reset(g);
}
