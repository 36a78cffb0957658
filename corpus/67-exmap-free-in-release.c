/* SPDX-License-Identifier: MIT */
/*
 * 67: a driver takes its pages back in release(), which munmap() does not call
 *
 * Linux: none; tuhhosg/exmap, pull request 3
 * Class: L
 *
 * The exmap module maps pages of a pool of its own into a process, by writing the page table
 * itself. They must leave the page table before the kernel sees them there, since for the kernel
 * a page that it finds in a table is one that it frees. The module did that in the release() of
 * its MMU notifier. But release() is called when the address space ends, and not when the area is
 * unmapped: munmap() found the module's page and released it ("bad page state"), while the module
 * had it and gave it out again. The bug was repaired by an invalidate_range_start(), which comes
 * before the first entry is changed.
 *
 *	CPU 0, munmap				CPU 1, an operation of exmap
 *						1 page = the entry's
 *						  I/O to the page begins
 *	2 no start; clear the entry
 *	3 put the page: it is freed
 *						4 write the page [freed]
 */
#include <mmun/explore.h>
#include <mmun/kernel.h>

#include "entry.h"

struct page { refcount_t count; int data; };

static spinlock_t ptl;
static struct page *pte;                /* [ptl] the one entry of the area */

static struct {
	struct mutex lock;              /* an operation on the area */
	struct page *pool;              /* [lock] pages that are not mapped */
} exmap;

static void put_page(struct page *page)
{
	if (refcount_dec_and_test(&page->count)) {
		pr_info("the kernel frees the page");
		kfree(page);
	}
}

static struct page *unmap_page(void)
{
	struct page *page;

	spin_lock(&ptl);
	page = pte;
	pte = NULL;
	spin_unlock(&ptl);
	return page;
}

/* What is mapped goes back to the pool: what release() did, and invalidate_range_start() does. */
static void exmap_notifier_unmap(void)
{
	struct page *page;

	mutex_lock(&exmap.lock);
	page = unmap_page();
	if (page) {
		exmap.pool = page;
		pr_info("the page is in the pool again");
	}
	mutex_unlock(&exmap.lock);
}

static void do_munmap(void)
{
	struct page *page;

	if (fixed)
		exmap_notifier_unmap(); /* invalidate_range_start() */
	page = unmap_page(); /* 2: zap_pte_range() */
	if (page)
		put_page(page);                                         /* 3 */
}

/* Reads a block from the disk into the page that is mapped. */
static void exmap_read_iter(void)
{
	struct page *page;

	mutex_lock(&exmap.lock); /* the model's: a start waits for an operation */
	spin_lock(&ptl);
	page = pte;                                                     /* 1 */
	spin_unlock(&ptl);
	if (page)
		WRITE_ONCE(page->data, 1);                              /* 4 */
	else
		pr_info("there is no page");
	mutex_unlock(&exmap.lock);
}

static void setup(void)
{
	pte = kzalloc(sizeof(*pte), GFP_KERNEL);
	refcount_set(&pte->count, 1);
}

static void thread(unsigned thread)
{
	switch (thread) {
	case 0:
		do_munmap();
		break;
	case 1:
		exmap_read_iter();
		break;
	}
}

/* The address space ends, and then the module. */
static void finish(void)
{
	exmap_notifier_unmap(); /* release() */
	if (exmap.pool)
		put_page(exmap.pool);
}

static const char *const names[] = { "munmap", "exmap" };

CORPUS_CALLS(finish)
CORPUS_ENTRY("lifetime", .finish = call_finish)
