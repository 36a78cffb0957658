/* SPDX-License-Identifier: MIT */
/* sched.h - giving way. */
#ifndef MMUN_LINUX_SCHED_H
#define MMUN_LINUX_SCHED_H

#include "mmun/linux/kernel.h"

#define cond_resched() might_sleep()

#endif
