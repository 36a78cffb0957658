/* SPDX-License-Identifier: MIT */
/* lock_memory.c - a lock's life: whoever takes it or lets it go needs its memory, and nobody may
 * make it anew or copy it meanwhile. */
#include "scene.h"

#include <string.h>

struct object {
	spinlock_t spin;
	struct mutex mutex;
	struct rw_semaphore sem;
	rwlock_t rw;
	struct srcu_struct srcu;
	struct completion done;
	int users;
};

struct s {
	struct object *heap, object, copy;
	int flag;
};

static void setup(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	s->heap = kzalloc(sizeof(*s->heap), GFP_KERNEL);
	s->heap->users = 2;
}

static void finish(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	kfree(s->heap);
}

#define SCENE(name, ...) SCENE_OF(name, setup, 2, __VA_ARGS__)

static void free_heap(struct s *s)
{
	struct object *o = s->heap;

	s->heap = NULL;
	kfree(o);
}

/*
 * One thread says after the lock, or the broken one under it already, that the other one may free
 * the object: letting go is no step, and needs the lock's memory all the same.
 */
#define FREED(name, lock, unlock) \
	SCENE(name##_freed, .expect = "lifetime") \
	{ \
		struct object *o = s->heap; \
		\
		if (t == 0) { \
			lock; \
			if (broken) \
				WRITE_ONCE(s->flag, 1); \
			unlock; \
			WRITE_ONCE(s->flag, 1); \
		} else if (READ_ONCE(s->flag)) { \
			free_heap(s); \
		} \
	}

FREED(spin, spin_lock(&o->spin), spin_unlock(&o->spin))
FREED(mutex, mutex_lock(&o->mutex), mutex_unlock(&o->mutex))
FREED(sem_read, down_read(&o->sem), up_read(&o->sem))
FREED(sem_write, down_write(&o->sem), up_write(&o->sem))
FREED(rw_read, read_lock(&o->rw), read_unlock(&o->rw))
FREED(rw_write, write_lock(&o->rw), write_unlock(&o->rw))
FREED(srcu, int index = srcu_read_lock(&o->srcu), srcu_read_unlock(&o->srcu, index))

/* In the broken one it is freed by the thread that has it locked. */
#define FREED_BY_HOLDER(name, lock, unlock) \
	SCENE_OF(name##_freed_by_holder, setup, 1, .expect = "lifetime") \
	{ \
		struct object *o = s->heap; \
		\
		(void)t; \
		lock; \
		if (broken) \
			free_heap(s); \
		unlock; \
	}

FREED_BY_HOLDER(spin, spin_lock(&o->spin), spin_unlock(&o->spin))
FREED_BY_HOLDER(mutex, mutex_lock(&o->mutex), mutex_unlock(&o->mutex))
FREED_BY_HOLDER(sem, down_read(&o->sem), up_read(&o->sem))

/* The last user frees the object when it has dropped a lock in it. The one before has let go a spin
 * lock, but may still be at work in mutex_unlock(). */
SCENE(last_user_frees, .expect = "lifetime")
{
	struct object *o = s->heap;
	bool last;

	(void)t;
	if (broken)
		mutex_lock(&o->mutex);
	else
		spin_lock(&o->spin);
	last = --o->users == 0;
	if (broken)
		mutex_unlock(&o->mutex);
	else
		spin_unlock(&o->spin);
	if (last)
		free_heap(s);
}

/* The broken one is the same with a rwsem. Whoever has waited for a completion may free it. */
SCENE(waiter_frees, .expect = "lifetime")
{
	struct object *o = s->heap;

	if (t == 0) {
		if (broken)
			down_read(&o->sem);
		o->users = 0;
		if (broken)
			up_read(&o->sem);
		else
			complete(&o->done);
		return;
	}
	if (broken)
		down_write(&o->sem);
	else
		wait_for_completion(&o->done);
	if (o->users)
		return up_write(&o->sem);
	if (broken)
		up_write(&o->sem);
	free_heap(s);
}

/* Making a lock anew, while another thread takes it. */
#define MADE_ANEW(name, init, lock, unlock) \
	SCENE(name##_made_anew, .expect = "race") \
	{ \
		struct object *o = &s->object; \
		\
		if (t == 0) { \
			lock; \
			unlock; \
			WRITE_ONCE(s->flag, 1); \
		} else if (broken || READ_ONCE(s->flag)) { \
			init; \
			lock; \
			unlock; \
		} \
	}

MADE_ANEW(spin, spin_lock_init(&o->spin), spin_lock(&o->spin), spin_unlock(&o->spin))
MADE_ANEW(mutex, mutex_init(&o->mutex), mutex_lock(&o->mutex), mutex_unlock(&o->mutex))
MADE_ANEW(sem, init_rwsem(&o->sem), down_read(&o->sem), up_read(&o->sem))
MADE_ANEW(rw, rwlock_init(&o->rw), write_lock(&o->rw), write_unlock(&o->rw))
MADE_ANEW(srcu, init_srcu_struct(&o->srcu), int i = srcu_read_lock(&o->srcu),
	  srcu_read_unlock(&o->srcu, i))
MADE_ANEW(cleared, memset(o, 0, sizeof(*o)), spin_lock(&o->spin), spin_unlock(&o->spin))

/* Copying an object copies its locks: nobody may use them then, not even for reading. */
SCENE(copied, .expect = "race")
{
	if (t == 0) {
		read_lock(&s->object.rw);
		read_unlock(&s->object.rw);
		WRITE_ONCE(s->flag, 1);
	} else if (broken || READ_ONCE(s->flag)) {
		s->copy = s->object;
	}
}

/* A srcu_struct may be taken down once its readers have left. */
SCENE(srcu_taken_down, .expect = "race")
{
	struct srcu_struct *srcu = &s->object.srcu;
	int index;

	if (t == 0) {
		index = srcu_read_lock(srcu);
		srcu_read_unlock(srcu, index);
		WRITE_ONCE(s->flag, 1);
	} else if (broken || READ_ONCE(s->flag)) {
		cleanup_srcu_struct(srcu);
	}
}

/* Readers of an rwlock nest, and a writer comes only when the outermost has left. */
SCENE(read_nests, .expect = "lock-order")
{
	rwlock_t *rw = &s->object.rw;

	if (t) {
		write_lock(rw);
		s->object.users++;
		write_unlock(rw);
		return;
	}
	read_lock(rw);
	read_lock(rw);
	(void)*(volatile int *)&s->flag;
	read_unlock(rw);
	EXPLORE_ASSERT(s->object.users < 2);
	read_unlock(rw);
	if (broken)
		read_unlock(rw);
}

/* As many locks as lockdep can keep. */
SCENE_OF(many_locks, setup, 1, .expect = "lock-order")
{
	static spinlock_t lock[49];

	(void)t;
	for (int n = 0; n < 48 + broken; n++)
		spin_lock(&lock[n]);
	for (int n = 0; n < 48 + broken; n++)
		spin_unlock(&lock[n]);
}

/* A grace period waits for what runs with preemption disabled; the broken one looks too late. */
SCENE(preemption_disabled, .expect = "lifetime")
{
	struct object *o;

	if (t) {
		o = READ_ONCE(s->heap);
		WRITE_ONCE(s->heap, NULL);
		synchronize_rcu();
		kfree(o);
		return;
	}
	preempt_disable();
	preempt_disable();
	o = READ_ONCE(s->heap);
	preempt_enable();
	if (o && !broken)
		(void)READ_ONCE(o->users);
	preempt_enable();
	if (o && broken)
		(void)READ_ONCE(o->users);
}

SCENE(no_preemption, .expect = "atomic-sleep")
{
	(void)t;
	preempt_disable();
	if (broken)
		might_sleep();
	preempt_enable();
	might_sleep();
}
