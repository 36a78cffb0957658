/* SPDX-License-Identifier: MIT */
/*
 * origin.c - owns the numbers and names of threads that other threads start. Such a thread is
 * known by the thread that starts it, and as the how manieth it is started there. Equivalent
 * executions agree in that, so it has the same number in all executions of an exploration: the
 * next free one when it is started for the first time.
 *
 * In a replay string, which another process may read, a thread is named by its origin: "b" is the
 * second thread of the check, "bA" the first one that it starts, and "zA" the first one that
 * set-up has started.
 */
#include "explore/engine/engine.h"
#include "explore/engine/flat.h"

#include <stdio.h>

enum { NTH_MAX = 26 };

int engine_stack(unsigned thread)
{
	const struct fiber *f = &x.fiber[thread];
	int err = fiber_create(&x.fiber[thread], STACK_BYTES);

	if (err)
		return err;
	if (!x.stacks_low || f->stack < x.stacks_low)
		x.stacks_low = f->stack;
	if (f->stack + f->stack_size > x.stacks_high)
		x.stacks_high = f->stack + f->stack_size;
	return 0;
}

int origin_thread(unsigned parent, unsigned nth)
{
	unsigned t = x.check->threads;

	while (t < x.threads && (x.origin[t].parent != parent || x.origin[t].nth != nth))
		t++;
	if (t < x.threads)
		return (int)t;
	if (t == T_MAX || nth > NTH_MAX) {
		x.out_of_threads = true;
		return -1;
	}
	if (engine_stack(t)) {
		x.out_of_memory = true;
		return -1;
	}
	x.origin[t] = (struct origin){ (uint8_t)parent, (uint8_t)nth };
	x.threads++;
	return (int)t;
}

/* --- names --------------------------------------------------------------- */

/* The how manieth thread it is that its parent has started with this code. */
static unsigned namesakes(unsigned thread)
{
	unsigned n = 1;

	for (unsigned t = x.check->threads; t < x.threads; t++)
		n += x.origin[t].parent == x.origin[thread].parent &&
		     x.origin[t].nth < x.origin[thread].nth && x.thread[t].code &&
		     x.thread[t].begins_at == x.thread[thread].begins_at;
	return n;
}

/* "T0/free_page", "T0/free_page.2" */
static const char *name_of_started(unsigned thread)
{
	static char name[T_MAX][EXPLORE_NAME_BYTES];
	const struct sync_site *site = x.thread[thread].begins_at;
	unsigned nth = x.thread[thread].code ? namesakes(thread) : 1;
	char parent[8];
	size_t n;

	n = (size_t)snprintf(name[thread], EXPLORE_NAME_BYTES, "%.16s/%.24s",
			     engine_thread_name(x.origin[thread].parent, parent),
			     x.thread[thread].code ? site->function : "?");
	if (nth > 1)
		snprintf(name[thread] + n, EXPLORE_NAME_BYTES - n, ".%u", nth);
	return name[thread];
}

const char *engine_thread_name(unsigned thread, char buf[8])
{
	if (thread >= x.threads)
		return thread == ENDING ? "the end" : "set-up";
	if (thread >= x.check->threads)
		return name_of_started(thread);
	if (x.check->thread_name)
		return x.check->thread_name[thread];
	snprintf(buf, 8, "T%u", thread % 100);
	return buf;
}

/* --- in replay strings ---------------------------------------------------- */

size_t origin_print(unsigned thread, char *buf)
{
	size_t n = 0;

	if (thread >= x.check->threads && thread < T_MAX) {
		n = origin_print(x.origin[thread].parent, buf);
		buf[n++] = (char)('A' + x.origin[thread].nth - 1);
	} else {
		buf[n++] = (char)(thread == SETUP ? 'z' : 'a' + thread);
	}
	return n;
}

int origin_parse(const char **text)
{
	int thread = **text == 'z' ? SETUP : **text - 'a';

	if (thread < 0 || (thread >= (int)x.check->threads && thread != SETUP))
		return -1;
	for (++*text; thread >= 0 && **text >= 'A' && **text <= 'Z'; ++*text)
		thread = origin_thread((unsigned)thread, (unsigned)(**text - 'A' + 1));
	return thread == SETUP ? -1 : thread;
}

/* --- in records ---------------------------------------------------------- */

void origin_save(struct flat *f)
{
	flat_put_number(f, x.threads);
	for (unsigned t = x.check->threads; t < x.threads; t++) {
		flat_put_number(f, x.origin[t].parent);
		flat_put_number(f, x.origin[t].nth);
	}
}

bool origin_load(struct flat_reader *r)
{
	unsigned threads = (unsigned)flat_get_number(r, T_MAX);

	for (unsigned t = x.check->threads; t < threads && !r->wrong; t++) {
		unsigned parent = (unsigned)flat_get_number(r, SETUP);
		unsigned nth = (unsigned)flat_get_number(r, NTH_MAX);

		if (!nth || (parent >= t && parent != SETUP) ||
		    origin_thread(parent, nth) != (int)t)
			return false;
	}
	return !r->wrong && threads == x.threads;
}
