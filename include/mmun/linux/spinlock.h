/* SPDX-License-Identifier: MIT */
/* spinlock.h - spin locks, and spin locks for readers and writers. A thread that holds one must
 * not sleep. A zeroed one is not locked. Interrupts are those of irqflags.h; bottom halves run on
 * processors of their own, so _bh says nothing. */
#ifndef MMUN_LINUX_SPINLOCK_H
#define MMUN_LINUX_SPINLOCK_H

#include "mmun/linux/irqflags.h"
#include "mmun/linux/rwsem.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct spinlock { uint32_t owner, unused; } spinlock_t;
typedef struct { struct rw_semaphore sem; } rwlock_t;

#define __SPIN_LOCK_UNLOCKED(name) { 0, 0 }
#define DEFINE_SPINLOCK(l) spinlock_t l
#define DEFINE_RWLOCK(l) rwlock_t l

/* Where a check tries such a lock, or asks whether it is taken, each unlock is an operation of its
 * own, which makes the search longer. */
KERNEL_PROCEDURE_(spin_lock, (spinlock_t *lock), (lock))
KERNEL_FUNCTION_(int, spin_trylock, (spinlock_t *lock), (lock))
KERNEL_FUNCTION_(int, spin_is_locked, (spinlock_t *lock), (lock))
KERNEL_PROCEDURE_(spin_unlock, (spinlock_t *lock), (lock))
KERNEL_PROCEDURE_(spin_lock_nested, (spinlock_t *lock, int subclass), (lock, subclass))

