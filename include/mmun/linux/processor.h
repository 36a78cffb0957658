/* SPDX-License-Identifier: MIT */
/* processor.h - loops that wait. */
#ifndef MMUN_LINUX_PROCESSOR_H
#define MMUN_LINUX_PROCESSOR_H

#include "mmun/linux/word.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * For a loop that repeats until another thread has changed something. After a round that has
 * written nothing, and that has seen the same values in at most four words as the round
 * before, the thread waits until one of these words changes. If none ever does, the thread
 * tries again forever, which is a finding. Without cpu_relax() a loop that waits for another
 * thread has no last round, and ends at the bound on steps. Leave it out of loops that give up
 * by themselves: their later rounds would not be run, and the search would not be exhaustive.
 */
KERNEL_PROCEDURE_0_(cpu_relax)
#define cpu_relax() KERNEL_0_(cpu_relax, "cpu_relax()")

#ifdef __cplusplus
}
#endif

#endif
