/* SPDX-License-Identifier: MIT */
/* fence.c - fences and reservations: right checks, and broken twins. */
#include "scene.h"

struct job { struct dma_fence fence; int result; };

struct s {
	spinlock_t lock, other;
	struct job *job, *second;
	struct dma_fence *shared;
	struct dma_fence_cb *cb;
	struct dma_resv resv, resv2;
	int called, x;
	bool kept;
};

static struct s *global;

static const char *name(struct dma_fence *fence) { return fence ? "a job" : "none"; }
static const struct dma_fence_ops ops = { .get_driver_name = name, .get_timeline_name = name };

static struct job *new_job(struct s *s, u64 context, u64 seqno)
{
	struct job *job = kzalloc(sizeof(*job), GFP_KERNEL);

	dma_fence_init(&job->fence, &ops, &s->lock, context, seqno);
	return job;
}

static void setup(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	global = s;
	s->job = new_job(s, 1, 1);
	s->second = new_job(s, 2, 1);
	s->shared = dma_fence_get(&s->job->fence);
	s->cb = kzalloc(sizeof(*s->cb), GFP_KERNEL);
	dma_resv_init(&s->resv);
	dma_resv_init(&s->resv2);
}

/* The references that set-up has; what is left of the rest is a leak. */
static void finish(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	dma_resv_fini(&s->resv);
	dma_resv_fini(&s->resv2);
	dma_fence_put(s->shared);
	dma_fence_put(&s->second->fence);
	if (!s->kept)
		dma_fence_put(&s->job->fence);
	kfree(s->cb);
}

static void called(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	(void)fence, (void)cb;
	global->called++;
}

#define SCENE(name, count, ...) SCENE_OF(name, setup, count, __VA_ARGS__)

/* --- waiting ------------------------------------------------------------------------- */

/* What is done before a fence is signaled comes before what follows the wait. */
SCENE(waits_for_result, 2, .expect = "race")
{
	if (t) {
		if (broken)
			dma_fence_signal(&s->job->fence);
		s->job->result = 7;
		if (!broken)
			dma_fence_signal(&s->job->fence);
		return;
	}
	BUG_ON(dma_fence_wait(&s->job->fence, false) != 0);
	BUG_ON(s->job->result > 7);
}

SCENE(nobody_signals, 2, .expect = "deadlock")
{
	if (t) {
		if (!broken)
			dma_fence_signal(&s->job->fence);
		return;
	}
	(void)dma_fence_wait(&s->job->fence, true);
}

/* A signal may come first, and the job is still running then. */
SCENE(signal_is_heeded, 2, .expect = "race")
{
	if (t) {
		s->job->result = 7;
		dma_fence_signal(&s->job->fence);
		return;
	}
	if (dma_fence_wait(&s->job->fence, true) == 0 || broken)
		BUG_ON(s->job->result > 7);
}

SCENE(time_may_be_over, 2, .expect = "assertion")
{
	if (t) {
		dma_fence_signal(&s->job->fence);
		return;
	}
	BUG_ON(dma_fence_wait_timeout(&s->job->fence, false, 10) == 0 && broken);
}

/* Asking is not waiting. */
SCENE(asks, 2, .expect = "race")
{
	if (t) {
		s->job->result = 7;
		dma_fence_signal(&s->job->fence);
		return;
	}
	if (dma_fence_is_signaled(&s->job->fence) || broken)
		BUG_ON(s->job->result > 7);
	BUG_ON(dma_fence_wait_timeout(&s->job->fence, false, 0) < 0);
}

SCENE(waits_under_spin_lock, 2, .expect = "atomic-sleep")
{
	if (t) {
		dma_fence_signal(&s->job->fence);
		return;
	}
	if (broken)
		spin_lock(&s->other);
	(void)dma_fence_wait(&s->job->fence, false);
	if (broken)
		spin_unlock(&s->other);
}

SCENE(waits_in_read_section, 2, .expect = "atomic-sleep")
{
	if (t) {
		dma_fence_signal(&s->job->fence);
		return;
	}
	if (broken)
		rcu_read_lock();
	(void)dma_fence_wait(&s->job->fence, false);
	if (broken)
		rcu_read_unlock();
}

