/* SPDX-License-Identifier: MIT */
/*
 * percpu.h - variables of which each processor has a copy. Thread n of a check is processor n; it
 * stays on it, so nobody has to disable preemption here for its own copy's sake.
 *
 * A variable begins with zeroes: give it other values in set-up. this_cpu_*() are marked accesses,
 * as one instruction of a processor is; __this_cpu_*() are plain, and so is what per_cpu() and
 * this_cpu_ptr() lead to.
 */
#ifndef MMUN_LINUX_PERCPU_H
#define MMUN_LINUX_PERCPU_H

#include "mmun/linux/smp.h"

#ifdef __cplusplus
extern "C" {
#endif

/* From one processor's copy to the next one's; what is larger is an error. */
enum { KERNEL_COPY_BYTES_ = 256 };

#define DECLARE_PER_CPU(type, name) \
	extern __typeof__(type) name __asm__("kernel_per_cpu_" #name)
#define DEFINE_PER_CPU(type, name) \
	union { \
		char copy_[KERNEL_COPY_BYTES_]; \
		__typeof__(type) first_; \
		char small_[sizeof(type) <= KERNEL_COPY_BYTES_ ? 1 : -1]; \
	} kernel_per_cpu_##name[NR_CPUS] __asm__("kernel_per_cpu_" #name) __attribute__((used)); \
	extern __typeof__(type) name __asm__("kernel_per_cpu_" #name)
#define DEFINE_PER_CPU_ALIGNED DEFINE_PER_CPU
#define DEFINE_PER_CPU_SHARED_ALIGNED DEFINE_PER_CPU
#define DECLARE_PER_CPU_ALIGNED DECLARE_PER_CPU
#define EXPORT_PER_CPU_SYMBOL(name) struct kernel_per_cpu_exported_
#define EXPORT_PER_CPU_SYMBOL_GPL(name) struct kernel_per_cpu_exported_
#define __percpu

uint64_t kernel_this_cpu_(const struct kernel_at_ *at, volatile void *word, size_t size,
			  enum kernel_update_ update, uint64_t a, uint64_t b,
			  enum kernel_result_ result);

/* The compiler must not know that it is behind the first copy. */
static inline void *kernel_copy_of_(uintptr_t first, unsigned cpu)
{
	return (void *)(first + (size_t)cpu * KERNEL_COPY_BYTES_);
}

#define per_cpu_ptr(ptr, cpu) __extension__({ \
	__typeof__(ptr) kernel_first_ = (ptr); \
	unsigned kernel_cpu_ = (unsigned)(cpu); \
	(__typeof__(ptr))kernel_copy_of_((uintptr_t)kernel_first_, kernel_cpu_); })
#define per_cpu(name, cpu) (*per_cpu_ptr(&(name), cpu))
#define raw_cpu_ptr(ptr) per_cpu_ptr(ptr, raw_smp_processor_id())
#define this_cpu_ptr raw_cpu_ptr
#define get_cpu_ptr(ptr) __extension__({ \
	__typeof__(ptr) kernel_copies_ = (ptr); \
	preempt_disable(); \
	raw_cpu_ptr(kernel_copies_); })
#define put_cpu_ptr(ptr) ((void)(ptr), preempt_enable())
#define get_cpu_var(name) (*get_cpu_ptr(&(name)))
#define put_cpu_var(name) put_cpu_ptr(&(name))

/* No interrupt comes in between. */
#define KERNEL_THIS_CPU_(text, name, update, A, a, B, b, result) __extension__({ \
	__typeof__(&(name)) kernel_mine_ = raw_cpu_ptr(&(name)); \
	A kernel_v_ = (a); \
	B kernel_w_ = (b); \
	(__typeof__(name))kernel_this_cpu_( \
		KERNEL_AT_WORD_(text, KERNEL_IS_UNSIGNED_(*kernel_mine_)), kernel_mine_, \
		sizeof(*kernel_mine_), update, (uint64_t)kernel_v_, (uint64_t)kernel_w_, result); })
#define KERNEL_THIS_CPU_1_(text, name, update, value, result) \
	KERNEL_THIS_CPU_(text "(" #name ")", name, update, __typeof__(name), value, int, 0, result)
#define KERNEL_THIS_CPU_PLAIN_(name, op, value) __extension__({ \
	__typeof__(&(name)) kernel_mine_ = raw_cpu_ptr(&(name)); \
	*kernel_mine_ op (value); \
	(void)0; })

#define this_cpu_read(name) \
	KERNEL_THIS_CPU_("this_cpu_read(" #name ")", name, KERNEL_ADD_TO_, int, 0, int, 0, \
			 KERNEL_OLD_)
#define this_cpu_write(name, value) \
	((void)KERNEL_THIS_CPU_1_("this_cpu_write", name, KERNEL_SET_TO_, value, KERNEL_OLD_))
#define this_cpu_add(name, value) \
	((void)KERNEL_THIS_CPU_1_("this_cpu_add", name, KERNEL_ADD_TO_, value, KERNEL_OLD_))
#define this_cpu_sub(name, value) this_cpu_add(name, -(value))
#define this_cpu_inc(name) this_cpu_add(name, 1)
#define this_cpu_dec(name) this_cpu_add(name, -1)
#define this_cpu_or(name, value) \
	((void)KERNEL_THIS_CPU_1_("this_cpu_or", name, KERNEL_OR_, value, KERNEL_OLD_))
#define this_cpu_and(name, value) \
	((void)KERNEL_THIS_CPU_1_("this_cpu_and", name, KERNEL_AND_, value, KERNEL_OLD_))
#define this_cpu_add_return(name, value) \
	KERNEL_THIS_CPU_1_("this_cpu_add_return", name, KERNEL_ADD_TO_, value, KERNEL_NEW_)
#define this_cpu_inc_return(name) this_cpu_add_return(name, 1)
#define this_cpu_dec_return(name) this_cpu_add_return(name, -1)
#define this_cpu_xchg(name, value) \
	KERNEL_THIS_CPU_1_("this_cpu_xchg", name, KERNEL_SET_TO_, value, KERNEL_OLD_)
#define this_cpu_cmpxchg(name, old, value) \
	KERNEL_THIS_CPU_("this_cpu_cmpxchg(" #name ")", name, KERNEL_SET_IF_, \
			 __typeof__(name), old, __typeof__(name), value, KERNEL_TRIED_)

#define __this_cpu_read(name) (*raw_cpu_ptr(&(name)))
#define __this_cpu_write(name, value) KERNEL_THIS_CPU_PLAIN_(name, =, value)
#define __this_cpu_add(name, value) KERNEL_THIS_CPU_PLAIN_(name, +=, value)
#define __this_cpu_sub(name, value) KERNEL_THIS_CPU_PLAIN_(name, -=, value)
#define __this_cpu_inc(name) __this_cpu_add(name, 1)
#define __this_cpu_dec(name) __this_cpu_sub(name, 1)

#define alloc_percpu_gfp(type, gfp) __extension__({ \
	_Static_assert(sizeof(type) <= KERNEL_COPY_BYTES_, "a copy has 256 bytes at most"); \
	(__typeof__(type) *)kcalloc(NR_CPUS, KERNEL_COPY_BYTES_, gfp); })
#define alloc_percpu(type) alloc_percpu_gfp(type, GFP_KERNEL)
#define free_percpu kfree

#ifdef __cplusplus
}
#endif

#endif
