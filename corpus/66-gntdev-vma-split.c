/* SPDX-License-Identifier: MIT */
/*
 * 66: gntdev compares with a VMA that was split, and leaves a grant mapped
 *
 * Linux: 5c13a4a0291b30191eff9ead8d010e1ca43a4d0c
 * Class: R
 *
 * With Xen's gntdev a process maps pages that another domain has granted. Such a page must be
 * unmapped by a hypercall before its page table entry goes, which gntdev does in invalidate() of
 * an interval notifier. It had noted the VMA and invalidated what the range and the VMA have in
 * common. But munmap() of one of two pages splits the VMA: the part that is unmapped is a new
 * VMA, and the one that was noted is only the rest, which has nothing in common with the range.
 * The grant stayed mapped ("bad page map"), and so did the second one, since the close of the new
 * VMA removed the notifier. The other domain never gets its pages back. The bug was repaired by
 * keeping the bounds of the whole mapping, which do not change, and removing the notifier with
 * the last VMA. (What the other domain gets back is freed at the end here, so that what it does
 * not get back is a leak.)
 *
 *	CPU 0, munmap of page 0			CPU 1, munmap of page 1
 *	1 split: new VMA [0,1), the noted
 *	  one becomes [1,2)
 *	2 invalidate [0,1) and [1,2):
 *	  nothing in common
 *	3 close of the new VMA: remove
 *	  the notifier
 *						4 no notifier: page 1 stays, too
 */
#include <mmun/explore.h>
#include <mmun/kernel.h>

#include "entry.h"

enum { COUNT = 2 };

struct vm_area_struct { int vm_start, vm_end; };

static struct mutex mmap_lock;
static struct vm_area_struct vma = { 0, COUNT };  /* [mmap_lock] the one that was mmap()ed */

static struct {                                 /* struct gntdev_grant_map, [mmap_lock] */
	int pages_vm_start, count;
	struct vm_area_struct *vma;             /* the original VMA; NULL: closed */
	bool notifier;                          /* is inserted */
	int users;                              /* VMAs */
	bool mapped[COUNT];                     /* grants, by hypercall */
} map = { .count = COUNT, .vma = &vma, .notifier = true, .users = 1, .mapped = { true, true } };

struct granted_page { int data; };
static struct granted_page *granted[COUNT];     /* of the other domain */

/* The interval notifier's, for [start, end). */
static void gntdev_invalidate(int start, int end)
{
	int first = fixed ? map.pages_vm_start : map.vma->vm_start;
	int last = fixed ? map.pages_vm_start + map.count : map.vma->vm_end;

	for (int i = start > first ? start : first; i < end && i < last; i++) { /* 2 */
		map.mapped[i] = false; /* GNTTABOP_unmap_grant_ref */
		pr_info("the grant of page %d is unmapped", i);
	}
}

static void gntdev_vma_close(struct vm_area_struct *v)
{
	map.users--;
	if (fixed) {
		if (!map.users)
			map.notifier = false; /* gntdev_put_map() */
		return;
	}
	if (map.notifier)
		pr_info("the notifier is removed");
	map.notifier = false;                                           /* 3 */
	if (v == map.vma)
		map.vma = NULL;
}

/* do_munmap() of one page */
static void munmap(int page)
{
	struct vm_area_struct new, *gone = &vma;

	mutex_lock(&mmap_lock);
	if (vma.vm_end - vma.vm_start > 1) { /* __split_vma(): the new one is unmapped */
		new = (struct vm_area_struct){ page, page + 1 };
		if (page == vma.vm_start)
			vma.vm_start = page + 1;                        /* 1 */
		else
			vma.vm_end = page;
		map.users++; /* gntdev_vma_open() */
		gone = &new;
		pr_info("the VMA is split at page 1");
	}
	if (map.notifier)                                               /* 4 */
		gntdev_invalidate(page, page + 1);
	pr_info("the entry of page %d is cleared", page);
	gntdev_vma_close(gone);
	mutex_unlock(&mmap_lock);
}

static void setup(void)
{
	for (int i = 0; i < COUNT; i++)
		granted[i] = kzalloc(sizeof(*granted[i]), GFP_KERNEL);
}

static void thread(unsigned thread)
{
	munmap((int)thread);
}

/* The other domain takes back its pages, if they are not mapped here. */
static void finish(void)
{
	for (int i = 0; i < COUNT; i++)
		if (!map.mapped[i])
			kfree(granted[i]);
}

static const char *const names[] = { "munmap 0", "munmap 1" };

CORPUS_CALLS(finish)
CORPUS_ENTRY("leak", .finish = call_finish)
