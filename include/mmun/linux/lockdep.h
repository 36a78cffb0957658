/* SPDX-License-Identifier: MIT */
/* lockdep.h - asserting that the calling thread holds a lock, of whatever kind: a finding of the
 * oracle "lock-order" if it does not. */
#ifndef MMUN_LINUX_LOCKDEP_H
#define MMUN_LINUX_LOCKDEP_H

#include "mmun/linux/word.h"

#ifdef __cplusplus
extern "C" {
#endif

void kernel_assert_held_(const struct kernel_at_ *at, const void *lock);
void kernel_assert_held_as_(const struct kernel_at_ *at, const void *lock, bool write);
bool kernel_is_held_(const void *lock);

#define lockdep_assert_held(l) kernel_assert_held_(KERNEL_AT_(#l), (l))
/* For reading; for writing, as mutexes and spin locks always are. */
#define lockdep_assert_held_read(l) kernel_assert_held_as_(KERNEL_AT_(#l), (l), false)
#define lockdep_assert_held_write(l) kernel_assert_held_as_(KERNEL_AT_(#l), (l), true)
#define lockdep_is_held(l) kernel_is_held_(l)

#ifdef __cplusplus
}
#endif

#endif
