/* SPDX-License-Identifier: MIT */
/*
 * model.h - happens-before and races, as the other rooms see them. The objects of an execution
 * are found by their addresses and know who touched them last; each step gets its vector
 * clock from them, and the list of races is what the search reverses.
 *
 *   clock.c   objects, clocks, races between steps
 *   plain.c   accesses that are no operations of the door
 *   order.c   what oracles above the explorer ask of all this
 */
#ifndef MMUN_MODEL_H
#define MMUN_MODEL_H

#include "explore/engine/engine.h"

struct race {
	int16_t i, j;                  /* steps; j may be one past the last: a blocked one */
	bool settled;                  /* reversed, whatever may come after j */
};

/* What is known of an object in this execution; found by address. */
struct object {
	const void *addr;
	int16_t last_write, last_change, last_lock;
	uint16_t readers, adders;      /* threads with a valid entry below */
	bool has_release, has_read_release, has_guard_end;
	int16_t last_read[T_MAX], last_add[T_MAX];
	struct clk release, read_release, guard_end;
};

/* --- clock.c ------------------------------------------------------------- */
struct object *engine_object(const void *addr);
void engine_objects_forget(void);
int16_t engine_key(const void *addr, uint8_t cls); /* as in step_key */
void engine_step_fresh(int j, struct step *s, unsigned thread, const struct object *o);
void engine_touch(struct object *o, int j, const struct step *s);
void engine_pending_races(unsigned thread);

/* --- plain.c ------------------------------------------------------------- */
extern bool plain_told;
extern void (*plain_place)(void *arg, const void *pc, struct explore_place *ret);
extern void *plain_place_arg;
int plain_open(void);                  /* 0; -1: no memory */
void plain_close(void);
void plain_forget(void);               /* the accesses of the execution before */
void plain_access(const void *addr, size_t size, bool write, const struct sync_site *site);
void plain_operation(const struct step *s); /* on a word; about to run */
void plain_freed(const void *addr, size_t size, const struct sync_site *site);

/* --- clocks -------------------------------------------------------------- */

static inline bool dependent(uint8_t cls_a, const void *a, uint8_t cls_b, const void *b)
{
	return a == b && cls_a && cls_b && (cls_a != cls_b || cls_a == SYNC_WRITE);
}

/* Does step a happen before step b? a ran first. */
static inline bool before(const struct step *a, const struct step *b)
{
	return b->clk.c[a->thread] >= a->idx;
}

static inline void clk_join(struct clk *a, const struct clk *b)
{
	for (int t = 0; t < T_MAX; t++)
		a->c[t] = a->c[t] > b->c[t] ? a->c[t] : b->c[t];
	if (!x.plain)
		return;
	for (int t = 0; t < T_MAX; t++)
		a->e[t] = a->e[t] > b->e[t] ? a->e[t] : b->e[t];
}

/* The running thread's accesses from now on are not published by what it has done. */
static inline void epoch_next(struct clk *clk, unsigned thread)
{
	if (!x.plain)
		return;
	ASSERT(clk->e[thread] < INT16_MAX);
	clk->e[thread]++;
}

#endif
