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
bool kernel_is_held_(const void *lock);

#define lockdep_assert_held(l) kernel_assert_held_(KERNEL_AT_(#l), (l))
#define lockdep_assert_held_read lockdep_assert_held
#define lockdep_assert_held_write lockdep_assert_held
#define lockdep_is_held(l) kernel_is_held_(l)

#ifdef __cplusplus
}
#endif

#endif
