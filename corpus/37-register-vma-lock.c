/* SPDX-License-Identifier: MIT */
/*
 * 37: a notifier is registered while a fault runs under the lock of its VMA only
 *
 * Linux: eeff9a5d47f89bc641034fea05501c8a6de131cb
 * Class: L
 *
 * A notifier must not see the end of an invalidation whose start it has not seen. So
 * mmu_notifier_register() takes all locks under which invalidations run: mmap_lock, and with
 * mm_take_all_locks() those of all files and anonymous VMAs. When page faults learned to do
 * without mmap_lock, with the lock of their VMA only, that was no longer all: copy-on-write
 * called the starts when there was no notifier, then the notifier was added, and then the end was
 * called, also of the new notifier, whose count of outstanding invalidations went below zero. The
 * repair: mm_take_all_locks() also write-locks each VMA, which waits for the faults in it, and
 * sends later ones to mmap_lock.
 *
 *	CPU 0, mmu_notifier_register		CPU 1, fault, VMA lock only
 *						1 start: no notifier
 *	2 all locks (but not the VMA's)
 *	  publish the notifier
 *						3 end: notifier, count = -1
 */
#include <mmun/explore.h>
#include <mmun/kernel.h>

#include "entry.h"

struct mmu_notifier {
	atomic_t outstanding;           /* starts without their end */
};

/* mm->mm_lock_seq and vma->vm_lock_seq are the same: the VMA is write-locked. */
static struct {
	struct rw_semaphore mmap_lock;
	int mm_lock_seq;                /* changed with mmap_lock */
	struct mmu_notifier *notifier_subscriptions;
} mm = { .mm_lock_seq = 1 };

static struct {
	struct rw_semaphore lock;
	int vm_lock_seq;                /* changed with lock and mmap_lock */
} vma;

static struct mutex i_mmap_mutex;       /* and all the others of mm_take_all_locks() */
static struct mmu_notifier *new_subscription;

static void mmu_notifier_invalidate_range_start(void)
{
	struct mmu_notifier *subscription = rcu_dereference(mm.notifier_subscriptions);

	if (subscription) {
		atomic_inc(&subscription->outstanding);
		pr_info("start");
	} else {
		pr_info("start: there is no notifier");
	}
}

static void mmu_notifier_invalidate_range_end(void)
{
	struct mmu_notifier *subscription = rcu_dereference(mm.notifier_subscriptions);

	if (subscription && atomic_dec_return(&subscription->outstanding) < 0)
		explore_fail(ORACLE_PROTOCOL,
			     "a notifier is told the end of an invalidation it has not seen begin");
}

static void mmap_write_unlock(void)
{
	/* vma_end_write_all() */
	smp_store_release(&mm.mm_lock_seq, READ_ONCE(mm.mm_lock_seq) + 1);
	up_write(&mm.mmap_lock);
}

static void vma_start_write(void)
{
	int seq = READ_ONCE(mm.mm_lock_seq);

	if (READ_ONCE(vma.vm_lock_seq) == seq)
		return;
	down_write(&vma.lock);
	WRITE_ONCE(vma.vm_lock_seq, seq);
	up_write(&vma.lock);
}

/* Linux tries the lock, and the fault takes mmap_lock instead if it is not to be had. */
static bool vma_start_read(void)
{
	if (READ_ONCE(vma.vm_lock_seq) == READ_ONCE(mm.mm_lock_seq))
		return false;
	down_read(&vma.lock);
	if (READ_ONCE(vma.vm_lock_seq) == smp_load_acquire(&mm.mm_lock_seq)) {
		up_read(&vma.lock);
		return false;
	}
	return true;
}

static void mm_take_all_locks(void)
{
	if (fixed)
		vma_start_write();
	mutex_lock(&i_mmap_mutex);
}

static void mmu_notifier_register(struct mmu_notifier *subscription)
{
	down_write(&mm.mmap_lock);
	mm_take_all_locks();                                                    /* 2 */
	rcu_assign_pointer(mm.notifier_subscriptions, subscription);
	pr_info("the notifier is registered");
	mutex_unlock(&i_mmap_mutex);
	mmap_write_unlock();
}

static void wp_page_copy(void)
{
	mmu_notifier_invalidate_range_start();                                  /* 1 */
	pr_info("lock the page table; clear; flush; set; unlock");
	mmu_notifier_invalidate_range_end();                                    /* 3 */
}

static void do_user_addr_fault(void)
{
	if (vma_start_read()) {
		wp_page_copy();
		up_read(&vma.lock);
		return;
	}
	down_read(&mm.mmap_lock);
	wp_page_copy();
	up_read(&mm.mmap_lock);
}

static void setup(void)
{
	new_subscription = kzalloc(sizeof(*new_subscription), GFP_KERNEL);
}

static void thread(unsigned thread)
{
	switch (thread) {
	case 0:
		mmu_notifier_register(new_subscription);
		break;
	case 1:
		do_user_addr_fault();
		break;
	}
}

static void finish(void)
{
	kfree(new_subscription);
}

static const char *const names[] = { "register", "fault" };

CORPUS_CALLS(finish)
CORPUS_ENTRY("protocol", .finish = call_finish)
