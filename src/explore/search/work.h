/* SPDX-License-Identifier: MIT */
/*
 * work.h - the work that is left to the search, inside the room: the path of the execution that
 * is under way, from its first step on, with what was run and what is planned beside it. The
 * arrays that it stands in are the only pointers in it, so what it is between two executions can
 * be handed to another process.
 *
 *   plan.c      nodes of wakeup trees
 *   record.c    the work as one flat record
 *   path.c      the path: followed, made longer, taken back to the next branch
 *   reverse.c   the reduction: which races are reversed, and how
 *   all.c       every interleaving, for checking the reduction
 *   search.c    the front: beginning, next execution, end
 */
#ifndef MMUN_WORK_H
#define MMUN_WORK_H

#include "explore/engine/spot.h"
#include "explore/search/search.h"

enum { PLANS_DEFAULT = 1 << 20 };      /* nodes of wakeup trees, 16 bytes each */

/* A node of a wakeup tree: one step still to be taken. */
struct node {
	spot_t spot;                   /* of its object, if it has a class */
	uint32_t child, sibling;       /* 0: none */
	uint8_t thread, cls, choice;
	uint8_t chooses;               /* it is a choice */
};
_Static_assert(sizeof(struct node) == 16, "goes into records as it is");

/* One step of the path. */
struct branch {
	uint32_t races;                /* how many end before this step */
	uint32_t tree;                 /* wakeup tree: first pending sibling, 0: none */
	uint16_t sleep;                /* threads asleep before this step */
	uint16_t enabled, done;        /* EXPLORE_ALL only */
	uint8_t thread;
	uint8_t choice, choices;       /* which of how many */
	uint8_t first_choice;          /* the choice that it began with */
	uint16_t unused;
};
_Static_assert(sizeof(struct branch) == 20, "goes into records as it is");

struct record;

struct work {
	struct branch *branch;         /* steps_max + 2 */
	int replay;                    /* the first so many are dictated */
	uint16_t sleep;                /* threads asleep before the next step */
	uint32_t plan;                 /* wakeup tree from the next step on, 0: none */
	struct node *node;             /* [0] unused */
	uint32_t nodes, nodes_capacity, node_free;
	uint32_t planned, plans_max;   /* nodes in wakeup trees; the most that may be */
	bool frugal;                   /* they were hit: no more plans, for good */
	bool strayed;                  /* a plan could not be followed */
	struct record *record;         /* that was read, and whose path was not run yet */
	bool foreign;                  /* it is not of this check */
};

extern struct work work;

/* --- plan.c -------------------------------------------------------------- */
uint32_t plan_node_new(const struct node *like); /* 0: no memory */
void plan_drop(uint32_t node);                   /* with its siblings, and all below them */

/* Frees a node, returns its children. */
static inline uint32_t plan_node_take(uint32_t node)
{
	uint32_t child = work.node[node].child;

	work.node[node].sibling = work.node_free;
	work.node_free = node;
	work.planned--;
	return child;
}

/* --- record.c ------------------------------------------------------------ */
bool record_fits(int d);               /* step d of the path that was read; else it is foreign */
void record_close(void);

/* --- path.c -------------------------------------------------------------- */
/* The path ends with step @d, whose branch says how; what was planned beyond is forgotten. */
void path_dictate(int d);
/* Step @d's next choice, with what is planned for after it; false: there is none. */
bool path_next_choice(int d);

/* --- all.c --------------------------------------------------------------- */
bool all_next(void);
void all_close(void);

#endif
