/* SPDX-License-Identifier: MIT */
/* refcount.h - counts of references. */
#ifndef MMUN_LINUX_REFCOUNT_H
#define MMUN_LINUX_REFCOUNT_H

#include "mmun/linux/word.h"

/* A count that came back from 0, or went below, is a finding. Taking a reference orders nothing;
 * dropping one comes after all that was done with it, and the last one before all that follows. */
typedef struct { int counter; } refcount_t;
#define REFCOUNT_INIT(n) { (n) }
#define refcount_read(r) \
	KERNEL_READ_AS_("refcount_read(" #r ")", KERNEL_RELAXED_, (r)->counter)
#define refcount_set(r, n) \
	((void)KERNEL_WRITE_AS_("refcount_set(" #r ")", KERNEL_RELAXED_, (r)->counter, n))
#define refcount_inc(r) ((void)KERNEL_UPDATE_AS_("refcount_inc(" #r ")", KERNEL_RELAXED_, \
	&(r)->counter, KERNEL_ADD_TO_, 1, 0, EXPLORE_ASSERT(old_ > 0 && "refcount"), old_ + 1))
#define refcount_inc_not_zero(r) \
	KERNEL_GET_AS_("refcount_inc_not_zero(" #r ")", KERNEL_RELAXED_, r)
#define refcount_dec_and_test(r) KERNEL_UPDATE_AS_("refcount_dec_and_test(" #r ")", \
	KERNEL_ACQ_REL_, &(r)->counter, KERNEL_ADD_TO_, -1, 0, \
	EXPLORE_ASSERT(old_ > 0 && "refcount"), old_ - 1 == 0)

#endif
