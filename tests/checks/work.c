/* SPDX-License-Identifier: MIT */
/* work.c - work queues and timers, and threads that wait without end: right checks, and broken
 * twins. */
#include "scene.h"

struct object { struct work_struct work; struct s *s; };

struct s {
	struct work_struct work, other;
	struct delayed_work delayed;
	struct timer_list timer;
	struct workqueue_struct *wq;
	struct object *object;
	spinlock_t lock;
	struct mutex mutex;
	wait_queue_head_t queue;
	int runs, inside, stop, rounds, at[2];
};

static void run_once(struct work_struct *work) { container_of(work, struct s, work)->runs++; }
static void run_other(struct work_struct *work) { container_of(work, struct s, other)->runs++; }
static void run_delayed(struct work_struct *work)
{
	container_of(to_delayed_work(work), struct s, delayed)->runs++;
}
static void run_timer(struct timer_list *timer)
{
	struct s *s = from_timer(s, timer, timer);

	spin_lock(&s->lock);
	s->runs++;
	spin_unlock(&s->lock);
}
static void run_object(struct work_struct *work)
{
	struct object *o = container_of(work, struct object, work);

	WRITE_ONCE(o->s->runs, 1);
	kfree(o);
}

static void setup(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	INIT_WORK(&s->work, run_once);
	INIT_WORK(&s->other, run_other);
	INIT_DELAYED_WORK(&s->delayed, run_delayed);
	timer_setup(&s->timer, run_timer, 0);
	s->wq = alloc_ordered_workqueue("ordered", 0);
	s->object = kzalloc(sizeof(*s->object), GFP_KERNEL);
	s->object->s = s;
	INIT_WORK(&s->object->work, run_object);
}

static void finish(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	destroy_workqueue(s->wq);
}

static void finish_all(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	destroy_workqueue(s->wq);
	kfree(s->object);
}

#define CHECK(name, n, ...) CHECK_OF(name, n, .finish = finish_all, ##__VA_ARGS__)

/* --- flushing and cancelling --------------------------------------------- */

CHECK(flushed, 1)
{
	(void)t;
	schedule_work(&s->work);
	flush_work(&s->work);
	BUG_ON(s->runs != 1);
}

CHECK(not_flushed, 1, .expect = "race")
{
	(void)t;
	schedule_work(&s->work);
	BUG_ON(s->runs > 1);
}

/* Queued twice, it runs once or twice. */
CHECK(queued_twice, 1)
{
	bool again;

	(void)t;
	schedule_work(&s->work);
	again = schedule_work(&s->work);
	flush_work(&s->work);
	BUG_ON(s->runs != 1 + again);
}

CHECK(never_again, 1, .expect = "assertion")
{
	(void)t;
	schedule_work(&s->work);
	BUG_ON(schedule_work(&s->work));
}

/* Two runs of an item never overlap. */
static void run_alone(struct work_struct *work)
{
	struct s *s = container_of(work, struct s, work);

	BUG_ON(s->inside++);
	READ_ONCE(s->stop);
	s->inside--;
}

CHECK(alone, 2)
{
	if (t == 0)
		INIT_WORK(&s->work, run_alone);
	queue_work(t ? s->wq : system_wq, t ? &s->other : &s->work);
	if (t == 0)
		schedule_work(&s->work);
}

/* Two items do. */
static void run_beside(struct work_struct *work)
{
	struct s *s = container_of(work, struct s, other);

	BUG_ON(s->inside++);
	READ_ONCE(s->stop);
	s->inside--;
}

CHECK(beside, 1, .expect = "race")
{
	(void)t;
	INIT_WORK(&s->work, run_alone);
	INIT_WORK(&s->other, run_beside);
	schedule_work(&s->work);
	schedule_work(&s->other);
}

/* On an ordered queue they do not, and come in order. */
static void run_first(struct work_struct *work)
{
	struct s *s = container_of(work, struct s, work);

	s->at[0] = ++s->runs;
}

static void run_second(struct work_struct *work)
{
	struct s *s = container_of(work, struct s, other);

	s->at[1] = ++s->runs;
	BUG_ON(s->at[0] != 1 || s->at[1] != 2);
}

CHECK(ordered, 1)
{
	(void)t;
	INIT_WORK(&s->work, run_first);
	INIT_WORK(&s->other, run_second);
	queue_work(s->wq, &s->work);
	queue_work(s->wq, &s->other);
}

CHECK(cancelled, 1)
{
	bool was;

	(void)t;
	schedule_work(&s->work);
	was = cancel_work_sync(&s->work);
	BUG_ON(s->runs != !was);
}

/* cancel_work() does not wait for what has begun. */
CHECK(cancelled_without_sync, 1, .expect = "race")
{
	(void)t;
	schedule_work(&s->work);
	cancel_work(&s->work);
	BUG_ON(s->runs > 1);
}

/* The lock that the item takes is held by who waits for it. */
static void run_locked(struct work_struct *work)
{
	struct s *s = container_of(work, struct s, work);

	mutex_lock(&s->mutex);
	s->runs++;
	mutex_unlock(&s->mutex);
}

