/* SPDX-License-Identifier: MIT */
/*
 * entry.h - entries changed under notification: one at a time (update.c), bits of many
 * (protect.c), taken away (zap.c, unmap.c, object_unmap.c), huge ones split (huge.c); and
 * the areas that go along (vma_edit.c).
 */
#ifndef MMUN_ENTRY_ENTRY_H
#define MMUN_ENTRY_ENTRY_H

#include "vm/rmap/rmap.h"

/* --- one entry: update.c ------------------------------------------------- */

/*
 * Gives one page's entry a new value under notification: see update.c. The rmap
 * follows if the frame changes (new_page: nobody else knows the new one);
 * references do not. False: the entry is not old any more; nothing changed.
 */
bool update_pte(struct mmun_mm *mm, enum mm_op op, const struct ptep *p, uint64_t addr,
		pte_t old, pte_t new, bool new_page);

/* --- taking away: zap.c, unmap.c, object_unmap.c ------------------------- */

/*
 * Taking entries away: zap.c. Drops what is mapped, swapped or moving in [start,
 * end), between start and end of the notifiers; private: only pages that are not
 * the object's are kept. Splits huge entries at the edges. Caller: may notify, and
 * nobody can detach tables of the range.
 */
enum zap_which { ZAP_ALL, ZAP_OBJECT_PAGES };
void zap_entries(struct gather *g, enum zap_which which, uint64_t start, uint64_t end);
void zap_range(struct gather *g, enum mmu_notifier_event event, enum zap_which which,
	       uint64_t start, uint64_t end);

/* Frees the tables that only served [start, end), nothing being mapped in
 * [floor, ceiling) any more. */
void free_pgtables(struct gather *g, uint64_t start, uint64_t end,
		   uint64_t floor, uint64_t ceiling);

/*
 * Taking areas away, of which none crosses start or end. First, with mmap_lock held for writing:
 * waits for their readers and detaches them. No area lies in [floor, ceiling) then: of tables
 * there all is freed. False: there was none. Second, with mmap_lock held either way: unmaps the
 * pages, frees tables and areas.
 */
struct unmap {
	struct mmun_mm *mm;
	enum mm_op op;
	uint64_t start, end, floor, ceiling;
	struct vma *gone;
};
bool unmap_detach(struct unmap *u);
void unmap_region(const struct unmap *u);

/* Takes pages [first, end) of the object away from every area that maps them. */
void object_unmap(struct mmun_object *o, enum zap_which which, uint64_t first, uint64_t end);

/* --- bits: protect.c ----------------------------------------------------- */

/* mprotect, and what else changes bits of entries: protect.c. */
enum protect_access { PROTECT_KEEP, PROTECT_ALLOW, PROTECT_NONE }; /* P or PROTNONE */

struct protect {
	enum mm_op op;
	enum mmu_notifier_event event;
	uint64_t clear, set;   /* bits of entries */
	bool mkwrite;          /* what is exclusive becomes writable at once */
	enum protect_access access;
};

/* Without start, end and flush; true: something was mapped and has changed. Caller: may
 * notify, and nobody can detach tables of the range. */
bool protect_entries(struct mmun_mm *mm, const struct protect *how, uint64_t start, uint64_t end);
/* With all that; entries of one area. */
bool protect_range(struct mmun_mm *mm, const struct protect *how, uint64_t start, uint64_t end);

/* --- huge entries: huge.c ------------------------------------------------ */

/* The entry that maps addr becomes a table of small ones (__split_huge_pmd), with its
 * own start and end. No huge entry there: nothing. Caller: as for zap_entries(). */
void huge_split_entry(struct mmun_mm *mm, uint64_t addr);

/* The same under the pmd lock, without start and end; addr is where it begins. migrate: into
 * MIGRATION entries, for who has a reference and the page lock. */
void huge_split_locked(struct mmun_mm *mm, const struct ptep *p, uint64_t addr, bool migrate);

/* --- areas: vma_edit.c --------------------------------------------------- */

/*
 * mmap_lock held for writing; these take areas_sem. An operation counts the areas that it is
 * about to make, of which splitting a range makes one for each end that lies within an area,
 * and reserves memory for all of them. From then on making, inserting and splitting them
 * cannot fail, and notifiers may run.
 */
uint32_t vma_crossed(const struct mmun_mm *mm, uint64_t start, uint64_t end); /* 0, 1 or 2 */
int vma_reserve(struct mmun_mm *mm, uint32_t areas);                     /* 0, -ENOMEM */
void vma_unreserve(struct mmun_mm *mm);                                  /* what is left of it */
void vma_split_range(struct mmun_mm *mm, uint64_t start, uint64_t end);  /* at both ends */

/* Without a reservation: NULL or -ENOMEM if there is no memory. */
struct vma *vma_new(struct mmun_mm *mm, uint64_t start, uint64_t end, const struct vma *like);
int vma_insert(struct mmun_mm *mm, struct vma *v);
void vma_free(struct vma *v);                                            /* not inserted */
void vma_remove(struct mmun_mm *mm, struct vma *v);                      /* and free it */
struct vma *vma_detach_range(struct mmun_mm *mm, uint64_t start, uint64_t end);
void vma_free_detached(struct vma *gone);                    /* in no list of an object */
void vma_merge_range(struct mmun_mm *mm, uint64_t start, uint64_t end);

#endif
