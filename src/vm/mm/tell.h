/* SPDX-License-Identifier: MIT */
/*
 * tell.h - what an address space tells its subscribers, and when: ranges with a start and an
 * end, and flushes of the secondary TLBs at the flush points of each operation (op.h). The
 * subscribers and the rules are those of its notify domain: notify/notify.h.
 */
#ifndef MMUN_MM_TELL_H
#define MMUN_MM_TELL_H

#include "vm/mm/mm.h"

static inline void range_init(struct mmu_notifier_range *r, struct mmun_mm *mm,
			      enum mmu_notifier_event event, uint64_t start, uint64_t end)
{
	notify_range_init(r, &mm->domain, event, start, end);
}

/* For MIGRATE and EXCLUSIVE: whose owner ignores them. */
static inline void range_init_owner(struct mmu_notifier_range *r, struct mmun_mm *mm,
				    enum mmu_notifier_event event, uint64_t start,
				    uint64_t end, void *owner)
{
	range_init(r, mm, event, start, end);
	r->owner = owner;
}

static inline void invalidate_range_start(struct mmu_notifier_range *r)
{
	notify_range_start(&r->mm->domain, r);
}

/* -EAGAIN: somebody would have to block; the others' start has been ended. */
static inline int invalidate_range_start_nonblock(struct mmu_notifier_range *r)
{
	return notify_range_start_nonblock(&r->mm->domain, r);
}

/* With the flush of the secondary TLBs if the operation has FLUSH_POINT_END. */
void invalidate_range_end(struct mmu_notifier_range *r, enum mm_op op);

/* Flushes the secondary TLBs; point is for the explorer, which may run without. */
void flush_secondary(struct mmun_mm *mm, enum flush_point point, struct flush f);

/* An operation passes one of its flush points, or several that are one here. What the flush is
 * of is computed only if there is one: entries are changed by the million. */
#define pass_flush_point(mm, op, points, flush) do { \
	if (mm_flush_points((mm), (op)) & (points)) \
		flush_secondary((mm), (enum flush_point)(points), (flush)); \
} while (0)

/* A fault permits stores: devices whose TLBs cache permissions are told. Under the ptl. */
void fault_tell_upgrade(struct mmun_mm *mm, struct flush f);

#endif
