/* SPDX-License-Identifier: MIT */
/* kref.h - counts of references, with a function that is called when the last one is put. */
#ifndef MMUN_LINUX_KREF_H
#define MMUN_LINUX_KREF_H

#include "mmun/linux/refcount.h"

#ifdef __cplusplus
extern "C" {
#endif

struct kref { refcount_t refcount; };

#define KREF_INIT(n) { REFCOUNT_INIT(n) }

typedef void (*kernel_release_)(struct kref *kref);

KERNEL_INLINE_ void kernel_kref_init_(const struct kernel_at_ *at, struct kref *kref)
{
	kernel_refcount_set_(at, &kref->refcount, 1);
}

KERNEL_INLINE_ unsigned kernel_kref_read_(const struct kernel_at_ *at, const struct kref *kref)
{
	return kernel_refcount_read_(at, &kref->refcount);
}

KERNEL_INLINE_ void kernel_kref_get_(const struct kernel_at_ *at, struct kref *kref)
{
	kernel_refcount_inc_(at, &kref->refcount);
}

KERNEL_INLINE_ int kernel_kref_get_unless_zero_(const struct kernel_at_ *at, struct kref *kref)
{
	return kernel_refcount_inc_not_zero_(at, &kref->refcount);
}

/* Returns 1 if it was the last reference; then release(kref) has been called. Otherwise 0. */
KERNEL_INLINE_ int kernel_kref_put_(const struct kernel_at_ *at, struct kref *kref,
				    kernel_release_ release)
{
	if (!kernel_refcount_dec_and_test_(at, &kref->refcount))
		return 0;
	release(kref);
	return 1;
}

/* The same, and release() is called with the lock held, which it has to drop. */
KERNEL_INLINE_ int kernel_kref_put_mutex_(const struct kernel_at_ *at, struct kref *kref,
					  kernel_release_ release, struct mutex *lock)
{
	if (!kernel_refcount_dec_and_mutex_lock_(at, &kref->refcount, lock))
		return 0;
	release(kref);
	return 1;
}

KERNEL_INLINE_ int kernel_kref_put_lock_(const struct kernel_at_ *at, struct kref *kref,
					 kernel_release_ release, spinlock_t *lock)
{
	if (!kernel_refcount_dec_and_lock_(at, &kref->refcount, lock))
		return 0;
	release(kref);
	return 1;
}

KERNEL_PASSED_VOID_(kref_init, (struct kref *kref), (kref))
KERNEL_PASSED_(unsigned, kref_read, (const struct kref *kref), (kref))
KERNEL_PASSED_VOID_(kref_get, (struct kref *kref), (kref))
KERNEL_PASSED_(int, kref_get_unless_zero, (struct kref *kref), (kref))
KERNEL_PASSED_(int, kref_put, (struct kref *kref, kernel_release_ release), (kref, release))
KERNEL_PASSED_(int, kref_put_mutex, (struct kref *kref, kernel_release_ release,
				     struct mutex *lock), (kref, release, lock))
KERNEL_PASSED_(int, kref_put_lock, (struct kref *kref, kernel_release_ release,
				    spinlock_t *lock), (kref, release, lock))

#define kref_init(k) KERNEL_1_(kref_init, "kref_init(" #k ")", k)
#define kref_read(k) KERNEL_1_(kref_read, "kref_read(" #k ")", k)
#define kref_get(k) KERNEL_1_(kref_get, "kref_get(" #k ")", k)
#define kref_get_unless_zero(k) \
	KERNEL_1_(kref_get_unless_zero, "kref_get_unless_zero(" #k ")", k)
#define kref_put(k, release) \
	KERNEL_2_(kref_put, "kref_put(" #k ")", struct kref *, k, kernel_release_, release)
#define kref_put_mutex(k, release, lock) \
	KERNEL_3_(kref_put_mutex, #lock, struct kref *, k, kernel_release_, release, \
		  struct mutex *, lock)
#define kref_put_lock(k, release, lock) \
	KERNEL_3_(kref_put_lock, #lock, struct kref *, k, kernel_release_, release, \
		  spinlock_t *, lock)

#ifdef __cplusplus
}
#endif

#endif
