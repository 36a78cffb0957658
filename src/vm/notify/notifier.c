/* SPDX-License-Identifier: MIT */
/*
 * notifier.c - telling the subscribers of an address space: start and end of a range, the
 * flush of the secondary TLBs, accessed bits, new pages. See mm/mmu_notifier.c in Linux for
 * the rules; the part about intervals is in interval.c, how subscribers come and go in
 * life.c, and where each operation flushes in mm/op.h.
 *
 * Invariant: whoever notifies holds one of the locks that mm_lock_all() takes, from start
 * to end, so the list of subscriptions does not change under it, and nobody sees an end
 * without its start.
 */
#include <errno.h>

#include "vm/notify/notify.h"

/* --- secondary TLBs ------------------------------------------------------ */

static bool has_tlb(const struct mmu_notifier *mn, const struct mmun_mm *mm)
{
	return mm->semantics == MMUN_CLASSIC ? mn->ops->invalidate_range != NULL :
					       mn->ops->arch_invalidate_secondary_tlbs != NULL;
}

static void flush_one(struct mmu_notifier *mn, struct mmun_mm *mm, uint64_t start, uint64_t end)
{
	const struct mmu_notifier_ops *ops = mn->ops;

	if (!has_tlb(mn, mm))
		return;
	sync_nonblock_begin();
	if (mm->semantics == MMUN_CLASSIC)
		ops->invalidate_range(mn, mm, start, end);
	else
		ops->arch_invalidate_secondary_tlbs(mn, mm, start, end);
	sync_nonblock_end();
}

static const char *flush_point_text(enum flush_point point)
{
	switch (point) {
	case FLUSH_POINT_CLEAR:
		return "secondary TLBs, after the entry is cleared";
	case FLUSH_POINT_SET:
		return "secondary TLBs, after the entry is set";
	case FLUSH_POINT_UNLOCK:
		return "secondary TLBs, after unlocking";
	case FLUSH_POINT_END:
		return "secondary TLBs, in range_end";
	case FLUSH_POINT_AFTER:
		return "secondary TLBs, with the CPUs'";
	case FLUSH_POINT_FREED:
		break;
	}
	return "secondary TLBs, after the pages are freed";
}

/* Is anybody told, and is it not being tried without? */
static bool flushes(const struct mmun_mm *mm, enum flush_point point)
{
	const struct mmu_notifier *mn = mm->subscriptions;

	while (mn && !has_tlb(mn, mm))
		mn = mn->next;
	return mn && sync_optional(flush_point_text(point));
}

void flush_secondary(struct mmun_mm *mm, enum flush_point point, uint64_t start, uint64_t end)
{
	if (!flushes(mm, point))
		return;
	for (struct mmu_notifier *mn = mm->subscriptions; mn; mn = mn->next)
		flush_one(mn, mm, start, end);
}

/*
 * Under the ptl: a store is allowed now, or was before. A TLB that keeps rights does not
 * find out by itself, and its device would come with the same fault again:
 *
 *      device [TLB: a read-only]           processor
 *                                          a: writable; tells nobody
 *      store: denied, page request
 *        fault: a is writable [nothing to do]
 *      store: denied, page request ...
 *
 * Linux: ptep_set_access_flags() and flush_tlb_fix_spurious_fault(). Litmus:
 * upgrade+default, upgrade+never.
 */
void fault_tell_upgrade(struct mmun_mm *mm, uint64_t start, uint64_t end)
{
	if (mm->keepers)
		secondary_point(mm, MM_OP_UPGRADE, FLUSH_POINT_SET, start, end);
}

/* --- start and end ------------------------------------------------------- */

static int start_one(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	bool blockable = mmu_notifier_range_blockable(r);
	int err;

	if (!mn->ops->invalidate_range_start)
		return 0;
	if (!blockable)
		sync_nonblock_begin();
	err = mn->ops->invalidate_range_start(mn, r);
	if (!blockable)
		sync_nonblock_end();
	sync_contract(!err || (!blockable && err == -EAGAIN && !mn->ops->invalidate_range_end));
	return err;
}

static void end_one(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	bool blockable = mmu_notifier_range_blockable(r);

	if (!mn->ops->invalidate_range_end)
		return;
	if (!blockable)
		sync_nonblock_begin();
	mn->ops->invalidate_range_end(mn, r);
	if (!blockable)
		sync_nonblock_end();
}

