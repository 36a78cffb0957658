/* SPDX-License-Identifier: MIT */
/* rcupdate.h - RCU: read sections, and a grace period that waits until those that have begun
 * have ended. */
#ifndef MMUN_LINUX_RCUPDATE_H
#define MMUN_LINUX_RCUPDATE_H

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
