/* SPDX-License-Identifier: MIT */
/* srcu.h - RCU whose read sections may sleep. A grace period waits for the sections of its own
 * srcu_struct only. A zeroed srcu_struct is initialized. */
#ifndef MMUN_LINUX_SRCU_H
#define MMUN_LINUX_SRCU_H

#include "mmun/linux/rcupdate.h"

#ifdef __cplusplus
extern "C" {
#endif

struct srcu_struct { uint64_t unused; };

#define DEFINE_SRCU(s) struct srcu_struct s
#define DEFINE_STATIC_SRCU(s) static struct srcu_struct s

KERNEL_FUNCTION_(int, srcu_read_lock, (struct srcu_struct *srcu), (srcu))
KERNEL_PROCEDURE_(srcu_read_unlock, (struct srcu_struct *srcu, int index), (srcu, index))
KERNEL_PROCEDURE_(synchronize_srcu, (struct srcu_struct *srcu), (srcu))

/* Nobody else may use it meanwhile: the compiler tells of these accesses. */
KERNEL_INLINE_ int kernel_init_srcu_struct_(const struct kernel_at_ *at, struct srcu_struct *srcu)
{
	(void)at;
	srcu->unused = 0;
	return 0;
}

KERNEL_INLINE_ void kernel_cleanup_srcu_struct_(const struct kernel_at_ *at,
						struct srcu_struct *srcu)
{
	(void)at;
	srcu->unused = 0;
}

KERNEL_PASSED_(int, init_srcu_struct, (struct srcu_struct *srcu), (srcu))
KERNEL_PASSED_VOID_(cleanup_srcu_struct, (struct srcu_struct *srcu), (srcu))

#define init_srcu_struct(srcu) KERNEL_1_(init_srcu_struct, #srcu, srcu)
#define cleanup_srcu_struct(srcu) KERNEL_1_(cleanup_srcu_struct, #srcu, srcu)
#define srcu_read_lock(srcu) KERNEL_1_(srcu_read_lock, #srcu, srcu)
#define srcu_read_unlock(srcu, index) \
	KERNEL_2_(srcu_read_unlock, #srcu, struct srcu_struct *, srcu, int, index)
#define synchronize_srcu(srcu) KERNEL_1_(synchronize_srcu, #srcu, srcu)
#define synchronize_srcu_expedited synchronize_srcu

/* As call_rcu() and rcu_barrier(), with grace periods of this srcu_struct. */
KERNEL_INLINE_ void kernel_call_srcu_(const struct kernel_at_ *at, struct srcu_struct *srcu,
				      struct rcu_head *head, rcu_callback_t func)
{
	head->func = func;
	kernel_call_later_(at, srcu, head, func);
}

KERNEL_PASSED_VOID_(call_srcu, (struct srcu_struct *srcu, struct rcu_head *head,
				rcu_callback_t func), (srcu, head, func))
KERNEL_PROCEDURE_(srcu_barrier, (struct srcu_struct *srcu), (srcu))

#define call_srcu(srcu, head, func) KERNEL_3_(call_srcu, "call_srcu", struct srcu_struct *, srcu, \
	struct rcu_head *, head, rcu_callback_t, func)
#define srcu_barrier(srcu) KERNEL_1_(srcu_barrier, #srcu, srcu)

#define srcu_dereference(p, srcu) __extension__({ \
	__typeof__(p) *kernel_pointer_ = &(p); \
	(void)(srcu); \
	KERNEL_READ_("srcu_dereference(" #p ")", KERNEL_ACQUIRE_, kernel_pointer_); })

#ifdef __cplusplus
}
#endif

#endif
