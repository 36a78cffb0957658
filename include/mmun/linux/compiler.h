/* SPDX-License-Identifier: MIT */
/* compiler.h - marked accesses, and hints for the compiler. */
#ifndef MMUN_LINUX_COMPILER_H
#define MMUN_LINUX_COMPILER_H

#include "mmun/linux/word.h"

/* Marked accesses to a word of 1, 2, 4 or 8 bytes. They order nothing. */
#define READ_ONCE(x) KERNEL_READ_("READ_ONCE(" #x ")", KERNEL_RELAXED_, &(x))
#define WRITE_ONCE(x, val) KERNEL_WRITE_("WRITE_ONCE(" #x ")", KERNEL_RELAXED_, &(x), val)

#define barrier() __asm__ volatile("" ::: "memory")
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)


#endif
