/* SPDX-License-Identifier: MIT */
/* spinlock.h - spin locks, and spin locks for readers and writers. A thread that holds one must
 * not sleep. A zeroed one is not locked. Interrupts do not exist. */
#ifndef MMUN_LINUX_SPINLOCK_H
#define MMUN_LINUX_SPINLOCK_H

#include "mmun/linux/rwsem.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct spinlock { uint32_t owner, unused; } spinlock_t;
typedef struct { struct rw_semaphore sem; } rwlock_t;

#define __SPIN_LOCK_UNLOCKED(name) { 0, 0 }
#define DEFINE_SPINLOCK(l) spinlock_t l
#define DEFINE_RWLOCK(l) rwlock_t l

/* There is no spin_trylock(): see docs/checks.md. */
KERNEL_PROCEDURE_(spin_lock, (spinlock_t *lock), (lock))
KERNEL_PROCEDURE_(spin_unlock, (spinlock_t *lock), (lock))
KERNEL_PROCEDURE_(spin_lock_nested, (spinlock_t *lock, int subclass), (lock, subclass))
KERNEL_PROCEDURE_(spin_unlock_irqrestore, (spinlock_t *lock, unsigned long flags), (lock, flags))

#define spin_lock_init(lock) ((void)(*(lock) = (spinlock_t){ 0, 0 }))
#define spin_lock(lock) KERNEL_1_(spin_lock, #lock, lock)
#define spin_unlock(lock) KERNEL_1_(spin_unlock, #lock, lock)
#define spin_lock_irq spin_lock
#define spin_unlock_irq spin_unlock
#define spin_lock_bh spin_lock
#define spin_unlock_bh spin_unlock
#define spin_lock_irqsave(lock, flags) __extension__({ \
	spinlock_t *kernel_lock_ = (lock); \
	unsigned long *kernel_flags_ = &(flags); \
	KERNEL_1_(spin_lock, #lock, kernel_lock_); \
	*kernel_flags_ = 0; })
#define spin_unlock_irqrestore(lock, flags) \
	KERNEL_2_(spin_unlock_irqrestore, #lock, spinlock_t *, lock, unsigned long, flags)
#define spin_lock_nested(lock, subclass) \
	KERNEL_2_(spin_lock_nested, #lock, spinlock_t *, lock, int, subclass)

#define raw_spinlock_t spinlock_t
#define DEFINE_RAW_SPINLOCK DEFINE_SPINLOCK
#define raw_spin_lock_init spin_lock_init
#define raw_spin_lock spin_lock
#define raw_spin_unlock spin_unlock
#define raw_spin_lock_irq spin_lock_irq
#define raw_spin_unlock_irq spin_unlock_irq
#define raw_spin_lock_irqsave spin_lock_irqsave
#define raw_spin_unlock_irqrestore spin_unlock_irqrestore

KERNEL_PROCEDURE_(read_lock, (rwlock_t *lock), (lock))
KERNEL_PROCEDURE_(read_unlock, (rwlock_t *lock), (lock))
KERNEL_PROCEDURE_(write_lock, (rwlock_t *lock), (lock))
KERNEL_PROCEDURE_(write_unlock, (rwlock_t *lock), (lock))

#define rwlock_init(lock) ((void)(*(lock) = (rwlock_t){ { 0, 0, 0 } }))
#define read_lock(lock) KERNEL_1_(read_lock, #lock, lock)
#define read_unlock(lock) KERNEL_1_(read_unlock, #lock, lock)
#define write_lock(lock) KERNEL_1_(write_lock, #lock, lock)
#define write_unlock(lock) KERNEL_1_(write_unlock, #lock, lock)

#ifdef __cplusplus
}
#endif

#endif
