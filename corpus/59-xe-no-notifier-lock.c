/* SPDX-License-Identifier: MIT */
/*
 * 59: xe looks into pages of hmm_range_fault() without the notifier lock
 *
 * Linux: CVE-2025-21939, ea3e66d280ce2576664a862693d1da8fd324c317
 * Class: N
 *
 * hmm_range_fault() returns the pages that are mapped in a range and takes no reference to them:
 * that they are still mapped is certain only while the driver holds its notifier lock, under
 * which its invalidate() runs, and has found the sequence number unchanged. The xe driver had the
 * number, but built its scatter list from the pages, and marked them dirty and accessed, before
 * it took the lock and asked; another process could own the page by then. The bug was repaired by
 * doing both under the lock, after mmu_interval_read_retry() has said that nothing was
 * invalidated. (The lock may not be held across allocations, so the list is allocated before. A
 * page that is another's by now is a freed one here.)
 *
 *	CPU 0, xe				CPU 1, munmap
 *	1 seq = read_begin
 *	  page = hmm_range_fault()
 *						2 invalidate: lock; seq changes; unlock
 *						3 clear x; end; free the page
 *	4 set_page_dirty(page) [freed]
 *	5 lock; seq is another: -EAGAIN
 */
#include <mmun/explore.h>
#include <mmun/kernel.h>

#include <errno.h>

#include "entry.h"

struct page { int flags; };
enum { PG_DIRTY = 1 };

static spinlock_t ptl;
static struct page *pte;                        /* [ptl] */

static struct {                                 /* the mm's notifier subscriptions */
	spinlock_t lock;
	wait_queue_head_t wq;
	uint64_t invalidate_seq;                /* [lock] odd: invalidating */
} subs = { .invalidate_seq = 2 };

static struct {
	struct rw_semaphore notifier_lock;
	uint64_t notifier_seq;                  /* of the interval notifier, always odd */
	bool bound;                             /* [notifier_lock] the GPU has the page */
} userptr = { .notifier_seq = 1 };

static uint64_t mmu_interval_read_begin(void)
{
	uint64_t seq = READ_ONCE(userptr.notifier_seq);

	wait_event(subs.wq, READ_ONCE(subs.invalidate_seq) != seq);
	return seq;
}

static bool mmu_interval_read_retry(uint64_t seq)
{
	return READ_ONCE(userptr.notifier_seq) != seq;
}

static void xe_vma_userptr_invalidate(uint64_t cur_seq)
{
	down_write(&userptr.notifier_lock);
	WRITE_ONCE(userptr.notifier_seq, cur_seq);              /* 2 */
	userptr.bound = false;
	up_write(&userptr.notifier_lock);
}

/* A page that is mapped, without a reference. */
static struct page *hmm_range_fault(void)
{
	struct page *page;

	spin_lock(&ptl);
	page = pte;
	spin_unlock(&ptl);
	return page;
}

static void xe_mark_range_accessed(struct page *page)
{
	WRITE_ONCE(page->flags, READ_ONCE(page->flags) | PG_DIRTY);     /* 4 */
	pr_info("the page is marked dirty");
}

static int xe_hmm_userptr_populate_range(void)
{
	uint64_t seq = mmu_interval_read_begin();
	struct page *page = hmm_range_fault();                  /* 1 */
	int ret = 0;

	if (!page)
		return -EFAULT;
	pr_info("the page was mapped");
	if (!fixed)
		xe_mark_range_accessed(page);

	down_read(&userptr.notifier_lock);                      /* 5 */
	if (mmu_interval_read_retry(seq)) {
		pr_info("it was invalidated: once more");
		ret = -EAGAIN;
	} else {
		if (fixed)
			xe_mark_range_accessed(page);
		userptr.bound = true;
	}
	up_read(&userptr.notifier_lock);
	return ret;
}

static void munmap(void)
{
	struct page *page;
	uint64_t cur_seq;

	spin_lock(&subs.lock);
	cur_seq = READ_ONCE(subs.invalidate_seq) | 1;
	WRITE_ONCE(subs.invalidate_seq, cur_seq);
	spin_unlock(&subs.lock);
	xe_vma_userptr_invalidate(cur_seq);

	spin_lock(&ptl);
	page = pte;
	pte = NULL;                                             /* 3 */
	spin_unlock(&ptl);

	spin_lock(&subs.lock);
	WRITE_ONCE(subs.invalidate_seq, cur_seq + 1);
	spin_unlock(&subs.lock);
	wake_up_all(&subs.wq);
	pr_info("the page is freed");
	kfree(page);
}

static void setup(void)
{
	pte = kzalloc(sizeof(*pte), GFP_KERNEL);
}

static void thread(unsigned thread)
{
	switch (thread) {
	case 0:
		while (xe_hmm_userptr_populate_range() == -EAGAIN)
			;
		break;
	case 1:
		munmap();
		break;
	}
}

static void finish(void)
{
	EXPLORE_ASSERT(!userptr.bound);
}

static const char *const names[] = { "xe", "munmap" };

CORPUS_CALLS(finish)
CORPUS_ENTRY("lifetime", .finish = call_finish)
