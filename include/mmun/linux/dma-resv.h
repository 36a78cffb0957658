/* SPDX-License-Identifier: MIT */
/*
 * dma-resv.h - the fences of a buffer that devices share, each with what the device does to it.
 * They are changed under the reservation's lock, and looked at under it or in a read section of
 * RCU. The reservation has a reference to each fence. Room for a fence must have been reserved
 * since the lock was taken.
 *
 * The lock is a mutex here: a ww_acquire_ctx, by which several are taken in any order, cannot be
 * had. Take them in one order.
 */
#ifndef MMUN_LINUX_DMA_RESV_H
#define MMUN_LINUX_DMA_RESV_H

#include "mmun/linux/dma-fence.h"
#include "mmun/linux/lockdep.h"
#include "mmun/linux/mutex.h"
#include "mmun/linux/slab.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ww_acquire_ctx;
struct ww_mutex { struct mutex base; };

/* Whoever asks for a use gets the fences of it and of those before it. */
enum dma_resv_usage {
	DMA_RESV_USAGE_KERNEL, DMA_RESV_USAGE_WRITE, DMA_RESV_USAGE_READ, DMA_RESV_USAGE_BOOKKEEP,
};

/* Behind it are the fences, each with its use in the lowest two bits. */
struct dma_resv_list { struct rcu_head rcu; u32 num_fences, max_fences; };

struct dma_resv { struct ww_mutex lock; struct dma_resv_list *fences; };

struct dma_resv_iter {
	struct dma_resv *obj;
	enum dma_resv_usage usage, fence_usage;
	struct dma_fence *fence;
	unsigned index, num_fences;
	struct dma_resv_list *fences;
	bool is_restarted;
};

/* --- entries ------------------------------------------------------------------ */

KERNEL_INLINE_ uintptr_t *kernel_resv_entry_(struct dma_resv_list *list, unsigned n)
{
	return (uintptr_t *)(void *)(list + 1) + n;
}

KERNEL_INLINE_ struct dma_fence *kernel_resv_get_(const struct kernel_at_ *at,
						  struct dma_resv_list *list, unsigned n,
						  enum dma_resv_usage *usage)
{
	uintptr_t v = kernel_read_(at, kernel_resv_entry_(list, n), sizeof(v), KERNEL_ACQUIRE_);

	*usage = (enum dma_resv_usage)(v & 3);
	return (struct dma_fence *)(v & ~(uintptr_t)3);
}

KERNEL_INLINE_ void kernel_resv_set_(const struct kernel_at_ *at, struct dma_resv_list *list,
				     unsigned n, struct dma_fence *fence,
				     enum dma_resv_usage usage)
{
	kernel_write_(at, kernel_resv_entry_(list, n), sizeof(uintptr_t),
		      (uintptr_t)fence | usage, KERNEL_RELEASE_);
}

KERNEL_INLINE_ struct dma_resv_list *kernel_resv_list_(const struct kernel_at_ *at,
						       struct dma_resv *obj)
{
	return (struct dma_resv_list *)kernel_read_pointer_(at, &obj->fences, KERNEL_ACQUIRE_);
}

KERNEL_INLINE_ unsigned kernel_resv_count_(const struct kernel_at_ *at, struct dma_resv_list *list)
{
	return list ? (unsigned)kernel_read_(at, &list->num_fences, sizeof(list->num_fences),
					     KERNEL_RELAXED_) : 0;
}

/* --- the lock ------------------------------------------------------------------ */

KERNEL_INLINE_ void kernel_dma_resv_init_(const struct kernel_at_ *at, struct dma_resv *obj)
{
	obj->lock.base.owner = 0;
	obj->lock.base.unused = 0;
	kernel_write_pointer_(at, &obj->fences, NULL, KERNEL_RELAXED_);
}

/* Nobody uses it any more. Puts its fences. */
KERNEL_INLINE_ void kernel_dma_resv_fini_(const struct kernel_at_ *at, struct dma_resv *obj)
{
	struct dma_resv_list *list = obj->fences;
	enum dma_resv_usage usage;

	for (unsigned n = 0; list && n < list->num_fences; n++)
		kernel_dma_fence_put_(at, kernel_resv_get_(at, list, n, &usage));
	kernel_kfree_later_(at, list);
}

KERNEL_INLINE_ void kernel_resv_context_(const struct kernel_at_ *at, struct ww_acquire_ctx *ctx)
{
	if (ctx)
		explore_assert_failed("a ww_acquire_ctx cannot be had: give NULL, and take locks "
				      "in one order", at->site.file, at->site.line);
}

