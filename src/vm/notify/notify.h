/* SPDX-License-Identifier: MIT */
/*
 * notify.h - who is told of a change, when, and of what: ranges with a start and an end,
 * flushes of the secondary TLBs, intervals, and the life of subscribers.
 */
#ifndef MMUN_NOTIFY_NOTIFY_H
#define MMUN_NOTIFY_NOTIFY_H

#include "vm/mm/mm.h"

/* References to the structure: mm_ref.c. */
void mm_get(struct mmun_mm *mm);
void mm_put(struct mmun_mm *mm);

/* --- ranges: notifier.c -------------------------------------------------- */

/* The second for MIGRATE and EXCLUSIVE: whose owner ignores them. */
static inline void range_init_owner(struct mmu_notifier_range *r, struct mmun_mm *mm,
				    enum mmu_notifier_event event, uint64_t start,
				    uint64_t end, void *owner)
{
	*r = (struct mmu_notifier_range){
		.mm = mm,
		.start = start,
		.end = end,
		.event = event,
		.flags = MMU_NOTIFIER_RANGE_BLOCKABLE,
		.owner = owner,
	};
}

static inline void range_init(struct mmu_notifier_range *r, struct mmun_mm *mm,
			      enum mmu_notifier_event event, uint64_t start, uint64_t end)
{
	range_init_owner(r, mm, event, start, end, NULL);
}

void invalidate_range_start(struct mmu_notifier_range *r);

/* -EAGAIN: somebody would have to block; the others' start has been ended. */
int invalidate_range_start_nonblock(struct mmu_notifier_range *r);

/* With the flush of the secondary TLBs if the operation has FLUSH_POINT_END. */
void invalidate_range_end(struct mmu_notifier_range *r, enum mm_op op);

/* Flushes the secondary TLBs; point is for the explorer, which may run without. */
void flush_secondary(struct mmun_mm *mm, enum flush_point point, uint64_t start, uint64_t end);

/* An operation passes one of its flush points, or one of several that are one here. */
static inline void secondary_point(struct mmun_mm *mm, enum mm_op op, unsigned points,
				   uint64_t start, uint64_t end)
{
	if (mm_flush_points(mm, op) & points)
		flush_secondary(mm, (enum flush_point)points, start, end);
}

/* A fault gives the right to write: devices whose TLBs keep rights are told. Under the ptl. */
void fault_tell_upgrade(struct mmun_mm *mm, uint64_t start, uint64_t end);

/* mmu_notifier_clear_flush_young and its kin: was it referenced? Under the ptl. */
bool notifiers_clear_flush_young(struct mmun_mm *mm, uint64_t start, uint64_t end);
bool notifiers_clear_young(struct mmun_mm *mm, uint64_t start, uint64_t end);
bool notifiers_test_young(struct mmun_mm *mm, uint64_t addr);

/* set_pte_at_notify of the classic era: change_pte, before the entry is set. */
void notifiers_change_pte(struct mmun_mm *mm, uint64_t addr, pte_t pte);

/* --- subscribers: life.c ------------------------------------------------- */

/* The state of a mmu_notifier; see notifier.c. */
enum { NOTIFIER_IDLE, NOTIFIER_LIVE, NOTIFIER_RELEASED, NOTIFIER_PUT, NOTIFIER_LEFT };

void notifiers_release(struct mmun_mm *mm);
void notifiers_unlink(struct mmun_mm *mm); /* under mm_lock_all() */

/* --- intervals: interval.c ----------------------------------------------- */

/* [l] lock; an interval's state and deferred are [l] too, its ops, mm and range [C]. */
struct interval_subscriptions {
	spin_t lock;
	uint64_t seq;                /* [l] */
	uint64_t active;             /* [l] start/end pairs under way */
	bool released;               /* [l] exit has told all: no more come */
	struct btree tree;           /* [l] while seq is even; with nodes in reserve for
	                                whatever is to be inserted */
	struct mmu_interval_notifier *deferred; /* [l] empty while seq is even */
	uint32_t inserting;          /* [l] how many of them are to be inserted */
	atomic_u64 idle;             /* [A] the last even seq; written with the lock held */
};

/* Interval notifiers' part of start (0, -EAGAIN: nothing to end), end, and exit. */
int intervals_start(const struct mmu_notifier_range *r);
void intervals_end(struct mmun_mm *mm);
void intervals_release(struct mmun_mm *mm);

#endif
