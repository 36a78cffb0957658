/* SPDX-License-Identifier: MIT */
/*
 * 33a: invalidate_page() is called after the page table lock was dropped
 *
 * Linux: ea25c4317946
 * Class: B/N
 *
 * The callback invalidate_page() told a secondary MMU that one page was unmapped. Reclaim called
 * it after it had dropped the page table lock, so that it might sleep. But as soon as the lock is
 * dropped the address may be given another page. Here reclaim discards a page that was given up
 * with MADV_FREE, a processor touches the address, gets a new page, and writes it; a device that
 * shares the page table still has the old page in its TLB: it sees what the processor wrote
 * later, and at the address the old contents. Moved under the lock the call broke callbacks that
 * slept (33b); and it had an address but no size, so huge pages were invalidated in part. The bug
 * was repaired by removing it: start and end around, which may sleep, and invalidate_range()
 * under the lock for TLBs of the same page table. (The device's TLB is a word here, with a lock
 * that makes an invalidation wait for the access that is under way.)
 *
 *	CPU 0, reclaim			CPU 1			device, TLB: x -> P
 *	1 lock; clear x; unlock
 *					2 fault: x -> P'
 *					3 x = 1; flag = 1
 *								4 read flag: 1
 *								  read x: P, old
 *	5 invalidate_page(x)
 */
#include <mmun/explore.h>
#include <mmun/kernel.h>

#include "entry.h"

enum { NONE, OLD, NEW };

static spinlock_t ptl;
static int pte = OLD;                   /* [ptl] but page walkers read it */
static int page[3];                     /* the contents; there is no page NONE */
static int flag;                        /* in another page */

static struct {
	spinlock_t lock;                /* an access against an invalidation */
	int tlb;                        /* [lock] NONE: empty */
} device = { .tlb = OLD };

static void iommu_flush(void)
{
	spin_lock(&device.lock);
	device.tlb = NONE;
	pr_info("the device's TLB is empty");
	spin_unlock(&device.lock);
}

/* A page of MADV_FREE that is clean; the caller frees it. */
static void try_to_unmap_one(void)
{
	spin_lock(&ptl);
	WRITE_ONCE(pte, NONE);                          /* 1: ptep_clear_flush() */
	if (fixed)
		iommu_flush();                          /* invalidate_range() */
	spin_unlock(&ptl);
	if (!fixed)
		iommu_flush();                          /* 5: invalidate_page() */
}

static void cpu(void)
{
	spin_lock(&ptl);
	if (READ_ONCE(pte) == NONE) {
		WRITE_ONCE(pte, NEW);                   /* 2: do_anonymous_page() */
		pr_info("x -> a new page");
	}
	spin_unlock(&ptl);
	if (READ_ONCE(pte) != NEW)
		return;
	WRITE_ONCE(page[NEW], 1);                       /* 3 */
	WRITE_ONCE(flag, 1);
}

static int device_load(void)
{
	int value = -1; /* a fault */

	spin_lock(&device.lock);
	if (device.tlb == NONE)
		device.tlb = READ_ONCE(pte);
	if (device.tlb != NONE)
		value = READ_ONCE(page[device.tlb]);
	spin_unlock(&device.lock);
	return value;
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
		cpu();
		break;
	case 2:
		if (READ_ONCE(flag) && device_load() == 0)      /* 4 */
			explore_fail(ORACLE_CONDITION,
				     "the device saw the flag, then the page that was discarded");
		break;
	}
}

static const char *const names[] = { "reclaim", "cpu", "device" };

CORPUS_ENTRY("condition")
