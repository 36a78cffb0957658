/* SPDX-License-Identifier: MIT */
/*
 * other_sentences.c - takes the place of src/explore/engine/events.c: the same kinds of events,
 * with the same words, in other sentences. What a program that is linked with it finds and
 * compares must be what it is without.
 */
#include "explore/engine/engine.h"

const struct explore_kind engine_events[] = {
#define W(type, name) { #name, EXPLORE_##type },
#define X(e, name, role, sentence, words) \
	{ name, EXPLORE_##role, "> lock 0x40 of P0, unlock D0: " name, EVENT_WORDS_##e, { words } },
	SYNC_EVENTS(X, W)
#undef X
#undef W
};

const struct explore_kind engine_operations[] = {
#define X(e, cls, block, name) \
	{ name, EXPLORE_OPERATION, "something", (e) == SYNC_LOAD || (e) == SYNC_STORE, \
	  { { "value", EXPLORE_NUMBER } } },
	SYNC_KINDS(X)
#undef X
};
