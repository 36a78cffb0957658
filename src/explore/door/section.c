/* SPDX-License-Identifier: MIT */
/*
 * section.c - owns read sections, and the waits until they are left: those of RCU, of SRCU, and
 * guards. A wait is an operation that is enabled once every section that was open at its start has
 * been left.
 */
#include "explore/door/door.h"
#include "explore/model/model.h"

/* RCU is the domain that may not sleep, x.rcu; every other one is an srcu_struct. */

/* The running thread has left a section: a thread that waited for it is ordered after it. */
static void section_left(unsigned waiter, enum wait_for what)
{
	struct wait_set *w = &x.thread[waiter].wait[what];

	if (!(w->open >> x.cur & 1))
		return;
	w->open &= (uint16_t)~(1u << x.cur);
	clock_awaited(waiter, what, (unsigned)x.cur);
}

static struct section *section_of(struct thread *t, const void *domain)
{
	for (unsigned i = 0; i < t->section_count; i++)
		if (t->section[i].domain == domain)
			return &t->section[i];
	return NULL;
}

static void section_enter(const void *domain, const struct sync_site *site)
{
	struct thread *t = &x.thread[x.cur];
	struct section *in = section_of(t, domain);
	char name[8];

	if (in) {
		in->nesting++;
		return;
	}
	door_visible(SYNC_RCU_BEGIN, domain, SYNC_ACQUIRE, site);
	if (t->section_count == SECTIONS_MAX) {
		engine_fail(ORACLE_LOCK_ORDER, -1, -1, x.depth, "%s is in %u read sections, and enters one more in %s",
			    engine_thread_name((unsigned)x.cur, name), t->section_count,
			    door_site(site));
		engine_give_up();
	}
	t->section[t->section_count++] = (struct section){ domain, 1 };
}

static void section_leave(const void *domain, const struct sync_site *site)
{
	struct thread *t = &x.thread[x.cur];
	struct section *in = section_of(t, domain);
	char name[8];

	if (!in) {
		engine_fail(ORACLE_LOCK_ORDER, -1, -1, x.depth, "%s leaves in %s a read section that it is not in",
			    engine_thread_name((unsigned)x.cur, name), door_site(site));
		engine_give_up();
	}
	if (--in->nesting)
		return;
	door_let_go(domain, site);
	if (domain != &x.rcu)
		plain_let_go(domain, DOMAIN_BYTES, site);
	*in = t->section[--t->section_count];
	for (unsigned q = 0; q < x.threads; q++)
		if (x.thread[q].wait[WAIT_RCU].domain == domain)
			section_left(q, WAIT_RCU);
	clock_left(domain);
	clock_next_epoch();
}

uint16_t section_open(const void *domain)
{
	uint16_t open = 0;

	for (unsigned q = 0; q < x.threads; q++)
		if (section_of(&x.thread[q], domain))
			open |= (uint16_t)(1u << q);
	return open;
}

/* A thread that is in a section of the domain itself waits forever. */
static void section_wait(const void *domain, const struct sync_site *site)
{
	struct wait_set *w = &x.thread[x.cur].wait[WAIT_RCU];

	door_visible(SYNC_RCU_SYNC, domain, SYNC_FULL, site);
	w->domain = domain;
	w->open = section_open(domain);
	clock_awaits_nobody(WAIT_RCU);
	clock_awaits((unsigned)x.cur, WAIT_RCU, domain);
	door_waits();
	door_visible(SYNC_RCU_WAIT, domain, SYNC_FULL, site);
}

void sync_rcu_lock_(const struct sync_site *site)
{
	if (x.cur < 0)
		return;
	section_enter(&x.rcu, site);
	x.thread[x.cur].rcu++;
}

void sync_rcu_unlock_(const struct sync_site *site)
{
	if (x.cur < 0)
		return;
	section_leave(&x.rcu, site);
	x.thread[x.cur].rcu--;
}

void sync_rcu_synchronize_(const struct sync_site *site)
{
	sync_might_sleep_(site);
	if (x.cur >= 0 && !x.thread[x.cur].rcu) /* else that was said */
		section_wait(&x.rcu, site);
}

void sync_srcu_lock_(const void *domain, const struct sync_site *site)
{
	if (x.cur >= 0)
		section_enter(domain, site);
}

void sync_srcu_enter_(const void *domain, const struct sync_site *site)
{
	if (x.cur < 0)
		return;
	if (section_of(&x.thread[x.cur], domain))
		door_visible(SYNC_RCU_BEGIN, domain, SYNC_ACQUIRE, site);
	section_enter(domain, site);
}

void sync_srcu_unlock_(const void *domain, const struct sync_site *site)
{
	if (x.cur >= 0)
		section_leave(domain, site);
}

void sync_srcu_synchronize_(const void *domain, const struct sync_site *site)
{
	sync_might_sleep_(site);
	if (x.cur >= 0)
		section_wait(domain, site);
}

void sync_guard_enter_(const struct sync_site *site)
{
	struct thread *t;

	(void)site;
	if (x.cur < 0)
		return;
	t = &x.thread[x.cur];
	ASSERT(!t->guard);
	t->guard = true;
	t->guard_words = 0;
}

void sync_guard_loaded_(const atomic_u64 *w)
{
	struct thread *t;

	if (x.cur < 0)
		return;
	t = &x.thread[x.cur];
	ASSERT(t->guard);
	for (unsigned i = 0; i < t->guard_words; i++)
		if (t->guard_word[i] == w)
			return;
	ASSERT(t->guard_words < GUARD_WORDS_MAX);
	t->guard_word[t->guard_words++] = w;
}

void sync_guard_leave_(const struct sync_site *site)
{
	struct thread *t;

	if (x.cur < 0)
		return;
	t = &x.thread[x.cur];
	ASSERT(t->guard);
	door_let_go(NULL, site);
	t->guard = false;
	for (unsigned q = 0; q < x.threads; q++)
		section_left(q, WAIT_GUARDS);
	for (unsigned i = 0; i < t->guard_words; i++)
		clock_left(t->guard_word[i]);
	clock_next_epoch();
}

void sync_guard_mark_(const atomic_u64 *w)
{
	struct thread *t;

	if (x.cur < 0)
		return;
	t = &x.thread[x.cur];
	ASSERT(!t->guard);
	for (unsigned q = 0; q < x.threads; q++)
		for (unsigned i = 0; x.thread[q].guard && i < x.thread[q].guard_words; i++)
			if (x.thread[q].guard_word[i] == w)
				t->wait[WAIT_GUARDS].open |= (uint16_t)(1u << q);
	clock_awaits((unsigned)x.cur, WAIT_GUARDS, w);
}

void sync_guard_wait_(const struct sync_site *site)
{
	if (x.cur < 0)
		return;
	door_visible(SYNC_GUARD_WAIT, NULL, SYNC_FULL, site);
	x.thread[x.cur].wait[WAIT_GUARDS].open = 0;
	clock_awaits_nobody(WAIT_GUARDS);
}
