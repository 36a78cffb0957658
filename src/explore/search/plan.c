/* SPDX-License-Identifier: MIT */
/*
 * plan.c - nodes of wakeup trees: what search.c plans and run.c follows. They
 * live in one array and are named by number, since the array may move.
 */
#include "explore/search/search.h"

#include <stdlib.h>

uint32_t plan_node_new(const struct node *like)
{
	uint32_t n = x.node_free;

	if (n) {
		x.node_free = x.node[n].sibling;
	} else {
		if (x.nodes == x.nodes_capacity) {
			uint32_t capacity = x.nodes_capacity * 2;
			struct node *node = realloc(x.node, capacity * sizeof(*node));

			if (!node) {
				x.out_of_memory = true;
				return 0;
			}
			x.node = node;
			x.nodes_capacity = capacity;
		}
		n = x.nodes++;
	}
	x.node[n] = *like;
	x.node[n].child = x.node[n].sibling = 0;
	x.nodes_planned++;
	return n;
}

uint32_t plan_node_take(uint32_t node)
{
	uint32_t child = x.node[node].child;

	x.node[node].sibling = x.node_free;
	x.node_free = node;
	x.nodes_planned--;
	return child;
}
