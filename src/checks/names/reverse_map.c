/* SPDX-License-Identifier: MIT */
/*
 * reverse_map.c - the reverse map under a check: the words of mmun/linux/rmap.h.
 */
#include "checks/names/mm.h"

UNWATCHED static bool ring_has(const struct frame *f, uint64_t slot)
{
	slot_t at = f->rmap;

	while (at.v && at.v != slot) {
		pfn_t table = { (uint32_t)((at.v - 1) >> SYNC_TABLE_SHIFT) };

		at = ptdesc_of(names_machine, table)->link[(at.v - 1) & (TABLE_ENTRIES - 1)].next;
		if (at.v == f->rmap.v)
			return false;
	}
	return at.v;
}

unsigned kernel_page_pages_(const struct page *page, const struct sync_site *site)
{
	needs(pfn_of(page), SYNC_AFTER_STEP, site);
	return frame_of_page(page)->flags & FRAME_HUGE ? TABLE_ENTRIES : 1;
}

/* The frame in whose ring the locked entry is, NULL: none. It is that one's for as long as
 * the lock is held, so looking at all of them is no step. */
UNWATCHED static const struct frame *ring_of(const struct ptep *p)
{
	uint64_t index = (uint64_t)(p->entry - frame_memory(names_machine, p->table));
	uint64_t slot = (((uint64_t)p->table.v << SYNC_TABLE_SHIFT) | index) + 1;

	for (uint32_t n = 0; n < names_machine->frames; n++)
		if (ring_has(&names_machine->frame[n], slot))
			return &names_machine->frame[n];
	return NULL;
}

static void ring_leave(const struct frame *f, const struct ptep *p)
{
	rmap_remove(names_machine, pfn_of((const struct page *)(const void *)f), p);
}

void names_ring_follows(const struct ptep *p, pte_t old, pte_t new)
{
	const struct frame *before = ring_of(p);

	if (softleaf_is_migration(new)) {
		if (before == frame_of(names_machine, pte_pfn(new)))
			return;
		if (before)
			ring_leave(before, p);
		rmap_add(names_machine, pte_pfn(new), p);
	} else if (softleaf_is_migration(old) && !pte_mapped(new) && before) {
		ring_leave(before, p);
	}
}

/*
 * Linux's wp_page_copy() adds the new page and removes the old one afterwards. But the links
 * of the rings stand beside the entry, which can be in one ring only: the old page is
 * removed as soon as the new one is added.
 */
void kernel_rmap_(struct page *page, const struct vm_area_struct *vma, uint64_t addr,
		  enum kernel_rmap_op_ op, const struct sync_site *site)
{
	const struct frame *before;
	struct ptep p;

	use_at(vma->vm_mm, site);
	needs(pfn_of(page), SYNC_BEFORE_STEP, site);
	p = pgtable_walk(&vma->vm_mm->pt, addr);
	ASSERT(p.entry);
	demand(sync_holds_(p.ptl), "changes a reverse map without the page table lock of the entry",
	       site);
	before = ring_of(&p);
	/* While its page is on the move, an entry stays: Linux finds it by its area. */
	if (op == KERNEL_RMAP_REMOVE_ && softleaf_is_migration((pte_t){ names_peek(p.entry) }))
		before = NULL;
	if (before && (op != KERNEL_RMAP_REMOVE_ || before == frame_of_page(page)))
		ring_leave(before, &p);
	if (op == KERNEL_RMAP_NEW_)
		rmap_add_new(names_machine, pfn_of(page), &p);
	else if (op == KERNEL_RMAP_ADD_)
		rmap_add(names_machine, pfn_of(page), &p);
	needs(pfn_of(page), SYNC_IN_STEP, site);
	if (op == KERNEL_RMAP_REMOVE_)
		sync_event_at(site, RMAP_REMOVE, pfn_of(page).v, addr);
	else
		sync_event_at(site, RMAP_ADD, pfn_of(page).v, addr);
}

void kernel_rmap_walk_(const struct kernel_at_ *at, struct folio *folio,
		       struct rmap_walk_control *rwc)
{
	struct rmap_walk w = { .head = frame_head(names_machine, pfn_of(&folio->page)) };
	bool more = true;

	needs(w.head, SYNC_AFTER_STEP, &at->site);
	demand(!(frame_of(names_machine, w.head)->flags & FRAME_OBJECT) ||
	       sync_holds_(&frame_of(names_machine, w.head)->page_lock),
	       "walks the reverse map of a file's page without the page lock", &at->site);
	while (more && rmap_next(names_machine, &w)) {
		struct vm_area_struct vma = { .vm_mm = w.mm, .vm_start = w.addr,
					      .vm_end = w.addr + w.bytes };

		needs(w.head, SYNC_IN_STEP, &at->site);
		if (rwc->invalid_vma && rwc->invalid_vma(&vma, rwc->arg))
			continue;
		more = rwc->rmap_one(folio, &vma, w.addr, rwc->arg) &&
		       !(rwc->done && rwc->done(folio));
	}
	if (!more)
		rmap_walk_end(names_machine, &w);
}
