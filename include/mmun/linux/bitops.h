/* SPDX-License-Identifier: MIT */
/* bitops.h - bits of an array of unsigned long. */
#ifndef MMUN_LINUX_BITOPS_H
#define MMUN_LINUX_BITOPS_H

#include "mmun/linux/word.h"

/* Bits of an array of unsigned long. */
#define KERNEL_LONG_BITS_ (8 * sizeof(unsigned long))
#define KERNEL_BIT_OF_(nr) (1ul << ((nr) % KERNEL_LONG_BITS_))
#define KERNEL_BIT_AS_(name, nr, addr, new) KERNEL_UPDATE_AS_(name "(" #nr ")", \
	KERNEL_UPDATE_, &(addr)[(nr) / KERNEL_LONG_BITS_], *at_ = (new), \
	(old_ & KERNEL_BIT_OF_(nr)) != 0)
#define set_bit(nr, addr) ((void)KERNEL_BIT_AS_("set_bit", nr, addr, old_ | KERNEL_BIT_OF_(nr)))
#define clear_bit(nr, addr) ((void)KERNEL_BIT_AS_("clear_bit", nr, addr, \
	old_ & ~KERNEL_BIT_OF_(nr)))
#define test_and_set_bit(nr, addr) KERNEL_BIT_AS_("test_and_set_bit", nr, addr, \
	old_ | KERNEL_BIT_OF_(nr))
#define test_and_clear_bit(nr, addr) KERNEL_BIT_AS_("test_and_clear_bit", nr, addr, \
	old_ & ~KERNEL_BIT_OF_(nr))
#define test_bit(nr, addr) ((KERNEL_READ_AS_("test_bit(" #nr ")", \
	(addr)[(nr) / KERNEL_LONG_BITS_]) & KERNEL_BIT_OF_(nr)) != 0)

#endif
