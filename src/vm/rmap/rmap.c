/* SPDX-License-Identifier: MIT */
/*
 * rmap.c - which entries map a frame. Invariant: an entry maps a frame (or is its
 * MIGRATION entry) if and only if it is in the frame's ring, whenever the entry's ptl
 * is free. The links stand beside the table, so adding one cannot fail.
 *
 * Walkers come without any lock of the address space, so what they found may be gone
 * when they come to lock it. But the struct ptdesc of a table stays, with its locks,
 * whatever the frame is used for by then:
 *
 *      walker                              munmap
 *      rmap_lock: entry 7 of table 3
 *      mm: count + 1; rmap_sem
 *      range_start
 *                                          ptl; clear entry 7, leaves the ring
 *                                          flush
 *                                          detach table 3, free frame 3
 *      ptl of frame 3
 *      rmap_lock: entry 7 of table 3
 *        [is not in the ring]
 *
 * Had the walker found the entry still in the ring, then it would hold the ptl that
 * munmap needs before it can detach the table. Litmus: munmap+move_pages.
 *
 * mremap may move a whole table to another address meanwhile. The entry then stays in
 * the ring, in the same place, but range_start was called for, and a flush would be
 * of, the old address (97113eb39fa7):
 *
 *      walker                              mremap
 *      rmap_lock: entry 7 of table 3,
 *        of address A
 *      range_start of A
 *                                          ptl; table 3 from A to B, flush of A
 *      ptl: entry 7, [now of B]
 *      range_end of A; the same entry again, of B
 *
 * So a table's base counts its moves in its low bits. Run by
 * tests/explore_mremap.c.
 */
#include "vm/rmap/rmap.h"

static slot_t slot_of(const struct mmun_machine *m, const struct ptep *p)
{
	uint64_t index = (uint64_t)(p->entry - frame_memory(m, p->table));

	return (slot_t){ (((uint64_t)p->table.v << SYNC_TABLE_SHIFT) | index) + 1 };
}

static pfn_t slot_table(slot_t s) { return (pfn_t){ (uint32_t)((s.v - 1) >> SYNC_TABLE_SHIFT) }; }
static unsigned slot_index(slot_t s) { return (s.v - 1) & (TABLE_ENTRIES - 1); }

static struct rmap_link *link_of(const struct mmun_machine *m, slot_t s)
{
	return &ptdesc_of(m, slot_table(s))->link[slot_index(s)];
}

/* At the ring's end, so that a walk under way comes by. */
static void ring_insert(struct mmun_machine *m, struct frame *f, slot_t s)
{
	struct rmap_link *link = link_of(m, s), *first, *last;

	f->mapcount++;
	if (!f->rmap.v) {
		f->rmap = s;
		*link = (struct rmap_link){ s, s };
		return;
	}
	first = link_of(m, f->rmap);
	*link = (struct rmap_link){ .next = f->rmap, .prev = first->prev };
	last = link_of(m, first->prev);
	last->next = s;
	first->prev = s;
}

static void ring_remove(struct mmun_machine *m, struct frame *f, slot_t s)
{
	struct rmap_link *link = link_of(m, s);

	sync_contract(f->mapcount && link->next.v,
		      "an entry is not in the reverse map of the page that it maps");
	ASSERT(f->mapcount && link->next.v);
	f->mapcount--;
	if (f->mapcount == 0)
		f->rmap = (slot_t){ 0 };
	else if (f->rmap.v == s.v)
		f->rmap = link->next;
	link_of(m, link->next)->prev = link->prev;
	link_of(m, link->prev)->next = link->next;
	*link = (struct rmap_link){ { 0 }, { 0 } };
}

void rmap_add_new(struct mmun_machine *m, pfn_t pfn, const struct ptep *p)
{
	if (!is_zero_page(m, pfn))
		ring_insert(m, frame_of(m, pfn), slot_of(m, p));
}

void rmap_add(struct mmun_machine *m, pfn_t pfn, const struct ptep *p)
{
	struct frame *f = frame_of(m, pfn);

	if (is_zero_page(m, pfn))
		return;
	spin_lock(&f->rmap_lock);
	ring_insert(m, f, slot_of(m, p));
	spin_unlock(&f->rmap_lock);
}

void rmap_remove(struct mmun_machine *m, pfn_t pfn, const struct ptep *p)
{
	struct frame *f = frame_of(m, pfn);

	if (is_zero_page(m, pfn))
		return;
	spin_lock(&f->rmap_lock);
	ring_remove(m, f, slot_of(m, p));
	spin_unlock(&f->rmap_lock);
}

/* The caller has a reference: the page stays as huge as it is. */
static uint32_t frames_of(const struct mmun_machine *m, pfn_t head)
{
	return frame_of(m, head)->flags & FRAME_HUGE ? TABLE_ENTRIES : 1;
}

