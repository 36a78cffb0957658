/* SPDX-License-Identifier: MIT */
/*
 * workqueue.h - work that runs later, in a thread of its own, which may sleep.
 *
 * An item that is queued is not queued again until it begins, and two runs of it never overlap.
 * Different items run side by side, unless their queue was made by alloc_ordered_workqueue(). A
 * delay may be of any length, none included. A check may have 16 threads with all that are
 * started. What is pending when the check's threads have ended runs before its finish function.
 */
#ifndef MMUN_LINUX_WORKQUEUE_H
#define MMUN_LINUX_WORKQUEUE_H

#include "mmun/linux/container_of.h"
#include "mmun/linux/slab.h"
#include "mmun/linux/types.h"

#ifdef __cplusplus
extern "C" {
#endif

struct work_struct;
struct workqueue_struct { uint64_t order; uint32_t last; bool ordered; };

typedef void (*work_func_t)(struct work_struct *work);

struct work_struct {
	uint64_t state;      /* the thread that is to run it; 0: it is not pending */
	uint32_t thread;     /* the latest one */
	work_func_t func;
};
struct delayed_work { struct work_struct work; };

#define __WORK_INITIALIZER(n, f) { 0, 0, (f) }
#define DECLARE_WORK(n, f) struct work_struct n = __WORK_INITIALIZER(n, f)
#define DECLARE_DELAYED_WORK(n, f) struct delayed_work n = { __WORK_INITIALIZER(n, f) }
#define INIT_WORK(w, f) __extension__({ \
	struct work_struct *kernel_work_ = (w); \
	kernel_work_->state = 0; \
	kernel_work_->thread = 0; \
	kernel_work_->func = (f); })
#define INIT_WORK_ONSTACK INIT_WORK
#define INIT_DELAYED_WORK(w, f) INIT_WORK(&(w)->work, f)
#define INIT_DEFERRABLE_WORK INIT_DELAYED_WORK
#define to_delayed_work(w) container_of(w, struct delayed_work, work)
#define destroy_work_on_stack(w) ((void)(w))

static struct workqueue_struct kernel_system_wq_ __attribute__((unused));
#define system_wq (&kernel_system_wq_)
#define system_highpri_wq system_wq
#define system_long_wq system_wq
#define system_unbound_wq system_wq
#define system_freezable_wq system_wq

enum { WQ_UNBOUND = 1, WQ_FREEZABLE = 2, WQ_MEM_RECLAIM = 4, WQ_HIGHPRI = 8 };

KERNEL_FUNCTION_(bool, queue_work, (struct workqueue_struct *wq, struct work_struct *work),
		 (wq, work))
/* Returns whether it was pending. */
KERNEL_FUNCTION_(bool, flush_work, (struct work_struct *work), (work))
KERNEL_FUNCTION_(bool, cancel_work, (struct work_struct *work), (work))
KERNEL_FUNCTION_(bool, cancel_work_sync, (struct work_struct *work), (work))
KERNEL_FUNCTION_(bool, work_pending, (struct work_struct *work), (work))
KERNEL_PROCEDURE_(flush_workqueue, (struct workqueue_struct *wq), (wq))
KERNEL_PROCEDURE_(drain_workqueue, (struct workqueue_struct *wq), (wq))
KERNEL_PROCEDURE_(destroy_workqueue, (struct workqueue_struct *wq), (wq))
struct workqueue_struct *kernel_alloc_workqueue_(const struct kernel_at_ *at, bool ordered);

#define queue_work(wq, work) KERNEL_2_(queue_work, "queue_work(" #work ")", \
	struct workqueue_struct *, wq, struct work_struct *, work)
#define flush_work(work) KERNEL_1_(flush_work, "flush_work(" #work ")", work)
#define cancel_work(work) KERNEL_1_(cancel_work, "cancel_work(" #work ")", work)
#define cancel_work_sync(work) KERNEL_1_(cancel_work_sync, "cancel_work_sync(" #work ")", work)
#define work_pending(work) KERNEL_1_(work_pending, "work_pending(" #work ")", work)
#define flush_workqueue(wq) KERNEL_1_(flush_workqueue, "flush_workqueue", wq)
#define drain_workqueue(wq) KERNEL_1_(drain_workqueue, "drain_workqueue", wq)
#define destroy_workqueue(wq) KERNEL_1_(destroy_workqueue, "destroy_workqueue", wq)
/* The name, flags and numbers are not used. */
#define alloc_workqueue(...) kernel_alloc_workqueue_(KERNEL_AT_(NULL), false)
#define alloc_ordered_workqueue(...) kernel_alloc_workqueue_(KERNEL_AT_(NULL), true)
#define create_workqueue(name) alloc_workqueue(name)
#define create_singlethread_workqueue(name) alloc_ordered_workqueue(name)

