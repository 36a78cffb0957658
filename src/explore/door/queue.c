/* SPDX-License-Identifier: MIT */
/*
 * queue.c - owns the queues of rwsems and rwlocks. In Linux a reader that comes while a writer
 * waits can be made to wait behind it. So these threads wait forever, though no two of them hold
 * locks that exclude each other:
 *
 *      T0                        T1                        T2
 *      down_read(sem)
 *                                down_write(sem): waits
 *                                                          down_read(sem): behind T1
 *      wait for what T2 does
 *
 * A queue costs steps: a writer's beginning to wait is one, on which all readers of the lock
 * depend. So a search has none until the order of locks says that they can matter.
 *
 * In a queue a writer counts itself, then takes the lock, then counts itself out. A reader waits
 * until no writer is counted, and then for the lock. A writer that comes between these two might as
 * well have come after the reader had the lock.
 */
#include "explore/door/door.h"

static bool in_use(void) { return x.cur >= 0 && x.assumes & READERS_QUEUE; }

static bool is_empty(uint64_t writers, uint64_t arg)
{
	(void)arg;
	return !writers;
}

static void count(rwsem_t *sem, enum sync_update how, const struct sync_site *site)
{
	const struct sync_access access = { SYNC_RMW, sizeof(sem->writers), SYNC_RELAXED,
					    (uint8_t)how };

	sync_update_(&sem->writers, access, 1, UINT32_MAX, site);
}

void queue_enter(rwsem_t *sem, bool read, const struct sync_site *site)
{
	if (!in_use())
		return;
	if (read) {
		x.thread[x.cur].behind = sem;
		door_await(SYNC_AWAIT, &sem->writers, sizeof(sem->writers), is_empty, 0, site);
		x.thread[x.cur].behind = NULL;
	} else {
		count(sem, SYNC_ADD_TO, site);
	}
}

void queue_leave(rwsem_t *sem, bool read, const struct sync_site *site)
{
	if (in_use() && !read)
		count(sem, SYNC_TAKE, site);
}

bool queue_lets_try(rwsem_t *sem, bool read, const struct sync_site *site)
{
	const struct sync_access load = { SYNC_LOAD, sizeof(sem->writers), SYNC_RELAXED,
					  SYNC_KEEP };

	return !in_use() || !read || !sync_read_(&sem->writers, load, site);
}
