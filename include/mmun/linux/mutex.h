/* SPDX-License-Identifier: MIT */
/* mutex.h - locks that a thread waits for by sleeping. A zeroed mutex is not locked. */
#ifndef MMUN_LINUX_MUTEX_H
#define MMUN_LINUX_MUTEX_H

#include "mmun/linux/word.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mutex { uint32_t owner, unused; };

#define __MUTEX_INITIALIZER(name) { 0, 0 }
#define DEFINE_MUTEX(l) struct mutex l

KERNEL_PROCEDURE_(mutex_lock, (struct mutex *lock), (lock))
KERNEL_PROCEDURE_(mutex_lock_nested, (struct mutex *lock, unsigned subclass), (lock, subclass))
KERNEL_FUNCTION_(int, mutex_trylock, (struct mutex *lock), (lock))
/* 0, or -EINTR if a signal came where the thread would sleep: the search tries both. */
KERNEL_FUNCTION_(int, mutex_lock_interruptible, (struct mutex *lock), (lock))
KERNEL_FUNCTION_(int, mutex_lock_killable, (struct mutex *lock), (lock))
KERNEL_FUNCTION_(bool, mutex_is_locked, (struct mutex *lock), (lock))
KERNEL_PROCEDURE_(mutex_unlock, (struct mutex *lock), (lock))

#define mutex_init(lock) ((void)(*(lock) = (struct mutex){ 0, 0 }))
#define mutex_destroy(lock) ((void)(lock))
#define mutex_lock(lock) KERNEL_1_(mutex_lock, #lock, lock)
#define mutex_trylock(lock) KERNEL_1_(mutex_trylock, #lock, lock)
#define mutex_lock_interruptible(lock) KERNEL_1_(mutex_lock_interruptible, #lock, lock)
#define mutex_lock_killable(lock) KERNEL_1_(mutex_lock_killable, #lock, lock)
#define mutex_is_locked(lock) KERNEL_1_(mutex_is_locked, #lock, lock)
#define mutex_unlock(lock) KERNEL_1_(mutex_unlock, #lock, lock)
#define mutex_lock_nested(lock, subclass) \
	KERNEL_2_(mutex_lock_nested, #lock, struct mutex *, lock, unsigned, subclass)

#ifdef __cplusplus
}
#endif

#endif
