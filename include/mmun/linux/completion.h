/* SPDX-License-Identifier: MIT */
/* completion.h - waiting until something is done. A zeroed completion is not complete. */
#ifndef MMUN_LINUX_COMPLETION_H
#define MMUN_LINUX_COMPLETION_H

#include "mmun/linux/word.h"

#ifdef __cplusplus
extern "C" {
#endif

struct completion { uint64_t done; };

#define COMPLETION_INITIALIZER(name) { 0 }
#define DECLARE_COMPLETION(c) struct completion c
#define DECLARE_COMPLETION_ONSTACK(c) struct completion c = { 0 }

KERNEL_PROCEDURE_(complete, (struct completion *c), (c))
KERNEL_PROCEDURE_(complete_all, (struct completion *c), (c))
KERNEL_PROCEDURE_(wait_for_completion, (struct completion *c), (c))

#define init_completion(c) ((void)((c)->done = 0))
#define reinit_completion(c) ((void)((c)->done = 0))
#define complete(c) KERNEL_1_(complete, #c, c)
#define complete_all(c) KERNEL_1_(complete_all, #c, c)
#define wait_for_completion(c) KERNEL_1_(wait_for_completion, #c, c)

#ifdef __cplusplus
}
#endif

#endif
