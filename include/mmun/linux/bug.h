/* SPDX-License-Identifier: MIT */
/* bug.h - assertions. The condition is evaluated once, and the finding has its text. */
#ifndef MMUN_LINUX_BUG_H
#define MMUN_LINUX_BUG_H

#include "mmun/linux/word.h"

#ifdef __cplusplus
extern "C" {
#endif

bool kernel_warn_(const struct kernel_at_ *at);

/* These are a finding of the oracle "assertion", and end the execution. */
#define BUG() explore_assert_failed("BUG()", __FILE__, __LINE__)
#define BUG_ON(condition) ((condition) ? \
	explore_assert_failed("BUG_ON(" #condition ")", __FILE__, __LINE__) : (void)0)
#define VM_BUG_ON(condition) ((condition) ? \
	explore_assert_failed("VM_BUG_ON(" #condition ")", __FILE__, __LINE__) : (void)0)
#define VM_BUG_ON_PAGE(condition, page) ((condition) ? \
	(void)(page), explore_assert_failed("VM_BUG_ON_PAGE(" #condition ")", __FILE__, \
					   __LINE__) : (void)0)
#define VM_BUG_ON_FOLIO(condition, folio) ((condition) ? \
	(void)(folio), explore_assert_failed("VM_BUG_ON_FOLIO(" #condition ")", __FILE__, \
					   __LINE__) : (void)0)

/* These are a finding of the oracle "assertion", and the execution goes on. They return whether
 * the condition held. */
#define WARN_ON(condition) ((condition) ? kernel_warn_(KERNEL_AT_("WARN_ON(" #condition ")")) : \
					  false)
#define WARN_ON_ONCE(condition) ((condition) ? \
	kernel_warn_(KERNEL_AT_("WARN_ON_ONCE(" #condition ")")) : false)
#define WARN(condition, ...) ((condition) ? \
	(kernel_note_(KERNEL_SITE_, __VA_ARGS__), \
	 kernel_warn_(KERNEL_AT_("WARN(" #condition ")"))) : false)
#define WARN_ONCE(condition, ...) ((condition) ? \
	(kernel_note_(KERNEL_SITE_, __VA_ARGS__), \
	 kernel_warn_(KERNEL_AT_("WARN_ONCE(" #condition ")"))) : false)
#define VM_WARN_ON(condition) ((void)((condition) ? \
	kernel_warn_(KERNEL_AT_("VM_WARN_ON(" #condition ")")) : false))
#define VM_WARN_ON_ONCE(condition) ((condition) ? \
	kernel_warn_(KERNEL_AT_("VM_WARN_ON_ONCE(" #condition ")")) : false)

#ifdef __cplusplus
#define BUILD_BUG_ON(condition) static_assert(!(condition), #condition)
#else
#define BUILD_BUG_ON(condition) __extension__ _Static_assert(!(condition), #condition)
#endif

#ifdef __cplusplus
}
#endif

#endif
