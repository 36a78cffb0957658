/* SPDX-License-Identifier: MIT */
/* processor.h - loops that wait. */
#ifndef MMUN_LINUX_PROCESSOR_H
#define MMUN_LINUX_PROCESSOR_H

#include "mmun/linux/word.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * For a loop that repeats until another thread has changed something. After rounds in vain the
 * thread waits for good: docs/checks.md says which ones are. If none of what it has looked at ever
 * changes, the thread tries again forever, which is a finding. Without cpu_relax() a loop that
 * waits for another thread is noticed late, which takes more time.
 */
KERNEL_PROCEDURE_0_(cpu_relax)
#define cpu_relax() KERNEL_0_(cpu_relax, "cpu_relax()")

#ifdef __cplusplus
}
#endif

#endif