/* The thread that signals takes a lock with which the other one waits. */
static struct mutex big;

SCENE(waits_with_mutex, 2, .expect = "deadlock")
{
	if (t) {
		mutex_lock(&big);
		s->x = 1;
		mutex_unlock(&big);
		dma_fence_signal(&s->job->fence);
		return;
	}
	mutex_lock(&big);
	if (!broken)
		mutex_unlock(&big);
	(void)dma_fence_wait(&s->job->fence, false);
	if (broken)
		mutex_unlock(&big);
}

/* The first one who signals gets 0. */
SCENE(signals_once, 2, .expect = "assertion")
{
	int ret = dma_fence_signal(&s->job->fence);

	if (broken)
		BUG_ON(ret);
	else
		BUG_ON(ret && ret != -EINVAL);
	(void)t;
}

SCENE(signals_without_lock, 1, .expect = "lock-order")
{
	(void)t;
	if (!broken)
		spin_lock(&s->lock);
	dma_fence_signal_locked(&s->job->fence);
	if (!broken)
		spin_unlock(&s->lock);
}

/* An error is set before the fence is signaled. */
SCENE(error, 2, .expect = "assertion, race")
{
	int status;

	if (t) {
		if (broken)
			dma_fence_signal(&s->job->fence);
		dma_fence_set_error(&s->job->fence, -EIO);
		if (!broken)
			dma_fence_signal(&s->job->fence);
		return;
	}
	status = dma_fence_get_status(&s->job->fence);
	BUG_ON(status != 0 && status != -EIO && !broken);
}

/* An interrupt signals a fence whose lock its processor takes with interrupts off. */
static void interrupt(void *fence) { dma_fence_signal(fence); }

SCENE(signaled_by_interrupt, 2, .expect = "lock-order")
{
	unsigned long flags;

	if (t) {
		smp_call_function_single(0, interrupt, &s->job->fence, 1);
		return;
	}
	(void)dma_fence_add_callback(&s->job->fence, s->cb, called);
	if (broken)
		spin_lock(&s->lock);
	else
		spin_lock_irqsave(&s->lock, flags);
	s->x++;
	if (broken)
		spin_unlock(&s->lock);
	else
		spin_unlock_irqrestore(&s->lock, flags);
}

/* --- references ------------------------------------------------------------------------- */

/* Who waits has a reference. */
SCENE(waits_with_reference, 2, .expect = "lifetime")
{
	struct dma_fence *fence = &s->job->fence;

	if (t) {
		s->kept = true;
		dma_fence_signal(fence);
		dma_fence_put(fence);
		if (broken) {
			dma_fence_put(s->shared);
			s->shared = NULL;
		}
		return;
	}
	(void)dma_fence_wait(fence, false);
}

/* A pointer that others change is looked at in a read section, and what it led to may be gone. */
SCENE(gets_by_rcu, 2, .expect = "lifetime")
{
	struct dma_fence *fence;

	if (t) {
		fence = s->shared;
		rcu_assign_pointer(s->shared, NULL);
		dma_fence_signal(fence);
		dma_fence_put(fence);
		dma_fence_put(&s->job->fence);
		s->kept = true;
		return;
	}
	rcu_read_lock();
	fence = broken ? rcu_dereference(s->shared) : dma_fence_get_rcu_safe(&s->shared);
	rcu_read_unlock();
	if (!fence)
		return;
	(void)dma_fence_is_signaled(fence);
	if (!broken)
		dma_fence_put(fence);
}

/* The lock lies in what is freed once the fence is signaled, and was dropped by then. */
struct own { struct dma_fence fence; spinlock_t lock; int result; };

static struct own *own;

static void set_up_own(void *state, void *arg)
{
	setup(state, arg);
	own = kzalloc(sizeof(*own), GFP_KERNEL);
	dma_fence_init(&own->fence, &ops, &own->lock, 3, 1);
}

SCENE_OF(freed_when_signaled, set_up_own, 2, .expect = "lifetime")
{
	(void)s;
	if (t) {
		dma_fence_signal(&own->fence);
		if (broken)
			own->result = 1;
		return;
	}
	while (!dma_fence_is_signaled(&own->fence))
		cpu_relax();
	dma_fence_put(&own->fence);
}

