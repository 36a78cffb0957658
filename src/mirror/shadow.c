/* SPDX-License-Identifier: MIT */
/*
 * shadow.c - a mirror that is told by the starts and ends of a notifier, as KVM's page tables
 * are. It counts the pairs that are under way (KVM's mmu_invalidate_in_progress) and those
 * that are over (mmu_invalidate_seq). A lookup holds if no pair was under way during it and
 * none is now. mirror.c and the notifier call it.
 */
#include "mirror/inside.h"

static int on_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct mirror *m = container_of(mn, struct mirror, mn);

	spin_lock(&m->lock);
	add_acq_rel(&m->under_way, 1);
	mirror_drop(m, range->start, range->end);
	spin_unlock(&m->lock);
	return 0;
}

static void on_end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct mirror *m = container_of(mn, struct mirror, mn);

	(void)range;
	spin_lock(&m->lock);
	add_acq_rel(&m->over, 1);
	add_acq_rel(&m->under_way, (uint64_t)-1);
	spin_unlock(&m->lock);
	wake_all(&m->under_way);
}

static void on_release(struct mmu_notifier *mn, struct mmun_mm *mm)
{
	struct mirror *m = container_of(mn, struct mirror, mn);

	(void)mm;
	spin_lock(&m->lock);
	mirror_drop(m, m->start, m->end);
	spin_unlock(&m->lock);
}

static const struct mmu_notifier_ops ops = {
	.release = on_release, .invalidate_range_start = on_start, .invalidate_range_end = on_end,
};

static int begin(struct mirror *m)
{
	m->mn.ops = &ops;
	return notify_register(m->domain, &m->mn);
}

static void end(struct mirror *m) { notify_unregister(m->domain, &m->mn); }

static bool is_zero(uint64_t value, uint64_t arg)
{
	(void)arg;
	return value == 0;
}

/* KVM's processors look up anew until no pair is under way; here they wait. */
static uint64_t lookup_begin(struct mirror *m)
{
	wait_until(&m->under_way, is_zero, 0);
	return load_acquire(&m->over);
}

static bool lookup_retry(struct mirror *m, uint64_t number)
{
	return load_acquire(&m->under_way) || load_acquire(&m->over) != number;
}

const struct mirror_told mirror_shadow = { begin, end, lookup_begin, lookup_retry };
