/* SPDX-License-Identifier: MIT */
/* xarray.h - an array of XARRAY_MAX pointers: loads need no lock, and changes take the array's
 * own. */
#ifndef MMUN_LINUX_XARRAY_H
#define MMUN_LINUX_XARRAY_H

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