/* 0; and -EINTR if a signal came. */
KERNEL_INLINE_ int kernel_dma_resv_lock_(const struct kernel_at_ *at, struct dma_resv *obj,
					 struct ww_acquire_ctx *ctx)
{
	kernel_resv_context_(at, ctx);
	kernel_mutex_lock_(at, &obj->lock.base);
	return 0;
}

KERNEL_INLINE_ int kernel_dma_resv_lock_interruptible_(const struct kernel_at_ *at,
						       struct dma_resv *obj,
						       struct ww_acquire_ctx *ctx)
{
	kernel_resv_context_(at, ctx);
	return kernel_mutex_lock_interruptible_(at, &obj->lock.base);
}

KERNEL_INLINE_ bool kernel_dma_resv_trylock_(const struct kernel_at_ *at, struct dma_resv *obj)
{
	return kernel_mutex_trylock_(at, &obj->lock.base);
}

KERNEL_INLINE_ bool kernel_dma_resv_is_locked_(const struct kernel_at_ *at, struct dma_resv *obj)
{
	return kernel_mutex_is_locked_(at, &obj->lock.base);
}

/* What was reserved, and not used, is gone, as with CONFIG_DEBUG_MUTEXES. */
KERNEL_INLINE_ void kernel_dma_resv_unlock_(const struct kernel_at_ *at, struct dma_resv *obj)
{
	if (obj->fences)
		obj->fences->max_fences = obj->fences->num_fences;
	kernel_mutex_unlock_(at, &obj->lock.base);
}

/* --- adding, with the lock held --------------------------------------------------- */

/* Copies the fences to the new list: first those that are not signaled, and from the end those that
 * are. Returns how many these are. */
KERNEL_INLINE_ unsigned kernel_resv_copy_(const struct kernel_at_ *at, struct dma_resv_list *old,
					  struct dma_resv_list *list)
{
	enum dma_resv_usage usage;
	unsigned kept = 0, gone = 0;

	for (unsigned n = 0; old && n < old->num_fences; n++) {
		struct dma_fence *fence = kernel_resv_get_(at, old, n, &usage);

		if (kernel_dma_fence_is_signaled_(at, fence))
			kernel_resv_set_(at, list, list->max_fences - ++gone, fence, usage);
		else
			kernel_resv_set_(at, list, kept++, fence, usage);
	}
	list->num_fences = kept;
	return gone;
}

/* Room for count more. 0 or -ENOMEM. */
KERNEL_INLINE_ int kernel_dma_resv_reserve_fences_(const struct kernel_at_ *at,
						   struct dma_resv *obj, unsigned count)
{
	struct dma_resv_list *old, *list;
	enum dma_resv_usage usage;
	unsigned max, gone;

	kernel_assert_held_(at, &obj->lock.base);
	if (!count) {
		kernel_fence_warns_(at, "room for no fence");
		return -EINVAL;
	}
	old = obj->fences;
	if (old && old->num_fences + count <= old->max_fences)
		return 0;
	max = (old ? old->num_fences : 0) + (count < 4 ? 4 : count);
	list = (struct dma_resv_list *)kernel_kzalloc_(at, sizeof(*list) + max * sizeof(uintptr_t),
						      GFP_KERNEL);
	if (!list)
		return -ENOMEM;
	list->max_fences = max;
	gone = kernel_resv_copy_(at, old, list);
	kernel_write_pointer_(at, &obj->fences, list, KERNEL_RELEASE_);
	for (unsigned n = 1; n <= gone; n++)
		kernel_dma_fence_put_(at, kernel_resv_get_(at, list, max - n, &usage));
	kernel_kfree_later_(at, old);
	return 0;
}

/* In place of one that is signaled, or that comes before it on the same timeline; or in room that
 * was reserved. */
KERNEL_INLINE_ void kernel_dma_resv_add_fence_(const struct kernel_at_ *at, struct dma_resv *obj,
					       struct dma_fence *fence, enum dma_resv_usage usage)
{
	struct dma_resv_list *list = obj->fences;
	enum dma_resv_usage had;
	unsigned n;

