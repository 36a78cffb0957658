/* SPDX-License-Identifier: MIT */
/*
 * 46: KVM takes a reference to a page that is not counted, and frees it by dropping it
 *
 * Linux: CVE-2021-22543, f8be156be163a052a067306417cd0ff679068c97
 * Class: A
 *
 * A driver may map pages into a process by their numbers alone (VM_PFNMAP), also such that are
 * not counted: the second page of an allocation of two has the count 0, and goes with the first.
 * KVM looked such a mapping up by page number and, if there was a struct page, took a reference:
 * from 0 to 1. When the guest's page fault was done KVM dropped it, from 1 to 0, which frees the
 * page. The driver, the process and the guest still have it mapped, whoever gets it next shares
 * it with them, and at the end the driver frees it a second time. The bug was repaired by taking
 * a reference only where the count is not zero, and refusing the page otherwise. (Of the two
 * pages of the driver, the first is counted. The notifier has no part in it: the page is freed
 * while it is mapped.)
 *
 *	CPU 0, vCPU				CPU 1, driver
 *	1 fault: count of P: 0 -> 1
 *	2 SPTE: gfn -> P
 *	3 count: 1 -> 0, free P
 *						4 write P [freed]
 */
#include <mmun/explore.h>
#include <mmun/kernel.h>

#include <errno.h>

#include "entry.h"

struct page { atomic_t count; int data; };

static struct page *pages[2];           /* the driver's allocation, mapped by number */
static struct page *spte[2];            /* [mmu_lock] */
static rwlock_t mmu_lock;

static void put_page(struct page *page)
{
	if (atomic_dec_and_test(&page->count)) {
		pr_info("the count is 0: the page is freed");
		kfree(page);
	}
}

static int hva_to_pfn_remapped(int gfn, struct page **ret_page)
{
	struct page *page = pages[gfn]; /* follow_pte() */

	if (fixed && !atomic_inc_not_zero(&page->count)) { /* kvm_try_get_pfn() */
		pr_info("the page is not counted: -EFAULT");
		return -EFAULT;
	}
	if (!fixed)
		atomic_inc(&page->count); /* 1: kvm_get_pfn() */
	*ret_page = page;
	return 0;
}

static void kvm_page_fault(int gfn)
{
	struct page *page;

	if (hva_to_pfn_remapped(gfn, &page))
		return;
	write_lock(&mmu_lock);
	spte[gfn] = page;                                       /* 2 */
	pr_info("gfn %d is mapped", gfn);
	write_unlock(&mmu_lock);
	put_page(page); /* 3: kvm_release_pfn_clean(): the notifier will tell */
}

static void driver_write(void)
{
	WRITE_ONCE(pages[0]->data, 1);
	WRITE_ONCE(pages[1]->data, 1);                          /* 4 */
}

static void setup(void)
{
	for (int i = 0; i < 2; i++) {
		pages[i] = kzalloc(sizeof(*pages[i]), GFP_KERNEL);
		atomic_set(&pages[i]->count, i == 0);
	}
}

static void thread(unsigned thread)
{
	switch (thread) {
	case 0:
		kvm_page_fault(0);
		kvm_page_fault(1);
		break;
	case 1:
		driver_write();
		break;
	}
}

/* The driver frees its two pages together; one that KVM has freed is not there any more. */
static void finish(void)
{
	EXPLORE_ASSERT(spte[0] == pages[0]);
	kfree(pages[0]);
	if (fixed)
		kfree(pages[1]);
}

static const char *const names[] = { "vcpu", "driver" };

CORPUS_CALLS(finish)
CORPUS_ENTRY("lifetime", .finish = call_finish)
