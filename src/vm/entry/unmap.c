/* SPDX-License-Identifier: MIT */
/*
 * unmap.c - taking away areas with all that they map, and the page tables that served only
 * them, as unmap_region() and free_pgtables() in mm/mmap.c and mm/memory.c. Called by
 * munmap and exit.
 */
#include "vm/entry/entry.h"

enum { LEAF = 0, TOP = TABLE_LEVELS - 1 };

/* The tables below the table at base, as in free_pgd_range() in mm/memory.c. */
static void free_tables_below(struct gather *g, pfn_t table, unsigned level,
			      uint64_t start, uint64_t end, uint64_t floor, uint64_t ceiling)
{
	uint64_t span = entry_bytes(level), base, next;

	for (; start < end; start = next) {
		atomic_u64 *entry = table_entry(g->mm->machine, table, start, level);
		pte_t e = { load_relaxed(entry) };

		base = start & ~(span - 1);
		next = base + span;
		if (!pte_table(e)) /* a huge entry belongs to a neighbor */
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
		gather_table(g, pte_pfn(e), base, level);
	}
}

void free_pgtables(struct gather *g, uint64_t start, uint64_t end,
		   uint64_t floor, uint64_t ceiling)
{
	sync_event(TABLES_FREE, (uintptr_t)g->mm, start, end);
	free_tables_below(g, g->mm->pt.pgd, TOP, start, end, floor, ceiling);
}

bool unmap_detach(struct unmap *u)
{
	if (!vma_first(u->mm, u->start, u->end))
		return false;
	vma_start_write_range(u->mm, u->start, u->end);
	u->gone = vma_detach_range(u->mm, u->start, u->end);
	return true;
}

void unmap_region(const struct unmap *u)
{
	struct gather g;

	sync_assert_held(&u->mm->mmap_lock);
	gather_init(&g, u->mm, u->op);
	zap_range(&g, MMU_NOTIFY_UNMAP, ZAP_ALL, u->start, u->end);
	/* Before the tables go: who comes by an object finds areas with tables. */
	for (struct vma *v = u->gone; v; v = v->next_gone)
		if (v->object)
			object_unlink(v);
	/* The end of the range is no place to free: the gather is. */
	free_pgtables(&g, u->start, u->end, u->floor, u->ceiling);
	gather_finish(&g);
	vma_free_detached(u->gone);
}
