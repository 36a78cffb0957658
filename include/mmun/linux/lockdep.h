/* SPDX-License-Identifier: MIT */
/* lockdep.h - who holds what. */
#ifndef MMUN_LINUX_LOCKDEP_H
#define MMUN_LINUX_LOCKDEP_H

#include "mmun/linux/word.h"

#ifdef __cplusplus
extern "C" {
#endif

void kernel_assert_held_(const void *lock, const struct sync_site *site);

#define lockdep_assert_held_read lockdep_assert_held
#define lockdep_assert_held_write lockdep_assert_held
#define lockdep_assert_held(l) kernel_assert_held_((l), KERNEL_SITE_)

#ifdef __cplusplus
}
#endif

#endif
