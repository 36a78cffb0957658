/* SPDX-License-Identifier: MIT */
/*
 * 29a: Dirty COW: a broken copy is discarded before get_user_pages() has found it
 *
 * Linux: CVE-2016-5195, 19be0eaffa3ac7d8eb6784ad9bdbc7d67ed8e619
 * Class: G
 *
 * A debugger may write to a private read-only mapping (FOLL_FORCE): the write goes to a copy of
 * the process's own, which stays read-only in its page table. So the walk for writing would never
 * find a writable entry, and faultin_page() dropped FOLL_WRITE as soon as the fault had broken
 * COW: the next walk was one for reading, and was believed to find the copy. If another thread
 * discarded the copy in between with MADV_DONTNEED, the walk found nothing, the fault was one for
 * reading as well, and mapped the page of the page cache. get_user_pages() returned that, and the
 * write went into the file, which nobody may write. The bug was repaired by keeping FOLL_WRITE
 * and noting FOLL_COW: a read-only entry will do for writing only if it is dirty, as a copy is.
 *
 *	CPU 0, write to /proc/self/mem		CPU 1, MADV_DONTNEED
 *	1 fault: copy, entry read-only
 *	2 fault: COW is broken, drop
 *	  FOLL_WRITE
 *						3 clear the entry; free the copy
 *	4 fault, for reading: page cache
 *	5 write to the page cache
 */
#include <mmun/explore.h>
#include <mmun/kernel.h>

#include "entry.h"

enum { FOLL_WRITE = 1, FOLL_FORCE = 2, FOLL_COW = 4 };
enum { VM_FAULT_WRITE = 1 };
enum { OF_FILE = 5, WRITTEN = 6 };

struct page { refcount_t count; int data; };

static struct {
	struct page *page;
	bool write, dirty;
} pte;                                          /* [ptl] */
static spinlock_t ptl;

static struct page *page_cache;                 /* the file's page */
static const bool vm_write;                     /* the mapping is private, and read-only */

static void put_page(struct page *page)
{
	if (refcount_dec_and_test(&page->count))
		kfree(page);
}

static struct page *alloc_copy(void)
{
	struct page *copy = kzalloc(sizeof(*copy), GFP_KERNEL);

	refcount_set(&copy->count, 1);
	copy->data = OF_FILE;
	return copy;
}

static int handle_mm_fault(bool write)
{
	struct page *copy = write ? alloc_copy() : NULL;
	int ret = 0;

	spin_lock(&ptl);
	if (!pte.page && !write) {              /* do_read_fault() */
		refcount_inc(&page_cache->count);
		pte.page = page_cache;
		pte.write = pte.dirty = false;
		pr_info("fault for reading: x -> the page cache");
	} else if (!pte.page) {                 /* do_cow_fault() */
		pte.page = copy;
		pte.write = vm_write;
		pte.dirty = true;
		copy = NULL;
		pr_info("fault for writing: x -> a copy, read-only");
	} else if (write && pte.page == page_cache) { /* do_wp_page() */
		pte.page = copy;
		pte.write = vm_write;
		pte.dirty = true;
		copy = page_cache;
		ret = VM_FAULT_WRITE;
		pr_info("write fault: x -> a copy, read-only");
	} else if (write) {                     /* do_wp_page(), the only user: reuse */
		pte.write = vm_write;
		pte.dirty = true;
		ret = VM_FAULT_WRITE;
		pr_info("write fault: x is a copy already");
	}
	spin_unlock(&ptl);
	if (copy)
		put_page(copy);
	return ret;
}

static void faultin_page(unsigned *flags)
{
	if (!(handle_mm_fault(*flags & FOLL_WRITE) & VM_FAULT_WRITE) || vm_write)
		return;
	/* COW is broken, though the entry cannot be made writable. */
	if (fixed) {
		*flags |= FOLL_COW;
	} else {
		*flags &= ~FOLL_WRITE;                                  /* 2 */
		pr_info("from now on for reading");
	}
}

static bool can_follow_write_pte(unsigned flags)
{
	return pte.write ||
	       (fixed && (flags & FOLL_FORCE) && (flags & FOLL_COW) && pte.dirty);
}

static struct page *follow_page_pte(unsigned flags)
{
	struct page *page;

	spin_lock(&ptl);
	page = pte.page;
	if (page && (flags & FOLL_WRITE) && !can_follow_write_pte(flags))
		page = NULL;
	if (page) {
		refcount_inc(&page->count);
		pr_info("found %s", page == page_cache ? "the page cache" : "the copy");
	}
	spin_unlock(&ptl);
	return page;
}

static struct page *get_user_pages(unsigned flags)
{
	struct page *page;

	while (!(page = follow_page_pte(flags)))
		faultin_page(&flags);                                   /* 1, 2, 4 */
	return page;
}

static void mem_write(void)
{
	struct page *page = get_user_pages(FOLL_WRITE | FOLL_FORCE);

	WRITE_ONCE(page->data, WRITTEN);                                /* 5 */
	put_page(page);
}

static void madvise_dontneed(void)
{
	struct page *page;

	spin_lock(&ptl);
	page = pte.page;
	pte.page = NULL;                                                /* 3 */
	pr_info(page ? "x is cleared" : "there is nothing at x");
	spin_unlock(&ptl);
	if (page)
		put_page(page);
}

static void setup(void)
{
	page_cache = alloc_copy();
}

static void thread(unsigned thread)
{
	switch (thread) {
	case 0:
		mem_write();
		break;
	case 1:
		madvise_dontneed();
		break;
	}
}

static void finish(void)
{
	if (page_cache->data != OF_FILE)
		explore_fail(ORACLE_CONDITION, "a write to a private mapping went into the file");
	if (pte.page)
		put_page(pte.page);
	put_page(page_cache);
}

static const char *const names[] = { "mem_write", "dontneed" };

CORPUS_CALLS(finish)
CORPUS_ENTRY("condition", .finish = call_finish)
