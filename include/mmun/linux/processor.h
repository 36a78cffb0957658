/* SPDX-License-Identifier: MIT */
/* processor.h - a loop that waits. */
#ifndef MMUN_LINUX_PROCESSOR_H
#define MMUN_LINUX_PROCESSOR_H

#include "mmun/linux/word.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * In a loop that asks until another thread has changed something: after a round that has
 * written nothing, and seen in at most four words what the round before saw, it waits
 * until one of them is another one. If that never comes the thread tries again for ever,
 * which is a finding. Without it a loop that waits for another thread has no last round,
 * and ends at the bound on steps. Leave it out of loops that give up by themselves: with
 * it their later rounds are not run, and the search says that it was not complete.
 */
KERNEL_PROCEDURE_0_(cpu_relax)
#define cpu_relax() KERNEL_0_(cpu_relax, "cpu_relax()")

#ifdef __cplusplus
}
#endif

#endif
