/* SPDX-License-Identifier: MIT */
/* sched_mm.h - how long an address space lives. Linux has it in a folder of its own, sched. */
#ifndef MMUN_LINUX_SCHED_MM_H
#define MMUN_LINUX_SCHED_MM_H

#include "mmun/linux/mm_types.h"
#include "mmun/linux/word.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A user needs what is in the address space, its areas, tables and pages; whoever has grabbed it
 * needs its structure only. An address space is made with one user, its owner, who gives it up
 * with mmput() or with mmun_mm_destroy(), which mm_world_fini() calls. (Who has called mmput() for
 * the owner sets the member mm of the world to NULL.) The last user ends it: the notifiers'
 * release is called, and all is unmapped. The structure, its mmap_lock too, lasts until the last
 * one who has grabbed it has dropped it. Notifiers have grabbed it.
 *
 * Using the structure after that is a finding of "lifetime"; and so is becoming a user, but by
 * mmget_not_zero(), when there is none; and asking for an area then, or for pages. What else the
 * library does to an address space that has no user is not found. No processor may be left when it
 * ends ("protocol").
 *
 * Context: mmput() may sleep. The others do not; what the last mmput_async() has to do is done by
 * a thread that it starts.
 * Source: include/linux/sched/mm.h, kernel/fork.c.
 */
KERNEL_PROCEDURE_(mmget, (struct mm_struct *mm), (mm))
/* False: there is no user any more. */
KERNEL_FUNCTION_(bool, mmget_not_zero, (struct mm_struct *mm), (mm))
KERNEL_PROCEDURE_(mmput, (struct mm_struct *mm), (mm))
KERNEL_PROCEDURE_(mmput_async, (struct mm_struct *mm), (mm))
KERNEL_PROCEDURE_(mmgrab, (struct mm_struct *mm), (mm))
KERNEL_PROCEDURE_(mmdrop, (struct mm_struct *mm), (mm))

#define mmget(mm) KERNEL_1_(mmget, NULL, mm)
#define mmget_not_zero(mm) KERNEL_1_(mmget_not_zero, NULL, mm)
#define mmput(mm) KERNEL_1_(mmput, NULL, mm)
#define mmput_async(mm) KERNEL_1_(mmput_async, NULL, mm)
#define mmgrab(mm) KERNEL_1_(mmgrab, NULL, mm)
#define mmdrop(mm) KERNEL_1_(mmdrop, NULL, mm)

/* At the end: users that were not given up are a leak. */
void kernel_mm_ends_(const struct mm_struct *mm);

#ifdef __cplusplus
}
#endif

#endif
