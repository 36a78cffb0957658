/* SPDX-License-Identifier: MIT */
/*
 * pgtable.c - page tables: finding entries, making and freeing tables, changing
 * entries that map pages. Invariant: an entry of an upper table is none, names a
 * table frame, or, at level 1, maps a huge page. A table is freed only through a
 * gather, whose flush covers all that the table can map and so waits for every
 * hardware walker that can be inside it, and which waits for RCU sections.
 */
#include <errno.h>

#include "vm/pt/pt.h"

enum { LEAF = 0, TOP = TABLE_LEVELS - 1 };

/* Descends to this level as far as there are tables; *level tells how far that
 * was, *last what the entry was that stopped it. */
static pfn_t descend(const struct pgtable *pt, uint64_t addr, unsigned to, unsigned *level,
		     pte_t *last)
{
	pfn_t table = pt->pgd;
	unsigned l;

	*last = (pte_t){ 0 };
	for (l = TOP; l > to; l--) {
		/* Pairs with cmpxchg_acq_rel in table_install(). */
		pte_t e = { load_acquire(table_entry(pt->machine, table, addr, l)) };

		*last = e;
		if (!pte_table(e))
			break;
		table = pte_pfn(e);
	}
	*level = l;
	return table;
}

struct ptep pgtable_walk(const struct pgtable *pt, uint64_t addr)
{
	unsigned level;
	pte_t last;
	pfn_t table = descend(pt, addr, LEAF, &level, &last);

	if (level == LEAF || pte_huge(last))
		return ptep_in(pt->machine, table, addr, level);
	return (struct ptep){ 0 };
}

/* What the hardware's last step reads, and where. */
static pte_t walk_hw(const struct pgtable *pt, uint64_t addr, atomic_u64 **ret_entry)
{
	unsigned level;
	pte_t last;
	pfn_t table = descend(pt, addr, LEAF, &level, &last);

	*ret_entry = table_entry(pt->machine, table, addr, level);
	if (level != LEAF)
		return last;
	/* Pairs with store_release in set_pte(): the page's contents are there. */
	return (pte_t){ load_acquire(*ret_entry) };
}

/*
 * An entry may be used for writing only once its dirty bit is set: whoever clears
 * the entry afterwards sees the bit, and whoever cleared it before makes the
 * exchange fail.
 */
pte_t pgtable_walk_hw(const struct pgtable *pt, uint64_t addr, bool write)
{
	uint64_t bits = write ? PTE_A | PTE_D | PTE_SOFT_DIRTY : PTE_A;
	atomic_u64 *entry;
	pte_t e = walk_hw(pt, addr, &entry);

	while (pte_present(e) && (!write || pte_write(e)) && (e.v & bits) != bits) {
		if (cmpxchg_acq_rel(entry, &e.v, e.v | bits))
			e.v |= bits;
		else
			e = walk_hw(pt, addr, &entry);
	}
	return pte_huge(e) ? pte_of_huge(e, entry_index(addr, LEAF)) : e;
}

bool table_alloc(struct pgtable *pt, uint64_t addr, unsigned level, pfn_t *ret_table)
{
	struct rmap_link *link = NULL;
	struct ptdesc *d;

	if (level <= 1) {
		link = sync_alloc(TABLE_ENTRIES * sizeof(*link));
		if (!link)
			return false;
	}
	if (!frame_alloc(pt->machine, FRAME_TABLE, true, ret_table)) {
		sync_free(link);
		return false;
	}
	d = ptdesc_of(pt->machine, *ret_table);
	d->link = link;
	d->pgtable = pt;
	d->level = level;
	d->deposit = 0;
	store_relaxed(&d->base, addr & ~(entry_bytes(level) * TABLE_ENTRIES - 1));
	return true;
}

void table_free(struct mmun_machine *m, pfn_t table)
{
	struct ptdesc *d = ptdesc_of(m, table);

	ASSERT(!d->deposit);
	sync_free(d->link);
	d->link = NULL;
	frame_free(m, table);
}

void pgtable_deposit(struct mmun_machine *m, const struct ptep *pmd, pfn_t table)
{
	struct ptdesc *d = ptdesc_of(m, pmd->table);

	ptdesc_of(m, table)->next_deposit = d->deposit;
	d->deposit = table.v + 1;
}

pfn_t pgtable_withdraw(struct mmun_machine *m, const struct ptep *pmd, uint64_t addr)
{
	struct ptdesc *d = ptdesc_of(m, pmd->table);
	pfn_t table = { d->deposit - 1 };

	ASSERT(d->deposit);
	d->deposit = ptdesc_of(m, table)->next_deposit;
	store_relaxed(&ptdesc_of(m, table)->base, huge_down(addr));
	return table;
}

/* Two faults may both find none: one table stays, the other one is given back.
 * -EEXIST: a huge entry came first; -ENOMEM. */
static int table_install(struct pgtable *pt, uint64_t addr, unsigned level, pfn_t *table)
{
	atomic_u64 *entry = table_entry(pt->machine, *table, addr, level);
	pte_t old = { 0 };
	pfn_t new;

	if (!table_alloc(pt, addr, level - 1, &new))
		return -ENOMEM;
	if (!cmpxchg_acq_rel(entry, &old.v, pte_make(new, PTE_WRITABLE).v)) {
		table_free(pt->machine, new);
		if (!pte_table(old))
			return -EEXIST;
		new = pte_pfn(old);
	}
	*table = new;
	return 0;
}

