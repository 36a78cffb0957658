/* SPDX-License-Identifier: MIT */
/* err.h - errors in pointers, down to -4095. */
#ifndef MMUN_LINUX_ERR_H
#define MMUN_LINUX_ERR_H

#include "mmun/linux/types.h"

#ifdef __cplusplus
extern "C" {
#endif

static inline void *ERR_PTR(long error) { return (void *)(intptr_t)error; }
static inline long PTR_ERR(const void *p) { return (long)(intptr_t)p; }
static inline bool IS_ERR(const void *p) { return (uintptr_t)p >= (uintptr_t)-4095; }
static inline bool IS_ERR_OR_NULL(const void *p) { return !p || IS_ERR(p); }

#ifdef __cplusplus
}
#endif

#endif
