/* SPDX-License-Identifier: MIT */
/*
 * 41: mmu_notifier_synchronize() does not wait for the callbacks of mmu_notifier_put()
 *
 * Linux: mmu_notifier_synchronize() of 6.19; found by reading, no report of it is known
 * Class: L
 *
 * mmu_notifier_put() frees a notifier later, by a callback of call_srcu() that calls the
 * driver's free_notifier(). A driver that is unloaded must therefore call
 * mmu_notifier_synchronize() before its code goes; the function's description promises that
 * all that was put off is done when it returns. In older kernels it was srcu_barrier(), which
 * waits for callbacks; in 6.19 it is synchronize_srcu(), which waits for readers. A grace period
 * that has ended means that a callback may be called, not that it was: it may be on the list
 * of another processor. Then free_notifier() is called when the module is no longer in memory.
 * In practice both often wait on one list, one behind the other, which nothing promises.
 * The repair shown is srcu_barrier(). (The module's code is a word of memory here.)
 *
 *	CPU 0, rmmod				CPU 1, callbacks of SRCU
 *	1 mmu_notifier_put: call_srcu
 *						2 a grace period ends
 *	3 mmu_notifier_synchronize:
 *	  a grace period ends
 *	4 free the module
 *						5 free_notifier() [freed]
 */
#include <mmun/explore.h>
#include <mmun/kernel.h>

#include "entry.h"

struct module { int text; };
struct mmu_notifier { int users; };

static struct module *module;
static struct mmu_notifier *subscription;       /* the callback's, once it is queued */
static struct completion queued, called;

/* ops->free_notifier() */
static void driver_free_notifier(struct mmu_notifier *mn)
{
	(void)READ_ONCE(module->text);                                  /* 5 */
	kfree(mn);
	pr_info("free_notifier() has run");
}

static void mmu_notifier_put(struct mmu_notifier *mn)
{
	if (--mn->users)
		return;
	pr_info("call_srcu()");
	complete(&queued);                                              /* 1 */
}

/* A kernel thread of SRCU. */
static void srcu_invoke_callbacks(void)
{
	wait_for_completion(&queued);
	synchronize_rcu();                                              /* 2 */
	driver_free_notifier(subscription); /* mmu_notifier_free_rcu() */
	complete(&called); /* srcu_barrier() has put its own callback behind this one */
}

static void mmu_notifier_synchronize(void)
{
	if (fixed)
		wait_for_completion(&called); /* srcu_barrier() */
	else
		synchronize_rcu();                                      /* 3 */
}

static void driver_exit(void)
{
	mmu_notifier_put(subscription);
	mmu_notifier_synchronize();
	pr_info("the module is freed");
	kfree(module);                                                  /* 4 */
}

static void invalidate(void)
{
	rcu_read_lock(); /* of an mm: it may be calling the driver's callbacks */
	rcu_read_unlock();
}

static void setup(void)
{
	module = kzalloc(sizeof(*module), GFP_KERNEL);
	subscription = kzalloc(sizeof(*subscription), GFP_KERNEL);
	subscription->users = 1;
}

static void thread(unsigned thread)
{
	switch (thread) {
	case 0:
		driver_exit();
		break;
	case 1:
		srcu_invoke_callbacks();
		break;
	case 2:
		invalidate();
		break;
	}
}

/* What is allocated is freed by the threads: a leak is a finding. */
static void finish(void)
{
}

static const char *const names[] = { "rmmod", "srcu", "invalidation" };

CORPUS_CALLS(finish)
CORPUS_ENTRY("lifetime", .finish = call_finish)
