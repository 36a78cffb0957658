/* SPDX-License-Identifier: MIT */
/*
 * search.c - is the front of the room. It begins and ends the work, and after each execution takes
 * the path back to the last step beside which something is left to be run.
 */
#include "explore/search/work.h"
#include "explore/model/model.h"

#include <stdlib.h>

int search_open(void)
{
	work = (struct work){ .nodes = 1, .nodes_capacity = 256 };
	work.plans_max = x.opt.plans_max ? x.opt.plans_max : PLANS_DEFAULT;
	work.branch = calloc(x.steps_max + 2, sizeof(*work.branch));
	work.node = malloc(work.nodes_capacity * sizeof(*work.node));
	return work.branch && work.node ? 0 : -1;
}

void search_close(void)
{
	free(work.branch);
	free(work.node);
	record_close();
	work = (struct work){ 0 };
	all_close();
}

size_t search_memory(void)
{
	return work.nodes_capacity * sizeof(*work.node) + x.races_capacity * sizeof(*x.race) +
	       (x.steps_max + 2) * (sizeof(*x.step) + sizeof(*work.branch)) +
	       x.objects_capacity * sizeof(*x.object) +
	       (x.slots_mask + 1) * sizeof(*x.slot) + x.snapshot_used;
}

/* Siblings are taken for equally large. */
double search_done(void)
{
	double done = 0, width = 1;

	for (int d = 0; d < x.depth && d < 200; d++) {
		const struct branch *b = &work.branch[d];
		unsigned before_it = (unsigned)__builtin_popcount(b->sleep), after = 0;

		for (uint32_t n = b->tree; n; n = work.node[n].sibling)
			after++;
		if (before_it + after) {
			width /= before_it + after + 1;
			done += width * before_it;
		}
	}
	return done;
}

static bool optimal_next(void)
{
	for (int d = x.depth - 1; d >= 0; d--) {
		struct branch *b = &work.branch[d];

		if (path_next_choice(d)) {
			path_dictate(d);
			return true;
		}
		b->sleep |= (uint16_t)(1u << b->thread);
		if (b->tree) {
			const struct node *n = &work.node[b->tree];
			uint32_t taken = b->tree;

			b->thread = n->thread;
			b->choice = b->first_choice = n->choice;
			b->tree = n->sibling;
			work.plan = plan_node_take(taken);
			path_dictate(d);
			return true;
		}
	}
	return false;
}

bool search_next(void)
{
	plan_drop(work.plan); /* what an execution that was given up has not come to */
	work.plan = 0;
	return x.opt.algorithm == EXPLORE_ALL ? all_next() : optimal_next();
}
