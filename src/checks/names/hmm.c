/* SPDX-License-Identifier: MIT */
/*
 * hmm.c - stands behind the words of mmun/linux/hmm.h: pages that are looked up for a device's own
 * page table. Whether what is found is used rightly shows where it is used.
 */
#include "checks/names/mm.h"

#include "mmun/linux/hmm.h"

/* mmap_lock is held; no callback waits for a page fault. */
static void judge(struct mmun_mm *mm, const struct sync_site *site)
{
	sync_callback_calls_("hmm_range_fault", SYNC_CALLED_LOCKED, site);
	sync_might_sleep_(site);
	if (!sync_holds_(&mm->mmap_lock)) {
		sync_assert_held_(&mm->mmap_lock, site);
		sync_give_up();
	}
	if (!names_peek(&mm->users))
		sync_misuses_("looks up pages of an address space that has no user", site);
}

int kernel_hmm_range_fault_(const struct kernel_at_ *at, struct hmm_range *range)
{
	struct mmun_mm *mm = range->notifier->mm;
	int err;
	AT(&at->site);

	use_at(mm, &at->site);
	judge(mm, &at->site);
	err = hmm_range_fault_locked(mm, range);
	sync_event_at(&at->site, MM_CALL, (uintptr_t)"hmm_range_fault", err != 0);
	return err;
}
