/* SPDX-License-Identifier: MIT */
/*
 * nearest.h - "did you mean": which of the words that are known is the nearest to one that
 * is not. Called by the parser of litmus tests and by the tool for its arguments.
 */
#ifndef MMUN_NEAREST_H
#define MMUN_NEAREST_H

#include <stddef.h>

enum { NEAREST_WORD_MAX = 64 }; /* longer words are near to nothing */

struct nearest {
	const char *wanted;
	const char *best;      /* the nearest so far; NULL: none is near enough */
	size_t distance;       /* what is as far as this, or farther, is not meant */
	char text[NEAREST_WORD_MAX + 24];
};

/* A word is meant only if it takes fewer than @distance_max changes to get to it. */
void nearest_init(struct nearest *n, const char *wanted, size_t distance_max);
void nearest_offer(struct nearest *n, const char *candidate);
/* " (did you mean 'best'?)", or "" if nothing is near; kept in @n. */
const char *nearest_text(struct nearest *n);

#endif
