/* SPDX-License-Identifier: MIT */
/*
 * 31: an interval notifier's remove reads the sequence number without its lock
 *
 * Linux: 319561669a59d8e9206ab311ae5433ef92fd79d1
 * Class: L
 *
 * While a range is being invalidated the interval tree must not change, so
 * mmu_interval_notifier_remove() puts its notifier on the deferred list and waits until the
 * sequence number has moved on; mn_itree_inv_end() then takes the notifier out of the tree.
 * inv_end() raised the number first and worked through the list afterwards, all under the lock,
 * but remove() read the number without the lock: it could see the new one, return, and its caller
 * freed the notifier that inv_end() had still to unlink. The bug was repaired by reading the
 * number under the lock, which cannot be had before the list is done.
 *
 *	CPU 0, the end of an invalidation	CPU 1, the driver
 *						1 remove: is invalidating, so
 *						  deferred_list += sub, seq = 3
 *	2 inv_end: lock; invalidate_seq = 4
 *						3 invalidate_seq != 3: return
 *						  kfree(sub)
 *	4 unlink sub [freed]
 */
#include <mmun/explore.h>
#include <mmun/kernel.h>

#include "entry.h"

struct mmu_interval_notifier {
	struct mmu_interval_notifier *deferred_next;
	bool in_tree;                   /* the interval tree has at most this one */
	uint64_t invalidate_seq;
};

/* Of the one mm: [l] is under lock, [o] changes under lock and not while the number is odd. */
static struct {
	spinlock_t lock;
	uint64_t invalidate_seq;                        /* [l] odd: invalidating */
	int active_invalidate_ranges;                   /* [l] */
	struct mmu_interval_notifier *itree;            /* [o] */
	struct mmu_interval_notifier *deferred_list;    /* [l] */
	wait_queue_head_t wq;
} subs;

static struct mmu_interval_notifier *interval_sub;      /* the driver's */

static void setup(void)
{
	subs.invalidate_seq = 2;
	interval_sub = kzalloc(sizeof(*interval_sub), GFP_KERNEL);
	interval_sub->in_tree = true;
	subs.itree = interval_sub;
}

static bool mn_itree_is_invalidating(void)
{
	lockdep_assert_held(&subs.lock);
	return READ_ONCE(subs.invalidate_seq) & 1;
}

static void mn_itree_invalidate(void)
{
	struct mmu_interval_notifier *sub;
	uint64_t cur_seq;

	spin_lock(&subs.lock);
	subs.active_invalidate_ranges++;
	sub = subs.itree;
	if (sub)
		WRITE_ONCE(subs.invalidate_seq, READ_ONCE(subs.invalidate_seq) | 1);
	cur_seq = READ_ONCE(subs.invalidate_seq);
	spin_unlock(&subs.lock);

	if (sub) { /* ops->invalidate(), which calls mmu_interval_set_seq() */
		WRITE_ONCE(sub->invalidate_seq, cur_seq);
		pr_info("the driver drops what it has in the range");
	}
}

static void mn_itree_inv_end(void)
{
	struct mmu_interval_notifier *sub, *next;

	spin_lock(&subs.lock);
	if (--subs.active_invalidate_ranges || !mn_itree_is_invalidating()) {
		spin_unlock(&subs.lock);
		return;
	}

	WRITE_ONCE(subs.invalidate_seq, READ_ONCE(subs.invalidate_seq) + 1); /* 2 */

	for (sub = subs.deferred_list; sub; sub = next) {
		next = READ_ONCE(sub->deferred_next); /* 4 */
		WRITE_ONCE(sub->in_tree, false);
		subs.itree = NULL;
		pr_info("sub is out of the tree");
	}
	subs.deferred_list = NULL;
	spin_unlock(&subs.lock);

	wake_up_all(&subs.wq);
}

static bool mmu_interval_seq_released(uint64_t seq)
{
	bool ret;

	if (!fixed)
		return READ_ONCE(subs.invalidate_seq) != seq; /* 3 */
	spin_lock(&subs.lock);
	ret = READ_ONCE(subs.invalidate_seq) != seq;
	spin_unlock(&subs.lock);
	return ret;
}

static void mmu_interval_notifier_remove(struct mmu_interval_notifier *sub)
{
	uint64_t seq = 0;

	spin_lock(&subs.lock);
	if (mn_itree_is_invalidating()) {
		WRITE_ONCE(sub->deferred_next, subs.deferred_list); /* 1 */
		subs.deferred_list = sub;
		seq = READ_ONCE(subs.invalidate_seq);
		pr_info("the range is being invalidated: defer");
	} else {
		WRITE_ONCE(sub->in_tree, false);
		subs.itree = NULL;
	}
	spin_unlock(&subs.lock);

	if (seq)
		wait_event(subs.wq, mmu_interval_seq_released(seq));
}

static void thread(unsigned thread)
{
	switch (thread) {
	case 0:
		mn_itree_invalidate();
		mn_itree_inv_end();
		break;
	case 1:
		mmu_interval_notifier_remove(interval_sub);
		pr_info("remove has returned: kfree(sub)");
		kfree(interval_sub);
		break;
	}
}

static void finish(void)
{
	EXPLORE_ASSERT(!subs.itree && !subs.deferred_list && !subs.active_invalidate_ranges);
}

static const char *const names[] = { "invalidation", "driver" };

CORPUS_CALLS(finish)
CORPUS_ENTRY("lifetime", .finish = call_finish)
