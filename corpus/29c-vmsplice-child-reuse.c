/* SPDX-License-Identifier: MIT */
/*
 * 29c: a child keeps a page by vmsplice() and sees what the parent writes later
 *
 * Linux: CVE-2020-29374, 17839856fd588f4ab6b789f482ed3ffd7c403e1f
 * Class: G
 *
 * After fork() parent and child share a page, read-only. The child puts it into a pipe with
 * vmsplice(), which takes a reference by get_user_pages() for reading, and unmaps it. When the
 * parent writes, the write fault counts who maps the page, finds the parent alone, and lets it
 * write in place; the child then reads from the pipe what the parent has written after the fork:
 * with processes that share memory by fork only, as on Android, a secret. Copy on write can be
 * broken on either side, and whoever looks up a page for reading may be left with what is the
 * other's. The bug was repaired by making get_user_pages() break COW also for reading, in
 * mappings where COW is possible, so that the page kept is the child's own. (It cost too much,
 * was reverted, and exclusive pages, PageAnonExclusive, came instead.)
 *
 *	CPU 0, child				CPU 1, parent
 *	1 vmsplice: reference to P
 *	2 munmap: mapcount of P is 1
 *						3 write fault: mapcount 1, reuse P
 *						4 write P
 *	5 read the pipe: the parent's data
 */
#include <mmun/explore.h>
#include <mmun/kernel.h>

#include "entry.h"

enum { BEFORE_FORK, SECRET };

struct page { refcount_t count; atomic_t mapcount; int data; };

struct mm {
	spinlock_t ptl;
	struct page *page;                      /* [ptl] the one entry, x */
	bool write;                             /* [ptl] */
};

static struct mm parent, child;

static void put_page(struct page *page)
{
	if (refcount_dec_and_test(&page->count))
		kfree(page);
}

static struct page *alloc_page(int data)
{
	struct page *page = kzalloc(sizeof(*page), GFP_KERNEL);

	refcount_set(&page->count, 1);
	atomic_set(&page->mapcount, 1);
	page->data = data;
	return page;
}

/* With mm->ptl held. reuse_swap_page() asks for the mapcount, not for references. */
static void do_wp_page(struct mm *mm, struct page *copy)
{
	struct page *old = mm->page;

	if (atomic_read(&old->mapcount) == 1) {                         /* 3 */
		mm->write = true;
		pr_info("the only one that maps the page: reuse");
		put_page(copy);
		return;
	}
	WRITE_ONCE(copy->data, READ_ONCE(old->data));
	mm->page = copy;
	mm->write = true;
	pr_info("the page is copied");
	atomic_dec(&old->mapcount);
	put_page(old);
}

/* For reading. */
static struct page *get_user_pages(struct mm *mm)
{
	struct page *page, *copy = alloc_page(BEFORE_FORK);

	spin_lock(&mm->ptl);
	if (fixed && !mm->write) /* should_force_cow_break(): as if FOLL_WRITE */
		do_wp_page(mm, copy);
	else
		put_page(copy);
	page = mm->page;
	refcount_inc(&page->count);                                     /* 1 */
	spin_unlock(&mm->ptl);
	return page;
}

static void munmap(struct mm *mm)
{
	struct page *page;

	spin_lock(&mm->ptl);
	page = mm->page;
	mm->page = NULL;
	atomic_dec(&page->mapcount);                                    /* 2 */
	spin_unlock(&mm->ptl);
	put_page(page);
}

static void run_child(void)
{
	struct page *pipe = get_user_pages(&child); /* vmsplice() */

	pr_info("the page is in the pipe");
	munmap(&child);
	if (READ_ONCE(pipe->data) == SECRET)                            /* 5 */
		explore_fail(ORACLE_CONDITION,
			     "the child reads what the parent wrote after the fork");
	put_page(pipe);
}

static void run_parent(void)
{
	struct page *copy = alloc_page(BEFORE_FORK);

	spin_lock(&parent.ptl);
	do_wp_page(&parent, copy);
	WRITE_ONCE(parent.page->data, SECRET);                          /* 4 */
	spin_unlock(&parent.ptl);
}

static void setup(void)
{
	parent.page = child.page = alloc_page(BEFORE_FORK);
	refcount_set(&parent.page->count, 2);
	atomic_set(&parent.page->mapcount, 2);
}

static void thread(unsigned thread)
{
	switch (thread) {
	case 0:
		run_child();
		break;
	case 1:
		run_parent();
		break;
	}
}

static void finish(void)
{
	put_page(parent.page);
}

static const char *const names[] = { "child", "parent" };

CORPUS_CALLS(finish)
CORPUS_ENTRY("condition", .finish = call_finish)
