/* SPDX-License-Identifier: MIT */
/*
 * huge.c - entries of level 1 that map a huge page: making them by a fault, writing to
 * them, splitting and forking them, as in mm/huge_memory.c. Invariant: with each huge
 * entry, its MIGRATION too, exactly one empty leaf table is deposited, and a huge entry
 * changes only under its pml. It becomes none only to stay so: from none on a fault
 * may put a table there without the lock.
 *
 * The entry alone is split, not the page: the frames stay one page, counted by the head,
 * and each small entry has a reference to it. split.c splits the page.
 */
#include <errno.h>

#include "vm/vm.h"

/* --- faults -------------------------------------------------------------- */

/* False: somebody else was faster; nothing of the caller's was used. */
static bool huge_map_new(struct mmun_mm *mm, const struct ptep *pmd, uint64_t addr,
			 pfn_t head, pfn_t table)
{
	pte_t new = pte_make(head, PTE_WRITABLE | PTE_EXCL | PTE_PS), old = { 0 };
	bool none;

	spin_lock(pmd->ptl);
	/* Pairs with cmpxchg_acq_rel in table_install(), which takes no lock. */
	none = cmpxchg_acq_rel(pmd->entry, &old.v, new.v);
	if (none) {
		pgtable_deposit(mm, pmd, table);
		rmap_add_new(mm->machine, head, pmd);
		sync_note("set huge entry of %#lx -> frame %u, rw", (unsigned long)addr, head.v);
	}
	spin_unlock(pmd->ptl);
	(void)addr;
	return none;
}

/*
 * The first write only. For a read Linux maps a huge zero page; here small pages serve,
 * as they do where there is a table already, or no huge frame.
 */
int huge_fault(struct mmun_mm *mm, const struct vma *v, uint64_t addr, bool write)
{
	struct ptep pmd;
	pfn_t head, table;

	if (!write || !vma_anonymous(v) || vma_shared(v) || !huge_range_in(v, addr))
		return -EAGAIN;
	if (!pgtable_walk_pmd(mm, addr, true, &pmd))
		return -ENOMEM;
	if (!pte_none(pte_get(pmd.entry)))
		return -EAGAIN;
	if (!frame_alloc_huge(mm->machine, true, &head))
		return -EAGAIN;
	if (!table_alloc(mm, addr, 0, &table)) {
		frame_free(mm->machine, head);
		return -ENOMEM;
	}
	if (!huge_map_new(mm, &pmd, huge_down(addr), head, table)) {
		table_free(mm->machine, table);
		frame_free(mm->machine, head);
	}
	return 0;
}

/* Nobody else maps the page, and nobody who holds the pml lets it be shared. */
static bool can_reuse_huge(const struct mmun_mm *mm, pte_t e)
{
	/* Pairs with add_acq_rel in frame_put(): others' accesses are over. */
	return pte_exclusive(e) ||
	       load_acquire(&frame_of(mm->machine, pte_pfn(e))->refcount) == 1;
}

/* Present, and not writable; under the pml. False: small pages must do. */
static bool huge_wp_reuse(struct mmun_mm *mm, const struct ptep *p, uint64_t addr, pte_t e)
{
	/* The write takes the protection from one small page, not from all. */
	if (pte_uffd_wp(e) || !can_reuse_huge(mm, e))
		return false;
	set_pte(p->entry, addr, pte_set_bits(pte_mkwrite(e), PTE_A | PTE_EXCL));
	return true;
}

/* The huge page is not copied: its entry is split, and the next fault copies a small one. */
int huge_wp_fault(struct mmun_mm *mm, const struct vma *v, uint64_t addr, bool write)
{
	bool done = true;
	struct ptep p;
	pte_t e;
	sync_operation("HUGE_WP");

	(void)v; /* what the access needs it allows: fault_area() has looked */
	if (!pte_map_lock(mm, addr, &p))
		return 0;
	e = pte_get(p.entry);
	if (!p.level)
		done = true; /* split meanwhile */
	else if (pte_present(e) && write && !pte_write(e))
		done = huge_wp_reuse(mm, &p, huge_down(addr), e);
	else if (!pte_present(e) && pte_mapped(e)) /* a hint, or mprotect gave it back */
		set_pte(p.entry, huge_down(addr), pte_allow(e));
	if (p.level && pte_present(e) && write && done)
		fault_tell_upgrade(mm, huge_down(addr), huge_down(addr) + HUGE_BYTES);
	pte_unlock(&p);
	if (p.level && pte_migration(e))
		migration_entry_wait(mm, e);
	if (!done)
		huge_split_entry(mm, addr);
	return 0;
}

/* --- splitting an entry -------------------------------------------------- */

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
 *      split, under the pml                processor
 *                                          [TLB: 2 MiB]
 *      entry: not present
 *      flush [waits for who uses it]
 *                                          miss, walk: faults, waits for the pml
 *      table in place of the entry
 *                                          walk: 4 KiB
 *
 * The secondary TLBs may keep what they have (classic semantics do not tell them): same
 * frames, same rights, and who changes a small entry later flushes it then. Not so if
 * the small entries are MIGRATION entries: see split.c. Bits are taken over by the
 * exchange in pmdp_invalidate(): none that the walk sets is lost. Run by
 * tests/explore_huge.c.
 */
