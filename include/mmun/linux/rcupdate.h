/* SPDX-License-Identifier: MIT */
/* rcupdate.h - RCU. */
#ifndef MMUN_LINUX_RCUPDATE_H
#define MMUN_LINUX_RCUPDATE_H

#include "mmun/linux/word.h"

#ifdef __cplusplus
extern "C" {
#endif

void kernel_rcu_lock_(const struct sync_site *site);
void kernel_rcu_unlock_(const struct sync_site *site);
void kernel_synchronize_rcu_(const struct sync_site *site);

#define rcu_read_lock() kernel_rcu_lock_(KERNEL_SITE_)
#define rcu_read_unlock() kernel_rcu_unlock_(KERNEL_SITE_)
#define synchronize_rcu() kernel_synchronize_rcu_(KERNEL_SITE_)

/* Orders what depends on the pointer, in Linux: here whatever comes after. */
#define rcu_dereference(p) KERNEL_READ_AS_("rcu_dereference(" #p ")", KERNEL_ACQUIRE_, p)
#define rcu_assign_pointer(p, v) \
	KERNEL_WRITE_AS_("rcu_assign_pointer(" #p ")", KERNEL_RELEASE_, p, v)

#ifdef __cplusplus
}
#endif

#endif
