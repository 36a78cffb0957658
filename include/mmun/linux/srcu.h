/* SPDX-License-Identifier: MIT */
/* srcu.h - RCU with sections that may sleep. */
#ifndef MMUN_LINUX_SRCU_H
#define MMUN_LINUX_SRCU_H

#include "mmun/linux/word.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Sections that may sleep; a grace period waits for those of its own srcu_struct. */
struct srcu_struct { uint64_t unused; };
#define DEFINE_SRCU(s) struct srcu_struct s
#define DEFINE_STATIC_SRCU(s) static struct srcu_struct s

int kernel_srcu_lock_(struct srcu_struct *srcu, const char *name, const struct sync_site *site);
void kernel_srcu_unlock_(struct srcu_struct *srcu, const char *name,
			 const struct sync_site *site);
void kernel_synchronize_srcu_(struct srcu_struct *srcu, const char *name,
			      const struct sync_site *site);

#define init_srcu_struct(s) ((s)->unused = 0, 0)
#define cleanup_srcu_struct(s) ((void)(s))
#define srcu_read_lock(s) kernel_srcu_lock_((s), #s, KERNEL_SITE_)
#define srcu_read_unlock(s, index) ((void)(index), kernel_srcu_unlock_((s), #s, KERNEL_SITE_))
#define synchronize_srcu(s) kernel_synchronize_srcu_((s), #s, KERNEL_SITE_)

#ifdef __cplusplus
}
#endif

#endif
