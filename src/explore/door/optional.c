/* SPDX-License-Identifier: MIT */
/*
 * optional.c - keeps the list of steps that a check can be run without, to see whether they are
 * needed. Flushes and notifications ask here whether they happen. They do, except for the one that
 * the options of the exploration leave out. The list outlives the exploration that filled it, so
 * that its user can ask for one of them to be left out in the next.
 */
#include "explore/door/door.h"

#include <string.h>

/* They outlive the exploration that came by. Those of a check are told apart by place, the
 * library's by the operation that they are a step of. */
static struct optional {
	const char *what, *operation;
	const struct sync_site *site;  /* NULL: the library's */
} optional[EXPLORE_OPTIONAL_MAX];
static unsigned optionals;

unsigned explore_optionals(void) { return optionals; }
void optionals_forget(void) { optionals = 0; }

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
