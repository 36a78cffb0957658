/* SPDX-License-Identifier: MIT */
/* cpumask.h - sets of processors. Thread n of a check is processor n, and all of them are
 * online. */
#ifndef MMUN_LINUX_CPUMASK_H
#define MMUN_LINUX_CPUMASK_H

#include "mmun/linux/bitops.h"
#include "mmun/linux/slab.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { NR_CPUS = 16 }; /* as many as there can be threads */

typedef struct cpumask { unsigned long bits[1]; } cpumask_t;
typedef struct cpumask cpumask_var_t[1];

/* How many threads the check has. */
KERNEL_FUNCTION_0_(unsigned, num_online_cpus)
#define num_online_cpus() KERNEL_0_(num_online_cpus, "num_online_cpus()")
#define num_possible_cpus num_online_cpus
#define nr_cpu_ids num_online_cpus()
#define cpu_online(cpu) ((unsigned)(cpu) < num_online_cpus())
const struct cpumask *kernel_online_mask_(void);
#define cpu_online_mask kernel_online_mask_()
#define cpu_possible_mask kernel_online_mask_()

#define cpumask_bits(mask) ((mask)->bits)

/* Marked accesses, as set_bit(). */
KERNEL_INLINE_ void kernel_cpumask_set_cpu_(const struct kernel_at_ *at, unsigned cpu,
					    struct cpumask *mask)
{
	kernel_set_bit_(at, cpu, mask->bits);
}

KERNEL_INLINE_ void kernel_cpumask_clear_cpu_(const struct kernel_at_ *at, unsigned cpu,
					      struct cpumask *mask)
{
	kernel_clear_bit_(at, cpu, mask->bits);
}

KERNEL_INLINE_ bool kernel_cpumask_test_cpu_(const struct kernel_at_ *at, unsigned cpu,
					     const struct cpumask *mask)
{
	return kernel_test_bit_(at, cpu, mask->bits);
}

KERNEL_INLINE_ bool kernel_cpumask_test_and_set_cpu_(const struct kernel_at_ *at, unsigned cpu,
						     struct cpumask *mask)
{
	return kernel_test_and_set_bit_(at, cpu, mask->bits);
}

KERNEL_INLINE_ bool kernel_cpumask_test_and_clear_cpu_(const struct kernel_at_ *at, unsigned cpu,
						       struct cpumask *mask)
{
	return kernel_test_and_clear_bit_(at, cpu, mask->bits);
}

KERNEL_PASSED_VOID_(cpumask_set_cpu, (unsigned cpu, struct cpumask *mask), (cpu, mask))
KERNEL_PASSED_VOID_(cpumask_clear_cpu, (unsigned cpu, struct cpumask *mask), (cpu, mask))
KERNEL_PASSED_(bool, cpumask_test_cpu, (unsigned cpu, const struct cpumask *mask), (cpu, mask))
KERNEL_PASSED_(bool, cpumask_test_and_set_cpu, (unsigned cpu, struct cpumask *mask), (cpu, mask))
KERNEL_PASSED_(bool, cpumask_test_and_clear_cpu, (unsigned cpu, struct cpumask *mask), (cpu, mask))

#define KERNEL_CPUMASK_(name, cpu, mask) \
	KERNEL_2_(name, #name "(" #cpu ")", unsigned, cpu, struct cpumask *, mask)
#define cpumask_set_cpu(cpu, mask) KERNEL_CPUMASK_(cpumask_set_cpu, cpu, mask)
#define cpumask_clear_cpu(cpu, mask) KERNEL_CPUMASK_(cpumask_clear_cpu, cpu, mask)
#define cpumask_test_cpu(cpu, mask) KERNEL_2_(cpumask_test_cpu, "cpumask_test_cpu(" #cpu ")", \
	unsigned, cpu, const struct cpumask *, mask)
#define cpumask_test_and_set_cpu(cpu, mask) KERNEL_CPUMASK_(cpumask_test_and_set_cpu, cpu, mask)
#define cpumask_test_and_clear_cpu(cpu, mask) \
	KERNEL_CPUMASK_(cpumask_test_and_clear_cpu, cpu, mask)

/* Plain accesses of the whole set: somebody must see to it that nobody changes it. */
static inline void __cpumask_set_cpu(unsigned cpu, struct cpumask *mask)
{
	mask->bits[0] |= 1ul << cpu;
}

static inline void __cpumask_clear_cpu(unsigned cpu, struct cpumask *mask)
{
	mask->bits[0] &= ~(1ul << cpu);
}

