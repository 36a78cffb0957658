/* SPDX-License-Identifier: MIT */
/* bitops.h - bits of an array of unsigned long. */
#ifndef MMUN_LINUX_BITOPS_H
#define MMUN_LINUX_BITOPS_H

#include "mmun/linux/word.h"

/* Bits of an array of unsigned long. */
#define KERNEL_LONG_BITS_ (8 * sizeof(unsigned long))
#define KERNEL_BIT_OF_(nr) (1ul << ((nr) % KERNEL_LONG_BITS_))
#define KERNEL_BIT_AS_(name, order, nr, addr, update, a) KERNEL_UPDATE_AS_(name "(" #nr ")", \
	order, &(addr)[(nr) / KERNEL_LONG_BITS_], update, a, 0, (void)0, \
	(old_ & KERNEL_BIT_OF_(nr)) != 0)
#define KERNEL_SET_BIT_(name, order, nr, addr) \
	KERNEL_BIT_AS_(name, order, nr, addr, KERNEL_OR_, KERNEL_BIT_OF_(nr))
#define KERNEL_CLEAR_BIT_(name, order, nr, addr) \
	KERNEL_BIT_AS_(name, order, nr, addr, KERNEL_AND_, ~KERNEL_BIT_OF_(nr))
#define set_bit(nr, addr) ((void)KERNEL_SET_BIT_("set_bit", KERNEL_RELAXED_, nr, addr))
#define clear_bit(nr, addr) ((void)KERNEL_CLEAR_BIT_("clear_bit", KERNEL_RELAXED_, nr, addr))
#define test_and_set_bit(nr, addr) KERNEL_SET_BIT_("test_and_set_bit", KERNEL_FULL_, nr, addr)
#define test_and_clear_bit(nr, addr) \
	KERNEL_CLEAR_BIT_("test_and_clear_bit", KERNEL_FULL_, nr, addr)
#define test_bit(nr, addr) ((KERNEL_READ_AS_("test_bit(" #nr ")", KERNEL_RELAXED_, \
	(addr)[(nr) / KERNEL_LONG_BITS_]) & KERNEL_BIT_OF_(nr)) != 0)

#endif
