/* SPDX-License-Identifier: MIT */
/* spinlock.h - spin locks, and those with readers. */
#ifndef MMUN_LINUX_SPINLOCK_H
#define MMUN_LINUX_SPINLOCK_H

#include "mmun/linux/rwsem.h"

typedef struct { uint32_t owner, unused; } spinlock_t;
typedef struct { struct rw_semaphore sem; } rwlock_t;

#define DEFINE_SPINLOCK(l) spinlock_t l
#define DEFINE_RWLOCK(l) rwlock_t l

/* There is no spin_trylock(): see docs/checks.md. */
#define spin_lock_init(l) ((void)(*(l) = (spinlock_t){ 0, 0 }))
#define spin_lock(l) kernel_lock_(&(l)->owner, true, #l, KERNEL_SITE_)
#define spin_unlock(l) kernel_unlock_(&(l)->owner, true, #l, KERNEL_SITE_)
#define spin_lock_irq spin_lock
#define spin_unlock_irq spin_unlock
#define spin_lock_irqsave(l, flags) ((void)((flags) = 0), spin_lock(l))
#define spin_unlock_irqrestore(l, flags) ((void)(flags), spin_unlock(l))

#define rwlock_init(l) init_rwsem(&(l)->sem)
#define read_lock(l) kernel_down_(&(l)->sem, true, true, #l, KERNEL_SITE_)
#define read_unlock(l) kernel_up_(&(l)->sem, true, #l, KERNEL_SITE_)
#define write_lock(l) kernel_down_(&(l)->sem, false, true, #l, KERNEL_SITE_)
#define write_unlock(l) kernel_up_(&(l)->sem, false, #l, KERNEL_SITE_)

#endif