void huge_split_locked(struct mmun_mm *mm, const struct ptep *p, uint64_t addr, bool migrate)
{
	uint64_t end = addr + HUGE_BYTES;
	struct mmun_machine *m = mm->machine;
	pte_t e = pmdp_invalidate(p, addr, pte_get(p->entry));
	pfn_t head = pte_pfn(e), table;

	/* A hint's flush may still be to come, as in ptep_clear_flush(). */
	if (pte_present(e) || (pte_mapped(e) && mm_tlb_flush_pending(mm)))
		flush_tlb_range(mm, addr, end);
	secondary_point(mm, MM_OP_SPLIT, NOTIFY_CLEAR, addr, end);
	/* As share_entry() in fork.c: a pin sees the change, or is seen here. */
	if (pte_migration(e) || (pte_exclusive(e) && add_acq_rel(&frame_of(m, head)->pins, 0)))
		migrate = false;
	split_references(m, e, migrate);
	table = pgtable_withdraw(mm, p, addr);
	split_fill(m, ptep_in(mm, table, addr, 0), migrate ? pte_to_migration(e) : e);
	/* Nobody zaps the small entries, and frees the page, before it has left its ring. */
	spin_lock(&frame_of(m, table)->ptl);
	/* Pairs with load_acquire in descend(). */
	store_release(p->entry, pte_make(table, PTE_WRITABLE).v);
	rmap_remove(m, head, p); /* last: whoever walks the ring misses nothing */
	spin_unlock(&frame_of(m, table)->ptl);
	sync_note("split huge entry of %#lx", (unsigned long)addr);
	secondary_point(mm, MM_OP_SPLIT, NOTIFY_SET, addr, end);
}

void huge_split_entry(struct mmun_mm *mm, uint64_t addr)
{
	uint64_t start = huge_down(addr), end = start + HUGE_BYTES;
	struct ptep p = pgtable_walk(mm, start);
	struct mmu_notifier_range range;

	if (!p.entry || !p.level)
		return;
	range_init(&range, mm, MMU_NOTIFY_CLEAR, start, end);
	invalidate_range_start(&range);
	if (pte_lock(&p, start)) {
		huge_split_locked(mm, &p, start, false);
		pte_unlock(&p);
	}
	secondary_point(mm, MM_OP_SPLIT, NOTIFY_UNLOCK, start, end);
	invalidate_range_end(&range, MM_OP_SPLIT);
	secondary_point(mm, MM_OP_SPLIT, NOTIFY_AFTER, start, end);
}

/* --- fork ---------------------------------------------------------------- */

static const uint64_t share_bits = PTE_RW | PTE_EXCL;

static void wrprotect_huge(struct mmun_mm *mm, const struct ptep *p, uint64_t addr, pte_t *e)
{
	if (mm->where[MM_OP_FORK] & NOTIFY_CLEAR) {
		*e = pmdp_invalidate(p, addr, *e);
		secondary_point(mm, MM_OP_FORK, NOTIFY_CLEAR, addr, addr + HUGE_BYTES);
		set_pte(p->entry, addr, pte_clear_bits(*e, share_bits));
	} else {
		*e = ptep_clear_bits(p->entry, addr, *e, share_bits);
	}
	secondary_point(mm, MM_OP_FORK, NOTIFY_SET, addr, addr + HUGE_BYTES);
}

/* share_entry() in fork.c, for a huge page. False: pinned, and left as it was. */
static bool share_huge(struct mmun_mm *mm, const struct ptep *p, uint64_t addr, pte_t *e)
{
	struct frame *f = frame_of(mm->machine, pte_pfn(*e));

	if (!(e->v & share_bits))
		return true;
	wrprotect_huge(mm, p, addr, e);
	if (!pte_mapped(*e) || !pte_exclusive(*e) || add_acq_rel(&f->pins, 0) == 0)
		return true;
	set_pte(p->entry, addr, *e);
	return false;
}

/* The empty table that fork has made for the child is what is deposited. Both pmls. */
static void copy_huge(struct mmun_mm *child, struct mmun_machine *m, const struct ptep *to, pte_t e)
{
	pte_t table = pte_get(to->entry);

	ASSERT(!pte_none(table) && !pte_huge(table));
	pgtable_deposit(child, to, pte_pfn(table));
	if (pte_mapped(e))
		frame_get(m, pte_pfn(e), 1);
	rmap_add(m, pte_pfn(e), to);
	/* What userfaultfd protects, it protects in the parent alone. */
	store_release(to->entry, pte_clear_bits(e, share_bits | PTE_UFFD_WP).v);
}

int huge_copy_entry(struct mmun_mm *child, struct mmun_mm *mm, uint64_t addr)
{
	uint64_t start = huge_down(addr);
	struct ptep from, to;
	bool huge, shared = false;
	pte_t e;

	(void)pgtable_walk_pmd(mm, start, false, &from);
	(void)pgtable_walk_pmd(child, start, false, &to);
	ASSERT(from.entry && to.entry);
	pte_lock_two(&from, &to);
	e = pte_get(from.entry);
	huge = pte_huge(e);
	if (huge)
		shared = share_huge(mm, &from, start, &e);
	if (shared)
		copy_huge(child, mm->machine, &to, e);
	pte_unlock_two(&from, &to);
	if (huge && !shared)
		huge_split_entry(mm, start);
	return shared ? 0 : -EAGAIN;
}
