/* SPDX-License-Identifier: MIT */
/*
 * search.h - which execution comes next, as the other rooms see it.
 *
 *   plan.c     nodes of wakeup trees
 *   search.c   the algorithm
 */
#ifndef MMUN_SEARCH_H
#define MMUN_SEARCH_H

#include "explore/engine/engine.h"

/* A node of a wakeup tree: one step still to be taken. */
struct node {
	const void *addr;
	uint32_t child, sibling;       /* 0: none */
	uint8_t thread, cls, choice;
	bool chooses;                  /* it is a choice */
};

/* --- plan.c -------------------------------------------------------------- */
uint32_t plan_node_new(const struct node *like); /* 0: no memory */
uint32_t plan_node_take(uint32_t node);          /* frees it, returns its children */

/* --- search.c ------------------------------------------------------------ */
void search_races(void);               /* plan the reversal of this execution's races */
bool search_next(void);                /* set up the next execution; false: none left */
size_t search_memory(void);

#endif