static inline void cpumask_clear(struct cpumask *mask) { mask->bits[0] = 0; }
static inline void cpumask_copy(struct cpumask *to, const struct cpumask *from) { *to = *from; }
static inline bool cpumask_empty(const struct cpumask *mask) { return !mask->bits[0]; }

static inline bool cpumask_equal(const struct cpumask *a, const struct cpumask *b)
{
	return a->bits[0] == b->bits[0];
}

static inline bool cpumask_intersects(const struct cpumask *a, const struct cpumask *b)
{
	return a->bits[0] & b->bits[0];
}

static inline bool cpumask_subset(const struct cpumask *a, const struct cpumask *b)
{
	return !(a->bits[0] & ~b->bits[0]);
}

static inline bool cpumask_and(struct cpumask *to, const struct cpumask *a, const struct cpumask *b)
{
	to->bits[0] = a->bits[0] & b->bits[0];
	return to->bits[0];
}

static inline void cpumask_or(struct cpumask *to, const struct cpumask *a, const struct cpumask *b)
{
	to->bits[0] = a->bits[0] | b->bits[0];
}

static inline bool cpumask_andnot(struct cpumask *to, const struct cpumask *a,
				  const struct cpumask *b)
{
	to->bits[0] = a->bits[0] & ~b->bits[0];
	return to->bits[0];
}

static inline unsigned cpumask_weight(const struct cpumask *mask)
{
	unsigned weight = 0;

	for (unsigned long left = mask->bits[0]; left; left &= left - 1)
		weight++;
	return weight;
}

/* After cpu, which may be -1; nr_cpu_ids or more: there is none. */
static inline unsigned cpumask_next(int cpu, const struct cpumask *mask)
{
	unsigned long left = mask->bits[0] & (~0ul << (cpu + 1));

	return left ? (unsigned)__builtin_ctzl(left) : (unsigned)NR_CPUS;
}

static inline unsigned cpumask_first(const struct cpumask *mask) { return cpumask_next(-1, mask); }
static inline void cpumask_setall(struct cpumask *mask) { *mask = *cpu_possible_mask; }

#define __cpumask_set_cpu(cpu, mask) \
	KERNEL_CALL_2_(__cpumask_set_cpu, unsigned, cpu, struct cpumask *, mask)
#define __cpumask_clear_cpu(cpu, mask) \
	KERNEL_CALL_2_(__cpumask_clear_cpu, unsigned, cpu, struct cpumask *, mask)
#define KERNEL_CPUMASKS_(name, a, b) \
	KERNEL_CALL_2_(name, const struct cpumask *, a, const struct cpumask *, b)
#define KERNEL_CPUMASK_OF_(name, to, a, b) KERNEL_CALL_3_(name, struct cpumask *, to, \
	const struct cpumask *, a, const struct cpumask *, b)
#define cpumask_copy(to, from) \
	KERNEL_CALL_2_(cpumask_copy, struct cpumask *, to, const struct cpumask *, from)
#define cpumask_equal(a, b) KERNEL_CPUMASKS_(cpumask_equal, a, b)
#define cpumask_intersects(a, b) KERNEL_CPUMASKS_(cpumask_intersects, a, b)
#define cpumask_subset(a, b) KERNEL_CPUMASKS_(cpumask_subset, a, b)
#define cpumask_and(to, a, b) KERNEL_CPUMASK_OF_(cpumask_and, to, a, b)
#define cpumask_or(to, a, b) KERNEL_CPUMASK_OF_(cpumask_or, to, a, b)
#define cpumask_andnot(to, a, b) KERNEL_CPUMASK_OF_(cpumask_andnot, to, a, b)
#define cpumask_next(cpu, mask) \
	KERNEL_CALL_2_(cpumask_next, int, cpu, const struct cpumask *, mask)

#define for_each_cpu(cpu, mask) \
	for ((cpu) = cpumask_first(mask); (cpu) < NR_CPUS; (cpu) = cpumask_next((int)(cpu), mask))
#define for_each_online_cpu(cpu) for_each_cpu(cpu, cpu_online_mask)
#define for_each_possible_cpu(cpu) for_each_cpu(cpu, cpu_possible_mask)

/* There is nothing to allocate. */
#define alloc_cpumask_var(mask, gfp) ((void)(mask), (void)(gfp), true)
#define zalloc_cpumask_var(mask, gfp) (cpumask_clear(*(mask)), (void)(gfp), true)
static inline void free_cpumask_var(cpumask_var_t mask) { (void)mask; }

#ifdef __cplusplus
}
#endif

#endif
