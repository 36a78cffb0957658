/* SPDX-License-Identifier: MIT */
/*
 * wait.c - stands behind the names that wait until something happens or a signal comes, or for
 * some time; and behind those of what is only tried. Whether a signal has come, and whether the
 * time is over, is a choice of the search. A thread that has chosen to be woken in time and is not
 * woken has chosen wrongly, and the execution with the other choice is run besides.
 */
#include "checks/names/names.h"

enum { COMPLETE_ALL = 1 << 30 }; /* as in kernel.c: it never runs out */

static bool differs(uint64_t word, uint64_t seen) { return word != seen; }

static bool chooses(const struct kernel_at_ *at, const char *what)
{
	bool chosen = sync_choose_(2, &at->site);

	if (chosen)
		sync_event_at(&at->site, NOTE, (uintptr_t)what);
	return chosen;
}

bool kernel_signal_(const struct kernel_at_ *at) { return chooses(at, "a signal"); }
bool kernel_time_is_over_(const struct kernel_at_ *at) { return chooses(at, "the time is over"); }
bool kernel_need_resched_(const struct kernel_at_ *at) { return chooses(at, "is to be rescheduled"); }

void kernel_sleep_timed_(const struct kernel_at_ *at, wait_queue_head_t *queue, uint64_t seen)
{
	sync_timed_(true);
	kernel_sleep_(at, queue, seen);
	sync_timed_(false);
}

/* --- completions ------------------------------------------------------------ */

/* Takes one of what is complete; false: nothing is. */
static bool take(const struct kernel_at_ *at, struct completion *c)
{
	const struct sync_access access = { SYNC_RMW, sizeof(c->done), SYNC_ACQUIRE, SYNC_TAKE };

	return sync_update_(&c->done, access, 0, COMPLETE_ALL, &at->site) != 0;
}

static void await(const struct kernel_at_ *at, struct completion *c)
{
	sync_await_((const atomic_u64 *)(const void *)&c->done, differs, 0, &at->site);
}

static bool say(const struct kernel_at_ *at, const char *name, bool result)
{
	sync_event_at(&at->site, VALUE, (uintptr_t)(at->text ? at->text : name), result);
	return result;
}

bool kernel_try_wait_for_completion_(const struct kernel_at_ *at, struct completion *c)
{
	return say(at, "try_wait_for_completion", take(at, c));
}

bool kernel_completion_done_(const struct kernel_at_ *at, struct completion *c)
{
	return say(at, "completion_done",
		   sync_read_(&c->done, (struct sync_access){ SYNC_LOAD, sizeof(c->done),
			      SYNC_ACQUIRE, SYNC_KEEP }, &at->site) != 0);
}

unsigned long kernel_wait_for_completion_timeout_(const struct kernel_at_ *at,
						  struct completion *c, unsigned long timeout)
{
	sync_might_sleep_(&at->site);
	while (!take(at, c)) {
		if (!timeout || kernel_time_is_over_(at))
			return take(at, c);
		sync_timed_(true);
		await(at, c);
		sync_timed_(false);
	}
	say_object(at, COMPLETED);
	return timeout ? timeout : 1;
}

int kernel_wait_for_completion_interruptible_(const struct kernel_at_ *at, struct completion *c)
{
	sync_might_sleep_(&at->site);
	while (!take(at, c)) {
		if (kernel_signal_(at))
			return -ERESTARTSYS;
		await(at, c);
	}
	say_object(at, COMPLETED);
	return 0;
}

/* --- arrays by index --------------------------------------------------------- */

void *kernel___xa_cmpxchg_(const struct kernel_at_ *at, struct xarray *xa, unsigned long index,
			   void *old, void *entry, gfp_t gfp)
{
	void **slot = &xa->slot[index], *was;

	(void)gfp;
	if (index >= XARRAY_MAX)
		explore_assert_failed("an index of an xarray is less than XARRAY_MAX",
				      at->site.file, at->site.line);
	sync_assert_held_(&xa->xa_lock, &at->site);
	was = (void *)(uintptr_t)sync_update_(
		slot, (struct sync_access){ SYNC_RMW, sizeof(*slot), SYNC_FULL, SYNC_SET_IF },
		(uintptr_t)old, (uintptr_t)entry, &at->site);
	say(at, "xa_cmpxchg", was == old);
	return was;
}
