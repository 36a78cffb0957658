/* SPDX-License-Identifier: MIT */
/*
 * thread.c - owns how threads begin and end: those of the check, and those that a thread starts
 * while it runs, such as the callbacks of call_rcu() and the items of work queues.
 *
 * Starting a thread is no step. It happens together with the thread's operation before: it only
 * enables the new thread, and nobody else can see when it happened. The new thread's first step
 * is its beginning, which nothing depends on; it can be made to wait for a grace period and for
 * the end of another thread. All that its parent has done so far comes before it:
 *
 *      parent                          started thread
 *      plain write of *p
 *      start
 *                                      [the grace period is over] begin
 *                                      plain access to *p
 *
 * The end of a thread is no step either. Whoever waits for it follows all that the thread did.
 */
#include "explore/door/door.h"
#include "explore/model/model.h"

#include <stdlib.h>

/* --- the end ------------------------------------------------------------- */

static void judge_end(unsigned me)
{
	const struct thread *t = &x.thread[me];
	char name[8];

	if (t->held_count)
		engine_fail(ORACLE_LOCK_HELD, -1, -1, t->last, "%s ended with the lock held that it took in %s",
			    engine_thread_name(me, name), t->held[0].site->function);
	else if (t->guard || t->section_count)
		engine_fail(ORACLE_LOCK_HELD, -1, -1, t->last, "%s ended inside a read section",
			    engine_thread_name(me, name));
	if (t->range_count)
		engine_fail(ORACLE_PROTOCOL, -1, -1, t->last, "%s ended, and the invalidation that it began in %s has no end",
			    engine_thread_name(me, name), t->range[0].site->function);
}

/* Who waits for the end of the running thread, which was started, need not wait any more. */
static void tell_end(unsigned me)
{
	for (unsigned q = 0; q < x.threads; q++) {
		struct wait_set *w = &x.thread[q].wait[WAIT_ENDS];

		if (!(w->open >> me & 1))
			continue;
		w->open &= (uint16_t)~(1u << me);
		clock_awaited(q, WAIT_ENDS, me);
	}
}

static void thread_main(void *arg)
{
	unsigned me = (unsigned)(uintptr_t)arg;

	if (x.thread[me].code)
		x.thread[me].code(x.thread[me].arg);
	else
		x.check->thread(x.arena, me, x.check->arg);
	judge_end(me);
	lifetime_thread_ends();
	local_ends();
	x.alive &= (uint16_t)~(1u << me);
	if (x.thread[me].code)
		tell_end(me);
	sched_give_way();
	abort(); /* nobody switches to a thread that has ended */
}

/* --- the beginning ------------------------------------------------------- */

/* As if it had never run. */
static void thread_forget(unsigned thread)
{
	struct thread *t = &x.thread[thread];

	memset(&t->held_count, 0, (size_t)((char *)&t->last - (char *)&t->held_count));
	t->last = -1;
	clock_start(thread);
}

/* It will run from its beginning. */
static void thread_arm(unsigned thread)
{
	if (x.watching)
		fiber_clear(&x.fiber[thread]);
	fiber_arm(&x.fiber[thread], thread_main, (void *)(uintptr_t)thread);
}

static void await_end(unsigned waiter, unsigned thread)
{
	struct wait_set *w = &x.thread[waiter].wait[WAIT_ENDS];

	if (x.alive >> thread & 1)
		w->open |= (uint16_t)(1u << thread);
	else
		clock_awaited(waiter, WAIT_ENDS, thread);
}

/* Whoever waits until a queue is empty waits for what its members queue. */
static void drain_too(struct wait_set *w, unsigned thread)
{
	if (x.cur >= 0 && w->domain && w->domain == x.thread[thread].domain &&
	    (w->open >> x.cur & 1))
		w->open |= (uint16_t)(1u << thread);
}

/* The thread is about to begin. */
static void start(unsigned thread, const struct start *s)
{
	struct thread *t = &x.thread[thread];

	thread_arm(thread);
	t->code = s->how.code;
	t->arg = s->how.arg;
	t->domain = s->how.domain;
	t->begins_at = s->how.begins_at;
	t->nonblock = s->how.nonblock;
	if (x.cur >= 0)
		clock_started(thread);
	if (t->domain) {
		t->wait[WAIT_RCU].domain = t->domain;
		t->wait[WAIT_RCU].open = section_open(t->domain);
		clock_awaits(thread, WAIT_RCU, t->domain);
	}
	x.word_of[thread].v = 0;
	if (s->how.after)
		await_end(thread, s->how.after - 1);
	x.pend[thread] = (struct pending){ .site = s->how.begins_at, .kind = SYNC_BEGIN,
					   .cls = SYNC_NONE, .choices = 1 };
	for (unsigned q = 0; q < x.threads; q++)
		drain_too(&x.thread[q].wait[WAIT_ENDS], thread);
	x.blockable |= (uint16_t)(1u << thread);
	x.alive |= (uint16_t)(1u << thread);
}

