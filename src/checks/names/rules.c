/* SPDX-License-Identifier: MIT */
/*
 * rules.c - holds a check to the rules of page tables, which the vm's own operations keep by
 * construction: an entry is changed under its lock, in the name of the address that it maps, and
 * what takes something away happens between a start and its end. Called by the words that change
 * an entry (mm.c).
 *
 * What a rule depends on can change meanwhile: a table is moved or taken away, and what an entry
 * names is emptied. So looking at that is an operation of the door, and the search tries both
 * orders. It is a step of the execution only where it can make a difference:
 *
 *      which address a leaf entry maps     always, since its table may be moved
 *      is anything mapped below            only outside of a range
 *      does a walk reach the table         only if it would be a finding
 *
 * The first two come before the change: what they accuse would have been so if the change had
 * followed at once, which is an execution too. Nobody is accused of what another thread did
 * between the look and the change.
 */
#include "checks/names/names.h"
#include "checks/names/rules.h"

/* Does a walk from the top find this table? Else nobody else knows it yet. */
static bool is_reached(const struct mmun_mm *mm, const struct change *c)
{
	pfn_t at = mm->pt.pgd;

	for (unsigned level = TABLE_LEVELS - 1; level > c->of->level; level--) {
		unsigned index = entry_index(c->address, level);
		pte_t e = { load_relaxed(&frame_memory(c->machine, at)[index]) };

		if (!pte_present(e) || pte_huge(e) || pte_pfn(e).v >= c->machine->frames)
			return false;
		at = pte_pfn(e);
	}
	return at.v == c->table.v;
}

/* Is what this present entry names a table in which nothing is mapped? Such a one goes after
 * range_end, as in free_pgtables(). */
static bool names_empty(const struct change *c)
{
	pte_t e = { load_relaxed(c->entry) };
	bool empty = pte_present(e) && !pte_huge(e) && pte_pfn(e).v < c->machine->frames;

	for (unsigned n = 0; empty && n < TABLE_ENTRIES; n++)
		empty = !pte_mapped((pte_t){
			load_relaxed(&frame_memory(c->machine, pte_pfn(e))[n]) });
	return empty;
}

static uint64_t offset_of(const struct mmun_machine *m, const atomic_u64 *entry, pfn_t table)
{
	return (uint64_t)(entry - frame_memory(m, table));
}

UNWATCHED uint64_t change_address(const struct mmun_machine *m, const atomic_u64 *entry)
{
	uint64_t offset = (uint64_t)((const char *)entry - m->memory);
	pfn_t table = { (uint32_t)(offset >> SYNC_PAGE_SHIFT) };
	const struct ptdesc *d = ptdesc_of(m, table);

	return table_base(d->base.v) + offset_of(m, entry, table) * entry_bytes(d->level);
}

static struct mmun_mm *owner_of(const struct change *c)
{
	return c->of->pgtable ? mm_of(c->of->pgtable) : NULL;
}

void change_look(struct change *c)
{
	const struct mmun_mm *owner = owner_of(c);
	uint64_t base = c->of->level ? c->of->base.v : load_relaxed(&c->of->base);

	c->address = table_base(base) + offset_of(c->machine, c->entry, c->table) *
		entry_bytes(c->of->level);
	c->empty = owner && c->of->level && !sync_in_range_(&owner->domain, c->address) &&
		   names_empty(c);
}

static bool takes_away(const struct change *c, pte_t old, pte_t new)
{
	if (!pte_mapped(old) || c->empty)
		return false;
	return !pte_mapped(new) || (pte_present(old) && !pte_present(new)) ||
	       pte_pfn(old).v != pte_pfn(new).v || (pte_write(old) && !pte_write(new));
}

/* The word that is changed is one of a page table, and so is what it names as a table. A
 * freed one is the business of the oracle of lifetimes. */
static void judge_table(const struct change *c, pte_t new)
{
	const struct frame *f = frame_of(c->machine, c->table), *below;

	if (f->flags && !(f->flags & FRAME_TABLE))
		explore_fail(ORACLE_PROTOCOL, "%s:%d changes an entry in frame %u, which is no "
			     "page table", c->site->function, c->site->line, c->table.v);
	if (c->of->level != 1 || !pte_present(new) || pte_huge(new))
		return;
	below = pte_pfn(new).v < c->machine->frames ? frame_of(c->machine, pte_pfn(new)) : NULL;
	if (!below || (below->flags && !(below->flags & FRAME_TABLE)))
		explore_fail(ORACLE_PROTOCOL, "%s:%d makes frame %u a page table, which is none",
			     c->site->function, c->site->line, pte_pfn(new).v);
}

void change_judge(const struct change *c, pte_t old, pte_t new)
{
	const struct mmun_mm *owner = owner_of(c);
	bool unlocked, untold, misnamed;

	judge_table(c, new);
	if (!owner)
		return;
	unlocked = !sync_holds_(table_lock(c->machine, c->table, c->of->level));
	untold = takes_away(c, old, new) && !sync_in_range_(&owner->domain, c->address);
	misnamed = owner != c->mm ||
		   (c->addr & ~(entry_bytes(c->of->level) - 1)) != c->address;
	if (!(unlocked || untold || misnamed) || !is_reached(owner, c))
		return;
	if (unlocked)
		explore_fail(ORACLE_PROTOCOL, "%s:%d changes the entry of %#lx without its lock",
			     c->site->function, c->site->line, (unsigned long)c->address);
	if (misnamed)
		explore_fail(ORACLE_PROTOCOL, "%s:%d changes the entry of %#lx in the name of "
			     "%#lx", c->site->function, c->site->line,
			     (unsigned long)c->address, (unsigned long)c->addr);
	else if (untold)
		explore_fail(ORACLE_PROTOCOL, "%s:%d changes the present entry of %#lx outside of "
			     "invalidate_range_start and end", c->site->function, c->site->line,
			     (unsigned long)c->address);
}
