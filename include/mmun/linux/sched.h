/* SPDX-License-Identifier: MIT */
/* sched.h - offering to be scheduled. */
#ifndef MMUN_LINUX_SCHED_H
#define MMUN_LINUX_SCHED_H

#include "mmun/linux/kernel.h"
#include "mmun/linux/lockdep.h"
#include "mmun/linux/processor.h"
#include "mmun/linux/spinlock.h"

#ifdef __cplusplus
extern "C" {
#endif

KERNEL_INLINE_ int kernel_cond_resched_(const struct kernel_at_ *at)
{
	kernel_might_sleep_(at);
	kernel_cpu_relax_(at); /* as a rule it is called in a loop */
	return 0;
}

/* A time-out that never comes. */
#define MAX_SCHEDULE_TIMEOUT __LONG_MAX__

/* Whether somebody else is to run, which the search tries both ways. */
bool kernel_need_resched_(const struct kernel_at_ *at);

/* Returns 1 if the lock was let go in between. */
KERNEL_INLINE_ int kernel_cond_resched_lock_(const struct kernel_at_ *at, spinlock_t *lock)
{
	kernel_assert_held_(at, lock);
	if (!kernel_need_resched_(at))
		return 0;
	kernel_spin_unlock_(at, lock);
	kernel_might_sleep_(at);
	kernel_spin_lock_(at, lock);
	return 1;
}

KERNEL_INLINE_ void kernel_yield_(const struct kernel_at_ *at) { (void)kernel_cond_resched_(at); }

KERNEL_PASSED_VOID_0_(yield)
KERNEL_PASSED_0_(int, cond_resched)
KERNEL_PASSED_0_(bool, need_resched)
KERNEL_PASSED_(int, cond_resched_lock, (spinlock_t *lock), (lock))
#define need_resched() KERNEL_0_(need_resched, "need_resched()")
#define cond_resched_lock(lock) KERNEL_1_(cond_resched_lock, #lock, lock)
#define yield() KERNEL_0_(yield, "yield()")
#define cond_resched() KERNEL_0_(cond_resched, "cond_resched()")

#ifdef __cplusplus
}
#endif

#endif
