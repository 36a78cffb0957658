/* SPDX-License-Identifier: MIT */
/* rwsem.h - locks that sleep, with readers. */
#ifndef MMUN_LINUX_RWSEM_H
#define MMUN_LINUX_RWSEM_H

#include "mmun/linux/word.h"

struct rw_semaphore { uint32_t owner, unused; int32_t readers; };

#define DECLARE_RWSEM(s) struct rw_semaphore s

void kernel_down_(struct rw_semaphore *sem, bool read, bool spins, const char *name,
		  const struct sync_site *site);
void kernel_up_(struct rw_semaphore *sem, bool read, const char *name,
		const struct sync_site *site);

#define init_rwsem(s) ((void)(*(s) = (struct rw_semaphore){ 0, 0, 0 }))
#define down_read(s) kernel_down_((s), true, false, #s, KERNEL_SITE_)
#define up_read(s) kernel_up_((s), true, #s, KERNEL_SITE_)
#define down_write(s) kernel_down_((s), false, false, #s, KERNEL_SITE_)
#define up_write(s) kernel_up_((s), false, #s, KERNEL_SITE_)

#endif
