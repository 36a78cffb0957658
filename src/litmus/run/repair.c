/* SPDX-License-Identifier: MIT */
/*
 * repair.c - what a test with findings did wrong, and what would repair it. One of the flush
 * points that the test has moved, or one of its mutations, is put back as Linux has it, and
 * the test is run again. Only what was verified is said.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "litmus/run/check.h"
#include "litmus/run/world.h"

const char *const litmus_place_names[] = {
#define X(e, name) name,
	FLUSH_POINTS(X)
#undef X
	NULL,
};

/* The rule of each kind of update, by its letter; mmun when has them all. */
static const char *const rules[] = {
	['A'] = "A: what is freed is freed after the flush",
	['B'] = "B: an entry that gets other contents is cleared, flushed, and then set, under the lock",
	['C'] = "C: an entry that moves is flushed before both page table locks are dropped",
	['D'] = "D: rights that are taken away may be flushed later, if something holds the page, "
		"nobody copies or moves it, and what the update is for waits",
	['E'] = "E: what is added needs no flush, but where a TLB keeps the rights that it knew",
};

static const char kind_of[ROW_COUNT] = {
#define X(e, name, rule, ...) [ROW_##e] = rule,
	UPDATES(X)
#undef X
};

static const struct { enum litmus_row row; const char *word; } forgets[FORGETS_COUNT] = {
#define X(op, what, text) [FORGETS_##op##_##what] = { ROW_##op, text },
	MUTATIONS(X)
#undef X
};

/* Where the semantics have a row notify. */
static unsigned default_place(const struct litmus *test, enum litmus_row row)
{
	static const enum mm_op op[ROW_COUNT] = {
#define X(e, ...) [ROW_##e] = MM_OP_##e,
		UPDATES(X)
#undef X
	};
	return flush_points_of(test->classic ? MMUN_CLASSIC : MMUN_MODERN, op[row]);
}

static void say_places(char *buf, size_t size, enum litmus_row row, unsigned places)
{
	size_t n = (size_t)snprintf(buf, size, "notify %s = ", litmus_row_names[row]);
	const char *comma = "";

	for (unsigned i = 0; litmus_place_names[i] && n < size; i++) {
		if (!(places >> i & 1))
			continue;
		n += (size_t)snprintf(buf + n, size - n, "%s%s", comma, litmus_place_names[i]);
		comma = ", ";
	}
	if (!places && n < size)
		snprintf(buf + n, size - n, "never");
}

static bool verifies(const struct litmus *test, const struct litmus_options *bounds,
		     struct litmus_repair *ret)
{
	struct litmus_report *r = malloc(sizeof(*r));
	bool good = r && !litmus_check(test, bounds, r);

	if (good) {
		ret->executions = r->explore.executions;
		good = r->explore.exhaustive && !r->explore.findings;
		litmus_report_fini(r);
	}
	free(r);
	return good;
}

/* As the semantics have it, else the latest of the other places at which it verifies. */
static bool repair_place(struct litmus *test, enum litmus_row row,
			 const struct litmus_options *bounds, struct litmus_repair *ret)
{
	unsigned was = test->place[row], semantics = default_place(test, row);
	bool good = false;

	if (!(was & PLACE_DEFAULT) && was != semantics) {
		test->place[row] = semantics;
		good = verifies(test, bounds, ret);
	}
	for (unsigned place = FLUSH_POINT_AFTER; !good && !(was & PLACE_DEFAULT) && place;
	     place >>= 1) {
		test->place[row] = place;
		good = place != was && place != semantics && verifies(test, bounds, ret);
	}
	if (good) {
		say_places(ret->what, sizeof(ret->what), row, test->place[row]);
		ret->rule = rules[(unsigned char)kind_of[row]];
	}
	test->place[row] = was;
	return good;
}

static bool repair_memory(struct litmus *test, unsigned forget, const struct litmus_options *bounds,
			  struct litmus_repair *ret)
{
	unsigned was = test->forgets;
	bool good;

	if (!(was >> forget & 1))
		return false;
	test->forgets &= ~(1u << forget);
	good = verifies(test, bounds, ret);
	if (good) {
		snprintf(ret->what, sizeof(ret->what), "leaving out '%s forgets %s'",
			 litmus_row_names[forgets[forget].row], forgets[forget].word);
		ret->rule = rules[(unsigned char)kind_of[forgets[forget].row]];
	}
	test->forgets = was;
	return good;
}

static const char several[] = "several: each statement that is named breaks one";

/* All of it at once. */
static bool repair_all(struct litmus *test, const struct litmus_options *bounds,
		       struct litmus_repair *ret)
{
	bool good;

	for (int row = 0; row < ROW_COUNT; row++) {
		const char *rule = rules[(unsigned char)kind_of[row]];

		if (!(test->place[row] & PLACE_DEFAULT))
			ret->rule = !ret->rule || ret->rule == rule ? rule :
				    several;
		test->place[row] = PLACE_DEFAULT;
	}
	test->forgets = 0;
	good = verifies(test, bounds, ret);
	snprintf(ret->what, sizeof(ret->what), "leaving out each 'notify' and 'forgets'");
	ret->rule = !good ? NULL : ret->rule ? ret->rule : several;
	return good;
}

bool litmus_repair(const struct litmus *test, const struct litmus_options *bounds,
		   struct litmus_repair *ret)
{
	struct litmus *t = malloc(sizeof(*t));
	unsigned changed = (unsigned)__builtin_popcount(test->forgets);
	bool good = false;

	*ret = (struct litmus_repair){ .rule = NULL };
	if (!t)
		return false;
	*t = *test; /* what it points to stays the other one's */
	for (int row = 0; row < ROW_COUNT && !good; row++) {
		changed += !(t->place[row] & PLACE_DEFAULT);
		good = repair_place(t, (enum litmus_row)row, bounds, ret);
	}
	for (unsigned f = 0; f < FORGETS_COUNT && !good; f++)
		good = repair_memory(t, f, bounds, ret);
	if (!good && changed > 1)
		good = repair_all(t, bounds, ret);
	free(t);
	return good;
}
