/* SPDX-License-Identifier: MIT */
/*
 * table.c - a trace as a picture in characters. It has a row for each step and a column for
 * each thread, and time runs downwards. Below it stand what was held, and where the steps
 * stand. Called by the text format and by mmun replay.
 *
 * Only one thread moves in a row. So a text may reach into the columns to its right, which
 * are empty there, and the columns can be narrow. To its left stand the threads that have
 * begun and not ended. What a thread does inside a statement or under a lock is indented.
 */
#include <string.h>

#include "report/rows.h"

enum {
	WIDTH_MAX = 100,   /* of the picture, if it can be had */
	NUMBER_WIDTH = 5,  /* of the row number and the gap after it */
	TEXT_MIN = 28,     /* columns of text, even if the picture becomes wider */
	PLACES_MAX = 20,   /* more places are listed only if all are wanted */
};

struct table {
	FILE *out;
	const struct rows *rows;
	struct columns columns;
	size_t last[EXPLORE_THREADS_MAX];   /* row of each thread; SIZE_MAX: none */
};

/* --- the picture --------------------------------------------------------- */

static void find_last(struct table *t)
{
	for (unsigned k = 0; k < t->rows->threads; k++)
		t->last[k] = SIZE_MAX;
	for (size_t i = 0; i < t->rows->count; i++)
		t->last[t->rows->row[i].thread] = i;
}

/* The line up to column @thread: which threads are in the middle of something. */
static unsigned print_left(const struct table *t, const bool *begun, size_t row,
			   unsigned threads)
{
	unsigned at = NUMBER_WIDTH;

	for (unsigned k = 0; k < threads; k++) {
		bool alive = begun[k] && t->last[k] != SIZE_MAX && t->last[k] > row;

		if (!alive)
			continue;
		fprintf(t->out, "%*s:", (int)(t->columns.at[k] - at), "");
		at = t->columns.at[k] + 1;
	}
	return at;
}

static void print_row(const struct table *t, const bool *begun, size_t i)
{
	const struct row *r = &t->rows->row[i];
	unsigned column = t->columns.at[r->thread];
	size_t room = WIDTH_MAX > column + TEXT_MIN ? WIDTH_MAX - column : TEXT_MIN;
	char line[ROWS_LINE_MAX], *text = line;
	size_t indent;

	rows_line(r, line);
	indent = strspn(line, " ");
	for (bool first = true; *text || first; first = false) {
		size_t hang = first ? 0 : indent + ROWS_INDENT;
		size_t n = rows_break(text, room - hang);
		unsigned at;

		if (first && r->kind != ROW_FOLD)
			fprintf(t->out, "%*u  ", NUMBER_WIDTH - 2, r->number);
		else
			fprintf(t->out, "%*s", NUMBER_WIDTH, "");
		at = print_left(t, begun, i, r->thread);
		fprintf(t->out, "%*s%.*s\n", (int)(column - at + hang), "", (int)n, text);
		text += n;
		while (*text == ' ')
			text++;
	}
}

static void print_heads(const struct table *t)
{
	unsigned at = 0;

	for (unsigned k = 0; k < t->rows->threads; k++) {
		fprintf(t->out, "%*s%s", (int)(t->columns.at[k] - at), "", t->rows->thread[k]);
		at = t->columns.at[k] + (unsigned)strlen(t->rows->thread[k]);
	}
	fputc('\n', t->out);
}

static void print_rule(const struct table *t)
{
	fprintf(t->out, "%*s", NUMBER_WIDTH, "");
	for (unsigned i = NUMBER_WIDTH; i < t->columns.width; i++)
		fputc('-', t->out);
	fputc('\n', t->out);
}

static void print_picture(const struct table *t)
{
	const struct rows *rows = t->rows;
	bool begun[EXPLORE_THREADS_MAX] = { 0 };

	print_heads(t);
	for (size_t i = 0; i < rows->count; i++) {
		if (!i || rows->row[i].thread != rows->row[i - 1].thread)
			print_rule(t);
		begun[rows->row[i].thread] = true;
		print_row(t, begun, i);
	}
	print_rule(t);
	if (rows->hidden)
		fprintf(t->out, "%*s%zu rows are not shown; --verbose shows all\n", NUMBER_WIDTH,
			"", rows->hidden);
}

/* --- what was held ------------------------------------------------------- */

