/* SPDX-License-Identifier: MIT */
/*
 * engine.c - holds the state of the exploration that is under way, and notes what goes wrong in an
 * execution, or could go wrong unseen. All rooms of the explorer stand on it.
 */
#include "explore/engine/engine.h"
#include "base/hash.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct engine x;

void schedule_free(struct schedule *schedule)
{
	free(schedule->thread);
	free(schedule->choice);
	*schedule = (struct schedule){ 0 };
}

/* --- failing ------------------------------------------------------------- */

/* The library's own lines say nothing to who reads a finding. */
bool engine_is_of_library(const struct sync_site *site)
{
	return !strncmp(site->file, "src/", 4);
}

const char *engine_place(struct whence whence, char buf[PLACE_LENGTH])
{
	const struct sync_site *site = whence.site;

	if (!engine_is_of_library(site))
		snprintf(buf, PLACE_LENGTH, "%s:%d", site->function, site->line);
	else
		snprintf(buf, PLACE_LENGTH, "%s",
			 whence.operation ? whence.operation : site->function);
	return buf;
}

static unsigned thread_of_step(int step)
{
	return step >= 0 && step < x.depth ? 1u << x.step[step].thread : 0;
}

/* Without further word it is about the thread that runs, and those whose steps it names. */
static void fail_v(enum explore_oracle oracle, int first, int then, int target,
		   const char *fmt, va_list args)
{
	struct fail *f = &x.fail[x.fails];

	x.failed = NULL;
	if (x.fails == FAILS_MAX) {
		x.fails_dropped++;
		return;
	}
	*f = (struct fail){ .oracle = oracle, .first = (int16_t)first, .then = (int16_t)then,
			    .target = (int16_t)target };
	f->threads = (uint16_t)((x.cur >= 0 ? 1u << x.cur : 0) | thread_of_step(first) |
				thread_of_step(then) | thread_of_step(target));
	vsnprintf(f->text, sizeof(f->text), fmt, args);
	for (unsigned i = 0; i < x.fails && !x.failed; i++)
		if (x.fail[i].oracle == oracle && !strcmp(x.fail[i].text, f->text))
			x.failed = &x.fail[i];
	if (x.failed)
		return;
	x.failed = f;
	x.fails++;
}

void explore_fail_is_about(unsigned thread)
{
	if (x.failed && thread < x.threads)
		x.failed->threads |= (uint16_t)(1u << thread);
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
	while (text && *text)
		hash = hash_mix(hash, (unsigned char)*text++);
	return hash;
}

/* The same in every process. */
static uint64_t cause_of(struct whence w)
{
	char place[PLACE_LENGTH];

	return hash_text(hash_text(1, engine_place(w, place)), w.site->file) | 1;
}

static void caused_by(uint64_t cause)
{
	struct fail *f = x.failed;

	if (!f)
		return;
	f->cause = cause;
	for (unsigned i = 0; i < x.fails; i++) {
		struct fail *first = &x.fail[i];

		if (first == f || first->oracle != f->oracle || first->cause != f->cause)
			continue;
		first->threads |= f->threads;
		x.failed = first;
		x.fails -= f == &x.fail[x.fails - 1];
		return;
	}
}

void engine_fail_is_of(struct whence whence, const struct whence *and)
{
	caused_by((cause_of(whence) + (and ? cause_of(*and) : 0)) | 1);
}

void engine_fail_is_because(const char *what)
{
	caused_by(hash_text(1, what) | 1);
}

void engine_fail_is_at(const struct sync_site *site)
{
	struct fail *f = x.failed;

	for (unsigned i = 0; f && i < f->sites; i++)
		if (f->site[i]->line == site->line && !strcmp(f->site[i]->function, site->function))
			return;
	if (f && f->sites < EXPLORE_PLACES_MAX)
		f->site[f->sites++] = site;
}

void engine_fail(enum explore_oracle oracle, int first, int then, int target,
		 const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fail_v(oracle, first, then, target, fmt, args);
	va_end(args);
}

void explore_fail(enum explore_oracle oracle, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fail_v(oracle, -1, -1, -1, fmt, args);
	va_end(args);
}

void explore_fail_if_reordered(enum explore_oracle oracle, unsigned first, unsigned then,
			       const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fail_v(oracle, (int)first, (int)then, (int)then, fmt, args);
	va_end(args);
}

void explore_add_unwatched(struct explore_result *r, const char *fmt, ...)
{
	char text[EXPLORE_UNWATCHED_BYTES];
	unsigned last = EXPLORE_UNWATCHED_MAX - 1;
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	for (unsigned n = 0; n < r->unwatched_count; n++)
		if (!strcmp(r->unwatched[n], text))
			return;
	if (r->unwatched_count == EXPLORE_UNWATCHED_MAX)
		snprintf(r->unwatched[last], sizeof(text), "and more");
	else
		memcpy(r->unwatched[r->unwatched_count++], text, sizeof(text));
}

/* The execution cannot go on. */
_Noreturn void engine_give_up(void)
{
	x.aborted = true;
	if (x.cur >= 0 && !x.on_main) {
		fiber_switch(&x.fiber[x.cur], &x.main, 0);
		abort(); /* nobody switches back to a given-up fiber */
	}
	longjmp(*x.bail, 1);
}
