/* SPDX-License-Identifier: MIT */
/*
 * flush.h - how an address space empties the TLBs of its processors, and what waits for that:
 * at once; put off, in a batch of entries; and in a gather, with the pages and tables that
 * are freed afterwards. What a flush is of is told in notify/flush.h.
 *
 * Letters as in mm/mm.h.
 */
#ifndef MMUN_FLUSH_FLUSH_H
#define MMUN_FLUSH_FLUSH_H

#include "vm/mm/tell.h"
#include "vm/tlb/tlb.h"

/* --- at once: flush.c ---------------------------------------------------- */

struct mmun_cpu {
	struct mmun_mm *mm;   /* [C] */
	struct mmun_cpu *next;/* [N] */
	struct tlb tlb;
};

/* Empties the TLBs of all CPUs in the mm. Caller: may notify. The first half alone: false if
 * there is nothing to wait for. Who flushes other TLBs as well may wait once for all. */
bool flush_tlb_submit(struct mmun_mm *mm, struct flush f);
void flush_tlb_range(struct mmun_mm *mm, struct flush f);

/* Clears, and empties the CPUs' TLBs of what it mapped. Under the ptl. */
pte_t ptep_clear_flush(struct mmun_mm *mm, const struct ptep *p, uint64_t addr);

/* --- put off: batch.c ---------------------------------------------------- */

/*
 * Reclaim clears entries first and flushes the CPUs later, for many at once
 * (tlb_ubc in mm/rmap.c). Whoever relies on entries having been flushed when they
 * are gone calls flush_tlb_batched_pending() under the ptl, after each locking.
 */
void flush_tlb_batched_pending(struct mmun_mm *mm);

/* Entries that reclaim and migration have cleared: batch.c. Set op. */
enum { TLB_BATCH_MAX = 8 };

struct tlb_batch {
	enum mm_op op;
	unsigned count;
	struct { struct mmun_mm *mm; struct flush flush; } of[TLB_BATCH_MAX];
};

/*
 * Clears an entry of a page to which the caller has a reference, under its ptl, and
 * flushes it, or leaves the flush of the CPUs to tlb_batch_flush(), if the mm's
 * semantics do that and now does not forbid it. FLUSH_POINT_CLEAR is fired.
 */
pte_t tlb_batch_clear(struct tlb_batch *b, struct mmun_mm *mm, const struct ptep *p,
		      uint64_t addr, bool now);
void tlb_batch_flush(struct tlb_batch *b); /* no lock of an mm held but mmap_lock */
void tlb_batch_end(struct tlb_batch *b);   /* pages were given up: FLUSH_POINT_FREED is fired */

/* --- pages and tables on their way out: gather.c ------------------------- */

enum { GATHER_MAX = 512 };

struct gather {
	struct mmun_mm *mm;
	enum mm_op op;
	struct flush flush;        /* of what is cleared and was not flushed yet */
	struct flush seen;         /* of all that was looked at */
	bool tables;               /* some are among the items */
	uint32_t count;
	uint32_t item[GATHER_MAX]; /* frame number, with GATHER_TABLE for tables */
};

void gather_init(struct gather *g, struct mmun_mm *mm, enum mm_op op);
void gather_seen(struct gather *g, uint64_t start, uint64_t end); /* is looked at */
void gather_entry(struct gather *g, uint64_t addr, unsigned level); /* has changed */
static inline bool gather_full(const struct gather *g) { return g->count == GATHER_MAX; }
void gather_page(struct gather *g, pfn_t pfn);  /* with the entry's reference */
/* That the entry of addr on this level named. */
void gather_table(struct gather *g, pfn_t pfn, uint64_t addr, unsigned level);
void gather_flush_tlbs(struct gather *g); /* what is in it so far; under a ptl too */
void gather_flush(struct gather *g); /* flush, then free; can go on afterwards */
void gather_finish(struct gather *g); /* the same, and that was all */

#endif