	kernel_dma_fence_get_(at, fence);
	kernel_assert_held_(at, &obj->lock.base);
	for (n = 0; list && n < list->num_fences; n++) {
		struct dma_fence *old = kernel_resv_get_(at, list, n, &had);
		bool later = old->context == fence->context && had >= usage &&
			     !(dma_fence_is_later)(old, fence);

		if (!later && !kernel_dma_fence_is_signaled_(at, old))
			continue;
		kernel_resv_set_(at, list, n, fence, usage);
		kernel_dma_fence_put_(at, old);
		return;
	}
	if (!list || n >= list->max_fences)
		explore_assert_failed("dma_resv_add_fence() needs room: dma_resv_reserve_fences()",
				      at->site.file, at->site.line);
	kernel_resv_set_(at, list, n, fence, usage);
	kernel_write_(at, &list->num_fences, sizeof(list->num_fences), n + 1, KERNEL_RELEASE_);
}

/* What the fences of a timeline stand for, the new one does now. */
KERNEL_INLINE_ void kernel_dma_resv_replace_fences_(const struct kernel_at_ *at,
						    struct dma_resv *obj, u64 context,
						    struct dma_fence *fence,
						    enum dma_resv_usage usage)
{
	struct dma_resv_list *list = obj->fences;
	enum dma_resv_usage had;

	kernel_assert_held_(at, &obj->lock.base);
	for (unsigned n = 0; list && n < list->num_fences; n++) {
		struct dma_fence *old = kernel_resv_get_(at, list, n, &had);

		if (old->context != context)
			continue;
		kernel_resv_set_(at, list, n, kernel_dma_fence_get_(at, fence), usage);
		kernel_dma_fence_put_(at, old);
	}
}

/* --- looking --------------------------------------------------------------------- */

static inline void dma_resv_iter_begin(struct dma_resv_iter *cursor, struct dma_resv *obj,
				       enum dma_resv_usage usage)
{
	cursor->obj = obj;
	cursor->usage = usage;
	cursor->fence = NULL;
}

KERNEL_INLINE_ void kernel_resv_restart_(const struct kernel_at_ *at, struct dma_resv_iter *cursor)
{
	cursor->index = 0;
	cursor->fences = kernel_resv_list_(at, cursor->obj);
	cursor->num_fences = kernel_resv_count_(at, cursor->fences);
	cursor->is_restarted = true;
}

/* Without the lock: puts the fence that the cursor is at, and goes on to the next one that is not
 * signaled, of which it has a reference; NULL: there is none. */
KERNEL_INLINE_ void kernel_resv_walk_(const struct kernel_at_ *at, struct dma_resv_iter *cursor)
{
	for (;;) {
		kernel_dma_fence_put_(at, cursor->fence);
		cursor->fence = NULL;
		if (cursor->index >= cursor->num_fences)
			return;
		cursor->fence = kernel_dma_fence_get_rcu_(
			at, kernel_resv_get_(at, cursor->fences, cursor->index++,
					     &cursor->fence_usage));
		if (!cursor->fence) {
			kernel_cpu_relax_(at);
			kernel_resv_restart_(at, cursor);
		} else if (!kernel_dma_fence_is_signaled_(at, cursor->fence) &&
			   cursor->usage >= cursor->fence_usage) {
			return;
		}
	}
}

/* When the list has become another one all begins again: is_restarted. */
KERNEL_INLINE_ struct dma_fence *kernel_resv_unlocked_(const struct kernel_at_ *at,
						       struct dma_resv_iter *cursor, bool restart)
{
	kernel_rcu_read_lock_(at);
	cursor->is_restarted = false;
	restart = restart || kernel_resv_list_(at, cursor->obj) != cursor->fences;
	do {
		if (restart)
			kernel_resv_restart_(at, cursor);
		kernel_resv_walk_(at, cursor);
		restart = true;
	} while (kernel_resv_list_(at, cursor->obj) != cursor->fences);
	kernel_rcu_read_unlock_(at);
	return cursor->fence;
}

KERNEL_INLINE_ struct dma_fence *kernel_dma_resv_iter_first_unlocked_(const struct kernel_at_ *at,
								      struct dma_resv_iter *cursor)
{
	return kernel_resv_unlocked_(at, cursor, true);
}

KERNEL_INLINE_ struct dma_fence *kernel_dma_resv_iter_next_unlocked_(const struct kernel_at_ *at,
								     struct dma_resv_iter *cursor)
{
	return kernel_resv_unlocked_(at, cursor, false);
}

KERNEL_INLINE_ void kernel_dma_resv_iter_end_(const struct kernel_at_ *at,
					      struct dma_resv_iter *cursor)
{
	kernel_dma_fence_put_(at, cursor->fence);
}

