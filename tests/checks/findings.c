/* SPDX-License-Identifier: MIT */
/* findings.c - one mistake is one finding: tests/findings.py has what is to be found in each. */
#include "scene.h"

struct object { int a[8]; };

struct s {
	spinlock_t spin;
	struct mutex mutex;
	struct rw_semaphore sem;
	int x, *p;
	struct object *object;
};

static void setup(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	s->p = &s->x;
	s->object = kzalloc(sizeof(*s->object), GFP_KERNEL);
}

CHECK_OF(spin_twice, 2)
{
	(void)t;
	spin_lock(&s->spin);
	spin_lock(&s->spin);
	spin_unlock(&s->spin);
	spin_unlock(&s->spin);
}

CHECK_OF(mutex_twice, 2)
{
	(void)t;
	mutex_lock(&s->mutex);
	mutex_lock(&s->mutex);
	mutex_unlock(&s->mutex);
	mutex_unlock(&s->mutex);
}

CHECK_OF(write_twice, 2)
{
	(void)t;
	down_write(&s->sem);
	down_write(&s->sem);
	up_write(&s->sem);
	up_write(&s->sem);
}

CHECK_OF(never_unlocks, 2)
{
	mutex_lock(&s->mutex);
	if (t)
		mutex_unlock(&s->mutex);
}

CHECK_OF(never_leaves, 2)
{
	if (t)
		synchronize_rcu();
	else
		rcu_read_lock();
}

CHECK_OF(sleeps, 2)
{
	(void)t;
	spin_lock(&s->spin);
	mutex_lock(&s->mutex);
	mutex_unlock(&s->mutex);
	spin_unlock(&s->spin);
}

/* In six lines. */
CHECK_OF(uses_freed, 2)
{
	struct object *o = s->object;

	if (t) {
		kfree(o);
		return;
	}
	o->a[0] = 1;
	o->a[1] = o->a[0];
	WRITE_ONCE(o->a[2], 1);
	o->a[3] = 1;
	(void)READ_ONCE(o->a[4]);
	o->a[5] = 1;
}

CHECK_OF(frees_twice, 2)
{
	(void)t;
	kfree(s->object);
}

CHECK_OF(frees_twice_in_two_lines, 2)
{
	if (t)
		kfree(s->object);
	else
		kfree(s->object);
}

/* Which pointer is read depends on the order, though it is no operation. */
CHECK_OF(follows_null, 2)
{
	spin_lock(&s->spin);
	if (t)
		s->p = NULL;
	spin_unlock(&s->spin);
	if (!t && READ_ONCE(s->p)) {
		spin_lock(&s->spin);
		WRITE_ONCE(*s->p, 1);
		spin_unlock(&s->spin);
	}
}

CHECK_OF(frees_what_is_read, 2)
{
	struct object *old;

	if (t) {
		spin_lock(&s->spin);
		old = s->object;
		s->object = NULL;
		kfree(old);
		spin_unlock(&s->spin);
		return;
	}
	mutex_lock(&s->mutex);
	if (s->object)
		WRITE_ONCE(s->object->a[0], READ_ONCE(s->object->a[1]) + 1);
	mutex_unlock(&s->mutex);
}
