/* SPDX-License-Identifier: MIT */
/*
 * processors.c - knows which processor a thread is on, whether interrupts are off there, and which
 * locks calls take.
 *
 * Each processor has a lock. A thread holds its own while its interrupts are off, and a call holds
 * that of its processor as long as it runs. So the two never overlap, and who waits for the lock
 * waits until interrupts are on.
 *
 * A call that spins for a lock which its processor has taken with interrupts on would wait for
 * ever, since the interrupted thread does not go on. Threads go on here; so each lock is noted that
 * a call takes, or that is taken with interrupts on, and a lock that is both on one processor is a
 * finding, in whatever order it comes, as lockdep has it.
 */
#include "checks/names/processors.h"

enum { IS_CALL = 0x100 };

_Static_assert(sizeof(struct processors) <= SYNC_SCRATCH_BYTES, "it has room");

struct processors *processors_now(void) { return sync_scratch_(); }
bool processor_is_outside(void) { return sync_self() > PROCESSORS; }

/* Of a thread that was started: its processor, if it is a call. Nobody else looks there. */
UNWATCHED static uint64_t word_of(uint32_t self) { return sync_word_of_(self)->v; }
UNWATCHED static void set_word(uint32_t self, uint64_t v) { sync_word_of_(self)->v = v; }

void processor_calls(uint32_t self, unsigned cpu) { set_word(self, IS_CALL | cpu); }

bool processor_is_called(void)
{
	uint32_t self = sync_self();

	return self > sync_check_threads_() && !processor_is_outside() &&
	       (word_of(self) & IS_CALL);
}

unsigned processor_now(void)
{
	uint32_t self = sync_self();

	if (processor_is_outside())
		return 0;
	return processor_is_called() ? word_of(self) & (IS_CALL - 1) : self - 1;
}

bool processor_is_off(void)
{
	return !processor_is_outside() && sync_holds_(&processors_now()->off[processor_now()]);
}

/* --- locks that calls take -------------------------------------------------- */

/* What is noted is the same in whatever order. */
UNWATCHED static struct noted *noted_of(const void *lock)
{
	struct processors *p = processors_now();
	struct noted *n = p->noted;

	while (n < &p->noted[p->noted_count] && n->lock != lock)
		n++;
	if (n == &p->noted[LOCKS_MAX])
		return NULL;
	if (n == &p->noted[p->noted_count]) {
		p->noted_count++;
		n->lock = lock;
	}
	return n;
}

UNWATCHED void names_lock_taken(const void *lock, bool reads, bool spins,
				const struct sync_site *site)
{
	struct noted *n;
	uint16_t bit;

	if (processor_is_outside())
		return;
	n = noted_of(lock);
	bit = (uint16_t)(1u << processor_now());
	if (!n)
		return;
	if (!processor_is_called() && !processor_is_off()) {
		n->on[reads] |= bit;
		n->on_at = site;
	} else if (processor_is_called() && spins) {
		n->in[reads] |= bit;
		n->in_at = site;
	}
	if (((n->in[0] & (n->on[0] | n->on[1])) | (n->in[1] & n->on[0])) & bit)
		explore_fail(ORACLE_LOCK_ORDER, "T%u takes in %s:%d with interrupts on a lock for which its interrupts wait in %s:%d",
			     processor_now(),
			     n->on_at->function, n->on_at->line,
			     n->in_at->function, n->in_at->line);
}