/* With the lock held, and without references. */
KERNEL_INLINE_ struct dma_fence *kernel_dma_resv_iter_next_(const struct kernel_at_ *at,
							    struct dma_resv_iter *cursor)
{
	kernel_assert_held_(at, &cursor->obj->lock.base);
	while (cursor->index < cursor->num_fences) {
		struct dma_fence *fence = kernel_resv_get_(at, cursor->fences, cursor->index++,
							  &cursor->fence_usage);

		if (cursor->fence_usage <= cursor->usage)
			return fence;
	}
	return NULL;
}

KERNEL_INLINE_ struct dma_fence *kernel_dma_resv_iter_first_(const struct kernel_at_ *at,
							     struct dma_resv_iter *cursor)
{
	kernel_assert_held_(at, &cursor->obj->lock.base);
	kernel_resv_restart_(at, cursor);
	return kernel_dma_resv_iter_next_(at, cursor);
}

/* --- waiting --------------------------------------------------------------------- */

/* What is left of the time, at least 1; 0: it is over; -ERESTARTSYS. May sleep. */
KERNEL_INLINE_ long kernel_dma_resv_wait_timeout_(const struct kernel_at_ *at,
						  struct dma_resv *obj, enum dma_resv_usage usage,
						  bool intr, long timeout)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	long left = timeout ? timeout : 1;

	(dma_resv_iter_begin)(&cursor, obj, usage);
	for (fence = kernel_resv_unlocked_(at, &cursor, true); fence && left > 0;
	     fence = left > 0 ? kernel_resv_unlocked_(at, &cursor, false) : NULL)
		left = kernel_dma_fence_wait_timeout_(at, fence, intr, timeout ? left : 0);
	kernel_dma_resv_iter_end_(at, &cursor);
	return left;
}

KERNEL_INLINE_ bool kernel_dma_resv_test_signaled_(const struct kernel_at_ *at,
						   struct dma_resv *obj, enum dma_resv_usage usage)
{
	struct dma_resv_iter cursor;
	bool signaled;

	(dma_resv_iter_begin)(&cursor, obj, usage);
	signaled = !kernel_resv_unlocked_(at, &cursor, true);
	kernel_dma_resv_iter_end_(at, &cursor);
	return signaled;
}

KERNEL_PASSED_VOID_(dma_resv_init, (struct dma_resv *obj), (obj))
KERNEL_PASSED_VOID_(dma_resv_fini, (struct dma_resv *obj), (obj))
KERNEL_PASSED_(int, dma_resv_lock, (struct dma_resv *obj, struct ww_acquire_ctx *ctx), (obj, ctx))
KERNEL_PASSED_(int, dma_resv_lock_interruptible, (struct dma_resv *obj,
						  struct ww_acquire_ctx *ctx), (obj, ctx))
KERNEL_PASSED_(bool, dma_resv_trylock, (struct dma_resv *obj), (obj))
KERNEL_PASSED_(bool, dma_resv_is_locked, (struct dma_resv *obj), (obj))
KERNEL_PASSED_VOID_(dma_resv_unlock, (struct dma_resv *obj), (obj))
KERNEL_PASSED_(int, dma_resv_reserve_fences, (struct dma_resv *obj, unsigned count), (obj, count))
KERNEL_PASSED_VOID_(dma_resv_add_fence, (struct dma_resv *obj, struct dma_fence *fence,
					 enum dma_resv_usage usage), (obj, fence, usage))
KERNEL_PASSED_VOID_(dma_resv_replace_fences, (struct dma_resv *obj, u64 context,
		    struct dma_fence *fence, enum dma_resv_usage usage),
		    (obj, context, fence, usage))
KERNEL_PASSED_(struct dma_fence *, dma_resv_iter_first_unlocked, (struct dma_resv_iter *cursor),
	       (cursor))
KERNEL_PASSED_(struct dma_fence *, dma_resv_iter_next_unlocked, (struct dma_resv_iter *cursor),
	       (cursor))
KERNEL_PASSED_(struct dma_fence *, dma_resv_iter_first, (struct dma_resv_iter *cursor), (cursor))
KERNEL_PASSED_(struct dma_fence *, dma_resv_iter_next, (struct dma_resv_iter *cursor), (cursor))
KERNEL_PASSED_VOID_(dma_resv_iter_end, (struct dma_resv_iter *cursor), (cursor))
KERNEL_PASSED_(long, dma_resv_wait_timeout, (struct dma_resv *obj, enum dma_resv_usage usage,
	       bool intr, long timeout), (obj, usage, intr, timeout))
