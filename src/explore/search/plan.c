/* SPDX-License-Identifier: MIT */
/*
 * plan.c - owns the nodes of wakeup trees, which reverse.c plans and path.c follows. The nodes
 * live in one array and are named by number, since the array may move.
 */
#include "explore/search/work.h"

#include <stdlib.h>

struct work work;

uint32_t plan_node_new(const struct node *like)
{
	uint32_t n = work.node_free;

	if (n) {
		work.node_free = work.node[n].sibling;
	} else {
		if (work.nodes == work.nodes_capacity) {
			uint32_t capacity = work.nodes_capacity * 2;
			struct node *node = realloc(work.node, capacity * sizeof(*node));

			if (!node) {
				x.out_of_memory = true;
				return 0;
			}
			work.node = node;
			work.nodes_capacity = capacity;
		}
		n = work.nodes++;
	}
	work.node[n] = *like;
	work.node[n].child = work.node[n].sibling = 0;
	work.planned++;
	return n;
}

void plan_drop(uint32_t node)
{
	while (node) {
		uint32_t sibling = work.node[node].sibling;

		plan_drop(plan_node_take(node));
		node = sibling;
	}
}
