/* SPDX-License-Identifier: MIT */
/* races.c - plain accesses: pairs that may meet, and the same kept apart in each way that
 * orders them. */
#include "scene.h"

#include <string.h>

struct s {
	spinlock_t lock, other;
	struct rw_semaphore sem;
	struct mutex mutex;
	struct srcu_struct srcu;
	wait_queue_head_t queue;
	struct completion done;
	int c11;
	int x, y, flag;
	char byte[8];
	int *p;
};

static void setup(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	s->p = kmalloc(sizeof(*s->p), GFP_KERNEL);
}

/* Not freed twice: finish asks for leaks too. */
static void finish(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	if (s->p)
		kfree(s->p);
}

#define SCENE(name, ...) SCENE_OF(name, setup, 2, __VA_ARGS__)

SCENE(spin, .expect = "race")
{
	spinlock_t *lock = broken && t ? &s->other : &s->lock;

	spin_lock(lock);
	s->x++;
	spin_unlock(lock);
}

/* After the unlock is too late, though no other operation comes between. */
SCENE(after_unlock, .expect = "race")
{
	spin_lock(&s->lock);
	s->x++;
	spin_unlock(&s->lock);
	if (broken || t)
		s->y++;
}

SCENE(mutex, .expect = "race")
{
	mutex_lock(&s->mutex);
	s->x++;
	mutex_unlock(&s->mutex);
	if (broken)
		s->y++;
}

SCENE(readers, .expect = "race")
{
	if (t || broken)
		down_read(&s->sem);
	else
		down_write(&s->sem);
	if (t)
		(void)*(int volatile *)&s->flag, s->y = s->x;
	else
		s->x++;
	if (t || broken)
		up_read(&s->sem);
	else
		up_write(&s->sem);
}

SCENE(message, .expect = "race")
{
	if (t) {
		if (smp_load_acquire(&s->flag))
			s->y += s->x;
		return;
	}
	if (!broken)
		s->x = 1;
	smp_store_release(&s->flag, 1);
	if (broken)
		s->x = 1;
}

/* The compiler's own atomic operations are seen as the kernel's are. */
SCENE(c11, .expect = "race")
{
	if (t) {
		if (__atomic_load_n(&s->c11, __ATOMIC_ACQUIRE))
			s->y += s->x;
		return;
	}
	if (!broken)
		s->x = 1;
	__atomic_fetch_add(&s->c11, 1, __ATOMIC_RELEASE);
	if (broken)
		s->x = 1;
}

SCENE(wakeup, .expect = "race")
{
	if (t) {
		wait_for_completion(&s->done);
		s->x++;
		return;
	}
	if (!broken)
		s->x = 1;
	complete(&s->done);
	if (broken)
		s->x = 1;
}

/* One of the two is marked. */
SCENE(half_marked, .expect = "race")
{
	if (t && broken)
		s->x = 1;
	else
		WRITE_ONCE(s->x, 2);
}

/* Neighbors in a word do not meet, parts of one do. */
SCENE(bytes, .expect = "race")
{
	if (t)
		s->byte[broken ? 3 : 4] = 1;
	else
		*(int *)s->byte = 1;
}

SCENE(grace, .expect = "race")
{
	if (t) {
		rcu_read_lock();
		if (!READ_ONCE(s->flag))
			s->y += s->x;
		rcu_read_unlock();
		return;
	}
	WRITE_ONCE(s->flag, 1);
	if (!broken)
		synchronize_rcu();
	s->x = 1;
}

SCENE(sleeping_grace, .expect = "race")
{
	struct srcu_struct other = { 0 };
	int index;

	if (t) {
		index = srcu_read_lock(&s->srcu);
		if (!READ_ONCE(s->flag))
			s->y += s->x;
		srcu_read_unlock(&s->srcu, index);
		return;
	}
	WRITE_ONCE(s->flag, 1);
	synchronize_srcu(broken ? &other : &s->srcu);
	s->x = 1;
}

/* Plain accesses to memory that is freed: before, and after. */
SCENE(use_then_free, .expect = "lifetime")
{
	int *p = READ_ONCE(s->p);

	if (t) {
		if (p)
			*p = 1;
		smp_store_release(&s->flag, 1);
	} else if (broken || smp_load_acquire(&s->flag)) {
		kfree(p);
		WRITE_ONCE(s->p, NULL);
	}
}

SCENE(free_then_use, .expect = "lifetime")
{
	int *p = READ_ONCE(s->p);

	if (t == 0) {
		WRITE_ONCE(s->p, NULL);
		smp_store_release(&s->flag, 1);
		kfree(p);
		return;
	}
	if (smp_load_acquire(&s->flag) && broken && p)
		*p = 1;
}

/* Copies are accesses of all their bytes, whatever the compiler makes of them. */
SCENE(copies, .expect = "race")
{
	char copy[sizeof(s->byte)];
	volatile size_t size = sizeof(copy) / 2; /* not known to the compiler */

	if (!broken)
		spin_lock(&s->lock);
	if (t)
		memset(s->byte, 1, size);
	else
		memcpy(copy, s->byte + size - 1, size);
	if (!broken)
		spin_unlock(&s->lock);
}

SCENE(moves, .expect = "race")
{
	volatile size_t size = broken ? 4 : 3;

	if (t)
		memmove(s->byte + 1, s->byte, size);
	else
		s->byte[4] = 1;
}

/* A volatile access is a marked one, as READ_ONCE() is. */
SCENE(is_volatile, .expect = "race")
{
	if (t)
		*(volatile int *)&s->flag = 1;
	else if (broken)
		s->flag = 2;
	else
		*(volatile int *)&s->flag = 2;
}

/* Each volatile access is an operation of its own, also one of the word that an operation
 * before it was about: another thread may come in between. */
SCENE(volatile_again, .expect = "assertion")
{
	int seen;

	if (t) {
		WRITE_ONCE(s->flag, 1);
		return;
	}
	seen = broken ? READ_ONCE(s->flag) : *(volatile int *)&s->flag;
	EXPLORE_ASSERT(seen == 0 || *(volatile int *)&s->flag == 1);
	if (broken)
		EXPLORE_ASSERT(seen == *(volatile int *)&s->flag);
}
