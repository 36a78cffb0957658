/* SPDX-License-Identifier: MIT */
/*
 * spot.h - names addresses so that the name means the same in every process that explores the
 * check. What the search keeps from one execution to the next names an object by its spot, so that
 * it can be handed to another process: see search/record.c.
 *
 * A spot is a region and an offset in it. The regions are the arena, the check's static variables,
 * the stacks of its threads, and the explorer's own state. What lies in none of them is numbered
 * in the order in which it is met. Such a number holds in this process only.
 */
#ifndef MMUN_SPOT_H
#define MMUN_SPOT_H

#include "explore/engine/engine.h"

enum { SPOT_REGION_SHIFT = 28 };

typedef struct { uint32_t v; } spot_t;

spot_t spot_rare(const void *addr);
const void *spot_rare_address(spot_t spot);
bool spot_is_valid(spot_t spot);       /* it lies within its region */
bool spot_is_local(spot_t spot);       /* it holds in this process only */
void spot_forget(void);                /* what was numbered */

/* The arena is region 0, and most objects lie there. */
static inline spot_t spot_of(const void *addr)
{
	size_t offset = (size_t)((const char *)addr - x.arena);

	return offset < x.arena_size ? (spot_t){ (uint32_t)offset } : spot_rare(addr);
}

static inline const void *spot_address(spot_t spot)
{
	return spot.v < x.arena_size ? x.arena + spot.v : spot_rare_address(spot);
}

#endif
