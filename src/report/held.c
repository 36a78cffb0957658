/* SPDX-License-Identifier: MIT */
/*
 * held.c - what is watched, TLBs and page table entries say, was at a row of a picture, and
 * whether it is worth showing. Called by whatever draws.
 */
#include <string.h>

#include "report/rows.h"

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
