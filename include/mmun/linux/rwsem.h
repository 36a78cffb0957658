/* SPDX-License-Identifier: MIT */
/* rwsem.h - locks for readers and writers, which a thread waits for by sleeping. A zeroed one is
 * not locked. */
#ifndef MMUN_LINUX_RWSEM_H
#define MMUN_LINUX_RWSEM_H

#include "mmun/linux/word.h"

#ifdef __cplusplus
extern "C" {
#endif

struct rw_semaphore { uint32_t owner, unused; int32_t readers; uint32_t writers; };

#define __RWSEM_INITIALIZER(name) { 0, 0, 0, 0 }
#define DECLARE_RWSEM(s) struct rw_semaphore s

KERNEL_PROCEDURE_(down_read, (struct rw_semaphore *sem), (sem))
KERNEL_PROCEDURE_(up_read, (struct rw_semaphore *sem), (sem))
KERNEL_PROCEDURE_(down_write, (struct rw_semaphore *sem), (sem))
KERNEL_PROCEDURE_(up_write, (struct rw_semaphore *sem), (sem))
/* 0, or -EINTR if a signal came where the thread would sleep: the search tries both. */
KERNEL_FUNCTION_(int, down_read_interruptible, (struct rw_semaphore *sem), (sem))
KERNEL_FUNCTION_(int, down_read_killable, (struct rw_semaphore *sem), (sem))
KERNEL_FUNCTION_(int, down_write_killable, (struct rw_semaphore *sem), (sem))
KERNEL_FUNCTION_(int, down_read_trylock, (struct rw_semaphore *sem), (sem))
KERNEL_FUNCTION_(int, down_write_trylock, (struct rw_semaphore *sem), (sem))
KERNEL_FUNCTION_(int, rwsem_is_locked, (struct rw_semaphore *sem), (sem))
KERNEL_PROCEDURE_(downgrade_write, (struct rw_semaphore *sem), (sem))

#define init_rwsem(sem) ((void)(*(sem) = (struct rw_semaphore){ 0, 0, 0 }))
#define down_read(sem) KERNEL_1_(down_read, #sem, sem)
#define up_read(sem) KERNEL_1_(up_read, #sem, sem)
#define down_write(sem) KERNEL_1_(down_write, #sem, sem)
#define up_write(sem) KERNEL_1_(up_write, #sem, sem)
#define down_read_interruptible(sem) KERNEL_1_(down_read_interruptible, #sem, sem)
#define down_read_killable(sem) KERNEL_1_(down_read_killable, #sem, sem)
#define down_write_killable(sem) KERNEL_1_(down_write_killable, #sem, sem)
#define down_read_trylock(sem) KERNEL_1_(down_read_trylock, #sem, sem)
#define down_write_trylock(sem) KERNEL_1_(down_write_trylock, #sem, sem)
#define rwsem_is_locked(sem) KERNEL_1_(rwsem_is_locked, #sem, sem)
#define downgrade_write(sem) KERNEL_1_(downgrade_write, #sem, sem)

#ifdef __cplusplus
}
#endif

#endif
