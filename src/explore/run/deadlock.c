/* SPDX-License-Identifier: MIT */
/*
 * deadlock.c - reports an execution in which no thread can go on: first the cycle of threads that
 * wait for each other's locks, if there is one, and then the other threads that wait.
 */
#include "explore/run/run.h"

#include <stdio.h>

/* The writer that keeps the thread, which wants to read, from going on; -1: none does. */
static int writer_before(unsigned thread, const struct held **ret_wants)
{
	const rwsem_t *sem = x.thread[thread].behind;

	for (unsigned t = 0; t < x.threads && sem; t++) {
		const struct thread *w = &x.thread[t];

		if (!(x.alive >> t & 1) || x.pend[t].kind != SYNC_WLOCK || x.pend[t].addr != sem)
			continue;
		*ret_wants = &w->held[w->held_count - 1];
		return (int)t;
	}
	return -1;
}

/* The thread, not @thread, that has the lock that @thread waits for, with where it took it, or is
 * before it in the lock's queue; -1: it waits for no lock, or nobody alive has it. */
static int holder_of(unsigned thread, const struct held **ret_held)
{
	const struct pending *p = &x.pend[thread];

	if (x.thread[thread].behind)
		return writer_before(thread, ret_held);
	if (p->kind != SYNC_LOCK && p->kind != SYNC_RLOCK && p->kind != SYNC_WLOCK)
		return -1;
	for (unsigned t = 0; t < x.threads; t++) {
		const struct thread *h = &x.thread[t];
		/* A thread that waits for a lock has it in its list already, as the last one. */
		unsigned has = h->held_count - (x.alive >> t & 1 && h->held_count &&
						h->held[h->held_count - 1].lock == x.pend[t].addr);

		for (unsigned i = 0; i < has && t != thread; i++) {
			if (h->held[i].lock != p->addr)
				continue;
			*ret_held = &h->held[i];
			return (int)t;
		}
	}
	return -1;
}

/* A thread in the cycle of threads that wait for each other's locks; -1: there is none. */
static int cycle_start(void)
{
	const struct held *held;

	for (unsigned t = 0; t < x.threads; t++) {
		int at = (int)t;

		for (unsigned n = 0; n < x.threads && at >= 0; n++) {
			at = x.alive >> at & 1 ? holder_of((unsigned)at, &held) : -1;
			if (at == (int)t)
				return at;
		}
	}
	return -1;
}

struct said { char text[240]; size_t n; };

static void say_wait(struct said *s, unsigned thread)
{
	const struct pending *p = &x.pend[thread];
	const struct held *held;
	int holder = holder_of(thread, &held);
	char name[8], other[8];

	if (s->n >= sizeof(s->text))
		return;
	s->n += (size_t)snprintf(s->text + s->n, sizeof(s->text) - s->n, "%s%s ",
				 s->n ? ", " : "", engine_thread_name(thread, name));
	if (s->n >= sizeof(s->text))
		return;
	if (holder >= 0)
		s->n += (size_t)snprintf(s->text + s->n, sizeof(s->text) - s->n,
					 x.thread[thread].behind ?
						"waits in %s:%d to read behind %s, which wants to "
						"write in %s:%d" :
						"waits in %s:%d for the lock that %s took in %s:%d",
					 p->site->function, p->site->line,
					 engine_thread_name((unsigned)holder, other),
					 held->site->function, held->site->line);
	else
		s->n += (size_t)snprintf(s->text + s->n, sizeof(s->text) - s->n,
					 "%s forever (%s) in %s",
					 p->kind == SYNC_RELAX || p->kind == SYNC_SPIN ?
						"tries again" : "waits",
					 engine_operations[p->kind].name, p->site->function);
}

/* Does the thread wait for a lock that it has? It holds a lock from when it begins to wait. */
static bool waits_for_itself(const struct thread *t, const struct pending *p)
{
	unsigned times = 0;

	for (unsigned i = 0; i < t->held_count; i++)
		times += t->held[i].lock == p->addr;
	return times > 1;
}

/* Somebody has taken a lock again, or ended with one, or in a read section. That is a finding of
 * its own, and this is what comes of it. */
static bool is_explained(void)
{
	bool explained = false;

	for (unsigned i = 0; i < x.fails; i++)
		explained |= x.fail[i].oracle == ORACLE_LOCK_HELD;
	for (unsigned t = 0; t < x.threads; t++)
		explained |= (x.alive >> t & 1) && waits_for_itself(&x.thread[t], &x.pend[t]);
	return explained;
}

/* Nobody can go on. First the cycle, if there is one, in its order; then who waits besides. */
void deadlock_report(void)
{
	int first = cycle_start(), at = first;
	struct said s = { .n = 0 };
	unsigned done = 0;
	bool spins = false;

	if (is_explained())
		return;
	while (at >= 0 && !(done >> at & 1)) {
		const struct held *held;

		done |= 1u << at;
		say_wait(&s, (unsigned)at);
		at = holder_of((unsigned)at, &held);
	}
	for (unsigned t = 0; t < x.threads; t++) {
		if (!(x.alive >> t & 1))
			continue;
		spins |= x.pend[t].kind == SYNC_RELAX || x.pend[t].kind == SYNC_SPIN;
		if (!(done >> t & 1))
			say_wait(&s, t);
	}
	engine_fail(spins && first < 0 ? ORACLE_LIVENESS : ORACLE_DEADLOCK, -1, -1, -1, "%s%s",
		    first >= 0 ? "a cycle: " : "", s.text);
	for (unsigned t = 0; t < x.threads; t++)
		if (x.alive >> t & 1) {
			const struct held *held;

			explore_fail_is_about(t);
			explore_fail_is_about((unsigned)holder_of(t, &held));
		}
}
