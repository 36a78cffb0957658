/* SPDX-License-Identifier: MIT */
/*
 * rows.c - a trace as rows: which events have one, how deep it is indented, which rows can be
 * left out, which row made a watched thing what it is, and where the columns begin. Reads the
 * trace only; called by the formats that draw.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report/rows.h"

enum {
	ROWS_MAX = 60,     /* more are folded */
	RUN_KEPT_MIN = 4,  /* rows kept of each run of one thread */
	COLUMN_MIN = 9,
	GAP = 3,           /* between columns */
};

/* --- events to rows ------------------------------------------------------ */

struct depth { unsigned inside, locks; };

struct builder {
	struct rows *rows;
	const bool *own;   /* events that get a row whatever they are */
	struct depth depth[EXPLORE_THREADS_MAX];
};

static enum row_kind kind_of(const struct explore_event *e)
{
	static const enum row_kind kind[] = {
		[EXPLORE_OPERATION] = ROW_OPERATION, [EXPLORE_STEP] = ROW_STEP,
		[EXPLORE_DETAIL] = ROW_STEP, [EXPLORE_STATEMENT] = ROW_STATEMENT,
		[EXPLORE_LOCK] = ROW_LOCK, [EXPLORE_UNLOCK] = ROW_UNLOCK,
	};

	return kind[e->kind->role];
}

/* Locks, walks and copies say how, not what. */
static bool is_minor(enum explore_role role)
{
	return role == EXPLORE_DETAIL || role == EXPLORE_LOCK || role == EXPLORE_UNLOCK;
}

static void operation_text(const struct explore_event *e, const struct row *r, bool verbose,
			   char *text, size_t size)
{
	char where[ROWS_TEXT_MAX - 64], value[32] = "";

	if (e->kind->words)
		snprintf(value, sizeof(value), " %#" PRIx64, e->word[0]);
	if (verbose)
		rows_where(r, where, sizeof(where));
	else
		snprintf(where, sizeof(where), "%s", e->function);
	snprintf(text, size, ". %s%s, %s", e->kind->name, value, where);
}

/* A row is one line, whatever a check says. */
static void make_line(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = ' ';
}

static void add_row(struct builder *b, const struct explore_event *e, size_t at)
{
	struct rows *rows = b->rows;
	struct depth *d = &b->depth[e->thread];
	struct row *r = &rows->row[rows->count++];

	*r = (struct row){ .kind = kind_of(e), .thread = e->thread, .at = at,
			   .number = (unsigned)rows->count, .last = (unsigned)rows->count,
			   .minor = is_minor(e->kind->role), .function = e->function,
			   .file = e->file ? report_source(e->file) : NULL, .line = e->line,
			   .said = e->kind };
	memcpy(r->word, e->word, sizeof(r->word));
	if (r->kind == ROW_STATEMENT)
		*d = (struct depth){ 0 };
	r->locks = d->locks;
	if (r->kind == ROW_UNLOCK && d->locks)
		d->locks--;
	r->depth = d->inside + d->locks;
	if (r->kind == ROW_OPERATION)
		operation_text(e, r, rows->verbose, r->text, sizeof(r->text));
	else
		explore_event_text(rows->trace, e, r->text, sizeof(r->text));
	make_line(r->text);
	if (e->operation)
		snprintf(r->label, sizeof(r->label), "%s_step%u", e->operation, e->operation_step);
	if (r->kind == ROW_STATEMENT)
		d->inside = 1;
	if (r->kind == ROW_LOCK)
		d->locks++;
	r->locks_after = d->locks;
}

static void add_event(void *builder, const struct explore_event *e, size_t at)
{
	struct builder *b = builder;

	if (!report_is_operation(e) || b->rows->verbose || (b->own && b->own[at]))
		add_row(b, e, at);
}

/* --- what is watched ----------------------------------------------------- */

/*
 * The explorer says after which operation something has changed. A row speaks of that
 * operation if it is a note of the same step, or a neighbor of the same thread with
 * no other thread's row between them, so that what a picture says was so at the time.
 */
enum { NONE = -1 };

long rows_operation(const struct explore_trace *trace, const struct explore_held *held)
{
	for (size_t i = held->event < trace->count ? held->event : trace->count; i-- > 0;)
		if (report_is_operation(&trace->event[i]))
			return (long)i;
	return NONE;
}

