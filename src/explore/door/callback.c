/* SPDX-License-Identifier: MIT */
/*
 * callback.c - knows in which callback of the library's user a thread is, and judges what it
 * calls there. The library says when a callback begins and ends, and at the head of each of its
 * own functions whether a callback may call it. By these heads it also knows which function the
 * user called last, for what is said when the user breaks a contract.
 *
 * A thread that is in a callback is in the user's code again: what it does is said to be done
 * where it stands there, and not at the word that led into the library.
 */
#include "explore/door/door.h"

struct sync_callback sync_callback_begin_(const char *name, unsigned is)
{
	struct thread *t = &x.thread[x.cur < 0 ? 0 : x.cur];
	struct sync_callback before = { 0 };

	if (x.cur < 0)
		return before;
	before = t->callback;
	before.noted_at = t->noted_at;
	t->callback = (struct sync_callback){ .name = name, .is = is };
	t->noted_at = NULL;
	if (is & SYNC_CALLED_ATOMIC)
		sync_nonblock_begin();
	return before;
}

void sync_callback_end_(struct sync_callback *before)
{
	struct thread *t = &x.thread[x.cur < 0 ? 0 : x.cur];

	if (x.cur < 0)
		return;
	if (t->callback.is & SYNC_CALLED_ATOMIC)
		sync_nonblock_end();
	t->noted_at = before->noted_at;
	t->callback = *before;
}

void sync_callback_calls_(const char *call, unsigned not_if, const struct sync_site *site)
{
	const struct thread *t = &x.thread[x.cur < 0 ? 0 : x.cur];
	char name[8];

	if (x.cur < 0 || !(t->callback.is & not_if))
		return;
	engine_fail(ORACLE_PROTOCOL, -1, -1, x.depth, "%s calls %s in %s:%d, which the callback %s must not%s",
		    engine_thread_name((unsigned)x.cur, name), call, site->function, site->line,
		    t->callback.name, not_if == SYNC_CALLED_RECLAIMING ? ": it may reclaim" : "");
	engine_give_up();
}

void sync_user_calls_(const char *call, unsigned not_if, const void *address)
{
	if (x.cur < 0)
		return;
	x.thread[x.cur].call = (struct user_call){ call, address };
	if (x.thread[x.cur].callback.is & not_if)
		sync_callback_calls_(call, not_if, sync_called_from_(address));
}

/* Where a check stands that has called the library: a word of its own, or a public function. */
_Noreturn void sync_contract_broken_(const char *wrong, const struct sync_site *site)
{
	const struct thread *t = &x.thread[x.cur < 0 ? 0 : x.cur];
	const char *call = NULL;
	char name[8];

	if (x.cur >= 0 && t->noted_at) {
		site = t->noted_at;
	} else if (x.cur >= 0 && t->call.name) {
		call = t->call.name;
		site = sync_called_from_(t->call.address);
	}
	engine_fail(ORACLE_PROTOCOL, -1, -1, x.cur >= 0 ? x.depth : -1, "%s%s%s in %s:%d: %s",
		    x.cur < 0 ? "set-up or end" : engine_thread_name((unsigned)x.cur, name),
		    call ? " calls " : "", call ? call : "", site->function, site->line, wrong);
	engine_give_up();
}
