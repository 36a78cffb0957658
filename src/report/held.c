/* SPDX-License-Identifier: MIT */
/*
 * held.c - what is watched, TLBs and page table entries say, next to the rows: which row
 * made it what it is. Called by rows.c and by whatever draws.
 *
 * The explorer says after which operation something has changed. A row speaks of that
 * operation if it is a note of the same step, or a neighbour of the same thread with
 * no other thread's row between them, so that what a picture says was so at the time.
 */
#include <string.h>

#include "report/rows.h"

enum { NONE = -1 };

long held_operation(const struct explore_trace *trace, const struct explore_held *held)
{
	for (size_t i = held->event < trace->count ? held->event : trace->count; i-- > 0;)
		if (!trace->event[i].note)
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

size_t held_place(struct rows *rows, bool *own)
{
	const struct explore_trace *trace = rows->trace;
	size_t lost = 0;

	for (size_t h = 0; h < trace->helds; h++) {
		long operation = held_operation(trace, &trace->held[h]), row;

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

const char *held_text(const struct rows *rows, unsigned item, unsigned number)
{
	const struct explore_trace *trace = rows->trace;
	const char *text = NULL;

	for (size_t h = 0; h < trace->helds; h++)
		if (trace->held[h].item == item && rows->held_at[h] <= number)
			text = trace->held[h].text;
	return text;
}

bool held_is_something(const char *text)
{
	return text && strcmp(text, "-") && strcmp(text, "none");
}

bool held_changes(const struct rows *rows, unsigned item)
{
	for (size_t h = 0; h < rows->trace->helds; h++)
		if (rows->trace->held[h].item == item && rows->held_at[h])
			return true;
	return false;
}

/* "a" of "TLB of D0: a". */
static const char *last_word(const char *name)
{
	const char *space = strrchr(name, ' ');

	return space ? space + 1 : name;
}

bool held_matters(const struct rows *rows, unsigned item)
{
	const char *name = rows->trace->item[item];

	if (held_changes(rows, item))
		return true;
	if (!held_is_something(held_text(rows, item, 0)))
		return false;
	for (size_t i = 0; i < rows->count; i++)
		if (rows_mentions(rows->row[i].text, last_word(name)))
			return true;
	return false;
}
