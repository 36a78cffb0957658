/* SPDX-License-Identifier: MIT */
/* wait.c - waiting with signals and time-outs, what is tried, and arrays by index: right checks,
 * and broken twins. */
#include "scene.h"

struct s {
	wait_queue_head_t queue;
	struct completion done;
	spinlock_t lock;
	struct xarray xa;
	int ready, value, a, b;
	bool freed;
	int *buffer;
};

static void setup(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	s->buffer = kzalloc(sizeof(*s->buffer), GFP_KERNEL);
}

static void finish(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	if (!s->freed)
		kfree(s->buffer);
}

#define CHECK(name, n, ...) CHECK_OF(name, n, .finish = finish, ##__VA_ARGS__)

static void make_ready(struct s *s)
{
	s->value = 7;
	WRITE_ONCE(s->ready, 1);
	wake_up(&s->queue);
}

/* --- signals ---------------------------------------------------------------------- */

CHECK(signal_is_heeded, 2)
{
	if (t)
		make_ready(s);
	else if (wait_event_interruptible(s->queue, READ_ONCE(s->ready)) == 0)
		BUG_ON(s->value != 7);
}

CHECK(signal_is_ignored, 2, .expect = "race")
{
	if (t) {
		make_ready(s);
		return;
	}
	(void)wait_event_interruptible(s->queue, READ_ONCE(s->ready));
	BUG_ON(s->value > 7);
}

/* A signal is no promise: who is not woken may wait forever. */
CHECK(not_woken, 1, .expect = "deadlock")
{
	(void)t;
	(void)wait_event_killable(s->queue, READ_ONCE(s->ready));
}

/* --- time ------------------------------------------------------------------------- */

CHECK(time_is_over, 1)
{
	(void)t;
	BUG_ON(wait_event_timeout(s->queue, READ_ONCE(s->ready), 10) != 0);
}

CHECK(in_time_or_not, 2)
{
	if (t)
		make_ready(s);
	else if (wait_event_timeout(s->queue, READ_ONCE(s->ready), 10))
		BUG_ON(s->value != 7);
}

/* What the other thread still uses is freed when the time is over. */
CHECK(freed_after_time, 2, .expect = "lifetime")
{
	int *buffer = s->buffer;

	if (t) {
		WRITE_ONCE(*buffer, 1);
		complete(&s->done);
		return;
	}
	wait_for_completion_timeout(&s->done, 10);
	s->freed = true;
	kfree(buffer);
}

CHECK(freed_when_done, 2)
{
	int *buffer = s->buffer;

	if (t) {
		WRITE_ONCE(*buffer, 1);
		complete(&s->done);
		return;
	}
	if (wait_for_completion_timeout(&s->done, 10)) {
		s->freed = true;
		kfree(buffer);
	}
}

CHECK(never_late, 2, .expect = "assertion")
{
	if (t)
		complete(&s->done);
	else
		BUG_ON(!wait_for_completion_timeout(&s->done, 10));
}

/* The others' deadlock is found while somebody's time runs. */
CHECK(time_hides_nothing, 2, .expect = "deadlock")
{
	if (t)
		wait_for_completion(&s->done);
	else
		wait_event_timeout(s->queue, READ_ONCE(s->ready), 10);
}

/* --- completions that are tried ------------------------------------------------------ */

CHECK(tried, 2)
{
	if (t) {
		s->value = 7;
		complete(&s->done);
	} else if (try_wait_for_completion(&s->done)) {
		BUG_ON(s->value != 7 || completion_done(&s->done));
	}
}

CHECK(tried_in_vain, 2, .expect = "race")
{
	if (t) {
		s->value = 7;
		complete(&s->done);
	} else {
		(void)try_wait_for_completion(&s->done);
		BUG_ON(s->value > 7);
	}
}

CHECK(interrupted, 2, .expect = "race")
{
	if (t) {
		s->value = 7;
		complete(&s->done);
	} else {
		(void)wait_for_completion_interruptible(&s->done);
		BUG_ON(s->value > 7);
	}
}

/* --- giving way --------------------------------------------------------------------- */

CHECK(lock_kept, 2)
{
	spin_lock(&s->lock);
	if (t) {
		s->a++;
		s->b++;
	} else {
		int a = s->a;

		if (!cond_resched_lock(&s->lock))
			BUG_ON(s->b != a);
	}
	spin_unlock(&s->lock);
}

CHECK(lock_given_way, 2, .expect = "assertion")
{
	spin_lock(&s->lock);
	if (t) {
		s->a++;
		s->b++;
	} else {
		int a = s->a;

		cond_resched_lock(&s->lock);
		BUG_ON(s->b != a);
	}
	spin_unlock(&s->lock);
}

/* --- arrays by index ---------------------------------------------------------------- */

/* One of two wins. */
CHECK(one_inserts, 2)
{
	if (xa_insert(&s->xa, 3, &s->a + t, GFP_KERNEL) == 0)
		BUG_ON(xa_load(&s->xa, 3) != &s->a + t);
}

CHECK(both_store, 2, .expect = "assertion")
{
	if (!xa_load(&s->xa, 3)) {
		xa_store(&s->xa, 3, &s->a + t, GFP_KERNEL);
		BUG_ON(xa_load(&s->xa, 3) != &s->a + t);
	}
}

CHECK(all_are_visited, 1)
{
	unsigned long index, sum = 0;
	int *entry;

	(void)t;
	xa_store(&s->xa, 2, &s->a, GFP_KERNEL);
	xa_store(&s->xa, 9, &s->b, GFP_KERNEL);
	xa_for_each(&s->xa, index, entry)
		sum += index + (entry == &s->b);
	BUG_ON(sum != 12);
	BUG_ON(xa_cmpxchg(&s->xa, 2, &s->a, NULL, GFP_KERNEL) != &s->a);
	BUG_ON(xa_cmpxchg(&s->xa, 2, &s->a, &s->b, GFP_KERNEL) != NULL);
	BUG_ON(xa_load(&s->xa, 2));
}

CHECK(without_xa_lock, 1, .expect = "lock-order")
{
	(void)t;
	__xa_cmpxchg(&s->xa, 2, NULL, &s->a, GFP_ATOMIC);
}