uint64_t rmap_count(struct mmun_machine *m, pfn_t head)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < frames_of(m, head); i++) {
		struct frame *f = &m->frame[head.v + i];

		spin_lock(&f->rmap_lock);
		count += f->mapcount;
		spin_unlock(&f->rmap_lock);
	}
	return count;
}

bool rmap_has_dirty(const struct mmun_machine *m, pfn_t pfn)
{
	const struct frame *f = frame_of(m, pfn);
	slot_t s = f->rmap;
	bool dirty = false;

	for (uint64_t n = 0; n < f->mapcount && !dirty; n++, s = link_of(m, s)->next)
		dirty = pte_dirty(pte_get(&frame_memory(m, slot_table(s))[slot_index(s)]));
	return dirty;
}

/* --- walking ------------------------------------------------------------- */

static bool in_ring(const struct mmun_machine *m, const struct frame *f, slot_t s)
{
	slot_t at = f->rmap;

	do {
		if (at.v == s.v)
			return true;
		at = link_of(m, at)->next;
	} while (at.v != f->rmap.v);
	return false;
}

/* The one after this; the first if that has gone; 0: it was the last one. */
static slot_t ring_next(const struct mmun_machine *m, const struct frame *f, slot_t after)
{
	slot_t next;

	if (!f->rmap.v || !after.v || !in_ring(m, f, after))
		return f->rmap;
	next = link_of(m, after)->next;
	return next.v == f->rmap.v ? (slot_t){ 0 } : next;
}

void rmap_walk_end(struct mmun_machine *m, struct rmap_walk *w)
{
	(void)m;
	if (!w->mm)
		return;
	up_read(&w->mm->rmap_sem);
	mm_put(w->mm);
	w->mm = NULL;
}

/* The entry that w has is still in the ring, but of another address by now. */
static bool has_moved(const struct mmun_machine *m, const struct rmap_walk *w,
		      const struct frame *f)
{
	return w->at.v && f->rmap.v && in_ring(m, f, w->at) &&
	       load_acquire(&ptdesc_of(m, slot_table(w->at))->base) != w->base;
}

/* Takes the next entry of this ring into w. False: there is none. */
static bool next_of_frame(struct mmun_machine *m, struct rmap_walk *w, struct frame *f)
{
	const struct ptdesc *table;

	spin_lock(&f->rmap_lock);
	if (!has_moved(m, w, f))
		w->at = ring_next(m, f, w->at);
	if (w->at.v) {
		table = ptdesc_of(m, slot_table(w->at));
		w->bytes = entry_bytes(table->level);
		/* Pairs with table_move(): rmap_lock_entry() looks again. */
		w->base = load_acquire(&table->base);
		w->addr = table_base(w->base) + slot_index(w->at) * w->bytes;
		w->mm = mm_of(table->pgtable);
		mm_get(w->mm); /* its exit must take the entry out of the ring first */
	}
	spin_unlock(&f->rmap_lock);
	return w->mm;
}

bool rmap_next(struct mmun_machine *m, struct rmap_walk *w)
{
	rmap_walk_end(m, w);
	for (; w->frame < frames_of(m, w->head); w->frame++) {
		if (next_of_frame(m, w, &m->frame[w->head.v + w->frame])) {
			down_read(&w->mm->rmap_sem);
			return true;
		}
	}
	return false;
}

/* With the entry's lock held. What is in the ring is of a table in use; its fields hold. */
static bool still_there(struct mmun_machine *m, const struct rmap_walk *w, struct frame *f)
{
	const struct ptdesc *table = ptdesc_of(m, slot_table(w->at));
	bool ok;

	spin_lock(&f->rmap_lock);
	ok = f->rmap.v && in_ring(m, f, w->at) && table->pgtable == &w->mm->pt &&
	     entry_bytes(table->level) == w->bytes && load_acquire(&table->base) == w->base;
	spin_unlock(&f->rmap_lock);
	return ok;
}

bool rmap_lock_entry(struct mmun_machine *m, const struct rmap_walk *w, struct ptep *ret_p)
{
	unsigned level = w->bytes > PAGE_BYTES;
	struct ptep p = {
		.entry = &frame_memory(m, slot_table(w->at))[slot_index(w->at)],
		.ptl = table_lock(m, slot_table(w->at), level),
		.table = slot_table(w->at),
		.level = level,
	};

	spin_lock(p.ptl);
	if (!still_there(m, w, &m->frame[w->head.v + w->frame])) {
		spin_unlock(p.ptl);
		return false;
	}
	sync_event(TABLE_LOCK, w->addr);
	*ret_p = p;
	return true;
}
