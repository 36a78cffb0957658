/* SPDX-License-Identifier: MIT */
/*
 * held.c - what a watched thing, such as a TLB or an entry of a page table, was at a row of a
 * picture, and whether it is worth showing. Called by the formats that draw.
 */
#include "report/rows.h"

const struct explore_held *held_after(const struct rows *rows, unsigned item, unsigned number)
{
	const struct explore_trace *trace = rows->trace;
	const struct explore_held *held = NULL;

	for (size_t h = 0; h < trace->helds; h++)
		if (trace->held[h].item == item && rows->held_at[h] <= number)
			held = &trace->held[h];
	return held;
}

bool held_is_something(const struct explore_held *held) { return held && !held->nothing; }

bool held_changes(const struct rows *rows, unsigned item)
{
	for (size_t h = 0; h < rows->trace->helds; h++)
		if (rows->trace->held[h].item == item && rows->held_at[h])
			return true;
	return false;
}

/* Does the row speak of one of the addresses that the item is about? */
static bool is_about(const struct row *r, const struct explore_item *item)
{
	for (unsigned w = 0; r->said && w < r->said->words; w++)
		if (r->said->word[w].is == EXPLORE_ADDRESS && r->word[w] >= item->start &&
		    r->word[w] < item->end)
			return true;
	return false;
}

bool held_matters(const struct rows *rows, unsigned item)
{
	if (held_changes(rows, item))
		return true;
	if (!held_is_something(held_after(rows, item, 0)))
		return false;
	if (!rows->trace->item[item].end)
		return true; /* a check's own: it was asked for */
	for (size_t i = 0; i < rows->count; i++)
		if (is_about(&rows->row[i], &rows->trace->item[item]))
			return true;
	return false;
}
