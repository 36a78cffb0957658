/* SPDX-License-Identifier: MIT */
/*
 * work.c - stands behind the names of work queues and timers. Each time that an item is queued is a
 * thread of its own, which is started at once and runs some time later.
 *
 * An item's state is the thread that is to run it. Who queues it sets the state from 0, and the
 * thread sets it back to 0 when it begins: from then on it can be queued again, and the next
 * thread waits for the end of this one. Whether a thread has begun or is cancelled is decided by
 * its own word, which is no part of the item, since what is cancelled may be freed:
 *
 *      cancel                          the thread
 *      word: 0 -> CANCELLED
 *                                      word: 0 -> BEGUN fails: nothing is done
 *
 * While cancel_work_sync() waits the state is BEING_CANCELLED, so that nobody can queue it.
 */
#include "checks/names/names.h"

enum { BEGUN = 1, CANCELLED = 2 };

#define BEING_CANCELLED UINT64_MAX

static uint64_t swap_if(uint64_t *word, uint64_t old, uint64_t new, const struct sync_site *site)
{
	return sync_update_(word, (struct sync_access){ SYNC_RMW, sizeof(*word), SYNC_FULL,
							SYNC_SET_IF }, old, new, site);
}

static uint64_t swap(uint64_t *word, uint64_t new, const struct sync_site *site)
{
	return sync_update_(word, (struct sync_access){ SYNC_RMW, sizeof(*word), SYNC_FULL,
							SYNC_SET }, new, 0, site);
}

static uint64_t state_of(const struct work_struct *work, const struct sync_site *site)
{
	return sync_read_(&work->state, (struct sync_access){ SYNC_LOAD, sizeof(work->state),
							      SYNC_ACQUIRE, SYNC_KEEP }, site);
}

/* 0: nobody is to run it. */
static uint32_t pending(uint64_t state)
{
	return state == BEING_CANCELLED ? 0 : (uint32_t)state;
}

static bool say_and(const struct kernel_at_ *at, const char *name, bool result)
{
	sync_event_at(&at->site, VALUE, (uintptr_t)(at->text ? at->text : name), result);
	return result;
}

/* The latest thread of an item, and of an ordered queue: read and written right after an operation
 * on its state or order, by which they are ordered. */
UNWATCHED static uint32_t latest(const uint32_t *thread) { return *thread; }
UNWATCHED static void set_latest(uint32_t *thread, uint32_t self) { *thread = self; }

/* --- running -------------------------------------------------------------- */

/* Is the item to be run? */
static bool begins(struct work_struct *work)
{
	const struct sync_site *site = KERNEL_SITE_;
	uint32_t self = sync_self();

	if (swap_if(&sync_word_of_(self)->v, 0, BEGUN, site))
		return false;
	swap_if(&work->state, self, 0, site);
	return true;
}

static void run_work(void *arg)
{
	struct work_struct *work = arg;

	if (begins(work))
		work->func(work);
}

static void run_timer(void *arg)
{
	struct work_struct *item = arg;
	struct timer_list *timer = container_of(item, struct timer_list, item_);

	if (begins(item))
		timer->function(timer);
}

static const struct sync_site *place_of(const void *function)
{
	return sync_called_from_((const char *)function + 1);
}

/* Starts the thread @self of an item that is of none yet; @queue may be NULL. */
static void start(struct work_struct *work, struct workqueue_struct *queue, uint32_t self,
		  struct sync_start how, const struct sync_site *site)
{
	how.arg = work;
	how.after = latest(&work->thread);
	if (queue && queue->ordered) {
		swap(&queue->order, self, site);
		how.after = latest(&queue->last);
		set_latest(&queue->last, self);
	}
	set_latest(&work->thread, self);
	if (queue) {
		how.domain = queue;
		sync_call_later_(how, site);
	} else {
		sync_start_(how, site);
	}
}

/* False: it is pending, or is being cancelled. */
static bool queue_item(struct work_struct *work, struct workqueue_struct *queue,
		       struct sync_start how, const struct sync_site *site)
{
	uint32_t self = sync_next_();

	if (!self) { /* at the end */
		how.arg = work;
		how.code(work);
		return true;
	}
	if (swap_if(&work->state, 0, self, site))
		return false;
	start(work, queue, self, how, site);
	return true;
}

bool kernel_queue_work_(const struct kernel_at_ *at, struct workqueue_struct *wq,
			struct work_struct *work)
{
	struct sync_start how = { .code = run_work };

	if (!work->func)
		explore_assert_failed("a work item has a function: INIT_WORK()", at->site.file,
				      at->site.line);
	how.begins_at = place_of((const void *)(uintptr_t)work->func);
	return say_and(at, "queue_work", queue_item(work, wq, how, &at->site));
}