SCENE(puts_once, 1, .expect = "assertion, lifetime")
{
	(void)t;
	dma_fence_signal(&s->job->fence);
	if (broken)
		dma_fence_put(&s->job->fence);
	if (broken)
		dma_fence_put(&s->job->fence);
}

/* --- callbacks ------------------------------------------------------------------------ */

/* Each callback is called once, under the fence's lock; or it was too late for it. */
SCENE(called_once, 2, .expect = "race")
{
	if (t) {
		dma_fence_signal(&s->job->fence);
		return;
	}
	if (dma_fence_add_callback(&s->job->fence, s->cb, called) == -ENOENT)
		return;
	if (!broken)
		(void)dma_fence_wait(&s->job->fence, false);
	BUG_ON(s->called > 1);
}

static void sleeps(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	called(fence, cb);
	mutex_lock(&big);
	mutex_unlock(&big);
}

SCENE(callback_sleeps, 2, .expect = "atomic-sleep")
{
	if (t)
		dma_fence_signal(&s->job->fence);
	else
		(void)dma_fence_add_callback(&s->job->fence, s->cb, broken ? sleeps : called);
}

static void signals_again(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	called(fence, cb);
	dma_fence_signal(fence);
}

static void signals_other(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	called(fence, cb);
	dma_fence_signal_locked(&global->second->fence);
}

/* The second fence has the same lock, which is held. */
SCENE(callback_signals, 2, .expect = "lock-order, deadlock")
{
	if (t)
		dma_fence_signal(&s->job->fence);
	else
		(void)dma_fence_add_callback(&s->job->fence, s->cb,
					     broken ? signals_again : signals_other);
}

/* What the callback is in is freed when it was removed, or has been called. */
SCENE(freed_when_removed, 2, .expect = "lifetime")
{
	struct dma_fence_cb *cb;

	if (t) {
		dma_fence_signal(&s->job->fence);
		return;
	}
	cb = kzalloc(sizeof(*cb), GFP_KERNEL);
	if (!dma_fence_add_callback(&s->job->fence, cb, called) && !broken)
		(void)dma_fence_remove_callback(&s->job->fence, cb);
	kfree(cb);
}

/* Removing waits for the lock, and so for the callback. */
SCENE(called_or_removed, 2, .expect = "race")
{
	if (t) {
		dma_fence_signal(&s->job->fence);
		return;
	}
	if (dma_fence_add_callback(&s->job->fence, s->cb, called))
		return;
	if (broken ? list_empty(&s->cb->node) : !dma_fence_remove_callback(&s->job->fence, s->cb))
		BUG_ON(s->called != 1);
	else
		BUG_ON(s->called);
}

/* Nobody would be called back any more. */
SCENE(dropped_with_callbacks, 1, .expect = "assertion")
{
	(void)t;
	BUG_ON(dma_fence_add_callback(&s->job->fence, s->cb, called));
	if (!broken)
		dma_fence_signal(&s->job->fence);
	dma_fence_put(s->shared);
	dma_fence_put(&s->job->fence);
	s->shared = NULL;
	s->kept = true;
}

/* --- reservations ------------------------------------------------------------------------ */

static void add(struct s *s, struct job *job, enum dma_resv_usage usage)
{
	BUG_ON(dma_resv_lock(&s->resv, NULL));
	BUG_ON(dma_resv_reserve_fences(&s->resv, 1));
	dma_resv_add_fence(&s->resv, &job->fence, usage);
	dma_resv_unlock(&s->resv);
}

static void set_up_added(void *state, void *arg)
{
	setup(state, arg);
	add(state, global->job, DMA_RESV_USAGE_WRITE);
}

/* Waits for who writes; what only reads is none of its business. */
SCENE_OF(waits_for_writers, set_up_added, 2, .expect = "race")
{
	if (t) {
		s->job->result = 7;
		dma_fence_signal(&s->job->fence);
		return;
	}
	add(s, s->second, DMA_RESV_USAGE_READ);
	BUG_ON(dma_resv_wait_timeout(&s->resv,
				     broken ? DMA_RESV_USAGE_KERNEL : DMA_RESV_USAGE_WRITE,
				     false, MAX_SCHEDULE_TIMEOUT) <= 0);
	BUG_ON(s->job->result > 7);
}

