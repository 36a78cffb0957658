/* SPDX-License-Identifier: MIT */
/*
 * locks.c - locking two page tables. by_address takes the locks in the order of their
 * addresses. as_they_come takes them in the order in which they are given, and deadlocks.
 * The locks are static variables, which are restored before each execution.
 */
#include <mmun/explore.h>
#include <mmun/kernel.h>

static DEFINE_SPINLOCK(ptl[2]);
static int moved;

static void move(spinlock_t *from, spinlock_t *to)
{
	spin_lock(from);
	spin_lock(to);
	moved++;
	spin_unlock(to);
	spin_unlock(from);
}

static void by_address(void *state, unsigned thread, void *arg)
{
	(void)state;
	(void)thread;
	(void)arg;
	move(&ptl[0], &ptl[1]);
}

static void as_they_come(void *state, unsigned thread, void *arg)
{
	(void)state;
	(void)arg;
	move(&ptl[thread], &ptl[!thread]);
}

static void finish(void *state, void *arg)
{
	(void)state;
	(void)arg;
	EXPLORE_ASSERT(moved == 2);
}

EXPLORE_CHECK(by_address, .threads = 2, .thread = by_address, .finish = finish)
EXPLORE_CHECK(as_they_come, .threads = 2, .thread = as_they_come, .finish = finish,
	      .expect = "deadlock", .repair = "by_address")
