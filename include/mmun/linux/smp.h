/* SPDX-License-Identifier: MIT */
/*
 * smp.h - which processor this is, and calls on others. Thread n of a check is processor n; what
 * threads start (call_rcu(), timers, work) runs on processors of its own, which are not called.
 *
 * A call comes to its processor as an interrupt, at any moment in which interrupts are on there: it
 * is a thread of its own, which nothing of what that processor does with interrupts off overlaps.
 * It must not sleep. Interrupts must be on where others are called: two processors that call each
 * other would wait for ever. A lock that a call takes must not be taken on its processor with
 * interrupts on, since the call could come then, and would wait for ever.
 */
#ifndef MMUN_LINUX_SMP_H
#define MMUN_LINUX_SMP_H

#include "mmun/linux/cpumask.h"
#include "mmun/linux/irqflags.h"
#include "mmun/linux/preempt.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef void (*smp_call_func_t)(void *info);
typedef bool (*smp_cond_func_t)(int cpu, void *info);

KERNEL_FUNCTION_0_(unsigned, raw_smp_processor_id)
#define raw_smp_processor_id() KERNEL_0_(raw_smp_processor_id, "raw_smp_processor_id()")
#define smp_processor_id raw_smp_processor_id

KERNEL_INLINE_ unsigned kernel_get_cpu_(const struct kernel_at_ *at)
{
	kernel_preempt_disable_(at);
	return kernel_raw_smp_processor_id_(at);
}

KERNEL_INLINE_ void kernel_put_cpu_(const struct kernel_at_ *at) { kernel_preempt_enable_(at); }

KERNEL_PASSED_0_(unsigned, get_cpu)
KERNEL_PASSED_VOID_0_(put_cpu)
#define get_cpu() KERNEL_0_(get_cpu, "get_cpu()")
#define put_cpu() KERNEL_0_(put_cpu, "put_cpu()")

/* wait: until the call has returned. On this processor it is called at once. 0; -ENXIO: there is no
 * such processor. */
KERNEL_FUNCTION_(int, smp_call_function_single, (int cpu, smp_call_func_t func, void *info,
		 int wait), (cpu, func, info, wait))
/* On those of the set, but for this one. */
KERNEL_PROCEDURE_(smp_call_function_many, (const struct cpumask *mask, smp_call_func_t func,
		  void *info, bool wait), (mask, func, info, wait))
KERNEL_PROCEDURE_(smp_call_function, (smp_call_func_t func, void *info, int wait),
		  (func, info, wait))
/* And on this one, with interrupts off. */
KERNEL_PROCEDURE_(on_each_cpu, (smp_call_func_t func, void *info, int wait), (func, info, wait))
KERNEL_PROCEDURE_(on_each_cpu_mask, (const struct cpumask *mask, smp_call_func_t func, void *info,
		  bool wait), (mask, func, info, wait))
/* Where cond says so, which is asked here. */
KERNEL_PROCEDURE_(on_each_cpu_cond, (smp_cond_func_t cond, smp_call_func_t func, void *info,
		  bool wait), (cond, func, info, wait))

#define smp_call_function_single(cpu, func, info, wait) \
	KERNEL_4_(smp_call_function_single, "smp_call_function_single(" #func ")", \
		  int, cpu, smp_call_func_t, func, void *, info, int, wait)
#define smp_call_function_many(mask, func, info, wait) \
	KERNEL_4_(smp_call_function_many, "smp_call_function_many(" #func ")", \
		  const struct cpumask *, mask, smp_call_func_t, func, void *, info, bool, wait)
#define smp_call_function(func, info, wait) \
	KERNEL_3_(smp_call_function, "smp_call_function(" #func ")", \
		  smp_call_func_t, func, void *, info, int, wait)
#define on_each_cpu(func, info, wait) KERNEL_3_(on_each_cpu, "on_each_cpu(" #func ")", \
	smp_call_func_t, func, void *, info, int, wait)
#define on_each_cpu_mask(mask, func, info, wait) \
	KERNEL_4_(on_each_cpu_mask, "on_each_cpu_mask(" #func ")", \
		  const struct cpumask *, mask, smp_call_func_t, func, void *, info, bool, wait)
#define on_each_cpu_cond(cond, func, info, wait) \
	KERNEL_4_(on_each_cpu_cond, "on_each_cpu_cond(" #func ")", \
		  smp_cond_func_t, cond, smp_call_func_t, func, void *, info, bool, wait)

/*
 * Calls all others, and waits: whoever had interrupts off, as a lockless walk of page tables has,
 * has put them on again (mm/mmu_gather.c). mmun's own fast GUP is no such walk: it is a read
 * section of RCU.
 */
KERNEL_PROCEDURE_0_(tlb_remove_table_sync_one)
#define tlb_remove_table_sync_one() \
	KERNEL_0_(tlb_remove_table_sync_one, "tlb_remove_table_sync_one()")

#ifdef __cplusplus
}
#endif

#endif
