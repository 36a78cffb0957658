/* SPDX-License-Identifier: MIT */
/*
 * table.c - a trace as a picture: a row per step, a column per thread, time
 * downwards. Reads the trace and nothing else; called by the text format and by
 * replay.
 *
 * Only one thread moves in a row, so a text may reach into the columns to its
 * right, which are empty there, and columns can be narrow. To its left stand
 * the threads that have begun and not ended. What a thread does inside a
 * statement or under a lock is indented.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report/report.h"

enum {
	WIDTH_MAX = 100,   /* of the picture, if it can be had */
	NUMBER_WIDTH = 5,  /* of the row number and the gap after it */
	COLUMN_MIN = 9,
	TEXT_MIN = 28,     /* columns of text, even if the picture becomes wider */
	TEXT_MAX = 160,
	INDENT = 2,
	ROWS_MAX = 60,     /* more are folded, unless all are wanted */
	RUN_KEPT_MIN = 4,  /* rows kept of each run of one thread */
};

struct row {
	unsigned thread;
	unsigned number;   /* from 1; 0: stands for rows that are not shown */
	bool minor;        /* can go first */
	char text[TEXT_MAX];
};

/* Where a thread's text begins: inside a statement, under locks. */
struct depth { unsigned inside, locks; };

struct table {
	struct row *row;
	size_t rows, hidden;
	bool verbose;
	unsigned threads;
	const char *const *thread;
	struct depth depth[EXPLORE_THREADS_MAX];
	size_t last[EXPLORE_THREADS_MAX];   /* row of each thread; SIZE_MAX: none */
	unsigned column[EXPLORE_THREADS_MAX];
	unsigned width;
};

/* --- rows ---------------------------------------------------------------- */

static bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

/* Locks, walks and copies say how, not what. */
static bool is_minor(const char *text)
{
	static const char *const minor[] = {
		"lock ", "unlock ", "TLB miss", "copy frame", "contents are equal",
	};

	for (size_t i = 0; i < ARRAY_SIZE(minor); i++)
		if (begins(text, minor[i]))
			return true;
	return false;
}

static void operation_text(const struct explore_event *e, char *text, size_t size)
{
	const char *file = e->file ? report_source(e->file) : "?";

	if (begins(e->kind, "load") || begins(e->kind, "store"))
		snprintf(text, size, ". %s %#" PRIx64 ", %s %s:%d", e->kind, e->value,
			 e->function, file, e->line);
	else
		snprintf(text, size, ". %s, %s %s:%d", e->kind, e->function, file, e->line);
}

static void add_row(struct table *t, unsigned thread, bool statement, const char *text)
{
	struct depth *d = &t->depth[thread];
	struct row *r = &t->row[t->rows];
	unsigned indent;

	if (statement)
		*d = (struct depth){ 0 };
	if (begins(text, "unlock ") && d->locks)
		d->locks--;
	indent = INDENT * (d->inside + d->locks);
	*r = (struct row){ .thread = thread, .number = (unsigned)++t->rows,
			   .minor = is_minor(text) };
	snprintf(r->text, sizeof(r->text), "%*s%.*s", (int)indent, "",
		 (int)(sizeof(r->text) - 1 - indent), text);
	if (statement)
		d->inside = 1;
	if (begins(text, "lock "))
		d->locks++;
}

static void add_event(void *table, const struct explore_event *e)
{
	struct table *t = table;
	char text[TEXT_MAX];

	if (e->note) {
		add_row(t, e->thread, report_is_statement(e), e->text);
	} else if (t->verbose) {
		operation_text(e, text, sizeof(text));
		add_row(t, e->thread, false, text);
	}
}

/* --- folding ------------------------------------------------------------- */

static size_t run_length(const struct table *t, size_t from)
{
	size_t n = 1;

	while (from + n < t->rows && t->row[from + n].thread == t->row[from].thread)
		n++;
	return n;
}

static void drop_minor(struct table *t)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->rows; i++)
		if (!t->row[i].minor)
			t->row[kept++] = t->row[i];
	t->rows = kept;
}

/* Of each run keep the first and the last rows, @kept in all. */
static void fold_runs(struct table *t, size_t kept)
{
	size_t out = 0, n;

	for (size_t i = 0; i < t->rows; i += n) {
		n = run_length(t, i);
		for (size_t k = 0; k < n; k++) {
			if (n > kept + 1 && k >= kept / 2 && k < n - kept / 2) {
				struct row fold = { .thread = t->row[i].thread };

				snprintf(fold.text, sizeof(fold.text), "  ... %zu more",
					 n - 2 * (kept / 2));
				t->row[out++] = fold;
				k = n - kept / 2 - 1;
				continue;
			}
			t->row[out++] = t->row[i + k];
		}
	}
	t->rows = out;
}

static size_t rows_if_folded(const struct table *t, size_t kept)
{
	size_t rows = 0, n;

	for (size_t i = 0; i < t->rows; i += n) {
		n = run_length(t, i);
		rows += n > kept + 1 ? 2 * (kept / 2) + 1 : n;
	}
	return rows;
}

static void fold(struct table *t)
{
	size_t all = t->rows, kept = t->rows;

	if (t->rows > ROWS_MAX)
		drop_minor(t);
	if (t->rows > ROWS_MAX) {
		while (kept > RUN_KEPT_MIN && rows_if_folded(t, kept) > ROWS_MAX)
			kept--;
		fold_runs(t, kept);
	}
	t->hidden = all;
	for (size_t i = 0; i < t->rows; i++)
		t->hidden -= t->row[i].number != 0;
}

