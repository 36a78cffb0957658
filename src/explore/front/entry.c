/* SPDX-License-Identifier: MIT */
/*
 * entry.c - keeps the list of the checks that a file has. EXPLORE_CHECK() hands each of them over
 * before main() begins, or while the file is being loaded. That is one thread, so there are no
 * locks.
 */
#include "explore/front/explore.h"

static struct explore_entry *first, **next = &first;

void explore_register(struct explore_entry *entry)
{
	entry->next = NULL;
	*next = entry;
	next = &entry->next;
}

const struct explore_entry *explore_registered(void) { return first; }
