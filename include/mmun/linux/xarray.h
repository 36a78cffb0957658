/* SPDX-License-Identifier: MIT */
/* xarray.h - an xarray of few indices: loads need no lock, changes take its own. */
#ifndef MMUN_LINUX_XARRAY_H
#define MMUN_LINUX_XARRAY_H

#include "mmun/linux/slab.h"
#include "mmun/linux/spinlock.h"

enum { XARRAY_MAX = 16 };

struct xarray { spinlock_t xa_lock; void *slot[XARRAY_MAX]; };

#define DEFINE_XARRAY(name) struct xarray name
#define xa_init(xa) spin_lock_init(&(xa)->xa_lock)
#define xa_lock(xa) spin_lock(&(xa)->xa_lock)
#define xa_unlock(xa) spin_unlock(&(xa)->xa_lock)
#define xa_load(xa, index) __extension__({ \
	unsigned long at_index_ = (index); \
	EXPLORE_ASSERT(at_index_ < XARRAY_MAX); \
	KERNEL_READ_AS_("xa_load(" #xa ", " #index ")", KERNEL_ACQUIRE_, \
			(xa)->slot[at_index_]); })
/* Under xa_lock; the old entry. */
#define __xa_store(xa, index, entry, gfp) __extension__({ \
	unsigned long at_index_ = (index); \
	(void)(gfp); \
	EXPLORE_ASSERT(at_index_ < XARRAY_MAX); \
	void *was_entry_ = (xa)->slot[at_index_]; \
	KERNEL_WRITE_AS_("xa_store(" #xa ", " #index ")", KERNEL_RELEASE_, \
			 (xa)->slot[at_index_], entry); \
	was_entry_; })
#define __xa_erase(xa, index) __xa_store((xa), (index), NULL, GFP_ATOMIC)
#define xa_store(xa, index, entry, gfp) __extension__({ \
	xa_lock(xa); \
	void *before_ = __xa_store((xa), (index), (entry), (gfp)); \
	xa_unlock(xa); \
	before_; })
#define xa_erase(xa, index) xa_store((xa), (index), NULL, GFP_KERNEL)

#endif
