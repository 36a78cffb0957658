/* SPDX-License-Identifier: MIT */
/* refcount.h - counts of references. */
#ifndef MMUN_LINUX_REFCOUNT_H
#define MMUN_LINUX_REFCOUNT_H

#include "mmun/linux/word.h"

/* A count that came back from 0, or went below, is a finding. */
typedef struct { int counter; } refcount_t;
#define REFCOUNT_INIT(n) { (n) }
#define refcount_read(r) KERNEL_READ_AS_("refcount_read(" #r ")", (r)->counter)
#define refcount_set(r, n) ((void)KERNEL_WRITE_AS_("refcount_set(" #r ")", (r)->counter, n))
#define refcount_inc(r) ((void)KERNEL_UPDATE_AS_("refcount_inc(" #r ")", KERNEL_UPDATE_, \
	&(r)->counter, EXPLORE_ASSERT(old_ > 0 && "refcount"); *at_ = old_ + 1, *at_))
#define refcount_inc_not_zero(r) KERNEL_RETURN_AS_("refcount_inc_not_zero(" #r ")", r, old_ != 0, \
	old_ != 0)
#define refcount_dec_and_test(r) KERNEL_UPDATE_AS_("refcount_dec_and_test(" #r ")", \
	KERNEL_UPDATE_, &(r)->counter, EXPLORE_ASSERT(old_ > 0 && "refcount"); \
	*at_ = old_ - 1, *at_ == 0)

#endif
