/* SPDX-License-Identifier: MIT */
/*
 * tell.c - an address space tells its notify domain: start and end of a range, and the flush
 * of the secondary TLBs at the flush points that op.h has for each operation. The calls of
 * mmun.h that subscribe somebody to an address space are here too; who is told and in which
 * order is the domain's (notify/). Called by all operations that change entries.
 */
#include <errno.h>

#include "vm/mm/tell.h"

/* --- ranges -------------------------------------------------------------- */

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
	return notify_has_tlb(&mm->domain) && sync_optional(flush_point_text(point));
}

void flush_secondary(struct mmun_mm *mm, enum flush_point point, struct flush f)
{
	if (flushes(mm, point))
		notify_flush(&mm->domain, f);
}

/*
 * Under the ptl: a store is allowed now, or was before. A TLB that caches permissions does not
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
void fault_tell_upgrade(struct mmun_mm *mm, struct flush f)
{
	if (mm->domain.permission_caches)
		pass_flush_point(mm, MM_OP_UPGRADE, FLUSH_POINT_SET, f);
}

void invalidate_range_end(struct mmu_notifier_range *r, enum mm_op op)
{
	bool flush = (mm_flush_points(r->mm, op) & FLUSH_POINT_END) &&
		     flushes(r->mm, FLUSH_POINT_END);

	notify_range_end(&r->mm->domain, r, flush);
}

/* --- subscribers --------------------------------------------------------- */

/* mmap_assert_write_locked() */
static void mmap_is_locked(struct mmun_mm *mm)
{
	(void)mm;
	sync_rule(sync_write_held(&mm->mmap_lock), "mmap_lock is not held for writing");
}

int mmu_notifier_register(struct mmu_notifier *mn, struct mmun_mm *mm)
{
	sync_user_calls(SYNC_CALLED);
	return mn && mm ? notify_register(&mm->domain, mn) : -EINVAL;
}

int __mmu_notifier_register(struct mmu_notifier *mn, struct mmun_mm *mm)
{
	sync_user_calls(SYNC_CALLED);
	if (!mn || !mm)
		return -EINVAL;
	mmap_is_locked(mm);
	return notify_register_locked(&mm->domain, mn);
}

void mmu_notifier_unregister(struct mmu_notifier *mn, struct mmun_mm *mm)
{
	sync_user_calls(SYNC_CALLED);
	if (mn && mm)
		notify_unregister(&mm->domain, mn);
}

int mmu_notifier_get(const struct mmu_notifier_ops *ops, struct mmun_mm *mm,
		     struct mmu_notifier **ret_mn)
{
	sync_user_calls(SYNC_CALLED);
	return ops && mm && ret_mn ? notify_get(&mm->domain, ops, ret_mn) : -EINVAL;
}

int mmu_notifier_get_locked(const struct mmu_notifier_ops *ops, struct mmun_mm *mm,
			    struct mmu_notifier **ret_mn)
{
	sync_user_calls(SYNC_CALLED);
	if (!ops || !mm || !ret_mn)
		return -EINVAL;
	mmap_is_locked(mm);
	return notify_get_locked(&mm->domain, ops, ret_mn);
}

int mmu_interval_notifier_insert(struct mmu_interval_notifier *sub, struct mmun_mm *mm,
				 uint64_t start, uint64_t length,
				 const struct mmu_interval_notifier_ops *ops)
{
	sync_user_calls(SYNC_CALLED);
	return sub && mm ? notify_interval_insert(&mm->domain, sub, start, length, ops) : -EINVAL;
}

int mmu_interval_notifier_insert_locked(struct mmu_interval_notifier *sub, struct mmun_mm *mm,
					uint64_t start, uint64_t length,
					const struct mmu_interval_notifier_ops *ops)
{
	sync_user_calls(SYNC_CALLED);
	if (!sub || !mm)
		return -EINVAL;
	mmap_is_locked(mm);
	return notify_interval_insert_locked(&mm->domain, sub, start, length, ops);
}
