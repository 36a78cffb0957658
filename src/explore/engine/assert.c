/* SPDX-License-Identifier: MIT */
/*
 * assert.c - what a broken assertion does in the checked build: it becomes a finding of the
 * execution that broke it, which ends there. The assertion may be one of the core (ASSERT())
 * or one of a check (EXPLORE_ASSERT()). Outside of any execution there is nobody to tell, and
 * the process ends.
 */
#include "explore/engine/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

_Noreturn void explore_assert_failed(const char *expr, const char *file, int line)
{
	base_assert_failed(expr, file, line);
}
