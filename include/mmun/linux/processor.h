/* SPDX-License-Identifier: MIT */
/* processor.h - loops that wait, and waiting for a word. */
#ifndef MMUN_LINUX_PROCESSOR_H
#define MMUN_LINUX_PROCESSOR_H

#include "mmun/linux/compiler.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * For a loop that repeats until another thread has changed something. After rounds in vain the
 * thread waits for good: docs/checks.md says which ones are. If none of what it has looked at ever
 * changes, the thread tries again forever, which is a finding. Without cpu_relax() a loop that
 * waits for another thread is noticed late, which takes more time.
 */
KERNEL_PROCEDURE_0_(cpu_relax)
#define cpu_relax() KERNEL_0_(cpu_relax, "cpu_relax()")

/* Reads *ptr until the condition is true, in which VAL is what was read; the value. */
#define KERNEL_COND_LOAD_(text, order, ptr, condition) __extension__({ \
	__typeof__(ptr) kernel_word_ = (ptr); \
	__typeof__(((void)0, *kernel_word_)) VAL; \
	for (;;) { \
		VAL = KERNEL_READ_(text, order, kernel_word_); \
		if (condition) \
			break; \
		cpu_relax(); \
	} \
	VAL; })
#define smp_cond_load_relaxed(ptr, condition) \
	KERNEL_COND_LOAD_("smp_cond_load_relaxed(" #ptr ")", KERNEL_RELAXED_, ptr, condition)
#define smp_cond_load_acquire(ptr, condition) \
	KERNEL_COND_LOAD_("smp_cond_load_acquire(" #ptr ")", KERNEL_ACQUIRE_, ptr, condition)
#define atomic_cond_read_relaxed(v, condition) smp_cond_load_relaxed(&(v)->counter, condition)
#define atomic_cond_read_acquire(v, condition) smp_cond_load_acquire(&(v)->counter, condition)

#ifdef __cplusplus
}
#endif

#endif