int kernel_mod_timer_(const struct kernel_at_ *at, struct timer_list *timer, unsigned long expires)
{
	struct sync_start how = { .code = run_timer, .nonblock = true };

	(void)expires;
	if (!timer->function)
		explore_assert_failed("a timer has a function: timer_setup()", at->site.file,
				      at->site.line);
	how.begins_at = place_of((const void *)(uintptr_t)timer->function);
	return say_and(at, "mod_timer", !queue_item(&timer->item_, NULL, how, &at->site));
}

/* --- waiting and cancelling ----------------------------------------------- */

bool kernel_flush_work_(const struct kernel_at_ *at, struct work_struct *work)
{
	bool was;

	sync_might_sleep_(&at->site);
	was = pending(state_of(work, &at->site));
	sync_join_(latest(&work->thread), &at->site);
	return say_and(at, "flush_work", was);
}

bool kernel_work_pending_(const struct kernel_at_ *at, struct work_struct *work)
{
	return say_and(at, "work_pending", state_of(work, &at->site) != 0);
}

/* The thread will do nothing, unless it has begun. */
static bool cancel_thread(uint32_t thread, const struct sync_site *site)
{
	return thread && !swap_if(&sync_word_of_(thread)->v, 0, CANCELLED, site);
}

static bool cancel(struct work_struct *work, const struct sync_site *site)
{
	uint32_t thread = pending(state_of(work, site));

	if (!cancel_thread(thread, site))
		return false;
	swap_if(&work->state, thread, 0, site);
	return true;
}

/* In the end the state is @end. */
static bool cancel_sync(struct work_struct *work, uint64_t end, const struct sync_site *site)
{
	uint64_t state;
	bool was;

	while ((state = swap(&work->state, BEING_CANCELLED, site)) == BEING_CANCELLED) {
		if (end == BEING_CANCELLED)
			return false;
		sync_spin_while_bytes_(&work->state, sizeof(work->state), BEING_CANCELLED, site);
	}
	was = cancel_thread(pending(state), site);
	sync_join_(latest(&work->thread), site);
	if (end != BEING_CANCELLED)
		sync_write_(&work->state, (struct sync_access){ SYNC_STORE, sizeof(work->state),
			    SYNC_RELEASE, SYNC_SET }, end, site);
	return was;
}

bool kernel_cancel_work_(const struct kernel_at_ *at, struct work_struct *work)
{
	return say_and(at, "cancel_work", cancel(work, &at->site));
}

bool kernel_cancel_work_sync_(const struct kernel_at_ *at, struct work_struct *work)
{
	sync_might_sleep_(&at->site);
	return say_and(at, "cancel_work_sync", cancel_sync(work, 0, &at->site));
}

int kernel_timer_delete_(const struct kernel_at_ *at, struct timer_list *timer)
{
	return say_and(at, "timer_delete", cancel(&timer->item_, &at->site));
}

int kernel_timer_delete_sync_(const struct kernel_at_ *at, struct timer_list *timer)
{
	return say_and(at, "timer_delete_sync", cancel_sync(&timer->item_, 0, &at->site));
}

int kernel_timer_shutdown_sync_(const struct kernel_at_ *at, struct timer_list *timer)
{
	return say_and(at, "timer_shutdown_sync",
		       cancel_sync(&timer->item_, BEING_CANCELLED, &at->site));
}

/* --- queues ---------------------------------------------------------------- */

struct workqueue_struct *kernel_alloc_workqueue_(const struct kernel_at_ *at, bool ordered)
{
	struct workqueue_struct *wq;

	sync_might_sleep_(&at->site);
	wq = sync_alloc_(sizeof(*wq), &at->site);
	if (wq)
		*wq = (struct workqueue_struct){ .ordered = ordered };
	return wq;
}

void kernel_flush_workqueue_(const struct kernel_at_ *at, struct workqueue_struct *wq)
{
	sync_calls_wait_(wq, &at->site);
	sync_event_at(&at->site, CALLS_OVER, (uintptr_t)"flush_workqueue");
}

void kernel_drain_workqueue_(const struct kernel_at_ *at, struct workqueue_struct *wq)
{
	sync_calls_drain_(wq, &at->site);
	sync_event_at(&at->site, CALLS_OVER, (uintptr_t)"drain_workqueue");
}

void kernel_destroy_workqueue_(const struct kernel_at_ *at, struct workqueue_struct *wq)
{
	kernel_drain_workqueue_(at, wq);
	sync_free_(wq, &at->site);
}
