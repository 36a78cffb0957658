/* SPDX-License-Identifier: MIT */
/*
 * pt.h - page tables: finding entries, making tables, changing entries.
 *
 * Who holds what when a page table changes. None to table or to huge entry: what keeps
 * tables from being freed (mmap_lock or the area's lock), by compare and exchange; table
 * to none: mmap_lock, and all the areas there for writing or detached. A huge entry changes
 * under the pmd lock, to a table too. Leaf entries change under the ptl. Who comes by the
 * reverse map holds no lock of the address space: tables are freed an RCU grace period after
 * they were detached. Hardware walks without any lock, in a guard section; flushing a TLB
 * waits for it.
 */
#ifndef MMUN_PT_PT_H
#define MMUN_PT_PT_H

#include "vm/pt/softleaf.h"

/* The page tables of an address space. */
struct pgtable {
	struct mmun_machine *machine; /* constant: whose frames they are */
	pfn_t pgd;                    /* constant: the table of the top level */
};

/* An entry of a table, with the lock that it changes under. */
struct ptep {
	atomic_u64 *entry;   /* NULL: there is no table */
	spin_t *ptl;         /* the ptl of a leaf table, the pmd lock at level 1 */
	pfn_t table;
	unsigned level;      /* 0, or 1: maps a huge page */
};

/*
 * The leaf entry of addr, or the huge one that maps it (level 1); entry is NULL
 * if there is no table. Caller: mmap_lock or the area's lock. Another thread may
 * split, drop or make a huge entry: see pte_map_lock().
 */
struct ptep pgtable_walk(const struct pgtable *pt, uint64_t addr);

/* The same, making tables down to the leaf. False: no frame. A huge entry is left. */
bool pgtable_walk_alloc(struct pgtable *pt, uint64_t addr, struct ptep *ret_ptep);

/* The entry of level 1 whatever it is, making the tables above. False: no frame. */
bool pgtable_walk_pmd(struct pgtable *pt, uint64_t addr, bool alloc, struct ptep *ret_ptep);

/* The first leaf table or huge entry at or after *addr, before end; *addr moves there. */
bool pgtable_next(const struct pgtable *pt, uint64_t *addr, uint64_t end, struct ptep *ret_ptep);

/* Finds and locks the entry that maps addr, level 0 or 1. False: no table. */
bool pte_map_lock(const struct pgtable *pt, uint64_t addr, struct ptep *ret_p);

/* Locks; false and unlocked if at level 1 and no huge entry any more. */
bool pte_lock(const struct ptep *p, uint64_t addr);
void pte_unlock(const struct ptep *p);

/* Two entries of one level, both still what the walk found; their tables may be one. */
void pte_lock_two(const struct ptep *a, const struct ptep *b);
void pte_unlock_two(const struct ptep *a, const struct ptep *b);

/* What a hardware walker finds, as for a small page, in a guard section. Sets
 * accessed, and dirty for a write, in the entry. */
pte_t pgtable_walk_hw(const struct pgtable *pt, uint64_t addr, bool write);

static inline pte_t pte_get(const atomic_u64 *e) { return (pte_t){ load_acquire(e) }; }
pte_t ptep_get_and_clear(atomic_u64 *e, uint64_t addr);
void set_pte(atomic_u64 *e, uint64_t addr, pte_t pte);

/* Clears only these bits, whatever the walk sets meanwhile. old: what was seen; returns
 * what the entry was in the end. Under the ptl. */
pte_t ptep_clear_bits(atomic_u64 *e, uint64_t addr, pte_t old, uint64_t bits);

/*
 * A huge entry is not present any more, but still one; the old value. Under the pmd lock.
 * It never becomes none for a moment: a fault would put a table there without the lock.
 */
pte_t pmdp_invalidate(const struct ptep *p, uint64_t addr, pte_t seen);

/* A leaf table of this address that nobody else sees yet, and giving it back. */
bool table_alloc(struct pgtable *pt, uint64_t addr, unsigned level, pfn_t *ret_table);
void table_free(struct mmun_machine *m, pfn_t table);

/* What ptdesc.base says: the first address that the table maps, and in the low bits how
 * often it has been moved. */
static inline uint64_t table_base(uint64_t base) { return huge_down(base); }

/* A leaf table is kept with each huge entry, so that splitting it cannot fail. Under the
 * pmd lock. */
void pgtable_deposit(struct mmun_machine *m, const struct ptep *pmd, pfn_t table);
pfn_t pgtable_withdraw(struct mmun_machine *m, const struct ptep *pmd, uint64_t addr);

/* What the entries of a table change under. */
static inline spin_t *table_lock(const struct mmun_machine *m, pfn_t table, unsigned level)
{
	struct ptdesc *d = ptdesc_of(m, table);

	return level ? &d->pmd_lock : &d->ptl;
}

static inline struct ptep ptep_in(const struct mmun_machine *m, pfn_t table, uint64_t addr,
				  unsigned level)
{
	return (struct ptep){
		.entry = &frame_memory(m, table)[entry_index(addr, level)],
		.ptl = table_lock(m, table, level), .table = table, .level = level,
	};
}

/* The next entry of the same table. */
static inline struct ptep ptep_next(struct ptep p)
{
	p.entry++;
	return p;
}

/* The entry of addr as for a small page, {0} if there is no table. No lock; for oracles. */
pte_t pgtable_translate(const struct pgtable *pt, uint64_t addr);

static inline atomic_u64 *table_entry(const struct mmun_machine *m, pfn_t table,
				      uint64_t addr, unsigned level)
{
	return &frame_memory(m, table)[entry_index(addr, level)];
}

#endif
