/* SPDX-License-Identifier: MIT */
/* sched.h - offering to be scheduled. */
#ifndef MMUN_LINUX_SCHED_H
#define MMUN_LINUX_SCHED_H

#include "mmun/linux/kernel.h"
#include "mmun/linux/processor.h"

#ifdef __cplusplus
extern "C" {
#endif

KERNEL_INLINE_ int kernel_cond_resched_(const struct kernel_at_ *at)
{
	kernel_might_sleep_(at);
	kernel_cpu_relax_(at); /* as a rule it is called in a loop */
	return 0;
}

KERNEL_PASSED_0_(int, cond_resched)
#define cond_resched() KERNEL_0_(cond_resched, "cond_resched()")

#ifdef __cplusplus
}
#endif

#endif