CHECK(cancelled_under_lock, 1, .expect = "deadlock")
{
	(void)t;
	INIT_WORK(&s->work, run_locked);
	schedule_work(&s->work);
	mutex_lock(&s->mutex);
	cancel_work_sync(&s->work);
	mutex_unlock(&s->mutex);
}

CHECK(cancelled_before_lock, 1)
{
	(void)t;
	INIT_WORK(&s->work, run_locked);
	schedule_work(&s->work);
	cancel_work_sync(&s->work);
	mutex_lock(&s->mutex);
	mutex_unlock(&s->mutex);
}

CHECK(cancelled_atomic, 1, .expect = "atomic-sleep")
{
	(void)t;
	schedule_work(&s->work);
	spin_lock(&s->lock);
	cancel_work_sync(&s->work);
	spin_unlock(&s->lock);
}

/* An item that queues itself is over when it was cancelled. */
static void run_again(struct work_struct *work)
{
	struct s *s = container_of(work, struct s, work);

	if (++s->runs < 3)
		schedule_work(work);
}

CHECK(cancelled_while_it_repeats, 1)
{
	int runs;

	(void)t;
	INIT_WORK(&s->work, run_again);
	schedule_work(&s->work);
	cancel_work_sync(&s->work);
	runs = s->runs;
	READ_ONCE(s->stop);
	BUG_ON(s->runs != runs);
}

CHECK(drained, 1)
{
	(void)t;
	INIT_WORK(&s->work, run_again);
	queue_work(system_wq, &s->work);
	drain_workqueue(system_wq);
	BUG_ON(s->runs != 3);
}

CHECK(only_flushed, 1, .expect = "race")
{
	(void)t;
	INIT_WORK(&s->work, run_again);
	queue_work(system_wq, &s->work);
	flush_workqueue(system_wq);
	BUG_ON(s->runs < 1);
}

/* --- what an item is in -------------------------------------------------- */

/* It may free itself. */
CHECK_OF(frees_itself, 1, .finish = finish)
{
	(void)t;
	schedule_work(&s->object->work);
}

/* What was cancelled may be freed, though its thread has not ended. */
static void run_kept(struct work_struct *work)
{
	WRITE_ONCE(container_of(work, struct object, work)->s->runs, 1);
}

CHECK(freed_if_cancelled, 1)
{
	struct object *o = s->object;

	(void)t;
	INIT_WORK(&o->work, run_kept);
	schedule_work(&o->work);
	if (cancel_work(&o->work)) {
		s->object = NULL;
		kfree(o);
	}
}

CHECK_OF(freed_while_pending, 1, .finish = finish, .expect = "lifetime")
{
	(void)t;
	schedule_work(&s->object->work);
	kfree(s->object);
}

/* --- delayed work and timers --------------------------------------------- */

CHECK(delayed, 1)
{
	(void)t;
	schedule_delayed_work(&s->delayed, 5);
	mod_delayed_work(system_wq, &s->delayed, 1);
	cancel_delayed_work_sync(&s->delayed);
	BUG_ON(s->runs > 2);
}

CHECK(delayed_without_sync, 1, .expect = "race")
{
	(void)t;
	schedule_delayed_work(&s->delayed, 5);
	cancel_delayed_work(&s->delayed);
	BUG_ON(s->runs > 2);
}

CHECK(timer, 2)
{
	if (t == 0) {
		mod_timer(&s->timer, jiffies + HZ);
		timer_delete_sync(&s->timer);
	}
	spin_lock(&s->lock);
	s->runs++;
	spin_unlock(&s->lock);
}

CHECK(timer_under_its_lock, 1, .expect = "deadlock")
{
	(void)t;
	mod_timer(&s->timer, jiffies + HZ);
	spin_lock(&s->lock);
	timer_delete_sync(&s->timer);
	spin_unlock(&s->lock);
}

CHECK(timer_shut_down, 1)
{
	(void)t;
	mod_timer(&s->timer, jiffies);
	timer_shutdown_sync(&s->timer);
	s->runs = 0;
	mod_timer(&s->timer, jiffies);
	BUG_ON(s->runs);
}

/* --- workers ------------------------------------------------------------- */

/* It waits without end when there is nothing to do, and that is no deadlock. */
CHECK(worker, 2)
{
	if (t == 1) {
		WRITE_ONCE(s->rounds, 1);
		wake_up(&s->queue);
		return;
	}
	explore_may_wait_forever();
	for (int n = 0; ; n++) {
		wait_event(s->queue, READ_ONCE(s->rounds) > n);
		s->at[0]++;
	}
}

/* With a thread that spins the end has come only if it would spin on. */
static void finish_stopped(void *state, void *arg)
{
	BUG_ON(!((struct s *)state)->stop);
	finish_all(state, arg);
}

CHECK_OF(spinning_worker, 2, .finish = finish_stopped)
{
	if (t == 0) {
		WRITE_ONCE(s->rounds, 1);
		return;
	}
	explore_may_wait_forever();
	while (!READ_ONCE(s->rounds))
		cpu_relax();
	s->stop = 1;
}

CHECK(worker_is_no_excuse, 2, .expect = "deadlock")
{
	if (t == 0)
		explore_may_wait_forever();
	wait_event(s->queue, READ_ONCE(s->rounds));
}
