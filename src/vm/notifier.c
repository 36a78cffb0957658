/* SPDX-License-Identifier: MIT */
/*
 * notifier.c - MMU notifiers, and the tables that say where each operation
 * flushes the secondary TLBs. See mm/mmu_notifier.c in Linux for the rules.
 *
 * Invariant: the list of subscriptions changes only under mmap_lock for writing
 * and subscriptions_lock. Whoever notifies holds mmap_lock, so nobody sees an
 * end without its start, and unregister, which takes it, waits for all callbacks.
 * release() is called under subscriptions_lock alone: what it waits for (a
 * device's page requests) may need mmap_lock.
 */
#include <errno.h>

#include "vm/vm.h"

/* Linux 6.6 and later: with the CPU's flush, wherever that is. */
static const uint8_t modern[MM_OP_COUNT] = {
	[MM_OP_COW] = NOTIFY_CLEAR,
	[MM_OP_MUNMAP] = NOTIFY_AFTER,
	[MM_OP_MPROTECT] = NOTIFY_AFTER,
	[MM_OP_FORK] = NOTIFY_AFTER,
	[MM_OP_KSM_MERGE] = NOTIFY_CLEAR,
	[MM_OP_REPLACE_PAGE] = NOTIFY_CLEAR,
	[MM_OP_EXIT] = NOTIFY_AFTER,
};

/* Linux 4.15: range_end flushes, except where _notify and only_end are used. */
static const uint8_t classic[MM_OP_COUNT] = {
	[MM_OP_COW] = NOTIFY_CLEAR,
	[MM_OP_MUNMAP] = NOTIFY_END | NOTIFY_AFTER,
	[MM_OP_MPROTECT] = NOTIFY_END,
	[MM_OP_FORK] = NOTIFY_END,
	[MM_OP_KSM_MERGE] = NOTIFY_END,
	[MM_OP_REPLACE_PAGE] = NOTIFY_CLEAR | NOTIFY_END,
	[MM_OP_EXIT] = NOTIFY_END | NOTIFY_AFTER,
};

void mm_where_init(struct mmun_mm *mm)
{
	for (int op = 0; op < MM_OP_COUNT; op++)
		mm->where[op] = (mm->semantics == MMUN_CLASSIC ? classic : modern)[op];
}

void mm_set_where(struct mmun_mm *mm, enum mm_op op, unsigned bits)
{
	mm->where[op] = (uint8_t)bits;
}

/* --- calling ------------------------------------------------------------- */

static void flush_one(struct mmu_notifier *mn, struct mmun_mm *mm, uint64_t start, uint64_t end)
{
	if (mm->semantics == MMUN_CLASSIC) {
		if (mn->ops->invalidate_range)
			mn->ops->invalidate_range(mn, mm, start, end);
	} else if (mn->ops->arch_invalidate_secondary_tlbs) {
		mn->ops->arch_invalidate_secondary_tlbs(mn, mm, start, end);
	}
}

void secondary_point(struct mmun_mm *mm, enum mm_op op, enum notify_at at,
		     uint64_t start, uint64_t end)
{
	if (!(mm->where[op] & at))
		return;
	for (struct mmu_notifier *mn = mm->subscriptions; mn; mn = mn->next)
		flush_one(mn, mm, start, end);
}

void range_init(struct mmu_notifier_range *r, struct mmun_mm *mm, enum mmu_notifier_event event,
		uint64_t start, uint64_t end)
{
	*r = (struct mmu_notifier_range){
		.mm = mm,
		.start = start,
		.end = end,
		.event = event,
		.flags = MMU_NOTIFIER_RANGE_BLOCKABLE,
	};
}

static int range_start(struct mmu_notifier_range *r)
{
	int err = 0;

	sync_note("range_start of %#lx", (unsigned long)r->start);
	for (struct mmu_notifier *mn = r->mm->subscriptions; mn; mn = mn->next)
		if (mn->ops->invalidate_range_start && mn->ops->invalidate_range_start(mn, r))
			err = -EAGAIN;
	return err;
}

void invalidate_range_start(struct mmu_notifier_range *r)
{
	sync_might_sleep();
	r->flags |= MMU_NOTIFIER_RANGE_BLOCKABLE;
	/* An error is the subscriber's bug, and nothing can be undone here. */
	(void)range_start(r);
}

