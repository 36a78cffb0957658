/* SPDX-License-Identifier: MIT */
/* queue.c - readers of a rwsem that wait behind a writer that waits. Each pair has three threads:
 * one has the lock for reading and waits for the last one; one wants to write; the last one wants
 * to read. */
#include "scene.h"

#include <mmun/kernel_mm.h>

struct s {
	struct rw_semaphore sem, other;
	rwlock_t rw;
	spinlock_t spin;
	struct mutex mutex;
	struct completion done;
	struct srcu_struct srcu;
	struct work_struct work;
	wait_queue_head_t queue;
	struct mm_world world;
	int set, x;
	bool broken;
};

static void run(struct work_struct *work)
{
	struct s *s = container_of(work, struct s, work);

	if (s->broken)
		down_read(&s->sem);
	s->x++;
	if (s->broken)
		up_read(&s->sem);
}

static void setup(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	init_completion(&s->done);
	init_srcu_struct(&s->srcu);
	INIT_WORK(&s->work, run);
}

static void setup_world(void *state, void *arg)
{
	setup(state, arg);
	mm_world_init(&((struct s *)state)->world, MMUN_MODERN, 0, false);
}

static void finish(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	if (s->world.mm)
		mm_world_fini(&s->world);
}

#define SCENE(name, ...) SCENE_OF(name, setup, 3, __VA_ARGS__)

static void write(struct s *s)
{
	down_write(&s->sem);
	up_write(&s->sem);
}

/* The broken one wants the lock before it wakes who holds it. */
SCENE(waits, .expect = "deadlock")
{
	if (t == 0) {
		down_read(&s->sem);
		wait_event(s->queue, READ_ONCE(s->set));
		up_read(&s->sem);
	} else if (t == 1) {
		write(s);
	} else {
		if (broken)
			down_read(&s->sem);
		WRITE_ONCE(s->set, 1);
		wake_up(&s->queue);
		if (!broken)
			down_read(&s->sem);
		up_read(&s->sem);
	}
}

SCENE(completes, .expect = "deadlock")
{
	if (t == 0) {
		down_read(&s->sem);
		wait_for_completion(&s->done);
		up_read(&s->sem);
	} else if (t == 1) {
		write(s);
	} else {
		if (broken)
			down_read(&s->sem);
		complete(&s->done);
		if (broken)
			up_read(&s->sem);
	}
}

/* Readers alone never wait for each other: the broken one has a writer. */
SCENE(with_a_writer, .expect = "deadlock")
{
	if (t == 0) {
		down_read(&s->sem);
		wait_for_completion(&s->done);
		up_read(&s->sem);
	} else if (t == 1) {
		if (broken)
			write(s);
	} else {
		down_read(&s->sem);
		complete(&s->done);
		up_read(&s->sem);
	}
}

/* The other lock is taken inside the rwsem; in the broken one outside of it, too. */
SCENE(mutex, .expect = "deadlock")
{
	if (t == 1) {
		write(s);
		return;
	}
	if (t == 2 && broken) {
		mutex_lock(&s->mutex);
		down_read(&s->sem);
	} else {
		down_read(&s->sem);
		mutex_lock(&s->mutex);
	}
	s->x++;
	mutex_unlock(&s->mutex);
	up_read(&s->sem);
}

/* Two rwsems, both for reading, and a writer of each. */
SCENE_OF(two, setup, 4, .expect = "deadlock")
{
	struct rw_semaphore *first = t == 2 && broken ? &s->other : &s->sem;
	struct rw_semaphore *second = t == 2 && broken ? &s->sem : &s->other;

	if (t == 1) {
		write(s);
		return;
	}
	if (t == 3) {
		down_write(&s->other);
		up_write(&s->other);
		return;
	}
	down_read(first);
	down_read(second);
	up_read(second);
	up_read(first);
}

SCENE(rwlock, .expect = "deadlock")
{
	if (t == 1) {
		write_lock(&s->rw);
		write_unlock(&s->rw);
		return;
	}
	if (t == 2 && broken) {
		spin_lock(&s->spin);
		read_lock(&s->rw);
	} else {
		read_lock(&s->rw);
		spin_lock(&s->spin);
	}
	s->x++;
	spin_unlock(&s->spin);
	read_unlock(&s->rw);
}

SCENE(srcu, .expect = "deadlock")
{
	int idx;

	if (t == 0) {
		down_read(&s->sem);
		synchronize_srcu(&s->srcu);
		up_read(&s->sem);
	} else if (t == 1) {
		write(s);
	} else {
		idx = srcu_read_lock(&s->srcu);
		if (broken) {
			down_read(&s->sem);
			up_read(&s->sem);
		}
		srcu_read_unlock(&s->srcu, idx);
	}
}

/* What is waited for is work, which in the broken one wants the lock. */
SCENE(flushes, .expect = "deadlock")
{
	if (t == 0) {
		s->broken = broken;
		down_read(&s->sem);
		schedule_work(&s->work);
		flush_work(&s->work);
		up_read(&s->sem);
	} else if (t == 1) {
		write(s);
	}
}

/* Trying to read fails while a writer waits, although the lock is held for reading only. */
SCENE(try, .expect = "assertion")
{
	bool has;

	if (t == 1) {
		write(s);
		return;
	}
	if (t == 2)
		return;
	down_read(&s->sem);
	has = down_read_trylock(&s->sem);
	BUG_ON(broken && !has);
	if (has)
		up_read(&s->sem);
	up_read(&s->sem);
}

/* A writer that has become a reader lets readers in, unless another writer waits. */
SCENE(downgrade, .expect = "deadlock")
{
	if (t == 0) {
		down_write(&s->sem);
		downgrade_write(&s->sem);
		wait_for_completion(&s->done);
		up_read(&s->sem);
	} else if (t == 1) {
		if (broken)
			write(s);
	} else {
		down_read(&s->sem);
		complete(&s->done);
		up_read(&s->sem);
	}
}

/* The address space's own lock, for which munmap() waits to write. */
SCENE_OF(mmap_lock, setup_world, 3, .expect = "deadlock")
{
	if (t == 0) {
		mmap_read_lock(s->world.mm);
		wait_for_completion(&s->done);
		mmap_read_unlock(s->world.mm);
	} else if (t == 1) {
		mmun_mprotect(s->world.mm, 0x100, PAGE_SIZE, MMUN_PROT_READ);
	} else {
		if (broken)
			mmap_read_lock(s->world.mm);
		complete(&s->done);
		if (broken)
			mmap_read_unlock(s->world.mm);
	}
}
