/* SPDX-License-Identifier: MIT */
/*
 * later.c - stands behind the names of what is called after a grace period: call_rcu(),
 * call_srcu(), kfree_rcu(), and the barriers that wait for it. Each call is a thread of its own,
 * of which the explorer knows when it may begin.
 */
#include "checks/names/names.h"

/* A head that is queued points to itself. What it holds before that has no meaning, so nobody
 * is told of this look at it. */
UNWATCHED static void queue(const struct kernel_at_ *at, struct rcu_head *head)
{
	if (head->next == head) {
		explore_fail(ORACLE_PROTOCOL, "%s in %s:%d of a head that is queued already",
			     at->text ? at->text : "call_rcu", at->site.function, at->site.line);
		sync_give_up();
	}
	head->next = head;
}

UNWATCHED static rcu_callback_t take(struct rcu_head *head)
{
	head->next = NULL;
	return head->func;
}

static void call(void *arg)
{
	struct rcu_head *head = arg;
	rcu_callback_t func;

	if (sync_uses_(head, sizeof(*head), SYNC_AFTER_STEP, KERNEL_SITE_)) {
		func = take(head);
		func(head);
	}
}

void kernel_call_later_(const struct kernel_at_ *at, const void *domain, struct rcu_head *head,
			rcu_callback_t func)
{
	const struct sync_site *begins_at = sync_called_from_(
		(const char *)(const void *)(uintptr_t)func + 1);

	queue(at, head);
	sync_call_later_((struct sync_start){ .code = call, .arg = head, .domain = domain,
					      .begins_at = begins_at, .nonblock = true },
			 &at->site);
	sync_event_at(&at->site, CALL_LATER, (uintptr_t)"will call ",
		      (uintptr_t)begins_at->function);
}

static void free_one(void *p)
{
	static const struct sync_site site = { __FILE__, "kfree_rcu", __LINE__ };

	sync_event_at(&site, KFREE);
	sync_free_(p, &site);
}

void kernel_kfree_later_(const struct kernel_at_ *at, void *p)
{
	static const struct sync_site begins_at = { __FILE__, "kfree_rcu", __LINE__ };

	if (!p)
		return;
	sync_call_later_((struct sync_start){ .code = free_one, .arg = p,
					      .begins_at = &begins_at, .nonblock = true },
			 &at->site);
	sync_event_at(&at->site, CALL_LATER, (uintptr_t)"kfree_rcu", (uintptr_t)"");
}

void kernel_rcu_barrier_(const struct kernel_at_ *at)
{
	sync_calls_wait_(NULL, &at->site);
	sync_event_at(&at->site, CALLS_OVER, (uintptr_t)"rcu_barrier");
}

void kernel_srcu_barrier_(const struct kernel_at_ *at, struct srcu_struct *srcu)
{
	sync_calls_wait_(srcu, &at->site);
	sync_event_at(&at->site, CALLS_OVER, (uintptr_t)"srcu_barrier");
}