SCENE_OF(tests_writers, set_up_added, 2, .expect = "race")
{
	if (t) {
		s->job->result = 7;
		dma_fence_signal(&s->job->fence);
		return;
	}
	if (dma_resv_test_signaled(&s->resv, DMA_RESV_USAGE_READ) || broken)
		BUG_ON(s->job->result > 7);
}

SCENE(adds_with_room, 1, .expect = "assertion")
{
	(void)t;
	BUG_ON(dma_resv_lock(&s->resv, NULL));
	BUG_ON(dma_resv_reserve_fences(&s->resv, 1));
	if (broken) { /* what was reserved is gone */
		dma_resv_unlock(&s->resv);
		BUG_ON(dma_resv_lock(&s->resv, NULL));
	}
	dma_resv_add_fence(&s->resv, &s->job->fence, DMA_RESV_USAGE_READ);
	dma_resv_unlock(&s->resv);
}

SCENE(adds_with_lock, 2, .expect = "lock-order, race, leak")
{
	if (!broken)
		BUG_ON(dma_resv_lock(&s->resv, NULL));
	BUG_ON(dma_resv_reserve_fences(&s->resv, 1));
	dma_resv_add_fence(&s->resv, t ? &s->job->fence : &s->second->fence, DMA_RESV_USAGE_READ);
	if (!broken)
		dma_resv_unlock(&s->resv);
}

/* Who looks without the lock meets a list that was replaced, and fences that are gone. */
SCENE_OF(looks_without_lock, set_up_added, 2, .expect = "lifetime")
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	if (t) {
		dma_fence_signal(&s->job->fence);
		add(s, s->second, DMA_RESV_USAGE_WRITE);
		s->kept = true;
		dma_fence_put(s->shared);
		dma_fence_put(&s->job->fence);
		s->shared = NULL;
		return;
	}
	dma_resv_iter_begin(&cursor, &s->resv, DMA_RESV_USAGE_READ);
	fence = dma_resv_iter_first_unlocked(&cursor);
	if (broken)
		dma_resv_iter_end(&cursor);
	BUG_ON(fence && fence->context > 2);
	if (!broken)
		dma_resv_iter_end(&cursor);
}

/* A later fence of the timeline takes the place of the one before. */
SCENE_OF(replaces_earlier, set_up_added, 1, .expect = "assertion")
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	unsigned count = 0;
	struct job *later = new_job(s, broken ? 3 : 1, 2);

	(void)t;
	add(s, later, DMA_RESV_USAGE_WRITE);
	dma_fence_put(&later->fence);
	BUG_ON(dma_resv_lock(&s->resv, NULL));
	dma_resv_for_each_fence(&cursor, &s->resv, DMA_RESV_USAGE_READ, fence)
		count++;
	dma_resv_unlock(&s->resv);
	BUG_ON(count != 1);
}

SCENE(two_in_one_order, 2, .expect = "deadlock")
{
	struct dma_resv *first = broken && t ? &s->resv2 : &s->resv;
	struct dma_resv *second = first == &s->resv ? &s->resv2 : &s->resv;

	BUG_ON(dma_resv_lock(first, NULL));
	BUG_ON(dma_resv_lock(second, NULL));
	dma_resv_unlock(second);
	dma_resv_unlock(first);
}

/* The job needs the reservation before it is done. */
SCENE_OF(waits_with_lock, set_up_added, 2, .expect = "deadlock")
{
	if (t) {
		add(s, s->second, DMA_RESV_USAGE_BOOKKEEP);
		dma_fence_signal(&s->job->fence);
		return;
	}
	if (broken)
		BUG_ON(dma_resv_lock(&s->resv, NULL));
	(void)dma_resv_wait_timeout(&s->resv, DMA_RESV_USAGE_READ, false, MAX_SCHEDULE_TIMEOUT);
	if (broken)
		dma_resv_unlock(&s->resv);
}
