/* SPDX-License-Identifier: MIT */
/*
 * protect.c - changing bits of entries: what mprotect, userfaultfd, NUMA hinting and
 * soft-dirty tracking share (change_protection in mm/mprotect.c). The page
 * stays the same, so the flush may wait until after range_end (in the classic semantics the
 * processors' only), as long as nobody copies or reuses the page before:
 * mprotect holds mmap_lock for writing and the areas' locks. Others hold it for reading
 * only. A page that they write-protect stays exclusive, and so is not copied; but one
 * whose access they take away may be moved meanwhile: they count themselves in
 * tlb_flush_pending, and who clears such an entry flushes it again (drawn in ops/numa.c).
 * Litmus: uffd+fork-cow.
 */
#include "vm/entry/entry.h"

/* Of an entry that maps its page. A device's exclusive access ends. */
static uint64_t protect_mapped(const struct protect *how, pte_t e)
{
	uint64_t v = (e.v & ~how->clear) | how->set;

	if (how->access == PROTECT_KEEP)
		return v;
	v &= ~(uint64_t)(PTE_P | PTE_PROTNONE | PTE_SOFTLEAF);
	return v | (how->access == PROTECT_NONE ? PTE_PROTNONE : PTE_P);
}

/*
 * May it become writable without a fault (can_change_pte_writable)? Else the next write must
 * fault, to be seen. Linux 6.1 asks small entries only, and wants what was written already.
 */
static bool can_change_writable(enum mmun_semantics semantics, pte_t e)
{
	if (semantics == MMUN_CLASSIC && (pte_huge(e) || !pte_dirty(e)))
		return false;
	return pte_exclusive(e) && !pte_uffd_wp(e) && (e.v & PTE_SOFT_DIRTY);
}

static pte_t protect_bits(const struct mmun_mm *mm, const struct protect *how, pte_t e)
{
	uint64_t v;

	if (softleaf_is_swap(e))
		return (pte_t){ (e.v & ~(how->clear & (PTE_UFFD_WP | PTE_SOFT_DIRTY))) |
				(how->set & PTE_UFFD_WP) };
	if (softleaf_is_migration(e)) { /* what it comes back with */
		v = protect_mapped(how, pte_of_migration(e, pte_pfn(e)));
		return make_migration_entry((pte_t){ v });
	}
	v = protect_mapped(how, e);
	if (how->mkwrite && can_change_writable(mm->domain.semantics, (pte_t){ v }))
		v |= PTE_RW;
	return (pte_t){ v };
}

/* Not for bits that no walk reads (pte_needs_flush on x86). */
static bool needs_flush(pte_t old, pte_t new)
{
	const uint64_t software = PTE_EXCL | PTE_UFFD_WP | PTE_SOFT_DIRTY;

	return pte_mapped(old) && ((old.v ^ new.v) & ~software);
}

/* Under the ptl. The walk sets accessed and dirty: exchange, do not store. */
static bool protect_entry(struct mmun_mm *mm, const struct protect *how, const struct ptep *p,
			  uint64_t addr)
{
	pte_t old = pte_get(p->entry), new;

	if (pte_none(old) || pte_same(old, protect_bits(mm, how, old)))
		return false;
	old = p->level ? pmdp_invalidate(p, addr, old) : ptep_get_and_clear(p->entry, addr);
	pass_flush_point(mm, how->op, FLUSH_POINT_CLEAR, flush_entry(addr, p->level));
	new = protect_bits(mm, how, old);
	set_pte(p->entry, addr, new);
	pass_flush_point(mm, how->op, FLUSH_POINT_SET, flush_entry(addr, p->level));
	return needs_flush(old, new);
}

static bool protect_table(struct mmun_mm *mm, const struct protect *how, struct ptep p,
			  uint64_t addr, uint64_t end)
{
	const struct ptep first = p;
	bool changed = false;

	(void)pte_lock(&first, addr);
	flush_tlb_batched_pending(mm);
	for (; addr < end; addr += PAGE_BYTES, p = ptep_next(p))
		changed |= protect_entry(mm, how, &p, addr);
	pte_unlock(&first);
	return changed;
}

bool protect_entries(struct mmun_mm *mm, const struct protect *how, uint64_t start, uint64_t end)
{
	bool changed = false;
	struct ptep p;

	while (pgtable_next(&mm->pt, &start, end, &p)) {
		uint64_t next = table_end(start, end);

		if (p.level == 0) {
			changed |= protect_table(mm, how, p, start, next);
		} else if (next - start < HUGE_BYTES) {
			huge_split_entry(mm, start);
			continue;
		} else {
			if (!pte_lock(&p, start))
				continue;
			changed |= protect_entry(mm, how, &p, start);
			pte_unlock(&p);
		}
		start = next;
	}
	return changed;
}

/*
 * Somebody else's change, which we have seen and our caller relies on, may not be flushed
 * yet (mm_tlb_flush_nested): of who changes bits as we do, or of who zaps.
 */
static bool flush_is_pending(const struct mmun_mm *mm)
{
	return load_acquire(&mm->tlb_flush_pending) > 1 || load_acquire(&mm->gathers);
}

bool protect_range(struct mmun_mm *mm, const struct protect *how, uint64_t start, uint64_t end)
{
	struct flush f = flush_range(start, end);
	struct mmu_notifier_range range;
	uint64_t first = start;
	bool changed;
	struct ptep p;

	/* As change_protection(): no table, no notifier. */
	if (!pgtable_next(&mm->pt, &first, end, &p))
		return false;
	range_init(&range, mm, how->event, start, end);
	invalidate_range_start(&range);
	add_acq_rel(&mm->tlb_flush_pending, 1);
	changed = protect_entries(mm, how, start, end);
	if (!mm_mutated(mm, how->op, MUTATION_NESTED)) /* 99baac21e458 */
		changed = changed || flush_is_pending(mm);
	pass_flush_point(mm, how->op, FLUSH_POINT_UNLOCK, f);
	invalidate_range_end(&range, how->op);
	if (changed) {
		flush_tlb_range(mm, f);
		pass_flush_point(mm, how->op, FLUSH_POINT_AFTER, f);
	}
	add_acq_rel(&mm->tlb_flush_pending, (uint64_t)-1);
	return changed;
}
