/* SPDX-License-Identifier: MIT */
/*
 * gup.c - stands behind the words of mmun/linux/gup.h: pages that are looked up by address, with a
 * reference or a pin. They are those of the vm's own pins, and are judged when they are given up.
 */
#include <errno.h>

#include "checks/names/mm.h"

#include "mmun/linux/gup.h"

static struct mmun_mm *current_mm; /* of the world that was made last */

UNWATCHED void kernel_current_mm_(struct mmun_mm *mm) { current_mm = mm; }

/* One page. */
static int look_up(struct mmun_mm *mm, uint64_t addr, unsigned flags, enum kernel_gup_ how,
		   pfn_t *ret_pfn)
{
	if (addr >= TASK_BYTES)
		return -EFAULT;
	if (how == KERNEL_GUP_LOCKED_)
		return gup_area(mm, vma_find(mm, addr), addr, flags, ret_pfn);
	if (how != KERNEL_GUP_UNLOCKED_ && gup_fast(mm, addr, flags, ret_pfn))
		return 0;
	if (how == KERNEL_GUP_FAST_ONLY_)
		return -EAGAIN;
	return gup_slow(mm, addr, flags, ret_pfn);
}

/* Locks are as they must be; and no callback waits for a page fault. */
static void judge(struct mmun_mm *mm, const char *call, enum kernel_gup_ how,
		  const struct sync_site *site)
{
	/* In set-up nothing is held. */
	bool held = sync_self() <= EXPLORE_THREADS_MAX && sync_holds_(&mm->mmap_lock);

	if (how == KERNEL_GUP_FAST_ONLY_)
		return;
	sync_callback_calls_(call, SYNC_CALLED_LOCKED, site);
	sync_might_sleep_(site);
	if (how == KERNEL_GUP_LOCKED_ && !sync_holds_(&mm->mmap_lock)) {
		sync_assert_held_(&mm->mmap_lock, site);
		sync_give_up();
	}
	demand(how == KERNEL_GUP_LOCKED_ || !held, "takes mmap_lock, which it has", site);
}

long kernel_gup_(const struct kernel_at_ *at, const char *call, enum kernel_gup_ how,
		 struct mmun_mm *mm, uint64_t start, uint64_t pages, unsigned foll,
		 struct page **ret_pages)
{
	unsigned flags = (foll & FOLL_WRITE ? GUP_WRITE : 0) | (foll & FOLL_PIN ? GUP_PIN : 0);
	long got = 0;
	int err = 0;
	AT(&at->site);

	mm = mm ? mm : current_mm;
	ASSERT(mm);
	use_at(mm, &at->site);
	judge(mm, call, how, &at->site);
	if (!names_peek(&mm->users))
		sync_misuses_("looks up pages of an address space that has no user", &at->site);
	for (start = page_down(start); (uint64_t)got < pages; start += PAGE_BYTES) {
		pfn_t pfn;

		err = look_up(mm, start, flags, how, &pfn);
		if (err)
			break;
		sync_event_at(&at->site, PAGE_CALL, (uintptr_t)call, pfn.v, false);
		if (ret_pages)
			ret_pages[got] = page_of(pfn);
		else
			gup_put(mm->machine, frame_head(mm->machine, pfn), flags);
		got++;
	}
	return got || err == -EAGAIN ? got : err;
}

/* A pin that there is: it is counted before the reference is given up, which is the caller's to
 * do. */
void kernel_unpin_(struct page *page, const struct sync_site *site)
{
	pfn_t head = frame_head(names_machine, pfn_of(page));
	atomic_u64 *pins = &frame_of(names_machine, head)->pins;
	uint64_t old;

	needs_to_free(head, SYNC_BEFORE_STEP, site);
	if (is_zero_page(names_machine, head))
		return;
	old = sync_update_(pins, SYNC_ACCESS(SYNC_RMW, pins, SYNC_ACQ_REL, SYNC_ADD_TO),
			   (uint64_t)-1, 0, site);
	needs_to_free(head, SYNC_IN_STEP, site);
	if (!old)
		sync_misuses_("unpins a page that is not pinned", site);
}

bool kernel_is_pinned_(struct page *page, const struct sync_site *site)
{
	pfn_t head = frame_head(names_machine, pfn_of(page));
	bool pinned;

	needs(head, SYNC_BEFORE_STEP, site);
	pinned = sync_load_(&frame_of(names_machine, head)->pins, SYNC_RELAXED, site);
	uses(head, SYNC_IN_STEP, site);
	return pinned;
}
