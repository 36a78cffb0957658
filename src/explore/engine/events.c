/* SPDX-License-Identifier: MIT */
/*
 * events.c - the kinds of events as a table, from the door's list of what code says and from
 * its list of operations. A trace keeps a kind's row and the words.
 */
#include "explore/engine/engine.h"

const struct explore_kind engine_events[] = {
#define W(type, name) { #name, EXPLORE_##type },
#define X(e, name, role, sentence, words) \
	{ name, EXPLORE_##role, sentence, EVENT_WORDS_##e, { words } },
	SYNC_EVENTS(X, W)
#undef X
#undef W
};

/* Loads and stores have a word: the value. */
const struct explore_kind engine_operations[] = {
#define X(e, cls, block, name) \
	{ name, EXPLORE_OPERATION, name, (e) == SYNC_LOAD || (e) == SYNC_STORE, \
	  { { "value", EXPLORE_NUMBER } } },
	SYNC_KINDS(X)
#undef X
};

_Static_assert((int)EXPLORE_WORDS_MAX == (int)EVENT_WORDS_MAX, "events have the kinds' words");
