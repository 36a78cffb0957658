/* SPDX-License-Identifier: MIT */
/* xarray.h - an array of XARRAY_MAX pointers: loads need no lock, and changes take the array's
 * own. */
#ifndef MMUN_LINUX_XARRAY_H
#define MMUN_LINUX_XARRAY_H

#include <errno.h>

#include "mmun/linux/slab.h"
#include "mmun/linux/spinlock.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { XARRAY_MAX = 16 };

struct xarray { spinlock_t xa_lock; void *slot[XARRAY_MAX]; };

#define DEFINE_XARRAY(name) struct xarray name

#define xa_init(xa) ((void)(*(xa) = (struct xarray){ { 0, 0 }, { NULL } }))
#define xa_lock(xa) KERNEL_1_(spin_lock, #xa, &(xa)->xa_lock)
#define xa_unlock(xa) KERNEL_1_(spin_unlock, #xa, &(xa)->xa_lock)

KERNEL_FUNCTION_(void *, xa_load, (struct xarray *xa, unsigned long index), (xa, index))
/* Return the old entry. The names with __ need xa_lock. */
KERNEL_FUNCTION_(void *, __xa_store, (struct xarray *xa, unsigned long index, void *entry,
				      gfp_t gfp), (xa, index, entry, gfp))
KERNEL_FUNCTION_(void *, __xa_erase, (struct xarray *xa, unsigned long index), (xa, index))
KERNEL_FUNCTION_(void *, xa_store, (struct xarray *xa, unsigned long index, void *entry,
				    gfp_t gfp), (xa, index, entry, gfp))
KERNEL_FUNCTION_(void *, xa_erase, (struct xarray *xa, unsigned long index), (xa, index))

/* Stores entry if old is there. */
KERNEL_FUNCTION_(void *, __xa_cmpxchg, (struct xarray *xa, unsigned long index, void *old,
					void *entry, gfp_t gfp), (xa, index, old, entry, gfp))

KERNEL_INLINE_ void *kernel_xa_cmpxchg_(const struct kernel_at_ *at, struct xarray *xa,
					unsigned long index, void *old, void *entry, gfp_t gfp)
{
	void *was;

	kernel_spin_lock_(at, &xa->xa_lock);
	was = kernel___xa_cmpxchg_(at, xa, index, old, entry, gfp);
	kernel_spin_unlock_(at, &xa->xa_lock);
	return was;
}

/* 0, or -EBUSY if there is an entry already. */
KERNEL_INLINE_ int kernel_xa_insert_(const struct kernel_at_ *at, struct xarray *xa,
				     unsigned long index, void *entry, gfp_t gfp)
{
	return kernel_xa_cmpxchg_(at, xa, index, NULL, entry, gfp) ? -EBUSY : 0;
}

/* The first entry from *index on, which is then its index; NULL: there is none. */
KERNEL_INLINE_ void *kernel_xa_next_(const struct kernel_at_ *at, struct xarray *xa,
				     unsigned long *index)
{
	void *entry = NULL;

	while (*index < XARRAY_MAX && !(entry = kernel_xa_load_(at, xa, *index)))
		++*index;
	return entry;
}

KERNEL_PASSED_(void *, xa_cmpxchg, (struct xarray *xa, unsigned long index, void *old,
				    void *entry, gfp_t gfp), (xa, index, old, entry, gfp))
KERNEL_PASSED_(int, xa_insert, (struct xarray *xa, unsigned long index, void *entry, gfp_t gfp),
	       (xa, index, entry, gfp))

#define __xa_cmpxchg(xa, index, old, entry, gfp) KERNEL_5_(__xa_cmpxchg, \
	"xa_cmpxchg(" #xa ", " #index ")", struct xarray *, xa, unsigned long, index, void *, old, \
	void *, entry, gfp_t, gfp)
#define xa_cmpxchg(xa, index, old, entry, gfp) KERNEL_5_(xa_cmpxchg, \
	"xa_cmpxchg(" #xa ", " #index ")", struct xarray *, xa, unsigned long, index, void *, old, \
	void *, entry, gfp_t, gfp)
#define xa_insert(xa, index, entry, gfp) KERNEL_4_(xa_insert, \
	"xa_insert(" #xa ", " #index ")", struct xarray *, xa, unsigned long, index, \
	void *, entry, gfp_t, gfp)
/* Takes no lock: what is stored or erased meanwhile may be seen or not. */
#define xa_for_each(xa, index, entry) \
	for ((index) = 0; ((entry) = kernel_xa_next_(KERNEL_AT_("xa_for_each(" #xa ")"), (xa), \
						     &(index))); (index)++)
#define xa_load(xa, index) KERNEL_2_(xa_load, "xa_load(" #xa ", " #index ")", \
	struct xarray *, xa, unsigned long, index)
#define __xa_store(xa, index, entry, gfp) KERNEL_4_(__xa_store, \
	"xa_store(" #xa ", " #index ")", struct xarray *, xa, unsigned long, index, \
	void *, entry, gfp_t, gfp)
#define __xa_erase(xa, index) KERNEL_2_(__xa_erase, "xa_erase(" #xa ", " #index ")", \
	struct xarray *, xa, unsigned long, index)
#define xa_store(xa, index, entry, gfp) KERNEL_4_(xa_store, "xa_store(" #xa ", " #index ")", \
	struct xarray *, xa, unsigned long, index, void *, entry, gfp_t, gfp)
#define xa_erase(xa, index) KERNEL_2_(xa_erase, "xa_erase(" #xa ", " #index ")", \
	struct xarray *, xa, unsigned long, index)

#ifdef __cplusplus
}
#endif

#endif
