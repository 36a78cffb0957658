/* SPDX-License-Identifier: MIT */
/* timer.h - functions that are called some time after now. They must not sleep. When they are
 * called is not decided by the time that was asked for: it may be any. */
#ifndef MMUN_LINUX_TIMER_H
#define MMUN_LINUX_TIMER_H

#include "mmun/linux/workqueue.h"

#ifdef __cplusplus
extern "C" {
#endif

struct timer_list {
	struct work_struct item_;
	void (*function)(struct timer_list *timer);
};

static uint64_t kernel_jiffies_ __attribute__((unused));
#define jiffies ((unsigned long)kernel_jiffies_) /* 0: time does not pass */
enum { HZ = 100 };
#define msecs_to_jiffies(ms) ((unsigned long)(ms) / 10)

#define timer_setup(timer, f, flags) __extension__({ \
	struct timer_list *kernel_timer_ = (timer); \
	kernel_timer_->item_.state = 0; \
	kernel_timer_->item_.thread = 0; \
	kernel_timer_->function = (f); \
	(void)(flags); })
#define from_timer(var, timer, field) container_of(timer, __typeof__(*var), field)
#define timer_container_of from_timer

/* Returns whether it was pending; then it stays so. */
KERNEL_FUNCTION_(int, mod_timer, (struct timer_list *timer, unsigned long expires),
		 (timer, expires))
/* Return whether it was pending. _sync: and wait until its function has returned. */
KERNEL_FUNCTION_(int, timer_delete, (struct timer_list *timer), (timer))
KERNEL_FUNCTION_(int, timer_delete_sync, (struct timer_list *timer), (timer))
/* ... and it cannot be started again. */
KERNEL_FUNCTION_(int, timer_shutdown_sync, (struct timer_list *timer), (timer))

#define mod_timer(timer, expires) KERNEL_2_(mod_timer, "mod_timer(" #timer ")", \
	struct timer_list *, timer, unsigned long, expires)
#define timer_delete(timer) KERNEL_1_(timer_delete, "timer_delete(" #timer ")", timer)
#define timer_delete_sync(timer) \
	KERNEL_1_(timer_delete_sync, "timer_delete_sync(" #timer ")", timer)
#define timer_shutdown_sync(timer) \
	KERNEL_1_(timer_shutdown_sync, "timer_shutdown_sync(" #timer ")", timer)
#define del_timer timer_delete
#define del_timer_sync timer_delete_sync

#ifdef __cplusplus
}
#endif

#endif