static bool is_of_step(const struct rows *rows, const struct row *r, size_t operation)
{
	const struct explore_event *e = &rows->trace->event[operation];

	return r->thread == e->thread && r->kind != ROW_STATEMENT && r->at >= operation &&
	       rows->trace->event[r->at].step == e->step;
}

/* The row that speaks of the operation; NONE: no row does. */
static long row_of(const struct rows *rows, size_t operation)
{
	const struct explore_event *e = &rows->trace->event[operation];
	const struct row *before = NULL, *after = NULL;
	size_t i = 0;
	bool same_before, same_after;

	while (i < rows->count && rows->row[i].at <= operation)
		i++;
	if (i && rows->row[i - 1].at == operation && rows->row[i - 1].kind == ROW_OPERATION)
		return (long)i - 1;
	if (i)
		before = &rows->row[i - 1];
	if (i < rows->count)
		after = &rows->row[i];
	if (after && is_of_step(rows, after, operation))
		return (long)i;
	same_before = before && before->thread == e->thread;
	same_after = after && after->thread == e->thread;
	if (same_before && before->kind != ROW_STATEMENT && before->function && e->function &&
	    !strcmp(before->function, e->function))
		return (long)i - 1;
	if (same_after && after->kind != ROW_STATEMENT)
		return (long)i;
	if (same_before && (!after || same_after))
		return (long)i - 1;
	return NONE;
}

/* Fill rows->held_at. Marks in @own the operations that no row speaks of, which should have
 * rows of their own, and returns how many there are. */
static size_t place_held(struct rows *rows, bool *own)
{
	const struct explore_trace *trace = rows->trace;
	size_t lost = 0;

	for (size_t h = 0; h < trace->helds; h++) {
		long operation = rows_operation(trace, &trace->held[h]), row;

		rows->held_at[h] = 0;
		if (operation == NONE)
			continue;
		row = row_of(rows, (size_t)operation);
		if (row != NONE)
			rows->held_at[h] = rows->row[row].number;
		else if (trace->event[operation].thread < rows->threads)
			own[operation] = ++lost;
	}
	return lost;
}

/* --- all of it ----------------------------------------------------------- */

static void build(struct rows *rows, const bool *own)
{
	struct builder b = { .rows = rows, .own = own };

	rows->count = 0;
	report_walk(rows->trace, rows->threads, add_event, &b);
}

bool rows_init(struct rows *rows, const struct explore_trace *trace, const char *const *thread,
	       unsigned threads, bool verbose)
{
	bool *own = calloc(trace->count + 1, sizeof(*own));

	*rows = (struct rows){ .trace = trace, .verbose = verbose };
	rows->threads = report_threads(trace, thread, threads, rows->thread);
	rows->row = calloc(trace->count + 1, sizeof(*rows->row));
	rows->held_at = calloc(trace->helds + 1, sizeof(*rows->held_at));
	if (!own || !rows->row || !rows->held_at) {
		free(own);
		rows_fini(rows);
		return false;
	}
	build(rows, NULL);
	if (place_held(rows, own)) {
		build(rows, own);
		place_held(rows, own);
	}
	free(own);
	return true;
}

void rows_fini(struct rows *rows)
{
	free(rows->row);
	free(rows->held_at);
}

/* --- folding ------------------------------------------------------------- */

static size_t run_length(const struct rows *rows, size_t from)
{
	size_t n = 1;

	while (from + n < rows->count && rows->row[from + n].thread == rows->row[from].thread)
		n++;
	return n;
}

static void drop_minor(struct rows *rows)
{
	size_t kept = 0;

	for (size_t i = 0; i < rows->count; i++)
		if (!rows->row[i].minor)
			rows->row[kept++] = rows->row[i];
	rows->count = kept;
}

/* Of each run keep the first and the last rows, @kept in all. */
static void fold_runs(struct rows *rows, size_t kept)
{
	size_t out = 0, n, half = kept / 2;

	for (size_t i = 0; i < rows->count; i += n) {
		n = run_length(rows, i);
		for (size_t k = 0; k < n; k++) {
			struct row r = rows->row[i + k];

			if (n > kept + 1 && k == half) {
				r = (struct row){ .kind = ROW_FOLD, .thread = r.thread,
						  .number = r.number, .depth = 1,
						  .locks = r.locks };
				snprintf(r.text, sizeof(r.text), "... %zu more", n - 2 * half);
				k = n - half - 1;
				r.last = rows->row[i + k].last;
				r.locks_after = rows->row[i + k].locks_after;
			}
			rows->row[out++] = r;
		}
	}
	rows->count = out;
}

