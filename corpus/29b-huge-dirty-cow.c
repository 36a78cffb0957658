/* SPDX-License-Identifier: MIT */
/*
 * 29b: Huge Dirty COW: looking at a huge page makes it dirty
 *
 * Linux: CVE-2017-1000405, a8f97366452ed491d13cf1e44241bc0b5740b1f0
 * Class: G
 *
 * After the repair of 29a a forced write is let through a read-only entry if COW was broken and
 * the entry is dirty, which only a copy can be. But follow_trans_huge_pmd() marked the huge page
 * it found as accessed, and did so with a dirty bit, also when it was followed for reading. So a
 * second thread could discard the copy, have the address read by get_user_pages(), which mapped
 * the huge zero page and made its entry dirty, and the first one took it for its copy: it wrote
 * to the zero page, which all processes of the system read zeros from. The bug was repaired by
 * setting the dirty bit only where the page is followed for writing.
 *
 *	CPU 0, write to /proc/self/mem		CPU 1
 *	1 fault: copy; FOLL_COW
 *						2 MADV_DONTNEED: clear the entry
 *						3 read with get_user_pages():
 *						  fault: huge zero page, read-only
 *						4 touch_pmd(): young, and dirty
 *	5 read-only, FOLL_COW, dirty: found
 *	6 write to the huge zero page
 */
#include <mmun/explore.h>
#include <mmun/kernel.h>

#include "entry.h"

enum { FOLL_WRITE = 1, FOLL_FORCE = 2, FOLL_COW = 4 };
enum { VM_FAULT_WRITE = 1 };

struct page { refcount_t count; int data; };

static struct {
	struct page *page;
	bool write, young, dirty;
} pmd;                                          /* [pmd_lock] */
static spinlock_t pmd_lock;

static struct page huge_zero_page;              /* not counted */
static const bool vm_write;                     /* the mapping is private, and read-only */

static void put_page(struct page *page)
{
	if (page != &huge_zero_page && refcount_dec_and_test(&page->count))
		kfree(page);
}

static int handle_mm_fault(bool write)
{
	struct page *copy = NULL;
	int ret = 0;

	if (write) {
		copy = kzalloc(sizeof(*copy), GFP_KERNEL);
		refcount_set(&copy->count, 1);
	}
	spin_lock(&pmd_lock);
	if (!pmd.page && !write) {              /* set_huge_zero_page() */
		pmd.page = &huge_zero_page;
		pmd.write = pmd.young = pmd.dirty = false;
		pr_info("fault for reading: x -> the huge zero page");
	} else if (write && (!pmd.page || pmd.page == &huge_zero_page)) {
		/* do_huge_pmd_anonymous_page(), do_huge_pmd_wp_page() */
		ret = pmd.page ? VM_FAULT_WRITE : 0;
		pmd.page = copy;
		pmd.write = vm_write;
		pmd.young = pmd.dirty = true;
		copy = NULL;
		pr_info("fault for writing: x -> a copy, read-only");
	} else if (write) {                     /* do_huge_pmd_wp_page(): the only user */
		pmd.write = vm_write;
		pmd.dirty = true;
		ret = VM_FAULT_WRITE;
		pr_info("fault for writing: x is a copy already");
	}
	spin_unlock(&pmd_lock);
	if (copy)
		put_page(copy);
	return ret;
}

static bool can_follow_write_pmd(unsigned flags)
{
	return pmd.write || ((flags & FOLL_FORCE) && (flags & FOLL_COW) && pmd.dirty);
}

static void touch_pmd(unsigned flags)
{
	pmd.young = true;
	if (!fixed || (flags & FOLL_WRITE)) {
		pmd.dirty = true;                                       /* 4 */
		pr_info("x is marked young and dirty");
	} else {
		pr_info("x is marked young");
	}
}

static struct page *follow_trans_huge_pmd(unsigned flags)
{
	struct page *page;

	spin_lock(&pmd_lock);
	page = pmd.page;
	if (page && (flags & FOLL_WRITE) && !can_follow_write_pmd(flags))
		page = NULL;
	if (page) {
		pr_info("found %s", page == &huge_zero_page ? "the huge zero page" : "the copy");
		touch_pmd(flags);
		if (page != &huge_zero_page)
			refcount_inc(&page->count);
	}
	spin_unlock(&pmd_lock);
	return page;
}

static struct page *get_user_pages(unsigned flags)
{
	struct page *page;

	while (!(page = follow_trans_huge_pmd(flags)))
		if ((handle_mm_fault(flags & FOLL_WRITE) & VM_FAULT_WRITE) && !vm_write)
			flags |= FOLL_COW;                              /* 1 */
	return page;
}

static void mem_write(void)
{
	struct page *page = get_user_pages(FOLL_WRITE | FOLL_FORCE);    /* 5 */

	WRITE_ONCE(page->data, 1);                                      /* 6 */
	put_page(page);
}

static void madvise_dontneed(void)
{
	struct page *page;

	spin_lock(&pmd_lock);
	page = pmd.page;
	pmd.page = NULL;                                                /* 2 */
	pr_info("MADV_DONTNEED: x is cleared");
	spin_unlock(&pmd_lock);
	if (page)
		put_page(page);
}

static void setup(void)
{
	pmd.page = &huge_zero_page;
}

static void thread(unsigned thread)
{
	switch (thread) {
	case 0:
		mem_write();
		break;
	case 1:
		madvise_dontneed();
		put_page(get_user_pages(0));                            /* 3 */
		break;
	}
}

static void finish(void)
{
	if (huge_zero_page.data)
		explore_fail(ORACLE_CONDITION, "the huge zero page of the system was written");
	if (pmd.page)
		put_page(pmd.page);
}

static const char *const names[] = { "mem_write", "dontneed, read" };

CORPUS_CALLS(finish)
CORPUS_ENTRY("condition", .finish = call_finish)
