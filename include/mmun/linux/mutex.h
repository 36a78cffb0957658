/* SPDX-License-Identifier: MIT */
/* mutex.h - locks that sleep. */
#ifndef MMUN_LINUX_MUTEX_H
#define MMUN_LINUX_MUTEX_H

#include "mmun/linux/word.h"

struct mutex { uint32_t owner, unused; };

#define DEFINE_MUTEX(l) struct mutex l

#define mutex_init(l) ((void)(*(l) = (struct mutex){ 0, 0 }))
#define mutex_lock(l) kernel_lock_(&(l)->owner, false, #l, KERNEL_SITE_)
#define mutex_trylock(l) kernel_trylock_(&(l)->owner, #l, KERNEL_SITE_)
#define mutex_unlock(l) kernel_unlock_(&(l)->owner, false, #l, KERNEL_SITE_)

#endif
