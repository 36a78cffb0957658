/* SPDX-License-Identifier: MIT */
/* kref.h - a count of references with a release function. */
#ifndef MMUN_LINUX_KREF_H
#define MMUN_LINUX_KREF_H

#include "mmun/linux/refcount.h"

struct kref { refcount_t refcount; };
#define kref_init(k) refcount_set(&(k)->refcount, 1)
#define kref_read(k) refcount_read(&(k)->refcount)
#define kref_get(k) refcount_inc(&(k)->refcount)
#define kref_get_unless_zero(k) refcount_inc_not_zero(&(k)->refcount)
/* true if it was the last reference, and release(k) has been called. */
#define kref_put(k, release) __extension__({ \
	struct kref *kref_ = (k); \
	bool last_ = refcount_dec_and_test(&kref_->refcount); \
	if (last_) \
		(release)(kref_); \
	last_; })

#endif
