/* SPDX-License-Identifier: MIT */
/* bug.h - asserting. */
#ifndef MMUN_LINUX_BUG_H
#define MMUN_LINUX_BUG_H

#include "mmun/linux/word.h"

#define BUG_ON(condition) EXPLORE_ASSERT(!(condition))
#define WARN_ON(condition) __extension__({ \
	bool warn_ = (condition); \
	if (warn_) \
		explore_fail(ORACLE_ASSERTION, "%s:%d: WARN_ON(%s)", __FILE__, __LINE__, \
			     #condition); \
	warn_; })
#define WARN_ON_ONCE WARN_ON
#define VM_BUG_ON BUG_ON
#define VM_WARN_ON WARN_ON

#endif
