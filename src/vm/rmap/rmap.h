/* SPDX-License-Identifier: MIT */
/*
 * rmap.h - the reverse map: which entries map a page, and entries whose page is on the
 * move.
 */
#ifndef MMUN_RMAP_RMAP_H
#define MMUN_RMAP_RMAP_H

#include "vm/flush/flush.h"

/* --- who maps a page: rmap.c --------------------------------------------- */

/*
 * The ring of a frame: the entries that map it; a huge entry is in the ring of the
 * head. Called under the entry's ptl. _new: nobody else knows the page yet. The zero
 * page has none: these do nothing. refcount is the caller's business.
 */
void rmap_add(struct mmun_machine *m, pfn_t pfn, const struct ptep *p);
void rmap_add_new(struct mmun_machine *m, pfn_t pfn, const struct ptep *p);
void rmap_remove(struct mmun_machine *m, pfn_t pfn, const struct ptep *p);
uint64_t rmap_count(struct mmun_machine *m, pfn_t head); /* of all its frames */
bool rmap_has_dirty(const struct mmun_machine *m, pfn_t pfn); /* no locks; for oracles */

/*
 * Walking the rings of a page, with a reference to it and its page lock. Set head;
 * each step gives the next entry, ring order, beginning anew if the last one has
 * gone, and holds mm (alive, not its contents) and its rmap_sem for reading until
 * the next step or rmap_walk_end(). After a removal of the entry it goes on
 * with what is left: a walk that removes ends when nothing is. addr is of the
 * first byte the entry maps.
 *
 *      struct rmap_walk w = { .head = head };
 *      while (rmap_next(m, &w)) {
 *              invalidate_range_start(...w.mm, w.addr...);
 *              if (rmap_lock_entry(m, &w, &p)) { ... pte_unlock(&p); }
 *              invalidate_range_end(...);
 *      }
 */
struct rmap_walk {
	pfn_t head;
	uint32_t frame;      /* head.v + frame is the one whose ring is walked */
	slot_t at;
	struct mmun_mm *mm;  /* NULL: not begun, or over */
	uint64_t base;       /* of its table when addr was computed */
	uint64_t addr;
	uint64_t bytes;      /* PAGE_BYTES, HUGE_BYTES for an entry of level 1 */
};

/* Of the entry that was found. */
static inline struct flush rmap_flush(const struct rmap_walk *w)
{
	return flush_entry(w->addr, w->bytes > PAGE_BYTES);
}

bool rmap_next(struct mmun_machine *m, struct rmap_walk *w);
void rmap_walk_end(struct mmun_machine *m, struct rmap_walk *w); /* when leaving early */

/* Locks the entry. False: it has gone, or moved, and the walk will come by it again at
 * its new place; nothing is locked then. */
bool rmap_lock_entry(struct mmun_machine *m, const struct rmap_walk *w, struct ptep *ret_p);

/* --- entries on the move: migration.c ------------------------------------ */

/* Waits until the page that this MIGRATION entry names has been moved. No ptl held. */
void migration_entry_wait(struct mmun_mm *mm, pte_t entry);

/*
 * The MIGRATION entries of from, a page or one frame of a huge page that was split,
 * become present with to, which may be the same, and take their references and places
 * in the rmap. Both pages locked, with a reference to to (ops/migrate.c).
 */
void migration_restore(struct mmun_machine *m, pfn_t from, pfn_t to);

#endif
