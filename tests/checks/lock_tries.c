/* SPDX-License-Identifier: MIT */
/* lock_tries.c - locks that are tried, asked about, or downgraded: there others see when a lock is
 * let go, so that each unlock is an operation of its own. */
#include "scene.h"

struct s {
	spinlock_t spin;
	struct mutex mutex;
	struct rw_semaphore sem;
	rwlock_t rw;
	unsigned long flags;
	int x, y, inside;
};

static void setup(void *state, void *arg) { (void)state; (void)arg; }
static void finish(void *state, void *arg) { (void)state; (void)arg; }

#define SCENE(name, ...) SCENE_OF(name, setup, 2, __VA_ARGS__)

/* Whoever gets the lock is alone; the broken one goes on without it. */
#define ALONE(name, try, unlock) \
	SCENE(name##_alone, .expect = "assertion") \
	{ \
		bool has = try; \
		\
		(void)t; \
		if (!has && !broken) \
			return; \
		EXPLORE_ASSERT(READ_ONCE(s->inside) == 0); \
		WRITE_ONCE(s->inside, 1); \
		WRITE_ONCE(s->inside, 0); \
		if (has) { \
			unlock; \
		} \
	}

ALONE(spin, spin_trylock(&s->spin), spin_unlock(&s->spin))
ALONE(raw_spin, raw_spin_trylock(&s->spin), raw_spin_unlock(&s->spin))
ALONE(write, write_trylock(&s->rw), write_unlock(&s->rw))
ALONE(down_write, down_write_trylock(&s->sem), up_write(&s->sem))
ALONE(read, t ? read_trylock(&s->rw) : write_trylock(&s->rw),
      t ? read_unlock(&s->rw) : write_unlock(&s->rw))
ALONE(down_read, t ? down_read_trylock(&s->sem) : down_write_trylock(&s->sem),
      t ? up_read(&s->sem) : up_write(&s->sem))

/*
 * A trylock can fail: the broken one believes that it cannot, since the other thread's section is
 * one plain store. The moment of the unlock is what it misses.
 */
SCENE(fails, .expect = "assertion")
{
	unsigned long flags;
	bool has;

	if (t == 0) {
		spin_lock(&s->spin);
		s->x = 1;
		spin_unlock(&s->spin);
		return;
	}
	has = spin_trylock_irqsave(&s->spin, flags);
	if (broken)
		EXPLORE_ASSERT(has);
	if (has)
		spin_unlock_irqrestore(&s->spin, flags);
}

/* Between two sections of one thread the lock is free, and can be had. */
SCENE(is_free_between, .expect = "assertion")
{
	if (t == 0) {
		spin_lock(&s->spin);
		WRITE_ONCE(s->x, 1);
		spin_unlock(&s->spin);
		spin_lock(&s->spin);
		WRITE_ONCE(s->x, 2);
		spin_unlock(&s->spin);
	} else if (spin_trylock(&s->spin)) {
		if (broken)
			EXPLORE_ASSERT(READ_ONCE(s->x) != 1);
		spin_unlock(&s->spin);
	}
}

/* What is let go is not locked; the broken one says so before it lets go. */
SCENE(is_locked, .expect = "assertion")
{
	if (t == 0) {
		down_write(&s->sem);
		mutex_lock(&s->mutex);
		spin_lock(&s->spin);
		if (broken)
			WRITE_ONCE(s->x, 1);
		spin_unlock(&s->spin);
		mutex_unlock(&s->mutex);
		up_write(&s->sem);
		WRITE_ONCE(s->x, 1);
	} else if (READ_ONCE(s->x)) {
		EXPLORE_ASSERT(!spin_is_locked(&s->spin));
		EXPLORE_ASSERT(!mutex_is_locked(&s->mutex));
		EXPLORE_ASSERT(!rwsem_is_locked(&s->sem));
	}
}

/* After a downgrade other readers come in, and no writer; the broken one writes all the same. */
SCENE(downgrade, .expect = "race")
{
	if (t == 0) {
		down_write(&s->sem);
		s->x = 1;
		downgrade_write(&s->sem);
		if (broken)
			s->x = 2;
		up_read(&s->sem);
	} else {
		down_read(&s->sem);
		s->y = s->x;
		up_read(&s->sem);
	}
}

/* The downgraded lock is let go as a reader's. */
SCENE(downgrade_lets_in, .expect = "liveness")
{
	if (t == 0) {
		down_write(&s->sem);
		WRITE_ONCE(s->x, 1);
		if (!broken)
			downgrade_write(&s->sem);
		while (!READ_ONCE(s->y))
			cpu_relax();
		if (broken)
			up_write(&s->sem);
		else
			up_read(&s->sem);
	} else {
		down_read(&s->sem);
		WRITE_ONCE(s->y, 1);
		up_read(&s->sem);
	}
}

/* Only a writer can downgrade. */
SCENE_OF(downgrade_of_writers, setup, 1, .expect = "lock-order")
{
	(void)t;
	if (broken)
		down_read(&s->sem);
	else
		down_write(&s->sem);
	downgrade_write(&s->sem);
	up_read(&s->sem);
}

/* Two locks in either order, one of them tried: nobody waits for both. The broken one waits. */
SCENE(other_order, .expect = "deadlock")
{
	if (t == 0) {
		write_lock(&s->rw);
		spin_lock(&s->spin);
		spin_unlock(&s->spin);
		write_unlock(&s->rw);
		return;
	}
	spin_lock(&s->spin);
	if (broken)
		write_lock(&s->rw);
	if (broken || write_trylock(&s->rw))
		write_unlock(&s->rw);
	spin_unlock(&s->spin);
}

/* A loop that tries comes by once the holder lets go; the broken holder waits for it. */
SCENE(tries_again, .expect = "liveness")
{
	if (t == 0) {
		spin_lock(&s->spin);
		while (broken && !READ_ONCE(s->x))
			cpu_relax();
		spin_unlock(&s->spin);
		return;
	}
	while (!spin_trylock(&s->spin))
		cpu_relax();
	WRITE_ONCE(s->x, 1);
	spin_unlock(&s->spin);
}

SCENE(tries_again_to_read, .expect = "liveness")
{
	if (t == 0) {
		down_write(&s->sem);
		while (broken && !READ_ONCE(s->x))
			cpu_relax();
		up_write(&s->sem);
		return;
	}
	while (!down_read_trylock(&s->sem))
		cpu_relax();
	WRITE_ONCE(s->x, 1);
	up_read(&s->sem);
}

/* A lock that was tried is held like any other: the broken one sleeps under it. */
SCENE(no_sleep, .expect = "atomic-sleep")
{
	(void)t;
	if (!spin_trylock(&s->spin))
		return;
	if (!broken)
		spin_unlock(&s->spin);
	might_sleep();
	if (broken)
		spin_unlock(&s->spin);
}
