/* SPDX-License-Identifier: MIT */
/* preempt.h - marking code that must not sleep. */
#ifndef MMUN_LINUX_PREEMPT_H
#define MMUN_LINUX_PREEMPT_H

#include "mmun/linux/word.h"

#ifdef __cplusplus
extern "C" {
#endif

void kernel_atomic_(bool begin);

#define preempt_disable() kernel_atomic_(true)
#define preempt_enable() kernel_atomic_(false)

#ifdef __cplusplus
}
#endif

#endif