/* Down to this level, or to a huge entry. False: no memory. */
static bool descend_alloc(struct pgtable *pt, uint64_t addr, unsigned to, struct ptep *ret_ptep)
{
	unsigned level;
	pte_t last;
	pfn_t table = descend(pt, addr, to, &level, &last);

	for (; level > to && !pte_huge(last); level--) {
		int err = table_install(pt, addr, level, &table);

		if (err == -EEXIST)
			break;
		if (err)
			return false;
	}
	*ret_ptep = ptep_in(pt->machine, table, addr, level);
	return true;
}

bool pgtable_walk_alloc(struct pgtable *pt, uint64_t addr, struct ptep *ret_ptep)
{
	return descend_alloc(pt, addr, LEAF, ret_ptep);
}

bool pgtable_walk_pmd(struct pgtable *pt, uint64_t addr, bool alloc, struct ptep *ret_ptep)
{
	unsigned level;
	pte_t last;
	pfn_t table;

	if (alloc)
		return descend_alloc(pt, addr, 1, ret_ptep);
	table = descend(pt, addr, 1, &level, &last);
	*ret_ptep = level == 1 ? ptep_in(pt->machine, table, addr, 1) : (struct ptep){ 0 };
	return true;
}

bool pgtable_next(const struct pgtable *pt, uint64_t *addr, uint64_t end, struct ptep *ret_ptep)
{
	while (*addr < end) {
		unsigned level;
		pte_t last;
		pfn_t table = descend(pt, *addr, LEAF, &level, &last);

		if (level == LEAF || pte_huge(last)) {
			*ret_ptep = ptep_in(pt->machine, table, *addr, level);
			return true;
		}
		/* Nothing below this entry: on to what the next one maps. */
		*addr = (*addr & ~(entry_bytes(level) - 1)) + entry_bytes(level);
	}
	return false;
}

pte_t pgtable_translate(const struct pgtable *pt, uint64_t addr)
{
	struct ptep p = pgtable_walk(pt, addr);
	pte_t e = p.entry ? pte_get(p.entry) : (pte_t){ 0 };

	if (pte_none(e) || softleaf_is_swap(e) || !p.level)
		return e;
	return pte_of_huge(e, entry_index(addr, 0));
}

/* --- entries that map pages ---------------------------------------------- */

bool pte_lock(const struct ptep *p, uint64_t addr)
{
	spin_lock(p->ptl);
	if (p->level && !pte_huge(pte_get(p->entry))) {
		spin_unlock(p->ptl);
		return false;
	}
	sync_event(TABLE_LOCK, addr);
	return true;
}

bool pte_map_lock(const struct pgtable *pt, uint64_t addr, struct ptep *ret_p)
{
	do {
		*ret_p = pgtable_walk(pt, addr);
		if (!ret_p->entry)
			return false;
	} while (!pte_lock(ret_p, addr));
	return true;
}

void pte_unlock(const struct ptep *p)
{
	spin_unlock(p->ptl);
	sync_event(TABLE_UNLOCK);
}

void pte_lock_two(const struct ptep *a, const struct ptep *b)
{
	spin_lock(a->ptl < b->ptl ? a->ptl : b->ptl);
	if (a->ptl != b->ptl)
		spin_lock(a->ptl < b->ptl ? b->ptl : a->ptl);
	sync_event(TABLES_LOCK);
}

void pte_unlock_two(const struct ptep *a, const struct ptep *b)
{
	spin_unlock(a->ptl);
	if (a->ptl != b->ptl)
		spin_unlock(b->ptl);
	sync_event(TABLES_UNLOCK);
}

pte_t ptep_get_and_clear(atomic_u64 *e, uint64_t addr)
{
	pte_t old = { xchg_acq_rel(e, 0) };

	sync_event(ENTRY_CLEAR, addr);
	return old;
}

pte_t ptep_clear_bits(atomic_u64 *e, uint64_t addr, pte_t old, uint64_t bits)
{
	pte_t new;

	do
		new = pte_clear_bits(old, bits);
	while (!cmpxchg_acq_rel(e, &old.v, new.v));
	sync_event(ENTRY_SET, addr, pte_pfn(new).v, pte_rights(new));
	return old;
}

void set_pte(atomic_u64 *e, uint64_t addr, pte_t pte)
{
	store_release(e, pte.v);
	sync_event(ENTRY_SET, addr, pte_pfn(pte).v, pte_rights(pte));
}

pte_t pmdp_invalidate(const struct ptep *p, uint64_t addr, pte_t seen)
{
	sync_assert_held(p->ptl);
	if (!pte_present(seen)) /* then nobody changes it without the lock */
		return seen;
	/* The walk may have set accessed and dirty since. */
	seen.v = xchg_acq_rel(p->entry, seen.v & ~(uint64_t)PTE_P);
	sync_event(HUGE_INVALIDATE, addr);
	return seen;
}
