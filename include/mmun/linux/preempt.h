/* SPDX-License-Identifier: MIT */
/* preempt.h - code that must not sleep. It nests, and is a read section of RCU. */
#ifndef MMUN_LINUX_PREEMPT_H
#define MMUN_LINUX_PREEMPT_H

#include "mmun/linux/word.h"

#ifdef __cplusplus
extern "C" {
#endif

KERNEL_PROCEDURE_0_(preempt_disable)
KERNEL_PROCEDURE_0_(preempt_enable)

#define preempt_disable() KERNEL_0_(preempt_disable, "preemption")
#define preempt_enable() KERNEL_0_(preempt_enable, "preemption")

#ifdef __cplusplus
}
#endif

#endif