void thread_start_all(void)
{
	x.alive = (uint16_t)((1u << x.check->threads) - 1);
	x.blockable = 0;
	x.scratch_is_clear = false;
	for (unsigned t = 0; t < x.threads; t++)
		thread_forget(t);
	for (unsigned t = 0; t < x.check->threads; t++)
		thread_arm(t);
	for (unsigned n = 0; n < x.setup_starts; n++)
		start(x.setup_start[n].thread, &x.setup_start[n]);
}

uint32_t sync_start_(struct sync_start how, const struct sync_site *site)
{
	unsigned *starts = x.cur >= 0 ? &x.thread[x.cur].starts : &x.setup_starts;
	struct start s = { .how = how };
	int thread;

	if (x.cur < 0 && x.snapshot) { /* at the end nobody else is left */
		how.code(how.arg);
		return 0;
	}
	if (!how.begins_at)
		s.how.begins_at = site;
	thread = origin_thread(x.cur >= 0 ? (unsigned)x.cur : SETUP, *starts + 1);
	if (thread < 0)
		engine_give_up();
	++*starts;
	door_lasts();
	s.thread = (uint8_t)thread;
	if (x.cur >= 0)
		start((unsigned)thread, &s);
	else
		x.setup_start[x.setup_starts - 1] = s;
	return (uint32_t)thread + 1;
}

uint32_t sync_next_(void)
{
	unsigned starts = x.cur >= 0 ? x.thread[x.cur].starts : x.setup_starts;
	int thread = -1;

	if (x.cur < 0 && x.snapshot)
		return 0;
	thread = origin_thread(x.cur >= 0 ? (unsigned)x.cur : SETUP, starts + 1);
	if (thread < 0)
		engine_give_up();
	return (uint32_t)thread + 1;
}

uint32_t sync_check_threads_(void) { return x.check->threads; }

void *sync_scratch_(void)
{
	if (!x.scratch_is_clear)
		memset(x.scratch, 0, sizeof(x.scratch));
	x.scratch_is_clear = true;
	return x.scratch;
}

atomic_u64 *sync_word_of_(uint32_t self) { return &x.word_of[self - 1]; }

void explore_may_wait_forever(void)
{
	if (x.cur >= 0)
		x.thread[x.cur].forever = true;
}

void sync_timed_(bool timed)
{
	if (x.cur >= 0)
		x.thread[x.cur].timed = timed;
}

bool thread_would_time_out(void)
{
	for (unsigned m = x.alive; m; m &= m - 1)
		if (x.thread[__builtin_ctz(m)].timed)
			return true;
	return false;
}

/* --- waiting ------------------------------------------------------------- */

uint32_t sync_call_later_(struct sync_start how, const struct sync_site *site)
{
	if (!how.domain)
		how.domain = &x.rcu;
	if (x.cur >= 0)
		door_visible(SYNC_CALL, how.domain, SYNC_FULL, site);
	return sync_start_(how, site);
}

static void wait_for_ends(const void *drained, const struct sync_site *site)
{
	x.thread[x.cur].wait[WAIT_ENDS].domain = drained;
	door_waits();
	door_visible(SYNC_ENDS, NULL, SYNC_FULL, site);
	x.thread[x.cur].wait[WAIT_ENDS].domain = NULL;
	clock_awaits_nobody(WAIT_ENDS);
}

static void calls_wait(const void *domain, bool drain, const struct sync_site *site)
{
	sync_might_sleep_(site);
	if (x.cur < 0)
		return;
	door_visible(SYNC_BARRIER, domain, SYNC_FULL, site);
	for (unsigned t = x.check->threads; t < x.threads; t++)
		if (x.thread[t].code && x.thread[t].domain == domain)
			await_end((unsigned)x.cur, t);
	wait_for_ends(drain ? domain : NULL, site);
}

void sync_calls_wait_(const void *domain, const struct sync_site *site)
{
	calls_wait(domain ? domain : &x.rcu, false, site);
}

void sync_calls_drain_(const void *domain, const struct sync_site *site)
{
	calls_wait(domain, true, site);
}

void sync_join_(uint32_t self, const struct sync_site *site)
{
	if (x.cur < 0 || !self)
		return;
	await_end((unsigned)x.cur, self - 1);
	wait_for_ends(NULL, site);
}
