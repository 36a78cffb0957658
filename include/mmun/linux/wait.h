/* SPDX-License-Identifier: MIT */
/* wait.h - queues of threads that sleep. A zeroed queue is empty. */
#ifndef MMUN_LINUX_WAIT_H
#define MMUN_LINUX_WAIT_H

#include <errno.h>

#include "mmun/linux/word.h"

#ifndef ERESTARTSYS
#define ERESTARTSYS 512
#endif

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

/* The search tries both: whether a signal has come, and whether the time is over, when a thread is
 * about to sleep. So each wait that a signal or time can end is ended in some executions. */
bool kernel_signal_(const struct kernel_at_ *at);
bool kernel_time_is_over_(const struct kernel_at_ *at);
/* Woken in time. */
void kernel_sleep_timed_(const struct kernel_at_ *at, wait_queue_head_t *queue, uint64_t seen);

/* 0, or -ERESTARTSYS if a signal came first. */
#define wait_event_interruptible(q, condition) __extension__({ \
	wait_queue_head_t *kernel_queue_ = &(q); \
	int kernel_ret_ = 0; \
	for (;;) { \
		uint64_t kernel_seen_ = kernel_enqueue_(KERNEL_AT_(#q), kernel_queue_); \
		if (condition) \
			break; \
		if (kernel_signal_(KERNEL_AT_(#q))) { \
			kernel_ret_ = -ERESTARTSYS; \
			break; \
		} \
		kernel_sleep_(KERNEL_AT_(#q), kernel_queue_, kernel_seen_); \
	} \
	kernel_ret_; })
#define wait_event_killable wait_event_interruptible
#define wait_event_freezable wait_event_interruptible
#define wait_event_idle wait_event

/* What is left of the time, at least 1; or 0 if it is over and the condition still false. @signals
 * can come: then -ERESTARTSYS. */
#define KERNEL_WAIT_TIMEOUT_(q, condition, timeout, signals) __extension__({ \
	wait_queue_head_t *kernel_queue_ = &(q); \
	long kernel_left_ = (timeout); \
	bool kernel_over_ = kernel_left_ <= 0; \
	for (;;) { \
		uint64_t kernel_seen_ = kernel_enqueue_(KERNEL_AT_(#q), kernel_queue_); \
		if (condition) { \
			kernel_left_ = kernel_over_ ? 1 : kernel_left_; \
			break; \
		} \
		if (kernel_over_) { \
			kernel_left_ = 0; \
			break; \
		} \
		if ((signals) && kernel_signal_(KERNEL_AT_(#q))) { \
			kernel_left_ = -ERESTARTSYS; \
			break; \
		} \
		kernel_over_ = kernel_time_is_over_(KERNEL_AT_(#q)); \
		if (!kernel_over_) \
			kernel_sleep_timed_(KERNEL_AT_(#q), kernel_queue_, kernel_seen_); \
	} \
	kernel_left_; })
#define wait_event_timeout(q, condition, timeout) \
	KERNEL_WAIT_TIMEOUT_(q, condition, timeout, false)
#define wait_event_interruptible_timeout(q, condition, timeout) \
	KERNEL_WAIT_TIMEOUT_(q, condition, timeout, true)
#define wait_event_killable_timeout wait_event_interruptible_timeout

/* Sleeps until the next wake_up(), which may have come already: therefore Linux removed it. */
#define sleep_on(q) __extension__({ \
	wait_queue_head_t *kernel_queue_ = (q); \
	kernel_sleep_(KERNEL_AT_(#q), kernel_queue_, \
		      kernel_enqueue_(KERNEL_AT_(#q), kernel_queue_)); })
#define wake_up(q) KERNEL_1_(wake_up, #q, q)
#define wake_up_all wake_up
#define wake_up_interruptible wake_up
#define wake_up_interruptible_all wake_up

#ifdef __cplusplus
}
#endif

#endif
