/* SPDX-License-Identifier: MIT */
/*
 * pgtable.c - page tables: finding entries, making and freeing tables, changing
 * leaf entries. Invariant: an entry of an upper table is none or names a table
 * frame. A table is freed only through a gather, whose flush covers all that
 * the table can map and so waits for every walker that can be inside it.
 */
#include "vm/vm.h"

enum { LEAF = 0, TOP = TABLE_LEVELS - 1 };

static inline atomic_u64 *table_entry(const struct mmun_mm *mm, pfn_t table,
				      uint64_t addr, unsigned level)
{
	return &frame_memory(mm->machine, table)[entry_index(addr, level)];
}

/* Descends as far as there are tables; *level tells how far that was. */
static pfn_t descend(const struct mmun_mm *mm, uint64_t addr, unsigned *level)
{
	pfn_t table = mm->pgd;
	unsigned l;

	for (l = TOP; l > LEAF; l--) {
		/* Pairs with cmpxchg_acq_rel in table_install(). */
		pte_t e = { load_acquire(table_entry(mm, table, addr, l)) };

		if (pte_none(e))
			break;
		table = pte_pfn(e);
	}
	*level = l;
	return table;
}

static struct ptep ptep_in(const struct mmun_mm *mm, pfn_t table, uint64_t addr)
{
	return (struct ptep){
		.entry = table_entry(mm, table, addr, LEAF),
		.ptl = &frame_of(mm->machine, table)->ptl,
	};
}

struct ptep pgtable_walk(const struct mmun_mm *mm, uint64_t addr)
{
	unsigned level;
	pfn_t table = descend(mm, addr, &level);

	return level == LEAF ? ptep_in(mm, table, addr) : (struct ptep){ NULL, NULL };
}

pte_t pgtable_walk_hw(const struct mmun_mm *mm, uint64_t addr)
{
	unsigned level;
	pfn_t table = descend(mm, addr, &level);

	if (level != LEAF)
		return (pte_t){ 0 };
	/* Pairs with store_release in set_pte(): the page's contents are there. */
	return (pte_t){ load_acquire(table_entry(mm, table, addr, LEAF)) };
}

/* Two faults may both find none: one table stays, the other one is given back. */
static bool table_install(const struct mmun_mm *mm, atomic_u64 *entry, pfn_t *ret_table)
{
	pte_t old = { 0 };

	if (!frame_alloc(mm->machine, FRAME_TABLE, true, ret_table))
		return false;
	if (!cmpxchg_acq_rel(entry, &old.v, pte_make(*ret_table, PTE_WRITABLE).v)) {
		frame_free(mm->machine, *ret_table);
		*ret_table = pte_pfn(old);
	}
	return true;
}

bool pgtable_walk_alloc(struct mmun_mm *mm, uint64_t addr, struct ptep *ret_ptep)
{
	unsigned level;
	pfn_t table = descend(mm, addr, &level);

	for (; level > LEAF; level--)
		if (!table_install(mm, table_entry(mm, table, addr, level), &table))
			return false;
	*ret_ptep = ptep_in(mm, table, addr);
	return true;
}

bool pgtable_next(const struct mmun_mm *mm, uint64_t *addr, uint64_t end, struct ptep *ret_ptep)
{
	while (*addr < end) {
		unsigned level;
		pfn_t table = descend(mm, *addr, &level);

		if (level == LEAF) {
			*ret_ptep = ptep_in(mm, table, *addr);
			return true;
		}
		/* Nothing below this entry: on to what the next one maps. */
		*addr = (*addr & ~(entry_bytes(level) - 1)) + entry_bytes(level);
	}
	return false;
}

/* --- leaf entries -------------------------------------------------------- */

void pte_lock(const struct ptep *p, uint64_t addr)
{
	spin_lock(p->ptl);
	(void)addr;
	sync_note("lock page table of %#lx", (unsigned long)addr);
}

void pte_unlock(const struct ptep *p)
{
	spin_unlock(p->ptl);
	sync_note("unlock page table");
}

pte_t ptep_get_and_clear(atomic_u64 *e, uint64_t addr)
{
	pte_t old = { xchg_acq_rel(e, 0) };

	(void)addr;
	sync_note("clear pte of %#lx", (unsigned long)addr);
	return old;
}

void set_pte(atomic_u64 *e, uint64_t addr, pte_t pte)
{
	store_release(e, pte.v);
	(void)addr;
	sync_note("set pte of %#lx -> frame %u, %s", (unsigned long)addr, pte_pfn(pte).v,
		  pte_write(pte) ? "rw" : pte_present(pte) ? "ro" : "no access");
}

pte_t ptep_clear_flush(struct mmun_mm *mm, atomic_u64 *e, uint64_t addr)
{
	pte_t old = ptep_get_and_clear(e, addr);

	if (pte_present(old))
		flush_tlb_range(mm, addr, addr + PAGE_BYTES);
	return old;
}

/* --- freeing tables ------------------------------------------------------ */

/* The tables below the table at base, as in free_pgd_range() in mm/memory.c. */
static void free_tables_below(struct gather *g, pfn_t table, unsigned level,
			      uint64_t start, uint64_t end, uint64_t floor, uint64_t ceiling)
{
	uint64_t span = entry_bytes(level), base, next;

	for (; start < end; start = next) {
		atomic_u64 *entry = table_entry(g->mm, table, start, level);
		pte_t e = { load_relaxed(entry) };

		base = start & ~(span - 1);
		next = base + span;
		if (pte_none(e))
			continue;
		if (level - 1 > LEAF)
			free_tables_below(g, pte_pfn(e), level - 1, start, min_u64(end, next),
					  floor, ceiling);
		if (base < floor || next > ceiling)
			continue;
		/* If this flushes, a walker may pass the entry again: clear it after. */
		if (gather_full(g))
			gather_flush(g);
		store_relaxed(entry, 0);
		gather_span(g, base, next);
		gather_table(g, pte_pfn(e));
	}
}

void free_pgtables(struct gather *g, uint64_t start, uint64_t end,
		   uint64_t floor, uint64_t ceiling)
{
	free_tables_below(g, g->mm->pgd, TOP, start, end, floor, ceiling);
}
