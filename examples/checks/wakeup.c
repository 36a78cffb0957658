/* SPDX-License-Identifier: MIT */
/*
 * wakeup.c - waiting for a page to be unlocked. queue_first uses wait_event(), which joins
 * the queue and then tests the condition. ask_first tests it first, and can sleep through
 * the wake-up.
 */
#include <mmun/explore.h>
#include <mmun/kernel.h>

struct page { int locked; wait_queue_head_t queue; };

static void setup(void *state, void *arg)
{
	(void)arg;
	((struct page *)state)->locked = 1;
}

static void unlock_page(struct page *p)
{
	WRITE_ONCE(p->locked, 0);
	wake_up(&p->queue);
}

static void queue_first(void *state, unsigned thread, void *arg)
{
	struct page *p = state;

	(void)arg;
	if (thread == 0)
		unlock_page(p);
	else
		wait_event(p->queue, !READ_ONCE(p->locked));
}

static void ask_first(void *state, unsigned thread, void *arg)
{
	struct page *p = state;

	(void)arg;
	if (thread == 0)
		unlock_page(p);
	else if (READ_ONCE(p->locked))
		sleep_on(&p->queue);
}

EXPLORE_CHECK(queue_first, .threads = 2, .state_size = sizeof(struct page), .setup = setup,
	      .thread = queue_first)
EXPLORE_CHECK(ask_first, .threads = 2, .state_size = sizeof(struct page), .setup = setup,
	      .thread = ask_first, .expect = "deadlock", .repair = "queue_first")
