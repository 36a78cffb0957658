/* SPDX-License-Identifier: MIT */
/*
 * interval.c - a mirror that is told by an interval notifier, as users of Linux's
 * hmm_range_fault() are. The notifier's sequence number says whether a lookup still holds.
 * mirror.c and the notifier call it.
 */
#include "mirror/inside.h"

static bool on_invalidate(struct mmu_interval_notifier *sub,
			  const struct mmu_notifier_range *range, uint64_t seq)
{
	struct mirror *m = container_of(sub, struct mirror, sub);

	spin_lock(&m->lock);
	mmu_interval_set_seq(sub, seq);
	mirror_drop(m, range->start, range->end);
	spin_unlock(&m->lock);
	return true;
}

static const struct mmu_interval_notifier_ops ops = { .invalidate = on_invalidate };

static int begin(struct mirror *m)
{
	return notify_interval_insert(m->domain, &m->sub, m->start, m->end - m->start, &ops);
}

static void end(struct mirror *m) { mmu_interval_notifier_remove(&m->sub); }

static uint64_t lookup_begin(struct mirror *m) { return mmu_interval_read_begin(&m->sub); }

static bool lookup_retry(struct mirror *m, uint64_t number)
{
	return mmu_interval_read_retry(&m->sub, number);
}

const struct mirror_told mirror_interval = { begin, end, lookup_begin, lookup_retry };
