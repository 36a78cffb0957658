/* SPDX-License-Identifier: MIT */
/* wait.h - queues of threads that sleep. */
#ifndef MMUN_LINUX_WAIT_H
#define MMUN_LINUX_WAIT_H

#include "mmun/linux/word.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wait_queue_head { uint64_t wakeups; } wait_queue_head_t;

#define DECLARE_WAIT_QUEUE_HEAD(q) wait_queue_head_t q

uint64_t kernel_enqueue_(wait_queue_head_t *queue, const struct sync_site *site);
void kernel_sleep_(wait_queue_head_t *queue, uint64_t seen, const char *name,
		   const struct sync_site *site);
void kernel_wake_(wait_queue_head_t *queue, const char *name, const struct sync_site *site);

#define init_waitqueue_head(q) ((void)((q)->wakeups = 0))
/* Asks @condition, which READ_ONCE()s what others change; sleeps until woken; again. */
#define wait_event(q, condition) do { \
	for (;;) { \
		uint64_t seen_ = kernel_enqueue_(&(q), KERNEL_SITE_); \
		if (condition) \
			break; \
		kernel_sleep_(&(q), seen_, #q, KERNEL_SITE_); \
	} \
} while (0)
/* Sleeps until the next wake_up(), which may have gone by: Linux has thrown it out. */
#define sleep_on(q) kernel_sleep_((q), kernel_enqueue_((q), KERNEL_SITE_), #q, KERNEL_SITE_)
#define wake_up(q) kernel_wake_((q), #q, KERNEL_SITE_)
#define wake_up_all wake_up

#ifdef __cplusplus
}
#endif

#endif
