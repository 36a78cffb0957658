/* SPDX-License-Identifier: MIT */
/*
 * matrix.c - the table that mmun check --matrix ends with: operations by operations, and how
 * the tests of each pair went. The tests come from litmus/table/matrix.c and are run like any
 * others.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "litmus/table/matrix.h"

struct cli_matrix_cell { unsigned verified, unfinished, wrong; };

bool cli_matrix_init(struct cli_matrix *m)
{
	m->rows = litmus_matrix_rows();
	m->cell = calloc(m->rows * m->rows, sizeof(*m->cell));
	return m->cell;
}

void cli_matrix_fini(struct cli_matrix *m)
{
	free(m->cell);
	m->cell = NULL;
}

void cli_matrix_add(struct cli_matrix *m, const char *path, enum litmus_verdict verdict)
{
	struct cli_matrix_cell *cell;
	struct litmus_matrix which;

	if (strncmp(path, CLI_MATRIX, sizeof(CLI_MATRIX) - 1) ||
	    !litmus_matrix_find(path + sizeof(CLI_MATRIX) - 1, &which))
		return;
	cell = &m->cell[(size_t)which.b * m->rows + (size_t)which.a];
	if (verdict == VERDICT_OK)
		cell->verified++;
	else if (verdict == VERDICT_UNFINISHED)
		cell->unfinished++;
	else
		cell->wrong++;
}

/* The worst, since one finding spoils the pair. */
static void cell_text(const struct cli_matrix_cell *cell, char *buf, size_t size)
{
	*buf = 0;
	if (cell->wrong)
		snprintf(buf, size, "!%u", cell->wrong);
	else if (cell->unfinished)
		snprintf(buf, size, "%u?", cell->unfinished);
	else if (cell->verified)
		snprintf(buf, size, "%u", cell->verified);
}

/* Columns have the letters that stand before the rows' names. */
static char letter(size_t row) { return (char)(row < 26 ? 'a' + row : 'A' + (row - 26)); }

void cli_matrix_print(const struct cli_matrix *m)
{
	struct cli_matrix_cell all = { 0 };
	char text[16];

	printf("\n%-16s", "");
	for (size_t a = 0; a < m->rows; a++)
		printf("%4c", letter(a));
	printf("\n");
	for (size_t b = 0; b < m->rows; b++) {
		printf("%c %-14s", letter(b), litmus_matrix_row_name(b));
		for (size_t a = 0; a <= b; a++) {
			const struct cli_matrix_cell *cell = &m->cell[b * m->rows + a];

			all.verified += cell->verified;
			all.unfinished += cell->unfinished;
			all.wrong += cell->wrong;
			cell_text(cell, text, sizeof(text));
			printf("%4s", text);
		}
		printf("\n");
	}
	printf("\nTests of each pair: 3 verified, 3? not finished, !3 with a finding.\n"
	       "%u verified, %u not finished, %u with a finding\n", all.verified,
	       all.unfinished, all.wrong);
}
