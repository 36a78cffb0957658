/* SPDX-License-Identifier: MIT */
/* mmap.c - the locks of an address space and of its areas, and rwsems that are downgraded, tried
 * and waited for until a signal comes: each with a broken twin. */
#include <mmun/kernel_mm.h>
#include "scene.h"

struct s {
	struct mm_world w;
	struct rw_semaphore sem;
	struct mutex mutex;
	unsigned long a;
	int x, y;
};

static void setup(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	mm_world_init(&s->w, MMUN_MODERN, 0, false);
	s->a = mm_world_page(&s->w, 0, 0, 7);
}

static void finish(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	mm_world_fini(&s->w);
}

#define SCENE(name, ...) SCENE_OF(name, setup, 2, __VA_ARGS__)

/* Nobody writes between the downgrade and the unlock. */
SCENE(downgrade, .expect = "assertion")
{
	mmap_write_lock(s->w.mm);
	WRITE_ONCE(s->x, (int)t + 1);
	if (broken) {
		mmap_write_unlock(s->w.mm);
		mmap_read_lock(s->w.mm);
	} else {
		mmap_write_downgrade(s->w.mm);
	}
	mmap_assert_locked(s->w.mm);
	EXPLORE_ASSERT(READ_ONCE(s->x) == (int)t + 1);
	mmap_read_unlock(s->w.mm);
}

/* But readers may be there. */
SCENE(readers_come, .expect = "race")
{
	if (t) {
		mmap_read_lock(s->w.mm);
		EXPLORE_ASSERT(s->x == s->y);
		mmap_read_unlock(s->w.mm);
		return;
	}
	mmap_write_lock(s->w.mm);
	s->x = 1;
	if (broken)
		mmap_write_downgrade(s->w.mm);
	s->y = 1;
	if (!broken)
		mmap_write_downgrade(s->w.mm);
	mmap_read_unlock(s->w.mm);
}

SCENE(dropped_as_held, .expect = "lock-order")
{
	if (t)
		return;
	mmap_write_lock(s->w.mm);
	mmap_write_downgrade(s->w.mm);
	if (broken)
		mmap_write_unlock(s->w.mm);
	else
		mmap_read_unlock(s->w.mm);
}

SCENE(downgrades_what_it_has, .expect = "lock-order")
{
	if (t)
		return;
	if (broken)
		mmap_read_lock(s->w.mm);
	else
		mmap_write_lock(s->w.mm);
	mmap_write_downgrade(s->w.mm);
	mmap_read_unlock(s->w.mm);
}

/* What was locked for writing is not, after the downgrade. */
SCENE(areas_go_too, .expect = "lock-order")
{
	struct vm_area_struct vma;

	if (t)
		return;
	mmap_write_lock(s->w.mm);
	vma = vma_of(s->w.mm, s->a);
	vma_start_write(&vma);
	vma_assert_write_locked(&vma);
	vma_assert_locked(&vma);
	mmap_write_downgrade(s->w.mm);
	if (broken)
		vma_assert_write_locked(&vma);
	mmap_read_unlock(s->w.mm);
}

SCENE(area_is_not_locked, .expect = "protocol")
{
	struct vm_area_struct vma;

	if (t)
		return;
	mmap_write_lock(s->w.mm);
	vma = vma_of(s->w.mm, s->a);
	if (!broken)
		vma_start_write(&vma);
	vma_assert_write_locked(&vma);
	mmap_write_unlock(s->w.mm);
}

SCENE(reader_writes_no_area, .expect = "protocol")
{
	struct vm_area_struct vma;

	if (t)
		return;
	if (broken)
		mmap_read_lock(s->w.mm);
	else
		mmap_write_lock(s->w.mm);
	vma = vma_of(s->w.mm, s->a);
	vma_start_write(&vma);
	if (broken)
		mmap_read_unlock(s->w.mm);
	else
		mmap_write_unlock(s->w.mm);
}

SCENE(assert_write, .expect = "lock-order")
{
	if (t)
		return;
	if (broken)
		mmap_read_lock(s->w.mm);
	else
		mmap_write_lock(s->w.mm);
	mmap_assert_locked(s->w.mm);
	mmap_assert_write_locked(s->w.mm);
	if (broken)
		mmap_read_unlock(s->w.mm);
	else
		mmap_write_unlock(s->w.mm);
}

SCENE(assert_any, .expect = "lock-order")
{
	if (t)
		return;
	if (!broken)
		mmap_read_lock(s->w.mm);
	mmap_assert_locked(s->w.mm);
	if (!broken)
		mmap_read_unlock(s->w.mm);
}

/* With a page's lock, which comes after mmap_lock, one may only try. */
SCENE(tries, .expect = "deadlock, lock-order")
{
	struct mutex *other = &s->mutex;

	if (t) {
		mmap_write_lock(s->w.mm);
		mutex_lock(other);
		mutex_unlock(other);
		mmap_write_unlock(s->w.mm);
		return;
	}
	mutex_lock(other);
	if (broken) {
		mmap_read_lock(s->w.mm);
		mmap_read_unlock(s->w.mm);
	} else if (mmap_read_trylock(s->w.mm)) {
		mmap_read_unlock(s->w.mm);
	}
	mutex_unlock(other);
}

SCENE(tries_to_write, .expect = "race")
{
	if (broken && t ? mmap_read_trylock(s->w.mm) : mmap_write_trylock(s->w.mm)) {
		s->x++;
		if (broken && t)
			mmap_read_unlock(s->w.mm);
		else
			mmap_write_unlock(s->w.mm);
	} else if (broken && t) {
		s->x++;
	}
}

/* A signal may come, and then the lock was not taken. */
SCENE(killable, .expect = "lock-order")
{
	int err = t ? mmap_read_lock_killable(s->w.mm) : mmap_write_lock_killable(s->w.mm);

	EXPLORE_ASSERT(err == 0 || err == -EINTR);
	if (err && !broken)
		return;
	if (t)
		mmap_read_unlock(s->w.mm);
	else
		mmap_write_unlock(s->w.mm);
}

SCENE(killable_sem, .expect = "lock-order")
{
	int err = t ? down_read_killable(&s->sem) : down_write_killable(&s->sem);

	if (err && !broken)
		return;
	if (t)
		up_read(&s->sem);
	else
		up_write(&s->sem);
}

SCENE(killable_mutex, .expect = "race, lock-order")
{
	int err = t ? mutex_lock_killable(&s->mutex) : mutex_lock_interruptible(&s->mutex);

	if (err && !broken)
		return;
	s->x++;
	mutex_unlock(&s->mutex);
}

/* Nobody else is there, so no thread would sleep, and none is ended by a signal. */
SCENE(no_signal_without_sleep, .expect = "assertion")
{
	int err;

	if (t && !broken)
		return;
	err = down_write_killable(&s->sem);
	EXPLORE_ASSERT(!err);
	up_write(&s->sem);
}

SCENE(rwsem_as_held, .expect = "lock-order")
{
	if (broken && t)
		down_write(&s->sem);
	else
		down_read(&s->sem);
	if (!broken)
		lockdep_assert_held_read(&s->sem);
	up_read(&s->sem);
}

SCENE(asserts_to_write, .expect = "lock-order")
{
	if (broken && t)
		down_read(&s->sem);
	else
		down_write(&s->sem);
	lockdep_assert_held_write(&s->sem);
	if (broken && t)
		up_read(&s->sem);
	else
		up_write(&s->sem);
}
