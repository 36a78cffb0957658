/* SPDX-License-Identifier: MIT */
/*
 * engine.c - the state of the exploration that is under way, and how what goes
 * wrong in an execution is noted. Everything else in the layer stands on it.
 */
#include "explore/engine/engine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct engine x;

const char *const engine_kind_name[] = {
#define X(e, cls, block, name) name,
	SYNC_KINDS(X)
#undef X
};

/* --- failing ------------------------------------------------------------- */

const char *engine_thread_name(unsigned thread, char buf[8])
{
	if (thread >= x.threads)
		return "set-up";
	if (x.check->thread_name)
		return x.check->thread_name[thread];
	snprintf(buf, 8, "T%u", thread % 100);
	return buf;
}

static void fail_v(enum explore_oracle oracle, int first, int then, int target,
		   const char *fmt, va_list args)
{
	struct fail *f = &x.fail[x.fails];

	if (x.fails == FAILS_MAX) {
		x.fails_dropped++;
		return;
	}
	*f = (struct fail){ .oracle = oracle, .first = (int16_t)first, .then = (int16_t)then,
			    .target = (int16_t)target };
	vsnprintf(f->text, sizeof(f->text), fmt, args);
	for (unsigned i = 0; i < x.fails; i++)
		if (x.fail[i].oracle == oracle && !strcmp(x.fail[i].text, f->text))
			return;
	x.fails++;
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

/* --- steps that can be left out ------------------------------------------ */

/* They outlive the exploration that came by. Those of a check are told apart by place, the
 * library's by the operation that they are a step of. */
static struct optional {
	const char *what, *operation;
	const struct sync_site *site;  /* NULL: the library's */
} optional[EXPLORE_OPTIONAL_MAX];
static unsigned optionals;

unsigned explore_optionals(void) { return optionals; }
void engine_optionals_forget(void) { optionals = 0; }

struct explore_optional explore_optional_at(unsigned n)
{
	const struct optional *o = &optional[n - 1];

	ASSERT(n >= 1 && n <= optionals);
	if (!o->site)
		return (struct explore_optional){ .what = o->what, .operation = o->operation };
	return (struct explore_optional){ o->what, NULL, o->site->file, o->site->function,
					  o->site->line };
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool happens(const struct optional *like)
{
	unsigned n = 0;

	while (n < optionals && (optional[n].site != like->site ||
				 !same_text(optional[n].what, like->what) ||
				 !same_text(optional[n].operation, like->operation)))
		n++;
	if (n == optionals) {
		if (n == EXPLORE_OPTIONAL_MAX)
			return true;
		optional[optionals++] = *like;
	}
	return x.opt.leave_out != n + 1;
}

bool explore_optional_(const char *what, const struct sync_site *site)
{
	return x.cur < 0 || happens(&(struct optional){ what, NULL, site });
}

bool sync_optional(const char *what)
{
	const struct thread *t = &x.thread[x.cur < 0 ? 0 : x.cur];

	if (x.cur < 0)
		return true;
	return happens(&(struct optional){ what, t->noted_at ? NULL : t->operation.name,
					   t->noted_at });
}

/* The execution cannot go on. */
_Noreturn void engine_give_up(void)
{
	x.aborted = true;
	if (x.cur >= 0) {
		fiber_switch(&x.fiber[x.cur], &x.main);
		abort(); /* nobody switches back to a given-up fiber */
	}
	longjmp(*x.bail, 1);
}

_Noreturn void base_assert_failed(const char *expr, const char *file, int line)
{
	const char *base = strrchr(file, '/');

	if (!x.bail) {
		fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, expr);
		abort();
	}
	engine_fail(ORACLE_ASSERTION, -1, -1, x.cur >= 0 ? x.depth : -1, "%s:%d: %s",
		    base ? base + 1 : file, line, expr);
	engine_give_up();
}

_Noreturn void sync_contract_broken_(const char *expr, const struct sync_site *site)
{
	engine_fail(ORACLE_PROTOCOL, -1, -1, x.cur >= 0 ? x.depth : -1, "%s:%d: broken: %s",
		    site->function, site->line, expr);
	engine_give_up();
}

_Noreturn void explore_assert_failed(const char *expr, const char *file, int line)
{
	base_assert_failed(expr, file, line);
}

unsigned explore_step(void)
{
	int step = x.cur >= 0 ? x.thread[x.cur].last : x.depth;

	return step < 0 ? 0 : (unsigned)step;
}

bool explore_ordered(unsigned a, unsigned b)
{
	ASSERT((int)a <= x.depth && (int)b <= x.depth);
	return before(&x.step[a], &x.step[b]);
}

unsigned explore_done(void) { return x.cur >= 0 ? (unsigned)x.thread[x.cur].idx : 0; }

bool explore_follows(unsigned b, unsigned thread, unsigned n)
{
	ASSERT((int)b <= x.depth && thread < x.threads);
	return x.step[b].clk.c[thread] >= (int)n;
}
