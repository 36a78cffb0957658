/* SPDX-License-Identifier: MIT */
/*
 * migration.c - entries on the move: waiting for one, and bringing them back. Invariant: a
 * MIGRATION entry names a page that is locked, or is about to be restored by who splits it;
 * it is in that page's ring and has no reference. Who makes them: ops/migrate.c,
 * ops/split.c.
 */
#include "vm/rmap/rmap.h"

/* The caller holds what it needs to fault, and the page's owner waits for none of that. */
static void wait_for_page(struct mmun_machine *m, pfn_t pfn)
{
	struct frame *f = frame_of(m, pfn);

	mutex_lock(&f->page_lock);
	mutex_unlock(&f->page_lock);
}

/*
 * The page may have been moved since, and its frame be somebody else's: then this waits
 * for nothing in particular, and not for long. What is a huge page and what is not
 * cannot be told without a reference, so among those frames two locks are waited for.
 */
void migration_entry_wait(struct mmun_mm *mm, pte_t entry)
{
	struct mmun_machine *m = mm->machine;
	pfn_t pfn = pte_pfn(entry), first = { pfn.v & ~((uint32_t)TABLE_ENTRIES - 1) };

	wait_for_page(m, pfn);
	if (pfn.v >= m->huge_base && first.v != pfn.v)
		wait_for_page(m, first);
}

static void restore_entry(struct mmun_machine *m, const struct rmap_walk *w,
			  const struct ptep *p, pfn_t to)
{
	pfn_t from = { w->head.v + w->frame };
	pte_t e = pte_get(p->entry);

	if (!softleaf_is_migration(e)) /* done, and come by again */
		return;
	to.v += w->frame;
	if (from.v != to.v) {
		rmap_remove(m, from, p);
		rmap_add(m, to, p);
	}
	frame_get(m, to, 1);
	set_pte(p->entry, w->addr, pte_of_migration(e, to));
}

/*
 * An entry that cannot be locked has left the ring, or its table has been moved, and then
 * the walk comes by again. What fork copies meanwhile, and mremap moves, is at the ring's
 * end before the original is restored or gone: so no entry is missed.
 */
void migration_restore(struct mmun_machine *m, pfn_t from, pfn_t to)
{
	struct rmap_walk w = { .head = from };
	struct ptep p;

	while (rmap_next(m, &w)) {
		if (!rmap_lock_entry(m, &w, &p))
			continue;
		restore_entry(m, &w, &p, to);
		pte_unlock(&p);
	}
}
