/* SPDX-License-Identifier: MIT */
/*
 * batch.c - the CPUs' TLBs when entries are cleared by rmap: reclaim, and in the modern
 * semantics migration, clear them in one address space after the other, and flush
 * afterwards what they have cleared, as tlb_ubc in mm/rmap.c. Secondary TLBs are not told
 * later: while the ptl is held, and in the modern semantics of all that they hold
 * (arch_tlbbatch_add_pending).
 *
 * Invariant: a page's reference, taken before its first entry was cleared, is put after
 * the flush; and an mm counts the batches that still have to flush it. Whoever takes a
 * missing entry for a flushed one must look at that count:
 *
 *      reclaim                 zap                     processor
 *      clear pte of a                                  [TLB: a -> frame 3]
 *      batches + 1, unlock
 *                              ptl; nothing at a
 *                                [batches: flush]
 *                              returns
 *                                                      a: miss, fault
 *      flush; batches - 1
 *
 * A count suffices where Linux has two (tlb_flush_batched): a batch knows its address
 * spaces, and takes back what it has added.
 * Litmus: reclaim+dontneed.
 */
#include "vm/flush/flush.h"

void flush_tlb_batched_pending(struct mmun_mm *mm)
{
	/* Pairs with add_acq_rel in batch_add(), through the ptl. */
	if (load_acquire(&mm->tlb_batch_pending) &&
	    !mm_mutated(mm, MM_OP_RECLAIM, MUTATION_PENDING)) /* 3ea277194daa */
		flush_tlb_range(mm, flush_everything());
}

/* Under the ptl, with the mm's rmap_sem. */
static void batch_add(struct tlb_batch *b, struct mmun_mm *mm, struct flush f)
{
	for (unsigned i = 0; i < b->count; i++) {
		if (b->of[i].mm != mm)
			continue;
		flush_join(&b->of[i].flush, f);
		return;
	}
	if (b->count == TLB_BATCH_MAX) {
		flush_tlb_range(mm, f);
		return;
	}
	mm_get(mm);
	add_acq_rel(&mm->tlb_batch_pending, 1);
	b->of[b->count].mm = mm;
	b->of[b->count++].flush = f;
}

pte_t tlb_batch_clear(struct tlb_batch *b, struct mmun_mm *mm, const struct ptep *p,
		      uint64_t addr, bool now)
{
	bool modern = mm->domain.semantics == MMUN_MODERN;
	bool batched = (modern || b->op == MM_OP_RECLAIM) && !now;
	struct flush f = flush_entry(addr, p->level);
	pte_t old = ptep_get_and_clear(p->entry, addr);

	/* A processor that comes later has an empty TLB. PROTNONE entries too: a hint's
	 * flush may still be to come. */
	if (batched && (mm->cpus || (mm_flush_points(mm, b->op) & FLUSH_POINT_FREED)))
		batch_add(b, mm, f);
	else if (!batched)
		flush_tlb_range(mm, f);
	pass_flush_point(mm, b->op, FLUSH_POINT_CLEAR,
			 batched && modern ? flush_everything() : f);
	return old;
}

void tlb_batch_flush(struct tlb_batch *b)
{
	for (unsigned i = 0; i < b->count; i++) {
		struct mmun_mm *mm = b->of[i].mm;

		down_read(&mm->rmap_sem);
		sync_event(FLUSH_BATCH, (uintptr_t)mm);
		flush_tlb_range(mm, b->of[i].flush);
		add_acq_rel(&mm->tlb_batch_pending, (uint64_t)-1);
		up_read(&mm->rmap_sem);
	}
}

void tlb_batch_end(struct tlb_batch *b)
{
	for (unsigned i = 0; i < b->count; i++) {
		struct mmun_mm *mm = b->of[i].mm;

		if (mm_flush_points(mm, b->op) & FLUSH_POINT_FREED) {
			down_read(&mm->rmap_sem);
			pass_flush_point(mm, b->op, FLUSH_POINT_FREED, b->of[i].flush);
			up_read(&mm->rmap_sem);
		}
		mm_put(mm);
	}
	b->count = 0;
}