KERNEL_PASSED_(bool, dma_resv_test_signaled, (struct dma_resv *obj, enum dma_resv_usage usage),
	       (obj, usage))

#define KERNEL_RESV_(name, obj) KERNEL_1_(name, #name "(" #obj ")", obj)
#define dma_resv_init(obj) KERNEL_RESV_(dma_resv_init, obj)
#define dma_resv_fini(obj) KERNEL_RESV_(dma_resv_fini, obj)
#define dma_resv_lock(obj, ctx) \
	KERNEL_2_(dma_resv_lock, #obj, struct dma_resv *, obj, struct ww_acquire_ctx *, ctx)
#define dma_resv_lock_interruptible(obj, ctx) KERNEL_2_(dma_resv_lock_interruptible, #obj, \
	struct dma_resv *, obj, struct ww_acquire_ctx *, ctx)
#define dma_resv_trylock(obj) KERNEL_1_(dma_resv_trylock, #obj, obj)
#define dma_resv_is_locked(obj) KERNEL_RESV_(dma_resv_is_locked, obj)
#define dma_resv_unlock(obj) KERNEL_1_(dma_resv_unlock, #obj, obj)
#define dma_resv_assert_held(obj) kernel_assert_held_(KERNEL_AT_(#obj), &(obj)->lock.base)
#define dma_resv_held(obj) kernel_is_held_(&(obj)->lock.base)
#define dma_resv_reserve_fences(obj, count) KERNEL_2_(dma_resv_reserve_fences, \
	"dma_resv_reserve_fences(" #obj ")", struct dma_resv *, obj, unsigned, count)
#define dma_resv_add_fence(obj, fence, usage) \
	KERNEL_3_(dma_resv_add_fence, "dma_resv_add_fence(" #obj ")", struct dma_resv *, obj, \
		  struct dma_fence *, fence, enum dma_resv_usage, usage)
#define dma_resv_replace_fences(obj, context, fence, usage) \
	KERNEL_4_(dma_resv_replace_fences, "dma_resv_replace_fences(" #obj ")", \
		  struct dma_resv *, obj, u64, context, struct dma_fence *, fence, \
		  enum dma_resv_usage, usage)
#define dma_resv_iter_begin(cursor, obj, usage) \
	KERNEL_CALL_3_(dma_resv_iter_begin, struct dma_resv_iter *, cursor, \
		       struct dma_resv *, obj, enum dma_resv_usage, usage)
#define dma_resv_iter_first_unlocked(cursor) KERNEL_RESV_(dma_resv_iter_first_unlocked, cursor)
#define dma_resv_iter_next_unlocked(cursor) KERNEL_RESV_(dma_resv_iter_next_unlocked, cursor)
#define dma_resv_iter_first(cursor) KERNEL_RESV_(dma_resv_iter_first, cursor)
#define dma_resv_iter_next(cursor) KERNEL_RESV_(dma_resv_iter_next, cursor)
#define dma_resv_iter_end(cursor) KERNEL_RESV_(dma_resv_iter_end, cursor)
#define dma_resv_iter_usage(cursor) ((cursor)->fence_usage)
#define dma_resv_iter_is_restarted(cursor) ((cursor)->is_restarted)
/* Between dma_resv_iter_begin() and dma_resv_iter_end(). */
#define dma_resv_for_each_fence_unlocked(cursor, fence) \
	for (fence = dma_resv_iter_first_unlocked(cursor); fence; \
	     fence = dma_resv_iter_next_unlocked(cursor))
/* With the lock held. */
#define dma_resv_for_each_fence(cursor, obj, usage, fence) \
	for (dma_resv_iter_begin(cursor, obj, usage), fence = dma_resv_iter_first(cursor); \
	     fence; fence = dma_resv_iter_next(cursor))
#define dma_resv_wait_timeout(obj, usage, intr, timeout) \
	KERNEL_4_(dma_resv_wait_timeout, "dma_resv_wait_timeout(" #obj ")", \
		  struct dma_resv *, obj, enum dma_resv_usage, usage, bool, intr, long, timeout)
#define dma_resv_test_signaled(obj, usage) \
	KERNEL_2_(dma_resv_test_signaled, "dma_resv_test_signaled(" #obj ")", \
		  struct dma_resv *, obj, enum dma_resv_usage, usage)

#ifdef __cplusplus
}
#endif

#endif
