/* SPDX-License-Identifier: MIT */
/*
 * dma-fence.h - fences: what a device has to do, which others wait for, or are called back for when
 * it is done. Whoever waits for one, or adds a callback, needs a reference to it. The lock that a
 * fence is given lasts as long as the fence. A callback is called with that lock held, and must not
 * sleep; until then its memory must last, or it is removed. Waiting may sleep. Giving up the last
 * reference of a fence that is not signaled, and has callbacks, is a finding ("assertion").
 *
 * Signaling twice is no mistake, as in Linux: the second call returns -EINVAL. The annotations
 * dma_fence_begin_signalling() and end_signalling() say nothing: a deadlock shows when it comes.
 * Names of drivers and timelines are never asked for.
 */
#ifndef MMUN_LINUX_DMA_FENCE_H
#define MMUN_LINUX_DMA_FENCE_H

#include "mmun/linux/atomic.h"
#include "mmun/linux/bitops.h"
#include "mmun/linux/kref.h"
#include "mmun/linux/list.h"
#include "mmun/linux/rcupdate.h"
#include "mmun/linux/sched.h"
#include "mmun/linux/spinlock.h"
#include "mmun/linux/wait.h"

#ifdef __cplusplus
extern "C" {
#endif

struct dma_fence;
struct dma_fence_cb;
typedef void (*dma_fence_func_t)(struct dma_fence *fence, struct dma_fence_cb *cb);

struct dma_fence_cb { struct list_head node; dma_fence_func_t func; };

struct dma_fence_ops {
	bool use_64bit_seqno;
	const char *(*get_driver_name)(struct dma_fence *fence);
	const char *(*get_timeline_name)(struct dma_fence *fence);
	bool (*enable_signaling)(struct dma_fence *fence); /* lock held; false: it is signaled */
	bool (*signaled)(struct dma_fence *fence);
	long (*wait)(struct dma_fence *fence, bool intr, long timeout);
	void (*release)(struct dma_fence *fence); /* NULL: dma_fence_free() */
};

struct dma_fence {
	spinlock_t *lock;
	const struct dma_fence_ops *ops;
	__extension__ union { struct list_head cb_list; struct rcu_head rcu; };
	u64 context, seqno;
	unsigned long flags;
	struct kref refcount;
	int error;
};

enum dma_fence_flag_bits {
	DMA_FENCE_FLAG_SIGNALED_BIT, DMA_FENCE_FLAG_TIMESTAMP_BIT,
	DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT, DMA_FENCE_FLAG_USER_BITS,
};

/* A finding of "assertion", as WARN_ON() is. */
void kernel_fence_warns_(const struct kernel_at_ *at, const char *what);
/* Until the fence with these flags is signaled, or, timed: or until the time is over. */
void kernel_fence_sleeps_(const struct kernel_at_ *at, unsigned long *flags, bool timed);

/* The lock is held with interrupts off, which is a read section of RCU: so dma_fence_free() comes
 * after whoever signals has dropped it. How interrupts were before is what is returned. */
KERNEL_INLINE_ unsigned long kernel_fence_lock_(const struct kernel_at_ *at,
						struct dma_fence *fence)
{
	return kernel_spin_lock_irqsave_(at, fence->lock);
}

KERNEL_INLINE_ void kernel_fence_unlock_(const struct kernel_at_ *at, struct dma_fence *fence,
					 unsigned long flags)
{
	kernel_spin_unlock_irqrestore_(at, fence->lock, flags);
}

/* --- signaling -------------------------------------------------------------- */

KERNEL_INLINE_ bool kernel_fence_test_(const struct kernel_at_ *at, const struct dma_fence *fence)
{
	return kernel_test_bit_(at, DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags);
}

KERNEL_INLINE_ void kernel_dma_fence_init_(const struct kernel_at_ *at, struct dma_fence *fence,
					   const struct dma_fence_ops *ops, spinlock_t *lock,
					   u64 context, u64 seqno)
{
	if (!ops || !lock)
		explore_assert_failed("dma_fence_init() needs operations and a lock",
				      at->site.file, at->site.line);
	kernel_kref_init_(at, &fence->refcount);
	fence->ops = ops;
	kernel_INIT_LIST_HEAD_(at, &fence->cb_list);
	fence->lock = lock;
	fence->context = context;
	fence->seqno = seqno;
	fence->flags = 0;
	fence->error = 0;
}

/* 0; -EINVAL: it was signaled before. Calls its callbacks. */
KERNEL_INLINE_ int kernel_dma_fence_signal_locked_(const struct kernel_at_ *at,
						   struct dma_fence *fence)
{
	struct list_head armed, *entry, *next;

	kernel_assert_held_(at, fence->lock);
	if (kernel_test_and_set_bit_(at, DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags))
		return -EINVAL;
	kernel_list_replace_(at, &fence->cb_list, &armed);
	for (entry = armed.next; entry != &armed; entry = next) {
		struct dma_fence_cb *cb = container_of(entry, struct dma_fence_cb, node);

		next = entry->next;
		kernel_INIT_LIST_HEAD_(at, entry);
		cb->func(fence, cb);
	}
	return 0;
}

KERNEL_INLINE_ int kernel_dma_fence_signal_(const struct kernel_at_ *at, struct dma_fence *fence)
{
	unsigned long flags;
	int ret;

	if (!fence) {
		kernel_fence_warns_(at, "there is no fence");
		return -EINVAL;
	}
	flags = kernel_fence_lock_(at, fence);
	ret = kernel_dma_fence_signal_locked_(at, fence);
	kernel_fence_unlock_(at, fence, flags);
	return ret;
}

/* With the lock held. False: it is signaled. */
KERNEL_INLINE_ bool kernel_fence_enable_(const struct kernel_at_ *at, struct dma_fence *fence)
{
	bool was = kernel_test_and_set_bit_(at, DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT, &fence->flags);

	if (kernel_fence_test_(at, fence))
		return false;
	if (was || !fence->ops->enable_signaling || fence->ops->enable_signaling(fence))
		return true;
	kernel_dma_fence_signal_locked_(at, fence);
	return false;
}

KERNEL_INLINE_ void kernel_dma_fence_enable_sw_signaling_(const struct kernel_at_ *at,
							  struct dma_fence *fence)
{
	unsigned long flags = kernel_fence_lock_(at, fence);

	(void)kernel_fence_enable_(at, fence);
	kernel_fence_unlock_(at, fence, flags);
}

/* Asks the driver, too, and signals what it says is done. */
KERNEL_INLINE_ bool kernel_dma_fence_is_signaled_(const struct kernel_at_ *at,
						  struct dma_fence *fence)
{
	if (kernel_fence_test_(at, fence))
		return true;
	if (!fence->ops->signaled || !fence->ops->signaled(fence))
		return false;
	kernel_dma_fence_signal_(at, fence);
	return true;
}

KERNEL_INLINE_ bool kernel_dma_fence_is_signaled_locked_(const struct kernel_at_ *at,
							 struct dma_fence *fence)
{
	if (kernel_fence_test_(at, fence))
		return true;
	if (!fence->ops->signaled || !fence->ops->signaled(fence))
		return false;
	kernel_dma_fence_signal_locked_(at, fence);
	return true;
}

/* Before it is signaled: what has gone wrong, a negative errno. */
KERNEL_INLINE_ void kernel_dma_fence_set_error_(const struct kernel_at_ *at,
						struct dma_fence *fence, int error)
{
	if (kernel_fence_test_(at, fence))
		kernel_fence_warns_(at, "the fence is signaled");
	fence->error = error;
}

/* 0: it is not signaled; 1, or its error. */
KERNEL_INLINE_ int kernel_dma_fence_get_status_(const struct kernel_at_ *at,
						struct dma_fence *fence)
{
	unsigned long flags = kernel_fence_lock_(at, fence);
	int status = 0;

	if (kernel_dma_fence_is_signaled_locked_(at, fence))
		status = fence->error ? fence->error : 1;
	kernel_fence_unlock_(at, fence, flags);
	return status;
}

/* --- references -------------------------------------------------------------- */

/* Frees it by kfree_rcu(). */
KERNEL_INLINE_ void kernel_dma_fence_free_(const struct kernel_at_ *at, struct dma_fence *fence)
{
	kernel_kfree_later_(at, fence);
}

KERNEL_INLINE_ void kernel_fence_release_(const struct kernel_at_ *at, struct dma_fence *fence)
{
	unsigned long flags;

	if (!kernel_fence_test_(at, fence) && !kernel_list_empty_(at, &fence->cb_list)) {
		kernel_fence_warns_(at, "the last reference of a fence that is not signaled, and has "
				    "callbacks");
		flags = kernel_fence_lock_(at, fence);
		fence->error = -EDEADLK;
		kernel_dma_fence_signal_locked_(at, fence);
		kernel_fence_unlock_(at, fence, flags);
	}
	if (fence->ops->release)
		fence->ops->release(fence);
	else
		kernel_dma_fence_free_(at, fence);
}

KERNEL_INLINE_ struct dma_fence *kernel_dma_fence_get_(const struct kernel_at_ *at,
						       struct dma_fence *fence)
{
	if (fence)
		kernel_kref_get_(at, &fence->refcount);
	return fence;
}

KERNEL_INLINE_ void kernel_dma_fence_put_(const struct kernel_at_ *at, struct dma_fence *fence)
{
	if (fence && kernel_refcount_dec_and_test_(at, &fence->refcount.refcount))
		kernel_fence_release_(at, fence);
}

/* In a read section of RCU; NULL: its last reference is gone. */
KERNEL_INLINE_ struct dma_fence *kernel_dma_fence_get_rcu_(const struct kernel_at_ *at,
							   struct dma_fence *fence)
{
	return kernel_kref_get_unless_zero_(at, &fence->refcount) ? fence : NULL;
}

/* Of a pointer that others change meanwhile. */
KERNEL_INLINE_ struct dma_fence *kernel_dma_fence_get_rcu_safe_(const struct kernel_at_ *at,
								struct dma_fence **fencep)
{
	for (;;) {
		struct dma_fence *fence =
			(struct dma_fence *)kernel_read_pointer_(at, fencep, KERNEL_ACQUIRE_);

		if (!fence)
			return NULL;
		if (!kernel_dma_fence_get_rcu_(at, fence)) {
			kernel_cpu_relax_(at);
			continue;
		}
		if (fence == kernel_read_pointer_(at, fencep, KERNEL_RELAXED_))
			return fence;
		kernel_dma_fence_put_(at, fence);
	}
}

/* --- callbacks and waiting ---------------------------------------------------- */

/* 0; -ENOENT: it is signaled, and func will not be called. */
KERNEL_INLINE_ int kernel_dma_fence_add_callback_(const struct kernel_at_ *at,
						  struct dma_fence *fence,
						  struct dma_fence_cb *cb, dma_fence_func_t func)
{
	unsigned long flags;
	bool armed = false;

	if (!fence || !func) {
		kernel_fence_warns_(at, "a callback needs a fence and a function");
		return -EINVAL;
	}
	if (!kernel_fence_test_(at, fence)) {
		flags = kernel_fence_lock_(at, fence);
		armed = kernel_fence_enable_(at, fence);
		if (armed) {
			cb->func = func;
			kernel_list_add_tail_(at, &cb->node, &fence->cb_list);
		}
		kernel_fence_unlock_(at, fence, flags);
	}
	if (!armed)
		kernel_INIT_LIST_HEAD_(at, &cb->node);
	return armed ? 0 : -ENOENT;
}

/* False: it has been called, or was not added. It does not wait for nobody who calls it: that is
 * done under the lock. */
KERNEL_INLINE_ bool kernel_dma_fence_remove_callback_(const struct kernel_at_ *at,
						      struct dma_fence *fence,
						      struct dma_fence_cb *cb)
{
	unsigned long flags = kernel_fence_lock_(at, fence);
	bool armed;

	armed = !kernel_list_empty_(at, &cb->node);
	if (armed)
		kernel_list_del_init_(at, &cb->node);
	kernel_fence_unlock_(at, fence, flags);
	return armed;
}

/* What is left of the time, at least 1; 0: it is over; -ERESTARTSYS: a signal came, if intr. The
 * search tries both wherever it sleeps. With MAX_SCHEDULE_TIMEOUT the time is never over. */
KERNEL_INLINE_ long kernel_dma_fence_default_wait_(const struct kernel_at_ *at,
						   struct dma_fence *fence, bool intr,
						   long timeout)
{
	bool timed = timeout != MAX_SCHEDULE_TIMEOUT;
	unsigned long flags = kernel_fence_lock_(at, fence);
	long left = timeout ? timeout : 1;

	if (!timeout && !kernel_fence_test_(at, fence))
		left = 0;
	while (left > 0 && !kernel_fence_test_(at, fence)) {
		kernel_fence_unlock_(at, fence, flags);
		if (intr && kernel_signal_(at))
			left = -ERESTARTSYS;
		else if (timed && kernel_time_is_over_(at))
			left = 0;
		else
			kernel_fence_sleeps_(at, &fence->flags, timed);
		flags = kernel_fence_lock_(at, fence);
	}
	kernel_fence_unlock_(at, fence, flags);
	return left;
}

KERNEL_INLINE_ long kernel_dma_fence_wait_timeout_(const struct kernel_at_ *at,
						   struct dma_fence *fence, bool intr,
						   long timeout)
{
	if (timeout < 0) {
		kernel_fence_warns_(at, "the time is negative");
		return -EINVAL;
	}
	kernel_might_sleep_(at);
	kernel_dma_fence_enable_sw_signaling_(at, fence);
	if (fence->ops->wait)
		return fence->ops->wait(fence, intr, timeout);
	return kernel_dma_fence_default_wait_(at, fence, intr, timeout);
}

/* 0 or -ERESTARTSYS */
KERNEL_INLINE_ long kernel_dma_fence_wait_(const struct kernel_at_ *at, struct dma_fence *fence,
					   bool intr)
{
	long left = kernel_dma_fence_wait_timeout_(at, fence, intr, MAX_SCHEDULE_TIMEOUT);

	return left < 0 ? left : 0;
}

/* --- timelines ----------------------------------------------------------------- */

static atomic64_t kernel_fence_contexts_ __attribute__((unused));

/* The first of num numbers that no other fences have. */
KERNEL_INLINE_ u64 kernel_dma_fence_context_alloc_(const struct kernel_at_ *at, unsigned num)
{
	return 1 + kernel_update_(at, &kernel_fence_contexts_.counter, sizeof(u64), KERNEL_RELAXED_,
				  KERNEL_ADD_TO_, num, 0, KERNEL_OLD_);
}

KERNEL_PASSED_(u64, dma_fence_context_alloc, (unsigned num), (num))

static inline bool dma_fence_is_later(struct dma_fence *a, struct dma_fence *b)
{
	if (a->ops->use_64bit_seqno)
		return a->seqno > b->seqno;
	return (int32_t)((uint32_t)a->seqno - (uint32_t)b->seqno) > 0;
}

KERNEL_PASSED_VOID_(dma_fence_init, (struct dma_fence *fence, const struct dma_fence_ops *ops,
		    spinlock_t *lock, u64 context, u64 seqno), (fence, ops, lock, context, seqno))
KERNEL_PASSED_(int, dma_fence_signal, (struct dma_fence *fence), (fence))
KERNEL_PASSED_(int, dma_fence_signal_locked, (struct dma_fence *fence), (fence))
KERNEL_PASSED_VOID_(dma_fence_enable_sw_signaling, (struct dma_fence *fence), (fence))
KERNEL_PASSED_(bool, dma_fence_is_signaled, (struct dma_fence *fence), (fence))
KERNEL_PASSED_(bool, dma_fence_is_signaled_locked, (struct dma_fence *fence), (fence))
KERNEL_PASSED_VOID_(dma_fence_set_error, (struct dma_fence *fence, int error), (fence, error))
KERNEL_PASSED_(int, dma_fence_get_status, (struct dma_fence *fence), (fence))
KERNEL_PASSED_VOID_(dma_fence_free, (struct dma_fence *fence), (fence))
KERNEL_PASSED_(struct dma_fence *, dma_fence_get, (struct dma_fence *fence), (fence))
KERNEL_PASSED_VOID_(dma_fence_put, (struct dma_fence *fence), (fence))
KERNEL_PASSED_(struct dma_fence *, dma_fence_get_rcu, (struct dma_fence *fence), (fence))
KERNEL_PASSED_(struct dma_fence *, dma_fence_get_rcu_safe, (struct dma_fence **fencep), (fencep))
KERNEL_PASSED_(int, dma_fence_add_callback, (struct dma_fence *fence, struct dma_fence_cb *cb,
					     dma_fence_func_t func), (fence, cb, func))
KERNEL_PASSED_(bool, dma_fence_remove_callback, (struct dma_fence *fence,
						 struct dma_fence_cb *cb), (fence, cb))
KERNEL_PASSED_(long, dma_fence_default_wait, (struct dma_fence *fence, bool intr, long timeout),
	       (fence, intr, timeout))
KERNEL_PASSED_(long, dma_fence_wait_timeout, (struct dma_fence *fence, bool intr, long timeout),
	       (fence, intr, timeout))
KERNEL_PASSED_(long, dma_fence_wait, (struct dma_fence *fence, bool intr), (fence, intr))

#define KERNEL_FENCE_(name, fence) KERNEL_1_(name, #name "(" #fence ")", fence)
#define dma_fence_init(fence, ops, lock, context, seqno) \
	KERNEL_5_(dma_fence_init, "dma_fence_init(" #fence ")", struct dma_fence *, fence, \
		  const struct dma_fence_ops *, ops, spinlock_t *, lock, u64, context, u64, seqno)
#define dma_fence_signal(fence) KERNEL_FENCE_(dma_fence_signal, fence)
#define dma_fence_signal_locked(fence) KERNEL_FENCE_(dma_fence_signal_locked, fence)
#define dma_fence_enable_sw_signaling(fence) KERNEL_FENCE_(dma_fence_enable_sw_signaling, fence)
#define dma_fence_is_signaled(fence) KERNEL_FENCE_(dma_fence_is_signaled, fence)
#define dma_fence_is_signaled_locked(fence) KERNEL_FENCE_(dma_fence_is_signaled_locked, fence)
#define dma_fence_set_error(fence, error) \
	KERNEL_2_(dma_fence_set_error, "dma_fence_set_error(" #fence ")", \
		  struct dma_fence *, fence, int, error)
#define dma_fence_get_status(fence) KERNEL_FENCE_(dma_fence_get_status, fence)
#define dma_fence_free(fence) KERNEL_FENCE_(dma_fence_free, fence)
#define dma_fence_get(fence) KERNEL_FENCE_(dma_fence_get, fence)
#define dma_fence_put(fence) KERNEL_FENCE_(dma_fence_put, fence)
#define dma_fence_get_rcu(fence) KERNEL_FENCE_(dma_fence_get_rcu, fence)
#define dma_fence_get_rcu_safe(fencep) KERNEL_FENCE_(dma_fence_get_rcu_safe, fencep)
#define dma_fence_add_callback(fence, cb, func) \
	KERNEL_3_(dma_fence_add_callback, "dma_fence_add_callback(" #fence ")", \
		  struct dma_fence *, fence, struct dma_fence_cb *, cb, dma_fence_func_t, func)
#define dma_fence_remove_callback(fence, cb) \
	KERNEL_2_(dma_fence_remove_callback, "dma_fence_remove_callback(" #fence ")", \
		  struct dma_fence *, fence, struct dma_fence_cb *, cb)
#define dma_fence_default_wait(fence, intr, timeout) \
	KERNEL_3_(dma_fence_default_wait, "dma_fence_default_wait(" #fence ")", \
		  struct dma_fence *, fence, bool, intr, long, timeout)
#define dma_fence_wait_timeout(fence, intr, timeout) \
	KERNEL_3_(dma_fence_wait_timeout, "dma_fence_wait_timeout(" #fence ")", \
		  struct dma_fence *, fence, bool, intr, long, timeout)
#define dma_fence_wait(fence, intr) KERNEL_2_(dma_fence_wait, "dma_fence_wait(" #fence ")", \
	struct dma_fence *, fence, bool, intr)
#define dma_fence_context_alloc(num) \
	KERNEL_1_(dma_fence_context_alloc, "dma_fence_context_alloc", num)
#define dma_fence_is_later(a, b) \
	KERNEL_CALL_2_(dma_fence_is_later, struct dma_fence *, a, struct dma_fence *, b)
#define dma_fence_begin_signalling() false
#define dma_fence_end_signalling(cookie) ((void)(cookie))

#ifdef __cplusplus
}
#endif

#endif
