/* SPDX-License-Identifier: MIT */
/*
 * when.h - the table of mmun when. cli/when.c computes it, and cli/when_table.c prints it.
 */
#ifndef MMUN_CLI_WHEN_H
#define MMUN_CLI_WHEN_H

#include "cli/cli.h"
#include "litmus/table/when.h"

enum { ROWS_MAX = 96, PLACES_MAX = 12, ERAS = 2 };
enum when_format { WHEN_TEXT, WHEN_MARKDOWN, WHEN_JSON };

struct when_table {
	size_t rows, places;
	bool era[ERAS];          /* modern, classic: is it asked for? */
	struct when_cell cell[ERAS][ROWS_MAX][PLACES_MAX];
	uint64_t executions;
	bool unfinished;
};

extern const char *const when_era_name[ERAS];

void when_print(const struct when_table *table, enum when_format format);
void when_print_note(const struct when_row *row); /* nothing if it has none */

#endif
