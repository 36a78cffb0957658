/* SPDX-License-Identifier: MIT */
/*
 * 35: hmm_release() calls a mirror that hmm_mirror_unregister() has let go
 *
 * Linux: not verified, "mm/hmm: Remove confusing comment and logic from hmm_release"
 * Class: L
 *
 * A driver that mirrored a process with HMM of Linux 4.14 to 5.3 was told of the exit of the
 * process by its release(). hmm_release() took each mirror off the list under mirrors_sem, but
 * dropped the lock for the call, so that the driver might wait for whatever needs that lock. A
 * driver that unregistered its mirror at this time found it off the list, got the lock at once
 * and freed the mirror, and release() was called with freed memory. The bug was repaired by
 * holding the lock for reading during the calls and leaving the mirrors on the list, which
 * forbids release() to unregister; no driver's release() did anything that could deadlock.
 *
 *	CPU 0, exit				CPU 1, driver
 *	1 lock; list -= mirror; unlock
 *						2 unregister: lock; unlock
 *						3 kfree(mirror)
 *	4 mirror->ops->release() [freed]
 */
#include <mmun/explore.h>
#include <mmun/kernel.h>

#include "entry.h"

struct hmm_mirror {
	struct list_head list;
	bool stopped;
};

static struct {
	struct rw_semaphore mirrors_sem;
	struct list_head mirrors;               /* [mirrors_sem] */
} hmm;

static struct hmm_mirror *driver_mirror;

/* mirror->ops->release(): the device stops to use the address space. */
static void driver_release(struct hmm_mirror *mirror)
{
	WRITE_ONCE(mirror->stopped, true);                              /* 4 */
}

static void hmm_release(void)
{
	struct hmm_mirror *mirror;

	if (fixed) {
		down_read(&hmm.mirrors_sem);
		list_for_each_entry(mirror, &hmm.mirrors, list)
			driver_release(mirror);
		up_read(&hmm.mirrors_sem);
		return;
	}

	down_write(&hmm.mirrors_sem);
	while (!list_empty(&hmm.mirrors)) {
		mirror = list_first_entry(&hmm.mirrors, struct hmm_mirror, list);
		list_del_init(&mirror->list);                           /* 1 */
		pr_info("the mirror is off the list");
		up_write(&hmm.mirrors_sem);
		driver_release(mirror);
		down_write(&hmm.mirrors_sem);
	}
	up_write(&hmm.mirrors_sem);
}

static void hmm_mirror_unregister(struct hmm_mirror *mirror)
{
	down_write(&hmm.mirrors_sem);                                   /* 2 */
	list_del_init(&mirror->list);
	up_write(&hmm.mirrors_sem);
}

static void setup(void)
{
	driver_mirror = kzalloc(sizeof(*driver_mirror), GFP_KERNEL);
	INIT_LIST_HEAD(&hmm.mirrors);
	list_add(&driver_mirror->list, &hmm.mirrors);
}

static void thread(unsigned thread)
{
	switch (thread) {
	case 0:
		hmm_release();
		break;
	case 1:
		hmm_mirror_unregister(driver_mirror);
		pr_info("kfree(mirror)");
		kfree(driver_mirror);                                   /* 3 */
		break;
	}
}

static void finish(void)
{
	EXPLORE_ASSERT(list_empty(&hmm.mirrors));
}

static const char *const names[] = { "exit", "driver" };

CORPUS_CALLS(finish)
CORPUS_ENTRY("lifetime", .finish = call_finish)