static size_t rows_if_folded(const struct rows *rows, size_t kept)
{
	size_t sum = 0, n;

	for (size_t i = 0; i < rows->count; i += n) {
		n = run_length(rows, i);
		sum += n > kept + 1 ? 2 * (kept / 2) + 1 : n;
	}
	return sum;
}

void rows_fold(struct rows *rows)
{
	size_t kept = rows->count;

	rows->hidden = rows->count;
	if (rows->count > ROWS_MAX)
		drop_minor(rows);
	if (rows->count > ROWS_MAX) {
		while (kept > RUN_KEPT_MIN && rows_if_folded(rows, kept) > ROWS_MAX)
			kept--;
		fold_runs(rows, kept);
	}
	for (size_t i = 0; i < rows->count; i++)
		rows->hidden -= rows->row[i].kind != ROW_FOLD;
}

/* --- which row, which columns of it --------------------------------------- */

/* Giving a lock back is nothing that could be wrong. */
static bool shows(const struct row *r)
{
	return r->kind != ROW_UNLOCK && r->kind != ROW_FOLD;
}

unsigned rows_culprit(const struct rows *rows, const struct explore_finding *finding)
{
	unsigned last = 0;

	for (size_t i = rows->count; i-- > 0;) {
		const struct row *r = &rows->row[i];

		if (!shows(r))
			continue;
		if (finding->threads >> r->thread & 1)
			return r->number;
		if (!last)
			last = r->number;
	}
	return last;
}

bool rows_made(const struct rows *rows, size_t row, size_t h)
{
	unsigned shown = row ? rows->row[row - 1].last : 0, by = rows->held_at[h];

	return by > shown && by <= rows->row[row].last;
}

void rows_line(const struct row *r, char line[ROWS_LINE_MAX])
{
	snprintf(line, ROWS_LINE_MAX, "%*s%s%s%s%s", (int)(ROWS_INDENT * r->depth), "",
		 r->kind == ROW_STATEMENT ? "> " : "", r->label, *r->label ? ": " : "", r->text);
}

size_t rows_break(const char *text, size_t width)
{
	size_t at = width;

	if (strlen(text) <= width)
		return strlen(text);
	while (at > width / 2 && text[at] != ' ')
		at--;
	if (at > width / 2)
		return at;
	for (at = width; at > 1 && ((unsigned char)text[at] & 0xc0) == 0x80; at--)
		; /* not within a character */
	return at;
}

void rows_where(const struct row *r, char *text, size_t size)
{
	*text = 0;
	if (r->function && r->file)
		snprintf(text, size, "%s %s:%d", r->function, r->file, r->line);
}

bool rows_is_own(const struct row *r)
{
	static const char *const room[] = {
		"src/base/", "src/sync/", "src/vm/", "src/iommu/", "src/mirror/", "src/explore/",
		"src/litmus/", "src/checks/",
	};

	for (size_t i = 0; r->file && i < ARRAY_SIZE(room); i++)
		if (!strncmp(r->file, room[i], strlen(room[i])))
			return true;
	return !r->file;
}

/* --- columns ------------------------------------------------------------- */

/* As wide as their texts if there is room, else as wide as lets each text end within
 * the picture. */
void rows_columns(const struct rows *rows, unsigned left, unsigned width_max,
		  struct columns *ret)
{
	unsigned need[EXPLORE_THREADS_MAX], total = left, step = width_max;
	char line[ROWS_LINE_MAX];

	for (unsigned k = 0; k < rows->threads; k++)
		need[k] = (unsigned)strlen(rows->thread[k]);
	for (size_t i = 0; i < rows->count; i++) {
		const struct row *r = &rows->row[i];

		rows_line(r, line);
		if (strlen(line) > need[r->thread])
			need[r->thread] = (unsigned)strlen(line);
	}
	for (unsigned k = 0; k < rows->threads; k++) {
		ret->at[k] = total;
		total += need[k] + (k + 1 < rows->threads ? GAP : 0);
	}
	ret->width = total;
	if (total <= width_max)
		return;
	for (unsigned k = 1; k < rows->threads; k++) {
		unsigned room = left + need[k] < width_max ? width_max - left - need[k] : 0;

		if (room / k < step)
			step = room / k;
	}
	if (step < COLUMN_MIN)
		step = COLUMN_MIN;
	for (unsigned k = 0; k < rows->threads; k++)
		ret->at[k] = left + k * step;
	ret->width = width_max;
}