/*
 * All are asked, and all are told the end: one whose start can fail has none.
 */
int invalidate_range_start_nonblock(struct mmu_notifier_range *r)
{
	r->flags &= ~(unsigned)MMU_NOTIFIER_RANGE_BLOCKABLE;
	if (!range_start(r))
		return 0;
	for (struct mmu_notifier *mn = r->mm->subscriptions; mn; mn = mn->next)
		if (mn->ops->invalidate_range_end)
			mn->ops->invalidate_range_end(mn, r);
	return -EAGAIN;
}

void invalidate_range_end(struct mmu_notifier_range *r, enum mm_op op)
{
	sync_note("range_end of %#lx", (unsigned long)r->start);
	for (struct mmu_notifier *mn = r->mm->subscriptions; mn; mn = mn->next) {
		if (r->mm->where[op] & NOTIFY_END)
			flush_one(mn, r->mm, r->start, r->end);
		if (mn->ops->invalidate_range_end)
			mn->ops->invalidate_range_end(mn, r);
	}
}

/* --- registering --------------------------------------------------------- */

static bool ops_are_valid(const struct mmu_notifier_ops *ops, enum mmun_semantics semantics)
{
	if (semantics == MMUN_CLASSIC)
		return !ops->arch_invalidate_secondary_tlbs;
	if (ops->invalidate_range)
		return false;
	return !ops->arch_invalidate_secondary_tlbs ||
	       (!ops->invalidate_range_start && !ops->invalidate_range_end);
}

int mmu_notifier_register(struct mmu_notifier *mn, struct mmun_mm *mm)
{
	int err = -EINVAL;

	if (!mn || !mm || !mn->ops || !ops_are_valid(mn->ops, mm->semantics))
		return -EINVAL;
	down_write(&mm->mmap_lock);
	mutex_lock(&mm->subscriptions_lock);
	if (mn->state == NOTIFIER_IDLE && !mm->exiting) {
		add_relaxed(&mm->count, 1);
		mn->mm = mm;
		mn->state = NOTIFIER_LIVE;
		mn->next = mm->subscriptions;
		mm->subscriptions = mn;
		err = 0;
	}
	mutex_unlock(&mm->subscriptions_lock);
	up_write(&mm->mmap_lock);
	return err;
}

static void release_locked(struct mmu_notifier *mn, struct mmun_mm *mm)
{
	sync_assert_held(&mm->subscriptions_lock);
	if (mn->state != NOTIFIER_LIVE)
		return;
	mn->state = NOTIFIER_RELEASED;
	if (mn->ops->release)
		mn->ops->release(mn, mm);
}

void mmu_notifier_unregister(struct mmu_notifier *mn, struct mmun_mm *mm)
{
	struct mmu_notifier **link;

	if (!mn || !mm || mn->mm != mm)
		return;
	mutex_lock(&mm->subscriptions_lock);
	release_locked(mn, mm);
	mutex_unlock(&mm->subscriptions_lock);

	down_write(&mm->mmap_lock);
	mutex_lock(&mm->subscriptions_lock);
	for (link = &mm->subscriptions; *link && *link != mn; link = &(*link)->next)
		;
	if (*link) /* else exit was faster */
		*link = mn->next;
	mutex_unlock(&mm->subscriptions_lock);
	up_write(&mm->mmap_lock);

	mn->mm = NULL;
	mn->next = NULL;
	mn->state = NOTIFIER_IDLE;
	mm_put(mm);
}

/* Exit, first part: nobody may use the address space any more. */
void notifiers_release(struct mmun_mm *mm)
{
	mutex_lock(&mm->subscriptions_lock);
	mm->exiting = true;
	for (struct mmu_notifier *mn = mm->subscriptions; mn; mn = mn->next)
		release_locked(mn, mm);
	mutex_unlock(&mm->subscriptions_lock);
}

/* Exit, second part, under mmap_lock: nobody is told any more. */
void notifiers_unlink(struct mmun_mm *mm)
{
	sync_assert_held(&mm->mmap_lock);
	mutex_lock(&mm->subscriptions_lock);
	mm->subscriptions = NULL;
	mutex_unlock(&mm->subscriptions_lock);
}