struct held_widths { int name, before; };

static const char *before_text(const struct rows *rows, unsigned item)
{
	const struct explore_held *held = held_after(rows, item, 0);

	return held ? held->text : "";
}

static void widen(int *width, const char *text)
{
	if ((int)strlen(text) > *width)
		*width = (int)strlen(text);
}

/* "none (8) -> frame 42, rw (10)" from column @at on, as many lines as it takes. */
static void print_changes(FILE *out, const struct rows *rows, unsigned item, int at)
{
	const struct explore_trace *trace = rows->trace;
	char text[sizeof(trace->held->text) + 24];
	int column = at;
	bool first = true;

	for (size_t h = 0; h < trace->helds; h++) {
		if (trace->held[h].item != item || !rows->held_at[h])
			continue;
		snprintf(text, sizeof(text), "%s%s (%u)", first ? "" : " -> ",
			 trace->held[h].text, rows->held_at[h]);
		if (!first && column + (int)strlen(text) > WIDTH_MAX) {
			fprintf(out, "\n%*s", at, "");
			column = at;
		}
		column += fprintf(out, "%s", text + (column == at && !first));
		first = false;
	}
}

static void print_held(FILE *out, const struct rows *rows)
{
	const struct explore_trace *trace = rows->trace;
	struct held_widths w = { (int)strlen("Held"), (int)strlen("before") };
	bool any = false;

	for (unsigned i = 0; i < trace->items; i++) {
		if (!held_matters(rows, i))
			continue;
		widen(&w.name, trace->item[i].name);
		widen(&w.before, before_text(rows, i));
		any = true;
	}
	if (!any)
		return;
	fprintf(out, "%*s%-*s   %-*s   after (row)\n", NUMBER_WIDTH, "", w.name, "Held", w.before,
		"before");
	for (unsigned i = 0; i < trace->items; i++) {
		bool changes = held_changes(rows, i);

		if (!held_matters(rows, i))
			continue;
		fprintf(out, "%*s%-*s   %-*s", NUMBER_WIDTH, "", w.name, trace->item[i].name,
			changes ? w.before : 0, before_text(rows, i));
		if (changes) {
			fputs("   ", out);
			print_changes(out, rows, i, NUMBER_WIDTH + w.name + w.before + 6);
		}
		fputc('\n', out);
	}
}

/* --- where the steps stand ----------------------------------------------- */

/* Operations say it themselves. Otherwise: what is in the check's own file, and is more
 * than a lock; of the statements of a litmus test nothing is known. */
static bool has_place(const struct rows *rows, const struct row *r)
{
	if (!r->function || !r->file || r->kind == ROW_OPERATION || r->kind == ROW_FOLD)
		return false;
	if (rows_is_own(r))
		return rows->verbose && r->kind != ROW_STATEMENT;
	return rows->verbose || !r->minor;
}

static void print_places(FILE *out, const struct rows *rows)
{
	int label = 0, function = 0;
	unsigned places = 0;

	for (size_t i = 0; i < rows->count; i++) {
		if (!has_place(rows, &rows->row[i]))
			continue;
		widen(&label, rows->row[i].label);
		widen(&function, rows->row[i].function);
		places++;
	}
	if (!places || (places > PLACES_MAX && !rows->verbose))
		return;
	fprintf(out, "%*sSteps\n", NUMBER_WIDTH, "");
	for (size_t i = 0; i < rows->count; i++) {
		const struct row *r = &rows->row[i];

		if (has_place(rows, r))
			fprintf(out, "%*u  %-*s%s%-*s   %s:%d\n", NUMBER_WIDTH - 2, r->number,
				label, r->label, label ? "   " : "", function, r->function,
				r->file, r->line);
	}
}

void table_print(FILE *out, const struct explore_trace *trace, const char *const *thread,
		 unsigned threads, bool verbose)
{
	struct rows rows;
	struct table t = { .out = out, .rows = &rows };

	if (!rows_init(&rows, trace, thread, threads, verbose)) {
		fputs("(not enough memory for the picture)\n", out);
		return;
	}
	if (!verbose)
		rows_fold(&rows);
	rows_columns(&rows, NUMBER_WIDTH, WIDTH_MAX, &t.columns);
	find_last(&t);
	print_picture(&t);
	print_held(out, &rows);
	print_places(out, &rows);
	rows_fini(&rows);
}
