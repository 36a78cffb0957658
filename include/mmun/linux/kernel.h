/* SPDX-License-Identifier: MIT */
/* kernel.h - marking code that may sleep, and the length of an array. */
#ifndef MMUN_LINUX_KERNEL_H
#define MMUN_LINUX_KERNEL_H

#include "mmun/linux/container_of.h"
#include "mmun/linux/word.h"

#ifdef __cplusplus
extern "C" {
#endif

KERNEL_PROCEDURE_0_(might_sleep)
#define might_sleep() KERNEL_0_(might_sleep, "might_sleep()")
#define might_sleep_if(cond) ((cond) ? might_sleep() : (void)0)

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#endif

#ifdef __cplusplus
}
#endif

#endif