/* The list's part. All are asked, and told the end if one of them fails. */
static int list_start(const struct mmu_notifier_range *r)
{
	int err = 0;

	for (struct mmu_notifier *mn = r->mm->subscriptions; mn; mn = mn->next)
		if (start_one(mn, r))
			err = -EAGAIN;
	if (!err || mmu_notifier_range_blockable(r))
		return 0; /* an error is the user's bug then, and nothing can be undone */
	for (struct mmu_notifier *mn = r->mm->subscriptions; mn; mn = mn->next)
		end_one(mn, r);
	return err;
}

/* Is anybody told of ranges, and is it not being tried without? */
static bool tells(const struct mmun_mm *mm)
{
	const struct mmu_notifier *mn = mm->subscriptions;

	while (mn && !mn->ops->invalidate_range_start && !mn->ops->invalidate_range_end)
		mn = mn->next;
	return (!mn && !mm->intervals) || sync_optional("range_start and range_end");
}

void invalidate_range_start(struct mmu_notifier_range *r)
{
	bool told;

	sync_might_sleep();
	sync_event(RANGE_START, (uintptr_t)r->mm, r->start, r->end);
	r->flags |= MMU_NOTIFIER_RANGE_BLOCKABLE;
	told = tells(r->mm);
	sync_range_begin(r->mm, r->start, r->end, told);
	if (!told) /* of the end neither */
		return;
	(void)intervals_start(r);
	(void)list_start(r);
}

int invalidate_range_start_nonblock(struct mmu_notifier_range *r)
{
	bool told;
	int err;

	sync_event(RANGE_START_NONBLOCK, (uintptr_t)r->mm, r->start, r->end);
	r->flags &= ~(unsigned)MMU_NOTIFIER_RANGE_BLOCKABLE;
	told = tells(r->mm);
	err = told ? intervals_start(r) : 0;
	if (err)
		return err;
	err = told ? list_start(r) : 0;
	if (err)
		intervals_end(r->mm);
	else
		sync_range_begin(r->mm, r->start, r->end, told);
	return err;
}

void invalidate_range_end(struct mmu_notifier_range *r, enum mm_op op)
{
	bool told, flush;

	if (mmu_notifier_range_blockable(r))
		sync_might_sleep();
	sync_event(RANGE_END, (uintptr_t)r->mm, r->start, r->end);
	told = sync_range_end(r->mm, r->start, r->end);
	if (told)
		intervals_end(r->mm);
	flush = (mm_flush_points(r->mm, op) & FLUSH_POINT_END) &&
		flushes(r->mm, FLUSH_POINT_END);
	for (struct mmu_notifier *mn = r->mm->subscriptions; mn; mn = mn->next) {
		if (flush)
			flush_one(mn, r->mm, r->start, r->end);
		if (told)
			end_one(mn, r);
	}
}

/* --- accessed bits, and new pages ---------------------------------------- */

bool notifiers_clear_flush_young(struct mmun_mm *mm, uint64_t start, uint64_t end)
{
	bool young = false;

	sync_nonblock_begin();
	for (struct mmu_notifier *mn = mm->subscriptions; mn; mn = mn->next)
		if (mn->ops->clear_flush_young)
			young |= mn->ops->clear_flush_young(mn, mm, start, end);
	sync_nonblock_end();
	return young;
}

bool notifiers_clear_young(struct mmun_mm *mm, uint64_t start, uint64_t end)
{
	bool young = false;

	sync_nonblock_begin();
	for (struct mmu_notifier *mn = mm->subscriptions; mn; mn = mn->next)
		if (mn->ops->clear_young)
			young |= mn->ops->clear_young(mn, mm, start, end);
	sync_nonblock_end();
	return young;
}

/* Nothing is forgotten, so the first yes will do. */
bool notifiers_test_young(struct mmun_mm *mm, uint64_t addr)
{
	bool young = false;

	sync_nonblock_begin();
	for (struct mmu_notifier *mn = mm->subscriptions; mn && !young; mn = mn->next)
		if (mn->ops->test_young)
			young = mn->ops->test_young(mn, mm, addr);
	sync_nonblock_end();
	return young;
}

/* Before set_pte(): a secondary MMU must not lag behind the CPUs' new page. */
void notifiers_change_pte(struct mmun_mm *mm, uint64_t addr, pte_t pte)
{
	sync_nonblock_begin();
	for (struct mmu_notifier *mn = mm->subscriptions; mn; mn = mn->next)
		if (mn->ops->change_pte)
			mn->ops->change_pte(mn, mm, addr, pte_pfn(pte).v, pte_write(pte));
	sync_nonblock_end();
}
