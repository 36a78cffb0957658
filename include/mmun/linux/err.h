/* SPDX-License-Identifier: MIT */
/* err.h - pointers that are negative error numbers, down to -4095. */
#ifndef MMUN_LINUX_ERR_H
#define MMUN_LINUX_ERR_H

#include "mmun/linux/types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MAX_ERRNO 4095

static inline void *ERR_PTR(long error) { return (void *)(intptr_t)error; }
static inline long PTR_ERR(const void *p) { return (long)(intptr_t)p; }
static inline bool IS_ERR(const void *p) { return (uintptr_t)p >= (uintptr_t)-MAX_ERRNO; }
static inline bool IS_ERR_OR_NULL(const void *p) { return !p || IS_ERR(p); }
static inline void *ERR_CAST(const void *p) { return (void *)(uintptr_t)p; }
static inline int PTR_ERR_OR_ZERO(const void *p) { return IS_ERR(p) ? (int)PTR_ERR(p) : 0; }

#ifdef __cplusplus
}
#endif

#endif