#define spin_lock_init(lock) ((void)(*(lock) = (spinlock_t){ 0, 0 }))
#define spin_lock(lock) KERNEL_1_(spin_lock, #lock, lock)
#define spin_trylock(lock) KERNEL_1_(spin_trylock, #lock, lock)
#define spin_is_locked(lock) KERNEL_1_(spin_is_locked, #lock, lock)
#define spin_unlock(lock) KERNEL_1_(spin_unlock, #lock, lock)
#define spin_lock_bh spin_lock
#define spin_unlock_bh spin_unlock
#define spin_trylock_bh spin_trylock
/* What takes a lock with interrupts off, and puts them on, or as they were; flags says that. */
#define KERNEL_LOCK_IRQ_(name, type) \
	KERNEL_INLINE_ void kernel_##name##_irq_(const struct kernel_at_ *at, type *lock) \
	{ \
		kernel_local_irq_disable_(at); \
		kernel_##name##_(at, lock); \
	} \
	KERNEL_INLINE_ unsigned long kernel_##name##_irqsave_(const struct kernel_at_ *at, \
							      type *lock) \
	{ \
		unsigned long flags = kernel_irq_save_(at); \
		kernel_##name##_(at, lock); \
		return flags; \
	} \
	KERNEL_PASSED_VOID_(name##_irq, (type *lock), (lock))
#define KERNEL_UNLOCK_IRQ_(name, type) \
	KERNEL_INLINE_ void kernel_##name##_irq_(const struct kernel_at_ *at, type *lock) \
	{ \
		kernel_##name##_(at, lock); \
		kernel_local_irq_enable_(at); \
	} \
	KERNEL_INLINE_ void kernel_##name##_irqrestore_(const struct kernel_at_ *at, type *lock, \
							unsigned long flags) \
	{ \
		kernel_##name##_(at, lock); \
		kernel_irq_restore_(at, flags); \
	} \
	KERNEL_PASSED_VOID_(name##_irq, (type *lock), (lock)) \
	KERNEL_PASSED_VOID_(name##_irqrestore, (type *lock, unsigned long flags), (lock, flags))
#define KERNEL_TRYLOCK_IRQ_(name, type) \
	KERNEL_INLINE_ int kernel_##name##_irqsave_(const struct kernel_at_ *at, type *lock, \
						    unsigned long *flags) \
	{ \
		*flags = kernel_irq_save_(at); \
		if (kernel_##name##_(at, lock)) \
			return 1; \
		kernel_irq_restore_(at, *flags); \
		return 0; \
	} \
	KERNEL_INLINE_ int kernel_##name##_irq_(const struct kernel_at_ *at, type *lock) \
	{ \
		unsigned long flags; \
		return kernel_##name##_irqsave_(at, lock, &flags); \
	} \
	KERNEL_PASSED_(int, name##_irq, (type *lock), (lock))

KERNEL_LOCK_IRQ_(spin_lock, spinlock_t)
KERNEL_UNLOCK_IRQ_(spin_unlock, spinlock_t)
KERNEL_TRYLOCK_IRQ_(spin_trylock, spinlock_t)

#define spin_lock_irq(lock) KERNEL_1_(spin_lock_irq, #lock, lock)
#define spin_unlock_irq(lock) KERNEL_1_(spin_unlock_irq, #lock, lock)
#define spin_trylock_irq(lock) KERNEL_1_(spin_trylock_irq, #lock, lock)
#define KERNEL_IRQSAVE_(name, lock, flags) __extension__({ \
	__typeof__(lock) kernel_lock_ = (lock); \
	unsigned long *kernel_flags_ = &(flags); \
	*kernel_flags_ = KERNEL_1_(name##_irqsave, #lock, kernel_lock_); })
#define spin_lock_irqsave(lock, flags) KERNEL_IRQSAVE_(spin_lock, lock, flags)
#define spin_trylock_irqsave(lock, flags) \
	KERNEL_2_(spin_trylock_irqsave, #lock, spinlock_t *, lock, unsigned long *, &(flags))
#define spin_unlock_irqrestore(lock, flags) \
	KERNEL_2_(spin_unlock_irqrestore, #lock, spinlock_t *, lock, unsigned long, flags)
#define spin_lock_nested(lock, subclass) \
	KERNEL_2_(spin_lock_nested, #lock, spinlock_t *, lock, int, subclass)

#define raw_spinlock_t spinlock_t
#define DEFINE_RAW_SPINLOCK DEFINE_SPINLOCK
#define raw_spin_lock_init spin_lock_init
#define raw_spin_lock spin_lock
#define raw_spin_trylock spin_trylock
#define raw_spin_is_locked spin_is_locked
#define raw_spin_unlock spin_unlock
#define raw_spin_lock_irq spin_lock_irq
#define raw_spin_unlock_irq spin_unlock_irq
#define raw_spin_lock_irqsave spin_lock_irqsave
#define raw_spin_trylock_irqsave spin_trylock_irqsave
#define raw_spin_unlock_irqrestore spin_unlock_irqrestore

KERNEL_PROCEDURE_(read_lock, (rwlock_t *lock), (lock))
KERNEL_FUNCTION_(int, read_trylock, (rwlock_t *lock), (lock))
KERNEL_PROCEDURE_(read_unlock, (rwlock_t *lock), (lock))
KERNEL_PROCEDURE_(write_lock, (rwlock_t *lock), (lock))
KERNEL_FUNCTION_(int, write_trylock, (rwlock_t *lock), (lock))
KERNEL_PROCEDURE_(write_unlock, (rwlock_t *lock), (lock))

#define rwlock_init(lock) ((void)(*(lock) = (rwlock_t){ { 0, 0, 0 } }))
#define read_lock(lock) KERNEL_1_(read_lock, #lock, lock)
#define read_trylock(lock) KERNEL_1_(read_trylock, #lock, lock)
#define read_unlock(lock) KERNEL_1_(read_unlock, #lock, lock)
#define write_lock(lock) KERNEL_1_(write_lock, #lock, lock)
#define write_trylock(lock) KERNEL_1_(write_trylock, #lock, lock)
#define write_unlock(lock) KERNEL_1_(write_unlock, #lock, lock)
KERNEL_LOCK_IRQ_(read_lock, rwlock_t)
KERNEL_UNLOCK_IRQ_(read_unlock, rwlock_t)
KERNEL_LOCK_IRQ_(write_lock, rwlock_t)
KERNEL_UNLOCK_IRQ_(write_unlock, rwlock_t)
KERNEL_TRYLOCK_IRQ_(write_trylock, rwlock_t)
#define read_lock_irq(lock) KERNEL_1_(read_lock_irq, #lock, lock)
#define read_unlock_irq(lock) KERNEL_1_(read_unlock_irq, #lock, lock)
#define write_lock_irq(lock) KERNEL_1_(write_lock_irq, #lock, lock)
#define write_unlock_irq(lock) KERNEL_1_(write_unlock_irq, #lock, lock)
#define read_lock_bh read_lock
#define read_unlock_bh read_unlock
#define write_lock_bh write_lock
#define write_unlock_bh write_unlock
#define read_lock_irqsave(lock, flags) KERNEL_IRQSAVE_(read_lock, lock, flags)
#define write_lock_irqsave(lock, flags) KERNEL_IRQSAVE_(write_lock, lock, flags)
#define write_trylock_irqsave(lock, flags) \
	KERNEL_2_(write_trylock_irqsave, #lock, rwlock_t *, lock, unsigned long *, &(flags))
#define read_unlock_irqrestore(lock, flags) \
	KERNEL_2_(read_unlock_irqrestore, #lock, rwlock_t *, lock, unsigned long, flags)
#define write_unlock_irqrestore(lock, flags) \
	KERNEL_2_(write_unlock_irqrestore, #lock, rwlock_t *, lock, unsigned long, flags)

#ifdef __cplusplus
}
#endif

#endif
