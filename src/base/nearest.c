/* SPDX-License-Identifier: MIT */
/*
 * nearest.c - words are compared by Damerau's and Levenshtein's distance (optimal string
 * alignment): how many letters have to be put in, taken out, changed, or exchanged with the next
 * one, to get from one word to the other. Capitals count as small letters.
 */
#include "base/nearest.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static size_t min(size_t a, size_t b) { return a < b ? a : b; }

static bool differ(char a, char b)
{
	return tolower((unsigned char)a) != tolower((unsigned char)b);
}

/* Computed one row at a time, from the two rows above it. SIZE_MAX if a word is too long. */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][NEAREST_WORD_MAX + 1], n = strlen(b), last = strlen(a);

	if (last > NEAREST_WORD_MAX || n > NEAREST_WORD_MAX)
		return SIZE_MAX;
	for (size_t i = 0; i <= last; i++) {
		const size_t *above = rows[(i + 2) % 3], *second = rows[(i + 1) % 3];
		size_t *row = rows[i % 3];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			if (!i) {
				row[j] = j;
				continue;
			}
			row[j] = min(above[j - 1] + differ(a[i - 1], b[j - 1]),
				     min(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && !differ(a[i - 1], b[j - 2]) &&
			    !differ(a[i - 2], b[j - 1]))
				row[j] = min(row[j], second[j - 2] + 1);
		}
	}
	return rows[last % 3][n];
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
