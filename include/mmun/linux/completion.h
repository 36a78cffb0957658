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
/* See mmun/linux/wait.h for signals and time. What is left, at least 1, or 0. */
KERNEL_FUNCTION_(unsigned long, wait_for_completion_timeout, (struct completion *c,
							      unsigned long timeout), (c, timeout))
/* 0 or -ERESTARTSYS */
KERNEL_FUNCTION_(int, wait_for_completion_interruptible, (struct completion *c), (c))
/* Does not sleep. */
KERNEL_FUNCTION_(bool, try_wait_for_completion, (struct completion *c), (c))
KERNEL_FUNCTION_(bool, completion_done, (struct completion *c), (c))

#define init_completion(c) ((void)((c)->done = 0))
#define reinit_completion(c) ((void)((c)->done = 0))
#define complete(c) KERNEL_1_(complete, #c, c)
#define complete_all(c) KERNEL_1_(complete_all, #c, c)
#define wait_for_completion(c) KERNEL_1_(wait_for_completion, #c, c)
#define wait_for_completion_timeout(c, timeout) KERNEL_2_(wait_for_completion_timeout, #c, \
	struct completion *, c, unsigned long, timeout)
#define wait_for_completion_interruptible(c) \
	KERNEL_1_(wait_for_completion_interruptible, #c, c)
#define wait_for_completion_killable wait_for_completion_interruptible
#define try_wait_for_completion(c) \
	KERNEL_1_(try_wait_for_completion, "try_wait_for_completion(" #c ")", c)
#define completion_done(c) KERNEL_1_(completion_done, "completion_done(" #c ")", c)

#ifdef __cplusplus
}
#endif

#endif
