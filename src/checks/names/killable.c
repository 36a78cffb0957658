/* SPDX-License-Identifier: MIT */
/*
 * killable.c - stands behind locks that a thread waits for until a signal comes. Where it would
 * sleep the search tries both; where it would not, the lock is taken, as in Linux.
 */
#include "checks/names/names.h"

static int read_killable(const struct kernel_at_ *at, struct rw_semaphore *sem)
{
	sync_might_sleep_(&at->site);
	if (kernel_down_read_trylock_(at, sem))
		return 0;
	if (kernel_signal_(at))
		return -EINTR;
	kernel_down_read_(at, sem);
	return 0;
}

int kernel_down_read_killable_(const struct kernel_at_ *at, struct rw_semaphore *sem)
{
	return read_killable(at, sem);
}

int kernel_down_read_interruptible_(const struct kernel_at_ *at, struct rw_semaphore *sem)
{
	return read_killable(at, sem);
}

int kernel_down_write_killable_(const struct kernel_at_ *at, struct rw_semaphore *sem)
{
	sync_might_sleep_(&at->site);
	if (kernel_down_write_trylock_(at, sem))
		return 0;
	if (kernel_signal_(at))
		return -EINTR;
	kernel_down_write_(at, sem);
	return 0;
}

static int mutex_killable(const struct kernel_at_ *at, struct mutex *lock)
{
	sync_might_sleep_(&at->site);
	if (kernel_mutex_trylock_(at, lock))
		return 0;
	if (kernel_signal_(at))
		return -EINTR;
	kernel_mutex_lock_(at, lock);
	return 0;
}

int kernel_mutex_lock_killable_(const struct kernel_at_ *at, struct mutex *lock)
{
	return mutex_killable(at, lock);
}

int kernel_mutex_lock_interruptible_(const struct kernel_at_ *at, struct mutex *lock)
{
	return mutex_killable(at, lock);
}