/* Names that are made of these. */
KERNEL_INLINE_ bool kernel_schedule_work_(const struct kernel_at_ *at, struct work_struct *work)
{
	return kernel_queue_work_(at, system_wq, work);
}

KERNEL_INLINE_ bool kernel_queue_delayed_work_(const struct kernel_at_ *at,
					       struct workqueue_struct *wq,
					       struct delayed_work *work, unsigned long delay)
{
	(void)delay;
	return kernel_queue_work_(at, wq, &work->work);
}

/* Returns whether it was pending; then it stays so. */
KERNEL_INLINE_ bool kernel_mod_delayed_work_(const struct kernel_at_ *at,
					     struct workqueue_struct *wq,
					     struct delayed_work *work, unsigned long delay)
{
	return !kernel_queue_delayed_work_(at, wq, work, delay);
}

KERNEL_INLINE_ bool kernel_schedule_delayed_work_(const struct kernel_at_ *at,
						  struct delayed_work *work, unsigned long delay)
{
	return kernel_queue_delayed_work_(at, system_wq, work, delay);
}

KERNEL_INLINE_ bool kernel_flush_delayed_work_(const struct kernel_at_ *at,
					       struct delayed_work *work)
{
	return kernel_flush_work_(at, &work->work);
}

KERNEL_INLINE_ bool kernel_cancel_delayed_work_(const struct kernel_at_ *at,
						struct delayed_work *work)
{
	return kernel_cancel_work_(at, &work->work);
}

KERNEL_INLINE_ bool kernel_cancel_delayed_work_sync_(const struct kernel_at_ *at,
						     struct delayed_work *work)
{
	return kernel_cancel_work_sync_(at, &work->work);
}

KERNEL_PASSED_(bool, schedule_work, (struct work_struct *work), (work))
KERNEL_PASSED_(bool, queue_delayed_work, (struct workqueue_struct *wq, struct delayed_work *work,
					  unsigned long delay), (wq, work, delay))
KERNEL_PASSED_(bool, mod_delayed_work, (struct workqueue_struct *wq, struct delayed_work *work,
					unsigned long delay), (wq, work, delay))
KERNEL_PASSED_(bool, schedule_delayed_work, (struct delayed_work *work, unsigned long delay),
	       (work, delay))
KERNEL_PASSED_(bool, flush_delayed_work, (struct delayed_work *work), (work))
KERNEL_PASSED_(bool, cancel_delayed_work, (struct delayed_work *work), (work))
KERNEL_PASSED_(bool, cancel_delayed_work_sync, (struct delayed_work *work), (work))

#define schedule_work(work) KERNEL_1_(schedule_work, "schedule_work(" #work ")", work)
#define queue_delayed_work(wq, work, delay) KERNEL_3_(queue_delayed_work, \
	"queue_delayed_work(" #work ")", struct workqueue_struct *, wq, struct delayed_work *, work, \
	unsigned long, delay)
#define mod_delayed_work(wq, work, delay) KERNEL_3_(mod_delayed_work, \
	"mod_delayed_work(" #work ")", struct workqueue_struct *, wq, struct delayed_work *, work, \
	unsigned long, delay)
#define schedule_delayed_work(work, delay) KERNEL_2_(schedule_delayed_work, \
	"schedule_delayed_work(" #work ")", struct delayed_work *, work, unsigned long, delay)
#define flush_delayed_work(work) \
	KERNEL_1_(flush_delayed_work, "flush_delayed_work(" #work ")", work)
#define cancel_delayed_work(work) \
	KERNEL_1_(cancel_delayed_work, "cancel_delayed_work(" #work ")", work)
#define cancel_delayed_work_sync(work) \
	KERNEL_1_(cancel_delayed_work_sync, "cancel_delayed_work_sync(" #work ")", work)

#ifdef __cplusplus
}
#endif

#endif
