/* SPDX-License-Identifier: MIT */
/*
 * code.c - finds where in the source a code address is, for operations of which only a call tells.
 * The program that explores knows it (explore_places()). An address becomes a sync_site when it is
 * asked for the first time, and the site stays for as long as the process lives.
 */
#include "explore/door/door.h"
#include "base/hash.h"

#include <stdio.h>
#include <stdlib.h>

enum { SITES_MAX = 4096, NAME_MAX_BYTES = 64 };

struct code {
	const void *pc;
	struct sync_site site;
	char function[NAME_MAX_BYTES], file[NAME_MAX_BYTES];
};

static struct code *code[SITES_MAX];
static const struct sync_site too_many = { "?", "?", 0 };

static void (*place_of)(void *arg, const void *pc, struct explore_place *ret);
static void *place_arg;

void explore_places(void (*place)(void *arg, const void *pc, struct explore_place *ret), void *arg)
{
	place_of = place;
	place_arg = arg;
}

/* In function, file and line, if who explores knows. */
static void code_name(struct code *c)
{
	struct explore_place found = { .function = "?", .file = "?" };

	if (place_of)
		place_of(place_arg, c->pc, &found);
	snprintf(c->function, sizeof(c->function), "%s", found.function);
	snprintf(c->file, sizeof(c->file), "%s", found.file);
	c->site = (struct sync_site){ c->file, c->function, found.line };
}

/* The call that returns to @address. */
const struct sync_site *sync_called_from_(const void *address)
{
	const void *pc = (const char *)address - 1;
	size_t i = (hash_number((uintptr_t)pc) >> 40) % SITES_MAX;

	for (size_t n = 0; n < SITES_MAX; n++, i = (i + 1) % SITES_MAX) {
		if (code[i] && code[i]->pc == pc)
			return &code[i]->site;
		if (code[i])
			continue;
		code[i] = calloc(1, sizeof(**code));
		if (!code[i])
			break;
		code[i]->pc = pc;
		code_name(code[i]);
		if (x.watching && x.cur >= 0 && !x.on_main)
			fiber_wipe_deep(&x.fiber[x.cur]);
		return &code[i]->site;
	}
	return &too_many;
}
