/* SPDX-License-Identifier: MIT */
/*
 * gaps.c - a list of gaps, and what is said of inline assembly whichever compiler has seen it.
 * gaps_gcc.c and gaps_clang.c fill the list.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "checks/run/gaps.h"

static bool grow(struct gaps *g)
{
	size_t capacity = g->capacity ? 2 * g->capacity : 16;
	struct gap *grown;

	if (g->count < g->capacity)
		return true;
	grown = realloc(g->gap, capacity * sizeof(*grown));
	if (!grown)
		return false;
	g->gap = grown;
	g->capacity = capacity;
	return true;
}

void gaps_add(struct gaps *g, const char *function, size_t function_length, bool on_stack,
	      const char *fmt, ...)
{
	char *name = grow(g) ? strndup(function, function_length) : NULL;
	struct gap *gap;
	va_list args;

	if (!name) {
		g->failed = true;
		return;
	}
	gap = &g->gap[g->count++];
	*gap = (struct gap){ .function = name, .on_stack = on_stack };
	va_start(args, fmt);
	vsnprintf(gap->text, sizeof(gap->text), fmt, args);
	va_end(args);
}

void gaps_fini(struct gaps *g)
{
	for (size_t n = 0; n < g->count; n++)
		free(g->gap[n].function);
	free(g->gap);
	*g = (struct gaps){ 0 };
}

/* Nothing at all, a hint for the processor, or a barrier. */
bool gaps_asm_is_harmless(const char *text, size_t length)
{
	static const char *const known[] = {
		"", "nop", "pause", "rep; nop", "rep nop", "mfence", "lfence", "sfence", "yield",
		"isb", "dmb ish", "dmb ishld", "dmb ishst",
	};

	for (size_t n = 0; n < ARRAY_SIZE(known); n++)
		if (strlen(known[n]) == length && !memcmp(known[n], text, length))
			return true;
	return false;
}
