/* SPDX-License-Identifier: MIT */
/*
 * 33b: invalidate_page() is called under the page table lock, and the driver sleeps
 *
 * Linux: ea25c4317946
 * Class: N
 *
 * invalidate_page() was first called after the page table lock was dropped (33a). A change of the
 * reverse map's walk moved the call under the lock. There a new page cannot come between, but
 * drivers had been promised that the callback may sleep: they took mutexes in it, to keep their
 * own page faults away while they changed the device's page table, and slept now with a spin lock
 * held. The bug was repaired by removing the callback and calling start and end around the walk,
 * outside of the lock. The driver unmaps at the start, and counts, so that its page faults enter
 * nothing until the end.
 *
 *	CPU 0, reclaim				CPU 1, page fault of the device
 *						1 mutex_lock(driver)
 *	2 spin_lock(ptl); clear x
 *	3 invalidate_page: mutex_lock: sleeps
 */
#include <mmun/explore.h>
#include <mmun/kernel.h>

#include "entry.h"

static spinlock_t ptl;
static bool pte_present = true;         /* [ptl] */

static struct {
	struct mutex lock;
	int in_progress, seq;           /* [lock] */
	bool mapped;                    /* [lock] in the device's page table */
} driver = { .mapped = true };

static void driver_invalidate_page(void)
{
	mutex_lock(&driver.lock);                               /* 3 */
	driver.mapped = false;
	driver.seq++;
	pr_info("the driver unmaps the page");
	mutex_unlock(&driver.lock);
}

static void driver_invalidate_range_start(void)
{
	mutex_lock(&driver.lock);
	driver.mapped = false;
	driver.in_progress++;
	pr_info("the driver unmaps the page");
	mutex_unlock(&driver.lock);
}

static void driver_invalidate_range_end(void)
{
	mutex_lock(&driver.lock);
	driver.in_progress--;
	driver.seq++;
	mutex_unlock(&driver.lock);
}

static void try_to_unmap_one(void)
{
	if (fixed)
		driver_invalidate_range_start();
	spin_lock(&ptl);                                        /* 2 */
	pte_present = false;
	pr_info("x is cleared");
	if (!fixed)
		driver_invalidate_page();
	spin_unlock(&ptl);
	if (fixed)
		driver_invalidate_range_end();
}

static void driver_page_fault(void)
{
	bool present;
	int seq;

	mutex_lock(&driver.lock);
	seq = driver.seq;
	mutex_unlock(&driver.lock);

	spin_lock(&ptl); /* get_user_pages() */
	present = pte_present;
	spin_unlock(&ptl);

	mutex_lock(&driver.lock);                               /* 1 */
	if (present && !driver.in_progress && driver.seq == seq) {
		driver.mapped = true;
		pr_info("the driver maps the page");
	}
	mutex_unlock(&driver.lock);
}

static void setup(void)
{
}

static void thread(unsigned thread)
{
	switch (thread) {
	case 0:
		try_to_unmap_one();
		break;
	case 1:
		driver_page_fault();
		break;
	}
}

static void finish(void)
{
	EXPLORE_ASSERT(!driver.mapped && !pte_present);
}

static const char *const names[] = { "reclaim", "device fault" };

CORPUS_CALLS(finish)
CORPUS_ENTRY("atomic-sleep", .finish = call_finish)
