/* SPDX-License-Identifier: MIT */
/*
 * rcupdate.h - RCU: read sections, and a grace period that waits until those that have begun
 * have ended.
 *
 * What call_rcu() is given is called in a thread of its own, after a grace period. It must not
 * sleep, and two of them may run at a time, in any order. What is pending when the check's threads
 * have ended runs before its finish function. A check may have 16 threads, with these.
 */
#ifndef MMUN_LINUX_RCUPDATE_H
#define MMUN_LINUX_RCUPDATE_H

#include "mmun/linux/types.h"
#include "mmun/linux/word.h"

#ifdef __cplusplus
extern "C" {
#endif

KERNEL_PROCEDURE_0_(rcu_read_lock)
KERNEL_PROCEDURE_0_(rcu_read_unlock)
KERNEL_PROCEDURE_0_(synchronize_rcu)

#define rcu_read_lock() KERNEL_0_(rcu_read_lock, "RCU")
#define rcu_read_unlock() KERNEL_0_(rcu_read_unlock, "RCU")
#define synchronize_rcu() KERNEL_0_(synchronize_rcu, "RCU")

typedef void (*rcu_callback_t)(struct rcu_head *head);

/* Calls func(head) after a grace period of what @domain is, NULL: of RCU. */
void kernel_call_later_(const struct kernel_at_ *at, const void *domain, struct rcu_head *head,
			rcu_callback_t func);
void kernel_kfree_later_(const struct kernel_at_ *at, void *p);

KERNEL_INLINE_ void kernel_call_rcu_(const struct kernel_at_ *at, struct rcu_head *head,
				     rcu_callback_t func)
{
	head->func = func;
	kernel_call_later_(at, NULL, head, func);
}

KERNEL_PASSED_VOID_(call_rcu, (struct rcu_head *head, rcu_callback_t func), (head, func))
/* Waits until all that was called so far is over. May sleep. */
KERNEL_PROCEDURE_0_(rcu_barrier)

#define call_rcu(head, func) \
	KERNEL_2_(call_rcu, "call_rcu", struct rcu_head *, head, rcu_callback_t, func)
#define call_rcu_hurry call_rcu
#define rcu_barrier() KERNEL_0_(rcu_barrier, "rcu_barrier")
#define synchronize_rcu_expedited synchronize_rcu
#define synchronize_net synchronize_rcu
/* member is the rcu_head in *p; a name with one argument needs none, and may sleep. */
#define kfree_rcu(p, member) __extension__({ \
	__typeof__(p) kernel_p_ = (p); \
	(void)sizeof(kernel_p_->member.func); \
	kernel_kfree_later_(KERNEL_AT_("kfree_rcu"), kernel_p_); })
#define kfree_rcu_mightsleep(p) __extension__({ \
	void *kernel_p_ = (p); \
	kernel_might_sleep_(KERNEL_AT_(NULL)); \
	kernel_kfree_later_(KERNEL_AT_("kfree_rcu"), kernel_p_); })
#define kvfree_rcu kfree_rcu
#define kvfree_rcu_mightsleep kfree_rcu_mightsleep

/* In Linux this orders what depends on the pointer. Here it orders everything that comes after. */
#define rcu_dereference(p) KERNEL_READ_("rcu_dereference(" #p ")", KERNEL_ACQUIRE_, &(p))
#define rcu_dereference_raw rcu_dereference
#define rcu_access_pointer(p) \
	KERNEL_READ_("rcu_access_pointer(" #p ")", KERNEL_RELAXED_, &(p))
#define rcu_assign_pointer(p, v) \
	KERNEL_WRITE_("rcu_assign_pointer(" #p ")", KERNEL_RELEASE_, &(p), v)
#define RCU_INIT_POINTER(p, v) \
	KERNEL_WRITE_("RCU_INIT_POINTER(" #p ")", KERNEL_RELAXED_, &(p), v)
/* A plain access, by a thread that excludes writers. condition says how; it is not used. */
#define rcu_dereference_protected(p, condition) ((void)(condition), (p))
#define rcu_dereference_check(p, condition) ((void)(condition), rcu_dereference(p))

#ifdef __cplusplus
}
#endif

#endif
