/* SPDX-License-Identifier: MIT */
/* kernel.h - what may sleep, and how long an array is. */
#ifndef MMUN_LINUX_KERNEL_H
#define MMUN_LINUX_KERNEL_H

#include "mmun/linux/word.h"

#ifdef __cplusplus
extern "C" {
#endif

void kernel_might_sleep_(const struct sync_site *site);

#define might_sleep() kernel_might_sleep_(KERNEL_SITE_)

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#endif

#ifdef __cplusplus
}
#endif

#endif
