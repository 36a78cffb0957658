/* SPDX-License-Identifier: MIT */
/* wait.h - queues of threads that sleep. A zeroed queue is empty. */
#ifndef MMUN_LINUX_WAIT_H
#define MMUN_LINUX_WAIT_H

#include "mmun/linux/word.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wait_queue_head { uint64_t wakeups; } wait_queue_head_t;

#define __WAIT_QUEUE_HEAD_INITIALIZER(name) { 0 }
#define DECLARE_WAIT_QUEUE_HEAD(q) wait_queue_head_t q

/* A thread enqueues itself, tests its condition, and sleeps until a wake-up that comes after it
 * was enqueued. */
uint64_t kernel_enqueue_(const struct kernel_at_ *at, wait_queue_head_t *queue);
void kernel_sleep_(const struct kernel_at_ *at, wait_queue_head_t *queue, uint64_t seen);

KERNEL_PROCEDURE_(wake_up, (wait_queue_head_t *queue), (queue))

#define init_waitqueue_head(q) ((void)((q)->wakeups = 0))
/* Sleeps until condition is true. The condition is evaluated at first and after each wake-up, and
 * must read with READ_ONCE() what other threads change. */
#define wait_event(q, condition) do { \
	wait_queue_head_t *kernel_queue_ = &(q); \
	for (;;) { \
		uint64_t kernel_seen_ = kernel_enqueue_(KERNEL_AT_(#q), kernel_queue_); \
		if (condition) \
			break; \
		kernel_sleep_(KERNEL_AT_(#q), kernel_queue_, kernel_seen_); \
	} \
} while (0)
/* Sleeps until the next wake_up(), which may have come already: therefore Linux removed it. */
#define sleep_on(q) __extension__({ \
	wait_queue_head_t *kernel_queue_ = (q); \
	kernel_sleep_(KERNEL_AT_(#q), kernel_queue_, \
		      kernel_enqueue_(KERNEL_AT_(#q), kernel_queue_)); })
#define wake_up(q) KERNEL_1_(wake_up, #q, q)
#define wake_up_all wake_up

#ifdef __cplusplus
}
#endif

#endif
