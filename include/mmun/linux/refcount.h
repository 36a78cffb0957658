/* SPDX-License-Identifier: MIT */
/* refcount.h - counts of references. A count that comes back from 0, or goes below 0, is a
 * finding of the oracle "assertion", which ends the execution. */
#ifndef MMUN_LINUX_REFCOUNT_H
#define MMUN_LINUX_REFCOUNT_H

#include "mmun/linux/mutex.h"
#include "mmun/linux/spinlock.h"
#include "mmun/linux/types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct refcount_struct { atomic_t refs; } refcount_t;

#define REFCOUNT_INIT(n) { { (n) } }

KERNEL_FUNCTION_(unsigned, refcount_read, (const refcount_t *r), (r))
KERNEL_PROCEDURE_(refcount_set, (refcount_t *r, int n), (r, n))
KERNEL_PROCEDURE_(refcount_inc, (refcount_t *r), (r))
KERNEL_PROCEDURE_(refcount_add, (int i, refcount_t *r), (i, r))
KERNEL_FUNCTION_(bool, refcount_inc_not_zero, (refcount_t *r), (r))
KERNEL_FUNCTION_(bool, refcount_add_not_zero, (int i, refcount_t *r), (i, r))
KERNEL_PROCEDURE_(refcount_dec, (refcount_t *r), (r))
KERNEL_FUNCTION_(bool, refcount_dec_and_test, (refcount_t *r), (r))
KERNEL_FUNCTION_(bool, refcount_sub_and_test, (int i, refcount_t *r), (i, r))
KERNEL_FUNCTION_(bool, refcount_dec_if_one, (refcount_t *r), (r))
KERNEL_FUNCTION_(bool, refcount_dec_not_one, (refcount_t *r), (r))
/* Return with the lock held if it was the last reference. */
KERNEL_FUNCTION_(bool, refcount_dec_and_mutex_lock, (refcount_t *r, struct mutex *lock), (r, lock))
KERNEL_FUNCTION_(bool, refcount_dec_and_lock, (refcount_t *r, spinlock_t *lock), (r, lock))

#define refcount_read(r) KERNEL_1_(refcount_read, "refcount_read(" #r ")", r)
#define refcount_set(r, n) \
	KERNEL_2_(refcount_set, "refcount_set(" #r ")", refcount_t *, r, int, n)
#define refcount_inc(r) KERNEL_1_(refcount_inc, "refcount_inc(" #r ")", r)
#define refcount_add(i, r) \
	KERNEL_2_(refcount_add, "refcount_add(" #r ")", int, i, refcount_t *, r)
#define refcount_inc_not_zero(r) \
	KERNEL_1_(refcount_inc_not_zero, "refcount_inc_not_zero(" #r ")", r)
#define refcount_add_not_zero(i, r) KERNEL_2_(refcount_add_not_zero, \
	"refcount_add_not_zero(" #r ")", int, i, refcount_t *, r)
#define refcount_dec(r) KERNEL_1_(refcount_dec, "refcount_dec(" #r ")", r)
#define refcount_dec_and_test(r) \
	KERNEL_1_(refcount_dec_and_test, "refcount_dec_and_test(" #r ")", r)
#define refcount_sub_and_test(i, r) KERNEL_2_(refcount_sub_and_test, \
	"refcount_sub_and_test(" #r ")", int, i, refcount_t *, r)
#define refcount_dec_if_one(r) KERNEL_1_(refcount_dec_if_one, "refcount_dec_if_one(" #r ")", r)
#define refcount_dec_not_one(r) \
	KERNEL_1_(refcount_dec_not_one, "refcount_dec_not_one(" #r ")", r)
#define refcount_dec_and_mutex_lock(r, lock) \
	KERNEL_2_(refcount_dec_and_mutex_lock, #lock, refcount_t *, r, struct mutex *, lock)
#define refcount_dec_and_lock(r, lock) \
	KERNEL_2_(refcount_dec_and_lock, #lock, refcount_t *, r, spinlock_t *, lock)

#ifdef __cplusplus
}
#endif

#endif
