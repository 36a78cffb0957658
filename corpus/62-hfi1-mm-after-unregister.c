/* SPDX-License-Identifier: MIT */
/*
 * 62: hfi1 uses the mm after it has unregistered its notifier
 *
 * Linux: CVE-2022-49076, 2bbac98d0930e8161b1957dc0ec99de39ade1b3c
 * Class: L
 *
 * A registered notifier keeps the mm_struct (not its contents) by a reference that
 * mmu_notifier_unregister() drops. The hfi1 driver unregisters when its file is closed, so that
 * no more notifications come, and then releases the pages that it has pinned, which counts them
 * off in the mm. If the process has gone meanwhile, as with MPI_Abort, the notifier's reference
 * was the last one: the mm was freed, and another process could own it when the driver took its
 * lock and changed its count. The bug was repaired by a reference of the driver's own, mmgrab()
 * before unregistering and mmdrop() at the end.
 *
 *	CPU 0, close of the hfi1 file		CPU 1, exit
 *						1 mmdrop: one reference left
 *	2 unregister: mmdrop: the last,
 *	  free the mm
 *	3 mm->pinned_vm -= n [freed]
 */
#include <mmun/explore.h>
#include <mmun/kernel.h>

#include "entry.h"

struct mm_struct {
	refcount_t mm_count;
	atomic64_t pinned_vm;
	bool has_notifier;
};

static struct mm_struct *mm;
static spinlock_t subscriptions_lock;

static void mmgrab(void) { refcount_inc(&mm->mm_count); }

static void mmdrop(void)
{
	if (refcount_dec_and_test(&mm->mm_count)) {
		pr_info("the mm is freed");
		kfree(mm);
	}
}

static void mmu_notifier_unregister(void)
{
	spin_lock(&subscriptions_lock);
	mm->has_notifier = false;
	spin_unlock(&subscriptions_lock);
	synchronize_rcu(); /* srcu: callbacks that are under way */
	mmdrop();                                               /* 2 */
}

static void hfi1_release_user_pages(int npages)
{
	atomic64_add(-npages, &mm->pinned_vm);                  /* 3 */
	pr_info("%d pages are unpinned", npages);
}

static void hfi1_mmu_rb_unregister(void)
{
	if (fixed)
		mmgrab();
	mmu_notifier_unregister();
	hfi1_release_user_pages(2); /* do_remove() */
	if (fixed)
		mmdrop();
}

static void exit_mm(void)
{
	rcu_read_lock(); /* exit_mmap(): the notifiers' release() */
	rcu_read_unlock();
	mmdrop();                                               /* 1 */
}

static void setup(void)
{
	mm = kzalloc(sizeof(*mm), GFP_KERNEL);
	refcount_set(&mm->mm_count, 2); /* the process's and the notifier's */
	atomic64_set(&mm->pinned_vm, 2);
	mm->has_notifier = true;
}

static void thread(unsigned thread)
{
	switch (thread) {
	case 0:
		hfi1_mmu_rb_unregister();
		break;
	case 1:
		exit_mm();
		break;
	}
}

/* Neither is left with a reference: an mm that was not freed is a finding. */
static void finish(void)
{
}

static const char *const names[] = { "hfi1", "exit" };

CORPUS_CALLS(finish)
CORPUS_ENTRY("lifetime", .finish = call_finish)
