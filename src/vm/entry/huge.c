/* SPDX-License-Identifier: MIT */
/*
 * huge.c - entries of level 1 that map a huge page: splitting them, as in
 * mm/huge_memory.c. Faults make them and write to them (fault/huge_fault.c), fork copies
 * them (ops/fork_huge.c). Invariant: with each huge
 * entry, its MIGRATION too, exactly one empty leaf table is deposited, and a huge entry
 * changes only under the pmd lock. It becomes none only to stay so: from none on a fault
 * may put a table there without the lock.
 *
 * The entry alone is split, not the page: the frames stay one page, counted by the head,
 * and each small entry has a reference to it. ops/split.c splits the page.
 */
#include "vm/entry/entry.h"

/* References of the small entries in place of the huge one's. */
static void split_references(struct mmun_machine *m, pte_t e, bool migrate)
{
	if (!pte_mapped(e))
		return;
	if (migrate)
		frame_put(m, pte_pfn(e), 1);
	else
		frame_get(m, pte_pfn(e), TABLE_ENTRIES - 1);
}

/* What the small entries are made of: in Linux 6.1 the page keeps what is known of writes, and
 * they say nothing of it. MIGRATION entries say it. */
static pte_t split_source(struct mmun_mm *mm, pte_t e)
{
	if (mm->domain.semantics != MMUN_CLASSIC || !pte_mapped(e) || !pte_dirty(e))
		return e;
	store_relaxed(&frame_of(mm->machine, pte_pfn(e))->dirty, 1);
	return pte_clear_bits(e, PTE_D);
}

/* The small entries, in a table that nobody sees yet, enter the rings. */
static void split_fill(struct mmun_machine *m, struct ptep to, pte_t e)
{
	for (uint32_t i = 0; i < TABLE_ENTRIES; i++, to = ptep_next(to)) {
		pte_t small = pte_of_huge(e, i);

		store_relaxed(to.entry, small.v);
		rmap_add(m, pte_pfn(small), &to);
	}
}

/*
 * While the entry is invalid no processor finds the page, so none can hold the huge
 * translation and small ones at once, of which it might use either (and some processors
 * stop: AMD's erratum 383).
 *
 *      split, under the pmd lock           processor
 *                                          [TLB: 2 MiB]
 *      entry: not present
 *      flush [waits for who uses it]
 *                                          miss, walk: faults, waits for the lock
 *      table in place of the entry
 *                                          walk: 4 KiB
 *
 * The secondary TLBs may keep what they have (classic semantics do not tell them): same
 * frames, same rights, and who changes a small entry later flushes it then. Not so if
 * the small entries are MIGRATION entries: see ops/split.c. Bits are taken over by the
 * exchange in pmdp_invalidate(): none that the walk sets is lost. Run by
 * tests/explore_huge.c.
 */
void huge_split_locked(struct mmun_mm *mm, const struct ptep *p, uint64_t addr, bool migrate)
{
	struct flush f = flush_entry(addr, p->level);
	struct mmun_machine *m = mm->machine;
	pte_t e = pmdp_invalidate(p, addr, pte_get(p->entry));
	pfn_t head = pte_pfn(e), table;

	/* A hint's flush may still be to come, as in ptep_clear_flush(). */
	if (pte_present(e) || (pte_mapped(e) && mm_tlb_flush_pending(mm)))
		flush_tlb_range(mm, f);
	pass_flush_point(mm, MM_OP_SPLIT, FLUSH_POINT_CLEAR, f);
	/* As share_entry() in ops/fork.c: a pin sees the change, or is seen here. */
	if (softleaf_is_migration(e) ||
	    (pte_exclusive(e) && add_acq_rel(&frame_of(m, head)->pins, 0)))
		migrate = false;
	split_references(m, e, migrate);
	table = pgtable_withdraw(mm->machine, p, addr);
	split_fill(m, ptep_in(mm->machine, table, addr, 0),
		   migrate ? make_migration_entry(e) : split_source(mm, e));
	/* Nobody zaps the small entries, and frees the page, before it has left its ring. */
	spin_lock(&ptdesc_of(m, table)->ptl);
	/* Pairs with load_acquire in descend(). */
	store_release(p->entry, pte_make(table, PTE_WRITABLE).v);
	rmap_remove(m, head, p); /* last: whoever walks the ring misses nothing */
	spin_unlock(&ptdesc_of(m, table)->ptl);
	sync_event(HUGE_SPLIT, addr);
	pass_flush_point(mm, MM_OP_SPLIT, FLUSH_POINT_SET, f);
}

void huge_split_entry(struct mmun_mm *mm, uint64_t addr)
{
	uint64_t start = huge_down(addr);
	struct flush f = flush_entry(start, 1);
	struct ptep p = pgtable_walk(&mm->pt, start);
	struct mmu_notifier_range range;

	if (!p.entry || !p.level)
		return;
	range_init(&range, mm, MMU_NOTIFY_CLEAR, f.start, f.end);
	invalidate_range_start(&range);
	if (pte_lock(&p, start)) {
		huge_split_locked(mm, &p, start, false);
		pte_unlock(&p);
	}
	pass_flush_point(mm, MM_OP_SPLIT, FLUSH_POINT_UNLOCK, f);
	invalidate_range_end(&range, MM_OP_SPLIT);
	pass_flush_point(mm, MM_OP_SPLIT, FLUSH_POINT_AFTER, f);
}