/* --- columns ------------------------------------------------------------- */

/* Columns as wide as their texts if there is room, else as wide as lets each
 * text end within the picture. */
static void lay_out(struct table *t)
{
	unsigned need[EXPLORE_THREADS_MAX], total = NUMBER_WIDTH, step = WIDTH_MAX;

	for (unsigned k = 0; k < t->threads; k++) {
		need[k] = (unsigned)strlen(t->thread[k]);
		t->last[k] = SIZE_MAX;
	}
	for (size_t i = 0; i < t->rows; i++) {
		struct row *r = &t->row[i];

		if (strlen(r->text) > need[r->thread])
			need[r->thread] = (unsigned)strlen(r->text);
		t->last[r->thread] = i;
	}
	for (unsigned k = 0; k < t->threads; k++) {
		t->column[k] = total;
		total += need[k] + (k + 1 < t->threads ? 3 : 0);
	}
	t->width = total;
	if (total <= WIDTH_MAX)
		return;
	for (unsigned k = 1; k < t->threads; k++) {
		unsigned room = NUMBER_WIDTH + need[k] < WIDTH_MAX ?
				WIDTH_MAX - NUMBER_WIDTH - need[k] : 0;

		if (room / k < step)
			step = room / k;
	}
	if (step < COLUMN_MIN)
		step = COLUMN_MIN;
	for (unsigned k = 0; k < t->threads; k++)
		t->column[k] = NUMBER_WIDTH + k * step;
	t->width = WIDTH_MAX;
}

/* --- printing ------------------------------------------------------------ */

/* Where @text breaks, if it is to take at most @width columns. */
static size_t break_at(const char *text, size_t width)
{
	size_t at = width;

	if (strlen(text) <= width)
		return strlen(text);
	while (at > width / 2 && text[at] != ' ')
		at--;
	return at > width / 2 ? at : width;
}

/* The line up to column @thread: who is in the middle of something. */
static unsigned print_left(FILE *out, const struct table *t, const bool *begun, size_t row,
			   unsigned threads)
{
	unsigned at = NUMBER_WIDTH;

	for (unsigned k = 0; k < threads; k++) {
		bool alive = begun[k] && t->last[k] != SIZE_MAX && t->last[k] > row;

		if (!alive)
			continue;
		fprintf(out, "%*s:", (int)(t->column[k] - at), "");
		at = t->column[k] + 1;
	}
	return at;
}

static void print_row(FILE *out, const struct table *t, const bool *begun, size_t i)
{
	const struct row *r = &t->row[i];
	unsigned column = t->column[r->thread];
	size_t room = WIDTH_MAX > column + TEXT_MIN ? WIDTH_MAX - column : TEXT_MIN;
	size_t indent = strspn(r->text, " ");
	const char *text = r->text;

	for (bool first = true; *text || first; first = false) {
		size_t hang = first ? 0 : indent + INDENT;
		size_t n = break_at(text, room - hang);
		unsigned at;

		if (first && r->number)
			fprintf(out, "%*u  ", NUMBER_WIDTH - 2, r->number);
		else
			fprintf(out, "%*s", NUMBER_WIDTH, "");
		at = print_left(out, t, begun, i, r->thread);
		fprintf(out, "%*s%.*s\n", (int)(column - at + hang), "", (int)n, text);
		text += n;
		while (*text == ' ')
			text++;
	}
}

static void print_heads(FILE *out, const struct table *t)
{
	unsigned at = 0;

	for (unsigned k = 0; k < t->threads; k++) {
		fprintf(out, "%*s%s", (int)(t->column[k] - at), "", t->thread[k]);
		at = t->column[k] + (unsigned)strlen(t->thread[k]);
	}
	fputc('\n', out);
}

static void print_rule(FILE *out, const struct table *t)
{
	fprintf(out, "%*s", NUMBER_WIDTH, "");
	for (unsigned i = NUMBER_WIDTH; i < t->width; i++)
		fputc('-', out);
	fputc('\n', out);
}

void table_print(FILE *out, const struct explore_trace *trace, const char *const *thread,
		 unsigned threads, bool verbose)
{
	bool begun[EXPLORE_THREADS_MAX] = { 0 };
	struct table t = { .thread = thread, .threads = threads, .verbose = verbose };

	ASSERT(threads <= EXPLORE_THREADS_MAX);
	t.row = calloc(trace->count + 1, sizeof(*t.row));
	if (!t.row) {
		fputs("(not enough memory for the picture)\n", out);
		return;
	}
	report_walk(trace, threads, add_event, &t);
	if (!verbose)
		fold(&t);
	lay_out(&t);
	print_heads(out, &t);
	for (size_t i = 0; i < t.rows; i++) {
		if (!i || t.row[i].thread != t.row[i - 1].thread)
			print_rule(out, &t);
		begun[t.row[i].thread] = true;
		print_row(out, &t, begun, i);
	}
	print_rule(out, &t);
	if (t.hidden)
		fprintf(out, "%*s%zu rows are not shown; --verbose shows all\n", NUMBER_WIDTH, "",
			t.hidden);
	free(t.row);
}
