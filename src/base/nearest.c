/* SPDX-License-Identifier: MIT */
/*
 * nearest.c - words are compared by Levenshtein's distance: how many letters have to be put
 * in, taken out or changed to get from one to the other.
 */
#include "base/nearest.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static size_t min(size_t a, size_t b) { return a < b ? a : b; }

/* Computed one row at a time. SIZE_MAX if a word is too long. */
static size_t distance(const char *a, const char *b)
{
	size_t row[NEAREST_WORD_MAX + 1], n = strlen(b);

	if (strlen(a) > NEAREST_WORD_MAX || n > NEAREST_WORD_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < n; j++) {
			size_t change = diagonal + (a[i] != b[j]);

			diagonal = row[j + 1];
			row[j + 1] = min(change, min(diagonal, row[j]) + 1);
		}
	}
	return row[n];
}

void nearest_init(struct nearest *n, const char *wanted, size_t distance_max)
{
	*n = (struct nearest){ .wanted = wanted, .distance = distance_max };
}

/* A word of which no letter would stay is not meant either. */
void nearest_offer(struct nearest *n, const char *candidate)
{
	size_t d = distance(n->wanted, candidate);

	if (d < n->distance && d < strlen(candidate)) {
		n->best = candidate;
		n->distance = d;
	}
}

const char *nearest_text(struct nearest *n)
{
	n->text[0] = 0;
	if (n->best)
		snprintf(n->text, sizeof(n->text), " (did you mean '%s'?)", n->best);
	return n->text;
}
